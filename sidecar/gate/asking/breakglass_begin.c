/* Escalations come into force: what an operator brings, and what is said of it.
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "proto/trust/signed.h"
#include "sidecar/common/log.h"
#include "sidecar/gate/asking/approvals_priv.h"
#include "sidecar/gate/asking/breakglass_priv.h"
#include "sidecar/gate/people/escalation_policies.h"
#include "sidecar/gate/people/snapshot.h"
#include "sidecar/gate/revocation/revoke.h"
#include "sidecar/gate/revocation/revoke_signed.h"
#include "sidecar/gate/running/order_out.h"

_Static_assert(TS_ESCALATION_MAX == ESCALATION_MAX,
               "what a message may carry is what can be signed");

static void reply(struct breakglass_reply *r, const char *code,
                  const char *text)
{
    size_t n = approvals_small_letters(code, r->code, sizeof(r->code));

    r->m.code = (struct ts_str){.ptr = r->code, .len = n};
    if (text != r->text)
        (void)snprintf(r->text, sizeof(r->text), "%s", text);
    r->m.text = ts_str_of(r->text);
}

/* Why nothing can be activated now; NULL: it can. */
static const char *not_now(struct gate *g, struct ts_str tenant)
{
    const struct tenant_state *s = tenant_states_find(&g->states, tenant);
    enum call_code code = CODE_NOT_READY;

    if (g->draining)
        return call_code_name(CODE_SHUTTING_DOWN);
    if (order_out_state(g) != ORDER_OUT_ALL)
        return call_code_name(CODE_AUDIT_UNAVAILABLE);
    if (clock_guard_admits(&g->guard) && clock_guard_decides(&g->guard) &&
        s != NULL)
        code = tenant_state_code(s, gate_now(g).boot_ns);
    return code == CODE_PERMITTED ? NULL : call_code_name(code);
}

/* Everything that may be wrong with what enough people signed; false: told. */
static bool fits(struct gate *g, const struct escalation *e,
                 const struct snapshot_tenant *t, struct breakglass_reply *ret,
                 struct cedar_policies **ret_policies)
{
    char shown[2 * ESCALATION_LIFT_MAX];
    struct ts_str lift;
    ts_err err;

    if (revoked_escalation(g, t->name, e->id)) {
        reply(ret, "ended", "it has ended; an escalation does not come again");
        return false;
    }
    if (escalations_overlap(&g->escalations, e) != NULL) {
        reply(ret, "busy",
              "another one is in force for this agent in this task; end it "
              "first");
        return false;
    }
    if (escalation_lift_fault(e, t->policies, &lift)) {
        (void)ts_str_escape(shown, sizeof(shown), lift.ptr, lift.len);
        (void)snprintf(ret->text, sizeof(ret->text),
                       "no forbid of the tenant with @breakglass is named "
                       "\"%s\"",
                       shown);
        reply(ret, "lifts", ret->text);
        return false;
    }
    err = escalation_policies_make(e, t->schema, ret_policies, ret->text,
                                   sizeof(ret->text));
    if (err == TS_OK)
        return true;
    if (err == TS_E_FORMAT)
        reply(ret, "policies", ret->text);
    else
        reply(ret, "internal", "out of memory");
    return false;
}

static ts_err write_begin(struct gate *g, const struct escalated *x,
                          uint32_t uid)
{
    uint8_t payload[ESCALATION_PAYLOAD_MAX], *record;
    struct escalation_record r = breakglass_told(x, "escalation");
    struct ring_journal j;
    size_t len;
    ts_err e;

    r.policies = x->e.policies;
    r.lifts = x->e.lifts;
    r.lift_count = x->e.lift_count;
    r.by_uid = uid;
    if ((e = breakglass_note(g, &x->info, payload, &j)) != TS_OK ||
        (e = order_out_journal(g, &j)) != TS_OK ||
        (e = order_out_begin(g, &record)) != TS_OK ||
        (e = record_escalation(&r, record, TS_RECORD_MAX, &len)) != TS_OK)
        return e;
    order_out_record(g, len);
    return TS_OK;
}

static void digest_of(struct ts_bytes object, uint8_t ret[32])
{
    struct escalation_object o = {.sig_count = 0};

    (void)!escalation_split(object, &o); /* it has been split before */
    (void)crypto_generichash(ret, 32, o.body.ptr, o.body.len, NULL, 0);
}

/* One that is known; false: it is not, or what a restart interrupted. */
static bool is_known(struct gate *g, struct ts_bytes object,
                     const struct escalation *e, struct breakglass_reply *ret)
{
    const struct escalated *x =
        escalations_find(&g->escalations, e->tenant, e->id);
    uint8_t digest[32];

    if (x == NULL)
        return false;
    digest_of(object, digest);
    if (memcmp(digest, x->info.body, sizeof(digest)) != 0)
        reply(ret, "id", "another escalation has this id");
    else if (x->state == ESCALATION_INTERRUPTED)
        return false;
    else if (x->state == ESCALATION_ENDING)
        reply(ret, "ended", "it has ended; an escalation does not come again");
    else
        reply(ret, "ok", "it was in force already");
    return true;
}

