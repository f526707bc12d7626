#ifndef PROTO_WIRE_FRAME_H
#define PROTO_WIRE_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"

/*
 * Framing on the agent and admin sockets:
 *
 *     uint32  len    big-endian, bytes of body (not counting this head)
 *     uint8   type   see proto/msg/client.h, proto/msg/admin.h
 *     byte[]  body   exactly one msgpack value
 *
 * len is checked against the caller's maximum before anything is stored.
 */
struct frame {
    uint8_t type;
    const uint8_t *body; /* borrows from the given bytes */
    size_t len;
};

/*
 * Looks for one whole frame at the front of buf. TS_OK: *ret is it, and
 * *ret_used bytes belong to it. TS_E_TRUNCATED: not all here yet (not an
 * error of the peer). TS_E_LIMIT: body longer than max; close the connection.
 */
TS_NODISCARD ts_err frame_parse(const uint8_t *buf, size_t len, size_t max,
                                struct frame *ret, size_t *ret_used);

/*
 * Appends a frame to out. frame_begin() reserves the head and room for
 * body_max bytes and returns where the body goes; frame_end() fills in the
 * length. Between the two nothing else may touch the buffer.
 */
TS_NODISCARD ts_err frame_begin(struct ts_buf *out, uint8_t type,
                                size_t body_max, uint8_t **ret_body);
void frame_end(struct ts_buf *out, uint8_t type, size_t body_len);
TS_NODISCARD ts_err frame_append(struct ts_buf *out, uint8_t type,
                                 const void *body, size_t len);

#endif
