#ifndef SIDECAR_GATE_ESCALATE_REFUSALS_H
#define SIDECAR_GATE_ESCALATE_REFUSALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_str.h"
#include "proto/trust/escalation.h"
#include "proto/wire/limits.h"

/*
 * Which refused activations get a record. Each is one until somebody brings
 * them by the thousand: then the log holds some of them and how many it does
 * not hold.
 *
 * One bucket for each uid that brings them, which the kernel vouches for: who
 * floods crowds out nobody but himself. What a bucket has no room for is
 * counted, and the last of it is told when there is room again: that it
 * happened never goes unsaid. Fixed memory, pure.
 *
 * More uids than slots: the settings name at most 48 (control.h); those beyond
 * share.
 */
#define REFUSALS_SLOTS   64u
#define REFUSALS_BURST   8u
#define REFUSALS_EVERY_S 10u /* one more after so many seconds */

struct refusal {
    uint8_t id[16];     /* zeros: it could not be read */
    struct ts_str code; /* lower case */
    /* As it says, signed or not; "" unless uid may act for the tenant. */
    struct ts_str tenant, user, agent, task;
    uint8_t kids[ESCALATION_SIGS_MAX][TRUST_KID_LEN]; /* nor verified */
    uint32_t kid_count;
};

#define REFUSAL_TEXTS 5u
struct refusal_slot {
    bool used, waits; /* waits: is there something to tell? */
    uint32_t uid;
    uint64_t full_ns; /* boot clock: the bucket is full again then */
    uint64_t left_out;
    struct refusal last; /* its texts are in text */
    char text[REFUSAL_TEXTS][TS_ID_MAX];
};
struct refusals { /* zeroed is valid */
    struct refusal_slot slots[REFUSALS_SLOTS];
};

/* Copies r; texts are cut at TS_ID_MAX. */
void refusals_note(struct refusals *t, uint32_t uid, const struct refusal *r,
                   uint64_t now_ns);
/* One that may be told now; all: whatever the buckets say (at the end of the
 * service). NULL: none. */
struct refusal_slot *refusals_next(struct refusals *t, uint64_t now_ns,
                                   bool all);
/* It stands in the log. */
void refusals_told(struct refusal_slot *s, uint64_t now_ns);

#endif
