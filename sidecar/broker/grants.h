#ifndef SIDECAR_BROKER_GRANTS_H
#define SIDECAR_BROKER_GRANTS_H

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/broker/grant.h"
#include "sidecar/common/manifest/manifest.h"

/* All grants: how they come and go. What serves them is told in grant.h. */
struct policy;

/* Takes fd over in any case. TS_E_STATE: the launcher broke the protocol (an
 * order twice, too many): end. Any other failure: this tool gets nothing, and
 * has been told so by the end of its channel. */
TS_NODISCARD ts_err grants_add(struct broker *b, uint32_t launcher,
                               const struct egress_grant *m, int fd);
/* Ends the launcher's grant of that order; nothing if there is none. */
void grants_end(struct broker *b, uint32_t launcher, uint64_t order_id,
                enum end_reason reason);
/* The same for the gate, whichever launcher it is of. */
void grants_end_order(struct broker *b, uint64_t order_id,
                      enum end_reason reason);
void grants_end_all(struct broker *b, enum end_reason reason);

/* For dial.c: a place among the open ones, before it begins. */
TS_NODISCARD enum egress_code grant_has_room(const struct grant *g);
/* For dial.c: the connection that was recorded under id. NULL: no memory. */
struct conn *conn_new(struct grant *g, uint64_t id);

/* A generation of manifests. Takes m over on success. */
TS_NODISCARD ts_err policy_new(struct manifests *m, struct policy **ret);
struct policy *policy_hold(struct policy *p);
void policy_release(struct policy *p); /* NULL is fine */

#endif
