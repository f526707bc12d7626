#ifndef SIDECAR_LAUNCHER_START_NETWORK_H
#define SIDECAR_LAUNCHER_START_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/msg/order.h"
#include "sidecar/common/manifest/manifest.h"
#include "sidecar/launcher/layers/filter.h"
#include "sidecar/launcher/space/nets.h"
#include "sidecar/launcher/wire/egress_out.h"

/*
 * What a tool with `network:` gets for its call: the broker's grant, and with
 * it a channel (broker) or a network namespace of the pool (proxy).
 */
#define NETWORK_READY 4 /* namespaces that stand by for proxy tools */

struct network {
    struct egress_out out;
    struct space_nets *nets; /* owned; NULL: no tool can have a proxy */
};

/* Of one call, until its tree is gone; zeroed with index -1: none. */
struct network_use {
    bool granted; /* END is owed */
    bool has_net; /* index is to be given back */
    uint32_t index;
};

/* has_broker: LAUNCHER_FD_BROKER is one. */
void network_init(struct network *n, bool has_broker);
/* Once; a tool with `network: proxy` was loaded and full boxes can be made. A
 * pool that cannot be made is in the log. */
void network_want_nets(struct network *n, const struct filter_key *key);

/* Before the child starts. *ret_fd: the tool's channel, the caller's, or -1.
 * *ret_net_ns: the namespace that it must enter, or -1. reterr_step: "net_ns"
 * (why none can be had is in the log) or "broker". */
TS_NODISCARD ts_err network_grant(struct network *n, const struct order *o,
                                  const struct manifest *m, uint64_t now_ns,
                                  struct network_use *ret, int *ret_fd,
                                  int *ret_net_ns, const char **reterr_step,
                                  int *reterr_errno);
/* It is being ended: its connections go first. Said once. */
TS_NODISCARD ts_err network_cut(struct network *n, struct network_use *use,
                                uint64_t order_id, enum end_reason reason);
/* Its tree is gone, or it never started. */
TS_NODISCARD ts_err network_over(struct network *n, struct network_use *use,
                                 uint64_t order_id, enum end_reason reason);

/* Once a turn, when nothing is waited for. */
void network_tick(struct network *n, uint64_t now_ns);
uint64_t network_next_ns(const struct network *n); /* UINT64_MAX: nothing */

#endif
