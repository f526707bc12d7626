#include "proto/base/ts_str.h"

#include <stdio.h>
#include <string.h>

struct ts_str ts_str_of(const char *cstr)
{
    if (cstr == NULL)
        return (struct ts_str){.ptr = "", .len = 0};
    return (struct ts_str){.ptr = cstr, .len = strlen(cstr)};
}

bool ts_str_eq(struct ts_str a, struct ts_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool ts_str_eq_c(struct ts_str a, const char *cstr)
{
    return ts_str_eq(a, ts_str_of(cstr));
}

bool ts_str_starts(struct ts_str s, struct ts_str prefix)
{
    return s.len >= prefix.len &&
           (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}

int ts_str_cmp(struct ts_str a, struct ts_str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n > 0 ? memcmp(a.ptr, b.ptr, n) : 0;

    if (c != 0)
        return c;
    return (a.len > b.len) - (a.len < b.len);
}

/* Decodes one code point at s[0..len); returns its length, or 0 if invalid. */
static size_t utf8_decode(const unsigned char *s, size_t len, uint32_t *ret)
{
    uint32_t c = s[0];
    size_t n;

    if (c < 0x80) {
        *ret = c;
        return 1;
    }
    if (c >= 0xC2 && c <= 0xDF) {
        n = 2;
        c &= 0x1F;
    } else if ((c & 0xF0) == 0xE0) {
        n = 3;
        c &= 0x0F;
    } else if (c >= 0xF0 && c <= 0xF4) {
        n = 4;
        c &= 0x07;
    } else {
        return 0;
    }
    if (len < n)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xC0) != 0x80)
            return 0;
        c = (c << 6) | (s[i] & 0x3Fu);
    }
    if ((n == 3 && (c < 0x800 || (c >= 0xD800 && c <= 0xDFFF))) ||
        (n == 4 && (c < 0x10000 || c > 0x10FFFF)))
        return 0;
    *ret = c;
    return n;
}

bool ts_utf8_valid(const char *s, size_t len)
{
    const unsigned char *p = (const unsigned char *)s;
    uint32_t c;

    while (len > 0) {
        size_t n = 1;
        uint64_t eight;

        if (len >= sizeof(eight)) { /* ASCII, eight at a time */
            memcpy(&eight, p, sizeof(eight));
            if ((eight & 0x8080808080808080u) == 0) {
                p += sizeof(eight);
                len -= sizeof(eight);
                continue;
            }
        }
        if (*p >= 0x80)
            n = utf8_decode(p, len, &c);
        if (n == 0)
            return false;
        p += n;
        len -= n;
    }
    return true;
}

/* Characters that can change how a terminal or a reader sees the rest. */
static bool is_deceptive(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0xAD || c == 0x61C ||
           (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
           (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF ||
           (c >= 0xFFF9 && c <= 0xFFFB) || (c >= 0xE0000 && c <= 0xE0FFF);
}

/* One code point (or bad byte) in escaped form; returns its length. */
static size_t escape_one(char *out, size_t cap, const unsigned char *s,
                         size_t len, bool quotes, size_t *ret_used)
{
    uint32_t c = 0;
    size_t n = utf8_decode(s, len, &c);
    int w;

    *ret_used = n > 0 ? n : 1;
    if (n == 0)
        w = snprintf(out, cap, "\\x%02x", (unsigned)s[0]);
    else if (c == '\n')
        w = snprintf(out, cap, "\\n");
    else if (c == '\r')
        w = snprintf(out, cap, "\\r");
    else if (c == '\t')
        w = snprintf(out, cap, "\\t");
    else if (c == '\\' || (quotes && c == '"'))
        w = snprintf(out, cap, "\\%c", (char)c);
    else if (is_deceptive(c) && c < 0x80)
        w = snprintf(out, cap, "\\x%02x", (unsigned)c);
    else if (is_deceptive(c))
        w = snprintf(out, cap, "\\u{%x}", (unsigned)c);
    else {
        memcpy(out, s, n);
        w = (int)n;
    }
    return w > 0 ? (size_t)w : 0;
}

static size_t escape(char *out, size_t cap, const char *s, size_t len,
                     bool quotes)
{
    static const char dots[] = "...";
    const unsigned char *p = (const unsigned char *)s;
    size_t at = 0, keep = 0; /* keep: where "..." still fits */
    char one[16];

    if (cap == 0)
        return 0;
    while (len > 0) {
        size_t used, n = escape_one(one, sizeof(one), p, len, quotes, &used);

        if (at + n + 1 > cap) {
            if (cap > sizeof(dots)) {
                memcpy(out + keep, dots, sizeof(dots));
                return keep + sizeof(dots) - 1;
            }
            break;
        }
        memcpy(out + at, one, n);
        at += n;
        if (at + sizeof(dots) <= cap)
            keep = at;
        p += used;
        len -= used;
    }
    out[at] = '\0';
    return at;
}

size_t ts_str_escape(char *out, size_t cap, const char *s, size_t len)
{
    return escape(out, cap, s, len, true);
}

size_t ts_str_show(char *out, size_t cap, const char *s, size_t len)
{
    return escape(out, cap, s, len, false);
}

void ts_hex_encode(char *out, const uint8_t *in, size_t len)
{
    static const char digit[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digit[in[i] >> 4];
        out[2 * i + 1] = digit[in[i] & 15];
    }
    out[2 * len] = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

ts_err ts_hex_decode(const char *s, size_t len, uint8_t *out, size_t cap)
{
    if (len != 2 * cap)
        return TS_E_FORMAT;
    for (size_t i = 0; i < len; i++)
        if (hex_value(s[i]) < 0)
            return TS_E_FORMAT;
    for (size_t i = 0; i < cap; i++) {
        unsigned high = (unsigned)hex_value(s[2 * i]);
        unsigned low = (unsigned)hex_value(s[2 * i + 1]);

        out[i] = (uint8_t)(high << 4 | low);
    }
    return TS_OK;
}
