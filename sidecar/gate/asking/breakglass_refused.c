/* What was brought and is not in force: nobody tries that unseen. */
#include <string.h>

#include "sidecar/common/log.h"
#include "sidecar/gate/asking/breakglass_priv.h"
#include "sidecar/gate/people/snapshot.h"
#include "sidecar/gate/revocation/revoke_signed.h"
#include "sidecar/gate/running/order_out.h"

_Static_assert(sizeof(((struct refusal *)0)->kids) ==
                   (size_t)ESCALATION_SIGS_MAX * TRUST_KID_LEN,
               "one behind the other");

/* The names that it claims go to the log only of a tenant that uid may act for:
 * nobody writes into what another tenant's auditors look for. */
static void claims(struct gate *g, uint32_t uid, struct ts_bytes object,
                   struct refusal *r)
{
    struct escalation_object o;
    struct escalation e;

    if (escalation_split(object, &o) != TRUST_OK ||
        escalation_decode(o.body, &e) != TRUST_OK)
        return;
    memcpy(r->id, e.id, sizeof(r->id));
    for (uint32_t i = 0; i < o.sig_count; i++)
        memcpy(r->kids[i], o.sigs[i].kid, sizeof(r->kids[i]));
    r->kid_count = o.sig_count;
    if (snapshot_tenant_find(g->snapshot, e.tenant) == NULL ||
        !operator_may(g, uid, e.tenant))
        return;
    r->tenant = e.tenant;
    r->user = e.user;
    r->agent = e.agent;
    r->task = e.task;
}

void breakglass_refused(struct gate *g, uint32_t uid, struct ts_bytes object,
                        struct ts_str code)
{
    const struct ts_str none = TS_STR_LIT("");
    struct refusal r = {.code = code,
                        .tenant = none,
                        .user = none,
                        .agent = none,
                        .task = none};

    claims(g, uid, object, &r);
    refusals_note(&g->refused, uid, &r, gate_now(g).boot_ns);
    breakglass_refusals(g, false);
}

static ts_err write_one(struct gate *g, const struct refusal_slot *s)
{
    const struct escalation_refused_record r = {.id = s->last.id,
                                                .tenant = s->last.tenant,
                                                .user = s->last.user,
                                                .agent = s->last.agent,
                                                .task = s->last.task,
                                                .code = s->last.code,
                                                .kids = s->last.kids[0],
                                                .kid_count = s->last.kid_count,
                                                .left_out = s->left_out,
                                                .by_uid = s->uid};
    uint8_t record[ORDER_OUT_SMALL];
    size_t len;
    ts_err e = record_escalation_refused(&r, record, sizeof(record), &len);

    return e == TS_OK ? order_out_record_small(g, record, len) : e;
}

void breakglass_refusals(struct gate *g, bool all)
{
    uint64_t now = gate_now(g).boot_ns;
    struct refusal_slot *s;

    while ((s = refusals_next(&g->refused, now, all)) != NULL) {
        if (order_out_state(g) == ORDER_OUT_NOTHING || write_one(g, s) != TS_OK)
            return; /* it waits, and is counted: the next sweep tries again */
        order_out_wake(g);
        log_event(LOG_WARN, "escalation_refused uid=%u code=%.*s", s->uid,
                  (int)s->last.code.len, s->last.code.ptr);
        refusals_told(s, now);
    }
}
