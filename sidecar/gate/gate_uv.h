#ifndef SIDECAR_GATE_GATE_UV_H
#define SIDECAR_GATE_GATE_UV_H

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/gate/gate.h"

/*
 * The gate as a whole, for main.c: gate_new() makes everything that needs no
 * settings, gate_loop_init() every descriptor of the loop (they must exist
 * before the confinement), gate_serve() runs until the drain is over or
 * gate_fail(), gate_close() ends the loop after a drain.
 */
TS_NODISCARD ts_err gate_new(struct gate **ret);
TS_NODISCARD ts_err gate_loop_init(struct gate *g);
TS_NODISCARD ts_err gate_serve(struct gate *g);
/* What the snapshot in use has to say about its policies, in the log. */
void gate_log_notes(const struct gate *g);
void gate_close(struct gate *g);
void gate_free(struct gate *g);

#endif
