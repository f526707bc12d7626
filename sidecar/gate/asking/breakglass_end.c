/* Escalations end: in time, used up, revoked, or over changed rules. */
#include <string.h>

#include "sidecar/common/log.h"
#include "sidecar/gate/asking/approvals_priv.h"
#include "sidecar/gate/asking/breakglass_priv.h"
#include "sidecar/gate/people/escalation_policies.h"
#include "sidecar/gate/people/snapshot.h"
#include "sidecar/gate/revocation/revoke.h"
#include "sidecar/gate/running/order_out.h"
#include "sidecar/gate/running/pipes.h"
#include "sidecar/gate/running/running.h"

struct escalation_record breakglass_told(const struct escalated *x,
                                         const char *kind)
{
    return (struct escalation_record){.kind = kind,
                                      .id = x->info.id,
                                      .tenant = x->info.tenant,
                                      .user = x->info.user,
                                      .agent = x->info.agent,
                                      .task = x->info.task,
                                      .people = x->info.people,
                                      .people_count = x->info.people_count,
                                      .expires = x->info.expires,
                                      .used = x->info.used,
                                      .max_uses = x->info.max_uses,
                                      .reason = x->info.reason,
                                      .incident = x->info.incident};
}

static bool is_under(const struct run *r, struct ts_str tenant,
                     const uint8_t id[16])
{
    const struct ts_str own = {.ptr = r->names[RUN_TENANT],
                               .len = r->name_len[RUN_TENANT]};

    return r->used && r->has_escalation && ts_str_eq(own, tenant) &&
           memcmp(r->escalation_id, id, sizeof(r->escalation_id)) == 0;
}

static bool has_runs(void *ctx, const struct escalated *x)
{
    const struct gate *g = ctx;

    for (uint32_t i = 0; i < TS_CALLS_MAX; i++)
        if (is_under(&g->runs[i], x->info.tenant, x->info.id) &&
            g->runs[i].core.state != CALL_DONE)
            return true;
    return false;
}

static void kill_runs(struct gate *g, const struct escalated *x)
{
    enum end_reason why =
        x->end == ESCALATION_END_EXPIRED ? END_EXPIRED : END_REVOKED;

    for (uint32_t i = 0; i < TS_CALLS_MAX; i++)
        if (is_under(&g->runs[i], x->info.tenant, x->info.id))
            run_event(&g->runs[i], call_event_of(why));
}

static ts_err write_end(struct gate *g, struct escalated *x)
{
    uint8_t payload[ESCALATION_PAYLOAD_MAX], record[ORDER_OUT_SMALL];
    struct escalation_record r = breakglass_told(x, "escalation_review_due");
    const struct revoke_request q = {
        .kind = REVOCATION_ESCALATION,
        .tenant = x->info.tenant,
        .target = {.ptr = x->info.id, .len = sizeof(x->info.id)},
        .keep_until = x->info.expires + KEEP_ENDED_S,
        .reason = ts_str_of(escalation_end_name(x->end)),
        .by = "escalation"};
    struct escalation_entry info = x->info;
    struct ring_journal j;
    bool is_new;
    size_t len;
    ts_err e;

    r.end = escalation_end_name(x->end);
    info.ended = true;
    /* The record first: cut off between the two, it is written twice rather
     * than not at all. */
    if ((e = record_escalation(&r, record, sizeof(record), &len)) != TS_OK ||
        (e = breakglass_note(g, &info, payload, &j)) != TS_OK ||
        (e = order_out_record_small(g, record, len)) != TS_OK ||
        (e = revoke_enter(g, &q, &is_new)) != TS_OK)
        return e;
    return order_out_journal(g, &j);
}

