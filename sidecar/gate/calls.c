#include "sidecar/gate/calls.h"

#include <sodium.h>
#include <string.h>

#include "proto/msg/client.h"
#include "proto/trust/delegation.h"
#include "sidecar/common/log.h"
#include "sidecar/gate/asking/approvals.h"
#include "sidecar/gate/asking/breakglass.h"
#include "sidecar/gate/call_key.h"
#include "sidecar/gate/calls_priv.h"
#include "sidecar/gate/decide/decide.h"
#include "sidecar/gate/handles_in.h"
#include "sidecar/gate/people/snapshot.h"
#include "sidecar/gate/running/kept.h"
#include "sidecar/gate/running/order_out.h"
#include "sidecar/gate/running/pipes.h"
#include "sidecar/gate/running/running.h"
#include "sidecar/gate/session.h"
#include "sidecar/gate/steps/budget_journal.h"
#include "sidecar/gate/task_in.h"
#include "sidecar/gate/uses_in.h"

enum call_code calls_before_policy(struct client *c)
{
    struct gate *g = c->gate;
    enum call_code code;

    if (g->draining)
        return CODE_SHUTTING_DOWN;
    if (order_out_state(g) == ORDER_OUT_DENIALS)
        return CODE_AUDIT_UNAVAILABLE;
    code = session_authority(c);
    if (code != CODE_PERMITTED)
        return code;
    if (!clock_guard_decides(&g->guard))
        return CODE_NOT_READY;
    return tenant_state_code(c->tenant, gate_now(g).boot_ns);
}

static uint64_t budget_of(const struct client *c)
{
    return c->authority->delegation->max_calls;
}

/* A block of calls goes to the journal before the first of them can: the
 * entry precedes the launch in the same ring. */
static ts_err reserve_calls(struct client *c)
{
    const struct delegation *d = c->authority->delegation;
    uint64_t total = grant_calls_to_reserve(c->ids, d->max_calls);
    struct budget_entry b = {
        .tenant = d->tenant, .expires_s = d->blocks[0].exp, .reserved = total};
    uint8_t payload[BUDGET_PAYLOAD_MAX];
    struct ring_journal j = {.type = JOURNAL_CALLS,
                             .tenant = b.tenant,
                             .keep_until = b.expires_s,
                             .payload.ptr = payload};
    ts_err e;

    /* A full disk: nothing can be launched, so nothing is to be reserved. */
    if (total == 0 || order_out_state(c->gate) != ORDER_OUT_ALL)
        return TS_OK;
    memcpy(b.grant_id, d->grant_id, sizeof(b.grant_id));
    order_out_journal_key(
        j.key, 0,
        (struct ts_bytes){.ptr = b.grant_id, .len = sizeof(b.grant_id)});
    if ((e = budget_entry_encode(&b, payload, sizeof(payload),
                                 &j.payload.len)) != TS_OK ||
        (e = order_out_journal(c->gate, &j)) != TS_OK)
        return e;
    grant_calls_reserved(c->ids, total);
    return TS_OK;
}

/* An unknown id of a grant that is older than this gate, or whose ids had to
 * make room: a retry must not run what may have run already. */
static bool may_have_run(const struct client *c)
{
    uint64_t iat = c->authority->delegation->blocks[0].iat;

    return iat < c->gate->started_s || iat <= c->gate->ids.forgot_s ||
           grant_calls_forgot(c->ids);
}

/* ran: it did already, and its outcome is what is asked for: nothing is spent.
 */
static enum call_code before_call(struct client *c, const struct msg_call *m,
                                  enum call_id_found found, bool ran,
                                  bool sig_ok)
{
    enum call_code code = calls_before_policy(c);

    if (code != CODE_PERMITTED)
        return code;
    if (m->sig.len > 0 && !sig_ok)
        return CODE_AUTH_FAILED;
    if (m->min_rev_seq > c->gate->rev_seq)
        return CODE_STALE_STATE;
    if (found == CALL_ID_OTHER || found == CALL_ID_RUNNING)
        return CODE_DUPLICATE_CALL;
    if (found == CALL_ID_NEW && (m->flags & CALL_RETRY) != 0 && may_have_run(c))
        return CODE_OUTCOME_UNKNOWN;
    if (ran)
        return CODE_PERMITTED;
    if (c->run_count + c->held_count >= TS_CALLS_PER_CONN ||
        !runs_has_place(c->gate, c->authority->tenant))
        return CODE_TOO_MANY_CALLS;
    if (grant_calls_left(c->ids, budget_of(c)) == 0)
        return CODE_BUDGET_EXHAUSTED;
    if (grant_calls_to_reserve(c->ids, budget_of(c)) != 0)
        return CODE_AUDIT_UNAVAILABLE; /* the disk was full a moment ago */
    return CODE_PERMITTED;
}

