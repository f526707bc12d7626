#ifndef TESTS_UNIT_POLICY_CONFORM_HELP_H
#define TESTS_UNIT_POLICY_CONFORM_HELP_H

#include "policy/cedar_schema.h"
#include "policy/core/value.h"

/* One schema for a group of tests, and an arena for each. */
extern const char cf_schema_text[];
extern struct cedar_schema *cf_schema;
extern struct ts_arena cf_arena;
extern struct cedar_diags cf_diags;

/* Entities in JSON. */
#define CF_REF(type, id) "{\"type\":\"" type "\",\"id\":\"" id "\"}"
#define CF_ENT(type, id, attrs, parents)                                       \
    "{\"uid\":{\"type\":\"" type "\",\"id\":\"" id "\"},\"attrs\":{" attrs     \
    "},\"parents\":[" parents "]}"

int cf_setup_schema(void **state);
int cf_teardown_schema(void **state);
int cf_setup(void **state);
int cf_teardown(void **state);
ts_err cf_load(const char *text, size_t len, struct cedar_entities **ret);
struct cedar_uid cf_uid(const char *type, const char *id);
ts_err cf_context(const char *action, const char *text,
                  struct cedar_value *ret);
struct cedar_value cf_record(const struct cedar_field *fields, size_t n);

#endif
