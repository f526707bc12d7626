#include "policy/fmt/equal.h"

#include "policy/core/limits.h"

/* The parser leaves the word itself in other nodes, too; a tree from JSON has
 * none there. */
static bool has_text(enum ast_op op)
{
    return op == AST_STR || op == AST_UID || op == AST_ATTR || op == AST_RUN ||
           op == AST_IS || op == AST_GET || op == AST_FIELD;
}

static bool expr_equal(const struct ast_expr *a, const struct ast_expr *b,
                       unsigned depth)
{
    const struct ast_expr *x, *y;

    if (a->op != b->op || a->sub != b->sub || a->num != b->num ||
        a->count != b->count || depth > CEDAR_HEIGHT_MAX)
        return false;
    if (has_text(a->op) &&
        (!ts_str_eq(a->str, b->str) || !ts_str_eq(a->id, b->id)))
        return false;
    for (x = a->first, y = b->first; x != NULL && y != NULL;
         x = x->next, y = y->next) {
        if (a->op == AST_ADD && x != a->first && x->join != y->join)
            return false;
        if (!expr_equal(x, y, depth + 1))
            return false;
    }
    return x == NULL && y == NULL;
}

static bool scope_equal(const struct ast_scope *a, const struct ast_scope *b)
{
    const struct ast_expr *x = a->uids, *y = b->uids;

    if (a->op != b->op || a->slot != b->slot || a->list != b->list ||
        a->uid_count != b->uid_count || !ts_str_eq(a->type, b->type))
        return false;
    for (uint32_t i = 0; i < a->uid_count; i++, x = x->next, y = y->next)
        if (!ts_str_eq(x->str, y->str) || !ts_str_eq(x->id, y->id))
            return false;
    return true;
}

static bool annotations_equal(const struct ast_policy *a,
                              const struct ast_policy *b)
{
    const struct ast_annotation *x = a->annotations, *y = b->annotations;

    for (; x != NULL && y != NULL; x = x->next, y = y->next)
        if (!ts_str_eq(x->key, y->key) || !ts_str_eq(x->value, y->value) ||
            x->bare != y->bare)
            return false;
    return x == NULL && y == NULL;
}

bool fmt_policy_equal(const struct ast_policy *a, const struct ast_policy *b)
{
    const struct ast_cond *x = a->conds, *y = b->conds;

    if (a->effect != b->effect || !annotations_equal(a, b) ||
        !scope_equal(&a->principal, &b->principal) ||
        !scope_equal(&a->action, &b->action) ||
        !scope_equal(&a->resource, &b->resource))
        return false;
    for (; x != NULL && y != NULL; x = x->next, y = y->next)
        if (x->unless != y->unless || !expr_equal(x->expr, y->expr, 0))
            return false;
    return x == NULL && y == NULL;
}
