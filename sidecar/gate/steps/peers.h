#ifndef SIDECAR_GATE_STEPS_PEERS_H
#define SIDECAR_GATE_STEPS_PEERS_H

#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/wire/limits.h"

/*
 * What one uid may cost us: connections at once and handshakes per second (a
 * token bucket). Pure; time comes in. Fixed size: at most TS_CONNS_MAX uids can
 * be connected, and as many more are remembered so that hanging up does not
 * refill a bucket. The entry reused is one without connections whose bucket is
 * fullest; if there is none the newcomer is refused.
 */
#define PEERS_MAX (2 * TS_CONNS_MAX)

struct peer_entry {
    uint32_t uid;
    uint32_t conns;
    uint64_t millitokens;
    uint64_t refilled_ns; /* boot time; 0 = entry unused */
};

struct peers {
    struct peer_entry *list; /* owned, PEERS_MAX */
    uint32_t used;
    uint32_t total;
    uint32_t rate;  /* per second */
    uint32_t burst; /* at once */
};

/* rate or burst 0 means the default of limits.h. */
TS_NODISCARD ts_err peers_init(struct peers *p, uint32_t rate, uint32_t burst);
void peers_done(struct peers *p);

/* Counts a connection in and takes one token. TS_E_LIMIT: too many
 * connections; TS_E_AGAIN: bucket empty. Nothing is counted then. */
TS_NODISCARD ts_err peers_enter(struct peers *p, uint32_t uid, uint64_t now_ns);
void peers_leave(struct peers *p, uint32_t uid);
/* A failed handshake costs a second token. */
void peers_punish(struct peers *p, uint32_t uid);

#endif
