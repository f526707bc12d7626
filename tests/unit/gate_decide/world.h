#ifndef TESTS_UNIT_GATE_DECIDE_WORLD_H
#define TESTS_UNIT_GATE_DECIDE_WORLD_H

#include "fixture.h"

/* The starter's tenant with more types of resources and labels on them, set up
 * for each test; and what was decided last. */
extern const char world_schema[], world_url_tool[];
extern struct fixture world_fix;
extern struct fix_result world_result;

int world_setup(void **state);
int world_teardown(void **state);
/* The code of a call whose block permits when the expression is true. */
const char *world_when(const char *expr, const char *tool, const char *args,
                       const char *provenance);
void world_holds(const char *expr, const char *tool, const char *args);

#endif
