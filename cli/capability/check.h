#ifndef CLI_CAPABILITY_CHECK_H
#define CLI_CAPABILITY_CHECK_H

#include "cli/capability/capability.h"
#include "proto/base/ts_attr.h"

/* False, with what is wrong and where in err (CAPABILITY_ERROR_MAX bytes). */
bool capability_check(json_t *file, const struct capability_rules *r,
                      char *err);
/* NULL: there is none of that name. */
const struct capability_tool *
capability_tool_of(const struct capability_rules *r, const char *name);
/* An amount as the inside of Cedar's decimal(""); false when it is none. */
#define CAPABILITY_AMOUNT_MAX 24
bool capability_amount(json_t *v, char ret[CAPABILITY_AMOUNT_MAX]);
/* Bytes of "tool:pattern", a place as provenance names it, with a NUL. */
#define CAPABILITY_SOURCE_MAX 512
/* Always false. */
TS_PRINTF(2, 3) bool capability_fail(char *err, const char *fmt, ...);

#endif
