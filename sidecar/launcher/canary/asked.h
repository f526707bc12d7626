#ifndef SIDECAR_LAUNCHER_CANARY_ASKED_H
#define SIDECAR_LAUNCHER_CANARY_ASKED_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/launcher/canary/probes.h"
#include "sidecar/sandbox/profile.h"

/*
 * What a seccomp profile answers to the very calls that the canary makes, asked
 * of its model: names of profiles and of rules say nothing.
 */
struct canary_asked {
    uint64_t gives; /* what the profile does not refuse: no hole of the filter.
                       Also a refusal that the canary cannot tell from success
                       (an errno other than EPERM, EACCES, ENOSYS) */
    uint64_t skips; /* what would kill the canary: not to be tried */
};

/* strict: with what level strict takes away. Needs SANDBOX_ARENA_BYTES of
 * memory while it works. */
TS_NODISCARD ts_err canary_ask(const struct sandbox_profile *p, bool strict,
                               struct canary_asked *ret);

#endif
