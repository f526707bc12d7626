/* Break-glass escalations as bytes: one encoding of each, and its frame. */
#include "proto/trust/escalation.h"

#include <string.h>

#include "proto/trust/id.h"
#include "proto/trust/smp.h"
#include "proto/trust/sshsig.h"
#include "proto/wire/mp_write.h"

#define ESCALATION_VERSION 1
#define ESCALATION_FIELDS  13

const char *escalation_code_name(enum escalation_code c)
{
    static const char *const name[] = {"OK",
#define X(id, text) #id,
                                       ESCALATION_CODE_MAP(X)
#undef X
    };

    return (size_t)c < ESCALATION_CODE_COUNT_ ? name[c] : "UNKNOWN";
}

const char *escalation_code_text(enum escalation_code c)
{
    static const char *const texts[] = {"it is in force",
#define X(id, text) text,
                                        ESCALATION_CODE_MAP(X)
#undef X
    };

    return (size_t)c < ESCALATION_CODE_COUNT_ ? texts[c] : "unknown code";
}

static bool text_ok(struct ts_str s, size_t min, size_t max)
{
    return s.len >= min && s.len <= max && ts_utf8_valid(s.ptr, s.len);
}

/* Ascending: none is there twice, and of one list there is one encoding. */
static bool lifts_ok(const struct escalation *e)
{
    if (e->lift_count > ESCALATION_LIFTS_MAX)
        return false;
    for (uint32_t i = 0; i < e->lift_count; i++)
        if (!text_ok(e->lifts[i], 1, ESCALATION_LIFT_MAX) ||
            (i > 0 && ts_str_cmp(e->lifts[i - 1], e->lifts[i]) >= 0))
            return false;
    return true;
}

/* What must hold on both ways. */
static enum trust_code check(const struct escalation *e)
{
    if (!trust_id_valid(e->tenant) || !trust_id_valid(e->user) ||
        !trust_id_valid(e->agent) || !trust_id_valid(e->task))
        return TRUST_E_ID;
    if (!text_ok(e->policies, 0, ESCALATION_POLICIES_MAX) || !lifts_ok(e) ||
        e->policies.len + e->lift_count == 0 ||
        !text_ok(e->reason, ESCALATION_REASON_MIN, ESCALATION_REASON_MAX) ||
        !text_ok(e->incident, 0, ESCALATION_INCIDENT_MAX))
        return TRUST_E_FORMAT;
    if (e->exp <= e->nbf || e->exp - e->nbf > ESCALATION_TTL_HARD_S)
        return TRUST_E_FORMAT;
    return e->max_uses >= 1 && e->max_uses <= ESCALATION_USES_MAX
               ? TRUST_OK
               : TRUST_E_FORMAT;
}

static enum trust_code read_lifts(struct smp *s, struct escalation *e)
{
    uint32_t n = smp_array(s);

    if (smp_error(s) != TRUST_OK)
        return smp_error(s);
    if (n > ESCALATION_LIFTS_MAX)
        return TRUST_E_LIMIT;
    for (uint32_t i = 0; i < n; i++)
        e->lifts[i] = smp_str(s, ESCALATION_LIFT_MAX);
    e->lift_count = n;
    return TRUST_OK;
}

enum trust_code escalation_decode(struct ts_bytes body, struct escalation *ret)
{
    struct escalation e = {.lift_count = 0};
    enum trust_code c;
    uint64_t uses;
    struct smp s;

    if (body.len > ESCALATION_BODY_MAX)
        return TRUST_E_LIMIT;
    smp_init(&s, body);
    if ((c = smp_begin(&s, ESCALATION_FIELDS, ESCALATION_VERSION)) != TRUST_OK)
        return c;
    smp_bin_exact(&s, e.id, sizeof(e.id));
    e.tenant = smp_str(&s, TS_ID_MAX);
    e.user = smp_str(&s, TS_ID_MAX);
    e.agent = smp_str(&s, TS_ID_MAX);
    e.task = smp_str(&s, TS_ID_MAX);
    e.policies = smp_str(&s, ESCALATION_POLICIES_MAX);
    if ((c = read_lifts(&s, &e)) != TRUST_OK)
        return c;
    e.nbf = smp_uint(&s);
    e.exp = smp_uint(&s);
    uses = smp_uint(&s);
    e.reason = smp_str(&s, ESCALATION_REASON_MAX);
    e.incident = smp_str(&s, ESCALATION_INCIDENT_MAX);
    if ((c = smp_done(&s)) != TRUST_OK)
        return c;
    if (uses > ESCALATION_USES_MAX)
        return TRUST_E_LIMIT;
    e.max_uses = (uint32_t)uses;
    if ((c = check(&e)) != TRUST_OK)
        return c;
    *ret = e;
    return TRUST_OK;
}

ts_err escalation_body(const struct escalation *e, struct ts_buf *out)
{
    struct mp_writer w;
    uint8_t *room;
    size_t n;
    ts_err err;

    if (check(e) != TRUST_OK)
        return TS_E_INVALID;
    err = ts_buf_reserve(out, ESCALATION_BODY_MAX, &room);
    if (err != TS_OK)
        return err;
    mp_writer_init(&w, room, ESCALATION_BODY_MAX);
    mp_write_array(&w, ESCALATION_FIELDS);
    mp_write_uint(&w, ESCALATION_VERSION);
    mp_write_bin(&w, e->id, sizeof(e->id));
    mp_write_str(&w, e->tenant.ptr, e->tenant.len);
    mp_write_str(&w, e->user.ptr, e->user.len);
    mp_write_str(&w, e->agent.ptr, e->agent.len);
    mp_write_str(&w, e->task.ptr, e->task.len);
    mp_write_str(&w, e->policies.ptr, e->policies.len);
    mp_write_array(&w, e->lift_count);
    for (uint32_t i = 0; i < e->lift_count; i++)
        mp_write_str(&w, e->lifts[i].ptr, e->lifts[i].len);
    mp_write_uint(&w, e->nbf);
    mp_write_uint(&w, e->exp);
    mp_write_uint(&w, e->max_uses);
    mp_write_str(&w, e->reason.ptr, e->reason.len);
    mp_write_str(&w, e->incident.ptr, e->incident.len);
    err = mp_written(&w, &n);
    if (err == TS_OK)
        ts_buf_grew(out, n);
    return err;
}

