#ifndef SIDECAR_GATE_REFUSED_H
#define SIDECAR_GATE_REFUSED_H

#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"
#include "proto/msg/order.h"
#include "sidecar/gate/gate.h"

/*
 * Tools whose manifests are refused while the others are served: a line of the
 * service log and a tool_refused record for each, whenever a configuration
 * comes into force, and a list in the status.
 */
#define REFUSED_SHOWN 16 /* in the status, and lines in the service log */

/* A launcher cannot serve a tool, of the snapshot in force or of the next one;
 * of an older one it does not matter. TS_E_FORMAT: it has no such tool. */
TS_NODISCARD ts_err refused_note(struct gate *g, uint32_t launcher,
                                 const struct order_unserved *m);
/* The snapshot in force is a new one. Its records follow as there is room. */
void refused_tell(struct gate *g);
void refused_retry(struct gate *g);
/* ,"tools":{"served":N,"refused":N,"first":[{"file":..,"tool":..,"line":..,
 * "text":..}]}; with_texts: the list, which is for who operates all. */
TS_NODISCARD ts_err refused_status(const struct gate *g, bool with_texts,
                                   struct ts_buf *out);

#endif
