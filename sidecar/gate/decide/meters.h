#ifndef SIDECAR_GATE_DECIDE_METERS_H
#define SIDECAR_GATE_DECIDE_METERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "sidecar/gate/people/meter_key.h"

/*
 * Counts of calls over the last minute and the last hour, from CLOCK_BOOTTIME.
 * A window is a ring of 16 buckets, 4 s or 240 s each: it always covers the
 * last 60 s (60 min) whole and at most 64 s (64 min), so it errs towards the
 * higher count. Memory is fixed. An entry that counted nothing for 64 minutes
 * may be reused; when there is none, the caller meets METER_FULL.
 */
#define METERS_MAX   4096 /* entries, a power of two */
#define METER_PROBES 16   /* entries that one key may live in */
/* A count above every limit that a policy can sensibly name. */
#define METER_FULL INT64_C(1000000000000)

/* Rate counters per (tenant, agent, tool, task) over 1 minute and 1 hour, and
 * denied calls; from the monotonic clock, bounded memory, oldest idle entries
 * reused; a full table counts against the caller, never for it. */
struct meters;
TS_NODISCARD ts_err meters_new(struct meters **ret);
void meters_free(struct meters *m);

struct meter_counts { /* METER_FULL: could not be counted */
    int64_t last_1m;
    int64_t last_1h;
};

/* Calls before this one; does not change the table. */
struct meter_counts meter_read(const struct meters *m, struct meter_key key,
                               uint64_t boot_ns);
void meter_count(struct meters *m, struct meter_key key, uint64_t boot_ns);

/* 1, 2, 3 ... of this life of the gate: the counter in decision ids. */
uint64_t meters_next_serial(struct meters *m);

#endif
