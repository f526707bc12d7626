/*
 * The ring between gate and recorder. Everything in the shared map except the
 * words that this side itself writes is a stranger's: it is read once, into a
 * local variable, and checked there.
 */
#include "sidecar/common/ring/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_require.h"
#include "proto/wire/limits.h"
#include "sidecar/common/ring/ring_priv.h"

#define ENTRY_HEAD 8u

_Static_assert((TS_RING_BYTES & (TS_RING_BYTES - 1)) == 0, "a power of two");
_Static_assert(TS_RING_ENTRY_MAX * 4 < TS_RING_BYTES, "entries must fit");
_Static_assert(ATOMIC_LONG_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2,
               "atomics are shared between processes");

struct mark_words {
    _Alignas(64) _Atomic uint64_t begin; /* of which tail, + 1; 0 = of none */
    _Atomic uint64_t end, log_seq, journal_seq; /* as struct ring_mark */
};

/* Each word has one writer, and a cache line of its own. */
struct ring_shared {
    _Alignas(64) _Atomic uint64_t head; /* producer: end of committed entries */
    _Alignas(
        64) _Atomic uint64_t tail; /* consumer: everything before is free */
    _Alignas(64) _Atomic uint32_t state; /* consumer: enum ring_state */
    _Alignas(64) _Atomic uint32_t wait;  /* consumer sets, producer clears */
    struct mark_words mark[2];           /* consumer */
};
_Static_assert(sizeof(struct ring_shared) <= RING_DATA_AT,
               "head fits its page");
_Static_assert(offsetof(struct ring_shared, head) == RING_HEAD_AT &&
                   offsetof(struct ring_shared, tail) == RING_TAIL_AT,
               "where ring_is_empty() looks");

static size_t padded(size_t len)
{
    return (len + 7u) & ~(size_t)7u;
}

static size_t slot(uint64_t position)
{
    return (size_t)(position & (TS_RING_BYTES - 1));
}

static uint8_t *entry_at(void *shared, uint64_t position)
{
    return (uint8_t *)shared + RING_DATA_AT + slot(position);
}

/* The head of an entry is one aligned word: len low, kind high. */
static uint64_t head_load(void *shared, uint64_t position)
{
    _Atomic uint64_t *p = (void *)entry_at(shared, position);

    return atomic_load_explicit(p, memory_order_relaxed);
}

static void head_store(void *shared, uint64_t position, uint32_t kind,
                       size_t len)
{
    _Atomic uint64_t *p = (void *)entry_at(shared, position);

    atomic_store_explicit(p, (uint64_t)kind << 32 | (uint32_t)len,
                          memory_order_relaxed);
}

