#include "sidecar/gate/gate_uv.h"
#include "sidecar/gate/refused.h"

#include <errno.h>
#include <sodium.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"
#include "sidecar/common/log.h"
#include "sidecar/gate/asking/approvals.h"
#include "sidecar/gate/asking/breakglass.h"
#include "sidecar/gate/asking/hook_in.h"
#include "sidecar/gate/decide/decide.h"
#include "sidecar/gate/decide/meters.h"
#include "sidecar/gate/hop_in.h"
#include "sidecar/gate/people/directory.h"
#include "sidecar/gate/people/snapshot.h"
#include "sidecar/gate/provenance/task.h"
#include "sidecar/gate/revocation/feed.h"
#include "sidecar/gate/revocation/feed_in.h"
#include "sidecar/gate/revocation/revoke.h"
#include "sidecar/gate/running/egress_in.h"
#include "sidecar/gate/running/order_out.h"
#include "sidecar/gate/running/running.h"
#include "sidecar/gate/steps/mark_journal.h"
#include "sidecar/gate/wire/admin_uv.h"
#include "sidecar/gate/wire/conn_uv.h"
#include "sidecar/gate/wire/control_uv.h"
#include "sidecar/gate/wire/listen.h"

#define ADOPT_TRIES    60000 /* of GATE_RETRY_MS each */
#define CLOCK_WRITE_NS UINT64_C(60000000000)

static void log_clock(const struct gate *g, enum clock_guard_event ev)
{
    static const char *const names[CLOCK_GUARD_EVENT_COUNT_] = {
        [CLOCK_GUARD_NOTHING] = "clock",
        [CLOCK_GUARD_STEPPED_AHEAD] = "clock_stepped_ahead",
        [CLOCK_GUARD_STEPPED_BACK] = "clock_stepped_back",
        [CLOCK_GUARD_JUMPED] = "clock_suspect",
        [CLOCK_GUARD_UNDONE] = "clock_jump_undone",
        [CLOCK_GUARD_CAUGHT_UP] = "clock_caught_up"};

    log_event(ev == CLOCK_GUARD_JUMPED ? LOG_ERROR : LOG_WARN,
              "%s clock_ms=%llu decides_ms=%llu", names[ev],
              (unsigned long long)g->guard.real_ms,
              (unsigned long long)g->guard.unix_ms);
}

struct moment gate_now(struct gate *g)
{
    if (!g->now_is_read) {
        enum clock_guard_event ev;

        g->now = clock_now(&g->clock);
        g->now.unix_ms =
            clock_guard_read(&g->guard, g->now.boot_ns, g->now.real_ms, &ev);
        g->now_is_read = true;
        if (ev != CLOCK_GUARD_NOTHING)
            log_clock(g, ev);
    }
    return g->now;
}

void gate_clock_start(struct gate *g)
{
    g->now = clock_now(&g->clock);
    clock_guard_start(&g->guard, g->replayed.last_seen_ms, g->now.boot_ns,
                      g->now.real_ms);
    g->now.unix_ms = g->guard.unix_ms;
    g->now_is_read = true;
    if (!clock_guard_admits(&g->guard))
        log_event(LOG_ERROR,
                  "clock_rollback clock_ms=%llu last_seen_ms=%llu hint=\"set "
                  "the clock, or sign a new directory if the clock is right\"",
                  (unsigned long long)g->now.real_ms,
                  (unsigned long long)g->replayed.last_seen_ms);
}

/* Once a minute, so that a restart knows what time it was: a clock that was set
 * back meanwhile must not give expired authority its life again. */
static void clock_write(struct gate *g)
{
    uint8_t payload[MARK_PAYLOAD_MAX];
    struct ring_journal j = {.type = JOURNAL_CLOCK,
                             .keep_until = UINT64_MAX,
                             .payload.ptr = payload};
    struct moment now = gate_now(g);

    if (!clock_guard_admits(&g->guard) || order_out_state(g) != ORDER_OUT_ALL ||
        (g->clock_written_ns != 0 &&
         now.boot_ns - g->clock_written_ns < CLOCK_WRITE_NS))
        return;
    if (clock_entry_encode(now.unix_ms, payload, sizeof(payload),
                           &j.payload.len) == TS_OK &&
        order_out_journal(g, &j) == TS_OK) /* else at the next sweep */
        g->clock_written_ns = now.boot_ns;
}

