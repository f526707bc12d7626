#ifndef SIDECAR_BROKER_BROKER_H
#define SIDECAR_BROKER_BROKER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/msg/egress.h"
#include "sidecar/broker/grant.h"
#include "sidecar/broker/own.h"
#include "sidecar/common/control/hear.h"

/*
 * The state of the broker, made by main() and passed down.
 *
 *   control_in.c  START, PREPARE/COMMIT/ABORT, DRAIN
 *   launcher_in.c GRANT and END of each launcher
 *   gate_io.c     OPENED, CLOSED, DENIED out; ANSWER and END in
 *   grant.c       what hangs on a running tool
 *   dial.c        from a name to a recorded connection
 *   resolve.c     names to addresses (c-ares), own.c which are ours
 *   ask.c         tools with a channel; proxy.c tools with a proxy
 *   relay.c       bytes between two sockets
 */
/* of all tools together: dials, and what waits at a proxy, included */
#define BROKER_CONNS_MAX  4096
#define BROKER_CONN_FDS   4    /* most that one takes: two are in flight */
#define BROKER_OTHER_FDS  1024 /* channels, listeners, name servers */
#define BROKER_GRANTS_MAX (TS_LAUNCHERS_MAX * 256)

/* Manifests of one generation, for as long as a grant is of them. */
struct policy {
    struct manifests *manifests;  /* owned */
    struct inject_store *secrets; /* owned: for headers; NULL for none */
    uint32_t holders;
};

struct resolver;
struct gate_out;
struct inject_store;
struct tls_trust;

struct broker {
    uv_loop_t loop;
    uint8_t settings_bytes[CONTROL_MESSAGE_MAX]; /* settings' texts */
    struct control_start settings;
    struct control_ear control;
    struct policy *current, *previous, *prepared; /* held, may be NULL */
    const struct grant_mode *modes[EGRESS_PROXY + 1];
    struct grant *grants;
    uint32_t grant_count;
    uint32_t conn_count; /* of all grants */
    uint32_t waiting;    /* likewise */
    uint32_t conns_max;  /* BROKER_CONNS_MAX, or what the open files allow */
    uint64_t conn_serial;
    struct resolver *resolver; /* owned */
    struct tls_trust *trust;   /* owned: for hosts with tls; NULL for none */
    struct own own;
    struct gate_out *gate; /* owned */
    uv_poll_t control_poll, gate_poll;
    uv_poll_t launcher_poll[TS_LAUNCHERS_MAX];
    uint8_t *relay_buf; /* owned, RELAY_PENDING_MAX: of one turn */
    bool draining;
    bool gate_is_gone; /* and with it everything that was open */
    uv_timer_t farewell;
    int exit_code;
};

/* The loop and the buffers; before the confinement. */
TS_NODISCARD ts_err broker_init(struct broker *b);
/* Listens to gate and launchers. */
TS_NODISCARD ts_err broker_start(struct broker *b);
void broker_done(struct broker *b);

uint64_t broker_now_ms(const struct broker *b); /* monotonic, of this turn */
/* Ends the process with status 1; why is static text. */
void broker_fail(struct broker *b, const char *why);

#endif
