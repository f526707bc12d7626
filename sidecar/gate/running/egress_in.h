#ifndef SIDECAR_GATE_RUNNING_EGRESS_IN_H
#define SIDECAR_GATE_RUNNING_EGRESS_IN_H

#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/msg/code.h"
#include "sidecar/gate/gate.h"

/*
 * What the broker says (proto/msg/egress.h): each OPENED, CLOSED and DENIED
 * becomes a record of the call that it belongs to. An OPENED is answered once
 * its record is in the ring, and with a refusal when no such call runs, when it
 * is being ended, or when it could not be recorded. While the ring is full the
 * broker is not listened to.
 *
 * A broker that goes away or breaks the protocol ends the gate, as a launcher
 * does: it holds connections that nobody else could shut.
 */
TS_NODISCARD ts_err
egress_in_start(struct gate *g); /* nothing without broker */
void egress_in_close(struct gate *g);
/* Room in the ring again, perhaps. */
void egress_in_retry(struct gate *g);

/* A call is being killed: its connections are to be shut without waiting for
 * its launcher. Best effort: the launcher says so as well. */
void egress_in_end(struct gate *g, uint64_t order_id, enum end_reason reason);

#endif
