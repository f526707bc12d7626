#ifndef TESTS_UNIT_POLICY_VALIDATE_HELP_H
#define TESTS_UNIT_POLICY_VALIDATE_HELP_H

#include "policy/cedar_schema.h"

#define VH_SCOPE                                                               \
    "permit(principal is Pilot, action == Action::\"fly\", resource)"

/* Policy text against schema text; everything is loaded for it and freed after
 * it. */
struct vh_result {
    ts_err parse;    /* of schema or policies; TS_OK when both are fine */
    ts_err err;      /* of the validation */
    char codes[400]; /* errors and warnings, in order, blank separated */
    struct cedar_diags diags;
};

void vh_run(struct ts_str schema, struct ts_str policies,
            const struct cedar_validate_options *options,
            struct vh_result *ret);
/* Strict or permissive, of any level. */
void vh_mode(const char *schema, const char *policies,
             enum cedar_validation mode, struct vh_result *ret);

/* A policy of VH_SCOPE with this condition; a whole policy stays as it is. */
void vh_as_policy(const char *text, char *out, size_t cap);

#endif
