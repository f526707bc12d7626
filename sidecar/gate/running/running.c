#include "sidecar/gate/running/running.h"

#include <stdio.h>
#include <string.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"
#include "proto/msg/client.h"
#include "proto/trust/delegation.h"
#include "sidecar/common/log.h"
#include "sidecar/common/manifest/manifest.h"
#include "sidecar/gate/asking/approvals.h"
#include "sidecar/gate/decide/decide.h"
#include "sidecar/gate/people/snapshot.h"
#include "sidecar/gate/revocation/revoke.h"
#include "sidecar/gate/running/egress_in.h"
#include "sidecar/gate/running/kept.h"
#include "sidecar/gate/running/order_out.h"
#include "sidecar/gate/running/pipes.h"
#include "sidecar/gate/running/redact.h"
#include "sidecar/gate/task_in.h"
#include "sidecar/gate/uses_in.h"

#define SLOT_BITS 10
#define SLOT_MASK ((1u << SLOT_BITS) - 1)
_Static_assert(TS_CALLS_MAX <= 1 << SLOT_BITS, "an order id ends in its slot");

ts_err runs_init(struct gate *g)
{
    g->runs = ts_mem_alloc(TS_CALLS_MAX * sizeof(*g->runs));
    if (g->runs == NULL)
        return TS_E_NOMEM;
    for (uint32_t i = 0; i < TS_CALLS_MAX; i++)
        g->free_runs[i] = (uint16_t)(TS_CALLS_MAX - 1 - i);
    g->free_count = TS_CALLS_MAX;
    return TS_OK;
}

void runs_done(struct gate *g)
{
    for (uint32_t i = 0; g->runs != NULL && i < TS_CALLS_MAX; i++)
        ts_buf_done(&g->runs[i].stdin_buf);
    for (uint32_t i = 0; g->runs != NULL && i < TS_CALLS_MAX; i++)
        task_in_done(&g->runs[i]);
    for (uint32_t i = 0; g->runs != NULL && i < TS_CALLS_MAX; i++)
        run_redact_done(&g->runs[i]);
    ts_mem_free(g->runs);
    g->runs = NULL;
}

uint32_t runs_count(const struct gate *g)
{
    return TS_CALLS_MAX - g->free_count;
}

struct run *runs_next(struct gate *g)
{
    struct run *r;
    uint16_t slot;

    if (g->free_count == 0)
        return NULL;
    slot = g->free_runs[g->free_count - 1];
    r = &g->runs[slot];
    r->gate = g;
    r->order_id = (g->order_counter + 1) << SLOT_BITS | slot;
    return r;
}

static void set_name(struct run *r, enum run_name which, struct ts_str s)
{
    size_t n = s.len < TS_ID_MAX ? s.len : TS_ID_MAX; /* verified, so shorter */

    if (n > 0)
        memcpy(r->names[which], s.ptr, n);
    r->name_len[which] = n;
}

static struct ts_str name_of(const struct run *r, enum run_name which)
{
    return (struct ts_str){.ptr = r->names[which], .len = r->name_len[which]};
}

