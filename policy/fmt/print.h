#ifndef POLICY_FMT_PRINT_H
#define POLICY_FMT_PRINT_H

#include "policy/cedar_text.h"
#include "policy/syntax/ast.h"

/*
 * One policy or template as Cedar text in the formatter's style, from any tree:
 * parentheses wherever the grammar wants them, names that are no identifiers in
 * quotes, strings escaped. TS_E_INVALID when the tree says what no text can
 * (a chain of `has` with a name that is no identifier, for example) or does not
 * come back from its text; out is then as it was. For a whole set call it for
 * each: cedar_ast_print() looks its policy up by index first.
 */
TS_NODISCARD ts_err cedar_print_policy(const struct ast_policy *p,
                                       struct ts_buf *out);

#endif
