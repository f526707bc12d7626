#include "sidecar/gate/provenance/iban.h"

#include <stddef.h>

#define LEAST 15

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z');
}

/* Modulo 97 of the number that letters and digits make, first four last. */
static bool is_right(const char *p, size_t n)
{
    unsigned rest = 0;

    if (n < LEAST || n > IBAN_MAX || is_digit(p[0]) || is_digit(p[1]) ||
        !is_digit(p[2]) || !is_digit(p[3]))
        return false;
    for (size_t i = 0; i < n; i++) {
        const char c = p[(i + 4) % n];

        if (is_digit(c))
            rest = (rest * 10 + (unsigned)(c - '0')) % 97;
        else
            rest = (rest * 100 + (unsigned)(c - 'a' + 10)) % 97;
    }
    return rest == 1;
}

/* Letters and digits of groups into out; how many bytes they are in text. */
static size_t read_groups(struct ts_str text, char out[IBAN_MAX], size_t *ret_n)
{
    size_t i = 0, n = 0, in_group = 0;

    for (; i < text.len && n < IBAN_MAX; i++) {
        const char c = lower(text.ptr[i]);

        if (c == ' ') {
            if (in_group != 4)
                break;
            in_group = 0;
            continue;
        }
        if (!is_alnum(c) || in_group == 4)
            break;
        out[n++] = c;
        in_group++;
    }
    *ret_n = n;
    return in_group == 0 && i > 0 ? i - 1 : i; /* no space at its end */
}

size_t iban_printed(struct ts_str text)
{
    char whole[IBAN_MAX];
    size_t n, len = read_groups(text, whole, &n);

    /* words may follow that look like groups */
    while (n >= LEAST) {
        size_t last = n % 4 == 0 ? 4 : n % 4;

        if (is_right(whole, n) &&
            (len == text.len || !is_alnum(lower(text.ptr[len]))))
            return len;
        n -= last;
        len -= last + 1;
    }
    return 0;
}

bool iban_forms(struct ts_str text, struct iban_forms *ret)
{
    size_t n = 0, at = 0;

    if (text.len > IBAN_PRINTED_MAX || text.len < LEAST)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        const char c = lower(text.ptr[i]);

        if (c == ' ' && i % 5 == 4 && i + 1 < text.len)
            continue;
        if (!is_alnum(c) || n == IBAN_MAX)
            return false;
        ret->whole[n++] = c;
    }
    if ((text.len != n && text.len != n + (n - 1) / 4) ||
        !is_right(ret->whole, n))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && i % 4 == 0)
            ret->printed[at++] = ' ';
        ret->printed[at++] = ret->whole[i];
    }
    ret->forms[0] = (struct ts_str){.ptr = ret->whole, .len = n};
    ret->forms[1] = (struct ts_str){.ptr = ret->printed, .len = at};
    return true;
}
