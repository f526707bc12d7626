/* Calls whose agents wait for people. */
#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/msg/client.h"
#include "sidecar/gate/asking/approvals_priv.h"
#include "sidecar/gate/calls.h"
#include "sidecar/gate/running/pipes.h"

static uint32_t of_ticket(const struct approvals *a, const struct pending *p)
{
    uint32_t n = 0;

    for (const struct held *h = a->held; h != NULL; h = h->next)
        n += h->ticket == p && h->core.state == CALL_WAITING;
    return n;
}

bool held_add(struct client *c, uint64_t seq, struct ts_bytes body,
              uint32_t hold_ms, struct pending *p)
{
    struct approvals *a = c->gate->approvals;
    struct held **at = &a->held, *h;

    if (a->held_count >= HELD_MAX || of_ticket(a, p) >= HELD_PER_TICKET ||
        body.len > HELD_BYTES - a->held_bytes)
        return false;
    h = ts_mem_alloc(sizeof(*h) + body.len);
    if (h == NULL)
        return false;
    h->client = c;
    h->ticket = p;
    h->seq = seq;
    h->until_ns = gate_now(c->gate).boot_ns + hold_ms * UINT64_C(1000000);
    h->len = body.len;
    memcpy(h->body, body.ptr, body.len);
    (void)call_step(&h->core, CALL_EV_PEND); /* the caller told it */
    while (*at != NULL)
        at = &(*at)->next;
    *at = h;
    a->held_count++;
    a->held_bytes += h->len;
    c->held_count++;
    return true;
}

/* It waits no more; the memory goes in sweep_done(), since somebody may be
 * walking along the list. */
static void leave(struct held *h)
{
    if (h->client != NULL) {
        h->client->held_count--;
        h->client->state_ns = gate_now(h->client->gate).boot_ns;
    }
    h->client = NULL;
    h->ticket = NULL;
}

static void sweep_done(struct approvals *a)
{
    struct held **at = &a->held;

    while (*at != NULL) {
        struct held *h = *at;

        if (h->core.state != CALL_DONE) {
            at = &h->next;
            continue;
        }
        *at = h->next;
        a->held_count--;
        a->held_bytes -= h->len;
        ts_mem_free(h);
    }
}

static enum call_code code_of_end(enum ticket_end why)
{
    switch (why) {
    case TICKET_END_DENIED:
        return CODE_APPROVAL_DENIED;
    case TICKET_END_WITHDRAWN:
        return CODE_CANCELLED;
    case TICKET_END_REVOKED:
        return CODE_REVOKED;
    case TICKET_END_TAKEN: /* by another call, the same as this one */
    case TICKET_END_EXPIRED:
    case TICKET_END_POLICIES:
        break;
    }
    return CODE_APPROVAL_EXPIRED;
}

static enum call_code code_of_reason(enum end_reason r)
{
    if (r == END_REVOKED)
        return CODE_REVOKED;
    if (r == END_EXPIRED)
        return CODE_EXPIRED;
    return r == END_SHUTDOWN ? CODE_SHUTTING_DOWN : CODE_CANCELLED;
}

/* The second DECISION, and the last: a denial, or pending once more. */
static void tell(struct held *h, enum verdict v, enum call_code code)
{
    const struct ticket *t = pending_ticket(h->ticket);
    struct msg_decision m = {.seq = h->seq,
                             .verdict = v,
                             .code = ts_str_of(call_code_name(code)),
                             .text = ts_str_of(call_code_text(code)),
                             .expires = v == VERDICT_PENDING ? t->expires : 0};
    struct client *c = h->client;

    memcpy(m.decision_id, t->decision_id, sizeof(m.decision_id));
    leave(h);
    client_sent(c, msg_decision_send(&c->out, &m));
}

