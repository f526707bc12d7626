#ifndef SIDECAR_GATE_WIRE_CONTROL_UV_H
#define SIDECAR_GATE_WIRE_CONTROL_UV_H

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/gate/gate.h"

/*
 * The supervisor's channel after START: reload in two steps, drain, and the
 * records of the gate's own life. A channel that ends, or a message out of
 * order, ends the gate.
 */
TS_NODISCARD ts_err control_start_serving(struct gate *g); /* READY, too */
void control_close(struct gate *g);
/* A COMMIT that waits for room in the ring. */
void control_retry(struct gate *g);
/* From a timer: STATUS once in CONTROL_BEAT_MS, which is how the supervisor
 * knows that the loop still turns. */
void control_beat(struct gate *g);

/* Tells the supervisor why the bundle of START cannot be served. */
void control_reject(const char *text);

/* One record of kind start, stop, policy_loaded or policy_rejected; kept until
 * the ring has room. text only for the policy kinds. */
void life_record(struct gate *g, const char *kind, uint64_t generation,
                 struct ts_str text);
void life_retry(struct gate *g);

#endif