void runs_launched(struct run *r, struct client *c, uint64_t seq,
                   const struct decision *d, uint16_t id_slot,
                   const struct use_reservation *uses)
{
    struct gate *g = r->gate;
    const struct delegation *who = c->authority->delegation;

    g->free_count--;
    g->order_counter++;
    *r = (struct run){.gate = g,
                      .used = true,
                      .order_id = r->order_id,
                      .launcher = d->manifest->launcher,
                      .client = c,
                      .seq = seq,
                      .wall_ms = d->wall_ms,
                      .state_ns = gate_now(g).boot_ns,
                      .ids = c->ids,
                      .id_slot = id_slot,
                      .uses = *uses,
                      .grant_exp = who->blocks[0].exp,
                      .failed_counts = d->manifest->failed_counts,
                      .output_max = d->order.output_max,
                      .output_kill =
                          d->manifest->limits.on_output_limit == OUTPUT_KILL,
                      .wall_is_expiry = d->deadline_is_expiry,
                      .has_stdin = d->order.has_stdin,
                      .stdin_window = TS_STDIN_WINDOW};
    grant_calls_hold(c->ids);
    ts_buf_init(&r->stdin_buf, TS_STDIN_WINDOW);
    r->stdin_pipe.fd = -1;
    r->out[0].fd = -1;
    r->out[1].fd = -1;
    memcpy(r->decision_id, d->id, sizeof(r->decision_id));
    memcpy(r->grant_id, who->grant_id, sizeof(r->grant_id));
    set_name(r, RUN_TENANT, who->tenant);
    set_name(r, RUN_USER, who->user);
    set_name(r, RUN_AGENT, delegation_leaf(who)->agent);
    set_name(r, RUN_TOOL, d->manifest->tool);
    c->runs[c->run_count++] = (uint16_t)(r - g->runs);
    task_in_began(r, d);
    (void)call_step(&r->core, CALL_EV_PERMIT); /* the caller did the launch */
}

static void forget(struct run *r)
{
    struct client *c = r->client;
    uint16_t slot = (uint16_t)(r - r->gate->runs);

    if (c == NULL)
        return;
    for (uint32_t i = 0; i < c->run_count; i++) {
        if (c->runs[i] == slot) {
            c->runs[i] = c->runs[--c->run_count];
            break;
        }
    }
    r->client = NULL;
    c->state_ns = gate_now(r->gate).boot_ns;
    client_sent(c, TS_OK);
}

bool runs_has_place(const struct gate *g, struct ts_str tenant)
{
    uint32_t held = 0;

    if (g->free_count > RUNS_RESERVED || g->snapshot->tenant_count < 2)
        return g->free_count > 0;
    for (uint32_t i = 0; i < TS_CALLS_MAX; i++)
        held += g->runs[i].used &&
                ts_str_eq(name_of(&g->runs[i], RUN_TENANT), tenant);
    return g->free_count > 0 && held < RUNS_RESERVED;
}

/* The slot is free again once nothing of it is under way. */
static void release(struct run *r)
{
    struct gate *g = r->gate;

    if (!r->used || r->core.state != CALL_DONE || r->finish_pending ||
        r->release_pending || r->handles > 0)
        return;
    ts_buf_done(&r->stdin_buf);
    task_in_done(r);
    run_redact_done(r);
    r->used = false;
    g->free_runs[g->free_count++] = (uint16_t)(r - g->runs);
    gate_stop_when_idle(g);
}

void run_handle_closed(struct run *r)
{
    r->handles--;
    release(r);
}

/* ---- effects ----------------------------------------------------------- */

void run_decision(struct client *c, uint64_t seq, const struct call_outcome *o)
{
    struct msg_decision m = {.seq = seq,
                             .verdict = o->verdict,
                             .code = ts_str_of(call_code_name(o->code)),
                             .text = ts_str_of(call_code_text(o->code))};

    memcpy(m.decision_id, o->decision_id, sizeof(m.decision_id));
    client_sent(c, msg_decision_send(&c->out, &m));
}

static void tell_started(struct run *r)
{
    struct call_outcome o = {.verdict = VERDICT_PERMIT, .code = CODE_PERMITTED};

    memcpy(o.decision_id, r->decision_id, sizeof(o.decision_id));
    if (r->client != NULL)
        run_decision(r->client, r->seq, &o);
}

static struct call_outcome outcome_of(const struct run *r)
{
    struct call_outcome o = {.verdict = VERDICT_PERMIT,
                             .code = CODE_PERMITTED,
                             .reason = r->reason,
                             .result_code = r->code,
                             .exit_code = r->exited.exit_code,
                             .signal = r->exited.signal,
                             .stdout_bytes = r->out[0].bytes,
                             .stderr_bytes = r->out[1].bytes,
                             .wall_us = r->exited.wall_us,
                             .ref = r->has_shown || r->keeping.is_kept ? r->ref
                                                                       : 0};

