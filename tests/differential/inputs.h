#ifndef TESTS_DIFFERENTIAL_INPUTS_H
#define TESTS_DIFFERENTIAL_INPUTS_H

#include <jansson.h>

#include "policy/cedar_schema.h"
#include "policy/cedar_text.h"

/* The SET and SCHEMA of a case (worker.h). Each is freed by the caller. */
TS_NODISCARD ts_err diff_load_ast(const json_t *set, struct cedar_ast **ret,
                                  struct cedar_diags *diags);
/* Plain text without links takes the short way, cedar_policies_parse(); the
 * long one, through a tree, is asked for with "via": "tree". */
TS_NODISCARD ts_err diff_load_policies(const json_t *set,
                                       struct cedar_policies **ret,
                                       struct cedar_diags *diags);
TS_NODISCARD ts_err diff_load_schema(const json_t *schema,
                                     struct cedar_schema **ret,
                                     struct cedar_diags *diags);

#endif
