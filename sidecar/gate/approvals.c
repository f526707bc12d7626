#include "sidecar/gate/approvals.h"

#include <string.h>

#include "proto/base/ts_buf.h"
#include "proto/base/ts_mem.h"
#include "proto/trust/signed.h"
#include "sidecar/common/log.h"
#include "sidecar/gate/admin_uv.h"
#include "sidecar/gate/approvals_priv.h"
#include "sidecar/gate/approve/ticket_context.h"
#include "sidecar/gate/order_out.h"
#include "sidecar/gate/people/sensitivity.h"
#include "sidecar/gate/people/snapshot.h"
#include "sidecar/gate/revoke.h"
#include "sidecar/gate/revoke_signed.h"
#include "sidecar/gate/session.h"
#include "sidecar/gate/steps/records.h"

/* What a ticket rests on, as long as it waits. */
struct ticket_keep {
    struct verified *verified; /* one reference */
    const struct delegation *delegation;
};

static void release(struct ticket_keep *k)
{
    verified_release(k->verified);
    ts_mem_free(k);
}

ts_err approvals_new(struct approvals **ret)
{
    struct approvals *a = ts_mem_alloc(sizeof(*a));
    ts_err e;

    if (a == NULL)
        return TS_E_NOMEM;
    e = tickets_new(release, &a->tickets);
    if (e != TS_OK)
        ts_mem_free(a);
    else
        *ret = a;
    return e;
}

void approvals_free(struct approvals *a)
{
    if (a == NULL)
        return;
    while (a->held != NULL) {
        struct held *h = a->held;

        a->held = h->next;
        ts_mem_free(h);
    }
    tickets_free(a->tickets);
    ts_mem_free(a);
}

uint32_t approvals_waiting(const struct gate *g)
{
    return tickets_count(g->approvals->tickets);
}

uint32_t approvals_held(const struct gate *g)
{
    return g->approvals->held_count;
}

/* Both parts only grow while this gate lives, and no ticket outlives it: so the
 * sum names what was decided on. */
static uint64_t epoch_of(const struct gate *g, const struct snapshot_tenant *t)
{
    return g->snapshot->generation + (t->people != NULL ? t->people->seq : 0);
}

/* ---- asking ----------------------------------------------------------------
 */

static ts_err context_of(const struct people_question *q, struct ts_buf *out)
{
    struct ticket_context c = {.sensitivity = sensitivity_name(q->sensitivity),
                               .origin = TS_STR_LIT("unknown"),
                               .tainted = q->tainted};

    for (uint32_t i = 0; i < q->rule_count; i++)
        c.reasons[i] = q->reasons[i];
    for (uint32_t i = 0; i < q->call->provenance_count; i++)
        c.declared[c.declared_count++] = q->call->provenance[i];
    return ticket_context_encode(&c, out);
}

_Static_assert(TS_PROVENANCE_MAX <= TICKET_CONTEXT_LABELS_MAX,
               "every declared label has a place");

static void ticket_of(const struct gate *g, const struct people_question *q,
                      uint64_t now_s, struct ticket *t)
{
    const struct delegation *d = q->authority->delegation;

    *t = (struct ticket){.sidecar_id = g->settings.sidecar_id,
                         .tenant = d->tenant,
                         .user = d->user,
                         .agent_count = (uint32_t)d->block_count,
                         .task = d->task,
                         .tool = q->manifest->tool,
                         .action = q->action,
                         .resource = q->resource,
                         .args = q->call->args,
                         .rule_count = q->rule_count,
                         .created = now_s,
                         .expires = now_s + q->tenant->approval_ttl_s,
                         .policy_epoch = epoch_of(g, q->tenant)};
    if (t->expires > d->expires)
        t->expires = d->expires; /* nothing runs on it behind that */
    for (size_t i = 0; i < d->block_count; i++)
        t->agents[i] = d->blocks[i].agent;
    for (uint32_t i = 0; i < q->rule_count; i++)
        t->rules[i] = q->rules[i];
    memcpy(t->decision_id, q->decision_id, sizeof(t->decision_id));
    memcpy(t->grant_id, d->grant_id, sizeof(t->grant_id));
    memcpy(t->block_id, delegation_leaf(d)->id, sizeof(t->block_id));
    memcpy(t->call_id, q->call->call_id, sizeof(t->call_id));
    memcpy(t->tool_digest, q->manifest->digest, sizeof(t->tool_digest));
}