static void step(struct held *h, enum call_event ev, enum call_code code)
{
    struct gate *g = h->client->gate;

    switch (call_step(&h->core, ev)) {
    case CALL_DO_REPEAT:
        tell(h, VERDICT_PENDING, CODE_APPROVAL_REQUIRED);
        break;
    case CALL_DO_TELL:
        tell(h, VERDICT_DENY, code);
        break;
    case CALL_DO_WITHDRAW:
        tickets_void(g->approvals->tickets, h->ticket, TICKET_END_WITHDRAWN,
                     gate_now(g).unix_ms / 1000);
        break;
    case CALL_DO_NOTHING:
        if (h->core.state == CALL_DONE)
            leave(h);
        break;
    case CALL_DO_PANIC:
        gate_fail(g, "a held call met what it cannot");
        break;
    case CALL_DO_LAUNCH: /* events of running.c and held_run() */
    case CALL_DO_DENY:
    case CALL_DO_STARTED:
    case CALL_DO_REFUSED:
    case CALL_DO_KILL:
    case CALL_DO_DRAIN:
    case CALL_DO_FINISH:
    case CALL_DO_HOLD:
    case CALL_DO_DECIDE:
        break;
    }
}

/* ---- what ends a wait -----------------------------------------------------
 */

void held_ticket_ended(struct gate *g, const struct pending *p,
                       enum ticket_end why)
{
    for (struct held *h = g->approvals->held; h != NULL; h = h->next)
        if (h->ticket == p && h->core.state == CALL_WAITING)
            step(h, CALL_EV_TICKET_END, code_of_end(why));
}

void held_on_cancel(struct client *c, uint64_t seq)
{
    for (struct held *h = c->gate->approvals->held; h != NULL; h = h->next)
        if (h->client == c && h->seq == seq && h->core.state == CALL_WAITING)
            step(h, CALL_EV_CANCEL, CODE_CANCELLED);
    approvals_run(c->gate);
}

void held_let_go(struct client *c, enum end_reason reason)
{
    enum call_event ev =
        call_event_of(reason == END_CANCELLED ? END_DISCONNECTED : reason);

    for (struct held *h = c->gate->approvals->held; h != NULL; h = h->next)
        if (h->client == c && h->core.state == CALL_WAITING)
            step(h, ev, code_of_reason(reason));
}

void held_detach(struct client *c)
{
    held_let_go(c, END_DISCONNECTED);
    /* One that is being decided just now has left already. */
}

void held_stop(struct gate *g)
{
    for (struct held *h = g->approvals->held; h != NULL; h = h->next)
        if (h->core.state == CALL_WAITING)
            step(h, CALL_EV_SHUTDOWN, CODE_SHUTTING_DOWN);
}

/* ---- and what lets it go on ------------------------------------------------
 */

/* The whole decision again. It is out of the table meanwhile: what it comes to
 * may end the ticket, or the connection. */
static bool decide_again(struct held *h)
{
    struct client *c = h->client;
    struct pending *p = h->ticket;
    ts_err e;

    (void)call_step(&h->core, CALL_EV_QUORUM);
    leave(h);
    e = calls_again(c, (struct ts_bytes){.ptr = h->body, .len = h->len});
    if (e != TS_E_AGAIN) {
        (void)call_step(&h->core, CALL_EV_DENY); /* it was told, or runs */
        return true;
    }
    h->client = c;
    h->ticket = p;
    c->held_count++;
    (void)call_step(&h->core, CALL_EV_PEND);
    return false;
}

bool held_run(struct gate *g)
{
    struct approvals *a = g->approvals;
    uint64_t now_ns = a->held == NULL ? 0 : gate_now(g).boot_ns;
    bool done = true;

    for (struct held *h = a->held; h != NULL; h = h->next) {
        if (h->core.state != CALL_WAITING)
            continue;
        if (pending_state(h->ticket) == TICKET_GRANTED)
            done = decide_again(h) && done;
        else if (now_ns >= h->until_ns &&
                 pending_state(h->ticket) == TICKET_WAITING)
            step(h, CALL_EV_HOLD_OVER, CODE_APPROVAL_REQUIRED);
    }
    sweep_done(a);
    return done;
}
