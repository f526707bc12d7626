#ifndef CLI_POLICY_ANSWER_H
#define CLI_POLICY_ANSWER_H

#include "cli/policy/inputs.h"
#include "cli/policy/json_out.h"
#include "cli/term.h"

/* Printing what cedar_authorize() answered. */

#define POL_ANSWER_ARENA ((size_t)256 << 20) /* bytes of one decision */

/* "ALLOW" in green or "DENY" in red, without a newline. */
void pol_put_decision(FILE *f, const struct term *t, enum cedar_decision d);
/* The name of a policy, escaped. */
void pol_put_id(FILE *f, const struct cedar_policies *p, uint32_t policy);
/* "a, b, c" */
void pol_put_ids(FILE *f, const struct cedar_policies *p, const uint32_t *list,
                 uint32_t count);

/* "decision", "reasons", "satisfied_permits", "errors" of an open object. */
void pol_answer_json(struct json_out *j, const struct cedar_policies *p,
                     const struct cedar_answer *a);
/* "principal", "action", "resource". */
void pol_request_json(struct json_out *j, const struct cedar_request *req);
/* `User::"a" · Action::"b" · Doc::"c"` and a newline. */
void pol_put_request(FILE *f, const struct cedar_request *req);

#endif