static void count(struct gate *g, enum verdict v)
{
    switch (v) {
    case VERDICT_PERMIT:
        g->stats.permits++;
        break;
    case VERDICT_PENDING:
        g->stats.pendings++;
        break;
    case VERDICT_DENY:
        g->stats.denials++;
        break;
    }
}

ts_err calls_decide(struct client *c, const struct call_input *in,
                    const struct decide_people *people, uint64_t order_id,
                    uint8_t *record, size_t *ret_len, bool *ret_seals,
                    struct decision *ret)
{
    struct gate *g = c->gate;
    struct call_input call = *in;
    char why[256] = "";
    struct decide_escalation opened;
    struct decide_input input = {.snapshot = g->snapshot,
                                 .authority = c->authority,
                                 .call = &call,
                                 .meters = g->meters,
                                 .uses = grant_calls_uses(c->ids),
                                 .order_id = order_id,
                                 .boot_id = g->settings.boot_id,
                                 .token_key = &g->token_key,
                                 .sidecar_id = g->settings.sidecar_id,
                                 .people = people,
                                 .boot_ns = gate_boot_ns};
    ts_err e;

    if (call.already_denied == CODE_PERMITTED &&
        breakglass_for(g, c->authority, &opened))
        input.escalation = &opened;

    ts_arena_reset(&g->arena);
    call.task = c->task;
    if (c->task != NULL)
        task_in_epoch(g, c->task, c->authority->tenant);
    *ret_seals = handles_in_put(c, &call, why, sizeof(why));
    e = decide_call(&input, &g->arena, record, TS_RECORD_MAX, ret_len, ret);
    if (e == TS_OK) {
        ret->handles = call.handles;
        ret->handle_count = call.handle_count;
    }
    return e;
}

static void tell(struct client *c, uint64_t seq, const struct decision *d)
{
    struct msg_decision m = {.seq = seq,
                             .verdict = d->verdict,
                             .code = ts_str_of(call_code_name(d->code)),
                             .text = ts_str_of(d->text)};
    bool is_asked = d->verdict == VERDICT_PENDING && d->has_ticket;

    if (is_asked)
        m.expires = d->expires;
    memcpy(m.decision_id, is_asked ? d->asked_id : d->id,
           sizeof(m.decision_id));
    client_sent(c, msg_decision_send(&c->out, &m));
}

/* The recorded answer of a call that was made before. */
static void repeat(struct client *c, uint64_t seq, const struct call_outcome *o)
{
    struct call_outcome again = *o;

    again.flags |= RESULT_RECORDED;
    c->gate->stats.recorded++;
    run_decision(c, seq, o);
    if (c->core.state == CONN_READY)
        run_result(c, seq, &again);
}

static void remember_denial(struct client *c, const struct call_key *key,
                            enum call_id_found found, const struct decision *d)
{
    struct call_outcome o = {.verdict = d->verdict, .code = d->code};
    uint16_t slot;

    if (found != CALL_ID_NEW || grant_calls_add(c->ids, key, &slot) != TS_OK)
        return; /* nothing ran: deciding it again does no harm */
    memcpy(o.decision_id, d->id, sizeof(o.decision_id));
    grant_calls_finish(c->ids, slot, &o);
}

struct decided {          /* what one CALL came to */
    struct ts_bytes body; /* of the CALL */
    uint32_t hold_ms;
    struct run_keeping keeping; /* of its output */
    bool is_again;              /* it was held, and people have said yes */
    struct approvals_call ask;
    struct call_input in;
    struct call_key key;
    enum call_id_found found;
};

/* Entries in front of a launch: who approved it, what it was opened by, and
 * what it counts. */
#define BEFORE_MAX 3

