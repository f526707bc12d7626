/* Cedar's duration: signed milliseconds. */
#include "policy/core/ext.h"

#include "policy/core/civil.h"
#include "policy/core/lit.h"
#include "policy/core/value.h"
#include "proto/base/ts_num.h"

struct unit {
    struct ts_str name;
    int64_t ms;
};

/* In the order in which they may appear. "ms" must be tried before "m". */
static const struct unit units[] = {
    {CEDAR_LIT("d"), CEDAR_MS_PER_DAY},
    {CEDAR_LIT("h"), 3600000},
    {CEDAR_LIT("m"), 60000},
    {CEDAR_LIT("s"), 1000},
    {CEDAR_LIT("ms"), 1},
};
#define UNITS (sizeof(units) / sizeof(units[0]))

/* Which unit s starts with, at or after `from`; UNITS when none. */
static size_t find_unit(struct ts_str s, size_t from)
{
    size_t u = UNITS;

    if (ts_str_starts(s, units[UNITS - 1].name))
        return UNITS - 1;
    for (size_t i = from; i < UNITS && u == UNITS; i++)
        if (ts_str_starts(s, units[i].name))
            u = i;
    return u;
}

/* -?(Nd)?(Nh)?(Nm)?(Ns)?(Nms)?, at least one part. Summed away from zero, so
 * that the smallest value can be written. */
bool cedar_duration_parse(struct ts_str s, int64_t *ret, const char **ret_why)
{
    bool negative = s.len > 0 && s.ptr[0] == '-', fits = true;
    size_t next = 0;
    int64_t sum = 0;

    s.ptr += negative ? 1 : 0;
    s.len -= negative ? 1 : 0;
    *ret_why = "expected parts such as 1d2h3m4s5ms, in this order";
    if (s.len == 0)
        return false;
    while (s.len > 0) {
        int64_t n = 0;
        size_t digits = 0, u;

        for (; digits < s.len && s.ptr[digits] >= '0' && s.ptr[digits] <= '9';
             digits++)
            fits = fits && !ts_ckd_mul(&n, n, 10) &&
                   !ts_ckd_sub(&n, n, s.ptr[digits] - '0');
        s.ptr += digits;
        s.len -= digits;
        u = find_unit(s, next);
        if (digits == 0 || u == UNITS || u < next)
            return false;
        s.ptr += units[u].name.len;
        s.len -= units[u].name.len;
        next = u + 1;
        fits = fits && !ts_ckd_mul(&n, n, units[u].ms) &&
               !ts_ckd_add(&sum, sum, n);
    }
    if (!negative)
        fits = fits && !ts_ckd_sub(&sum, (int64_t)0, sum);
    if (!fits) {
        *ret_why = "it does not fit";
        return false;
    }
    *ret = sum;
    return true;
}

/* "toMilliseconds() [...] toDays(): the duration in that unit", truncated
 * toward zero. */
bool cedar_ext_duration(enum cedar_ext fn, const struct cedar_value *args,
                        struct cedar_value *ret, struct cedar_fault *f)
{
    const char *why;
    int64_t v;

    if (fn == CEDAR_EXT_DURATION) {
        if (!cedar_ext_need(&args[0], CEDAR_STRING, f))
            return false;
        if (!cedar_duration_parse(args[0].as.string, &v, &why)) {
            cedar_ext_bad_text(f, "duration", args[0].as.string, why);
            return false;
        }
        *ret = cedar_duration_ms(v);
        return true;
    }
    if (!cedar_ext_need(&args[0], CEDAR_DURATION, f))
        return false;
    v = args[0].as.integer;
    if (fn == CEDAR_EXT_TO_SECONDS)
        v /= 1000;
    else if (fn == CEDAR_EXT_TO_MINUTES)
        v /= 60000;
    else if (fn == CEDAR_EXT_TO_HOURS)
        v /= 3600000;
    else if (fn == CEDAR_EXT_TO_DAYS)
        v /= CEDAR_MS_PER_DAY;
    *ret = cedar_long(v);
    return true;
}
