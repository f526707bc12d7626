#ifndef POLICY_CORE_CIVIL_H
#define POLICY_CORE_CIVIL_H

#include <stdbool.h>
#include <stdint.h>

#define CEDAR_MS_PER_DAY INT64_C(86400000)

struct cedar_civil { /* UTC, proleptic Gregorian calendar */
    int year, month, day, hour, minute, second, ms;
};

/* Days since 1970-01-01; the date must exist. */
int64_t cedar_civil_days(int year, int month, int day);
int cedar_civil_month_days(int year, int month);
/* False outside the years 0 to 9999. */
bool cedar_civil_from_ms(int64_t ms, struct cedar_civil *ret);
/* Floor to the day: -1 ms is the day before the epoch. */
int64_t cedar_civil_floor_day(int64_t ms);

#endif
