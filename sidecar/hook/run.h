#ifndef SIDECAR_HOOK_RUN_H
#define SIDECAR_HOOK_RUN_H

#include <sys/types.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "sidecar/common/control/control.h"

/*
 * One run of the command. A runner (a fork of this process, subreaper of what
 * is below it) starts it: no shell, its document on standard input, nothing on
 * the others, no other descriptor, an environment of PATH and LANG, limits, "/"
 * as its folder. When it has ended, or its time is over, the runner kills all
 * that it has left behind, and ends with a status that says what came of it.
 */
#define RUN_MORE_MS 15000 /* beyond the timeout: the runner itself is stuck */

/* Of the runner, from waitpid(): "ok", "exit", "signal", "timeout",
 * "not_started", "refused" or "lost"; *ret_number is the exit code or signal.
 */
const char *run_outcome(int status, int *ret_number);

TS_NODISCARD ts_err run_start(const struct control_hook *h,
                              struct ts_bytes document, pid_t *ret_runner);

#endif
