/* Cedar's datetime: milliseconds since the Unix epoch, UTC. */
#include "policy/core/ext.h"

#include "policy/core/civil.h"
#include "policy/core/value.h"
#include "proto/base/ts_num.h"

/* Days since 1970-01-01; the date must exist. */
static int64_t civil_days(int year, int month, int day)
{
    /* Counts from March of year -400, so that leap days end each year. */
    int64_t y = (int64_t)year - (month <= 2 ? 1 : 0) + 400;
    int64_t m = (month + 9) % 12;
    int64_t days =
        y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1;

    return days - 719468 - 146097;
}

static int month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month - 1];
}

/* -1 ms is the day before the epoch. */
static int64_t floor_day(int64_t ms)
{
    int64_t day = ms / CEDAR_MS_PER_DAY;

    return ms % CEDAR_MS_PER_DAY < 0 ? day - 1 : day;
}

bool cedar_civil_from_ms(int64_t ms, struct cedar_civil *ret)
{
    int64_t day = floor_day(ms);
    int64_t rest;
    struct cedar_civil c = {.month = 1, .day = 1};

    if (day < civil_days(0, 1, 1) || day > civil_days(9999, 12, 31))
        return false;
    rest = ms - day * CEDAR_MS_PER_DAY; /* fits only in that range */
    c.year = (int)((day - civil_days(0, 1, 1)) / 366);
    while (c.year < 9999 && civil_days(c.year + 1, 1, 1) <= day)
        c.year++;
    while (c.month < 12 && civil_days(c.year, c.month + 1, 1) <= day)
        c.month++;
    c.day = (int)(day - civil_days(c.year, c.month, 1)) + 1;
    c.hour = (int)(rest / 3600000);
    c.minute = (int)(rest / 60000 % 60);
    c.second = (int)(rest / 1000 % 60);
    c.ms = (int)(rest % 1000);
    *ret = c;
    return true;
}

/* Exactly n digits, then an optional separator; a step that fails is final. */
static bool take_digits(struct ts_str *s, size_t n, int *ret)
{
    int v = 0;

    if (s->len < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (s->ptr[i] < '0' || s->ptr[i] > '9')
            return false;
        v = v * 10 + (s->ptr[i] - '0');
    }
    s->ptr += n;
    s->len -= n;
    *ret = v;
    return true;
}

static bool take_char(struct ts_str *s, char c)
{
    if (s->len == 0 || s->ptr[0] != c)
        return false;
    s->ptr++;
    s->len--;
    return true;
}

/* YYYY-MM-DD */
static bool take_date(struct ts_str *s, int64_t *ret_days, const char **ret_why)
{
    int y, m, d;

    if (!take_digits(s, 4, &y) || !take_char(s, '-') ||
        !take_digits(s, 2, &m) || !take_char(s, '-') || !take_digits(s, 2, &d))
        return false;
    if (m < 1 || m > 12 || d < 1 || d > month_days(y, m)) {
        *ret_why = "there is no such date";
        return false;
    }
    *ret_days = civil_days(y, m, d);
    return true;
}

/* Z, or +hhmm, or -hhmm: what must be added to reach UTC, in ms. */
static bool take_zone(struct ts_str *s, int64_t *ret, const char **ret_why)
{
    bool east;
    int h, m;

    if (take_char(s, 'Z')) {
        *ret = 0;
        return true;
    }
    east = take_char(s, '+');
    if ((!east && !take_char(s, '-')) || !take_digits(s, 2, &h) ||
        !take_digits(s, 2, &m))
        return false;
    if (h > 23 || m > 59) {
        *ret_why = "there is no such offset from UTC";
        return false;
    }
    *ret = (int64_t)(h * 60 + m) * 60000 * (east ? -1 : 1);
    return true;
}

/* YYYY-MM-DD, or that and Thh:mm:ss[.SSS] with Z or an offset. A leap second,
 * hour 24, a lower-case z or no zone at all are refused. */
bool cedar_datetime_parse(struct ts_str s, int64_t *ret, const char **ret_why)
{
    int64_t days, zone;
    int h, m, sec, ms = 0;

    *ret_why = "expected YYYY-MM-DD, optionally with Thh:mm:ss[.SSS] and a Z "
               "or +hhmm";
    if (!take_date(&s, &days, ret_why))
        return false;
    if (s.len == 0) {
        *ret = days * CEDAR_MS_PER_DAY;
        return true;
    }
    if (!take_char(&s, 'T') || !take_digits(&s, 2, &h) || !take_char(&s, ':') ||
        !take_digits(&s, 2, &m) || !take_char(&s, ':') ||
        !take_digits(&s, 2, &sec))
        return false;
    if (take_char(&s, '.') && !take_digits(&s, 3, &ms))
        return false;
    if (!take_zone(&s, &zone, ret_why) || s.len != 0)
        return false;
    if (h > 23 || m > 59 || sec > 59) {
        *ret_why = "there is no such time of day";
        return false;
    }
    *ret = days * CEDAR_MS_PER_DAY + h * INT64_C(3600000) + m * INT64_C(60000) +
           sec * INT64_C(1000) + ms + zone;
    return true;
}

/* "offset(): [...] adds the duration, returning an error on overflow";
 * "durationSince(): the difference between the two". */
static bool two_sided(enum cedar_ext fn, const struct cedar_value *args,
                      struct cedar_value *ret, struct cedar_fault *f)
{
    bool offset = fn == CEDAR_EXT_OFFSET;
    int64_t v;

    if (!cedar_ext_need(&args[1], offset ? CEDAR_DURATION : CEDAR_DATETIME, f))
        return false;
    if (offset ? ts_ckd_add(&v, args[0].as.integer, args[1].as.integer)
               : ts_ckd_sub(&v, args[0].as.integer, args[1].as.integer)) {
        cedar_fault_set(f, "overflow", "overflow in `%s`",
                        cedar_ext_info(fn)->name.ptr);
        return false;
    }
    *ret = cedar_ext_int(offset ? CEDAR_DATETIME : CEDAR_DURATION, v);
    return true;
}

bool cedar_ext_datetime(enum cedar_ext fn, const struct cedar_value *args,
                        struct cedar_value *ret, struct cedar_fault *f)
{
    const char *why;
    int64_t v;

    if (fn == CEDAR_EXT_DATETIME) {
        if (!cedar_ext_need(&args[0], CEDAR_STRING, f))
            return false;
        if (!cedar_datetime_parse(args[0].as.string, &v, &why)) {
            cedar_ext_bad_text(f, "datetime", args[0].as.string, why);
            return false;
        }
        *ret = cedar_datetime_ms(v);
        return true;
    }
    if (!cedar_ext_need(&args[0], CEDAR_DATETIME, f))
        return false;
    if (fn == CEDAR_EXT_OFFSET || fn == CEDAR_EXT_DURATION_SINCE)
        return two_sided(fn, args, ret, f);
    if (fn == CEDAR_EXT_TO_DATE) {
        /* "toDate(): truncates to the day": towards the past, so the earliest
         * day of all does not fit. */
        if (ts_ckd_mul(&v, floor_day(args[0].as.integer), CEDAR_MS_PER_DAY)) {
            cedar_fault_set(f, "overflow", "overflow in `toDate`");
            return false;
        }
        *ret = cedar_datetime_ms(v);
        return true;
    }
    /* "toTime(): the time of day", never negative. */
    v = args[0].as.integer % CEDAR_MS_PER_DAY;
    *ret = cedar_duration_ms(v < 0 ? v + CEDAR_MS_PER_DAY : v);
    return true;
}
