#ifndef POLICY_SYNTAX_WALK_H
#define POLICY_SYNTAX_WALK_H

#include "policy/syntax/ast.h"

/*
 * Visits an expression and all below it, parents first, kids in order. The
 * visitor returns false to leave out what is below this node. Recursion is as
 * deep as the tree, which the parser has bounded by CEDAR_HEIGHT_MAX.
 */
typedef bool (*ast_visit_fn)(const struct ast_expr *x, void *arg);
void ast_walk(const struct ast_expr *x, ast_visit_fn visit, void *arg);
/* All entities of the scope, then all conditions. */
void ast_walk_policy(const struct ast_policy *p, ast_visit_fn visit, void *arg);

/* Whether x reads exactly this path, such as context.approval: var, then names
 * as attributes or ["quoted"]. */
bool ast_is_path(const struct ast_expr *x, enum ast_var var,
                 const struct ts_str *names, size_t count);

#endif
