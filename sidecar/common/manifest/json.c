/* A value of a call as JSON text of which there is one only: what policies
 * compare, what a ticket shows and what the tool gets are the same bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/ts_buf.h"
#include "proto/wire/mp_read.h"
#include "sidecar/common/manifest/manifest.h"

#define FLOAT_TEXT_MAX 40

struct member {
    struct ts_str key;
    struct ts_bytes value;
};

struct json_writer {
    struct ts_buf out;
    struct ts_arena *arena;
    size_t pointer; /* bytes of the pointer (RFC 6901) to what is written */
};

/* The bytes that one name adds to a pointer: "~" and "/" are two there. */
static size_t segment_of(struct ts_str key)
{
    size_t n = 1 + key.len;

    for (size_t i = 0; i < key.len; i++)
        n += key.ptr[i] == '~' || key.ptr[i] == '/';
    return n;
}

static size_t segment_at(uint32_t index)
{
    size_t n = 2;

    while ((index /= 10) > 0)
        n++;
    return n;
}

static ts_err put(struct json_writer *w, const char *s, size_t len)
{
    return ts_buf_append(&w->out, s, len);
}

static ts_err put_whole(struct json_writer *w, uint64_t v, bool negative)
{
    char text[24];
    size_t at = sizeof(text);

    do {
        text[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    if (negative)
        text[--at] = '-';
    return put(w, text + at, sizeof(text) - at);
}

/* A float above 0: 0.DIGITS x 10^exponent. */
struct float_text {
    char digits[17];
    size_t count; /* at least 1; none of the last ones is a zero */
    int exponent;
};

/* With 15 digits, or as many more as it takes to read the same float back. */
static struct float_text float_parts(double v)
{
    struct float_text f = {0};
    char text[FLOAT_TEXT_MAX];
    bool negative = false;
    const char *p = text;

    for (int more = 14; more <= 16; more++) {
        double back;

        (void)snprintf(text, sizeof(text), "%.*e", more, v);
        back = strtod(text, NULL);
        if (!(back < v || back > v))
            break;
    }
    for (; *p != 'e' && *p != '\0'; p++)
        if (*p != '.' && f.count < sizeof(f.digits))
            f.digits[f.count++] = *p;
    while (f.count > 1 && f.digits[f.count - 1] == '0')
        f.count--;
    for (; *p != '\0'; p++) {
        negative = negative || *p == '-';
        if (*p >= '0' && *p <= '9')
            f.exponent = f.exponent * 10 + (*p - '0');
    }
    f.exponent = (negative ? -f.exponent : f.exponent) + 1;
    return f;
}

static size_t zeros(char *out, int n)
{
    size_t len = n > 0 ? (size_t)n : 0;

    memset(out, '0', len);
    return len;
}

/* The places of RFC 8785, which are those of ECMAScript: an exponent below
 * 10^-6 and from 10^21. */
static ts_err put_float(struct json_writer *w, double v)
{
    char text[FLOAT_TEXT_MAX];
    struct float_text f;
    size_t n = 0, whole;

    if (!(v < 0 || v > 0))
        return put(w, "0", 1);
    f = float_parts(v < 0 ? -v : v);
    if (v < 0)
        text[n++] = '-';
    if (f.exponent > 21 || f.exponent <= -6) {
        int len;

        text[n++] = f.digits[0];
        if (f.count > 1)
            text[n++] = '.';
        memcpy(text + n, f.digits + 1, f.count - 1);
        n += f.count - 1;
        len = snprintf(text + n, sizeof(text) - n, "e%+d", f.exponent - 1);
        return put(w, text, n + (len > 0 ? (size_t)len : 0));
    }
    whole = f.exponent > 0 ? (size_t)f.exponent : 0;
    if (whole >= f.count) {
        memcpy(text + n, f.digits, f.count);
        n += f.count;
        n += zeros(text + n, f.exponent - (int)f.count);
        return put(w, text, n);
    }
    memcpy(text + n, f.digits, whole);
    n += whole;
    if (whole == 0)
        text[n++] = '0';
    text[n++] = '.';
    n += zeros(text + n, -f.exponent);
    memcpy(text + n, f.digits + whole, f.count - whole);
    return put(w, text, n + f.count - whole);
}

/* NULL: the character stands for itself. */
static const char *escape_of(char c, char room[8])
{
    switch (c) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\b':
        return "\\b";
    case '\t':
        return "\\t";
    case '\n':
        return "\\n";
    case '\f':
        return "\\f";
    case '\r':
        return "\\r";
    default:
        break;
    }
    if ((unsigned char)c >= 0x20)
        return NULL;
    (void)snprintf(room, 8, "\\u%04x", (unsigned)(unsigned char)c);
    return room;
}

static ts_err put_string(struct json_writer *w, struct ts_str s)
{
    ts_err e = put(w, "\"", 1);
    size_t from = 0;
    char room[8];

    for (size_t i = 0; e == TS_OK && i < s.len; i++) {
        const char *escape = escape_of(s.ptr[i], room);

        if (escape == NULL)
            continue;
        e = put(w, s.ptr + from, i - from);
        if (e == TS_OK)
            e = put(w, escape, strlen(escape));
        from = i + 1;
    }
    if (e == TS_OK)
        e = put(w, s.ptr + from, s.len - from);
    return e == TS_OK ? put(w, "\"", 1) : e;
}

static ts_err put_value(struct json_writer *w, struct mp_reader *r);

/* What stands further in than any pointer reaches has no place to name. */
static ts_err put_below(struct json_writer *w, struct mp_reader *r,
                        size_t segment)
{
    ts_err e;

    if (segment > MANIFEST_PATTERN_MAX - w->pointer)
        return TS_E_INVALID;
    w->pointer += segment;
    e = put_value(w, r);
    w->pointer -= segment;
    return e;
}

static ts_err put_array(struct json_writer *w, struct mp_reader *r)
{
    uint32_t n = mp_read_array(r, UINT32_MAX);
    ts_err e = put(w, "[", 1);

    for (uint32_t i = 0; e == TS_OK && i < n; i++) {
        if (i > 0)
            e = put(w, ",", 1);
        if (e == TS_OK)
            e = put_below(w, r, segment_at(i));
    }
    return e == TS_OK ? put(w, "]", 1) : e;
}

static int by_key(const void *a, const void *b)
{
    const struct member *x = a, *y = b;

    return ts_str_cmp(x->key, y->key);
}

static ts_err put_member(struct json_writer *w, const struct member *m)
{
    struct mp_reader value;
    ts_err e = put_string(w, m->key);

    if (e == TS_OK)
        e = put(w, ":", 1);
    mp_reader_init(&value, m->value.ptr, m->value.len);
    return e == TS_OK ? put_below(w, &value, segment_of(m->key)) : e;
}

static ts_err put_map(struct json_writer *w, struct mp_reader *r)
{
    uint32_t n = mp_read_map(r, TS_MP_MAP_KEYS_MAX);
    struct member *list;
    void *p;
    ts_err e = ts_arena_array(w->arena, (size_t)n + 1, sizeof(*list), &p);

    if (e != TS_OK)
        return e;
    list = p;
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *start;

        list[i].key = mp_read_str(r, SIZE_MAX);
        start = r->at;
        mp_skip_checked(r);
        list[i].value = (struct ts_bytes){start, (size_t)(r->at - start)};
    }
    qsort(list, n, sizeof(*list), by_key);
    e = put(w, "{", 1);
    for (uint32_t i = 0; e == TS_OK && i < n; i++) {
        if (i > 0)
            e = put(w, ",", 1);
        if (e == TS_OK)
            e = put_member(w, &list[i]);
    }
    return e == TS_OK ? put(w, "}", 1) : e;
}

