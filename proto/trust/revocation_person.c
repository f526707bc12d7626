/* Who stands behind an escalation may end it. */
#include "proto/trust/revocation_person.h"

#include "proto/trust/smp.h"
#include "proto/trust/sshsig.h"
#include "proto/wire/mp_write.h"

enum trust_code revocation_person_split(struct ts_bytes in,
                                        struct revocation_person *ret)
{
    struct revocation_person o;
    enum trust_code c;
    struct smp s;

    if (in.len > SIGNED_REVOCATION_MAX)
        return TRUST_E_LIMIT;
    smp_init(&s, in);
    smp_tuple(&s, 3);
    o.body = smp_bin(&s, SIGNED_REVOCATION_MAX);
    o.kid = smp_bin_ref(&s, TRUST_KID_LEN);
    o.sig = smp_bin(&s, SSHSIG_MAX);
    if ((c = smp_done(&s)) != TRUST_OK)
        return c;
    if (o.sig.len < TRUST_SIG_LEN)
        return TRUST_E_FORMAT;
    *ret = o;
    return TRUST_OK;
}

static enum trust_code verify(const struct revocation_person *o,
                              const uint8_t pk[TRUST_PK_LEN])
{
    const struct signed_object raw = {
        .body = o->body, .kid = o->kid, .sig = o->sig.ptr};
    struct sshsig s;
    enum trust_code c;

    if (o->sig.len == TRUST_SIG_LEN)
        return signed_verify(SIGNED_REVOCATION, &raw, pk);
    if ((c = sshsig_decode(o->sig, &s)) != TRUST_OK)
        return c;
    return sshsig_verify(&s, REVOCATION_SSH_NAMESPACE, o->body, pk);
}

enum trust_code revocation_person_verify(const struct approval_people *who,
                                         struct ts_bytes in,
                                         struct revocation_record *ret,
                                         struct approver *ret_by)
{
    struct revocation_person o;
    struct revocation_record r;
    struct approver by;
    enum trust_code c = revocation_person_split(in, &o);

    if (c != TRUST_OK)
        return c;
    if (!who->find(who->ctx, o.kid, &by) || !by.active)
        return TRUST_E_ISSUER;
    if ((c = verify(&o, by.pk)) != TRUST_OK ||
        (c = revocation_record_decode(o.body, &r)) != TRUST_OK)
        return c;
    if (!ts_str_eq(r.tenant, by.tenant))
        return TRUST_E_TENANT;
    if (r.kind != REVOCATION_ESCALATION)
        return TRUST_E_ISSUER;
    *ret = r;
    *ret_by = by;
    return TRUST_OK;
}

ts_err revocation_person_join(struct ts_bytes body,
                              const uint8_t kid[TRUST_KID_LEN],
                              struct ts_bytes sig, struct ts_buf *out)
{
    struct mp_writer w;
    uint8_t *room;
    size_t n;
    ts_err e = ts_buf_reserve(out, SIGNED_REVOCATION_MAX, &room);

    if (e != TS_OK)
        return e;
    mp_writer_init(&w, room, SIGNED_REVOCATION_MAX);
    mp_write_array(&w, 3);
    mp_write_bin(&w, body.ptr, body.len);
    mp_write_bin(&w, kid, TRUST_KID_LEN);
    mp_write_bin(&w, sig.ptr, sig.len);
    if (mp_written(&w, &n) != TS_OK)
        return TS_E_LIMIT;
    ts_buf_grew(out, n);
    return TS_OK;
}
