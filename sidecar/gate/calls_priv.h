#ifndef SIDECAR_GATE_CALLS_PRIV_H
#define SIDECAR_GATE_CALLS_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/gate/decide/decide.h"
#include "sidecar/gate/wire/conn_uv.h"

/* Inside of calls.c and calls_check.c. */

/* Why no policy need be asked; CODE_PERMITTED if it must be. */
enum call_code calls_before_policy(struct client *c);
/* One decision, its record in the TS_RECORD_MAX bytes that the ring gave.
 * *ret_seals: an argument that a handle named makes the output one to be kept
 * from the agent. An error: there is no record, so nothing may be said. */
TS_NODISCARD ts_err calls_decide(struct client *c, const struct call_input *in,
                                 const struct decide_people *people,
                                 uint64_t order_id, uint8_t *record,
                                 size_t *ret_len, bool *ret_seals,
                                 struct decision *ret);
/* Ends the connection where code says that its authority has gone. */
void calls_lost_authority(struct client *c, enum call_code code);

#endif