uint64_t gate_boot_ns(void)
{
    struct timespec t = {0};

    (void)clock_gettime(CLOCK_BOOTTIME, &t); /* cannot fail on Linux */
    return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

void gate_fail(struct gate *g, const char *why)
{
    if (g->exit_code == 0)
        log_event(LOG_ERROR, "gate_failed reason=\"%s\"", why);
    g->exit_code = 1;
    uv_stop(&g->loop);
}

static void on_retry(uv_timer_t *t)
{
    struct gate *g = t->data;

    g->now_is_read = false;
    if (g->runs_wait || g->stalled != NULL || g->life_len > 0 ||
        g->feeds_wait || g->commit_waits)
        ring_wake(&g->ring); /* so that room is made soon */
    (void)runs_retry(g);
    revoke_retry(g);
    life_retry(g);
    refused_retry(g);
    control_retry(g);
    feed_in_retry(g);
    egress_in_retry(g);
    approvals_run(g);
    breakglass_run(g);
    admins_retry(g);
    clients_retry(g);
}

void gate_retry_soon(struct gate *g)
{
    if (!uv_is_active((uv_handle_t *)&g->retry))
        (void)uv_timer_start(&g->retry, on_retry, GATE_RETRY_MS, 0);
}

void gate_stop_when_idle(struct gate *g)
{
    if (!g->draining || g->client_count > 0 || runs_count(g) > 0)
        return;
    if (!g->stop_recorded) {
        g->stop_recorded = true;
        breakglass_refusals(g, true);
        life_record(g, "stop", g->snapshot->generation, ts_str_of(""));
    }
    if (g->life_len == 0)
        uv_stop(&g->loop);
}

/* Once before the loop waits (for what timers queued) and once after it read
 * (for the answers): every connection gets one send per turn. */
static void on_before_poll(uv_prepare_t *h)
{
    struct gate *g = h->data;

    clients_flush(g);
    g->now_is_read = false;
}

static void on_after_poll(uv_check_t *h)
{
    struct gate *g = h->data;

    clients_flush(g);
    g->verified_this_turn = 0;
    g->now_is_read = false;
}

static void sweep(struct gate *g)
{
    g->now_is_read = false;
    clients_sweep(g);
    runs_sweep(g);
    revoke_sweep(g);
    approvals_sweep(g);
    breakglass_sweep(g);
    control_beat(g);
    hook_in_turn(g);
    clock_write(g);
}

static void on_sweep(uv_poll_t *p, int status, int events)
{
    struct gate *g = p->data;
    uint64_t times;

    (void)events;
    /* EAGAIN: it was set again meanwhile; then it tells again. */
    if (status < 0 || (read(g->sweep_fd, &times, sizeof(times)) < 0 &&
                       errno != EAGAIN && errno != EINTR)) {
        gate_fail(g, "the sweep's timer");
        return;
    }
    sweep(g);
}

/* The clock was set, or the machine slept: what that ends ends now, and the log
 * says so, whether anybody calls or not. */
static void on_step(uv_poll_t *p, int status, int events)
{
    struct gate *g = p->data;

    (void)events;
    if (status < 0)
        gate_fail(g, "the clock's descriptor");
    else if (clock_step_take(g->step_fd))
        sweep(g);
}

static ts_err step_start(struct gate *g)
{
    ts_err e = clock_step_open(&g->step_fd);

    if (e != TS_OK)
        return e;
    if (uv_poll_init(&g->loop, &g->step, g->step_fd) != 0)
        return TS_E_SYSTEM;
    g->step.data = g;
    return uv_poll_start(&g->step, UV_READABLE, on_step) == 0 ? TS_OK
                                                              : TS_E_SYSTEM;
}

/* A descriptor that becomes readable, not a timer of libuv: with one of those
 * running every epoll_wait() has an end, which the kernel arms and takes back
 * around each request: 6 % of a bare round trip, measured. */
static ts_err sweep_start(struct gate *g)
{
    const struct timespec period = {.tv_nsec = GATE_SWEEP_MS * 1000000L};
    const struct itimerspec every = {.it_interval = period, .it_value = period};
    ts_err e;

    g->sweep_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (g->sweep_fd < 0)
        return TS_E_SYSTEM;
    if (timerfd_settime(g->sweep_fd, 0, &every, NULL) != 0 ||
        uv_poll_init(&g->loop, &g->sweep, g->sweep_fd) != 0) {
        e = ts_err_from_errno(errno);
        ts_fd_close(&g->sweep_fd);
        return e;
    }
    g->sweep.data = g;
    if (uv_poll_start(&g->sweep, UV_READABLE, on_sweep) != 0)
        return TS_E_SYSTEM;
    return TS_OK;
}

static ts_err handles_start(struct gate *g)
{
    ts_err e;

    if (uv_timer_init(&g->loop, &g->retry) != 0 ||
        uv_prepare_init(&g->loop, &g->before_poll) != 0 ||
        uv_check_init(&g->loop, &g->after_poll) != 0)
        return TS_E_SYSTEM;
    g->retry.data = g;
    g->before_poll.data = g;
    g->after_poll.data = g;
    if (uv_prepare_start(&g->before_poll, on_before_poll) != 0 ||
        uv_check_start(&g->after_poll, on_after_poll) != 0)
        return TS_E_SYSTEM;
    e = sweep_start(g);
    return e == TS_OK ? step_start(g) : e;
}

ts_err gate_new(struct gate **ret)
{
    struct gate *g = ts_mem_alloc(sizeof(*g));
    ts_err e = TS_E_NOMEM;

    if (g == NULL)
        return e;
    g->sweep_fd = -1;
    g->step_fd = -1;
    g->read_buf = ts_mem_alloc(GATE_READ_MAX);
    g->pipe_buf = ts_mem_alloc(TS_CHUNK_MAX);
    g->record_buf = ts_mem_alloc(TS_RECORD_MAX);
    g->order_buf = ts_mem_alloc(TS_ORDER_MAX);
    ts_buf_init(&g->shown_buf, GATE_SHOWN_MAX);
    ts_arena_init(&g->arena, GATE_ARENA_BYTES);
    revocations_init(&g->revoked, REVOCATIONS_MAX);
    if (g->read_buf == NULL || g->pipe_buf == NULL || g->record_buf == NULL ||
        g->order_buf == NULL || (e = runs_init(g)) != TS_OK ||
        (e = call_ids_init(&g->ids)) != TS_OK ||
        (e = prov_tasks_new(PROV_STORE_BYTES, &g->tasks)) != TS_OK ||
        (e = meters_new(&g->meters)) != TS_OK ||
        (e = approvals_new(&g->approvals)) != TS_OK) {
        gate_free(g);
        return e;
    }
    randombytes_buf(g->hash_key, sizeof(g->hash_key));
    *ret = g;
    return TS_OK;
}

void gate_log_notes(const struct gate *g)
{
    const struct snapshot_notes *n = &g->snapshot->notes;

    if (n->warnings > 0)
        log_event(LOG_WARN,
                  "policy_warnings count=%u first=\"%s\" hint=\"tipstaff "
                  "policy check shows all\"",
                  n->warnings, n->first);
    for (uint32_t i = 0; i < g->snapshot->tenant_count; i++)
        if (g->snapshot->tenants[i].note != NULL)
            log_event(LOG_WARN, "directory_not_taken text=\"%s\"",
                      g->snapshot->tenants[i].note);
}

ts_err gate_loop_init(struct gate *g)
{
    return uv_loop_init(&g->loop) == 0 ? TS_OK : TS_E_SYSTEM;
}

void gate_free(struct gate *g)
{
    if (g->snapshot != NULL)
        snapshot_free(g->snapshot);
    if (g->next != NULL)
        snapshot_free(g->next);
    if (g->meters != NULL)
        meters_free(g->meters);
    runs_done(g);
    approvals_free(g->approvals);
    escalations_done(&g->escalations);
    prov_tasks_free(g->tasks);
    if (g->ids.grants != NULL)
        call_ids_done(&g->ids);
    chain_cache_done(&g->chains);
    if (g->peers.list != NULL)
        peers_done(&g->peers);
    revocations_done(&g->revoked);
    tenant_states_done(&g->states);
    feed_in_close(g);
    directory_release(g->opened);
    trust_secret_done(&g->key);
    trust_secret_done(&g->token_key);
    ts_arena_done(&g->arena);
    ts_fd_close(&g->sweep_fd);
    ts_fd_close(&g->step_fd);
    ts_mem_free(g->read_buf);
    ts_mem_free(g->pipe_buf);
    ts_buf_done(&g->shown_buf);
    ts_mem_free(g->record_buf);
    ts_mem_free(g->order_buf);
    ts_mem_free(g);
}

/* The recorder makes room while we wait; there is no loop yet to wait in. */
static ts_err adopt(struct gate *g)
{
    const struct timespec pause = {.tv_nsec = GATE_RETRY_MS * 1000000L};
    ts_err e = TS_E_AGAIN;

    for (int i = 0; i < ADOPT_TRIES && e == TS_E_AGAIN; i++) {
        e = feed_adopt(g, g->snapshot);
        order_out_wake(g);
        if (e == TS_E_AGAIN)
            (void)nanosleep(&pause, NULL);
    }
    return e;
}

ts_err gate_serve(struct gate *g)
{
    ts_err e;

    g->started_ns = gate_now(g).boot_ns;
    g->started_s = gate_now(g).unix_ms / 1000;
    e = handles_start(g);
    if (e != TS_OK)
        return e;
    life_record(g, "start", g->snapshot->generation, ts_str_of(""));
    refused_tell(g);
    if ((e = adopt(g)) != TS_OK || (e = hop_in_start(g)) != TS_OK ||
        (e = egress_in_start(g)) != TS_OK || (e = listen_start(g)) != TS_OK ||
        (e = control_start_serving(g)) != TS_OK)
        return e;
    (void)uv_run(&g->loop, UV_RUN_DEFAULT); /* until uv_stop() */
    return TS_OK;
}

void gate_close(struct gate *g)
{
    admins_close(g);
    listen_close(g);
    hop_in_close(g);
    egress_in_close(g);
    control_close(g);
    uv_close((uv_handle_t *)&g->sweep, NULL);
    uv_close((uv_handle_t *)&g->step, NULL);
    uv_close((uv_handle_t *)&g->retry, NULL);
    uv_close((uv_handle_t *)&g->before_poll, NULL);
    uv_close((uv_handle_t *)&g->after_poll, NULL);
    (void)uv_run(&g->loop, UV_RUN_DEFAULT); /* the close callbacks */
    if (uv_loop_close(&g->loop) != 0)
        log_event(LOG_WARN, "handles_left_open");
}
