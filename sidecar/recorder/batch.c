#include "sidecar/recorder/batch.h"

#include <sodium.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/msg/order.h"
#include "proto/wire/limits.h"

#define SIDE_CAP ((size_t)2 << 20)
#define HOPS_MAX 4096u

ts_err batch_init(struct batch *b)
{
    b->entry = ts_mem_alloc(TS_RING_ENTRY_MAX);
    b->side = ts_mem_alloc(SIDE_CAP);
    b->hops = ts_mem_alloc(sizeof(*b->hops) * HOPS_MAX);
    if (b->entry == NULL || b->side == NULL || b->hops == NULL) {
        batch_done(b);
        return TS_E_NOMEM;
    }
    return TS_OK;
}

void batch_done(struct batch *b)
{
    ts_mem_free(b->entry);
    ts_mem_free(b->side);
    ts_mem_free(b->hops);
    b->entry = NULL;
    b->side = NULL;
    b->hops = NULL;
}

static bool has_room(const struct batch *b)
{
    return store_has_room(b->store) && b->hop_count < HOPS_MAX &&
           SIDE_CAP - b->side_len >= TS_RING_ENTRY_MAX;
}

static void add_hop(struct batch *b, uint32_t launcher, enum hop_type type,
                    uint64_t order_id, struct ts_bytes body)
{
    memcpy(b->side + b->side_len, body.ptr, body.len);
    b->waited_for = true;
    b->hops[b->hop_count++] = (struct batch_hop){.launcher = launcher,
                                                 .type = type,
                                                 .order_id = order_id,
                                                 .at = b->side_len,
                                                 .len = body.len};
    b->side_len += body.len;
}

static ts_err take_record(struct batch *b, size_t len, uint64_t unix_us)
{
    struct record r;
    ts_err e = record_parse(b->entry, len, false, &r, &b->flaw);

    if (e != TS_OK)
        return e;
    b->flaw = "a decision with an order outside of a launch";
    if (r.kind == RECORD_DECISION && r.has_order)
        return TS_E_INVALID;
    b->flaw = "an outcome of a launch that is not open";
    return store_add(b->store, &r, false, unix_us);
}

/* What is written down must be what is launched. */
static bool record_is_of_order(const struct record *r, const struct order *o)
{
    uint8_t digest[32];

    (void)crypto_generichash(digest, sizeof(digest), o->args.ptr, o->args.len,
                             NULL, 0); /* fails only for wrong lengths */
    return r->kind == RECORD_DECISION && ts_str_eq_c(r->effect, "permit") &&
           r->has_order && r->order == o->order_id && o->order_id != 0 &&
           memcmp(r->id, o->decision_id, sizeof(r->id)) == 0 &&
           ts_str_eq(r->tool, o->tool) && r->has_args_digest &&
           memcmp(r->args_digest, digest, sizeof(digest)) == 0;
}

static ts_err take_launch(struct batch *b, size_t len, uint64_t unix_us)
{
    struct ring_launch l;
    struct record r;
    struct order o;
    ts_err e = ring_launch_decode(b->entry, len, &l, &b->flaw);

    if (e == TS_OK)
        e = order_decode(l.order.ptr, l.order.len, &o, &b->flaw);
    if (e == TS_OK)
        e = record_parse(l.record.ptr, l.record.len, false, &r, &b->flaw);
    if (e != TS_OK)
        return e;
    b->flaw = "a launch for a launcher that does not exist";
    if (l.launcher >= b->launchers->count)
        return TS_E_INVALID;
    b->flaw = "a launch whose record is not of its order";
    if (!record_is_of_order(&r, &o))
        return TS_E_INVALID;
    b->flaw = "a launch with a decision id that is open, or too many are open";
    e = store_add(b->store, &r, true, unix_us);
    if (e == TS_OK)
        add_hop(b, l.launcher, HOP_ORDER, o.order_id, l.order);
    return e;
}

static ts_err take_kill(struct batch *b, size_t len)
{
    uint8_t body[32];
    struct ring_kill k;
    size_t n = 0;
    ts_err e = ring_kill_decode(b->entry, len, &k, &b->flaw);

    if (e == TS_OK && k.launcher >= b->launchers->count)
        e = TS_E_INVALID;
    if (e == TS_OK)
        e = order_kill_encode(&k.kill, body, sizeof(body), &n);
    if (e == TS_OK)
        add_hop(b, k.launcher, HOP_KILL, k.kill.order_id,
                (struct ts_bytes){.ptr = body, .len = n});
    return e;
}