static void info_of(const struct escalation *e,
                    const struct escalation_signers *by,
                    struct escalation_entry *ret)
{
    *ret = (struct escalation_entry){.tenant = e->tenant,
                                     .user = e->user,
                                     .agent = e->agent,
                                     .task = e->task,
                                     .expires = e->exp,
                                     .max_uses = e->max_uses,
                                     .people_count = by->count,
                                     .reason = e->reason,
                                     .incident = e->incident};
    memcpy(ret->id, e->id, sizeof(ret->id));
    for (uint32_t i = 0; i < by->count; i++)
        ret->people[i] = by->people[i];
}

/* Takes policies over, whatever happens. */
static ts_err begin(struct gate *g, uint32_t uid, struct ts_bytes object,
                    const struct escalation *e,
                    const struct escalation_signers *by,
                    struct cedar_policies *policies,
                    struct breakglass_reply *ret)
{
    struct moment now = gate_now(g);
    uint64_t until =
        now.boot_ns + (e->exp * 1000 - now.unix_ms) * UINT64_C(1000000);
    struct escalated *x = escalations_find(&g->escalations, e->tenant, e->id);
    struct escalation_entry info;
    bool is_new = x == NULL;
    ts_err err = TS_OK;

    info_of(e, by, &info);
    digest_of(object, info.body);
    if (is_new)
        err = escalations_add(&g->escalations, &info, &x);
    if (err == TS_OK)
        err = escalated_start(x, object, by, policies, until,
                              g->snapshot->generation);
    if (err != TS_OK) {
        cedar_policies_free(policies);
        if (is_new && x != NULL)
            escalations_remove(&g->escalations, x);
        reply(ret, err == TS_E_LIMIT ? "limit" : "internal",
              err == TS_E_LIMIT ? "too many escalations of this tenant; end one"
                                : "out of memory");
        return TS_OK;
    }
    err = write_begin(g, x, uid);
    if (err != TS_OK) { /* in force, yet nowhere written */
        gate_fail(g, "an escalation could not be written down");
        return TS_E_STATE;
    }
    log_event(LOG_WARN, "escalation_active tenant=\"%.*s\" uses=%u/%u",
              (int)e->tenant.len, e->tenant.ptr, x->info.used,
              x->info.max_uses);
    reply(ret, "ok",
          is_new ? "it is in force"
                 : "it is in force again, with what is left");
    return TS_OK;
}

/* Whose it would be; NULL: told. */
static const struct snapshot_tenant *tenant_of(struct gate *g, uint32_t uid,
                                               struct ts_bytes object,
                                               struct breakglass_reply *ret)
{
    const struct snapshot_tenant *t;
    struct escalation_object o;
    struct escalation e;
    const char *why;

    if (escalation_split(object, &o) != TRUST_OK ||
        escalation_decode(o.body, &e) != TRUST_OK) {
        reply(ret, escalation_code_name(ESCALATION_E_FORMAT),
              escalation_code_text(ESCALATION_E_FORMAT));
        return NULL;
    }
    memcpy(ret->m.id, e.id, sizeof(ret->m.id));
    t = snapshot_tenant_find(g->snapshot, e.tenant);
    if (t == NULL || !operator_may(g, uid, e.tenant)) {
        reply(ret, "denied", "your uid may not act for this tenant");
        return NULL;
    }
    why = not_now(g, e.tenant);
    if (why == NULL)
        return t;
    reply(ret, why, "nothing is decided just now; try again later");
    return NULL;
}

/* Judged and, if all of it holds, in force. */
static ts_err activate(struct gate *g, uint32_t uid, struct ts_bytes object,
                       struct breakglass_reply *ret)
{
    struct approval_people who = approvals_people(g);
    struct cedar_policies *policies = NULL;
    const struct snapshot_tenant *t;
    struct escalation_signers by;
    struct escalation_rules rules;
    enum escalation_code c;
    struct escalation e;

    if ((t = tenant_of(g, uid, object, ret)) == NULL)
        return TS_OK;
    rules = (struct escalation_rules){.quorum = t->breakglass_people,
                                      .max_s = t->breakglass_max_s};
    c = escalation_accept(&who, object, &rules, gate_now(g).unix_ms / 1000, &e,
                          &by);
    if (c != ESCALATION_OK) {
        reply(ret, escalation_code_name(c), escalation_code_text(c));
        return TS_OK;
    }
    if (is_known(g, object, &e, ret) || !fits(g, &e, t, ret, &policies))
        return TS_OK;
    return begin(g, uid, object, &e, &by, policies, ret);
}

ts_err breakglass_activate(struct gate *g, uint32_t uid, struct ts_bytes object,
                           struct breakglass_reply *ret)
{
    ts_err e;

    *ret = (struct breakglass_reply){.m = {.id = {0}}};
    if (!order_out_has_room_behind(g, 1))
        return TS_E_AGAIN; /* an entry, and a record of any length */
    e = activate(g, uid, object, ret);
    if (e == TS_OK && !ts_str_eq_c(ret->m.code, "ok"))
        breakglass_refused(g, uid, object, ret->m.code);
    return e;
}
