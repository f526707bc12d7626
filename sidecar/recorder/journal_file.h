#ifndef SIDECAR_RECORDER_JOURNAL_FILE_H
#define SIDECAR_RECORDER_JOURNAL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/recorder/journal.h"
#include "sidecar/recorder/journal_index.h"
#include "sidecar/recorder/journal_read.h"

/*
 * The journal as a file that is kept short. In the state directory:
 *
 *   state.journal      the records (journal.h)
 *   state.key          the key of their macs, 32 bytes, mode 0400
 *   state.marker       a journal was begun here: with it, or with the key, a
 *                      journal that is missing is refused and not begun anew
 *   state.lock         held (flock) while a recorder uses the directory
 *   state.journal.new  of a compaction; removed at start
 *   state.*.refused    what JOURNAL_INIT put aside
 *
 * First start, in this order, each durable before the next: journal, key,
 * marker. So a first start that was cut short is told from a loss.
 *
 * A later entry of the same type, tenant and key replaces an earlier one; one
 * whose keep_until has passed may go, but never the newest revocation, nor the
 * newest clock or directory of its key. Compaction drops what may go: it copies
 * the rest to a new file in slices between batches, then renames. A crash at
 * any point leaves the old file or the new one, whole.
 */
#define JOURNAL_BYTES_MAX   (UINT64_C(1) << 30) /* appends fail beyond it */
#define JOURNAL_FLOOR       (1u << 20)          /* not compacted below this */
#define JOURNAL_SLICE       (256u << 10)        /* bytes read in a slice */
#define JOURNAL_SYNC_BYTES  (1u << 20) /* of a new file, between two syncs */
#define JOURNAL_REFUSAL_MAX 512        /* bytes of a text, NUL included */

struct journal_compaction {     /* zeroed with fd -1: none is going on */
    int fd;                     /* owned: state.journal.new */
    struct journal_reader from; /* the old file */
    struct journal_walk place;  /* in the new one */
    uint64_t size;              /* written to it */
    uint64_t synced;            /* of that */
    uint8_t *out;               /* owned: what a slice keeps */
    size_t out_len;
    uint64_t now_s;    /* when it began: what had passed then goes */
    uint64_t retry_at; /* size of the old file, after a disk was full */
};

struct journal {
    int dir;     /* borrowed: the state directory */
    int fd;      /* owned */
    int lock_fd; /* owned */
    uint64_t size;
    uint64_t kept; /* bytes that the last compaction left, or live at start */
    uint8_t *key;  /* sodium_malloc, owned */
    struct journal_walk place;
    struct journal_index index;
    uint64_t revocation; /* seq of the newest entry of that type */
    bool dirty;          /* written, not yet synced */
    bool failed;         /* a sync failed: nothing works any more */
    struct journal_compaction compaction;
};

/* What journal_open() found, for the log. */
struct journal_found {
    int memfd;    /* the caller's: sealed, the entries that count,
                     [1, [[type, tenant, keep_until, payload bin]...]] */
    uint64_t cut; /* bytes of a torn last record that were cut */
    bool begun;   /* there was none, a new one was begun */
    char put_aside[JOURNAL_REFUSAL_MAX]; /* with init: why; "" = nothing was */
};

/*
 * Locks the directory (borrowed until journal_done()), opens or begins the
 * journal, reads and checks all of it. init: an operator said that a journal
 * may be begun where one was: what would be refused is renamed instead, what is
 * good is kept. On failure reterr_text (JOURNAL_REFUSAL_MAX bytes) says what,
 * where and what to do.
 */
TS_NODISCARD ts_err journal_open(int state_dir, bool init, struct journal *ret,
                                 struct journal_found *ret_found,
                                 char *reterr_text);
void journal_done(struct journal *j);

/* found->memfd again, for a journal that was added to since. */
TS_NODISCARD ts_err journal_hand_out(struct journal *j, int *ret_memfd,
                                     char *reterr_text);

/* body: a ring's JOURNAL entry. TS_E_LIMIT: the journal is full. After any
 * error the recorder must stop. */
TS_NODISCARD ts_err journal_append(struct journal *j, struct ts_bytes body);
/* An error is for ever: the kernel may have dropped what it could not write. */
TS_NODISCARD ts_err journal_sync(struct journal *j);

/*
 * A slice of compaction, if there is something to compact; call it between
 * batches, when everything is synced. now_s: unix seconds, never later than it
 * truly is. *ret_busy: call again soon. A disk that is full ends the attempt,
 * not the service; every other error is for ever.
 */
TS_NODISCARD ts_err journal_tend(struct journal *j, uint64_t now_s,
                                 bool *ret_busy);

/* Does an entry count (it is not replaced)? */
bool journal_is_newest(const struct journal *j, const struct journal_entry *e);

/* For the files of this module. Every byte or an error. */
TS_NODISCARD ts_err journal_write_at(int fd, const uint8_t *p, size_t len,
                                     uint64_t at);
/* journal_state.c: lock, key, marker and the journal's descriptor and size;
 * *ret_begun when it was made. */
TS_NODISCARD ts_err journal_state_lock(struct journal *j, char *reterr_text);
TS_NODISCARD ts_err journal_state_open(struct journal *j, bool *ret_begun,
                                       char *reterr_text);
/* The marker, after everything was found good. */
TS_NODISCARD ts_err journal_state_mark(struct journal *j, char *reterr_text);
/* Renames journal, key and marker to *.refused. */
TS_NODISCARD ts_err journal_state_put_aside(struct journal *j,
                                            char *reterr_text);
void journal_compaction_stop(struct journal *j);
/* Writes a text of a refusal. */
__attribute__((format(printf, 2, 3))) void
journal_refusal(char *text, const char *fmt, ...);

#endif
