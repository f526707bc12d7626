/* Opening, replaying and appending. */
#include "sidecar/recorder/journal_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"
#include "proto/wire/mp_write.h"

#define OUT_CAP ((size_t)JOURNAL_WINDOW)

bool journal_is_newest(const struct journal *j, const struct journal_entry *e)
{
    return journal_index_get(&j->index, &e->as) == e->seq;
}

/* An entry that stands in the file. Room in the index was reserved. */
static void count_in(struct journal *j, const struct journal_entry *e)
{
    journal_index_put(&j->index, &e->as, e->seq);
    if (e->as.type == JOURNAL_REVOCATION)
        j->revocation = e->seq;
}

static void refuse(ts_err e, uint64_t at, char *text)
{
    const char *what = "cannot be read";

    if (e == TS_E_UNSUPPORTED)
        what = "is of a version that this one cannot read";
    else if (e == TS_E_AUTH)
        what = "was damaged or changed (a record does not verify)";
    else if (e == TS_E_FORMAT || e == TS_E_TRUNCATED)
        what = "was damaged (this is no record)";
    else if (e == TS_E_STATE)
        what = "was changed (a record is out of order, or the file shorter "
               "than it was)";
    journal_refusal(text,
                    "state.journal at byte %llu %s (%s): restore the files of "
                    "state_dir from a copy, or start once with tipstaffd "
                    "--init-state to begin anew, and revoke again",
                    (unsigned long long)at, what, ts_err_text(e));
}

/* First pass: everything verifies; which entries are the newest. */
static ts_err read_through(struct journal *j, uint64_t *ret_good,
                           char *reterr_text)
{
    struct journal_reader r;
    struct journal_entry entry;
    ts_err e = journal_reader_init(&r, j->fd, j->key, j->size);

    while (e == TS_OK) {
        e = journal_reader_next(&r, &entry);
        if (e != TS_OK)
            break;
        e = journal_index_reserve(&j->index);
        if (e == TS_OK)
            count_in(j, &entry);
    }
    if (e == TS_E_AGAIN || (e == TS_E_TRUNCATED && r.walk.begun)) {
        *ret_good = journal_reader_at(&r);
        j->place = r.walk;
        j->place.bytes = NULL;
        e = TS_OK;
    } else if (e == TS_E_NOMEM || e == TS_E_LIMIT) {
        journal_refusal(reterr_text, "state.journal: %s", ts_err_text(e));
    } else {
        refuse(e, journal_reader_at(&r), reterr_text);
    }
    journal_reader_done(&r);
    return e;
}

struct handing { /* to the memfd, through a buffer */
    int fd;
    uint8_t *buf; /* owned, OUT_CAP */
    size_t len;
    uint64_t at;
};

static ts_err flush(struct handing *h)
{
    ts_err e = journal_write_at(h->fd, h->buf, h->len, h->at);

    h->at += h->len;
    h->len = 0;
    return e;
}

/* [type, tenant, keep_until, payload], no longer than its record. */
static ts_err hand_entry(struct handing *h, const struct ring_journal *as)
{
    struct mp_writer w;
    size_t len = 0;
    ts_err e = TS_OK;

    if (OUT_CAP - h->len < JOURNAL_RECORD_MAX)
        e = flush(h);
    if (e != TS_OK)
        return e;
    mp_writer_init(&w, h->buf + h->len, OUT_CAP - h->len);
    mp_write_array(&w, 4);
    mp_write_uint(&w, (uint64_t)as->type);
    mp_write_str(&w, as->tenant.ptr, as->tenant.len);
    mp_write_uint(&w, as->keep_until);
    mp_write_bin(&w, as->payload.ptr, as->payload.len);
    e = mp_written(&w, &len);
    h->len += len;
    return e;
}

static ts_err hand_head(struct handing *h, size_t count)
{
    struct mp_writer w;

    mp_writer_init(&w, h->buf, OUT_CAP);
    mp_write_array(&w, 2);
    mp_write_uint(&w, 1);
    mp_write_array(&w, (uint32_t)count);
    return mp_written(&w, &h->len);
}

/* Second pass: the newest of every key, oldest first. */
static ts_err hand_out(struct journal *j, struct handing *h)
{
    struct journal_reader r;
    struct journal_entry entry;
    ts_err e = journal_reader_init(&r, j->fd, j->key, j->size);
    uint64_t before;

    if (e == TS_OK)
        e = hand_head(h, j->index.count);
    j->kept = JOURNAL_BASE_LEN;
    while (e == TS_OK) {
        before = journal_reader_at(&r);
        e = journal_reader_next(&r, &entry);
        if (e != TS_OK || !journal_is_newest(j, &entry))
            continue;
        j->kept += journal_reader_at(&r) - before;
        e = hand_entry(h, &entry.as);
    }
    journal_reader_done(&r);
    return e == TS_E_AGAIN ? flush(h) : e;
}