/* What it rests on is looked at again with every revocation. */
static ts_err keep(struct approvals_call *x, const struct people_question *q,
                   uint64_t now_s)
{
    struct ticket_keep *k = ts_mem_alloc(sizeof(*k));

    if (k == NULL) {
        tickets_end(x->g->approvals->tickets, x->asked, TICKET_END_WITHDRAWN,
                    now_s);
        x->asked = NULL;
        return TS_E_NOMEM;
    }
    verified_hold(q->authority->verified);
    k->verified = q->authority->verified;
    k->delegation = q->authority->delegation;
    pending_keep(x->asked, k);
    return TS_OK;
}

static ts_err put_question(struct approvals_call *x,
                           const struct people_question *q, uint64_t now_s)
{
    struct ticket_key key;
    struct ts_buf context, body;
    struct ticket t;
    ts_err e;

    ts_buf_init(&context, 2 * (size_t)TICKET_CONTEXT_MAX);
    ts_buf_init(&body, SIGNED_TICKET_MAX + 64);
    ticket_of(x->g, q, now_s, &t);
    ticket_key_of(&t, q->authority->delegation->chain_hash, &key);
    if ((e = context_of(q, &context)) == TS_OK) {
        t.context = (struct ts_bytes){.ptr = ts_buf_bytes(&context),
                                      .len = context.len};
        e = ticket_encode(&t, &body);
    }
    if (e == TS_OK)
        e = tickets_ask(
            x->g->approvals->tickets, &key,
            (struct ts_bytes){.ptr = ts_buf_bytes(&body), .len = body.len},
            now_s, &x->how, &x->asked);
    ts_buf_done(&context);
    ts_buf_done(&body);
    if (e == TS_OK && x->how == TICKET_ASKED_NEW)
        e = keep(x, q, now_s);
    return e;
}

static void void_one(struct gate *g, struct pending *p, enum ticket_end why)
{
    tickets_void(g->approvals->tickets, p, why, gate_now(g).unix_ms / 1000);
}

/* By expiry alone; the record follows with the next run. */
static void void_expired(struct gate *g)
{
    struct pending *p;

    while ((p = tickets_expired(g->approvals->tickets,
                                gate_now(g).unix_ms / 1000)) != NULL)
        void_one(g, p, TICKET_END_EXPIRED);
}

static uint32_t names_of(const struct pending *p,
                         struct ts_str ret[TICKET_PEOPLE_MAX])
{
    const struct approval_tally *t = pending_tally(p);

    for (uint32_t i = 0; i < t->people_count; i++)
        ret[i] = (struct ts_str){.ptr = t->people[i].person,
                                 .len = t->people[i].person_len};
    return t->people_count;
}

static void refuse(struct people_answer *ret, enum call_code code,
                   const char *why)
{
    *ret =
        (struct people_answer){.say = PEOPLE_REFUSED, .code = code, .why = why};
}

void approvals_ask(void *ctx, const struct people_question *q,
                   struct people_answer *ret)
{
    struct approvals_call *x = ctx;
    struct gate *g = x->g;
    uint64_t now_s = gate_now(g).unix_ms / 1000;

