#ifndef TESTS_UNIT_POLICY_SCHEMA_SCHEMA_HELP_H
#define TESTS_UNIT_POLICY_SCHEMA_SCHEMA_HELP_H

#include "policy/schema/schema.h"

/* Parses one source; on failure NULL, with the diagnostics in diags (may be
 * NULL). json: the JSON form. */
struct cedar_schema *help_schema(struct ts_str text, bool json,
                                 struct cedar_diags *diags);
struct cedar_schema *help_text(const char *text);
/* NULL when the schema does not declare it. */
const struct schema_entity *help_entity(const struct cedar_schema *s,
                                        const char *name);
const struct schema_action *help_action(const struct cedar_schema *s,
                                        const char *type, const char *id);
/* The type of an attribute, printed, with "?" before an optional one; "" when
 * there is none. Good until the next call. */
const char *help_attr(const struct cedar_schema *s, const char *entity,
                      const char *attr);
/* Whether s, printed in both forms and read again, is s. */
bool help_round_trip(const struct cedar_schema *s, char *why, size_t cap);
/* Any bytes are accepted or refused with a diagnostic; what is accepted borrows
 * nothing of them and survives help_round_trip(). Aborts when that is untrue.
 */
void help_any_bytes(const uint8_t *data, size_t len, bool json);

#endif
