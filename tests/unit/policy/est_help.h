#ifndef TESTS_UNIT_POLICY_EST_HELP_H
#define TESTS_UNIT_POLICY_EST_HELP_H

#include "policy/cedar_text.h"

/* What the tests of the JSON policy format share. Trees are the caller's. */
struct cedar_ast *est_from_text(const char *text);
struct cedar_ast *est_from_json(struct ts_str json);
/* The set in JSON without white space between its words; freed by the caller
 * with ts_mem_free(). */
char *est_to_json(const struct cedar_ast *a);
/* Removes what stands between the words of a JSON text. */
void est_squeeze(char *json);
/* Same policies, same links, by name and in every node. A list of one action
 * is that one: the format does not tell them apart. */
bool est_same(struct cedar_ast *a, struct cedar_ast *b);

#endif