/* Recursion ends with the depth that mp_scan() allowed. */
static ts_err put_value(struct json_writer *w, struct mp_reader *r)
{
    int64_t i;

    switch (mp_peek(r)) {
    case MP_UINT:
        return put_whole(w, mp_read_uint(r, UINT64_MAX), false);
    case MP_NINT:
        i = mp_read_int(r);
        return put_whole(w, 0 - (uint64_t)i, true);
    case MP_FLOAT:
        return put_float(w, mp_read_float(r));
    case MP_STR:
        return put_string(w, mp_read_str(r, SIZE_MAX));
    case MP_BOOL:
        return mp_read_bool(r) ? put(w, "true", 4) : put(w, "false", 5);
    case MP_NIL:
        mp_read_nil(r);
        return put(w, "null", 4);
    case MP_ARRAY:
        return put_array(w, r);
    case MP_MAP:
        return put_map(w, r);
    case MP_NONE:
    case MP_BIN:
        break;
    }
    return TS_E_FORMAT;
}

ts_err manifest_json(struct ts_bytes value, size_t max, struct ts_arena *arena,
                     struct ts_str *ret)
{
    struct json_writer w = {.arena = arena};
    struct mp_reader r;
    const char *copy = NULL;
    ts_err e = mp_scan(value.ptr, value.len);

    if (e != TS_OK)
        return e == TS_E_LIMIT ? e : TS_E_FORMAT;
    ts_buf_init(&w.out, max);
    mp_reader_init(&r, value.ptr, value.len);
    e = put_value(&w, &r);
    if (e == TS_OK && w.out.len == 0)
        e = TS_E_FORMAT;
    if (e == TS_OK)
        e = ts_arena_strndup(arena, (const char *)ts_buf_bytes(&w.out),
                             w.out.len, &copy);
    if (e == TS_OK)
        *ret = (struct ts_str){copy, w.out.len};
    ts_buf_done(&w.out);
    return e;
}
