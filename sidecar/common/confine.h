#ifndef SIDECAR_COMMON_CONFINE_H
#define SIDECAR_COMMON_CONFINE_H

#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"

/*
 * The confinement of our own processes, installed before the first byte from
 * outside is read. There is no switch that turns it off; a failure is fatal
 * and reterr_step (static text) names the step.
 *
 * Every role: no_new_privs, not dumpable, no core, SIGKILL when the supervisor
 * dies, only the expected descriptors open, seccomp (kill on anything that is
 * not listed). Gate and recorder: Landlock with no access to any path (the
 * recorder works through its directory descriptors, which carry their rule).
 */
enum confine_role {
    CONFINE_GATE,
    CONFINE_RECORDER,
    CONFINE_SUPERVISOR
};

/* highest_fd: descriptors above it must not exist. */
TS_NODISCARD ts_err confine_self(enum confine_role role, int highest_fd,
                                 const char **reterr_step);

/* The common first steps without the filter (used by the launcher, which
 * installs its own): not dumpable, no core, pdeathsig, descriptors checked. */
TS_NODISCARD ts_err confine_base(int highest_fd, const char **reterr_step);

#endif
