#ifndef SIDECAR_HOOK_CONFINE_HOOK_H
#define SIDECAR_HOOK_CONFINE_HOOK_H

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/common/control/control.h"

/*
 * The walls around the hook's process, and so around every command that it
 * starts: no new privileges; Landlock: read and run what the user may, write
 * beneath the folders of `write` alone, bind no TCP port, signal nobody
 * outside; seccomp: no namespaces, mounts, keys, other kinds of sockets than
 * unix, IPv4, IPv6 and netlink. Beside what the supervisor's filter keeps from
 * everybody.
 */
TS_NODISCARD ts_err confine_hook(const struct control_hook *h,
                                 const char **reterr_step);
/* Around one run, where the kernel can: it signals neither this process nor
 * another run. */
TS_NODISCARD ts_err confine_hook_runner(void);

#endif
