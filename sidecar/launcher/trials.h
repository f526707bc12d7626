#ifndef SIDECAR_LAUNCHER_TRIALS_H
#define SIDECAR_LAUNCHER_TRIALS_H

#include <stddef.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"

struct launcher;

/* The socket pair that they need, before the filter is installed. */
TS_NODISCARD ts_err trials_prepare(struct launcher *l);

/*
 * The canary, before the first order: a program of ours (canary/canary.c) is
 * launched in every kind of box that is offered, by the code that launches
 * tools, with this process playing gate and recorder to itself; what it could
 * do there is judged, and a box that does not hold what it promises is offered
 * no more. docs/SANDBOX.md, "The canary".
 *
 * After offer_make(), before the first manifests are loaded. TS_OK whatever the
 * canary showed; an error means that the launcher itself cannot go on (a
 * canary that does not die).
 */
TS_NODISCARD ts_err trials_run(struct launcher *l);

/*
 * A STATUS to the supervisor for each level, for who asks by START with
 * check_only (tipstaff doctor): "box level=NAME profile=NAME offered=0|1
 * given=0|1 expected=0|1 layers=HEX weakened=HEX step=STEP|-". expected: that
 * it is not given, of a profile with sockets.
 */
TS_NODISCARD ts_err trials_tell(const struct launcher *l);

/* Adds a line to text for each level that should be served and is not. */
void trials_list(const struct launcher *l, char *text, size_t cap);

#endif