    if (g->key.sk == NULL) {
        refuse(ret, CODE_NOT_READY,
               "the sidecar has no key to sign a question to people with");
        return;
    }
    void_expired(g);
    if (put_question(x, q, now_s) != TS_OK) {
        refuse(ret, CODE_INTERNAL, NULL);
        return;
    }
    switch (x->how) {
    case TICKET_ASKED_COOLING:
        refuse(ret, CODE_APPROVAL_DENIED, NULL);
        return;
    case TICKET_ASKED_CROWDED:
    case TICKET_ASKED_TOO_OFTEN:
        refuse(ret, CODE_RATE_LIMITED,
               "too many questions to people are open, or were asked lately");
        return;
    case TICKET_ASKED_NEW:
    case TICKET_ASKED_SAME:
    case TICKET_ASKED_GRANTED:
    case TICKET_ASKED_COUNT_:
        break;
    }
    ret->say = x->how == TICKET_ASKED_GRANTED ? PEOPLE_APPROVED : PEOPLE_WAIT;
    ret->ticket = pending_ticket(x->asked);
    ret->expires = ret->ticket->expires;
    memcpy(ret->decision_id, ret->ticket->decision_id,
           sizeof(ret->decision_id));
    memcpy(ret->ticket_id, pending_id(x->asked), sizeof(ret->ticket_id));
    ret->people = x->people;
    ret->people_count = names_of(x->asked, x->people);
}

/* ---- what the decision came to ------------------------------------------- */

bool approvals_may_launch(const struct gate *g)
{
    return tickets_granted(g->approvals->tickets) > 0;
}

ts_err approvals_entry(const struct approvals_call *x, const struct decision *d,
                       uint8_t *payload, struct ring_journal *ret)
{
    const struct ticket *t = pending_ticket(x->asked);
    struct approval_entry a = {.tenant = t->tenant,
                               .unix_ms = gate_now(x->g).unix_ms};
    struct ring_journal j = {.type = JOURNAL_APPROVAL,
                             .tenant = t->tenant,
                             .keep_until = t->expires,
                             .payload.ptr = payload};
    ts_err e;

    memcpy(a.decision_id, t->decision_id, sizeof(a.decision_id));
    memcpy(a.ticket_id, pending_id(x->asked), sizeof(a.ticket_id));
    memcpy(a.launched, d->id, sizeof(a.launched));
    a.people_count = names_of(x->asked, a.people);
    order_out_journal_key(j.key, 0,
                          (struct ts_bytes){.ptr = t->decision_id,
                                            .len = sizeof(t->decision_id)});
    e = approval_entry_encode(&a, payload, APPROVAL_PAYLOAD_MAX,
                              &j.payload.len);
    if (e == TS_OK)
        *ret = j;
    return e;
}

void approvals_taken(struct approvals_call *x)
{
    if (x->asked == NULL)
        return;
    void_one(x->g, x->asked, TICKET_END_TAKEN);
    approvals_run(x->g);
}

void approvals_decided(struct approvals_call *x, const struct decision *d)
{
    if (x->asked == NULL)
        return;
    if (x->how == TICKET_ASKED_NEW &&
        (d == NULL || d->verdict != VERDICT_PENDING))
        void_one(x->g, x->asked, TICKET_END_WITHDRAWN);
    else if (x->how == TICKET_ASKED_GRANTED && d != NULL &&
             d->code == CODE_APPROVAL_EXPIRED)
        void_one(x->g, x->asked, TICKET_END_POLICIES); /* others ask now */
    else if (x->how == TICKET_ASKED_NEW)
        admins_new_ticket(x->g);
    approvals_run(x->g);
}

/* ---- ends ------------------------------------------------------------------
 */

static ts_err write_end(struct gate *g, const struct pending *p)
{
    const struct ticket *t = pending_ticket(p);
    uint8_t record[ORDER_OUT_SMALL];
    struct ts_str people[TICKET_PEOPLE_MAX];
    struct approval_end_record r = {
        .decision_id = t->decision_id,
        .tenant = t->tenant,
        .ticket_id = pending_id(p),
        .reason = ts_str_of(ticket_end_name(pending_end(p))),
        .people = people};
    size_t len;
    ts_err e;

    r.people_count = names_of(p, people);
    e = record_approval_end(&r, record, sizeof(record), &len);
    return e == TS_OK ? order_out_record_small(g, record, len) : e;
}

