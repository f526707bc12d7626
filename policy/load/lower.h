#ifndef POLICY_LOAD_LOWER_H
#define POLICY_LOAD_LOWER_H

#include "policy/eval/program.h"
#include "policy/syntax/ast.h"

/*
 * Turns the tree into the program that is executed, in p's arena, and leaves
 * the tree and the source behind. Constant sets, records and extension values
 * are made here once; what would raise an error stays an expression, so that
 * the error is raised when Cedar raises it. Policies come in the order of the
 * tree, then links; templates stay behind. TS_E_FORMAT with diagnostics when a
 * record has a key twice.
 */
TS_NODISCARD ts_err cedar_lower(const struct ast *ast, struct ts_arena *temp,
                                struct cedar_diags *diags,
                                struct cedar_policies *p);

/* A tree whose policies have ids, as a set that is ready to decide. budget is
 * for the set's arena. */
TS_NODISCARD ts_err cedar_load_tree(const struct ast *ast, size_t budget,
                                    struct cedar_policies **ret,
                                    struct cedar_diags *diags);

#endif
