/* From a decision to a question that people can read, and what the decision
 * then came to. */
#include <string.h>

#include "proto/base/ts_buf.h"
#include "proto/base/ts_mem.h"
#include "proto/trust/signed.h"
#include "sidecar/gate/approve/ticket_context.h"
#include "sidecar/gate/asking/approvals_priv.h"
#include "sidecar/gate/people/snapshot.h"
#include "sidecar/gate/running/order_out.h"
#include "sidecar/gate/wire/admin_uv.h"

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
                         .policy_epoch = approvals_epoch(g, q->tenant)};
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
    struct tickets_asked before;
    struct ticket t;
    ts_err e;

    ts_buf_init(&context, 2 * (size_t)TICKET_CONTEXT_MAX);
    ts_buf_init(&body, SIGNED_TICKET_MAX + 64);
    ticket_of(x->g, q, now_s, &t);
    ticket_key_of(&t, q->authority->delegation->chain_hash, &key);
    if (q->call->has_stdin)
        ticket_key_stdin(&key);
    before = tickets_asked_before(x->g->approvals->tickets, &t, now_s);
    if ((e = approvals_context(x->g, q, &before, &context)) == TS_OK) {
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

/* What the signed question said of it, and nothing else. */
static ts_err tell_back(struct approvals_call *x, struct people_answer *ret)
{
    const struct ticket *t = pending_ticket(x->asked);
    struct ticket_context c;
    ts_err e = ticket_context_decode(t->context, t->rule_count, &c);

    if (e != TS_OK)
        return e; /* cannot happen: it is as it was encoded */
    for (uint32_t i = 0; i < c.endorses_count; i++)
        x->told[i] = (struct endorse_told){.arg = c.endorses[i].arg,
                                           .value = c.endorses[i].value};
    ret->told = x->told;
    ret->told_count = c.endorses_count;
    return TS_OK;
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
    approvals_void_expired(g);
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
    ret->people_count = approvals_names(x->asked, x->people);
    if (ret->say == PEOPLE_APPROVED && tell_back(x, ret) != TS_OK)
        refuse(ret, CODE_INTERNAL, NULL);
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
    a.people_count = approvals_names(x->asked, a.people);
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
    approvals_void(x->g, x->asked, TICKET_END_TAKEN);
    approvals_run(x->g);
}

void approvals_decided(struct approvals_call *x, const struct decision *d)
{
    if (x->asked == NULL)
        return;
    if (x->how == TICKET_ASKED_NEW &&
        (d == NULL || d->verdict != VERDICT_PENDING))
        approvals_void(x->g, x->asked, TICKET_END_WITHDRAWN);
    else if (x->how == TICKET_ASKED_GRANTED && d != NULL &&
             d->code == CODE_APPROVAL_EXPIRED)
        approvals_void(x->g, x->asked,
                       TICKET_END_POLICIES); /* others ask now */
    else if (x->how == TICKET_ASKED_NEW)
        admins_new_ticket(x->g);
    approvals_run(x->g);
}
