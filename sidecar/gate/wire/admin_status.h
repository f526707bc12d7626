#ifndef SIDECAR_GATE_WIRE_ADMIN_STATUS_H
#define SIDECAR_GATE_WIRE_ADMIN_STATUS_H

#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"
#include "sidecar/gate/gate.h"

/* The answer to STATUS, one line of JSON (docs/GATE.md, section 6), into out.
 * uid sees the tenants for which it may act. TS_E_LIMIT: it does not fit. */
TS_NODISCARD ts_err admin_status_text(struct gate *g, uint32_t uid,
                                      struct ts_buf *out);

#endif