static ts_err launch(struct client *c, const struct decided *x, struct run *r,
                     const uint8_t *record, size_t len,
                     const struct decision *d)
{
    uint8_t opened[ESCALATION_PAYLOAD_MAX];
    uint8_t who[APPROVAL_PAYLOAD_MAX], counted[USE_PAYLOAD_MAX];
    struct ring_journal before[BEFORE_MAX];
    struct use_reservation uses = {.state = USE_IDLE};
    uint32_t n = 0;
    uint16_t slot;
    struct ts_str tenant = c->authority->tenant;
    bool counts, is_opened;
    ts_err e;

    if (x->ask.asked != NULL) { /* who approved it is written down first */
        if ((e = approvals_entry(&x->ask, d, who, &before[n])) != TS_OK)
            return e;
        n++;
    }
    e = breakglass_entry(c->gate, tenant, d, opened, &before[n], &is_opened);
    if (e != TS_OK)
        return e;
    n += is_opened ? 1u : 0u;
    e = uses_taken(c, d, &uses, counted, &before[n], &counts);
    if (e != TS_OK)
        return e;
    n += counts;
    if (x->found == CALL_ID_FINISHED) /* denied before, permitted now */
        e = grant_calls_rerun(c->ids, &x->key, &slot);
    else
        e = grant_calls_add(c->ids, &x->key, &slot);
    if (e != TS_OK) {
        uses_not_launched(c, &uses);
        return e;
    }
    e = order_out_launch(c->gate, d->manifest->launcher, record, len, &d->order,
                         before, n);
    if (e != TS_OK) {
        gate_fail(c->gate, "an order could not be handed on");
        return TS_OK;
    }
    approvals_ran(c->gate, c->authority->delegation, d);
    grant_calls_spend(c->ids);
    runs_launched(r, c, x->in.seq, d, slot, &uses);
    breakglass_launched(c->gate, tenant, d, r);
    run_kept_begin(r, &x->keeping, &d->manifest->output);
    return TS_OK;
}

void calls_lost_authority(struct client *c, enum call_code code)
{
    if (code == CODE_EXPIRED)
        client_event(c, CONN_EV_EXPIRED);
    else if (code == CODE_REVOKED)
        client_event(c, CONN_EV_REVOKED);
}

/* People were asked: the answer now, and, where the agent does not wait, or
 * cannot, the last word with it. */
static void tell_waiting(struct client *c, const struct decided *x,
                         const struct decision *d)
{
    tell(c, x->in.seq, d);
    if (x->hold_ms == 0 || x->is_again || c->core.state != CONN_READY)
        return;
    if (x->ask.asked == NULL ||
        !held_add(c, x->in.seq, x->body, x->hold_ms, x->ask.asked))
        tell(c, x->in.seq, d);
}

/* The record, then the answer, of what does not run. */
static void settle_unrun(struct client *c, struct decided *x, size_t len,
                         const struct decision *d)
{
    struct gate *g = c->gate;

    order_out_record(g, len);
    if (!order_out_taken(g)) {
        approvals_decided(&x->ask, NULL);
        client_event(c, CONN_EV_UNAVAILABLE);
        return;
    }
    count(g, d->verdict);
    if (x->in.already_denied == CODE_PERMITTED)
        remember_denial(c, &x->key, x->found, d);
    if (d->verdict == VERDICT_PENDING)
        tell_waiting(c, x, d);
    else
        tell(c, x->in.seq, d);
    approvals_decided(&x->ask, d);
    calls_lost_authority(c, x->in.already_denied);
}

/* Decides, records and answers; the frame's seq is used up by then. */
static ts_err settle(struct client *c, struct decided *x, uint8_t *record)
{
    struct gate *g = c->gate;
    struct run *r = runs_next(g);
    const struct decide_people people = {.ctx = &x->ask, .ask = approvals_ask};
    struct decision d;
    size_t len;
    ts_err e;

    e = calls_decide(c, &x->in, &people, r != NULL ? r->order_id : 0, record,
                     &len, &x->keeping.is_derived, &d);
    if (e == TS_OK && d.verdict == VERDICT_PERMIT) {
        e = r != NULL ? launch(c, x, r, record, len, &d) : TS_E_LIMIT;
        if (e == TS_OK) {
            count(g, d.verdict);
            approvals_taken(&x->ask);
            return TS_OK;
        }
        /* No room among the remembered ids: decide again, as a denial. */
        x->in.already_denied =
            e == TS_E_LIMIT ? CODE_RATE_LIMITED : CODE_INTERNAL;
        e = calls_decide(c, &x->in, NULL, 0, record, &len,
                         &x->keeping.is_derived, &d);
    }
    if (e != TS_OK || d.verdict == VERDICT_PERMIT) {
        approvals_decided(&x->ask, NULL);
        client_event(c, CONN_EV_FAULT); /* not even a record: say nothing */
        return TS_OK;
    }
    settle_unrun(c, x, len, &d);
    return TS_OK;
}

