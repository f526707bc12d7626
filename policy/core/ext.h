#ifndef POLICY_CORE_EXT_H
#define POLICY_CORE_EXT_H

#include "policy/cedar.h"
#include "policy/core/fault.h"

/* Cedar's extension functions, each by the name that policies call it. */
/* clang-format off */
#define CEDAR_EXT_MAP(X)                                                       \
    /* id             name                  arity method */                    \
    X(IP,             "ip",                   1, false)                        \
    X(IS_IPV4,        "isIpv4",               1, true)                         \
    X(IS_IPV6,        "isIpv6",               1, true)                         \
    X(IS_LOOPBACK,    "isLoopback",           1, true)                         \
    X(IS_MULTICAST,   "isMulticast",          1, true)                         \
    X(IS_IN_RANGE,    "isInRange",            2, true)                         \
    X(DECIMAL,        "decimal",              1, false)                        \
    X(LESS,           "lessThan",             2, true)                         \
    X(LESS_EQ,        "lessThanOrEqual",      2, true)                         \
    X(GREATER,        "greaterThan",          2, true)                         \
    X(GREATER_EQ,     "greaterThanOrEqual",   2, true)                         \
    X(DATETIME,       "datetime",             1, false)                        \
    X(OFFSET,         "offset",               2, true)                         \
    X(DURATION_SINCE, "durationSince",        2, true)                         \
    X(TO_DATE,        "toDate",               1, true)                         \
    X(TO_TIME,        "toTime",               1, true)                         \
    X(DURATION,       "duration",             1, false)                        \
    X(TO_MS,          "toMilliseconds",       1, true)                         \
    X(TO_SECONDS,     "toSeconds",            1, true)                         \
    X(TO_MINUTES,     "toMinutes",            1, true)                         \
    X(TO_HOURS,       "toHours",              1, true)                         \
    X(TO_DAYS,        "toDays",               1, true)
/* clang-format on */

enum cedar_ext {
#define X(id, name, arity, method) CEDAR_EXT_##id,
    CEDAR_EXT_MAP(X)
#undef X
    CEDAR_EXT_COUNT
};

#define CEDAR_EXT_ARGS_MAX 2 /* of any function */

struct cedar_ext_info {
    struct ts_str name;
    uint32_t arity; /* a method counts its receiver */
    bool method;
};

const struct cedar_ext_info *cedar_ext_info(enum cedar_ext fn);
bool cedar_ext_find(struct ts_str name, enum cedar_ext *ret);

/* Calls fn; false leaves *ret alone and says why in *f. Never allocates. A
 * wrong number of arguments is an evaluation error, as in Cedar. */
bool cedar_ext_call(enum cedar_ext fn, const struct cedar_value *args,
                    uint32_t count, struct cedar_value *ret,
                    struct cedar_fault *f);

/* The families; arguments have been counted, not yet typed. */
bool cedar_ext_decimal(enum cedar_ext fn, const struct cedar_value *args,
                       struct cedar_value *ret, struct cedar_fault *f);
bool cedar_ext_ip(enum cedar_ext fn, const struct cedar_value *args,
                  struct cedar_value *ret, struct cedar_fault *f);
bool cedar_ext_datetime(enum cedar_ext fn, const struct cedar_value *args,
                        struct cedar_value *ret, struct cedar_fault *f);
bool cedar_ext_duration(enum cedar_ext fn, const struct cedar_value *args,
                        struct cedar_value *ret, struct cedar_fault *f);

/* The constructors' syntax; false says why in *ret_why (a static string). */
bool cedar_decimal_parse(struct ts_str s, int64_t *ret, const char **ret_why);
bool cedar_ip_parse(struct ts_str s, struct cedar_ip *ret,
                    const char **ret_why);
bool cedar_datetime_parse(struct ts_str s, int64_t *ret, const char **ret_why);
bool cedar_duration_parse(struct ts_str s, int64_t *ret, const char **ret_why);

/* Shared by the families. */
bool cedar_ext_need(const struct cedar_value *v, enum cedar_kind kind,
                    struct cedar_fault *f);
void cedar_ext_bad_text(struct cedar_fault *f, const char *type,
                        struct ts_str text, const char *why);

#endif