/* Writes the record of each that has ended, and only then tells who waits. */
static bool flush_ends(struct gate *g)
{
    struct tickets *t = g->approvals->tickets;
    struct pending *next;

    for (struct pending *p = tickets_after(t, NULL); p != NULL; p = next) {
        ts_err e = TS_OK;

        next = tickets_after(t, p);
        if (pending_state(p) != TICKET_VOID)
            continue;
        e = write_end(g, p);
        if (e == TS_E_AGAIN)
            return false;
        if (e != TS_OK) {
            gate_fail(g, "the end of a question could not be recorded");
            return true;
        }
        admins_ticket_news(g, p, ticket_end_name(pending_end(p)));
        held_ticket_ended(g, p, pending_end(p));
        tickets_end(t, p, pending_end(p), gate_now(g).unix_ms / 1000);
    }
    return true;
}

void approvals_run(struct gate *g)
{
    struct approvals *a = g->approvals;
    bool done;

    if (a->is_running || tickets_count(a->tickets) + a->held_count == 0)
        return;
    a->is_running = true; /* a call that is decided again comes back here */
    done = held_run(g);
    done = flush_ends(g) && done;
    a->is_running = false;
    if (!done)
        gate_retry_soon(g);
}

void approvals_sweep(struct gate *g)
{
    if (tickets_count(g->approvals->tickets) + g->approvals->held_count == 0)
        return;
    void_expired(g);
    approvals_run(g);
}

static bool has_revoked_person(struct gate *g, const struct pending *p)
{
    const struct ticket *t = pending_ticket(p);
    struct approval_people who = approvals_people(g);
    struct ts_str people[TICKET_PEOPLE_MAX];
    uint32_t n = names_of(p, people);

    for (uint32_t i = 0; i < n; i++) {
        const struct approver a = {.tenant = t->tenant, .person = people[i]};

        /* Answers are not older than the question: this may say more, not
         * less. */
        if (who.revoked(who.ctx, &a, t->created))
            return true;
    }
    return false;
}

/* False: it goes on waiting. */
static bool has_ended(struct gate *g, const struct pending *p,
                      enum ticket_end *ret)
{
    const struct ticket *t = pending_ticket(p);
    const struct snapshot_tenant *tenant =
        snapshot_tenant_find(g->snapshot, t->tenant);
    const struct tenant_state *state =
        tenant_states_find(&g->states, t->tenant);
    enum call_code code = session_chain_code(g, pending_kept(p)->delegation);

    *ret = TICKET_END_EXPIRED;
    if (code == CODE_EXPIRED)
        return true;
    *ret = TICKET_END_REVOKED;
    if (tenant == NULL || state == NULL || state->overflowed ||
        code != CODE_PERMITTED || has_revoked_person(g, p) ||
        revoked_decision(g, t->tenant, t->decision_id))
        return true;
    *ret = TICKET_END_POLICIES;
    return epoch_of(g, tenant) != t->policy_epoch;
}

uint64_t approvals_recheck(struct gate *g)
{
    struct tickets *t = g->approvals->tickets;
    uint64_t n = 0;

    for (struct pending *p = tickets_after(t, NULL); p != NULL;
         p = tickets_after(t, p)) {
        enum ticket_end why;

        if (pending_state(p) == TICKET_VOID || !has_ended(g, p, &why))
            continue;
        void_one(g, p, why);
        n++;
    }
    approvals_run(g);
    return n;
}

/* ---- answers ---------------------------------------------------------------
 */

static const char *state_name(enum ticket_state s)
{
    if (s == TICKET_GRANTED)
        return "granted";
    return s == TICKET_DENIED ? "denied" : "waiting";
}

/* What a person reads in capitals is a code in small letters here. */
static size_t small_letters(const char *name, char *out, size_t cap)
{
    size_t n = 0;

    for (; name[n] != '\0' && n < cap; n++)
        out[n] = name[n] >= 'A' && name[n] <= 'Z' ? (char)(name[n] + 'a' - 'A')
                                                  : name[n];
    return n;
}

static void reply(struct approvals_reply *r, const char *code, const char *text,
                  const char *state)
{
    size_t n = small_letters(code, r->code_buf, sizeof(r->code_buf));

    r->m.code = (struct ts_str){.ptr = r->code_buf, .len = n};
    r->m.text = ts_str_of(text);
    r->m.state = ts_str_of(state);
}

