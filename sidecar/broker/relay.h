#ifndef SIDECAR_BROKER_RELAY_H
#define SIDECAR_BROKER_RELAY_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/msg/egress.h"

/*
 * Joins the tool's stream to the host's: bytes both ways, half-closes passed
 * on, back pressure kept, counted into the connection, ended by its allowance
 * or by the end of its grant. Both descriptors are read and written with
 * MSG_DONTWAIT only, since a tool shares the flags of its end with us.
 */
struct broker;
struct conn;
struct relay;

struct relay_ends {
    int tool_fd, host_fd; /* taken over in any case; sockets */
    uint32_t skip;        /* first bytes of the tool that are thrown away */
    /* Already read from one and meant for the other; copied, may be empty. */
    const uint8_t *to_host, *to_tool;
    size_t to_host_len, to_tool_len; /* <= RELAY_PENDING_MAX; counted here */
};
#define RELAY_PENDING_MAX 65536

/*
 * From here on the connection is the relay's: it ends by itself with
 * conn_close(), and then calls done(ctx) once unless done is NULL. On failure
 * the descriptors are closed and the connection is ended, too.
 */
TS_NODISCARD ts_err relay_start(struct broker *b, struct conn *c,
                                const struct relay_ends *ends,
                                void (*done)(void *ctx), void *ctx);

#endif
