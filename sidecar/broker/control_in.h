#ifndef SIDECAR_BROKER_CONTROL_IN_H
#define SIDECAR_BROKER_CONTROL_IN_H

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"

/* What the supervisor says (sidecar/common/control/control.h). */
struct broker;

/* START, before the confinement. *ret_bundle is the caller's to close. */
TS_NODISCARD ts_err control_take_start(struct broker *b, int *ret_bundle);
/* The first manifests, in the confinement; what is wrong has been said. Takes
 * bundle_fd over. */
TS_NODISCARD ts_err control_load_first(struct broker *b, int bundle_fd);
/* READY, and whatever comes then. */
TS_NODISCARD ts_err control_start_serving(struct broker *b);
void control_close(struct broker *b);
/* REJECTED with this text. */
void control_reject(const char *text);

#endif
