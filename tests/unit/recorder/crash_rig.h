#ifndef TESTS_UNIT_RECORDER_CRASH_RIG_H
#define TESTS_UNIT_RECORDER_CRASH_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/msg/order.h"

/*
 * What a gate puts into the ring, and what must have become of it. Entry n has
 * ids made of n. Functions fail the test themselves.
 */
#define CRASH_ENTRIES_MAX 64
#define CRASH_PATH        96

struct crash_rig {
    char dir[CRASH_PATH - 16]; /* holds log/ and state/ */
    int ring;                  /* memfd */
    int orders[2];             /* from the recorder: [0], to be read: [1] */
};

void crash_rig_init(struct crash_rig *r);
void crash_rig_done(struct crash_rig *r);

/* Committed to the ring at once, with nobody reading. Letters: d denial, D one
 * of 30 KB, l launch, o outcome of the launch before it, j journal entry, k
 * kill and b barrier. */
void crash_rig_feed(struct crash_rig *r, const char *entries);
/* Those from `first` on; the ones before are known, and not fed again. */
void crash_rig_feed_from(struct crash_rig *r, const char *entries,
                         size_t first);

/* The recorder's life: opens everything, replays, takes what the ring holds and
 * ends without a word, with exit code 0. In a child. */
struct crash_life {
    uint64_t segment_bytes;
};
_Noreturn void crash_rig_live(const struct crash_rig *r,
                              const struct crash_life *life);

/*
 * Fails unless every entry of those that were fed is in the log (the journal)
 * exactly once and in order, the chain holds, every launch has one outcome, and
 * nothing was launched that is not in the log. `where` names the case.
 */
void crash_rig_check(struct crash_rig *r, const char *entries,
                     const char *where);

#endif
