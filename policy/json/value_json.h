#ifndef POLICY_JSON_VALUE_JSON_H
#define POLICY_JSON_VALUE_JSON_H

#include "policy/core/ext.h"
#include "policy/json/reader.h"

/*
 * Cedar values in JSON, without a schema: bool, 64-bit integer, string, array,
 * object; {"__entity": {"type", "id"}} for an entity and
 * {"__extn": {"fn", "arg"}} (or "args": [...]) for an extension value. Either
 * escape stands alone in its object; with another key beside it, or malformed,
 * the object is a plain record, as in Cedar (malformed: with a warning). null,
 * floats and "__expr" with a string are refused.
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

/* {"fn": name, "arg": x} or {"fn": name, "args": [x, ...]}: the call of an
 * extension function. The arguments are args and the members after it. */
struct cedar_json_call {
    const struct json *fn, *args;
    uint32_t count;
};

/* Whether v (may be NULL) has the shape of a call; other keys do not matter and
 * `arg` goes before `args`. */
bool cedar_json_call_find(const struct json *v, struct cedar_json_call *ret);
/* The function that is called, its arguments counted: no more than
 * CEDAR_EXT_ARGS_MAX. v is the call, for diagnostics. */
TS_NODISCARD ts_err cedar_json_call_ext(const struct json *v,
                                        const struct cedar_json_call *call,
                                        struct cedar_diags *diags,
                                        enum cedar_ext *ret);
/* The diagnostic for `__expr`; always TS_E_FORMAT. */
TS_NODISCARD ts_err cedar_json_refuse_expr(const struct json *v,
                                           struct cedar_diags *diags);

#endif
