#include "sidecar/gate/uses_in.h"

#include <string.h>

#include "proto/trust/delegation.h"
#include "sidecar/gate/decide/decide.h"
#include "sidecar/gate/people/snapshot.h"
#include "sidecar/gate/running/order_out.h"
#include "sidecar/gate/running/running.h"

bool uses_may_count(const struct client *c)
{
    const struct authority *a = c->authority;
    const struct snapshot_tenant *t;

    for (uint32_t i = 0; i < a->block_count; i++)
        if (a->block_uses[i] != NULL)
            return true;
    t = snapshot_tenant_find(c->gate->snapshot, a->tenant);
    return t != NULL && t->uses != NULL;
}

/* All counters of the grant as they are now. */
static ts_err entry_of(struct ts_str tenant, const uint8_t grant_id[16],
                       uint64_t expires_s, const struct use_ledger *l,
                       uint8_t payload[USE_PAYLOAD_MAX],
                       struct ring_journal *ret)
{
    struct use_entry u = {.tenant = tenant, .expires_s = expires_s};

    memcpy(u.grant_id, grant_id, sizeof(u.grant_id));
    *ret = (struct ring_journal){.type = JOURNAL_USES,
                                 .tenant = tenant,
                                 .keep_until = expires_s,
                                 .payload.ptr = payload};
    order_out_journal_key(ret->key, 0,
                          (struct ts_bytes){.ptr = grant_id, .len = 16});
    return use_entry_encode(&u, l, payload, USE_PAYLOAD_MAX, &ret->payload.len);
}

ts_err uses_taken(struct client *c, const struct decision *d,
                  struct use_reservation *r, uint8_t payload[USE_PAYLOAD_MAX],
                  struct ring_journal *ret, bool *ret_has_entry)
{
    const struct delegation *who = c->authority->delegation;
    struct use_ledger *l;
    ts_err e;

    *ret_has_entry = false;
    if (d->take_count == 0)
        return TS_OK;
    if ((e = grant_calls_ledger(c->ids, &l)) != TS_OK ||
        (e = use_reserve(r, l, d->takes, d->take_count)) != TS_OK)
        return e;
    e = entry_of(who->tenant, who->grant_id, who->blocks[0].exp, l, payload,
                 ret);
    if (e != TS_OK)
        (void)use_end(r, l, USE_EV_NOT_LAUNCHED);
    else
        *ret_has_entry = true;
    return e;
}

void uses_not_launched(struct client *c, struct use_reservation *r)
{
    struct use_ledger *l;

    if (r->state == USE_HELD && grant_calls_ledger(c->ids, &l) == TS_OK)
        (void)use_end(r, l, USE_EV_NOT_LAUNCHED);
}

void uses_ended(struct run *r)
{
    enum use_event ev = use_event_of(r->reason, r->exited.exit_code,
                                     r->exited.signal, r->failed_counts);
    struct ts_str tenant = {.ptr = r->names[RUN_TENANT],
                            .len = r->name_len[RUN_TENANT]};
    uint8_t payload[USE_PAYLOAD_MAX];
    struct ring_journal j;
    struct use_ledger *l;

    if (r->uses.state != USE_HELD || grant_calls_ledger(r->ids, &l) != TS_OK ||
        !use_end(&r->uses, l, ev))
        return;
    /* For a restart. A full ring drops it: the next entry of this grant says
     * it, too, and without one a restart finds more used than was. */
    if (order_out_state(r->gate) == ORDER_OUT_ALL &&
        entry_of(tenant, r->grant_id, r->grant_exp, l, payload, &j) == TS_OK)
        (void)!order_out_journal(r->gate, &j);
}

ts_err uses_replayed(struct gate *g, struct ts_bytes payload,
                     const char **reterr_what)
{
    uint64_t now_s = gate_now(g).real_ms / 1000;
    struct grant_calls *calls;
    struct use_ledger l, *to;
    struct use_entry u;
    ts_err e = use_entry_decode(payload.ptr, payload.len, &u, &l, reterr_what);

    if (e != TS_OK || u.expires_s <= now_s)
        return e;
    *reterr_what = "too many grants with counters, or no memory for them";
    e = call_ids_open(&g->ids, u.tenant, u.grant_id, u.expires_s, now_s,
                      &calls);
    if (e != TS_OK)
        return e;
    if ((e = grant_calls_ledger(calls, &to)) == TS_OK)
        *to = l;
    grant_calls_close(calls); /* remembered until it expires */
    if (e == TS_OK)
        g->replayed.uses++;
    return e;
}
