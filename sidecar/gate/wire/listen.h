#ifndef SIDECAR_GATE_WIRE_LISTEN_H
#define SIDECAR_GATE_WIRE_LISTEN_H

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/gate/gate.h"

/*
 * Who may connect. Agents: any uid but 65534 (unmapped, so nobody in
 * particular) and, unless allowed, 0; bounded per uid and in all. Operators:
 * the configured uids. The two listening sockets are the supervisor's.
 */
TS_NODISCARD ts_err listen_start(struct gate *g);
void listen_stop(struct gate *g); /* agents only; operators stay welcome */
void listen_close(struct gate *g);

#endif
