#ifndef POLICY_FMT_FORMAT_H
#define POLICY_FMT_FORMAT_H

#include "policy/cedar_text.h"
#include "policy/syntax/ast.h"

/* Formats a text whose tree is known, with all checks of cedar_format().
 * TS_E_STATE when one failed; out is then as it was. */
TS_NODISCARD ts_err cedar_format_tree(struct ts_str text,
                                      const struct ast *tree,
                                      const struct cedar_format *style,
                                      struct ts_buf *out);

/* For a text that comes from here: blanks before lines, or a whole tree's
 * parentheses, are no reason to refuse it. */
struct cedar_options cedar_format_again(void);

/* Whether two texts that lex hold the same comments in the same order, blanks
 * at their ends aside. */
bool cedar_comments_equal(struct ts_str a, struct ts_str b);

#endif
