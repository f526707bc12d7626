#ifndef SIDECAR_BROKER_LAUNCHER_IN_H
#define SIDECAR_BROKER_LAUNCHER_IN_H

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"

/*
 * What launchers say: GRANT with one descriptor, END. One that goes away or
 * breaks the protocol ends the broker, as it does the gate: it could no longer
 * be relied on to say when a tool is gone.
 */
struct broker;
TS_NODISCARD ts_err launcher_in_start(struct broker *b);
void launcher_in_close(struct broker *b);

#endif