/* Room for what one call may write; TS_E_AGAIN: it waits, nothing is used up.
 * A launch that people approved, or that counts, is several entries. */
static ts_err begin(struct client *c, uint8_t **ret_record)
{
    ts_err e = reserve_calls(c);
    uint32_t before = (approvals_may_launch(c->gate) ? 1u : 0u) +
                      (uses_may_count(c) ? 1u : 0u) +
                      (breakglass_may_launch(c->gate) ? 1u : 0u);

    if (e == TS_OK && before > 0 && !order_out_has_room_behind(c->gate, before))
        e = TS_E_AGAIN;
    return e == TS_OK ? order_out_begin(c->gate, ret_record) : e;
}

static ts_err decide_and_settle(struct client *c, const struct msg_call *m,
                                struct decided *x, uint8_t *record)
{
    struct gate *g = c->gate;
    struct moment now = gate_now(g);
    const struct call_outcome *outcome = NULL;
    bool sig_ok, ran;

    c->state_ns = now.boot_ns;
    x->ask.g = g;
    x->hold_ms = m->hold_ms;
    x->keeping = (struct run_keeping){.is_wished = (m->flags & CALL_KEEP) != 0,
                                      .wish_max = m->inline_max};
    x->key = call_key_of(g->hash_key, m);
    x->found = grant_calls_find(c->ids, &x->key, &outcome);
    ran = x->found == CALL_ID_FINISHED && outcome->verdict == VERDICT_PERMIT;
    sig_ok = m->sig.len > 0 && call_sig_ok(c->authority, m);
    x->in = (struct call_input){.seq = m->seq,
                                .tool = m->tool,
                                .args = m->args,
                                .deadline_ms = m->deadline_ms,
                                .traceparent = m->traceparent,
                                .provenance = m->provenance,
                                .provenance_count = m->provenance_count,
                                .has_stdin = (m->flags & CALL_HAS_STDIN) != 0,
                                .signature_verified = sig_ok,
                                .rev_seq = g->rev_seq,
                                .now = now,
                                .received_ns = now.boot_ns,
                                .is_counted = x->is_again,
                                .already_denied =
                                    before_call(c, m, x->found, ran, sig_ok)};
    memcpy(x->in.call_id, m->call_id, sizeof(x->in.call_id));
    if (x->in.already_denied == CODE_PERMITTED && ran) {
        repeat(c, m->seq, outcome);
        return TS_OK;
    }
    return settle(c, x, record);
}

ts_err calls_on_call(struct client *c, const struct frame *f)
{
    struct decided x = {.body = {.ptr = f->body, .len = f->len}};
    struct msg_call m;
    const char *what;
    uint8_t *record;
    ts_err e = msg_call_decode(f->body, f->len, &m, &what);

    if (e != TS_OK)
        return e;
    if (m.seq != c->next_seq)
        return TS_E_STATE;
    if (order_out_state(c->gate) == ORDER_OUT_NOTHING) {
        client_event(c, CONN_EV_UNAVAILABLE);
        return TS_OK;
    }
    if ((e = begin(c, &record)) != TS_OK)
        return e;
    c->next_seq++;
    return decide_and_settle(c, &m, &x, record);
}

ts_err calls_again(struct client *c, struct ts_bytes body)
{
    struct decided x = {.body = body, .is_again = true};
    struct msg_call m;
    const char *what;
    uint8_t *record;
    ts_err e = msg_call_decode(body.ptr, body.len, &m, &what);

    if (e != TS_OK)
        return e; /* cannot happen: it was decoded when it came */
    if (order_out_state(c->gate) == ORDER_OUT_NOTHING) {
        client_event(c, CONN_EV_UNAVAILABLE);
        return TS_OK;
    }
    e = begin(c, &record);
    return e == TS_OK ? decide_and_settle(c, &m, &x, record) : e;
}
