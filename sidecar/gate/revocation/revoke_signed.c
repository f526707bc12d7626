#include "sidecar/gate/revocation/revoke_signed.h"

#include "proto/trust/delegation.h"
#include "proto/trust/revocation_person.h"
#include "proto/trust/signed.h"
#include "proto/wire/limits.h"
#include "sidecar/common/log.h"
#include "sidecar/gate/asking/approvals_priv.h"
#include "sidecar/gate/decide/decide.h"
#include "sidecar/gate/people/snapshot.h"
#include "sidecar/gate/steps/revoke_rate.h"

_Static_assert(TS_REVOCATION_MAX == SIGNED_REVOCATION_MAX,
               "what a message may carry is what can be signed");

bool operator_of_all(const struct gate *g, uint32_t uid)
{
    for (uint32_t i = 0; i < g->settings.admin_uid_count; i++) {
        if (g->settings.admin_uids[i] == uid)
            return true;
    }
    return false;
}

bool operator_may(const struct gate *g, uint32_t uid, struct ts_str tenant)
{
    if (operator_of_all(g, uid))
        return true;
    for (uint32_t i = 0; i < g->settings.tenant_operator_count; i++) {
        const struct control_operator *o = &g->settings.tenant_operators[i];

        if (o->uid == uid && ts_str_eq(o->tenant, tenant))
            return true;
    }
    return false;
}

bool operator_of_any(const struct gate *g, uint32_t uid)
{
    if (operator_of_all(g, uid))
        return true;
    for (uint32_t i = 0; i < g->settings.tenant_operator_count; i++) {
        if (g->settings.tenant_operators[i].uid == uid)
            return true;
    }
    return false;
}

static struct revoke_request request_of(const struct revocation_record *r,
                                        const char *by, uint32_t by_uid,
                                        const uint8_t *kid)
{
    return (struct revoke_request){.kind = r->kind,
                                   .tenant = r->tenant,
                                   .target = r->target,
                                   .cutoff = r->cutoff,
                                   .keep_until = r->keep_until,
                                   .reason = r->reason,
                                   .by = by,
                                   .by_uid = by_uid,
                                   .signer = kid};
}

static ts_err deny(struct revoke_refusal *ret, const char *code,
                   const char *text)
{
    *ret = (struct revoke_refusal){.code = code, .text = text};
    return TS_E_DENIED;
}

/* From whom it is, and what they want. */
struct signed_by {
    struct revocation_record r;
    const char *by;
    const uint8_t *kid;
};

/* One of those who signed an escalation that is known here ends it. What is not
 * known is nobody's: ids cannot be made up, and fill nothing. */
static enum trust_code by_signer(struct gate *g, struct ts_bytes record,
                                 struct signed_by *ret)
{
    const struct approval_people who = approvals_people(g);
    const struct escalated *x;
    struct revocation_person o;
    struct revocation_record r;
    struct approver by;
    enum trust_code c = revocation_person_verify(&who, record, &r, &by);

    if (c != TRUST_OK || (c = revocation_person_split(record, &o)) != TRUST_OK)
        return c;
    *ret = (struct signed_by){.r = r, .by = "signer", .kid = o.kid};
    x = escalations_find(&g->escalations, r.tenant, r.target.ptr);
    if (x == NULL && revoked_escalation(g, r.tenant, r.target.ptr)) {
        ret->r.keep_until = 0; /* said once more: nothing new */
        return TRUST_OK;
    }
    if (x == NULL || !escalated_is_signer(x, by.person) ||
        who.revoked(who.ctx, &by, x->nbf))
        return TRUST_E_ISSUER;
    /* as the end of every other: nobody else's memory */
    ret->r.keep_until = x->info.expires + ESCALATION_KEEP_ENDED_S;
    return TRUST_OK;
}

static enum trust_code verify(struct gate *g, struct ts_bytes record,
                              struct signed_by *ret)
{
    enum revocation_signer by;
    enum trust_code as_signer;
    struct revocation_person p;
    struct revocation_record r;
    struct signed_object o;
    enum trust_code c = revocation_record_verify(
        g->snapshot->store, record, gate_now(g).unix_ms / 1000, &r, &by);

    if (c == TRUST_OK)
        c = signed_split(SIGNED_REVOCATION, record, &o);
    if (c == TRUST_OK) {
        *ret = (struct signed_by){.r = r, .by = "operator", .kid = o.kid};
        return TRUST_OK;
    }
    if ((as_signer = by_signer(g, record, ret)) == TRUST_OK)
        return TRUST_OK;
    /* Only a person signs with ssh: then it is for the person to hear. */
    return revocation_person_split(record, &p) == TRUST_OK &&
                   p.sig.len != TRUST_SIG_LEN
               ? as_signer
               : c;
}

ts_err revoke_by_operator(struct gate *g, struct admin *a, uint32_t uid,
                          struct ts_bytes record, struct revoke_refusal *reterr)
{
    struct revoke_asker asker = {.admin = a};
    struct signed_by s;
    struct revoke_request q;
    enum trust_code c;
    ts_err e;

