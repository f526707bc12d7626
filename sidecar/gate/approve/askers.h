#ifndef SIDECAR_GATE_APPROVE_ASKERS_H
#define SIDECAR_GATE_APPROVE_ASKERS_H

#include "sidecar/gate/approve/tickets.h"

/*
 * How often each grant has asked people anything new: a hijacked agent that
 * varies its call would otherwise tire them one by one. Windows of a minute and
 * an hour, each the current and the one before it, as sums.
 */
struct askers;

enum asker {
    ASKER_FINE = 1, /* and counted */
    ASKER_TOO_OFTEN,
    ASKER_NO_ROOM /* as many others have asked in the last two hours as can be
                     remembered, or half of them of this tenant */
};
TS_NODISCARD ts_err askers_new(struct askers **ret);
void askers_free(struct askers *a);
/* Counted so far in the last minute and hour. */
struct askers_sums {
    uint32_t minute, hour;
};
struct askers_sums askers_sums(struct askers *a, const struct ticket *t,
                               uint64_t now);
enum asker askers_count(struct askers *a, const struct ticket *t, uint64_t now);

#endif
