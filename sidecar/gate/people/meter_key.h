#ifndef SIDECAR_GATE_PEOPLE_METER_KEY_H
#define SIDECAR_GATE_PEOPLE_METER_KEY_H

#include <stdint.h>

#include "proto/base/ts_str.h"

/* What calls are counted under (sidecar/gate/decide/meters.h); a snapshot holds
 * the keys that no call changes. */

/* Tenant is part of each key. Collision-free by hashing, not by chance of the
 * caller: a BLAKE2b-128 of kind and names. */
struct meter_key {
    uint64_t hi, lo;
};
enum meter_kind {
    METER_AGENT = 1,
    METER_TASK = 2,
    METER_TOOL = 3, /* joined with an agent by meter_key_join() */
    METER_DENIED = 4
};
struct meter_key meter_key_make(enum meter_kind kind, struct ts_str tenant,
                                struct ts_str name);
struct meter_key meter_key_join(struct meter_key a, struct meter_key b);

#endif
