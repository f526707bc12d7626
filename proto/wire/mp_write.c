#include "proto/wire/mp_write.h"

#include <string.h>

void mp_writer_init(struct mp_writer *w, void *buf, size_t cap)
{
    *w = (struct mp_writer){.buf = buf, .cap = cap};
}

/* Where n bytes go, counted in; NULL when they do not fit. */
static uint8_t *room(struct mp_writer *w, size_t n)
{
    uint8_t *p;

    if (w->error != TS_OK)
        return NULL;
    if (n > w->cap - w->len) {
        w->error = TS_E_LIMIT;
        return NULL;
    }
    p = w->buf + w->len;
    w->len += n;
    return p;
}

/* A tag and width big-endian bytes. */
static void put(struct mp_writer *w, uint8_t tag, uint64_t v, size_t width)
{
    uint8_t *p = room(w, 1 + width);

    if (p == NULL)
        return;
    p[0] = tag;
    for (size_t i = width; i > 0; i--) {
        p[i] = (uint8_t)v;
        v >>= 8;
    }
}

void mp_write_uint(struct mp_writer *w, uint64_t v)
{
    if (v <= 0x7f)
        put(w, (uint8_t)v, 0, 0);
    else if (v <= UINT8_MAX)
        put(w, 0xcc, v, 1);
    else if (v <= UINT16_MAX)
        put(w, 0xcd, v, 2);
    else if (v <= UINT32_MAX)
        put(w, 0xce, v, 4);
    else
        put(w, 0xcf, v, 8);
}

void mp_write_int(struct mp_writer *w, int64_t v)
{
    if (v >= 0)
        mp_write_uint(w, (uint64_t)v);
    else if (v >= -32)
        put(w, (uint8_t)(0x100 + v), 0, 0);
    else if (v >= INT8_MIN)
        put(w, 0xd0, (uint64_t)v, 1);
    else if (v >= INT16_MIN)
        put(w, 0xd1, (uint64_t)v, 2);
    else if (v >= INT32_MIN)
        put(w, 0xd2, (uint64_t)v, 4);
    else
        put(w, 0xd3, (uint64_t)v, 8);
}

void mp_write_bool(struct mp_writer *w, bool v)
{
    put(w, v ? 0xc3 : 0xc2, 0, 0);
}

void mp_write_nil(struct mp_writer *w)
{
    put(w, 0xc0, 0, 0);
}

void mp_write_float(struct mp_writer *w, double v)
{
    uint64_t bits;

    memcpy(&bits, &v, sizeof(bits));
    if ((bits >> 52 & 0x7ff) != 0x7ff)
        put(w, 0xcb, bits, 8);
    else if (w->error == TS_OK)
        w->error = TS_E_INVALID;
}

void mp_write_raw(struct mp_writer *w, const void *p, size_t len)
{
    uint8_t *to = len > 0 ? room(w, len) : NULL;

    if (to != NULL)
        memcpy(to, p, len);
}

void mp_write_str(struct mp_writer *w, const char *s, size_t len)
{
    if (len > UINT32_MAX)
        w->error = TS_E_LIMIT;
    else if (len <= 31)
        put(w, (uint8_t)(0xa0 + len), 0, 0);
    else if (len <= UINT8_MAX)
        put(w, 0xd9, len, 1);
    else if (len <= UINT16_MAX)
        put(w, 0xda, len, 2);
    else
        put(w, 0xdb, len, 4);
    mp_write_raw(w, s, len);
}

void mp_write_cstr(struct mp_writer *w, const char *s)
{
    mp_write_str(w, s, strlen(s));
}

void mp_write_bin(struct mp_writer *w, const void *p, size_t len)
{
    if (len > UINT32_MAX)
        w->error = TS_E_LIMIT;
    else if (len <= UINT8_MAX)
        put(w, 0xc4, len, 1);
    else if (len <= UINT16_MAX)
        put(w, 0xc5, len, 2);
    else
        put(w, 0xc6, len, 4);
    mp_write_raw(w, p, len);
}

void mp_write_array(struct mp_writer *w, uint32_t count)
{
    if (count <= 15)
        put(w, (uint8_t)(0x90 + count), 0, 0);
    else if (count <= UINT16_MAX)
        put(w, 0xdc, count, 2);
    else
        put(w, 0xdd, count, 4);
}

void mp_write_map(struct mp_writer *w, uint32_t count)
{
    if (count <= 15)
        put(w, (uint8_t)(0x80 + count), 0, 0);
    else if (count <= UINT16_MAX)
        put(w, 0xde, count, 2);
    else
        put(w, 0xdf, count, 4);
}

ts_err mp_written(const struct mp_writer *w, size_t *ret_len)
{
    if (w->error == TS_OK)
        *ret_len = w->len;
    return w->error;
}
