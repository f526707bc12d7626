/* Every end of a question: why, its record, and who is told. */
#include "proto/trust/signed.h"
#include "sidecar/gate/asking/approvals_priv.h"
#include "sidecar/gate/people/snapshot.h"
#include "sidecar/gate/revocation/revoke.h"
#include "sidecar/gate/running/order_out.h"
#include "sidecar/gate/session.h"
#include "sidecar/gate/steps/records.h"
#include "sidecar/gate/wire/admin_uv.h"

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

    r.people_count = approvals_names(p, people);
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
    approvals_void_expired(g);
    approvals_run(g);
}

static bool has_revoked_person(struct gate *g, const struct pending *p)
{
    const struct ticket *t = pending_ticket(p);
    struct approval_people who = approvals_people(g);
    struct ts_str people[TICKET_PEOPLE_MAX];
    uint32_t n = approvals_names(p, people);

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
    return approvals_epoch(g, tenant) != t->policy_epoch;
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
        approvals_void(g, p, why);
        n++;
    }
    approvals_run(g);
    return n;
}
