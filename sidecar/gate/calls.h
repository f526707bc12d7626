#ifndef SIDECAR_GATE_CALLS_H
#define SIDECAR_GATE_CALLS_H

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/wire/frame.h"
#include "sidecar/gate/wire/conn_uv.h"

/*
 * CALL and CHECK: from the frame to the decision's place in the ring, in one
 * loop turn without a wait in between, so that nothing revoked in the meantime
 * can slip through.
 *
 * A denial is answered as soon as its record is in the ring: it then survives
 * this process. A permit is answered when the launcher reports the start or
 * refuses it, and a launcher gets no order before the record is durable; so no
 * call is ever reported as permitted or run without its record. If the record
 * could not be written after all, the answer is a denial (audit_unavailable).
 *
 * TS_E_AGAIN: the ring is full, nothing was done. Other errors: malformed, or
 * seq is not the next one.
 */
TS_NODISCARD ts_err calls_on_call(struct client *c, const struct frame *f);
/* A call that was held, from a copy of its body: people have said yes, and all
 * of it is decided again. Its seq was used up when it came. */
TS_NODISCARD ts_err calls_again(struct client *c, struct ts_bytes body);
TS_NODISCARD ts_err calls_on_check(struct client *c, const struct frame *f);

#endif
