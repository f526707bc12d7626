#ifndef TESTS_UNIT_POLICY_SCHEMA_SCHEMA_ROW_H
#define TESTS_UNIT_POLICY_SCHEMA_SCHEMA_ROW_H

#include <stddef.h>

/* A schema that is accepted (code NULL) or refused with this code first. Which
 * of the two was asked of the official engine, row by row. */
struct schema_row {
    const char *name, *text, *code;
};

#endif
