#include "sidecar/recorder/serve.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

#include "proto/base/ts_fd.h"
#include "sidecar/common/control/control.h"
#include "sidecar/common/log.h"

#define MS_NS     1000000u
#define FIXED_FDS 2u /* control, wake; then the listener and its clients */
#define POLL_FDS  (FIXED_FDS + 1 + TS_ADMIN_CONNS_MAX)

static uint64_t now_ns(void)
{
    struct timespec t = {0};

    (void)clock_gettime(CLOCK_BOOTTIME, &t); /* cannot fail */
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t serve_now_us(void)
{
    struct timespec t = {0};

    (void)clock_gettime(CLOCK_REALTIME, &t); /* cannot fail */
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static void tell_state(struct server *s, enum ring_state state)
{
    if (state == s->state)
        return;
    s->state = state;
    ring_state_set(&s->ring, state);
    if (state == RING_NO_SPACE)
        log_event(LOG_ERROR,
                  "log_full segment=%llu reserve_bytes=%llu what="
                  "\"no space for the decision log: every call is "
                  "denied until there is\"",
                  (unsigned long long)s->store.segment.first_seq,
                  (unsigned long long)s->store.settings.reserve_bytes);
    else if (state == RING_OK)
        log_event(LOG_INFO, "log_ok");
}

/* Timers of the store. */
static ts_err tend_store(struct server *s, uint64_t now)
{
    ts_err e;

    if (!s->store.unsynced)
        s->sync_due_ns = 0;
    else if (s->sync_due_ns == 0)
        s->sync_due_ns = now + (uint64_t)SERVE_WRITTEN_MS * MS_NS;
    if (s->sync_due_ns != 0 && now >= s->sync_due_ns) {
        e = store_sync(&s->store);
        if (e != TS_OK)
            return e;
        s->sync_due_ns = 0;
    }
    if (!s->store.no_space) {
        s->space_due_ns = 0;
    } else if (s->space_due_ns == 0) {
        s->space_due_ns = now + (uint64_t)SERVE_SPACE_MS * MS_NS;
    } else if (now >= s->space_due_ns) {
        store_try_recover(&s->store);
        s->space_due_ns = now + (uint64_t)SERVE_SPACE_MS * MS_NS;
    }
    if (s->drain_until_ns == 0)
        tell_state(s, s->store.no_space ? RING_NO_SPACE : RING_OK);
    return TS_OK;
}

/* Unix seconds, no later than the clock of the start has it: a jump forward
 * must not make the journal forget. */
static uint64_t careful_now_s(const struct server *s, uint64_t now)
{
    uint64_t us = serve_now_us(), by = s->start_us + (now - s->start_ns) / 1000;

    return (us < by ? us : by) / 1000000u;
}

static ts_err tend_journal(struct server *s, uint64_t now)
{
    bool busy = s->journal_busy;
    uint64_t before = s->journal.size;
    ts_err e;

    s->batch.flaw = "the journal cannot be compacted";
    e = journal_tend(&s->journal, careful_now_s(s, now), &s->journal_busy);
    if (e == TS_OK && s->journal.size < before)
        log_event(LOG_INFO, "journal_compacted bytes=%llu before=%llu",
                  (unsigned long long)s->journal.size,
                  (unsigned long long)before);
    else if (e == TS_OK && busy && !s->journal_busy)
        log_event(LOG_WARN, "journal_compaction_put_off what=\"no space, or "
                            "nothing to leave out\"");
    return e;
}

static void begin_drain(struct server *s, uint64_t grace_ms, const char *reason)
{
    if (s->drain_until_ns != 0)
        return;
    s->drain_until_ns = now_ns() + grace_ms * MS_NS;
    s->batch.draining = true;
    s->end_reason = reason;
    tell_state(s, RING_STOPPED);
}

/* What the supervisor says. A surprise ends the process. */
static ts_err hear_control(struct server *s)
{
    uint8_t buf[CONTROL_MESSAGE_MAX];
    struct control_message m;
    ts_err e = control_receive(s->control_fd, buf, &m);

    if (e == TS_E_AGAIN)
        return TS_OK;
    if (e == TS_E_CLOSED) {
        s->orphaned = true;
        begin_drain(s, SERVE_ORPHAN_MS, "orphaned");
        return TS_OK;
    }
    if (e != TS_OK)
        return e;
    ts_fd_close(&m.bundle_fd); /* nothing in a bundle is for the recorder */
    ts_fd_close(&m.journal_fd);
    switch (m.type) {
    case CONTROL_PREPARE:
        m.type = CONTROL_PREPARED;
        m.as.prepared =
            (struct control_prepared){.generation = m.as.prepare.generation};
        return control_send(s->control_fd, &m);
    case CONTROL_COMMIT:
    case CONTROL_ABORT:
        return TS_OK;
    case CONTROL_DRAIN:
        begin_drain(s, m.as.drain.grace_ms, "drained");
        return TS_OK;
    case CONTROL_START:
    case CONTROL_READY:
    case CONTROL_PREPARED:
    case CONTROL_REJECTED:
    case CONTROL_STATUS:
    case CONTROL_FEED:
    case CONTROL_HOOK:
    case CONTROL_WATCHER:
        break;
    }
    return TS_E_STATE;
}

static struct log_end end_of(const struct server *s)
{
    /* Between commits nothing is gathered, so the chain is what is written. */
    return (struct log_end){.last_seq = s->store.chain.last_seq,
                            .first_seq = s->store.segment.first_seq,
                            .size = s->store.segment.size,
                            .now_s = serve_now_us() / 1000000u};
}

/* How long poll may wait, and in which way the ring is told that we do. */
static struct timespec wait_time(struct server *s, uint64_t now, bool at_once)
{
    bool nap = now - s->busy_ns < (uint64_t)SERVE_AWAKE_MS * MS_NS;
    uint64_t ns =
        nap ? (uint64_t)SERVE_NAP_US * 1000 : (uint64_t)SERVE_TICK_MS * MS_NS;

    if (at_once || !ring_wait_begin(&s->ring, nap ? RING_NAP : RING_SLEEP))
        return (struct timespec){0};
    if (s->sync_due_ns != 0 && s->sync_due_ns < now + ns)
        ns = s->sync_due_ns > now ? s->sync_due_ns - now : 0;
    return (struct timespec){.tv_sec = (time_t)(ns / 1000000000u),
                             .tv_nsec = (long)(ns % 1000000000u)};
}

/* One wait, and everything but the ring that ended it. */
static ts_err wait_turn(struct server *s, bool at_once)
{
    struct pollfd fds[POLL_FDS] = {
        {.fd = s->orphaned ? -1 : s->control_fd, .events = POLLIN},
        {.fd = s->ring.wake_fd, .events = POLLIN}};
    bool clients_busy = false;
    size_t n =
        fanout_poll_set(&s->fanout, end_of(s), fds + FIXED_FDS, &clients_busy);
    uint64_t now = now_ns();
    struct timespec t =
        wait_time(s, now, at_once || clients_busy || s->journal_busy);
    int r = ppoll(fds, FIXED_FDS + n, &t, NULL);

    if (r < 0 && errno != EINTR)
        return ts_err_from_errno(errno);
    if (!at_once)
        ring_busy(&s->ring);
    if (r < 0)
        return TS_OK;
    if (fds[0].revents != 0) {
        ts_err e = hear_control(s);

        if (e != TS_OK) {
            log_event(LOG_ERROR, "control error=\"%s\"", ts_err_text(e));
            return e;
        }
    }
    fanout_turn(&s->fanout, fds + FIXED_FDS, n, end_of(s), now_ns());
    return TS_OK;
}

/* The last lines. */
static ts_err end_log(struct server *s)
{
    const struct store_member members[STORE_MEMBERS] = {
        {.key = "process", .text = "recorder"},
        {.key = "reason", .text = s->end_reason}};
    uint64_t us = serve_now_us();
    /* With more in the ring, an outcome may be there: the next start will tell
     * which are lost. */
    uint32_t lost = s->cut_short ? 0 : s->store.open.count;
    ts_err e = s->cut_short ? TS_OK : store_close_open(&s->store, us);

    if (e == TS_OK)
        e = store_note(&s->store, "stop", members, us);
    if (e == TS_OK)
        e = store_commit(&s->store, us);
    if (e == TS_OK)
        e = store_sync(&s->store);
    if (e == TS_OK)
        log_event(LOG_INFO, "stopped seq=%llu lost=%u",
                  (unsigned long long)s->store.chain.last_seq, lost);
    return e;
}

static ts_err loop(struct server *s)
{
    for (;;) {
        uint32_t entries = 0;
        ts_err e = batch_run(&s->batch, serve_now_us(), &entries);
        uint64_t now = now_ns();

        if (e == TS_OK) {
            s->batch.flaw = "the log cannot be synced";
            e = tend_store(s, now);
        }
        if (e == TS_OK)
            e = tend_journal(s, now);
        if (e != TS_OK) {
            log_event(LOG_ERROR, "stop error=\"%s\" what=\"%s\"",
                      ts_err_text(e),
                      s->batch.flaw != NULL ? s->batch.flaw : "");
            return e;
        }
        if (s->batch.stuck && s->end_reason == NULL) {
            log_event(LOG_ERROR, "launcher_stuck what=\"a launcher takes no "
                                 "orders\"");
            begin_drain(s, SERVE_ORPHAN_MS, "launcher_stuck");
        }
        if (entries > 0)
            s->busy_ns = now;
        if (s->drain_until_ns != 0 &&
            (entries == 0 || now >= s->drain_until_ns)) {
            s->cut_short = entries > 0;
            return TS_OK;
        }
        e = wait_turn(s, entries > 0 || s->drain_until_ns != 0);
        if (e != TS_OK)
            return e;
    }
}

ts_err serve(struct server *s)
{
    ts_err e;

    s->start_ns = now_ns();
    s->start_us = serve_now_us();
    tell_state(s, s->store.no_space ? RING_NO_SPACE : RING_OK);
    e = loop(s);
    tell_state(s, RING_STOPPED);
    if (e == TS_OK)
        e = end_log(s);
    if (e == TS_OK && (s->orphaned || s->batch.stuck))
        e = TS_E_CLOSED;
    return e;
}
