#ifndef SIDECAR_LAUNCHER_WIRE_EGRESS_OUT_H
#define SIDECAR_LAUNCHER_WIRE_EGRESS_OUT_H

#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/msg/egress.h"

/*
 * The only sender to the broker: a GRANT before a tool with a network starts,
 * an END when it is killed and when its tree is gone. Nothing comes back. The
 * broker is never waited for: a GRANT that it has no room for refuses the call,
 * an END waits here.
 */
#define EGRESS_OUT_ENDS 512

struct egress_out {
    int sock; /* borrowed; -1: there is no broker */
    uint32_t first, count;
    struct egress_end ends[EGRESS_OUT_ENDS]; /* not sent yet */
};

void egress_out_init(struct egress_out *o, int sock);

/*
 * EGRESS_BROKER: *ret_fd becomes the tool's end of its channel, the caller's;
 * listener is -1. EGRESS_PROXY: listener is the socket of the tool's namespace,
 * still the caller's; *ret_fd is untouched. TS_E_UNSUPPORTED: there is no
 * broker. On failure *reterr_errno is what the system said.
 */
TS_NODISCARD ts_err egress_out_grant(struct egress_out *o,
                                     const struct egress_grant *m, int listener,
                                     int *ret_fd, int *reterr_errno);

/* Said as often as one likes. TS_E_LIMIT: the broker has not read for very
 * long; it cannot be relied on any more. A broker that is gone is fine. */
TS_NODISCARD ts_err egress_out_end(struct egress_out *o, uint64_t order_id,
                                   enum end_reason reason);
/* Sends what waits; call it once a turn. */
void egress_out_flush(struct egress_out *o);

#endif
