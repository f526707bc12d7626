#ifndef POLICY_LOAD_LOWER_H
#define POLICY_LOAD_LOWER_H

#include "policy/eval/program.h"
#include "policy/syntax/ast.h"

/*
 * Turns the tree into the program that is executed, in p's arena, and leaves
 * the tree and the source behind. Constant sets, records and extension values
 * are made here once; what would raise an error stays an expression, so that
 * the error is raised when Cedar raises it.
 */
TS_NODISCARD ts_err cedar_lower(const struct ast *ast, struct ts_arena *temp,
                                struct cedar_diags *diags,
                                struct cedar_policies *p);

#endif
