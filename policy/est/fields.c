/* Keys of record literals are unique; the walk that says so. */
#include "policy/core/diag.h"
#include "policy/core/limits.h"
#include "policy/core/sort.h"
#include "policy/core/uid.h"
#include "policy/est/tree.h"
#include "proto/base/ts_require.h"

static int field_order(const void *a, const void *b)
{
    const struct ast_expr *const *x = a, *const *y = b;
    int c = cedar_str_order((*x)->str, (*y)->str);

    if (c != 0)
        return c;
    return ((*x)->span.offset > (*y)->span.offset) -
           ((*x)->span.offset < (*y)->span.offset);
}

ts_err est_sort_fields(struct ts_arena *arena, const struct ast_expr *record,
                       struct cedar_diags *diags, const struct ast_expr ***ret)
{
    const struct ast_expr **f, *k = record->first;
    void *mem;
    ts_err e = ts_arena_array(arena, record->count, sizeof(*f), &mem);

    if (e != TS_OK)
        return e;
    f = mem;
    for (uint32_t i = 0; i < record->count; i++, k = k->next)
        f[i] = k;
    cedar_sort(f, record->count, sizeof(*f), field_order);
    for (uint32_t i = 1; i < record->count; i++) {
        if (!ts_str_eq(f[i - 1]->str, f[i]->str))
            continue;
        cedar_diag_add(
            diags, "parse_error", f[i]->span, "remove one of the two",
            "duplicate key `%s` in record literal", cedar_quote(f[i]->str).s);
        return TS_E_FORMAT;
    }
    *ret = f;
    return TS_OK;
}

struct walk {
    struct ts_arena temp;
    struct cedar_diags *diags;
    uint32_t depth;
    bool found;
};

/* Trees are at most CEDAR_HEIGHT_MAX high. */
static ts_err visit(struct walk *w, const struct ast_expr *x)
{
    ts_err e = TS_OK;

    TS_REQUIRE(w->depth <= CEDAR_HEIGHT_MAX);
    if (x->op == AST_RECORD && x->count > 1) {
        const struct ast_expr **ignored;

        e = est_sort_fields(&w->temp, x, w->diags, &ignored);
        w->found = w->found || e == TS_E_FORMAT;
        ts_arena_reset(&w->temp);
        if (e != TS_OK && e != TS_E_FORMAT)
            return e;
        e = TS_OK;
    }
    w->depth++;
    for (const struct ast_expr *k = x->first; e == TS_OK && k != NULL;
         k = k->next)
        e = visit(w, k);
    w->depth--;
    return e;
}

ts_err est_check_records(const struct ast *tree, struct cedar_diags *diags)
{
    struct walk w = {.diags = diags};
    ts_err e = TS_OK;

    if (tree->nodes[AST_RECORD] == 0)
        return TS_OK;
    ts_arena_init(&w.temp, CEDAR_LOAD_BASE +
                               tree->nodes[AST_FIELD] * 2 * sizeof(void *));
    for (const struct ast_policy *p = tree->policies; p != NULL; p = p->next)
        for (const struct ast_cond *c = p->conds; e == TS_OK && c != NULL;
             c = c->next)
            e = visit(&w, c->expr);
    ts_arena_done(&w.temp);
    return e != TS_OK ? e : (w.found ? TS_E_FORMAT : TS_OK);
}
