#ifndef SIDECAR_COMMON_REAP_H
#define SIDECAR_COMMON_REAP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"

/*
 * A subreaper (the supervisor; the hook's process and its runners) becomes the
 * parent of whatever its processes leave behind. reap_all() kills (SIGKILL) and
 * reaps all children but `except` (0: none), again and again, since each death
 * may hand over new ones, until none is left. TS_E_LIMIT: some still live after
 * limit_ms (stuck in the kernel). *ret_count is how many were reaped,
 * *ret_except_status the wait status of `except` if it ended on its own
 * meanwhile, else -1.
 */
struct reaped {
    uint32_t count;
    int except_status;
};
/* Kills all children but those, as far as they are there now; waits for none.
 */
void reap_strays(const pid_t *keep, size_t count);
TS_NODISCARD ts_err reap_all(pid_t except, uint64_t limit_ms,
                             struct reaped *ret);

#endif
