#include "policy/syntax/walk.h"

void ast_walk(const struct ast_expr *x, ast_visit_fn visit, void *arg)
{
    if (!visit(x, arg))
        return;
    for (const struct ast_expr *kid = x->first; kid != NULL; kid = kid->next)
        ast_walk(kid, visit, arg);
}

static void walk_list(const struct ast_expr *list, ast_visit_fn visit,
                      void *arg)
{
    for (; list != NULL; list = list->next)
        ast_walk(list, visit, arg);
}

void ast_walk_policy(const struct ast_policy *p, ast_visit_fn visit, void *arg)
{
    walk_list(p->principal.uids, visit, arg);
    walk_list(p->action.uids, visit, arg);
    walk_list(p->resource.uids, visit, arg);
    for (const struct ast_cond *c = p->conds; c != NULL; c = c->next)
        ast_walk(c->expr, visit, arg);
}

bool ast_is_path(const struct ast_expr *x, enum ast_var var,
                 const struct ts_str *names, size_t count)
{
    while (count > 0) {
        if (x->op != AST_GET || !ts_str_eq(x->str, names[--count]))
            return false;
        x = x->first;
    }
    return x->op == AST_VAR && x->sub == (uint8_t)var;
}
