#ifndef POLICY_SYNTAX_NODE_H
#define POLICY_SYNTAX_NODE_H

#include "policy/syntax/ast.h"

/* How trees grow, for whoever reads them: from text (parse.c) or from JSON
 * (policy/est). */

/* A leaf of this kind, counted in nodes[op]. */
TS_NODISCARD ts_err ast_node_new(struct ts_arena *arena,
                                 size_t nodes[AST_OP_COUNT], enum ast_op op,
                                 struct cedar_span span, struct ast_expr **ret);
/* Appends kid; false, and nothing done, when the tree would become higher than
 * CEDAR_HEIGHT_MAX. */
TS_NODISCARD bool ast_node_adopt(struct ast_expr *parent, struct ast_expr *kid);
/* Appends an AST_UID to the scope's list; *tail is its last one, NULL before
 * the first. */
void ast_scope_append(struct ast_scope *scope, struct ast_expr **tail,
                      struct ast_expr *uid);

#endif