    memcpy(o.decision_id, r->decision_id, sizeof(o.decision_id));
    if (r->out[0].truncated)
        o.flags |= RESULT_STDOUT_TRUNCATED;
    if (r->out[1].truncated)
        o.flags |= RESULT_STDERR_TRUNCATED;
    if (r->keeping.is_kept)
        o.flags |= RESULT_KEPT;
    /* A permit that could not be written down is no permit. */
    if (r->code == CODE_AUDIT_UNAVAILABLE) {
        o.verdict = VERDICT_DENY;
        o.code = CODE_AUDIT_UNAVAILABLE;
    }
    return o;
}

void run_result(struct client *c, uint64_t seq, const struct call_outcome *o)
{
    char ref[TS_REF_MAX];
    struct msg_result m = {.seq = seq,
                           .reason = ts_str_of(end_reason_name(o->reason)),
                           .code = ts_str_of(call_code_name(o->result_code)),
                           .exit_code = o->exit_code,
                           .signal = o->signal,
                           .stdout_bytes = o->stdout_bytes,
                           .stderr_bytes = o->stderr_bytes,
                           .wall_us = o->wall_us,
                           .flags = o->flags,
                           .ref = task_in_ref(o->ref, ref)};

    client_sent(c, msg_result_send(&c->out, &m));
}

/* The record first, the answer second. */
static void finish(struct run *r)
{
    struct call_outcome o;
    ts_err e;

    r->release_pending = !run_kept_settle(r);
    if (r->release_pending)
        return;
    o = outcome_of(r);
    e = run_outcome_write(r);
    r->finish_pending = e == TS_E_AGAIN;
    if (r->finish_pending) {
        r->gate->runs_wait = true;
        gate_retry_soon(r->gate);
        return;
    }
    if (e != TS_OK || !order_out_taken(r->gate)) {
        gate_fail(r->gate, "an outcome could not be recorded");
        return;
    }
    if (!task_in_ended(r)) /* before anybody can act on the end of it */
        o.ref = 0;
    grant_calls_finish(r->ids, r->id_slot, &o);
    uses_ended(r);
    grant_calls_close(r->ids);
    r->ids = NULL;
    if (r->client != NULL && r->reason == END_REFUSED)
        run_decision(r->client, r->seq, &o); /* none was sent at a start */
    if (r->client != NULL && o.verdict == VERDICT_PERMIT)
        run_result(r->client, r->seq, &o);
    forget(r);
    run_pipes_close(r);
    release(r);
}

void run_released(struct run *r)
{
    if (!r->release_pending)
        return;
    r->release_pending = false;
    finish(r);
}

static void send_kill(struct run *r)
{
    ts_err e =
        order_out_kill(r->gate, r->launcher, r->order_id, r->core.reason);

    r->kill_pending = e == TS_E_AGAIN;
    if (r->kill_pending) {
        r->gate->runs_wait = true;
        gate_retry_soon(r->gate);
    } else if (e != TS_OK) {
        gate_fail(r->gate, "a kill could not be sent");
    }
}

void run_event(struct run *r, enum call_event ev)
{
    enum call_state before = r->core.state;
    enum call_effect effect = call_step(&r->core, ev);

    if (before != r->core.state)
        r->state_ns = gate_now(r->gate).boot_ns;
    switch (effect) {
    case CALL_DO_STARTED:
        task_in_endorses(r);
        tell_started(r);
        break;
    case CALL_DO_KILL:
        egress_in_end(r->gate, r->order_id, r->core.reason);
        send_kill(r);
        break;
    case CALL_DO_DRAIN:
        run_pipes_drain(r);
        break;
    case CALL_DO_REFUSED:
    case CALL_DO_FINISH:
        finish(r);
        break;
    case CALL_DO_PANIC:
        gate_fail(r->gate, "a launcher broke the order protocol");
        break;
    case CALL_DO_NOTHING:
    case CALL_DO_LAUNCH: /* calls.c does these two, in the turn of the call */
    case CALL_DO_DENY:
    case CALL_DO_HOLD: /* approvals.c: of a call that has no order yet */
    case CALL_DO_DECIDE:
    case CALL_DO_REPEAT:
    case CALL_DO_TELL:
    case CALL_DO_WITHDRAW:
        break;
    }
}