static void reply_code(struct approvals_reply *r, enum approval_code c,
                       const char *state)
{
    reply(r, approval_code_name(c), approval_code_text(c), state);
}

static ts_err write_answer(struct gate *g, const struct pending *p,
                           uint32_t uid, enum approval_code c,
                           const struct approval *a)
{
    const struct ticket *t = pending_ticket(p);
    char code[TS_CODE_MAX];
    uint8_t record[ORDER_OUT_SMALL];
    struct approval_record r = {
        .decision_id = t->decision_id,
        .tenant = t->tenant,
        .ticket_id = pending_id(p),
        .code = {.ptr = code,
                 .len =
                     small_letters(approval_code_name(c), code, sizeof(code))},
        .state = ts_str_of(state_name(pending_state(p))),
        .people = pending_tally(p)->people_count,
        .by_uid = uid};
    size_t len;
    ts_err e;

    if (c == APPROVAL_OK) {
        r.person = a->person;
        r.verdict = ts_str_of(a->verdict == APPROVAL_YES ? "yes" : "no");
    } else {
        r.person = TS_STR_LIT("");
        r.verdict = TS_STR_LIT("");
    }
    e = record_approval(&r, record, sizeof(record), &len);
    return e == TS_OK ? order_out_record_small(g, record, len) : e;
}

/* Why nothing can be answered now; NULL: it can. */
static const char *not_now(struct gate *g, struct ts_str tenant)
{
    const struct tenant_state *s = tenant_states_find(&g->states, tenant);
    enum call_code code = CODE_NOT_READY;

    if (order_out_state(g) == ORDER_OUT_NOTHING)
        return call_code_name(CODE_AUDIT_UNAVAILABLE);
    if (clock_guard_decides(&g->guard) && s != NULL)
        code = tenant_state_code(s, gate_now(g).boot_ns);
    return code == CODE_PERMITTED ? NULL : call_code_name(code);
}

static ts_err take_answer(struct gate *g, uint32_t uid, struct ts_bytes answer,
                          struct pending *p, struct approvals_reply *ret)
{
    struct approval_people who = approvals_people(g);
    struct pending *same = p;
    struct approval a;
    const char *state;
    enum approval_code c =
        tickets_answer(g->approvals->tickets, &who, answer,
                       gate_now(g).unix_ms / 1000, &same, &a);

    state = state_name(pending_state(p));
    reply_code(ret, c, state);
    if (write_answer(g, p, uid, c, &a) != TS_OK) {
        gate_fail(g, "a person's answer could not be recorded");
        return TS_E_STATE;
    }
    if (c != APPROVAL_OK) {
        log_event(LOG_WARN, "answer_refused uid=%u code=%.*s", uid,
                  (int)ret->m.code.len, ret->m.code.ptr);
        return TS_OK;
    }
    if (pending_state(p) == TICKET_DENIED)
        void_one(g, p, TICKET_END_DENIED);
    else
        admins_ticket_news(
            g, p, pending_state(p) == TICKET_GRANTED ? "granted" : "answered");
    approvals_run(g);
    return TS_OK;
}

ts_err approvals_answer(struct gate *g, uint32_t uid, struct ts_bytes answer,
                        struct approvals_reply *ret)
{
    struct pending *p;
    const char *code;
    uint8_t *room;
    ts_err e;

    *ret = (struct approvals_reply){0};
    if (!approval_peek(answer, ret->m.decision_id)) {
        reply_code(ret, APPROVAL_E_FORMAT, "none");
        return TS_OK;
    }
    p = tickets_find(g->approvals->tickets, ret->m.decision_id);
    if (p == NULL || !operator_may(g, uid, pending_ticket(p)->tenant)) {
        reply_code(ret, APPROVAL_E_UNKNOWN, "none");
        return TS_OK;
    }
    code = not_now(g, pending_ticket(p)->tenant);
    if (code != NULL) {
        reply(ret, code, "nothing is decided just now; try again later",
              state_name(pending_state(p)));
        return TS_OK;
    }
    e = order_out_begin(g, &room); /* room for the record of the answer */
    return e == TS_OK ? take_answer(g, uid, answer, p, ret) : e;
}
