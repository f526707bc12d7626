/* msgpack to JSON, one way, bounded. For values that mp_read.h has accepted;
 * others make it stop, never read or write where it may not. */
#include "sidecar/recorder/json_out.h"

#include <stdio.h>
#include <string.h>

#include "proto/wire/limits.h"

static const char hex_digits[] = "0123456789abcdef";

/* Where n bytes may be written, NULL if they do not fit. */
static inline char *room(struct json_out *o, size_t n)
{
    char *at = o->buf + o->len;

    if (o->full || n > o->cap - o->len) {
        o->full = true;
        return NULL;
    }
    o->len += n;
    return at;
}

void json_raw(struct json_out *o, const char *s, size_t len)
{
    char *at = room(o, len);

    if (at != NULL && len > 0)
        memcpy(at, s, len);
}

static inline void put(struct json_out *o, char c)
{
    char *at = room(o, 1);

    if (at != NULL)
        *at = c;
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
        put(o, '"');
    json_digits(o, v);
    if (quoted)
        put(o, '"');
}

static void json_negative(struct json_out *o, int64_t v)
{
    uint64_t size = (uint64_t)0 - (uint64_t)v;
    bool quoted = size > JSON_INT_MAX;

    if (quoted)
        put(o, '"');
    put(o, '-');
    json_digits(o, size);
    if (quoted)
        put(o, '"');
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
static size_t put_special(struct json_out *o, const char *s, size_t left)
{
    static const char names[] = "btnvfr"; /* \b is 8; \v has no short form */
    unsigned char c = (unsigned char)s[0];
    size_t used = 1;
    char *at;

    if (c == 0xc2 && left > 1) {
        c = (unsigned char)s[1];
        used = 2;
        if (c > 0x9f) {
            json_raw(o, s, used);
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

void json_str(struct json_out *o, struct ts_str s)
{
    put(o, '"');
    for (size_t i = 0; i < s.len && !o->full;) {
        size_t n = plain_run(s.ptr + i, s.len - i);

        json_raw(o, s.ptr + i, n);
        i += n;
        if (i < s.len)
            i += put_special(o, s.ptr + i, s.len - i);
    }
    put(o, '"');
}

void json_hex(struct json_out *o, struct ts_bytes b)
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

static void json_float(struct json_out *o, double v)
{
    char text[40];
    int n = snprintf(text, sizeof(text), "%.17g", v); /* finite: checked */

    json_raw(o, text, n > 0 ? (size_t)n : 0);
}

/* ---- values ------------------------------------------------------------ */

static uint64_t be(const uint8_t *p, size_t width)
{
    uint64_t v = 0;

    for (size_t i = 0; i < width; i++)
        v = v << 8 | p[i];
    return v;
}

struct head {
    enum {
        HEAD_STR,
        HEAD_BIN,
        HEAD_ARRAY,
        HEAD_MAP,
        HEAD_OTHER
    } type;
    size_t size;  /* of the head */
    size_t count; /* bytes, elements or entries */
};

/* The kinds of head that have a length behind them. */
static const struct wide {
    uint8_t tag, type, width;
} wide[] = {
    {0xd9, HEAD_STR, 1},   {0xda, HEAD_STR, 2},   {0xdb, HEAD_STR, 4},
    {0xc4, HEAD_BIN, 1},   {0xc5, HEAD_BIN, 2},   {0xc6, HEAD_BIN, 4},
    {0xdc, HEAD_ARRAY, 2}, {0xdd, HEAD_ARRAY, 4}, {0xde, HEAD_MAP, 2},
    {0xdf, HEAD_MAP, 4},
};

static struct head wide_head(const uint8_t *p, size_t left)
{
    for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++) {
        const struct wide *w = &wide[i];

        if (*p == w->tag && left > w->width)
            return (struct head){.type = w->type,
                                 .size = 1 + (size_t)w->width,
                                 .count = (size_t)be(p + 1, w->width)};
    }
    return (struct head){.type = HEAD_OTHER};
}

/* The head of a sized value; HEAD_OTHER for all else, also if cut off. */
static struct head head_of(const uint8_t *p, size_t left)
{
    uint8_t b = *p;

    if (b < 0x80 || b >= 0xe0)
        return (struct head){.type = HEAD_OTHER};
    if (b <= 0x8f)
        return (struct head){.type = HEAD_MAP, .size = 1, .count = b & 15u};
    if (b <= 0x9f)
        return (struct head){.type = HEAD_ARRAY, .size = 1, .count = b & 15u};
    if (b <= 0xbf)
        return (struct head){.type = HEAD_STR, .size = 1, .count = b & 31u};
    return wide_head(p, left);
}

static const uint8_t *stop(struct json_out *o)
{
    o->full = true;
    return NULL;
}

/* Numbers, booleans, nil. */
static const uint8_t *put_scalar(struct json_out *o, const uint8_t *p,
                                 size_t left)
{
    uint8_t b = *p;
    size_t width = b == 0xcb ? 8 : (size_t)1 << (b & 3);
    unsigned shift = 64u - (8u << (b & 3));
    uint64_t v;
    double d;

    if (b <= 0x7f) {
        json_uint(o, b);
    } else if (b >= 0xe0) {
        json_negative(o, (int64_t)b - 0x100);
    } else if (b == 0xc2 || b == 0xc3) {
        json_cstr(o, b == 0xc3 ? "true" : "false");
    } else if (b == 0xc0) {
        json_cstr(o, "null");
    } else if (b < 0xcb || b > 0xd3 || left < 1 + width) {
        return stop(o);
    } else {
        v = be(p + 1, width);
        if (b == 0xcb) {
            memcpy(&d, &v, sizeof(d));
            json_float(o, d);
        } else if (b <= 0xcf) {
            json_uint(o, v);
        } else { /* gcc and clang extend the sign */
            json_negative(o, (int64_t)(v << shift) >> shift);
        }
        return p + 1 + width;
    }
    return p + 1;
}

static const uint8_t *put_text(struct json_out *o, const uint8_t *p,
                               size_t left, const struct head *h)
{
    const uint8_t *text = p + h->size;

    if (h->count > left - h->size)
        return stop(o);
    if (h->type == HEAD_STR)
        json_str(o,
                 (struct ts_str){.ptr = (const char *)text, .len = h->count});
    else
        json_hex(o, (struct ts_bytes){.ptr = text, .len = h->count});
    return text + h->count;
}

const uint8_t *json_key(struct json_out *o, const uint8_t *p,
                        const uint8_t *end)
{
    struct head h = {.type = HEAD_OTHER};

    if (p != NULL && p < end)
        h = head_of(p, (size_t)(end - p));
    /* A zero byte is legal JSON, but common readers (jansson is one) refuse it
     * in a key: one such line would make the log unreadable for them. */
    if (h.type != HEAD_STR || h.count > (size_t)(end - p) - h.size ||
        (h.count > 0 && memchr(p + h.size, '\0', h.count) != NULL))
        return stop(o);
    p = put_text(o, p, (size_t)(end - p), &h);
    put(o, ':');
    return p;
}

/* The recursion ends at TS_MP_DEPTH_MAX, which the check enforces too. */
const uint8_t *json_value(struct json_out *o, const uint8_t *p,
                          const uint8_t *end, unsigned depth)
{
    struct head h;
    bool is_map;

    if (p == NULL || p >= end || depth > TS_MP_DEPTH_MAX)
        return stop(o);
    h = head_of(p, (size_t)(end - p));
    if (h.type == HEAD_OTHER)
        return put_scalar(o, p, (size_t)(end - p));
    if (h.type == HEAD_STR || h.type == HEAD_BIN)
        return put_text(o, p, (size_t)(end - p), &h);
    is_map = h.type == HEAD_MAP;
    p += h.size;
    put(o, is_map ? '{' : '[');
    for (size_t i = 0; i < h.count && p != NULL && !o->full; i++) {
        if (i > 0)
            put(o, ',');
        if (is_map)
            p = json_key(o, p, end);
        p = json_value(o, p, end, depth + 1);
    }
    put(o, is_map ? '}' : ']');
    return p;
}