static ts_err take_journal(struct batch *b, size_t len)
{
    struct ring_journal j;
    ts_err e = ring_journal_decode(b->entry, len, &j, &b->flaw);

    if (e != TS_OK)
        return e;
    b->waited_for = true;
    b->flaw = "the journal cannot be written";
    b->fault = BATCH_DISK;
    e = journal_append(b->journal,
                       (struct ts_bytes){.ptr = b->entry, .len = len});
    if (e == TS_OK)
        store_journal_is(b->store, b->journal->place.seq);
    return e;
}

static ts_err take_barrier(struct batch *b, size_t len)
{
    struct order_barrier o;
    ts_err e = order_barrier_decode(b->entry, len, &o, &b->flaw);

    if (e == TS_OK)
        add_hop(b, UINT32_MAX, HOP_BARRIER, o.id,
                (struct ts_bytes){.ptr = b->entry, .len = len});
    return e;
}

/* Does an entry of this kind stand there already? It began at `at`. */
static bool is_known(struct batch *b, uint32_t kind, uint64_t at)
{
    struct batch_replay *p = &b->replay;
    bool line = kind == RING_RECORD || kind == RING_LAUNCH;

    if (kind == RING_JOURNAL && p->entries > 0)
        p->entries--;
    else if (line && p->lines > 0 && at < p->mark.end)
        p->lines--;
    else
        return false;
    p->passed = true;
    return true;
}

/* Kills and barriers of a set of processes that is gone mean nothing. */
static bool is_moot(const struct batch *b, uint32_t kind)
{
    return b->replay.on && (kind == RING_KILL || kind == RING_BARRIER);
}

static ts_err take(struct batch *b, uint32_t kind, size_t len, uint64_t unix_us)
{
    b->flaw = NULL;
    switch (kind) {
    case RING_RECORD:
        return take_record(b, len, unix_us);
    case RING_LAUNCH:
        return take_launch(b, len, unix_us);
    case RING_KILL:
        return take_kill(b, len);
    case RING_JOURNAL:
        return take_journal(b, len);
    case RING_BARRIER:
        return take_barrier(b, len);
    default: /* a number that a stranger wrote, not an enum of ours */
        b->flaw = "an entry of an unknown kind";
        return TS_E_FORMAT;
    }
}

/* A launch that may not be: the launcher tells the gate so. */
static ts_err send_void(struct batch *b, const struct batch_hop *h)
{
    struct order_void v = {.order_id = h->order_id,
                           .code = b->draining ? CODE_SHUTTING_DOWN
                                               : CODE_AUDIT_UNAVAILABLE};
    uint8_t body[64];
    size_t len = 0;
    ts_err e = order_void_encode(&v, body, sizeof(body), &len);

    if (e != TS_OK)
        return e;
    return order_on_send(b->launchers, h->launcher, HOP_VOID, body, len);
}

static ts_err send_hop(struct batch *b, const struct batch_hop *h)
{
    const uint8_t *body = b->side + h->at;
    ts_err e = TS_OK;

    if (h->type == HOP_ORDER && (b->draining || b->store->no_space))
        e = send_void(b, h);
    else if (h->type != HOP_BARRIER)
        e = order_on_send(b->launchers, h->launcher, h->type, body, h->len);
    else
        for (uint32_t i = 0; i < b->launchers->count; i++) {
            e = order_on_send(b->launchers, i, HOP_BARRIER, body, h->len);
            b->stuck = b->stuck || e == TS_E_AGAIN;
            if (e != TS_OK && e != TS_E_CLOSED && e != TS_E_AGAIN)
                break;
        }
    /* A launcher that is gone: nothing of its runs any more. One that takes
     * nothing: the same, and the service has to end. */
    b->stuck = b->stuck || e == TS_E_AGAIN;
    return e == TS_E_CLOSED || e == TS_E_AGAIN ? TS_OK : e;
}

