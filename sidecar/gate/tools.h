#ifndef SIDECAR_GATE_TOOLS_H
#define SIDECAR_GATE_TOOLS_H

#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"

struct manifests;
struct ts_buf;

/*
 * The answer to TOOLS: every manifest of this sidecar. It is a catalogue, not
 * a promise: whether a call is permitted depends on its arguments and is asked
 * with CHECK. TS_E_LIMIT when it does not fit one frame or the queue.
 */
TS_NODISCARD ts_err tools_answer(const struct manifests *m, uint64_t seq,
                                 struct ts_buf *out);

#endif
