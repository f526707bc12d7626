/* What explanations need beside the program: paths by name, and the clauses of
 * each policy as they were written. */
#include "policy/core/uid.h"
#include "policy/load/lower_priv.h"
#include "proto/base/ts_require.h"

#define NOWHERE UINT32_MAX

static ts_err add_path(struct lower *lo, uint32_t parent, struct ts_str attr,
                       uint32_t *ret)
{
    struct ev_path *p = &lo->p->paths[lo->paths];
    ts_err e = cedar_str_copy(&lo->p->arena, attr, &p->attr);

    TS_REQUIRE(lo->paths < lo->cap_paths);
    if (e != TS_OK)
        return e;
    p->parent = parent;
    *ret = lo->paths++;
    return TS_OK;
}

ts_err lower_path(struct lower *lo, uint32_t parent, struct ts_str attr,
                  uint32_t *ret)
{
    uint64_t hash = cedar_hash_str(attr, parent);
    uint8_t *first = &lo->path_first[hash >> 58];
    ts_err e;

    for (unsigned i = *first; i != 0; i = lo->path_next[i - 1]) {
        const struct ev_path *p = &lo->p->paths[i - 1];

        if (p->parent == parent && cedar_str_same(p->attr, attr)) {
            *ret = i - 1;
            return TS_OK;
        }
    }
    e = add_path(lo, parent, attr, ret);
    if (e == TS_OK && *ret < EV_PATHS_SHARED) {
        lo->path_next[*ret] = *first;
        *first = (uint8_t)(*ret + 1);
    }
    return e;
}

/* ---- clauses ----------------------------------------------------------- */

/* Walks expressions whose height the parser has bounded; out is NULL while
 * clauses are only counted. */
struct clauses {
    struct cedar_clause *out;
    uint32_t count;
};

static uint32_t add(struct clauses *c, enum cedar_clause_kind kind,
                    uint32_t parent, struct cedar_span span)
{
    if (c->out != NULL)
        c->out[c->count] =
            (struct cedar_clause){.kind = kind, .parent = parent, .span = span};
    return c->count++;
}

static void add_expr(struct clauses *c, const struct ast_expr *x,
                     uint32_t parent)
{
    enum cedar_clause_kind kind = CEDAR_CLAUSE_TEST;
    uint32_t at;

    if (x->op == AST_AND)
        kind = CEDAR_CLAUSE_AND;
    else if (x->op == AST_OR)
        kind = CEDAR_CLAUSE_OR;
    else if (x->op == AST_NOT)
        kind = CEDAR_CLAUSE_NOT;
    else if (x->op == AST_IF)
        kind = CEDAR_CLAUSE_IF;
    at = add(c, kind, parent, x->span);
    if (kind == CEDAR_CLAUSE_TEST)
        return;
    for (const struct ast_expr *k = x->first; k != NULL; k = k->next)
        add_expr(c, k, at);
}

static void add_all(struct clauses *c, const struct ast_policy *src)
{
    (void)add(c, CEDAR_CLAUSE_PRINCIPAL, NOWHERE, src->principal.span);
    (void)add(c, CEDAR_CLAUSE_ACTION, NOWHERE, src->action.span);
    (void)add(c, CEDAR_CLAUSE_RESOURCE, NOWHERE, src->resource.span);
    for (const struct ast_cond *k = src->conds; k != NULL; k = k->next)
        add_expr(c, k->expr,
                 add(c, k->unless ? CEDAR_CLAUSE_UNLESS : CEDAR_CLAUSE_WHEN,
                     NOWHERE, k->span));
}

ts_err lower_clauses(struct lower *lo, const struct ast_policy *src,
                     struct lower_body *ret)
{
    struct clauses c = {0};
    void *mem;
    ts_err e;

    add_all(&c, src);
    e = ts_arena_array(&lo->p->arena, c.count, sizeof(*c.out), &mem);
    if (e != TS_OK)
        return e;
    c = (struct clauses){.out = mem};
    add_all(&c, src);
    ret->clauses = mem;
    ret->clause_count = c.count;
    return TS_OK;
}
