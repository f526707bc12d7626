#ifndef SIDECAR_BROKER_GRANT_H
#define SIDECAR_BROKER_GRANT_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/msg/egress.h"
#include "proto/wire/limits.h"
#include "sidecar/common/manifest/manifest.h"

/*
 * A grant is one running tool that may reach the network: from the launcher's
 * GRANT to its END (or the gate's, which comes first when a call is ended). All
 * that a tool has open hangs on its grant and is shut with it.
 *
 * How the tool is served is the mode's: ask.c (EGRESS_BROKER), proxy.c
 * (EGRESS_PROXY).
 */
struct broker;
struct dial;
struct policy;

struct grant {
    struct broker *broker;
    struct grant *next;
    uint32_t launcher;
    uint64_t order_id;
    uint8_t decision_id[16];
    enum egress_mode mode;
    struct policy *policy;           /* held: the manifests it is of */
    const struct manifest *manifest; /* in policy; with .network */
    char token[TS_TOKEN_MAX + 1];    /* minted for the call; "" for none */
    size_t token_len;
    int fd;              /* owned: the tool's channel, or the listener */
    struct conn *conns;  /* open, newest first */
    struct dial *dials;  /* under way */
    uint32_t conn_count; /* of both; at most network.max_connections */
    uint32_t waiting;    /* at its proxy, without a way to a host now */
    uint64_t bytes;      /* both ways; at most network.max_bytes */
    uint32_t denials;    /* recorded one by one so far */
    uint64_t unrecorded; /* denials after those, for one record at the end */
    struct egress_denied last_denied; /* code and via of these only */
    bool ending;
    void *served; /* the mode's own */
};

/* How a mode serves. start: the descriptor is g->fd. stop: end everything that
 * hangs on g->served, at once; conns are cut before it is called, and no dial
 * is under way any more. */
struct grant_mode {
    ts_err (*start)(struct grant *g);
    void (*stop)(struct grant *g);
};

/* One connection that was handed over. Whoever has it counts its bytes and ends
 * it exactly once. */
struct conn {
    struct grant *grant; /* outlives it */
    struct conn *next;
    uint64_t id;
    uint64_t bytes_out, bytes_in; /* tool to host, host to tool */
    uint64_t requests;            /* of HTTP that were passed on */
    uint64_t since_ms;
    void (*cut)(void *ctx, enum egress_close why);
    void *cut_ctx;
};

/* cut is called when the grant ends: shut both sides now, hard, and call
 * conn_close(c, why) before returning. */
void conn_on_cut(struct conn *c, void (*cut)(void *ctx, enum egress_close why),
                 void *ctx);

/* Counts. False: the allowance of the call is spent; end this connection with
 * EGRESS_CLOSE_BYTES, and do not pass on what was counted. */
TS_NODISCARD bool conn_count(struct conn *c, uint64_t out, uint64_t in);

/* Bytes that may still pass, for who reads in pieces. */
uint64_t conn_left(const struct conn *c);

/* A connection of a tool that leads to no host, or not yet, takes a place among
 * all of them too: a crowd that says nothing could else have every descriptor.
 * False: none is left for this tool now. */
TS_NODISCARD bool grant_may_wait(const struct grant *g);
void grant_waits(struct grant *g, bool on); /* one more, one less */

/* Says CLOSED to the gate and forgets the connection. The descriptors are not
 * its business: close them first. */
void conn_close(struct conn *c, enum egress_close why);

/* A refusal that dial_start() did not make (a request that cannot be read, a
 * method that is refused before dialling): recorded, bounded per grant. host
 * may hold any bytes. */
void grant_deny(struct grant *g, enum egress_via via, struct ts_str host,
                uint16_t port, struct ts_str method, struct ts_str path,
                enum egress_code code);

#endif
