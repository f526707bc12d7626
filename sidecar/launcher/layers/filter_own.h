#ifndef SIDECAR_LAUNCHER_LAYERS_FILTER_OWN_H
#define SIDECAR_LAUNCHER_LAYERS_FILTER_OWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/sandbox/model.h"

struct sandbox_profile; /* sidecar/sandbox/profile.h */

/*
 * Calls that the launcher makes without a key (filter.h) behind its filter: the
 * launcher proper, its watchdog, a child before its program, process 1 of a
 * namespace. They are in every built-in profile. One of the operator's own that
 * takes one away would leave a launcher that starts tools and cannot end them,
 * so it is refused.
 *
 * Taken from the sources and from strace(1) of launchers at every level under
 * tests/sandbox; both ways, since neither sees all.
 */
struct filter_own {
    const char *call;
    const char *older; /* made where this call does not exist; or NULL: always
                          (arm64 has no epoll_wait, poll, readlink, access) */
    bool some;         /* asked for with args; else it must pass with any */
    uint64_t args[SANDBOX_ARGS];
    const char *what_for; /* "ends ... with it", of the launcher */
};
extern const struct filter_own filter_own_calls[]; /* ends with NULL */

/*
 * TS_E_INVALID if the profile keeps the launcher from one of them, on either
 * architecture. file: as errors show it. reterr_text: "FILE:LINE: what; what
 * to do", which names all that are missing as far as there is room.
 */
TS_NODISCARD ts_err filter_own_check(const struct sandbox_profile *profile,
                                     const char *file, char *reterr_text,
                                     size_t reterr_cap);

#endif