/* ---- the object ---------------------------------------------------------- */

enum trust_code escalation_split(struct ts_bytes in,
                                 struct escalation_object *ret)
{
    struct escalation_object o = {.sig_count = 0};
    enum trust_code c;
    struct smp s;
    uint32_t n;

    if (in.len > ESCALATION_MAX)
        return TRUST_E_LIMIT;
    smp_init(&s, in);
    smp_tuple(&s, 2);
    o.body = smp_bin(&s, ESCALATION_BODY_MAX);
    n = smp_array(&s);
    if ((c = smp_error(&s)) != TRUST_OK)
        return c;
    if (n > ESCALATION_SIGS_MAX)
        return TRUST_E_LIMIT;
    for (uint32_t i = 0; i < n; i++) {
        smp_tuple(&s, 2);
        o.sigs[i].kid = smp_bin_ref(&s, TRUST_KID_LEN);
        o.sigs[i].sig = smp_bin(&s, SSHSIG_MAX);
        if ((c = smp_error(&s)) != TRUST_OK)
            return c;
        if (o.sigs[i].sig.len < TRUST_SIG_LEN ||
            (i > 0 &&
             memcmp(o.sigs[i - 1].kid, o.sigs[i].kid, TRUST_KID_LEN) >= 0))
            return TRUST_E_FORMAT;
    }
    o.sig_count = n;
    if ((c = smp_done(&s)) != TRUST_OK)
        return c;
    *ret = o;
    return TRUST_OK;
}

enum trust_code escalation_verify(const struct escalation_object *o, uint32_t i,
                                  const uint8_t pk[TRUST_PK_LEN])
{
    const struct escalation_sig *s = &o->sigs[i];
    uint8_t kid[TRUST_KID_LEN];
    struct sshsig ssh;
    enum trust_code c;

    if (s->sig.len == TRUST_SIG_LEN) {
        const struct signed_object raw = {
            .body = o->body, .kid = s->kid, .sig = s->sig.ptr};

        return signed_verify(SIGNED_ESCALATION, &raw, pk);
    }
    trust_kid(pk, kid);
    if (memcmp(kid, s->kid, sizeof(kid)) != 0)
        return TRUST_E_ISSUER;
    if ((c = sshsig_decode(s->sig, &ssh)) != TRUST_OK)
        return c;
    return sshsig_verify(&ssh, ESCALATION_SSH_NAMESPACE, o->body, pk);
}

ts_err escalation_sign(struct ts_bytes body, const struct trust_secret *key,
                       uint8_t ret_sig[TRUST_SIG_LEN])
{
    struct signed_object o;
    struct ts_buf made;
    ts_err e;

    ts_buf_init(&made, ESCALATION_MAX);
    e = signed_make(SIGNED_ESCALATION, body, key, &made);
    if (e == TS_OK &&
        signed_split(SIGNED_ESCALATION,
                     (struct ts_bytes){ts_buf_bytes(&made), made.len},
                     &o) != TRUST_OK)
        e = TS_E_INVALID;
    if (e == TS_OK)
        memcpy(ret_sig, o.sig, TRUST_SIG_LEN);
    ts_buf_done(&made);
    return e;
}

static void put_sig(struct mp_writer *w, const uint8_t *kid,
                    struct ts_bytes sig)
{
    mp_write_array(w, 2);
    mp_write_bin(w, kid, TRUST_KID_LEN);
    mp_write_bin(w, sig.ptr, sig.len);
}

ts_err escalation_join(const struct escalation_object *o, const uint8_t *kid,
                       struct ts_bytes sig, struct ts_buf *out)
{
    uint32_t count = o->sig_count + (kid != NULL ? 1u : 0u), at = 0;
    struct mp_writer w;
    uint8_t *room;
    size_t n;
    ts_err e;

    while (kid != NULL && at < o->sig_count &&
           memcmp(o->sigs[at].kid, kid, TRUST_KID_LEN) < 0)
        at++;
    if (kid != NULL && at < o->sig_count &&
        memcmp(o->sigs[at].kid, kid, TRUST_KID_LEN) == 0)
        return TS_E_EXISTS;
    if (count > ESCALATION_SIGS_MAX)
        return TS_E_LIMIT;
    if ((e = ts_buf_reserve(out, ESCALATION_MAX, &room)) != TS_OK)
        return e;
    mp_writer_init(&w, room, ESCALATION_MAX);
    mp_write_array(&w, 2);
    mp_write_bin(&w, o->body.ptr, o->body.len);
    mp_write_array(&w, count);
    for (uint32_t i = 0; i < o->sig_count; i++) {
        if (kid != NULL && i == at)
            put_sig(&w, kid, sig);
        put_sig(&w, o->sigs[i].kid, o->sigs[i].sig);
    }
    if (kid != NULL && at == o->sig_count)
        put_sig(&w, kid, sig);
    e = mp_written(&w, &n);
    if (e == TS_OK)
        ts_buf_grew(out, n);
    return e;
}