/* ---- from the launchers ------------------------------------------------ */

const struct run *runs_find(const struct gate *g, uint64_t order_id)
{
    uint32_t slot = (uint32_t)(order_id & SLOT_MASK);
    const struct run *r = slot < TS_CALLS_MAX ? &g->runs[slot] : NULL;

    return r != NULL && r->used && r->order_id == order_id ? r : NULL;
}

static struct run *find(struct gate *g, uint32_t launcher, uint64_t order_id)
{
    uint32_t slot = (uint32_t)(order_id & SLOT_MASK);
    struct run *r = slot < TS_CALLS_MAX ? &g->runs[slot] : NULL;

    if (r == NULL || !r->used || r->order_id != order_id ||
        r->launcher != launcher) {
        gate_fail(g, "a launcher named an order that it was not given");
        return NULL;
    }
    return r;
}

void runs_started(struct gate *g, uint32_t launcher,
                  const struct order_started *o, int fds[3])
{
    struct run *r = find(g, launcher, o->order_id);
    ts_err e;

    if (r == NULL) {
        for (int i = 0; i < 3; i++)
            ts_fd_close(&fds[i]);
        return;
    }
    r->started = *o;
    r->started.tripwires = (struct ts_bytes){.ptr = NULL, .len = 0};
    e = run_redact_start(r, o->tripwires);
    if (e == TS_E_FORMAT)
        gate_fail(g, "a launcher sent malformed tripwires");
    run_event(r, CALL_EV_STARTED); /* DECISION goes before the first OUTPUT */
    if (e != TS_OK)
        run_pipes_hide(r);
    run_pipes_open(r, fds);
}

static void reaped(struct run *r)
{
    uint32_t jobs = r->jobs;

    r->jobs = 0;
    if (jobs != 0)
        revoke_run_gone(r->gate, jobs);
}

void runs_refused(struct gate *g, uint32_t launcher,
                  const struct order_refused *o)
{
    struct run *r = find(g, launcher, o->order_id);
    char number[24] = "";

    if (r == NULL)
        return;
    if (o->sys_errno != 0)
        (void)snprintf(number, sizeof(number), " (errno %u)", o->sys_errno);
    r->reason = END_REFUSED;
    r->code = o->code == CODE_PERMITTED ? CODE_LAUNCH_FAILED : o->code;
    (void)snprintf(r->refusal, sizeof(r->refusal), "%.*s: %.*s%s",
                   (int)(o->step.len < 64 ? o->step.len : 64), o->step.ptr,
                   (int)(o->text.len < 160 ? o->text.len : 160), o->text.ptr,
                   number);
    if (!ts_utf8_valid(r->refusal, strlen(r->refusal)))
        r->refusal[0] = '\0'; /* cut inside a character: step is in the log */
    reaped(r);
    run_event(r, CALL_EV_REFUSED);
}

void runs_exited(struct gate *g, uint32_t launcher,
                 const struct order_exited *o)
{
    struct run *r = find(g, launcher, o->order_id);

    if (r == NULL)
        return;
    r->exited = *o;
    r->code = CODE_PERMITTED;
    r->reason = o->reason == END_WALL_LIMIT && r->wall_is_expiry ? END_EXPIRED
                                                                 : o->reason;
    if (r->reason ==
        END_REFUSED) /* it was started: a launcher may not say so */
        r->reason = END_LOST;
    reaped(r);
    run_event(r, CALL_EV_EXITED);
}

/* ---- from agents and operators ----------------------------------------- */