/* The overlay has gone; false: the ring has no room for that yet. */
static bool finish(struct gate *g, struct escalated *x)
{
    uint8_t *room;
    ts_err e = order_out_begin(g, &room);

    if (e == TS_E_AGAIN)
        return false;
    if (e == TS_OK)
        e = write_end(g, x);
    if (e == TS_E_AGAIN)
        return false;
    if (e != TS_OK) {
        gate_fail(g, "the end of an escalation could not be written down");
        return true;
    }
    log_event(LOG_WARN, "escalation_ended tenant=\"%.*s\" reason=%s uses=%u/%u",
              (int)x->info.tenant.len, x->info.tenant.ptr,
              escalation_end_name(x->end), x->info.used, x->info.max_uses);
    escalations_remove(&g->escalations, x);
    return true;
}

void breakglass_run(struct gate *g)
{
    struct escalated *next;

    if (order_out_state(g) == ORDER_OUT_NOTHING)
        return; /* nothing runs then either */
    for (struct escalated *x = g->escalations.list; x != NULL; x = next) {
        next = x->next;
        if (x->state != ESCALATION_ENDING)
            continue;
        kill_runs(g, x);
        if (!finish(g, x)) {
            gate_retry_soon(g);
            return;
        }
    }
}

void breakglass_sweep(struct gate *g)
{
    struct moment now;

    breakglass_refusals(g, false);
    if (g->escalations.list == NULL)
        return;
    now = gate_now(g);
    /* An uncertain clock ends nothing that it might have to begin again. */
    if (escalations_sweep(&g->escalations, now.boot_ns,
                          clock_guard_admits(&g->guard) ? now.unix_ms / 1000
                                                        : 0,
                          has_runs, g))
        breakglass_run(g);
}

static bool has_revoked_person(struct gate *g, const struct escalated *x)
{
    struct approval_people who = approvals_people(g);

    for (uint32_t i = 0; i < x->info.people_count; i++) {
        const struct approver a = {.tenant = x->info.tenant,
                                   .person = x->info.people[i]};

        if (x->state != ESCALATION_INTERRUPTED &&
            who.revoked(who.ctx, &a, x->nbf))
            return true;
    }
    return false;
}

/* The rules have changed: what was signed must fit these, too. */
static bool still_fits(struct gate *g, struct escalated *x,
                       const struct snapshot_tenant *t)
{
    char text[TS_MESSAGE_TEXT_MAX];
    struct cedar_policies *p = NULL;
    struct ts_str lift;

    if (x->state == ESCALATION_INTERRUPTED || x->state == ESCALATION_ENDING ||
        x->checked == g->snapshot->generation)
        return true;
    if (x->info.expires - x->nbf > t->breakglass_max_s ||
        x->info.people_count < t->breakglass_people ||
        escalation_lift_fault(&x->e, t->policies, &lift) ||
        escalation_policies_make(&x->e, t->schema, &p, text, sizeof(text)) !=
            TS_OK)
        return false;
    if (escalated_recheck(x, p, g->snapshot->generation) == TS_OK)
        return true;
    cedar_policies_free(p);
    return false;
}

void breakglass_recheck(struct gate *g)
{
    for (struct escalated *x = g->escalations.list; x != NULL; x = x->next) {
        const struct snapshot_tenant *t =
            snapshot_tenant_find(g->snapshot, x->info.tenant);

        if (t == NULL || revoked_escalation(g, x->info.tenant, x->info.id) ||
            has_revoked_person(g, x))
            escalated_end(x, ESCALATION_END_REVOKED);
        else if (!still_fits(g, x, t))
            escalated_end(x, ESCALATION_END_POLICIES);
    }
    breakglass_run(g);
}

ts_err breakglass_replay(struct gate *g, struct ts_bytes payload,
                         uint64_t *ret_unix_ms, const char **reterr_what)
{
    struct escalation_entry a;
    ts_err e =
        escalation_entry_decode(payload.ptr, payload.len, &a, reterr_what);

    if (e != TS_OK)
        return e;
    e = escalations_replay(&g->escalations, &a);
    if (e != TS_OK) {
        *reterr_what = "too many escalations, or no memory for them";
        return e;
    }
    *ret_unix_ms = a.unix_ms;
    return TS_OK;
}
