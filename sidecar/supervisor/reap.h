#ifndef SIDECAR_SUPERVISOR_REAP_H
#define SIDECAR_SUPERVISOR_REAP_H

#include <stdint.h>
#include <sys/types.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"

/*
 * The supervisor is the subreaper: whatever its processes leave behind becomes
 * its child. Kills (SIGKILL) and reaps all children but `except` (0: none),
 * again and again, since each death may hand over new ones, until none is left.
 * TS_E_LIMIT: some still live after limit_ms (stuck in the kernel). *ret_count
 * is how many were reaped, *ret_except_status the wait status of `except` if it
 * ended on its own meanwhile, else -1.
 */
struct reaped {
    uint32_t count;
    int except_status;
};
TS_NODISCARD ts_err reap_all(pid_t except, uint64_t limit_ms,
                             struct reaped *ret);

#endif
