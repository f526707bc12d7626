/* msgpack to JSON, one way, bounded. Reads what mp_read.h accepts. */
#include "sidecar/recorder/json_out.h"

#include <stdio.h>
#include <string.h>

#include "proto/wire/limits.h"
#include "proto/wire/mp_read.h"

void json_raw(struct json_out *o, const char *s, size_t len)
{
    if (o->full || len > o->cap - o->len) {
        o->full = true;
        return;
    }
    if (len > 0)
        memcpy(o->buf + o->len, s, len);
    o->len += len;
}

void json_cstr(struct json_out *o, const char *s)
{
    json_raw(o, s, strlen(s));
}

static void json_digits(struct json_out *o, uint64_t v)
{
    char d[20];
    size_t at = sizeof(d);

    do {
        d[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    json_raw(o, d + at, sizeof(d) - at);
}

void json_uint(struct json_out *o, uint64_t v)
{
    bool quoted = v > JSON_INT_MAX;

    if (quoted)
        json_raw(o, "\"", 1);
    json_digits(o, v);
    if (quoted)
        json_raw(o, "\"", 1);
}

static void json_negative(struct json_out *o, int64_t v)
{
    uint64_t size = (uint64_t)0 - (uint64_t)v;
    bool quoted = size > JSON_INT_MAX;

    if (quoted)
        json_raw(o, "\"", 1);
    json_raw(o, "-", 1);
    json_digits(o, size);
    if (quoted)
        json_raw(o, "\"", 1);
}

static void json_float(struct json_out *o, double v)
{
    char text[40];
    int n = snprintf(text, sizeof(text), "%.17g", v); /* the reader: finite */

    json_raw(o, text, n > 0 ? (size_t)n : 0);
}

/* Length of the escape that stands for s[0] (or s[0..1]), 0 for none; *ret_used
 * how many bytes of s it stands for. */
static size_t escape(const char *s, size_t left, char out[8], size_t *ret_used)
{
    static const char names[] = "btnvfr"; /* \b is 8; \v has no short form */
    unsigned char c = (unsigned char)s[0];
    int n;

    *ret_used = 1;
    if (c == '"' || c == '\\') {
        out[0] = '\\';
        out[1] = (char)c;
        return 2;
    }
    if (c >= 8 && c <= 13 && c != 11) {
        out[0] = '\\';
        out[1] = names[c - 8];
        return 2;
    }
    if (c == 0xc2 && left > 1 && (unsigned char)s[1] <= 0x9f) {
        *ret_used = 2; /* U+0080 to U+009F */
        c = (unsigned char)s[1];
    } else if (c >= 0x20 && c != 0x7f) {
        return 0;
    }
    n = snprintf(out, 8, "\\u%04x", (unsigned)c);
    return n > 0 ? (size_t)n : 0;
}

void json_str(struct json_out *o, struct ts_str s)
{
    size_t from = 0;

    json_raw(o, "\"", 1);
    for (size_t i = 0; i < s.len;) {
        char esc[8];
        size_t used, n = escape(s.ptr + i, s.len - i, esc, &used);

        if (n > 0) {
            json_raw(o, s.ptr + from, i - from);
            json_raw(o, esc, n);
            from = i + used;
        }
        i += used;
    }
    json_raw(o, s.ptr + from, s.len - from);
    json_raw(o, "\"", 1);
}

void json_hex(struct json_out *o, struct ts_bytes b)
{
    char two[3];

    json_raw(o, "\"", 1);
    for (size_t i = 0; i < b.len; i++) {
        ts_hex_encode(two, b.ptr + i, 1);
        json_raw(o, two, 2);
    }
    json_raw(o, "\"", 1);
}

void json_key(struct json_out *o, struct mp_reader *r, size_t max_len)
{
    struct ts_str key = mp_read_str(r, max_len);

    /* Legal JSON, but common readers (jansson is one) refuse it: one such line
     * would make the log unreadable for them. */
    if (key.len > 0 && memchr(key.ptr, '\0', key.len) != NULL)
        mp_fail(r, TS_E_INVALID, "a key with a zero byte");
    json_str(o, key);
    json_raw(o, ":", 1);
}

static void json_array(struct json_out *o, struct mp_reader *r, unsigned depth)
{
    uint32_t n = mp_read_array(r, UINT32_MAX);

    json_raw(o, "[", 1);
    for (uint32_t i = 0; i < n && r->error == TS_OK && !o->full; i++) {
        if (i > 0)
            json_raw(o, ",", 1);
        json_value(o, r, depth + 1);
    }
    json_raw(o, "]", 1);
}

static void json_map(struct json_out *o, struct mp_reader *r, unsigned depth)
{
    uint32_t n = mp_read_map(r, TS_MP_MAP_KEYS_MAX);

    json_raw(o, "{", 1);
    for (uint32_t i = 0; i < n && r->error == TS_OK && !o->full; i++) {
        if (i > 0)
            json_raw(o, ",", 1);
        json_key(o, r, SIZE_MAX);
        json_value(o, r, depth + 1);
    }
    json_raw(o, "}", 1);
}

/* The recursion ends at TS_MP_DEPTH_MAX, which the reader enforces too. */
void json_value(struct json_out *o, struct mp_reader *r, unsigned depth)
{
    int64_t v;

    if (depth > TS_MP_DEPTH_MAX) {
        mp_fail(r, TS_E_LIMIT, "nested too deeply");
        return;
    }
    switch (mp_peek(r)) {
    case MP_UINT:
        json_uint(o, mp_read_uint(r, UINT64_MAX));
        return;
    case MP_NINT:
        v = mp_read_int(r);
        if (r->error == TS_OK)
            json_negative(o, v);
        return;
    case MP_STR:
        json_str(o, mp_read_str(r, SIZE_MAX));
        return;
    case MP_BIN:
        json_hex(o, mp_read_bin(r, SIZE_MAX));
        return;
    case MP_ARRAY:
        json_array(o, r, depth);
        return;
    case MP_MAP:
        json_map(o, r, depth);
        return;
    case MP_BOOL:
        json_cstr(o, mp_read_bool(r) ? "true" : "false");
        return;
    case MP_NIL:
        mp_read_nil(r);
        json_cstr(o, "null");
        return;
    case MP_FLOAT:
        json_float(o, mp_read_float(r));
        return;
    case MP_NONE:
        mp_fail(r, TS_E_FORMAT, "value missing or of no accepted type");
        return;
    }
}
