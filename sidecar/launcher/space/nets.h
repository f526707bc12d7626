#ifndef SIDECAR_LAUNCHER_SPACE_NETS_H
#define SIDECAR_LAUNCHER_SPACE_NETS_H

#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/launcher/layers/filter.h"

/*
 * Network namespaces with loopback up and a socket that listens at
 * 127.0.0.1:3128, for tools with `network: proxy`. Making them back to back
 * slows every fork of the machine to a scheduler tick (design: sandbox, 0.4),
 * so they are made one at a time with a pause between, kept, and used again
 * when no process of the last tool is left. Needs CAP_NET_ADMIN (or our own
 * user namespace).
 */
#define SPACE_NET_PORT     3128
#define SPACE_NETS_MAX     256
#define SPACE_NET_PAUSE_NS 100000000ull /* 100 ms between two that are new */

struct space_nets;

/* One of the pool, while a tool runs in it. */
struct space_net {
    int net_ns;   /* the pool's; for space_entry */
    int listener; /* the caller's: send it to the broker, then close it */
    uint32_t index;
};

/* ready: how many are to stand by, 1..SPACE_NETS_MAX. Nothing is made yet. */
TS_NODISCARD ts_err space_nets_new(const struct filter_key *key, uint32_t ready,
                                   struct space_nets **ret);
void space_nets_free(struct space_nets *n); /* NULL is fine */

/* TS_E_AGAIN: none stands by; one may after the next space_nets_tick().
 * TS_E_LIMIT: SPACE_NETS_MAX run. */
TS_NODISCARD ts_err space_nets_take(struct space_nets *n,
                                    struct space_net *ret);
/* The tree of the tool is gone. Connections that it left are dropped. */
void space_nets_give(struct space_nets *n, uint32_t index);

/* Makes at most one and readies those that came back; not in the hot path.
 * An error says why no net could be made; the next tick tries again. */
TS_NODISCARD ts_err space_nets_tick(struct space_nets *n, uint64_t now_ns,
                                    const char **reterr_step,
                                    int *reterr_errno);
/* The same for a call that waits for one: whether or not the pause is over. */
TS_NODISCARD ts_err space_nets_hurry(struct space_nets *n, uint64_t now_ns,
                                     const char **reterr_step,
                                     int *reterr_errno);
/* When to call space_nets_tick() next; UINT64_MAX: there is nothing to do. */
uint64_t space_nets_next_ns(const struct space_nets *n);

#endif
