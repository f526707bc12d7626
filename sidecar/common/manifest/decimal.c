/* Exact decimals: of texts, of floats, and back into their one text. */
#include <string.h>

#include "proto/base/ts_num.h"
#include "sidecar/common/manifest/manifest.h"

#define FRACTION_DIGITS 4
#define SCALE           10000 /* ten to that power */
/* Numbers of 15 digits are told apart by floats, those of 16 not always. */
#define FLOAT_EXACT_MAX 999999999999999

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The number of digits at s, at most len. */
static size_t digits(const char *s, size_t len)
{
    size_t n = 0;

    while (n < len && is_digit(s[n]))
        n++;
    return n;
}

/* value = value * 10 + digit, downwards where the number is negative: the
 * lowest one has no positive counterpart. */
static bool push_digit(int64_t *value, bool negative, int digit)
{
    return !ts_ckd_mul(value, *value, 10) &&
           !ts_ckd_add(value, *value, negative ? -digit : digit);
}

ts_err decimal_parse(struct ts_str text, int64_t *ret)
{
    bool negative = text.len > 0 && text.ptr[0] == '-';
    const char *s = text.ptr + negative;
    size_t len = text.len - negative, whole = digits(s, len), fraction = 0;
    int64_t v = 0;

    if (whole == 0 || (whole > 1 && s[0] == '0'))
        return TS_E_FORMAT;
    if (whole < len) {
        fraction = digits(s + whole + 1, len - whole - 1);
        if (s[whole] != '.' || fraction == 0 || fraction > FRACTION_DIGITS ||
            whole + 1 + fraction != len)
            return TS_E_FORMAT;
    }
    for (size_t i = 0; i < whole; i++)
        if (!push_digit(&v, negative, s[i] - '0'))
            return TS_E_LIMIT;
    for (size_t i = 0; i < FRACTION_DIGITS; i++)
        if (!push_digit(&v, negative,
                        i < fraction ? s[whole + 1 + i] - '0' : 0))
            return TS_E_LIMIT;
    *ret = v;
    return TS_OK;
}

ts_err decimal_of_float(double v, int64_t *ret)
{
    double scaled = v * SCALE, back;
    int64_t n;

    if (!(scaled <= FLOAT_EXACT_MAX && scaled >= -FLOAT_EXACT_MAX))
        return TS_E_LIMIT;
    n = (int64_t)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    /* Both are exact and division rounds correctly: this is the float that is
     * nearest to the decimal, and no other decimal of 15 digits has it. */
    back = (double)n / SCALE;
    if (back < v || back > v)
        return TS_E_FORMAT;
    *ret = n;
    return TS_OK;
}

size_t decimal_text(int64_t tenthousandths, char out[DECIMAL_TEXT_MAX])
{
    uint64_t u = tenthousandths < 0 ? 0 - (uint64_t)tenthousandths
                                    : (uint64_t)tenthousandths;
    char text[DECIMAL_TEXT_MAX];
    size_t at = sizeof(text), places = FRACTION_DIGITS;

    while (places > 0 && u % 10 == 0) {
        u /= 10;
        places--;
    }
    for (size_t i = 0; i < places; i++, u /= 10)
        text[--at] = (char)('0' + u % 10);
    if (places > 0)
        text[--at] = '.';
    do {
        text[--at] = (char)('0' + u % 10);
        u /= 10;
    } while (u > 0);
    if (tenthousandths < 0)
        text[--at] = '-';
    memcpy(out, text + at, sizeof(text) - at);
    return sizeof(text) - at;
}
