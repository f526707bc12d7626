#ifndef SIDECAR_GATE_USES_LEDGER_H
#define SIDECAR_GATE_USES_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"

/*
 * What has been used of one grant, by all its sessions and sub-agents: a total
 * of each counter, reservations of calls in flight included. A sub-agent may
 * make as many blocks as it likes, and each of them counters of its own; the
 * last USE_PLACES_KEPT places are for the tenant's and the root block's.
 */
#define USE_ID          16 /* bytes of a counter's name: a hash */
#define USE_PLACES_MAX  64
#define USE_PLACES_KEPT 32
#define USE_TOTAL_MAX   ((uint64_t)INT64_MAX)

struct use_ledger { /* zeroed is valid and empty */
    struct use_place {
        uint8_t id[USE_ID];
        uint64_t total; /* at most USE_TOTAL_MAX */
    } places[USE_PLACES_MAX];
    uint32_t count;
};

/* 0 of what was never counted; l may be NULL. */
uint64_t use_ledger_total(const struct use_ledger *l, const uint8_t id[USE_ID]);
/* Adds amount. is_first: of the tenant or of the root block. TS_E_LIMIT, and
 * nothing added: no place, or more than USE_TOTAL_MAX. */
TS_NODISCARD ts_err use_ledger_take(struct use_ledger *l,
                                    const uint8_t id[USE_ID], uint64_t amount,
                                    bool is_first, uint32_t *ret_place);
/* What was taken at that place is not used after all. */
void use_ledger_give_back(struct use_ledger *l, uint32_t place,
                          uint64_t amount);

#endif