static ts_err map_ring(int memfd, void **ret)
{
    struct stat st;
    int seals = fcntl(memfd, F_GET_SEALS);
    void *map;

    if (seals < 0 || (seals & RING_SEALS) != RING_SEALS ||
        fstat(memfd, &st) != 0 || st.st_size != (off_t)RING_MAP_LEN)
        return TS_E_INVALID;
    map =
        mmap(NULL, RING_MAP_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
    if (map == MAP_FAILED)
        return ts_err_from_errno(errno);
    *ret = map;
    return TS_OK;
}

ts_err ring_writer_open(int memfd, int wake_fd, struct ring_writer *ret)
{
    struct ring_shared *s;
    void *map = NULL;
    uint64_t head;
    ts_err e = map_ring(memfd, &map);

    if (e != TS_OK)
        return e;
    s = map;
    head = atomic_load_explicit(&s->head, memory_order_acquire);
    *ret = (struct ring_writer){.shared = map,
                                .map_len = RING_MAP_LEN,
                                .wake_fd = wake_fd,
                                .head = head,
                                .reserved = head};
    return TS_OK;
}

static bool mark_of(struct ring_shared *s, uint32_t i, uint64_t tail)
{
    return atomic_load_explicit(&s->mark[i].begin, memory_order_acquire) ==
           tail + 1;
}

ts_err ring_reader_open(int memfd, int wake_fd, struct ring_reader *ret)
{
    struct ring_shared *s;
    void *map = NULL;
    uint64_t tail;
    ts_err e = map_ring(memfd, &map);

    if (e != TS_OK)
        return e;
    s = map;
    tail = atomic_load_explicit(&s->tail, memory_order_acquire);
    /* ring_busy() reads it whether there is something or not. */
    if (tail % 8 != 0 ||
        (wake_fd >= 0 && fcntl(wake_fd, F_SETFL, O_NONBLOCK) != 0)) {
        (void)munmap(map, RING_MAP_LEN);
        return TS_E_FORMAT;
    }
    *ret = (struct ring_reader){.shared = map,
                                .map_len = RING_MAP_LEN,
                                .wake_fd = wake_fd,
                                .tail = tail,
                                .released = tail,
                                .mark = mark_of(s, 1, tail) ? 1 : 0};
    return TS_OK;
}

void ring_writer_done(struct ring_writer *w)
{
    if (w->shared == NULL)
        return;
    (void)munmap(w->shared, w->map_len);
    w->shared = NULL;
    ts_fd_close(&w->wake_fd);
}

void ring_reader_done(struct ring_reader *r)
{
    if (r->shared == NULL)
        return;
    (void)munmap(r->shared, r->map_len);
    r->shared = NULL;
    ts_fd_close(&r->wake_fd);
}

ts_err ring_reserve(struct ring_writer *w, size_t max_len, uint8_t **ret)
{
    struct ring_shared *s = w->shared;
    size_t need = ENTRY_HEAD + padded(max_len);
    size_t lap = TS_RING_BYTES - slot(w->head); /* to the end of the lap */
    size_t skip = need > lap ? lap : 0;
    uint64_t used;

    if (max_len > TS_RING_ENTRY_MAX)
        return TS_E_LIMIT;
    used = w->head - atomic_load_explicit(&s->tail, memory_order_acquire);
    /* A tail ahead of us, or more than a lap behind, is nonsense: full. */
    if (used > TS_RING_BYTES || skip + need > TS_RING_BYTES - used)
        return TS_E_AGAIN;
    if (skip > 0)
        head_store(s, w->head, 0, lap - ENTRY_HEAD);
    w->reserved = w->head + skip;
    w->room = max_len;
    *ret = entry_at(s, w->reserved) + ENTRY_HEAD;
    return TS_OK;
}

bool ring_has_room(const struct ring_writer *w, size_t bytes, size_t count)
{
    const struct ring_shared *s = w->shared;
    uint64_t used =
        w->head - atomic_load_explicit(&s->tail, memory_order_acquire);

    /* Each has a head and padding; one of them may skip the end of a lap. */
    return used <= TS_RING_BYTES && bytes <= TS_RING_BYTES / 4 &&
           2 * (bytes + count * (size_t)(2 * ENTRY_HEAD)) <=
               TS_RING_BYTES - used;
}

static void wake(struct ring_writer *w)
{
    const uint64_t one = 1;
    ssize_t n;

    do
        n = write(w->wake_fd, &one, sizeof(one));
    while (n < 0 && errno == EINTR);
    /* EAGAIN: the counter is full, so the consumer is being woken already. */
}

/* Wakes a consumer that waits at least as deeply as `from`. Whoever takes the
 * word away writes to the eventfd, so that one wait is ended once. */
static void wake_waiting(struct ring_writer *w, enum ring_wait from)
{
    struct ring_shared *s = w->shared;

    if (atomic_load_explicit(&s->wait, memory_order_relaxed) < (uint32_t)from)
        return;
    if (atomic_exchange_explicit(&s->wait, RING_BUSY, memory_order_acq_rel) !=
        RING_BUSY)
        wake(w);
}

void ring_commit(struct ring_writer *w, uint32_t kind, size_t len)
{
    struct ring_shared *s = w->shared;

    TS_REQUIRE(kind != 0 && len <= w->room);
    head_store(s, w->reserved, kind, len);
    w->head = w->reserved + ENTRY_HEAD + padded(len);
    w->reserved = w->head;
    w->room = 0;
    atomic_store_explicit(&s->head, w->head, memory_order_release);
    /* Pairs with the fence in ring_wait_begin(): either we see that it waits,
     * or it sees the new head. */
    atomic_thread_fence(memory_order_seq_cst);
    wake_waiting(w, RING_SLEEP);
}

void ring_wake(struct ring_writer *w)
{
    wake_waiting(w, RING_NAP);
}

enum ring_state ring_state_read(const struct ring_writer *w)
{
    struct ring_shared *s = w->shared;
    uint32_t v = atomic_load_explicit(&s->state, memory_order_acquire);

    if (v == RING_OK)
        return RING_OK;
    return v == RING_NO_SPACE ? RING_NO_SPACE : RING_STOPPED;
}

bool ring_is_taken(const struct ring_writer *w)
{
    return ring_state_read(w) != RING_STOPPED; /* behind the commit's fence */
}

bool ring_is_drained(const struct ring_writer *w)
{
    struct ring_shared *s = w->shared;

    return atomic_load_explicit(&s->tail, memory_order_acquire) == w->head;
}

/* The head of the entry at the reader's place, checked against what the
 * producer claims to have written. */
static ts_err entry_check(const struct ring_reader *r, uint64_t avail,
                          uint32_t *ret_kind, size_t *ret_len)
{
    size_t lap = TS_RING_BYTES - slot(r->tail);
    uint64_t h = head_load(r->shared, r->tail);
    uint32_t kind = (uint32_t)(h >> 32);
    size_t len = (size_t)(uint32_t)h;

    if (kind == 0) {
        /* A filler ends the lap exactly, and only where an entry could not
         * have fitted. */
        if (len != lap - ENTRY_HEAD || lap > ENTRY_HEAD + TS_RING_ENTRY_MAX)
            return TS_E_FORMAT;
    } else if (len > TS_RING_ENTRY_MAX || ENTRY_HEAD + padded(len) > lap) {
        return TS_E_FORMAT;
    }
    if (ENTRY_HEAD + padded(len) > avail)
        return TS_E_FORMAT;
    *ret_kind = kind;
    *ret_len = len;
    return TS_OK;
}

ts_err ring_next(struct ring_reader *r, void *buf, size_t cap,
                 uint32_t *ret_kind, size_t *ret_len)
{
    struct ring_shared *s = r->shared;
    uint64_t head = atomic_load_explicit(&s->head, memory_order_acquire);
    uint32_t kind;
    size_t len;
    ts_err e;

    for (;;) {
        uint64_t avail = head - r->tail;

        if (avail == 0)
            return TS_E_AGAIN;
        if (avail > TS_RING_BYTES || avail % 8 != 0)
            return TS_E_FORMAT;
        e = entry_check(r, avail, &kind, &len);
        if (e != TS_OK)
            return e;
        if (kind != 0)
            break;
        r->tail += ENTRY_HEAD + len; /* at most once: the lap starts at 0 */
    }
    if (len > cap)
        return TS_E_LIMIT;
    if (len > 0)
        memcpy(buf, entry_at(s, r->tail) + ENTRY_HEAD, len);
    r->tail += ENTRY_HEAD + padded(len);
    *ret_kind = kind;
    *ret_len = len;
    return TS_OK;
}

/* The stores stand in this order for one who finds them after a SIGKILL
 * between any two. */
static void mark_set(struct ring_reader *r, uint32_t i)
{
    struct ring_shared *s = r->shared;
    struct mark_words *m = &s->mark[i];

    atomic_store_explicit(&m->begin, 0, memory_order_release);
    atomic_store_explicit(&m->end, 0, memory_order_release);
    atomic_store_explicit(&m->journal_seq, r->journal_seq,
                          memory_order_release);
    atomic_store_explicit(&m->begin, r->tail + 1, memory_order_release);
    r->mark = i;
}

void ring_writing(struct ring_reader *r, uint64_t log_seq)
{
    struct ring_shared *s = r->shared;
    struct mark_words *m = &s->mark[r->mark];

    atomic_store_explicit(&m->end, 0, memory_order_release);
    atomic_store_explicit(&m->log_seq, log_seq, memory_order_release);
    atomic_store_explicit(&m->end, r->tail, memory_order_release);
}

void ring_release(struct ring_reader *r)
{
    struct ring_shared *s = r->shared;

    if (r->tail == r->released)
        return;
    mark_set(r, r->mark ^ 1u);
    r->released = r->tail;
    atomic_store_explicit(&s->tail, r->tail, memory_order_release);
}

bool ring_mark_read(const struct ring_reader *r, struct ring_mark *ret)
{
    struct ring_shared *s = r->shared;
    const struct mark_words *m = &s->mark[r->mark];

    if (!mark_of(s, r->mark, r->released))
        return false;
    *ret = (struct ring_mark){
        .end = atomic_load_explicit(&m->end, memory_order_acquire),
        .log_seq = atomic_load_explicit(&m->log_seq, memory_order_acquire),
        .journal_seq =
            atomic_load_explicit(&m->journal_seq, memory_order_acquire)};
    return true;
}

void ring_begin(struct ring_reader *r)
{
    struct ring_shared *s = r->shared;

    ring_release(r);
    atomic_store_explicit(&s->head, r->tail, memory_order_release);
    mark_set(r, r->mark);
}

ts_err ring_forget(int memfd)
{
    struct ring_shared *s;
    void *map = NULL;
    ts_err e = map_ring(memfd, &map);

    if (e != TS_OK)
        return e;
    s = map;
    *s = (struct ring_shared){0};
    (void)munmap(map, RING_MAP_LEN);
    return TS_OK;
}

void ring_state_set(struct ring_reader *r, enum ring_state state)
{
    struct ring_shared *s = r->shared;

    atomic_store_explicit(&s->state, (uint32_t)state, memory_order_release);
    /* Pairs with the fence in ring_commit(): either we see its entry, or it
     * sees that we have stopped (ring_is_taken()). */
    atomic_thread_fence(memory_order_seq_cst);
}

bool ring_wait_begin(struct ring_reader *r, enum ring_wait how)
{
    struct ring_shared *s = r->shared;

    atomic_store_explicit(&s->wait, (uint32_t)how, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&s->head, memory_order_acquire) == r->tail)
        return true;
    atomic_store_explicit(&s->wait, RING_BUSY, memory_order_relaxed);
    return false;
}

void ring_busy(struct ring_reader *r)
{
    struct ring_shared *s = r->shared;
    uint64_t count;

    atomic_store_explicit(&s->wait, RING_BUSY, memory_order_relaxed);
    /* Always, also when the wait ended by its time: a wake that was on its way
     * then would otherwise stay in the eventfd and end every later wait. */
    while (read(r->wake_fd, &count, sizeof(count)) < 0 && errno == EINTR)
        ; /* non-blocking: mostly EAGAIN */
}
