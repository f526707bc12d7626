/* Escalations as calls and operators meet them. */
#include "sidecar/gate/asking/breakglass.h"

#include <string.h>

#include "sidecar/gate/asking/approvals_priv.h"
#include "sidecar/gate/asking/breakglass_priv.h"
#include "sidecar/gate/people/snapshot.h"
#include "sidecar/gate/revocation/revoke_signed.h"
#include "sidecar/gate/running/order_out.h"
#include "sidecar/gate/running/running.h"

/* ---- calls ----------------------------------------------------------------
 */

/* Who signed may own an agent further up the chain, which the escalation does
 * not name: then it is no second pair of eyes for this call. */
static bool is_own(struct gate *g, const struct escalated *x,
                   const struct delegation *d)
{
    struct approval_people who = approvals_people(g);

    for (uint32_t i = 0; i < x->info.people_count; i++)
        for (size_t k = 0; k < d->block_count; k++)
            if (who.owns(who.ctx, d->tenant, d->blocks[k].agent,
                         x->info.people[i]))
                return true;
    return false;
}

bool breakglass_for(struct gate *g, const struct authority *a,
                    struct decide_escalation *ret)
{
    const struct delegation *d = a->delegation;
    const struct escalated *x;

    if (g->escalations.list == NULL)
        return false;
    x = escalations_for(&g->escalations, d->tenant, d->user,
                        delegation_leaf(d)->agent, d->task,
                        gate_now(g).boot_ns);
    if (x == NULL || x->checked != g->snapshot->generation || is_own(g, x, d))
        return false;
    *ret = (struct decide_escalation){.id = x->info.id,
                                      .policies = x->policies,
                                      .demands = x->demands,
                                      .lifts = x->e.lifts,
                                      .lift_count = x->e.lift_count,
                                      .until_ns = x->until_ns};
    return true;
}

bool breakglass_may_launch(const struct gate *g)
{
    return g->escalations.list != NULL;
}

ts_err breakglass_note(struct gate *g, const struct escalation_entry *info,
                       uint8_t *payload, struct ring_journal *ret)
{
    struct escalation_entry entry = *info;
    struct ring_journal j = {
        .type = JOURNAL_ESCALATION,
        .tenant = info->tenant,
        .keep_until = info->expires + (info->ended ? KEEP_ENDED_S : KEEP_S),
        .payload.ptr = payload};
    ts_err e;

    entry.unix_ms = gate_now(g).unix_ms;
    order_out_journal_key(
        j.key, 0, (struct ts_bytes){.ptr = info->id, .len = sizeof(info->id)});
    e = escalation_entry_encode(&entry, payload, ESCALATION_PAYLOAD_MAX,
                                &j.payload.len);
    if (e == TS_OK)
        *ret = j;
    return e;
}

ts_err breakglass_entry(struct gate *g, struct ts_str tenant,
                        const struct decision *d, uint8_t *payload,
                        struct ring_journal *ret, bool *ret_some)
{
    const struct escalated *x;
    struct escalation_entry next;
    ts_err e;

    *ret_some = false;
    if (!d->has_escalation)
        return TS_OK;
    x = escalations_find(&g->escalations, tenant, d->escalation_id);
    if (x == NULL || x->state != ESCALATION_ACTIVE ||
        x->info.used >= x->info.max_uses)
        return TS_E_STATE; /* cannot happen: it was found in this turn */
    next = x->info;
    next.used++;
    e = breakglass_note(g, &next, payload, ret);
    *ret_some = e == TS_OK;
    return e;
}

void breakglass_launched(struct gate *g, struct ts_str tenant,
                         const struct decision *d, struct run *r)
{
    struct escalated *x;

    if (!d->has_escalation)
        return;
    x = escalations_find(&g->escalations, tenant, d->escalation_id);
    if (x == NULL)
        return;
    r->has_escalation = true;
    memcpy(r->escalation_id, d->escalation_id, sizeof(r->escalation_id));
    escalated_use(x);
}

/* ---- what there is ---------------------------------------------------------
 */

ts_err breakglass_list(const struct gate *g, uint32_t uid, struct ts_str tenant,
                       struct ts_buf *out)
{
    for (const struct escalated *x = g->escalations.list; x != NULL;
         x = x->next) {
        struct admin_escalation m = {
            .tenant = x->info.tenant,
            .user = x->info.user,
            .agent = x->info.agent,
            .task = x->info.task,
            .state = ts_str_of(escalation_state_name(x->state)),
            .expires = x->info.expires,
            .used = x->info.used,
            .max_uses = x->info.max_uses,
            .people_count = x->info.people_count,
            .reason = x->info.reason,
            .incident = x->info.incident};
        ts_err e;

        if (!operator_may(g, uid, x->info.tenant) ||
            (tenant.len > 0 && !ts_str_eq(tenant, x->info.tenant)))
            continue;
        memcpy(m.id, x->info.id, sizeof(m.id));
        for (uint32_t i = 0; i < m.people_count; i++)
            m.people[i] = x->info.people[i];
        if ((e = admin_escalation_send(out, &m)) != TS_OK)
            return e;
    }
    return admin_empty_send(out, ADMIN_ESCALATIONS_END);
}
