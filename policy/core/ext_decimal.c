/* Cedar's decimal: a signed 64-bit count of ten-thousandths. */
#include "policy/core/ext.h"
#include "policy/core/value.h"
#include "proto/base/ts_num.h"

#define FRACTION_DIGITS 4

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "-"? digit+ "." digit{1,4}. The sign belongs to the text, not to the integer
 * part: "-0.5" is negative. Built downwards from zero, so that the smallest
 * value fits. */
bool cedar_decimal_parse(struct ts_str s, int64_t *ret, const char **ret_why)
{
    size_t at = 0, digits = 0, places = 0;
    int64_t v = 0;
    bool fits = true, negative = s.len > 0 && s.ptr[0] == '-';

    for (at = negative ? 1 : 0; at < s.len && is_digit(s.ptr[at]); at++) {
        digits++;
        fits = fits && !ts_ckd_mul(&v, v, 10) &&
               !ts_ckd_sub(&v, v, s.ptr[at] - '0');
    }
    *ret_why = "expected digits, a dot and 1 to 4 digits, as in 12.34";
    if (digits == 0 || at >= s.len || s.ptr[at] != '.')
        return false;
    for (at++; at < s.len && is_digit(s.ptr[at]); at++) {
        places++;
        if (places <= FRACTION_DIGITS)
            fits = fits && !ts_ckd_mul(&v, v, 10) &&
                   !ts_ckd_sub(&v, v, s.ptr[at] - '0');
    }
    if (places == 0 || at != s.len)
        return false;
    if (places > FRACTION_DIGITS) {
        *ret_why = "too many digits after the dot";
        return false;
    }
    for (; places < FRACTION_DIGITS; places++)
        fits = fits && !ts_ckd_mul(&v, v, 10);
    if (!negative)
        fits = fits && !ts_ckd_sub(&v, (int64_t)0, v);
    if (!fits) {
        *ret_why = "it does not fit";
        return false;
    }
    *ret = v;
    return true;
}

ts_err cedar_decimal(struct ts_str text, struct cedar_value *ret)
{
    const char *why;
    int64_t v;

    if (!cedar_decimal_parse(text, &v, &why))
        return TS_E_FORMAT;
    *ret = cedar_ext_int(CEDAR_DECIMAL, v);
    return TS_OK;
}

/* "decimal(): parses a string"; "lessThan() [...] returns true if the first is
 * less than the second", and so on for the other three. */
bool cedar_ext_decimal(enum cedar_ext fn, const struct cedar_value *args,
                       struct cedar_value *ret, struct cedar_fault *f)
{
    const char *why;
    int64_t a, b;

    if (fn == CEDAR_EXT_DECIMAL) {
        if (!cedar_ext_need(&args[0], CEDAR_STRING, f))
            return false;
        if (!cedar_decimal_parse(args[0].as.string, &a, &why)) {
            cedar_ext_bad_text(f, "decimal", args[0].as.string, why);
            return false;
        }
        *ret = cedar_ext_int(CEDAR_DECIMAL, a);
        return true;
    }
    if (!cedar_ext_need(&args[0], CEDAR_DECIMAL, f) ||
        !cedar_ext_need(&args[1], CEDAR_DECIMAL, f))
        return false;
    a = args[0].as.integer;
    b = args[1].as.integer;
    if (fn == CEDAR_EXT_LESS)
        *ret = cedar_bool(a < b);
    else if (fn == CEDAR_EXT_LESS_EQ)
        *ret = cedar_bool(a <= b);
    else if (fn == CEDAR_EXT_GREATER)
        *ret = cedar_bool(a > b);
    else
        *ret = cedar_bool(a >= b);
    return true;
}
