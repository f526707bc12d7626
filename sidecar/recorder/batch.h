#ifndef SIDECAR_RECORDER_BATCH_H
#define SIDECAR_RECORDER_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/common/ring/ring.h"
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
 *
 * Before the first byte of a turn is written the ring is told behind which line
 * (ring_writing()), and only after everything it is freed. So one who finds the
 * ring after a SIGKILL at any point knows what is missing: batch_replay().
 */
struct batch_hop { /* a message that waits for the commit */
    uint32_t launcher;
    enum hop_type type;
    uint64_t order_id; /* of HOP_ORDER */
    size_t at, len;    /* its body in side */
};

enum batch_fault { /* what a failed turn failed at */
    BATCH_DISK = 0,
    BATCH_ENTRY, /* one entry, which is behind us now */
    BATCH_RING   /* nothing more can be read */
};
struct batch_replay { /* of what another recorder left */
    bool on;
    bool passed;           /* this turn passed over something */
    struct ring_mark mark; /* its; end 0 when nothing of it counts */
    uint64_t lines;   /* behind mark.log_seq that are there and not yet met */
    uint64_t entries; /* of the journal, the same */
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
    enum batch_fault fault;
    struct batch_replay replay;
};

TS_NODISCARD ts_err batch_init(struct batch *b);
void batch_done(struct batch *b);

/* *ret_entries: how many were there. TS_E_FORMAT and others: stop; b->flaw
 * says why. */
TS_NODISCARD ts_err batch_run(struct batch *b, uint64_t unix_us,
                              uint32_t *ret_entries);

struct batch_replayed {
    uint32_t entries; /* found in the ring */
    uint32_t known;   /* of these, stood in the log or the journal already */
    uint32_t dropped; /* of these, broke a rule */
    const char *flaw; /* of the last of those; static */
    uint64_t journal; /* entries that were added to the journal */
    const char *cut;  /* why the rest could not be read, or NULL; static */
};
/*
 * Once, after the journal and the log were opened (store_open()) and before
 * either is added to: writes what an earlier recorder took no more, or did not
 * finish. Nothing is launched. The ring is empty afterwards. Safe against
 * SIGKILL like everything else here, however often.
 */
TS_NODISCARD ts_err batch_replay(struct batch *b, uint64_t unix_us,
                                 struct batch_replayed *ret);

#endif
