#ifndef POLICY_FMT_EQUAL_H
#define POLICY_FMT_EQUAL_H

#include "policy/syntax/ast.h"

/* Whether two policies say the same in the same way: effect, annotations in
 * order, scopes, conditions node by node. Names, spans and parentheses that
 * change nothing do not count. */
bool fmt_policy_equal(const struct ast_policy *a, const struct ast_policy *b);

#endif