static ts_err commit(struct batch *b, uint64_t unix_us, uint64_t log_seq)
{
    const char *flaw = b->flaw;
    ts_err e;

    b->flaw = "the journal cannot be written or synced";
    e = journal_sync(b->journal);
    if (e != TS_OK)
        return e;
    b->flaw = "the log cannot be written";
    if (b->store->out.len > 0)
        ring_writing(b->ring, log_seq);
    /* Nobody waits for records alone: they were answered when they were in the
     * ring, and the next order, or the timer of "written", syncs them too. */
    e = b->waited_for ? store_commit(b->store, unix_us)
                      : store_write(b->store, unix_us);
    b->waited_for = false;
    if (e != TS_OK)
        return e;
    b->flaw = "an order cannot be sent";
    for (uint32_t i = 0; i < b->hop_count && e == TS_OK && !b->replay.on; i++)
        e = send_hop(b, &b->hops[i]);
    b->hop_count = 0;
    b->side_len = 0;
    if (e != TS_OK)
        return e;
    b->flaw = flaw;
    b->ring->journal_seq = b->journal->place.seq - b->replay.entries;
    ring_release(b->ring);
    return TS_OK;
}

/* The next entry, if this turn may have it. What stands in the log already is
 * freed by itself, so that a turn is all new lines, in one row. */
static ts_err next(struct batch *b, uint64_t unix_us)
{
    const struct batch_replay *p = &b->replay;
    uint64_t at = b->ring->tail;
    uint32_t kind = 0;
    size_t len = 0;
    ts_err e;

    if (!has_room(b) || (p->passed && (p->lines == 0 || at >= p->mark.end)))
        return TS_E_AGAIN;
    b->flaw = "the ring holds an impossible entry";
    b->fault = BATCH_RING;
    e = ring_next(b->ring, b->entry, TS_RING_ENTRY_MAX, &kind, &len);
    if (e != TS_OK)
        return e;
    b->fault = BATCH_ENTRY;
    if (is_known(b, kind, at) || is_moot(b, kind))
        return TS_OK;
    return take(b, kind, len, unix_us);
}

ts_err batch_run(struct batch *b, uint64_t unix_us, uint32_t *ret_entries)
{
    const uint64_t log_seq = b->store->chain.last_seq;
    uint32_t entries = 0;
    ts_err e, done;

    b->replay.passed = false;
    while ((e = next(b, unix_us)) == TS_OK)
        entries++;
    if (e == TS_E_AGAIN) {
        e = TS_OK;
        b->flaw = NULL;
    }
    if (entries > 0 || e != TS_OK) {
        done = commit(b, unix_us, log_seq);
        if (done != TS_OK) {
            b->fault = BATCH_DISK;
            return done;
        }
    }
    if (e == TS_OK)
        *ret_entries = entries;
    return e;
}

static uint64_t more_than(uint64_t there, uint64_t marked)
{
    return there > marked ? there - marked : 0;
}

ts_err batch_replay(struct batch *b, uint64_t unix_us,
                    struct batch_replayed *ret)
{
    struct batch_replay *p = &b->replay;
    struct batch_replayed r = {0};
    uint64_t journal_before = b->journal->place.seq;
    uint32_t entries = 1;
    ts_err e = TS_OK;

    *p = (struct batch_replay){.on = true};
    if (ring_mark_read(b->ring, &p->mark)) {
        p->lines = more_than(b->store->chain.last_seq, p->mark.log_seq);
        p->entries = more_than(journal_before, p->mark.journal_seq);
    }
    while (entries > 0 && r.cut == NULL) {
        entries = 0;
        e = batch_run(b, unix_us, &entries);
        if (e != TS_OK && b->fault == BATCH_DISK)
            return e;
        if (e != TS_OK && b->fault == BATCH_RING)
            r.cut = b->flaw;
        if (e != TS_OK && b->fault == BATCH_ENTRY) {
            r.flaw = b->flaw;
            r.dropped++;
            entries = 1;
        }
        r.entries += entries;
        r.known += p->passed ? entries : 0;
    }
    r.journal = b->journal->place.seq - journal_before;
    *p = (struct batch_replay){0};
    b->ring->journal_seq = b->journal->place.seq;
    ring_begin(b->ring);
    *ret = r;
    return TS_OK;
}