struct run *run_by_seq(const struct client *c, uint64_t seq)
{
    for (uint32_t i = 0; i < c->run_count; i++) {
        struct run *r = &c->gate->runs[c->runs[i]];

        if (r->seq == seq)
            return r;
    }
    return NULL;
}

ts_err runs_on_cancel(struct client *c, const struct frame *f)
{
    struct msg_seq m;
    const char *what;
    struct run *r;
    ts_err e = msg_seq_decode(f->body, f->len, &m, &what);

    if (e != TS_OK)
        return e;
    r = run_by_seq(c, m.seq);
    if (r != NULL)
        run_event(r, CALL_EV_CANCEL);
    else /* it waits for people, has just ended, or never was: no harm */
        held_on_cancel(c, m.seq);
    return TS_OK;
}

void runs_kill_of(struct client *c, enum end_reason reason)
{
    for (uint32_t i = 0; i < c->run_count; i++)
        run_event(&c->gate->runs[c->runs[i]], call_event_of(reason));
}

void runs_detach(struct client *c, enum end_reason reason)
{
    runs_kill_of(c, reason); /* a kill ends no run at once: the list stays */
    for (uint32_t i = 0; i < c->run_count; i++) {
        struct run *r = &c->gate->runs[c->runs[i]];

        r->client = NULL;
        run_pipes_orphaned(r);
        run_released(r);
    }
    c->run_count = 0;
}

void runs_kill_all(struct gate *g, enum end_reason reason)
{
    for (uint32_t i = 0; i < TS_CALLS_MAX; i++) {
        if (g->runs[i].used)
            run_event(&g->runs[i], call_event_of(reason));
    }
}

static bool is_stopping(const struct run *r)
{
    return r->used && (r->core.state == CALL_STOPPING ||
                       r->core.state == CALL_STOPPING_EARLY);
}

uint32_t runs_stopping(const struct gate *g)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < TS_CALLS_MAX; i++)
        n += is_stopping(&g->runs[i]) ? 1 : 0;
    return n;
}

uint32_t runs_mark_stopping(struct gate *g, uint32_t job)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < TS_CALLS_MAX; i++) {
        if (!is_stopping(&g->runs[i]))
            continue;
        g->runs[i].jobs |= UINT32_C(1) << job;
        n++;
    }
    return n;
}

static uint64_t patience_ms(const struct run *r)
{
    switch (r->core.state) {
    case CALL_RUNNING:
        return r->wall_ms + GATE_LATE_MS;
    case CALL_ENDING: /* bounded by the agent, see clients_sweep() */
        return UINT64_MAX;
    case CALL_DONE:
        return r->finish_pending ? GATE_LATE_MS : UINT64_MAX;
    case CALL_DECIDED:
    case CALL_LAUNCHING:
    case CALL_STOPPING_EARLY:
    case CALL_STOPPING:
    case CALL_WAITING:
    case CALL_STATE_COUNT_:
        break;
    }
    return GATE_LATE_MS;
}

void runs_sweep(struct gate *g)
{
    uint64_t now_ns = gate_now(g).boot_ns;

    for (uint32_t i = 0; g->free_count < TS_CALLS_MAX && i < TS_CALLS_MAX;
         i++) {
        const struct run *r = &g->runs[i];

        if (r->used && (now_ns - r->state_ns) / 1000000u > patience_ms(r)) {
            gate_fail(g, "launcher or recorder did not answer in time");
            return;
        }
    }
}

bool runs_retry(struct gate *g)
{
    bool kills_done = true;

    if (!g->runs_wait)
        return true;
    g->runs_wait = false; /* set again by what still does not fit */
    for (uint32_t i = 0; i < TS_CALLS_MAX; i++) {
        struct run *r = &g->runs[i];

        if (r->used && r->kill_pending)
            send_kill(r);
        if (r->used && r->kill_pending)
            kills_done = false;
    }
    for (uint32_t i = 0; i < TS_CALLS_MAX; i++) {
        if (g->runs[i].used && g->runs[i].finish_pending)
            finish(&g->runs[i]);
    }
    return kills_done;
}