ts_err journal_hand_out(struct journal *j, int *ret_memfd, char *reterr_text)
{
    struct handing h = {
        .fd = memfd_create("tipstaff-journal", MFD_CLOEXEC | MFD_ALLOW_SEALING),
        .buf = ts_mem_alloc(OUT_CAP)};
    ts_err e = h.buf != NULL ? TS_OK : TS_E_NOMEM;

    if (h.fd < 0)
        e = TS_E_SYSTEM;
    if (e == TS_OK)
        e = hand_out(j, &h);
    if (e == TS_OK &&
        fcntl(h.fd, F_ADD_SEALS,
              F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
        e = ts_err_from_errno(errno);
    ts_mem_free(h.buf);
    if (e != TS_OK) {
        ts_fd_close(&h.fd);
        journal_refusal(reterr_text,
                        "the journal's entries cannot be handed to the gate: "
                        "%s",
                        ts_err_text(e));
        return e;
    }
    *ret_memfd = h.fd;
    return TS_OK;
}

/* Reads and checks all of it, cuts a torn end. */
static ts_err replay(struct journal *j, uint64_t *ret_cut, char *reterr_text)
{
    uint64_t good = 0;
    ts_err e = read_through(j, &good, reterr_text);

    if (e != TS_OK)
        return e;
    if (good < j->size &&
        (ftruncate(j->fd, (off_t)good) != 0 || fdatasync(j->fd) != 0)) {
        journal_refusal(reterr_text,
                        "state.journal cannot be cut after its last whole "
                        "record, at byte %llu: %s",
                        (unsigned long long)good, strerror(errno));
        return TS_E_SYSTEM;
    }
    *ret_cut = j->size - good;
    j->size = good;
    return TS_OK;
}

/* What an operator can heal by beginning anew, and nothing else can. */
static bool can_begin_anew(ts_err e)
{
    return e == TS_E_NOT_FOUND || e == TS_E_FORMAT || e == TS_E_AUTH ||
           e == TS_E_STATE || e == TS_E_UNSUPPORTED || e == TS_E_TRUNCATED;
}

static ts_err open_once(struct journal *j, struct journal_found *found,
                        char *reterr_text)
{
    ts_err e = journal_state_open(j, &found->begun, reterr_text);

    return e == TS_OK ? replay(j, &found->cut, reterr_text) : e;
}

static ts_err open_all(struct journal *j, bool init,
                       struct journal_found *found, char *reterr_text)
{
    ts_err e = journal_state_lock(j, reterr_text);

    if (e != TS_OK)
        return e;
    e = open_once(j, found, reterr_text);
    if (init && can_begin_anew(e)) {
        memcpy(found->put_aside, reterr_text, JOURNAL_REFUSAL_MAX);
        journal_index_done(&j->index);
        j->revocation = 0;
        e = journal_state_put_aside(j, reterr_text);
        if (e == TS_OK)
            e = journal_index_init(&j->index);
        if (e == TS_OK)
            e = open_once(j, found, reterr_text);
    }
    if (e == TS_OK)
        e = journal_state_mark(j, reterr_text);
    if (e == TS_OK)
        e = journal_hand_out(j, &found->memfd, reterr_text);
    return e;
}

ts_err journal_open(int state_dir, bool init, struct journal *ret,
                    struct journal_found *ret_found, char *reterr_text)
{
    struct journal j = {.dir = state_dir,
                        .fd = -1,
                        .lock_fd = -1,
                        .compaction = {.fd = -1, .from = {.fd = -1}}};
    struct journal_found found = {.memfd = -1};
    ts_err e = TS_E_NOMEM;

    journal_refusal(reterr_text, "out of memory");
    j.key = sodium_malloc(JOURNAL_KEY);
    if (j.key != NULL && journal_index_init(&j.index) == TS_OK)
        e = open_all(&j, init, &found, reterr_text);
    if (e != TS_OK) {
        journal_done(&j);
        return e;
    }
    *ret = j;
    *ret_found = found;
    return TS_OK;
}

void journal_done(struct journal *j)
{
    journal_compaction_stop(j);
    ts_fd_close(&j->fd);
    ts_fd_close(&j->lock_fd);
    journal_index_done(&j->index);
    sodium_free(j->key); /* wipes it; NULL is fine */
    j->key = NULL;
}

ts_err journal_append(struct journal *j, struct ts_bytes body)
{
    uint8_t rec[JOURNAL_RECORD_MAX];
    size_t len = JOURNAL_HEAD + body.len + JOURNAL_MAC;
    struct journal_walk place = j->place;
    struct journal_entry entry = {.seq = place.seq + 1, .body = body};
    const char *what;
    ts_err e;

    if (j->failed)
        return TS_E_SYSTEM;
    if (body.len > JOURNAL_BODY_MAX ||
        ring_journal_decode(body.ptr, body.len, &entry.as, &what) != TS_OK)
        return TS_E_INVALID;
    if (j->size + len > JOURNAL_BYTES_MAX)
        return TS_E_LIMIT;
    e = journal_index_reserve(&j->index);
    if (e != TS_OK)
        return e;
    journal_encode(&place, entry.seq, body, rec);
    e = journal_write_at(j->fd, rec, len, j->size);
    if (e != TS_OK) { /* half of it may stand there: a torn last record */
        j->failed = true;
        return e;
    }
    j->place = place;
    j->size += len;
    j->dirty = true;
    count_in(j, &entry);
    return TS_OK;
}

ts_err journal_sync(struct journal *j)
{
    if (j->failed)
        return TS_E_SYSTEM;
    if (!j->dirty)
        return TS_OK;
    if (fdatasync(j->fd) != 0) {
        j->failed = true;
        return TS_E_SYSTEM;
    }
    j->dirty = false;
    return TS_OK;
}
