/* msgpack to JSON, one way, bounded. For values that mp_read.h has accepted;
 * others make it stop, never read or write where it may not. */
#include "sidecar/recorder/json_out.h"

#include <stdio.h>
#include <string.h>

#include "proto/wire/limits.h"

static void json_float(struct ts_json *o, double v)
{
    char text[40];
    int n = snprintf(text, sizeof(text), "%.17g", v); /* finite: checked */

    ts_json_raw(o, text, n > 0 ? (size_t)n : 0);
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

static const uint8_t *stop(struct ts_json *o)
{
    o->full = true;
    return NULL;
}

/* Numbers, booleans, nil. */
static const uint8_t *put_scalar(struct ts_json *o, const uint8_t *p,
                                 size_t left)
{
    uint8_t b = *p;
    size_t width = b == 0xcb ? 8 : (size_t)1 << (b & 3);
    unsigned shift = 64u - (8u << (b & 3));
    uint64_t v;
    double d;

    if (b <= 0x7f) {
        ts_json_uint(o, b);
    } else if (b >= 0xe0) {
        ts_json_negative(o, (int64_t)b - 0x100);
    } else if (b == 0xc2 || b == 0xc3) {
        ts_json_cstr(o, b == 0xc3 ? "true" : "false");
    } else if (b == 0xc0) {
        ts_json_cstr(o, "null");
    } else if (b < 0xcb || b > 0xd3 || left < 1 + width) {
        return stop(o);
    } else {
        v = be(p + 1, width);
        if (b == 0xcb) {
            memcpy(&d, &v, sizeof(d));
            json_float(o, d);
        } else if (b <= 0xcf) {
            ts_json_uint(o, v);
        } else { /* gcc and clang extend the sign */
            ts_json_negative(o, (int64_t)(v << shift) >> shift);
        }
        return p + 1 + width;
    }
    return p + 1;
}

static const uint8_t *put_text(struct ts_json *o, const uint8_t *p, size_t left,
                               const struct head *h)
{
    const uint8_t *text = p + h->size;

    if (h->count > left - h->size)
        return stop(o);
    if (h->type == HEAD_STR)
        ts_json_str(
            o, (struct ts_str){.ptr = (const char *)text, .len = h->count});
    else
        ts_json_hex(o, (struct ts_bytes){.ptr = text, .len = h->count});
    return text + h->count;
}

const uint8_t *json_key(struct ts_json *o, const uint8_t *p, const uint8_t *end)
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
    ts_json_char(o, ':');
    return p;
}

/* The recursion ends at TS_MP_DEPTH_MAX, which the check enforces too. */
const uint8_t *json_value(struct ts_json *o, const uint8_t *p,
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
    ts_json_char(o, is_map ? '{' : '[');
    for (size_t i = 0; i < h.count && p != NULL && !o->full; i++) {
        if (i > 0)
            ts_json_char(o, ',');
        if (is_map)
            p = json_key(o, p, end);
        p = json_value(o, p, end, depth + 1);
    }
    ts_json_char(o, is_map ? '}' : ']');
    return p;
}
