#ifndef SIDECAR_BROKER_PROXY_CONN_H
#define SIDECAR_BROKER_PROXY_CONN_H

#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"

/*
 * One connection that a tool made to its proxy: the sockets, the clock and the
 * dial around a proxy_session. It ends by itself and then calls gone.
 */
struct grant;
struct inject;
struct tls_trust;
struct proxy_conn;

struct proxy_conn_owner {
    struct grant *grant;
    const struct inject *inject;   /* NULL: no header is added */
    const struct tls_trust *trust; /* NULL: no TLS upstream */
    void (*gone)(void *ctx, struct proxy_conn *c);
    void *ctx;
};

/* owner is borrowed for its life; tool_fd is taken over in any case. */
TS_NODISCARD ts_err proxy_conn_new(const struct proxy_conn_owner *owner,
                                   int tool_fd, struct proxy_conn **ret);
/* At once; gone is not called. The memory goes when libuv has let go. */
void proxy_conn_end(struct proxy_conn *c);
/* For who keeps a list. */
struct proxy_conn **proxy_conn_next(struct proxy_conn *c);

#endif
