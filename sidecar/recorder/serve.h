#ifndef SIDECAR_RECORDER_SERVE_H
#define SIDECAR_RECORDER_SERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/common/ring/ring.h"
#include "sidecar/recorder/batch.h"
#include "sidecar/recorder/fanout.h"
#include "sidecar/recorder/journal_file.h"
#include "sidecar/recorder/order_on.h"
#include "sidecar/recorder/store.h"

/*
 * The recorder's loop. How it waits: busy while there are entries; for
 * SERVE_AWAKE_MS after the last one it looks every SERVE_NAP_US by itself;
 * then it sleeps until it is woken. What ends it: DRAIN or the end of the
 * control channel (in good order), or anything unexpected (at once).
 */
#define SERVE_NAP_US     500
#define SERVE_AWAKE_MS   20
#define SERVE_WRITTEN_MS 100  /* what is written is synced within this */
#define SERVE_SPACE_MS   1000 /* disk full: looked again after this */
#define SERVE_ORPHAN_MS  2000 /* to drain when nobody gave a time */
#define SERVE_TICK_MS    1000 /* with clients: their deadlines */

struct server {
    int control_fd; /* borrowed */
    struct ring_reader ring;
    struct store store;
    struct journal journal;
    struct order_on launchers;
    struct batch batch;
    struct fanout fanout;
    enum ring_state state;   /* as told to the gate */
    uint64_t busy_ns;        /* when the last entry came */
    uint64_t sync_due_ns;    /* 0 = nothing unsynced */
    uint64_t space_due_ns;   /* 0 = there is space */
    uint64_t drain_until_ns; /* 0 = not draining */
    uint64_t start_ns;       /* CLOCK_BOOTTIME and */
    uint64_t start_us;       /* CLOCK_REALTIME when it began to serve */
    bool journal_busy;       /* there is more to compact */
    bool orphaned;           /* the supervisor is gone */
    bool cut_short;          /* drained for too long: the ring is not empty */
    const char *end_reason;  /* why it drains; NULL while serving */
};

/* TS_OK: drained because the supervisor said so. TS_E_CLOSED: the log is ended
 * in good order, but because another process is gone or hangs. Before it
 * returns the ring is stopped. */
TS_NODISCARD ts_err serve(struct server *s);
uint64_t serve_now_us(void); /* CLOCK_REALTIME */

#endif
