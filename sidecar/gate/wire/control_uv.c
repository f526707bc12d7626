#include "sidecar/gate/wire/control_uv.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/ts_fd.h"
#include "sidecar/common/bundle/bundle.h"
#include "sidecar/common/control/hear.h"
#include "sidecar/common/fds.h"
#include "sidecar/common/log.h"
#include "sidecar/gate/asking/approvals.h"
#include "sidecar/gate/asking/breakglass.h"
#include "sidecar/gate/asking/hook_in.h"
#include "sidecar/gate/gate_uv.h"
#include "sidecar/gate/people/snapshot.h"
#include "sidecar/gate/refused.h"
#include "sidecar/gate/revocation/feed.h"
#include "sidecar/gate/revocation/feed_in.h"
#include "sidecar/gate/running/order_out.h"
#include "sidecar/gate/running/running.h"
#include "sidecar/gate/session.h"
#include "sidecar/gate/steps/records.h"
#include "sidecar/gate/wire/conn_uv.h"
#include "sidecar/gate/wire/listen.h"

#define KILL_WAIT_MS 9000 /* from the kill at the end of grace to giving up */

/* ---- records of our own life ------------------------------------------- */

void life_retry(struct gate *g)
{
    uint8_t *record;
    ts_err e;

    if (g->life_len == 0)
        return;
    e = order_out_begin(g, &record);
    if (e == TS_E_AGAIN) {
        gate_retry_soon(g);
        return;
    }
    if (e != TS_OK) {
        gate_fail(g, "a record could not be written");
        return;
    }
    memcpy(record, g->life_record, g->life_len);
    order_out_record(g, g->life_len);
    order_out_wake(g);
    g->life_len = 0;
    gate_stop_when_idle(g);
}

void life_record(struct gate *g, const char *kind, uint64_t generation,
                 struct ts_str text)
{
    bool policy = strcmp(kind, "start") != 0 && strcmp(kind, "stop") != 0;
    size_t len;
    ts_err e;

    life_retry(g);
    if (g->life_len > 0) { /* a second one while the ring is full */
        gate_fail(g, "the ring stays full: records would be lost");
        return;
    }
    if (policy)
        e = record_policy(kind, generation, text, g->life_record,
                          sizeof(g->life_record), &len);
    else
        e = record_life(kind, generation, g->settings.boot_id, g->rev_seq,
                        g->life_record, sizeof(g->life_record), &len);
    if (e != TS_OK) {
        gate_fail(g, "a record could not be made");
        return;
    }
    g->life_len = len;
    life_retry(g);
}

/* ---- messages ---------------------------------------------------------- */

static ts_err reject(const char *text)
{
    return control_say(FD_CONTROL, CONTROL_REJECTED, text);
}

static ts_err tell_prepared(uint64_t generation)
{
    const struct control_message m = {.type = CONTROL_PREPARED,
                                      .bundle_fd = -1,
                                      .journal_fd = -1,
                                      .as.prepared.generation = generation};

    return control_send(FD_CONTROL, &m);
}

void control_reject(const char *text)
{
    /* It may have gone already; the exit status says enough then. */
    (void)reject(text);
}

void control_beat(struct gate *g)
{
    struct pollfd room = {.fd = FD_CONTROL, .events = POLLOUT};
    uint64_t now = gate_now(g).boot_ns;
    char text[128];

    if (now - g->beat_ns < CONTROL_BEAT_MS * UINT64_C(1000000))
        return;
    g->beat_ns = now;
    if (poll(&room, 1, 0) != 1 || (room.revents & POLLOUT) == 0)
        return; /* nobody listens just now: never wait for that */
    (void)snprintf(text, sizeof(text),
                   "%s generation %llu: %u sessions, %u tools running",
                   g->draining ? "draining" : "serving",
                   (unsigned long long)g->snapshot->generation, g->client_count,
                   runs_count(g));
    if (control_say(FD_CONTROL, CONTROL_STATUS, text) != TS_OK)
        log_event(LOG_WARN, "status_not_sent"); /* its end is seen elsewhere */
}

static ts_err prepare(struct gate *g, const struct control_message *m)
{
    char text[CONTROL_TEXT_MAX] = "the bundle cannot be read";
    struct bundle b;
    ts_err e;

    if (g->commit_waits)
        return reject("the configuration before this one is not in force yet; "
                      "try again");
    if (g->next != NULL || m->bundle_fd < 0 || g->draining ||
        m->as.prepare.generation <= g->snapshot->generation)
        return TS_E_STATE;
    e = bundle_open(m->bundle_fd, &b);
    if (e == TS_OK) {
        const struct snapshot_past past = {
            .held = g->snapshot,
            .states = &g->states,
            .now_s = clock_guard_admits(&g->guard)
                         ? gate_now(g).unix_ms / 1000
                         : clock_guard_real_s(&g->guard)};

        e = snapshot_load_past(&b, &g->settings, m->as.prepare.generation,
                               &past, &g->next, text, sizeof(text));
        bundle_done(&b);
    }
    if (e == TS_OK)
        return tell_prepared(m->as.prepare.generation);
    log_event(LOG_WARN, "reload_rejected generation=%llu text=\"%s\"",
              (unsigned long long)m->as.prepare.generation, text);
    return reject(text);
}

