#ifndef TESTS_UNIT_POLICY_SCHEMA_SCHEMA_EQUAL_H
#define TESTS_UNIT_POLICY_SCHEMA_SCHEMA_EQUAL_H

#include "policy/schema/schema.h"

/* Whether two schemas mean the same: names, attributes, hierarchies, actions.
 * Where they were written does not matter. On false, why (of cap bytes) says
 * what differs first. */
bool schema_equal(const struct cedar_schema *a, const struct cedar_schema *b,
                  char *why, size_t cap);

#endif
