#ifndef POLICY_CORE_FAULT_H
#define POLICY_CORE_FAULT_H

#include "policy/cedar.h"

/* Why an expression has no value. Written only when that happens: the path
 * without errors formats nothing. */
struct cedar_fault {
    const char *code;
    char text[160];
};

void cedar_fault_set(struct cedar_fault *f, const char *code, const char *fmt,
                     ...) TS_PRINTF(3, 4);
/* "type error: expected EXPECTED, got KIND". */
void cedar_fault_type(struct cedar_fault *f, const char *expected,
                      const struct cedar_value *got);

#endif
