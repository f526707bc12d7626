#ifndef SIDECAR_BROKER_PROXY_HOST_H
#define SIDECAR_BROKER_PROXY_HOST_H

#include <stdbool.h>
#include <uv.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/broker/dial.h"
#include "sidecar/broker/grant.h"

/*
 * The other end of a proxied connection: the socket to the host, TLS on it when
 * the rule says so, and its bytes counted. Bytes go between it and the
 * session's host_in and host_next.
 */
struct proxy_host;
struct proxy_session;
struct tls_trust;

struct proxy_host_use {
    const struct tls_trust *trust; /* NULL: TLS is refused */
    void (*changed)(void *ctx);    /* something moved: call proxy_host_move() */
    void (*cut)(void *ctx); /* the grant ends; it is freed by itself, after */
    void *ctx;
};

/* Takes r->fd and r->conn over in any case. Tells the session that it is
 * dialled, at once or when TLS is up; never before it returns TS_OK. */
TS_NODISCARD ts_err proxy_host_new(uv_loop_t *loop, const struct dial_result *r,
                                   struct proxy_session *s,
                                   const struct proxy_host_use *use,
                                   struct proxy_host **ret);
/* Moves what can be moved without waiting; true when something did. */
bool proxy_host_move(struct proxy_host *h);
/* Waits for what the session has room or bytes for. False: it cannot. */
bool proxy_host_watch(struct proxy_host *h);
/* The reason that the record of its end will have, unless one is known. */
void proxy_host_why(struct proxy_host *h, enum egress_close why);
void proxy_host_free(struct proxy_host *h, enum egress_close why);
/* The descriptor and the connection are the caller's; h is freed. */
int proxy_host_give(struct proxy_host *h, struct conn **ret_conn);

#endif
