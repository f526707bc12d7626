#ifndef SIDECAR_LAUNCHER_LAYERS_FILTER_NEEDS_H
#define SIDECAR_LAUNCHER_LAYERS_FILTER_NEEDS_H

#include <stdbool.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"

struct sandbox_profile; /* sidecar/sandbox/profile.h */

/*
 * What a box must have because its profile lets calls through that reach
 * beyond the process: asked of the finished profile (sidecar/sandbox/lint.h),
 * not of its name, so a profile of the operator's own is held to it as well as
 * "net".
 */
struct filter_needs {
    bool net_ns;   /* sockets: nothing but an empty network stops them */
    bool ipc_ns;   /* System V IPC, message queues: one per call, since what is
                      made there outlives its maker, and uids are used again */
    bool no_reuse; /* it can hand descriptors to other tools, by AF_UNIX: who
                      kept one of a box's /tmp would be in it with the next
                      tool, so no box may have a next one. Or it takes flock
                      from us, with which we look whether one was left */
};

TS_NODISCARD ts_err filter_needs_of(const struct sandbox_profile *profile,
                                    struct filter_needs *ret);

#endif
