#ifndef SIDECAR_GATE_METERS_H
#define SIDECAR_GATE_METERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "sidecar/gate/decide.h"

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
