#ifndef TESTS_UNIT_POLICY_EXPLAIN_CHECK_H
#define TESTS_UNIT_POLICY_EXPLAIN_CHECK_H

#include "policy/cedar_explain.h"

/*
 * What must hold of every explanation, whatever the policies: clauses form a
 * tree in the order of the text, each outcome follows from those below it with
 * what a short circuit skips left out, and all of it agrees with the answer.
 * Returns NULL, or what does not hold.
 */
const char *explain_check(const struct cedar_policies *p,
                          const struct cedar_answer *a,
                          const struct cedar_explanation *why);
/* Whether two answers are equal, errors and their texts included. */
bool explain_same_answer(const struct cedar_answer *a,
                         const struct cedar_answer *b);

#endif
