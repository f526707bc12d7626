#ifndef POLICY_CORE_CIVIL_H
#define POLICY_CORE_CIVIL_H

#include <stdbool.h>
#include <stdint.h>

#define CEDAR_MS_PER_DAY INT64_C(86400000)

struct cedar_civil { /* UTC, proleptic Gregorian calendar */
    int year, month, day, hour, minute, second, ms;
};

/* False outside the years 0 to 9999. */
bool cedar_civil_from_ms(int64_t ms, struct cedar_civil *ret);

#endif
