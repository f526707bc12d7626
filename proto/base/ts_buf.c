#include "proto/base/ts_buf.h"

#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/base/ts_num.h"
#include "proto/base/ts_require.h"

#define CAP_MIN ((size_t)512)

void ts_buf_init(struct ts_buf *b, size_t max)
{
    *b = (struct ts_buf){.max = max};
}

void ts_buf_done(struct ts_buf *b)
{
    ts_mem_free(b->data);
    *b = (struct ts_buf){.max = b->max};
}

static ts_err buf_grow(struct ts_buf *b, size_t need)
{
    size_t cap = b->cap > 0 ? b->cap : CAP_MIN;
    uint8_t *p;

    while (cap < need)
        cap *= 2; /* need <= max, far below SIZE_MAX / 2 */
    if (cap > b->max)
        cap = b->max;
    p = ts_mem_alloc(cap);
    if (p == NULL)
        return TS_E_NOMEM;
    if (b->len > 0)
        memcpy(p, b->data + b->start, b->len);
    ts_mem_free(b->data);
    b->data = p;
    b->cap = cap;
    b->start = 0;
    return TS_OK;
}

ts_err ts_buf_reserve(struct ts_buf *b, size_t n, uint8_t **ret)
{
    size_t need;
    ts_err e;

    if (ts_ckd_add(&need, b->len, n) || need > b->max)
        return TS_E_LIMIT;
    if (need > b->cap) {
        e = buf_grow(b, need);
        if (e != TS_OK)
            return e;
    } else if (b->start + need > b->cap) {
        memmove(b->data, b->data + b->start, b->len);
        b->start = 0;
    }
    *ret = b->data + b->start + b->len;
    return TS_OK;
}

void ts_buf_grew(struct ts_buf *b, size_t n)
{
    TS_REQUIRE(n <= b->cap - b->start - b->len);
    b->len += n;
}

ts_err ts_buf_append(struct ts_buf *b, const void *p, size_t n)
{
    uint8_t *to;
    ts_err e;

    if (n == 0)
        return TS_OK;
    e = ts_buf_reserve(b, n, &to);
    if (e != TS_OK)
        return e;
    memcpy(to, p, n);
    b->len += n;
    return TS_OK;
}

const uint8_t *ts_buf_bytes(const struct ts_buf *b)
{
    return b->data != NULL ? b->data + b->start : NULL;
}

void ts_buf_consume(struct ts_buf *b, size_t n)
{
    TS_REQUIRE(n <= b->len);
    b->start += n;
    b->len -= n;
    if (b->len == 0)
        b->start = 0;
}

void ts_buf_clear(struct ts_buf *b)
{
    b->start = 0;
    b->len = 0;
}
