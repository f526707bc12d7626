#include "sidecar/gate/provenance/shapes.h"

#include <string.h>

#include "sidecar/gate/provenance/canon.h"

#define CARD_GROUPS 4
#define CODE_DIGITS 6

const char *shape_name(enum shape s)
{
    switch (s) {
    case SHAPE_URL:
        return "url";
    case SHAPE_EMAIL:
        return "email";
    case SHAPE_ACCOUNT:
        return "account";
    case SHAPE_CARD:
        return "card";
    case SHAPE_CODE:
        break;
    }
    return "code";
}

bool shape_is_link(enum shape s)
{
    return s == SHAPE_URL || s == SHAPE_EMAIL || s == SHAPE_ACCOUNT;
}

/* A text that is looked through; no_email: before here none can begin. */
struct text {
    const char *p;
    size_t len, no_email;
};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static char at(const struct text *t, size_t i)
{
    return i < t->len ? lower(t->p[i]) : '\0';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool starts(const struct text *t, size_t i, const char *with)
{
    size_t n = strlen(with);

    for (size_t k = 0; k < n; k++)
        if (at(t, i + k) != with[k])
            return false;
    return true;
}

static size_t to_space(const struct text *t, size_t i)
{
    while (i < t->len && (unsigned char)t->p[i] > ' ' &&
           strchr("<>", t->p[i]) == NULL)
        i++;
    return i;
}

/* "https://x.example'@y.example" leads to y.example, whatever ends a link in
 * other texts: then all of it is one. */
static size_t with_host_behind(const struct text *t, size_t from, size_t end)
{
    size_t far = end;

    for (size_t k = from; k < end; k++)
        if (strchr("/?#\\", t->p[k]) != NULL)
            return end; /* the host is over */
    while (far < t->len && (unsigned char)t->p[far] > ' ' &&
           strchr("<>/?#\\", t->p[far]) == NULL)
        if (t->p[far++] == '@')
            return to_space(t, far);
    return end;
}

/* Each of these: the end of what begins at i, or i if it is not one. */
static size_t url(const struct text *t, size_t i)
{
    size_t from = i, end;

    if (starts(t, i, "https://"))
        from += 8;
    else if (starts(t, i, "http://"))
        from += 7;
    else if (starts(t, i, "www.") &&
             (i == 0 || (!canon_is_alnum(at(t, i - 1)) && t->p[i - 1] != '@')))
        from += 4;
    else
        return i;
    for (end = from; end < t->len; end++) {
        unsigned char c = (unsigned char)t->p[end];

        if (c <= ' ' || strchr("'\"<>)", c) != NULL)
            break;
    }
    return end > from ? with_host_behind(t, from, end) : i;
}

static bool is_local(char c)
{
    return canon_is_alnum(c) || c == '.' || c == '_' || c == '+' || c == '-';
}

static size_t email(struct text *t, size_t i)
{
    size_t end = i, dot = 0, from;

    if (i < t->no_email || !is_local(at(t, i)))
        return i;
    while (is_local(at(t, end)))
        end++;
    if (at(t, end) != '@') {
        t->no_email = end; /* nor from anywhere inside of this run */
        return i;
    }
    from = ++end;
    while (canon_is_alnum(at(t, end)) || at(t, end) == '-' ||
           at(t, end) == '.') {
        if (at(t, end) == '.' && end > from && canon_is_alnum(at(t, end + 1)))
            dot = end;
        end++;
    }
    return dot > from ? end : i;
}

static bool alone(const struct text *t, size_t i, size_t end)
{
    return (i == 0 || !canon_is_alnum(at(t, i - 1))) &&
           !canon_is_alnum(at(t, end));
}

static size_t account(const struct text *t, size_t i)
{
    size_t end = i + 4, digits = 2;

    if (!is_letter(at(t, i)) || !is_letter(at(t, i + 1)) ||
        !is_digit(at(t, i + 2)) || !is_digit(at(t, i + 3)))
        return i;
    while (canon_is_alnum(at(t, end)) && end - i <= 34)
        digits += is_digit(at(t, end++));
    return end - i >= 15 && end - i <= 34 && digits >= 10 && alone(t, i, end)
               ? end
               : i;
}

static size_t card(const struct text *t, size_t i)
{
    char between = at(t, i + 4);
    size_t end = i;

    if (!is_digit(at(t, i)))
        return i;
    for (int g = 0; g < CARD_GROUPS; g++) {
        if (g > 0 && (between == ' ' || between == '-')) {
            if (at(t, end) != between)
                return i;
            end++;
        }
        for (int k = 0; k < 4; k++)
            if (!is_digit(at(t, end++)))
                return i;
    }
    return alone(t, i, end) ? end : i;
}

static size_t code(const struct text *t, size_t i)
{
    size_t end = i;

    while (is_digit(at(t, end)) && end - i <= CODE_DIGITS)
        end++;
    return end - i == CODE_DIGITS && alone(t, i, end) ? end : i;
}

static size_t any(struct text *t, size_t i, enum shape *ret)
{
    size_t end;

    if ((end = url(t, i)) > i)
        *ret = SHAPE_URL;
    else if ((end = email(t, i)) > i)
        *ret = SHAPE_EMAIL;
    else if ((end = account(t, i)) > i)
        *ret = SHAPE_ACCOUNT;
    else if ((end = card(t, i)) > i)
        *ret = SHAPE_CARD;
    else if ((end = code(t, i)) > i)
        *ret = SHAPE_CODE;
    return end;
}

void shapes_in(struct ts_str text, shape_found found, void *ctx)
{
    struct text t = {.p = text.ptr, .len = text.len};
    size_t i = 0;

    while (i < t.len) {
        enum shape s = SHAPE_URL;
        struct ts_str one = {.ptr = text.ptr + i};
        size_t end = any(&t, i, &s);

        if (end == i) {
            i++;
            continue;
        }
        one.len = end - i;
        while (one.len > 1 && strchr(".,;:", one.ptr[one.len - 1]) != NULL)
            one.len--;
        if (!found(ctx, s, one))
            return;
        i = end;
    }
}
