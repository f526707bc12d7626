/* The journal kept short, a slice at a time. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"
#include "sidecar/recorder/journal_file.h"

#define NAME      "state.journal"
#define TEMP_NAME "state.journal.new"
#define OUT_CAP   ((size_t)JOURNAL_SLICE + (size_t)2 * JOURNAL_RECORD_MAX)

void journal_compaction_stop(struct journal *j)
{
    struct journal_compaction *c = &j->compaction;

    if (c->fd >= 0)
        (void)unlinkat(j->dir, TEMP_NAME, 0); /* or the next start does */
    ts_fd_close(&c->fd);
    if (c->from.buf != NULL)
        journal_reader_done(&c->from);
    ts_mem_free(c->out);
    *c = (struct journal_compaction){.fd = -1, .from = {.fd = -1}};
}

static bool is_due(const struct journal *j)
{
    bool doubled = j->size > JOURNAL_FLOOR && j->size / 2 > j->kept;
    bool near_full = j->size > JOURNAL_BYTES_MAX / 4 * 3 &&
                     j->size - j->kept > JOURNAL_BYTES_MAX / 16;

    return (doubled || near_full) && j->size >= j->compaction.retry_at;
}

/* Whatever was read when this began, what comes later follows as the tail. */
static ts_err begin(struct journal *j, uint64_t now_s)
{
    struct journal_compaction *c = &j->compaction;
    ts_err e;

    *c = (struct journal_compaction){
        .fd = -1, .from = {.fd = -1}, .place.key = j->key, .now_s = now_s};
    c->out = ts_mem_alloc(OUT_CAP);
    e = c->out != NULL ? TS_OK : TS_E_NOMEM;
    if (e == TS_OK)
        e = journal_reader_init(&c->from, j->fd, j->key, j->size);
    if (e != TS_OK)
        return e;
    (void)unlinkat(j->dir, TEMP_NAME, 0);
    c->fd = openat(j->dir, TEMP_NAME,
                   O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (c->fd < 0)
        return ts_err_from_errno(errno);
    journal_encode_base(&c->place, c->out);
    c->out_len = JOURNAL_BASE_LEN;
    return TS_OK;
}

/* The last record stays whatever it is, so that numbers never go back; the
 * newest revocation, so that the gate's count of them does not. */
static bool is_kept(struct journal *j, const struct journal_entry *e)
{
    if (e->seq == j->place.seq || e->seq == j->revocation)
        return true;
    if (!journal_is_newest(j, e))
        return false;
    if (e->as.keep_until > j->compaction.now_s ||
        e->as.type == JOURNAL_DIRECTORY || e->as.type == JOURNAL_CLOCK)
        return true;
    journal_index_forget(&j->index, &e->as);
    return false;
}

/* Up to JOURNAL_SLICE bytes of the old file. TS_E_AGAIN: all of it is copied.
 */
static ts_err copy_slice(struct journal *j)
{
    struct journal_compaction *c = &j->compaction;
    uint64_t stop = journal_reader_at(&c->from) + JOURNAL_SLICE;
    struct journal_entry entry;
    ts_err e;

    c->from.end = j->size;
    while (journal_reader_at(&c->from) < stop) {
        e = journal_reader_next(&c->from, &entry);
        if (e != TS_OK)
            return e;
        if (!is_kept(j, &entry))
            continue;
        journal_encode(&c->place, entry.seq, entry.body, c->out + c->out_len);
        c->out_len += JOURNAL_HEAD + entry.body.len + JOURNAL_MAC;
    }
    return TS_OK;
}

static ts_err write_slice(struct journal_compaction *c, bool sync)
{
    ts_err e = journal_write_at(c->fd, c->out, c->out_len, c->size);

    if (e != TS_OK)
        return e;
    c->size += c->out_len;
    c->out_len = 0;
    if (!sync && c->size - c->synced < JOURNAL_SYNC_BYTES)
        return TS_OK;
    if (fdatasync(c->fd) != 0)
        return ts_err_from_errno(errno);
    c->synced = c->size;
    return TS_OK;
}

/* All is in the new file, and durable. What is appended from here on must not
 * be in a file whose name may be gone after a crash: the directory first. */
static ts_err take_over(struct journal *j)
{
    struct journal_compaction *c = &j->compaction;

    if (renameat(j->dir, TEMP_NAME, j->dir, NAME) != 0)
        return ts_err_from_errno(errno);
    if (fsync(j->dir) != 0)
        return TS_E_SYSTEM;
    ts_fd_close(&j->fd);
    j->fd = c->fd;
    c->fd = -1;
    j->size = j->kept = c->size;
    j->place = c->place;
    return TS_OK;
}

ts_err journal_tend(struct journal *j, uint64_t now_s, bool *ret_busy)
{
    struct journal_compaction *c = &j->compaction;
    ts_err e = TS_OK;
    bool whole;

    *ret_busy = false;
    if (j->failed)
        return TS_E_SYSTEM;
    if (j->dirty || (c->fd < 0 && !is_due(j)))
        return TS_OK;
    if (c->fd < 0)
        e = begin(j, now_s);
    if (e == TS_OK)
        e = copy_slice(j);
    whole = e == TS_E_AGAIN;
    if (e == TS_OK || whole)
        e = write_slice(c, whole);
    if (e == TS_OK && whole)
        e = take_over(j);
    *ret_busy = e == TS_OK && !whole;
    if (*ret_busy)
        return TS_OK;
    journal_compaction_stop(j);
    if (e == TS_E_NO_SPACE || e == TS_E_NOMEM) {
        c->retry_at = j->size + JOURNAL_FLOOR;
        return TS_OK;
    }
    j->failed = e != TS_OK;
    return e;
}
