#ifndef POLICY_JSON_VALUE_JSON_H
#define POLICY_JSON_VALUE_JSON_H

#include "policy/json/reader.h"

/*
 * Cedar values in JSON, without a schema: bool, 64-bit integer, string, array,
 * object; {"__entity": {"type", "id"}} for an entity and
 * {"__extn": {"fn", "arg"}} (or "args": [...]) for an extension value. Either
 * escape stands alone in its object; with another key beside it the object is a
 * plain record. null, floats and "__expr" are refused.
 */
TS_NODISCARD ts_err cedar_value_from_json(struct ts_arena *arena,
                                          const struct json *v,
                                          struct cedar_diags *diags,
                                          struct cedar_value *ret);
/* {"type", "id"}, or that inside "__entity". what names it in diagnostics. */
TS_NODISCARD ts_err cedar_uid_from_json(struct ts_arena *arena,
                                        const struct json *v, const char *what,
                                        struct cedar_diags *diags,
                                        const struct cedar_uid **ret);
/* The fields of an object as a record value. */
TS_NODISCARD ts_err cedar_record_from_json(struct ts_arena *arena,
                                           const struct json *v,
                                           struct cedar_diags *diags,
                                           struct cedar_value *ret);

#endif
