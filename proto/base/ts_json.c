#include "proto/base/ts_json.h"

#include <string.h>

static const char hex_digits[] = "0123456789abcdef";

/* Where n bytes may be written, NULL if they do not fit. */
static char *room(struct ts_json *o, size_t n)
{
    char *at = o->buf + o->len;

    if (o->full || n > o->cap - o->len) {
        o->full = true;
        return NULL;
    }
    o->len += n;
    return at;
}

void ts_json_raw(struct ts_json *o, const char *s, size_t len)
{
    char *at = room(o, len);

    if (at != NULL && len > 0)
        memcpy(at, s, len);
}

void ts_json_char(struct ts_json *o, char c)
{
    char *at = room(o, 1);

    if (at != NULL)
        *at = c;
}

void ts_json_cstr(struct ts_json *o, const char *s)
{
    ts_json_raw(o, s, strlen(s));
}

static void digits(struct ts_json *o, uint64_t v)
{
    char d[20];
    size_t at = sizeof(d);

    do {
        d[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    ts_json_raw(o, d + at, sizeof(d) - at);
}

void ts_json_uint(struct ts_json *o, uint64_t v)
{
    bool quoted = v > TS_JSON_INT_MAX;

    if (quoted)
        ts_json_char(o, '"');
    digits(o, v);
    if (quoted)
        ts_json_char(o, '"');
}

void ts_json_negative(struct ts_json *o, int64_t v)
{
    uint64_t size = (uint64_t)0 - (uint64_t)v;
    bool quoted = size > TS_JSON_INT_MAX;

    if (quoted)
        ts_json_char(o, '"');
    ts_json_char(o, '-');
    digits(o, size);
    if (quoted)
        ts_json_char(o, '"');
}

/* Bytes that do not stand for themselves: controls, quote, backslash, DEL, and
 * c2, which begins U+0080 to U+009F. */
static const bool special[256] = {
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    ['"'] = true,
    ['\\'] = true,
    [0x7f] = true,
    [0xc2] = true,
};

static size_t plain_run(const char *s, size_t len)
{
    size_t n = 0;

    while (n < len && !special[(unsigned char)s[n]])
        n++;
    return n;
}

/* One character that is not plain; returns how many bytes of s it took. */
static size_t put_special(struct ts_json *o, const char *s, size_t left)
{
    static const char names[] = "btnvfr"; /* \b is 8; \v has no short form */
    unsigned char c = (unsigned char)s[0];
    size_t used = 1;
    char *at;

    if (c == 0xc2 && left > 1) {
        c = (unsigned char)s[1];
        used = 2;
        if (c > 0x9f) {
            ts_json_raw(o, s, used);
            return used;
        }
    }
    if (c == '"' || c == '\\' || (c >= 8 && c <= 13 && c != 11)) {
        if ((at = room(o, 2)) != NULL) {
            at[0] = '\\';
            at[1] = s[0];
            if (c < ' ')
                at[1] = names[c - 8];
        }
    } else if ((at = room(o, 6)) != NULL) {
        at[0] = '\\';
        at[1] = 'u';
        at[2] = '0';
        at[3] = '0';
        at[4] = hex_digits[c >> 4];
        at[5] = hex_digits[c & 15];
    }
    return used;
}

void ts_json_str(struct ts_json *o, struct ts_str s)
{
    ts_json_char(o, '"');
    for (size_t i = 0; i < s.len && !o->full;) {
        size_t n = plain_run(s.ptr + i, s.len - i);

        ts_json_raw(o, s.ptr + i, n);
        i += n;
        if (i < s.len)
            i += put_special(o, s.ptr + i, s.len - i);
    }
    ts_json_char(o, '"');
}

void ts_json_hex(struct ts_json *o, struct ts_bytes b)
{
    char *at = b.len < SIZE_MAX / 4 ? room(o, 2 * b.len + 2) : NULL;

    if (at == NULL) {
        o->full = true;
        return;
    }
    *at++ = '"';
    for (size_t i = 0; i < b.len; i++) {
        *at++ = hex_digits[b.ptr[i] >> 4];
        *at++ = hex_digits[b.ptr[i] & 15];
    }
    *at = '"';
}

void ts_json_member_text(struct ts_json *o, const char *prefix, struct ts_str s)
{
    ts_json_cstr(o, prefix);
    if (!ts_utf8_valid(s.ptr, s.len))
        o->full = true;
    ts_json_str(o, s);
}

void ts_json_member_uint(struct ts_json *o, const char *prefix, uint64_t v)
{
    ts_json_cstr(o, prefix);
    ts_json_uint(o, v);
}
