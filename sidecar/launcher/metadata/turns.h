#ifndef SIDECAR_LAUNCHER_METADATA_TURNS_H
#define SIDECAR_LAUNCHER_METADATA_TURNS_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/seccomp.h>

#include "proto/base/ts_attr.h"

/*
 * Whose stopped call is carried out next. A run has one in the works at a time
 * and the rest of its calls wait, so that it takes one thread from the others
 * and no more, however many of its own call and however long one lasts: a path
 * may lead to a network file system that does not answer. Pure, and not locked:
 * the callers do.
 */
#define METADATA_THREADS     8
#define METADATA_WAIT_MOST   1024 /* calls of all runs */
#define METADATA_WAIT_OF_RUN 128

struct metadata_turn {
    uint64_t mark; /* of the run; 0: of none, which never waits */
    struct seccomp_notif call;
};

struct metadata_turns {
    uint64_t busy[METADATA_THREADS];                  /* 0: free */
    struct metadata_turn waiting[METADATA_WAIT_MOST]; /* the oldest first */
    uint32_t count;
};

enum metadata_when {
    METADATA_NOW,   /* the caller does it, then says metadata_turns_over() */
    METADATA_LATER, /* it waits */
    METADATA_NEVER  /* no room: to be refused */
};

/* No more than METADATA_THREADS callers have a turn at once. */
enum metadata_when metadata_turns_take(struct metadata_turns *t,
                                       const struct metadata_turn *turn);
/* The oldest that waits and whose run has none in the works. False: none. */
TS_NODISCARD bool metadata_turns_next(struct metadata_turns *t,
                                      struct metadata_turn *ret);
void metadata_turns_over(struct metadata_turns *t, uint64_t mark);

#endif
