#ifndef SIDECAR_COMMON_CONFINE_CONFINE_H
#define SIDECAR_COMMON_CONFINE_CONFINE_H

#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"

/*
 * The confinement of our own processes, installed before the first byte from
 * outside is read. There is no switch that turns it off; a failure is fatal
 * and reterr_step (static text) names the step.
 *
 * Gate and recorder: no_new_privs, not dumpable, no core, SIGKILL when the
 * supervisor dies, only the expected descriptors open, Landlock, seccomp.
 * Landlock gives the gate no path at all, the recorder the files beneath
 * RECORDER_FD_LOG and RECORDER_FD_STATE. The seccomp filter is a list of what
 * the role needs (confine_filter.c); anything else kills the process, but
 * io_uring is answered with ENOSYS, since newer libuv tries it and goes on
 * without. A role may make its event loop, eventfds and memory after this call;
 * threads, files (gate), sockets and programs it may not.
 *
 * Broker: the same, without a path, but it may make and connect sockets of IPv4
 * and IPv6 (TCP, UDP), and binds no TCP port.
 *
 * Supervisor: no_new_privs, not dumpable, no core, and a filter that its
 * children inherit, tools included: it is therefore a short list of what none
 * of them may ever do (ptrace, bpf, kernel modules, kexec, io_uring), each
 * answered with an error. Call it first thing in main.
 */
enum confine_role {
    CONFINE_GATE,
    CONFINE_RECORDER,
    CONFINE_SUPERVISOR,
    CONFINE_BROKER
};

/* highest_fd: descriptors above it must not exist. */
TS_NODISCARD ts_err confine_self(enum confine_role role, int highest_fd,
                                 const char **reterr_step);

/* The common first steps without the filter (used by the launcher, which
 * installs its own, and then takes SIGTERM for SIGKILL): not dumpable, no core,
 * death with the supervisor, descriptors checked. */
TS_NODISCARD ts_err confine_base(int highest_fd, const char **reterr_step);

#endif
