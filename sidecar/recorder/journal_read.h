#ifndef SIDECAR_RECORDER_JOURNAL_READ_H
#define SIDECAR_RECORDER_JOURNAL_READ_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/recorder/journal.h"

/*
 * Reads a journal's file from its beginning, in a window: bounded memory
 * whatever its size. Every record is verified on every pass.
 */
#define JOURNAL_WINDOW ((size_t)65536)

struct journal_reader { /* zeroed with fd -1: done */
    int fd;             /* borrowed */
    uint64_t end;       /* bytes of the file that are to be read; may grow */
    uint64_t base;      /* where the window begins in the file */
    uint8_t *buf;       /* owned, JOURNAL_WINDOW */
    struct journal_walk walk; /* in the window */
};

/* key is borrowed while it reads. */
TS_NODISCARD ts_err journal_reader_init(struct journal_reader *r, int fd,
                                        const uint8_t *key, uint64_t end);
void journal_reader_done(struct journal_reader *r);
/* As journal_next(), at r->end instead of the end of the bytes; what it gives
 * borrows until the next call. TS_E_SYSTEM and others of the system as well. */
TS_NODISCARD ts_err journal_reader_next(struct journal_reader *r,
                                        struct journal_entry *ret);
/* Bytes of the file that are behind. */
uint64_t journal_reader_at(const struct journal_reader *r);

#endif
