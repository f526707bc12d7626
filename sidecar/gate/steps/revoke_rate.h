#ifndef SIDECAR_GATE_STEPS_REVOKE_RATE_H
#define SIDECAR_GATE_STEPS_REVOKE_RATE_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"

/*
 * How many revocations holders may write into the journal. Each is remembered
 * for a day, so a prompt-injected agent must not be able to fill the table.
 *
 * One bucket for a tenant and the key that holds the root of the grant: keys
 * below it are made up by whoever holds it and would otherwise each begin with
 * a full one. Fixed memory, pure; revokers are not asked.
 */
#define REVOKE_RATE_SLOTS   256
#define REVOKE_RATE_BURST   32
#define REVOKE_RATE_EVERY_S 10 /* one more after so many seconds */

struct revoke_rate { /* zeroed is valid */
    struct {
        uint8_t who[16];  /* hash of tenant and key; all zero: free */
        uint64_t full_ns; /* boot clock: the bucket is full again then */
    } slots[REVOKE_RATE_SLOTS];
};

/* Takes one. TS_E_LIMIT: none is left, or all slots are under way. */
TS_NODISCARD ts_err revoke_rate_take(struct revoke_rate *r,
                                     struct ts_str tenant,
                                     const uint8_t holder[32],
                                     uint64_t boot_ns);

#endif
