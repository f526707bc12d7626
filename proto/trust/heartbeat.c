#include "proto/trust/heartbeat.h"

#include "proto/trust/id.h"
#include "proto/trust/signed_priv.h"
#include "proto/trust/smp.h"
#include "proto/wire/limits.h"
#include "proto/wire/mp_write.h"

#define HEARTBEAT_VERSION 1

static enum trust_code check(const struct heartbeat *h)
{
    if (!trust_id_valid(h->tenant))
        return TRUST_E_ID;
    if (h->seq == 0)
        return TRUST_E_FORMAT;
    return h->issued < h->not_after ? TRUST_OK : TRUST_E_TIME;
}

enum trust_code heartbeat_decode(struct ts_bytes body, struct heartbeat *ret)
{
    struct heartbeat h;
    enum trust_code c;
    struct smp s;

    smp_init(&s, body);
    if ((c = smp_begin(&s, 6, HEARTBEAT_VERSION)) != TRUST_OK)
        return c;
    h.tenant = smp_str(&s, TS_ID_MAX);
    h.seq = smp_uint(&s);
    smp_bin_exact(&s, h.snapshot_hash, sizeof(h.snapshot_hash));
    h.issued = smp_uint(&s);
    h.not_after = smp_uint(&s);
    if ((c = smp_done(&s)) != TRUST_OK || (c = check(&h)) != TRUST_OK)
        return c;
    *ret = h;
    return TRUST_OK;
}

ts_err heartbeat_make(const struct heartbeat *h, const struct trust_secret *key,
                      struct ts_buf *out)
{
    uint8_t body[SIGNED_HEARTBEAT_MAX];
    struct mp_writer w;
    size_t n;
    ts_err e;

    if (check(h) != TRUST_OK)
        return TS_E_INVALID;
    mp_writer_init(&w, body, sizeof(body));
    mp_write_array(&w, 6);
    mp_write_uint(&w, HEARTBEAT_VERSION);
    mp_write_str(&w, h->tenant.ptr, h->tenant.len);
    mp_write_uint(&w, h->seq);
    mp_write_bin(&w, h->snapshot_hash, sizeof(h->snapshot_hash));
    mp_write_uint(&w, h->issued);
    mp_write_uint(&w, h->not_after);
    e = mp_written(&w, &n);
    if (e != TS_OK)
        return e;
    return signed_make(SIGNED_HEARTBEAT,
                       (struct ts_bytes){.ptr = body, .len = n}, key, out);
}

enum trust_code heartbeat_verify(const struct trust_store *store,
                                 struct ts_bytes in, uint64_t now,
                                 struct heartbeat *ret)
{
    const struct trust_key *key;
    struct signed_object o;
    struct heartbeat h;
    enum trust_code c;

    c = signed_open(SIGNED_HEARTBEAT, store, SIGNED_ROLE(TRUST_ROLE_DIRECTORY),
                    in, &o, &key);
    if (c != TRUST_OK || (c = heartbeat_decode(o.body, &h)) != TRUST_OK)
        return c;
    if (!ts_str_eq(h.tenant, key->tenant))
        return TRUST_E_TENANT;
    if (!signed_in_window(key, h.issued))
        return TRUST_E_ISSUER;
    if (h.issued > now && h.issued - now > TS_SKEW_S)
        return TRUST_E_TIME; /* from the future is not fresh */
    if (now >= h.not_after)
        return TRUST_E_EXPIRED;
    *ret = h;
    return TRUST_OK;
}
