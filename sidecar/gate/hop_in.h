#ifndef SIDECAR_GATE_HOP_IN_H
#define SIDECAR_GATE_HOP_IN_H

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/gate/gate.h"

/*
 * What the launchers say: STARTED (with three descriptors), REFUSED, EXITED,
 * BARRIER, UNSERVED. A launcher that goes away or breaks the protocol ends the
 * gate: it can no longer be relied on to kill what it started, and the
 * supervisor then starts the whole set again.
 */
TS_NODISCARD ts_err hop_in_start(struct gate *g);
void hop_in_close(struct gate *g);

#endif
