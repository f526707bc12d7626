#ifndef SIDECAR_GATE_RUNNING_REDACT_H
#define SIDECAR_GATE_RUNNING_REDACT_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "sidecar/gate/running/running.h"

/*
 * What the agent may see of a tool's output: everything, but for the secrets
 * that the tool was given (sidecar/common/tripwire/tripwire.h). A tool without
 * secrets costs nothing here. Each stream is searched on its own.
 */

/* Before the first output. TS_E_FORMAT: the launcher sent what is no list. */
TS_NODISCARD ts_err run_redact_start(struct run *r, struct ts_bytes tripwires);
/* *ret borrows from p, or from a buffer of the gate until the next call. An
 * error is want of memory: nothing more of the run may be shown. */
TS_NODISCARD ts_err run_redact(struct run *r, size_t which, const uint8_t *p,
                               size_t n, struct ts_bytes *ret);
/* The stream has ended; what was held back. */
TS_NODISCARD ts_err run_redact_end(struct run *r, size_t which,
                                   struct ts_bytes *ret);
void run_redact_done(struct run *r);

#endif
