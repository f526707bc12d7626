#ifndef PROTO_BASE_TS_BUF_H
#define PROTO_BASE_TS_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"

TS_API_BEGIN

/*
 * A growing byte queue with a hard maximum: appended at the back, consumed at
 * the front. No unbounded buffer exists in this program. A zeroed buffer with
 * max set is valid and empty.
 */
struct ts_buf {
    uint8_t *data; /* owned */
    size_t start;  /* consumed bytes */
    size_t len;    /* bytes held, from start */
    size_t cap;
    size_t max;
};

void ts_buf_init(struct ts_buf *b, size_t max);
void ts_buf_done(struct ts_buf *b);

/* Room for n more bytes at *ret; count them in with ts_buf_grew(). The pointer
 * is good until the next call that changes the buffer. TS_E_LIMIT over max. */
TS_NODISCARD ts_err ts_buf_reserve(struct ts_buf *b, size_t n, uint8_t **ret);
void ts_buf_grew(struct ts_buf *b, size_t n);
TS_NODISCARD ts_err ts_buf_append(struct ts_buf *b, const void *p, size_t n);

const uint8_t *ts_buf_bytes(const struct ts_buf *b); /* b->len of them */
void ts_buf_consume(struct ts_buf *b, size_t n);
void ts_buf_clear(struct ts_buf *b); /* keeps the memory */

TS_API_END

#endif
