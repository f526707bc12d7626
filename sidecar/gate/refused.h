#ifndef SIDECAR_GATE_REFUSED_H
#define SIDECAR_GATE_REFUSED_H

#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"
#include "sidecar/gate/gate.h"

/*
 * Tools whose manifests are refused while the others are served: a line of the
 * service log and a tool_refused record for each, whenever a configuration
 * comes into force, and a list in the status.
 */
#define REFUSED_SHOWN 16 /* in the status, and lines in the service log */

/* The snapshot in force is a new one. Its records follow as there is room. */
void refused_tell(struct gate *g);
void refused_retry(struct gate *g);
/* ,"tools":{"served":N,"refused":N,"first":[{"file":..,"tool":..,"line":..,
 * "text":..}]}; with_texts: the list, which is for who operates all. */
TS_NODISCARD ts_err refused_status(const struct gate *g, bool with_texts,
                                   struct ts_buf *out);

#endif