    if ((e = revoke_ready(g, true)) == TS_E_AGAIN)
        return e;
    if (e != TS_OK)
        return deny(reterr, "audit_unavailable",
                    "the revocation could not be recorded");
    c = verify(g, record, &s);
    if (c == TRUST_E_ISSUER || c == TRUST_E_SIG || c == TRUST_E_TENANT) {
        log_event(LOG_WARN, "revocation_refused uid=%u reason=%s", uid,
                  trust_code_name(c));
        return deny(
            reterr, "auth_failed",
            "the record is not signed by a key that may revoke this "
            "here; revokers are listed in the tenant's trust.yaml, and who "
            "signed an escalation that is in force may end it");
    }
    if (c != TRUST_OK)
        return deny(reterr, "bad_arguments", trust_code_text(c));
    if (snapshot_tenant_find(g->snapshot, s.r.tenant) == NULL)
        return deny(reterr, "bad_arguments", "tenant is not configured here");
    if (!operator_may(g, uid, s.r.tenant))
        return deny(reterr, "denied", "your uid may not act for this tenant");
    q = request_of(&s.r, s.by, uid, s.kid);
    e = revoke_apply(g, &q, asker);
    if (e == TS_OK || e == TS_E_AGAIN)
        return e;
    return deny(reterr, "internal", "out of memory");
}

/* The chain that proves who handed on to whom. That it was revoked already is
 * no objection: the same order may come twice. */
static const char *evidence_flaw(struct client *c, struct ts_bytes chain,
                                 struct delegation *ret)
{
    struct gate *g = c->gate;
    const struct snapshot_tenant *t =
        snapshot_tenant_find(g->snapshot, c->authority->tenant);
    enum trust_code why;
    struct trust_config cfg;

    if (t == NULL)
        return "tenant";
    cfg = t->trust;
    cfg.revoked = NULL;
    ts_arena_reset(&g->arena);
    why = delegation_decode_verify(&cfg, chain.ptr, chain.len,
                                   gate_now(g).unix_ms / 1000, &g->arena, ret);
    if (why != TRUST_OK)
        return trust_code_name(why);
    return ts_str_eq(ret->tenant, t->name) ? NULL : "tenant";
}

ts_err revoke_by_holder(struct client *c, uint64_t seq, struct ts_bytes record,
                        struct ts_bytes chain)
{
    struct gate *g = c->gate;
    struct revoke_asker asker = {.client = c, .seq = seq};
    struct revocation_record r;
    struct signed_object o;
    struct revoke_request q;
    struct delegation d;
    const char *why;
    ts_err e = revoke_ready(g, false);

    if (e != TS_OK)
        return e;
    g->verified_this_turn++;
    why = evidence_flaw(c, chain, &d);
    if (why == NULL &&
        (revocation_record_verify_holder(&d, record, &r) != TRUST_OK ||
         signed_split(SIGNED_REVOCATION, record, &o) != TRUST_OK))
        why = "signature";
    if (why != NULL) {
        log_event(LOG_WARN, "revocation_refused uid=%u reason=%s", c->uid, why);
        return TS_E_AUTH;
    }
    e = revoke_rate_take(&g->revoke_rate, d.tenant, d.blocks[0].holder,
                         gate_now(g).boot_ns);
    if (e != TS_OK)
        return e;
    q = request_of(&r, "holder", c->uid, o.kid);
    return revoke_apply(g, &q, asker);
}

/* Does the table say all of it already? Nobody's signature is needed then. */
static bool is_known(const struct gate *g, const struct revocation_record *r)
{
    struct revocation_state known;

    return revocations_get(&g->revoked, r->kind, r->tenant, r->target,
                           &known) &&
           (revocation_by_id(r->kind) || r->cutoff <= known.cutoff) &&
           r->keep_until <= known.keep_until;
}

ts_err revoke_by_directory(struct gate *g, const struct trust_store *store,
                           struct ts_str tenant, struct ts_bytes record,
                           bool *ret_new)
{
    uint64_t now_s = gate_now(g).unix_ms / 1000;
    struct revocation_record r;
    enum revocation_signer by;
    struct signed_object o;
    struct revoke_request q;

    if (signed_split(SIGNED_REVOCATION, record, &o) != TRUST_OK ||
        revocation_record_decode(o.body, &r) != TRUST_OK ||
        !ts_str_eq(r.tenant, tenant) || r.kind == REVOCATION_SESSION)
        return TS_E_AUTH;
    *ret_new = false;
    if (is_known(g, &r) || r.keep_until < now_s)
        return TS_OK;
    if (revocation_record_verify(store, record, now_s, &r, &by) != TRUST_OK)
        return TS_E_AUTH;
    q = request_of(&r, "directory", 0, o.kid);
    return revoke_enter(g, &q, ret_new);
}
