#ifndef SIDECAR_RECORDER_BATCH_H
#define SIDECAR_RECORDER_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/common/ring.h"
#include "sidecar/recorder/journal_file.h"
#include "sidecar/recorder/order_on.h"
#include "sidecar/recorder/store.h"

/*
 * One turn: everything that is in the ring is turned into lines, journal
 * records and messages to launchers; then the journal is made durable, then the
 * lines (a turn of records alone is written, and synced with the next one or
 * soon): what the log says of the journal is never ahead of it. Only then the
 * messages are sent, in the order in which they came; then the ring is freed.
 * An entry that breaks a rule stops the recorder: what was in order before it
 * is still written and forwarded.
 */
struct batch_hop { /* a message that waits for the commit */
    uint32_t launcher;
    enum hop_type type;
    uint64_t order_id; /* of HOP_ORDER */
    size_t at, len;    /* its body in side */
};

struct batch {
    struct ring_reader *ring; /* borrowed, all four */
    struct store *store;
    struct journal *journal;
    struct order_on *launchers;
    bool draining;   /* nothing is launched any more */
    bool stuck;      /* a launcher takes no orders: end in order */
    bool waited_for; /* this turn holds more than records: sync it */
    uint8_t *entry;  /* owned, TS_RING_ENTRY_MAX */
    uint8_t *side;   /* owned, bodies of hops */
    size_t side_len;
    struct batch_hop *hops; /* owned */
    uint32_t hop_count;
    const char *flaw; /* of the entry that broke a rule; static */
};

TS_NODISCARD ts_err batch_init(struct batch *b);
void batch_done(struct batch *b);

/* *ret_entries: how many were there. TS_E_FORMAT and others: stop; b->flaw
 * says why. */
TS_NODISCARD ts_err batch_run(struct batch *b, uint64_t unix_us,
                              uint32_t *ret_entries);

#endif
