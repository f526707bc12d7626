/* Policies as a whole: scopes, conditions, annotations, the arrays' sizes. */
#include "policy/core/uid.h"
#include "policy/load/lower_priv.h"
#include "proto/base/ts_require.h"

/* filled stands in place of the slot, if s has one. */
static ts_err lower_scope(struct lower *lo, const struct ast_scope *s,
                          const struct ast_expr *filled, struct ev_scope *ret)
{
    static const enum ev_scope_op scope_ops[] = {
        [AST_ANY] = EV_ANY,
        [AST_SCOPE_EQ] = EV_SCOPE_EQ,
        [AST_SCOPE_IN] = EV_SCOPE_IN,
        [AST_SCOPE_IS] = EV_SCOPE_IS,
    };
    const struct ast_expr *x = s->slot ? filled : s->uids;
    uint32_t n = s->slot ? 1 : s->uid_count;
    const struct cedar_uid **uids;
    void *mem;
    ts_err e;

    *ret = (struct ev_scope){.op = scope_ops[s->op], .count = n};
    if (s->op == AST_SCOPE_IS &&
        (e = cedar_str_copy(&lo->p->arena, s->type, &ret->type)) != TS_OK)
        return e;
    if (n == 0)
        return TS_OK;
    e = ts_arena_array(&lo->p->arena, n, sizeof(*uids), &mem);
    if (e != TS_OK)
        return e;
    uids = mem;
    for (uint32_t i = 0; i < n; i++, x = x->next)
        if ((e = cedar_uid_copy(&lo->p->arena, x->str, x->id, &uids[i])) !=
            TS_OK)
            return e;
    ret->uids = uids;
    return TS_OK;
}

/* All conditions as one conjunction; "unless { e }" is "when { !e }". */
static ts_err lower_conds(struct lower *lo, const struct ast_policy *src,
                          uint32_t *ret)
{
    uint32_t at = lo->kids, i = 0;

    if (src->cond_count == 0) {
        *ret = EV_NO_COND;
        return TS_OK;
    }
    lo->kids += src->cond_count;
    for (const struct ast_cond *c = src->conds; c != NULL; c = c->next, i++) {
        uint32_t n;
        ts_err e = lower_expr(lo, c->expr, &n);

        if (e != TS_OK)
            return e;
        if (c->unless)
            n = lower_emit(lo,
                           (struct ev_node){.op = EV_NOT, .sub = 1, .a = n});
        lo->p->kids[at + i] = n;
    }
    *ret =
        src->cond_count == 1
            ? lo->p->kids[at]
            : lower_emit(lo, (struct ev_node){
                                 .op = EV_AND, .n = src->cond_count, .a = at});
    return TS_OK;
}

static ts_err lower_annotations(struct lower *lo, const struct ast_policy *src,
                                struct lower_body *ret)
{
    const struct ast_annotation *a = src->annotations;
    struct ev_annotation *out;
    void *mem;
    ts_err e = ts_arena_array(&lo->p->arena, src->annotation_count,
                              sizeof(*out), &mem);

    if (e != TS_OK)
        return e;
    out = mem;
    for (uint32_t i = 0; i < src->annotation_count; i++, a = a->next)
        if ((e = cedar_str_copy(&lo->p->arena, a->key, &out[i].key)) != TS_OK ||
            (e = cedar_str_copy(&lo->p->arena, a->value, &out[i].value)) !=
                TS_OK)
            return e;
    ret->annotations = out;
    ret->annotation_count = src->annotation_count;
    return TS_OK;
}

static ts_err lower_body(struct lower *lo, const struct ast_policy *src,
                         struct lower_body *ret)
{
    ts_err e;

    if (ret->done)
        return TS_OK;
    if ((e = lower_conds(lo, src, &ret->cond)) != TS_OK ||
        (e = lower_clauses(lo, src, ret)) != TS_OK ||
        (e = lower_annotations(lo, src, ret)) != TS_OK)
        return e;
    ret->done = true;
    return TS_OK;
}

/* A static policy, or a link of the template src. */
static ts_err lower_policy(struct lower *lo, const struct ast_policy *src,
                           const struct ast_link *link, uint32_t index)
{
    struct ev_policy *out = &lo->p->policies[index];
    struct ev_policy_meta *meta = &lo->p->meta[index];
    struct lower_body own = {0};
    struct lower_body *body = link != NULL ? &lo->bodies[src->place] : &own;
    ts_err e;

    out->effect = src->effect;
    if ((e = lower_scope(lo, &src->principal,
                         link != NULL ? link->principal : NULL,
                         &out->principal)) != TS_OK ||
        (e = lower_scope(lo, &src->action, NULL, &out->action)) != TS_OK ||
        (e = lower_scope(lo, &src->resource,
                         link != NULL ? link->resource : NULL,
                         &out->resource)) != TS_OK ||
        (e = cedar_str_copy(&lo->p->arena, link != NULL ? link->id : src->id,
                            &meta->id)) != TS_OK ||
        (e = lower_body(lo, src, body)) != TS_OK)
        return e;
    out->cond = body->cond;
    meta->annotations = body->annotations;
    meta->annotation_count = body->annotation_count;
    meta->clauses = body->clauses;
    meta->clause_count = body->clause_count;
    meta->span = src->span;
    return TS_OK;
}