static ts_err commit(struct gate *g, const struct control_message *m)
{
    if (g->next == NULL || g->next->generation != m->as.prepare.generation)
        return TS_E_STATE;
    g->commit_waits = true;
    control_retry(g);
    return TS_OK;
}

void control_retry(struct gate *g)
{
    struct snapshot *next = g->next;
    ts_err e;

    if (!g->commit_waits || next == NULL)
        return;
    e = feed_adopt(g, next);
    if (e == TS_E_AGAIN) {
        gate_retry_soon(g);
        return;
    }
    if (e != TS_OK) {
        gate_fail(g, "a directory could not be taken over");
        return;
    }
    g->commit_waits = false;
    g->next = NULL;
    feed_swap(g, next);
    life_record(g, "policy_loaded", g->snapshot->generation, ts_str_of(""));
    refused_tell(g);
    log_event(LOG_INFO, "reloaded generation=%llu drained=%llu",
              (unsigned long long)g->snapshot->generation,
              (unsigned long long)sessions_recheck(g));
    (void)approvals_recheck(g);
    breakglass_recheck(g);
    gate_log_notes(g);
}

static ts_err abort_reload(struct gate *g, const struct control_message *m)
{
    if (g->next != NULL && !g->commit_waits) {
        snapshot_free(g->next);
        g->next = NULL;
    }
    life_record(g, "policy_rejected", m->as.abort.generation, m->as.abort.text);
    return TS_OK;
}

static void on_grace(uv_timer_t *t)
{
    struct gate *g = t->data;

    if (g->grace_is_over) {
        gate_fail(g, "calls did not end after they were killed");
        return;
    }
    g->grace_is_over = true;
    runs_kill_all(g, END_SHUTDOWN);
    (void)uv_timer_start(t, on_grace, KILL_WAIT_MS, 0);
}

static ts_err drain(struct gate *g, uint64_t grace_ms)
{
    if (g->draining)
        return TS_E_STATE;
    log_event(LOG_INFO, "draining running=%u sessions=%u", runs_count(g),
              g->client_count);
    g->draining = true;
    listen_stop(g);
    held_stop(g); /* a restart voids what people were asked */
    for (struct client *c = g->clients; c != NULL; c = c->next) {
        if (c->core.state == CONN_READY && c->run_count > 0)
            continue; /* its calls may end within the grace */
        client_event(c, CONN_EV_STOP);
    }
    if (uv_timer_start(&g->grace, on_grace, grace_ms, 0) != 0)
        return TS_E_SYSTEM;
    gate_stop_when_idle(g);
    return TS_OK;
}

static ts_err dispatch(struct gate *g, struct control_message *m)
{
    switch (m->type) {
    case CONTROL_PREPARE:
        return prepare(g, m);
    case CONTROL_COMMIT:
        return commit(g, m);
    case CONTROL_ABORT:
        return abort_reload(g, m);
    case CONTROL_DRAIN:
        return drain(g, m->as.drain.grace_ms);
    case CONTROL_FEED:
        feed_in_take(g, &m->as.feed, m->bundle_fd);
        m->bundle_fd = -1; /* it closes it */
        return TS_OK;
    case CONTROL_WATCHER:
        hook_in_take(g, m->as.watcher.uid, m->bundle_fd);
        m->bundle_fd = -1; /* the same */
        return TS_OK;
    case CONTROL_HOOK:
    case CONTROL_START:
    case CONTROL_READY:
    case CONTROL_PREPARED:
    case CONTROL_REJECTED:
    case CONTROL_STATUS:
        break;
    }
    return TS_E_STATE;
}

static void on_control(uv_poll_t *p, int status, int events)
{
    struct gate *g = p->data;
    uint8_t buf[CONTROL_MESSAGE_MAX];
    struct control_message m;
    ts_err e = status < 0 ? TS_E_SYSTEM : control_receive(FD_CONTROL, buf, &m);

    (void)events;
    if (e == TS_E_AGAIN)
        return;
    if (e == TS_OK) {
        e = dispatch(g, &m);
        ts_fd_close(&m.bundle_fd);
        ts_fd_close(&m.journal_fd);
    }
    if (e != TS_OK)
        gate_fail(g, "the supervisor's channel ended or broke its protocol");
}

ts_err control_start_serving(struct gate *g)
{
    if (uv_timer_init(&g->loop, &g->grace) != 0 ||
        uv_poll_init(&g->loop, &g->control_poll, FD_CONTROL) != 0 ||
        uv_poll_start(&g->control_poll, UV_READABLE, on_control) != 0)
        return TS_E_SYSTEM;
    g->grace.data = g;
    g->control_poll.data = g;
    return control_say(FD_CONTROL, CONTROL_READY, "serving");
}

void control_close(struct gate *g)
{
    uv_close((uv_handle_t *)&g->grace, NULL);
    uv_close((uv_handle_t *)&g->control_poll, NULL);
}
