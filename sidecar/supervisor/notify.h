#ifndef SIDECAR_SUPERVISOR_NOTIFY_H
#define SIDECAR_SUPERVISOR_NOTIFY_H

#include <stdint.h>
#include <sys/types.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"

/* The service manager's notification protocol (sd_notify(3)), by hand: a
 * datagram per message. Without $NOTIFY_SOCKET every call does nothing. */
struct notify {
    int sock;             /* owned, connected; -1 for none */
    uint64_t watchdog_ms; /* how often to say WATCHDOG=1; 0 for never */
};

/* The values of NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, NULL when
 * unset. TS_E_INVALID for an address that cannot be one. */
TS_NODISCARD ts_err notify_open(const char *address, const char *watchdog_usec,
                                const char *watchdog_pid, pid_t self,
                                struct notify *ret);
void notify_done(struct notify *n);
/* Lines such as "READY=1\nSTATUS=..."; a lost message is no error here: the
 * service manager has its own timeouts. */
void notify_send(const struct notify *n, const char *fmt, ...) TS_PRINTF(2, 3);

#endif
