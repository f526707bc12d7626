#include "proto/wire/frame.h"

#include <string.h>

#include "proto/base/ts_num.h"
#include "proto/base/ts_require.h"
#include "proto/wire/limits.h"

ts_err frame_parse(const uint8_t *buf, size_t len, size_t max,
                   struct frame *ret, size_t *ret_used)
{
    size_t body;

    if (len < 4)
        return TS_E_TRUNCATED;
    body = (size_t)buf[0] << 24 | (size_t)buf[1] << 16 | (size_t)buf[2] << 8 |
           (size_t)buf[3];
    if (body > max) /* told as soon as it is known, before the body comes */
        return TS_E_LIMIT;
    if (len < TS_FRAME_HEAD || len - TS_FRAME_HEAD < body)
        return TS_E_TRUNCATED;
    *ret = (struct frame){
        .type = buf[4], .body = buf + TS_FRAME_HEAD, .len = body};
    *ret_used = TS_FRAME_HEAD + body;
    return TS_OK;
}

ts_err frame_begin(struct ts_buf *out, uint8_t type, size_t body_max,
                   uint8_t **ret_body)
{
    uint8_t *head;
    size_t need;
    ts_err e;

    if (body_max > UINT32_MAX ||
        ts_ckd_add(&need, body_max, (size_t)TS_FRAME_HEAD))
        return TS_E_LIMIT;
    e = ts_buf_reserve(out, need, &head);
    if (e != TS_OK)
        return e;
    head[4] = type;
    *ret_body = head + TS_FRAME_HEAD;
    return TS_OK;
}

void frame_end(struct ts_buf *out, uint8_t type, size_t body_len)
{
    size_t at = out->start + out->len;
    uint8_t *head;

    TS_REQUIRE(body_len <= UINT32_MAX);
    TS_REQUIRE(out->cap - at >= TS_FRAME_HEAD &&
               out->cap - at - TS_FRAME_HEAD >= body_len);
    head = out->data + at;
    head[0] = (uint8_t)(body_len >> 24);
    head[1] = (uint8_t)(body_len >> 16);
    head[2] = (uint8_t)(body_len >> 8);
    head[3] = (uint8_t)body_len;
    head[4] = type;
    ts_buf_grew(out, TS_FRAME_HEAD + body_len);
}

ts_err frame_append(struct ts_buf *out, uint8_t type, const void *body,
                    size_t len)
{
    uint8_t *to;
    ts_err e = frame_begin(out, type, len, &to);

    if (e != TS_OK)
        return e;
    if (len > 0)
        memcpy(to, body, len);
    frame_end(out, type, len);
    return TS_OK;
}
