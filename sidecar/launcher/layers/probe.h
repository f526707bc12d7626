#ifndef SIDECAR_LAUNCHER_LAYERS_PROBE_H
#define SIDECAR_LAUNCHER_LAYERS_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "sidecar/common/layer.h"

/*
 * Which layers this host gives to this process. Each is tried in a throw-away
 * child and its effect looked at; nothing is inferred from a uid or a kernel
 * version, since containers and security modules make both lie. The launcher
 * asks at start, `tipstaff doctor` on demand. Takes some tens of milliseconds.
 */
struct layer_probe {
    uint32_t bit;      /* enum layer_bit */
    bool holds;        /* the child saw the effect */
    int sys_errno;     /* why not, 0 if unknown */
    const char *stops; /* what the layer is good for; static text */
};

struct layers {
    struct layer_probe probe[LAYER_COUNT]; /* in the order of LAYER_MAP */
    uint32_t held;                         /* the bits that hold */
    int landlock_abi;                      /* 0: none */
    bool process_limit; /* RLIMIT_NPROC binds this uid (never uid 0) */
};

void layers_probe(struct layers *ret);

/*
 * What a launcher must know before it is confined, and no more: what it makes
 * itself (namespaces, uids, keyring) it finds out by making it, and that the
 * filter does what it says is what the canary looks at (trials.h), so of
 * seccomp it is only asked whether the kernel has it. The rest is left as not
 * held. A tenth of the time.
 */
void layers_probe_floor(struct layers *ret);

#endif