static ts_err array(struct cedar_policies *p, size_t n, size_t size,
                    uint32_t *ret_cap, void **ret)
{
    if (n >= UINT32_MAX)
        return TS_E_LIMIT;
    *ret_cap = (uint32_t)n;
    return ts_arena_array(&p->arena, n, size, ret);
}

/* Each array gets the most that the tree can ask for. */
static ts_err make_room(struct lower *lo, const struct ast *ast)
{
    const size_t *by = ast->nodes;
    struct cedar_policies *p = lo->p;
    size_t all = 0, consts;
    size_t policies = (size_t)ast->count - ast->templates + ast->link_count;
    uint32_t ignored;
    void *m[11];
    ts_err e;

    for (unsigned i = 0; i < AST_OP_COUNT; i++)
        all += by[i];
    consts = by[AST_BOOL] + by[AST_INT] + by[AST_STR] + by[AST_UID] +
             by[AST_SET] + by[AST_RECORD] + by[AST_EXT];
    if ((e = array(p, all + 2 * ast->conds, sizeof(struct ev_node),
                   &lo->cap_nodes, &m[0])) != TS_OK ||
        (e = array(p, all + 2 * ast->conds, sizeof(struct ev_span), &ignored,
                   &m[9])) != TS_OK ||
        (e = array(p, by[AST_GET], sizeof(struct ev_path), &lo->cap_paths,
                   &m[10])) != TS_OK ||
        (e = array(p, all + ast->conds, sizeof(uint32_t), &lo->cap_kids,
                   &m[1])) != TS_OK ||
        (e = array(p, all + ast->conds, 1, &ignored, &m[2])) != TS_OK ||
        (e = array(p, consts, sizeof(struct cedar_value), &lo->cap_consts,
                   &m[3])) != TS_OK ||
        (e = array(p, by[AST_GET] + by[AST_ATTR] + by[AST_FIELD],
                   sizeof(struct ts_str), &lo->cap_strs, &m[4])) != TS_OK ||
        (e = array(p, by[AST_IS], sizeof(struct ts_str), &lo->cap_types,
                   &m[5])) != TS_OK ||
        (e = array(p, by[AST_LIKE], sizeof(struct cedar_pattern),
                   &lo->cap_patterns, &m[6])) != TS_OK ||
        (e = array(p, policies, sizeof(struct ev_policy), &p->count, &m[7])) !=
            TS_OK ||
        (e = array(p, policies, sizeof(struct ev_policy_meta), &ignored,
                   &m[8])) != TS_OK)
        return e;
    p->nodes = m[0];
    p->kids = m[1];
    p->joins = m[2];
    p->consts = m[3];
    p->strs = m[4];
    p->types = m[5];
    p->patterns = m[6];
    p->policies = m[7];
    p->meta = m[8];
    p->spans = m[9];
    p->paths = m[10];
    return TS_OK;
}

static ts_err lower_all(struct lower *lo, const struct ast *ast)
{
    const struct ast_link *link = ast->links;
    ts_err e = TS_OK, first = TS_OK;
    uint32_t i = 0;

    for (const struct ast_policy *p = ast->policies; p != NULL; p = p->next) {
        if (ast_is_template(p))
            continue;
        e = lower_policy(lo, p, NULL, i++);
        if (e != TS_OK && e != TS_E_FORMAT)
            return e;
        first = first != TS_OK ? first : e;
    }
    for (; link != NULL && first == TS_OK; link = link->next)
        first = lower_policy(lo, link->of, link, i++);
    TS_REQUIRE(first != TS_OK || i == lo->p->count);
    return first;
}

ts_err cedar_lower(const struct ast *ast, struct ts_arena *temp,
                   struct cedar_diags *diags, struct cedar_policies *p)
{
    struct lower lo = {.p = p, .temp = temp, .diags = diags};
    void *mem;
    ts_err e = make_room(&lo, ast);

    if (e == TS_OK && ast->links != NULL) {
        e = ts_arena_array(temp, ast->count, sizeof(*lo.bodies), &mem);
        if (e == TS_OK)
            lo.bodies = mem;
    }
    return e == TS_OK ? lower_all(&lo, ast) : e;
}
