#ifndef SIDECAR_RECORDER_SEGMENT_H
#define SIDECAR_RECORDER_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"

/*
 * The file that is being written: "log-<first seq, 20 digits>.jsonl" in the log
 * directory. Space is taken ahead (fallocate, size unchanged), so that a commit
 * rarely has to wait for the file system's own bookkeeping, and a full disk is
 * met early. A write is whole or not there at all.
 */
#define SEGMENT_NAME 33 /* bytes of a name, NUL included */
#define SEGMENT_MIN  65536u
#define SEGMENT_STEP (4u << 20) /* bytes taken ahead at a time */

struct segment {
    int dir_fd; /* borrowed */
    int fd;     /* owned */
    uint64_t first_seq;
    uint64_t size;  /* bytes written */
    uint64_t taken; /* bytes that the file system has set aside */
};

void segment_name(char out[SEGMENT_NAME], uint64_t first_seq);
/* TS_E_FORMAT: not the name of a segment. */
TS_NODISCARD ts_err segment_name_parse(const char *name, uint64_t *ret);

/* A new file; TS_E_EXISTS if there is one. The name is durable on return. */
TS_NODISCARD ts_err segment_create(int dir_fd, uint64_t first_seq,
                                   struct segment *ret);
/* One that is there; everything from size on is cut off. */
TS_NODISCARD ts_err segment_reopen(int dir_fd, uint64_t first_seq,
                                   uint64_t size, struct segment *ret);
/* Gives back what was set aside and not used, syncs and closes. */
TS_NODISCARD ts_err segment_close(struct segment *s);

/* TS_E_NO_SPACE: nothing was written. TS_E_SYSTEM: the file is in doubt. */
TS_NODISCARD ts_err segment_write(struct segment *s, const char *buf,
                                  size_t len);
/* After a failure the page cache may have dropped what it could not write:
 * never try again, stop. */
TS_NODISCARD ts_err segment_sync(struct segment *s);
/* Tries to set aside bytes beyond what is written; failure does no harm. */
void segment_take(struct segment *s, uint64_t bytes);

/*
 * The reserve: a file "reserve" that only takes room. When the disk is full it
 * is emptied and its room goes to the segment, so that denials, outcomes and
 * revocations stay recordable for a while.
 */
struct reserve {
    int dir_fd; /* borrowed */
    uint64_t bytes;
    bool held;
};
/* TS_E_NO_SPACE: there is not enough room for it now. */
TS_NODISCARD ts_err reserve_hold(struct reserve *r);
TS_NODISCARD ts_err reserve_release(struct reserve *r, struct segment *to);

#endif
