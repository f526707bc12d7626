#include "proto/trust/agent_cert.h"

#include <string.h>

#include "proto/trust/id.h"
#include "proto/trust/signed_priv.h"
#include "proto/trust/smp.h"
#include "proto/wire/limits.h"
#include "proto/wire/mp_write.h"

#define CERT_VERSION 1

static enum trust_code check(const struct agent_cert *c)
{
    if (!trust_id_valid(c->tenant) || !trust_id_valid(c->agent))
        return TRUST_E_ID;
    if (c->nbf >= c->exp)
        return TRUST_E_TIME;
    return trust_pk_check(c->pk) == TS_OK ? TRUST_OK : TRUST_E_KEY;
}

enum trust_code agent_cert_decode(struct ts_bytes body, struct agent_cert *ret)
{
    struct agent_cert a;
    enum trust_code c;
    struct smp s;

    smp_init(&s, body);
    if ((c = smp_begin(&s, 6, CERT_VERSION)) != TRUST_OK)
        return c;
    a.tenant = smp_str(&s, TS_ID_MAX);
    a.agent = smp_str(&s, TS_ID_MAX);
    smp_bin_exact(&s, a.pk, sizeof(a.pk));
    a.nbf = smp_uint(&s);
    a.exp = smp_uint(&s);
    if ((c = smp_done(&s)) != TRUST_OK || (c = check(&a)) != TRUST_OK)
        return c;
    *ret = a;
    return TRUST_OK;
}

enum trust_code agent_cert_decode_to_show(struct ts_bytes in,
                                          struct agent_cert *ret,
                                          uint8_t ret_kid[TRUST_KID_LEN])
{
    struct signed_object o;
    enum trust_code c = signed_split(SIGNED_AGENT_CERT, in, &o);

    if (c != TRUST_OK || (c = agent_cert_decode(o.body, ret)) != TRUST_OK)
        return c;
    memcpy(ret_kid, o.kid, TRUST_KID_LEN);
    return TRUST_OK;
}

ts_err agent_cert_make(const struct agent_cert *c,
                       const struct trust_secret *key, struct ts_buf *out)
{
    uint8_t body[SIGNED_AGENT_CERT_MAX];
    struct mp_writer w;
    size_t n;
    ts_err e;

    if (check(c) != TRUST_OK)
        return TS_E_INVALID;
    mp_writer_init(&w, body, sizeof(body));
    mp_write_array(&w, 6);
    mp_write_uint(&w, CERT_VERSION);
    mp_write_str(&w, c->tenant.ptr, c->tenant.len);
    mp_write_str(&w, c->agent.ptr, c->agent.len);
    mp_write_bin(&w, c->pk, sizeof(c->pk));
    mp_write_uint(&w, c->nbf);
    mp_write_uint(&w, c->exp);
    e = mp_written(&w, &n);
    if (e != TS_OK)
        return e;
    return signed_make(SIGNED_AGENT_CERT,
                       (struct ts_bytes){.ptr = body, .len = n}, key, out);
}

bool agent_cert_signer(const struct trust_key *key, struct ts_str tenant,
                       uint64_t nbf)
{
    return key != NULL && !key->disabled &&
           (key->role == TRUST_ROLE_ISSUER ||
            key->role == TRUST_ROLE_DIRECTORY) &&
           ts_str_eq(key->tenant, tenant) && signed_in_window(key, nbf);
}

enum trust_code agent_cert_verify(const struct trust_store *store,
                                  struct ts_bytes in, struct agent_cert *ret,
                                  uint8_t ret_kid[TRUST_KID_LEN])
{
    const struct trust_key *key;
    struct signed_object o;
    struct agent_cert a;

    if (signed_split(SIGNED_AGENT_CERT, in, &o) != TRUST_OK)
        return TRUST_E_AGENT;
    key = trust_store_kid(store, o.kid);
    if (key == NULL ||
        signed_verify(SIGNED_AGENT_CERT, &o, key->pk) != TRUST_OK ||
        agent_cert_decode(o.body, &a) != TRUST_OK ||
        !agent_cert_signer(key, a.tenant, a.nbf))
        return TRUST_E_AGENT;
    *ret = a;
    memcpy(ret_kid, o.kid, TRUST_KID_LEN);
    return TRUST_OK;
}
