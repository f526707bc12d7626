/* Values as they are compared: numbers, exactly and without floating point. */
#include <string.h>

#include "sidecar/gate/provenance/canon.h"

#define EXPONENT_MAX 400

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Groups of three behind the first comma: 1,200 and 12,345,678. */
static bool grouped_well(struct ts_str whole)
{
    size_t group = 0, commas = 0;

    for (size_t i = 0; i < whole.len; i++) {
        if (whole.ptr[i] != ',') {
            group++;
            continue;
        }
        if (group == 0 || group > 3 || (commas > 0 && group != 3))
            return false;
        commas++;
        group = 0;
    }
    return commas == 0 || group == 3;
}

static size_t span(struct ts_str in, size_t at, bool commas)
{
    size_t end = at;

    while (end < in.len &&
           (is_digit(in.ptr[end]) || (commas && in.ptr[end] == ',')))
        end++;
    return end - at;
}

/* "e+12" at the end of the text. */
static bool read_exponent(struct ts_str in, size_t at, int32_t *ret)
{
    bool negative = false;
    int32_t v = 0;

    if (at == in.len)
        return true; /* none: *ret stays */
    if (in.ptr[at] != 'e' && in.ptr[at] != 'E')
        return false;
    at++;
    if (at < in.len && (in.ptr[at] == '-' || in.ptr[at] == '+'))
        negative = in.ptr[at++] == '-';
    if (at == in.len || in.len - at > 3)
        return false;
    for (; at < in.len; at++) {
        if (!is_digit(in.ptr[at]))
            return false;
        v = v * 10 + (in.ptr[at] - '0');
    }
    *ret = negative ? -v : v;
    return v <= EXPONENT_MAX;
}

/* Digits of both parts without zeros at either end. */
static bool keep_digits(struct ts_str whole, struct ts_str part,
                        struct canon_number *n)
{
    int32_t zeros = 0;

    for (size_t i = 0; i < whole.len + part.len; i++) {
        bool in_whole = i < whole.len;
        char c = in_whole ? whole.ptr[i] : part.ptr[i - whole.len];

        if (c == ',')
            continue;
        if (c == '0') {
            if (n->count > 0)
                zeros++;
            else if (!in_whole)
                n->exponent--;
        } else {
            if ((size_t)n->count + (size_t)zeros + 1 > sizeof(n->digits))
                return false;
            for (; zeros > 0; zeros--)
                n->digits[n->count++] = 0;
            n->digits[n->count++] = (uint8_t)(c - '0');
        }
        if (in_whole && n->count > 0)
            n->exponent++;
    }
    return true;
}

bool canon_number(struct ts_str in, struct canon_number *ret)
{
    struct canon_number n = {0};
    struct ts_str whole, part = {0};
    int32_t e = 0;
    size_t at = 0;

    if (at < in.len && (in.ptr[at] == '-' || in.ptr[at] == '+'))
        n.negative = in.ptr[at++] == '-';
    whole = (struct ts_str){.ptr = in.ptr + at, .len = span(in, at, true)};
    at += whole.len;
    if (whole.len == 0 || !is_digit(whole.ptr[0]) || !grouped_well(whole))
        return false;
    if (at < in.len && in.ptr[at] == '.') {
        at++;
        part = (struct ts_str){.ptr = in.ptr + at, .len = span(in, at, false)};
        at += part.len;
        if (part.len == 0)
            return false;
    }
    if (!read_exponent(in, at, &e) || !keep_digits(whole, part, &n))
        return false;
    if (n.count == 0) {
        *ret = (struct canon_number){0}; /* zero has no sign and no exponent */
        return true;
    }
    n.exponent += e;
    *ret = n;
    return true;
}

bool canon_number_same(const struct canon_number *a,
                       const struct canon_number *b)
{
    return a->negative == b->negative && a->count == b->count &&
           a->exponent == b->exponent &&
           memcmp(a->digits, b->digits, a->count) == 0;
}

/* The whole part, with commas or without; the length written. */
static size_t put_whole(const struct canon_number *n, bool commas, char *out)
{
    size_t at = 0;
    int32_t digits = n->exponent > 0 ? n->exponent : 1;

    if (n->negative)
        out[at++] = '-';
    for (int32_t i = 0; i < digits; i++) {
        bool given = i < n->exponent && i < n->count;

        if (commas && i > 0 && (digits - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = (char)('0' + (given ? n->digits[i] : 0));
    }
    return at;
}

/* The digits behind the point, at least `least`. */
static size_t put_part(const struct canon_number *n, int32_t least, char *out)
{
    int32_t given = n->count - n->exponent;
    int32_t digits = given > least ? given : least;
    size_t at = 0;

    if (digits <= 0)
        return 0;
    out[at++] = '.';
    for (int32_t i = 0; i < digits; i++) {
        int32_t d = n->exponent + i;

        out[at++] = (char)('0' + (d >= 0 && d < n->count ? n->digits[d] : 0));
    }
    return at;
}

uint32_t canon_number_spell(const struct canon_number *n,
                            char ret[CANON_SPELLINGS][CANON_SPELLING_MAX])
{
    /* Bounds of what is spelled at all, far inside CANON_SPELLING_MAX. */
    bool large = n->exponent > 40 || n->count - n->exponent > 40;
    uint32_t count = 0;

    if (large)
        return 0;
    for (int commas = 0; commas < 2; commas++) {
        if (commas == 1 && n->exponent <= 3)
            break;
        for (int32_t least = 0; least <= 2; least++) {
            char *out = ret[count];
            size_t len = put_whole(n, commas == 1, out);

            len += put_part(n, least, out + len);
            out[len] = '\0';
            if (count == 0 || strcmp(ret[count - 1], out) != 0)
                count++;
        }
    }
    return count;
}
