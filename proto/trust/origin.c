#include "proto/trust/origin.h"

#include "proto/base/ts_mem.h"
#include "proto/trust/id.h"
#include "proto/trust/signed_priv.h"
#include "proto/trust/smp.h"
#include "proto/wire/limits.h"
#include "proto/wire/mp_write.h"

#define ORIGIN_VERSION 1
#define ORIGIN_ARITY   7

static const char *const names[] = {"user", "schedule", "webhook", "agent"};

const char *origin_kind_name(enum origin_kind k)
{
    return names[k - ORIGIN_USER];
}

bool origin_kind_parse(struct ts_str name, enum origin_kind *ret)
{
    for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!ts_str_eq_c(name, names[i]))
            continue;
        *ret = (enum origin_kind)(ORIGIN_USER + i);
        return true;
    }
    return false;
}

static enum trust_code check(const struct origin *o)
{
    if (!trust_id_valid(o->tenant))
        return TRUST_E_ID;
    if (o->kind < ORIGIN_USER || o->kind > ORIGIN_AGENT ||
        o->prompt.len > ORIGIN_PROMPT_MAX)
        return TRUST_E_FORMAT;
    return o->iat < o->exp ? TRUST_OK : TRUST_E_TIME;
}

enum trust_code origin_decode(struct ts_bytes body, struct origin *ret)
{
    struct origin o;
    enum trust_code c;
    uint64_t kind;
    struct smp s;

    smp_init(&s, body);
    if ((c = smp_begin(&s, ORIGIN_ARITY, ORIGIN_VERSION)) != TRUST_OK)
        return c;
    o.tenant = smp_str(&s, TS_ID_MAX);
    smp_bin_exact(&s, o.grant_id, sizeof(o.grant_id));
    kind = smp_uint(&s);
    o.prompt = smp_str(&s, ORIGIN_PROMPT_MAX);
    o.iat = smp_uint(&s);
    o.exp = smp_uint(&s);
    if ((c = smp_done(&s)) != TRUST_OK)
        return c;
    if (kind > ORIGIN_AGENT)
        return TRUST_E_FORMAT;
    o.kind = (enum origin_kind)kind;
    if ((c = check(&o)) != TRUST_OK)
        return c;
    *ret = o;
    return TRUST_OK;
}

static ts_err write_body(const struct origin *o, uint8_t *body, size_t cap,
                         size_t *ret_len)
{
    struct mp_writer w;

    mp_writer_init(&w, body, cap);
    mp_write_array(&w, ORIGIN_ARITY);
    mp_write_uint(&w, ORIGIN_VERSION);
    mp_write_str(&w, o->tenant.ptr, o->tenant.len);
    mp_write_bin(&w, o->grant_id, sizeof(o->grant_id));
    mp_write_uint(&w, (uint64_t)o->kind);
    mp_write_str(&w, o->prompt.ptr, o->prompt.len);
    mp_write_uint(&w, o->iat);
    mp_write_uint(&w, o->exp);
    return mp_written(&w, ret_len);
}

ts_err origin_make(const struct origin *o, const struct trust_secret *key,
                   struct ts_buf *out)
{
    uint8_t *body;
    size_t n;
    ts_err e;

    if (check(o) != TRUST_OK || !ts_utf8_valid(o->prompt.ptr, o->prompt.len))
        return TS_E_INVALID;
    body = ts_mem_alloc(SIGNED_ORIGIN_MAX);
    if (body == NULL)
        return TS_E_NOMEM;
    e = write_body(o, body, SIGNED_ORIGIN_MAX, &n);
    if (e == TS_OK)
        e = signed_make(SIGNED_ORIGIN, (struct ts_bytes){.ptr = body, .len = n},
                        key, out);
    ts_mem_free(body);
    return e;
}

enum trust_code origin_verify(const struct trust_store *store,
                              struct ts_bytes in, uint64_t now,
                              struct origin *ret)
{
    const struct trust_key *key;
    struct signed_object s;
    struct origin o;
    enum trust_code c;

    c = signed_open(SIGNED_ORIGIN, store, SIGNED_ROLE(TRUST_ROLE_ISSUER), in,
                    &s, &key);
    if (c != TRUST_OK || (c = origin_decode(s.body, &o)) != TRUST_OK)
        return c;
    if (!ts_str_eq(o.tenant, key->tenant))
        return TRUST_E_TENANT;
    if (!signed_in_window(key, o.iat))
        return TRUST_E_ISSUER;
    if (o.iat > now && o.iat - now > TS_SKEW_S)
        return TRUST_E_TIME;
    if (o.exp - o.iat > TS_TTL_HARD_S)
        return TRUST_E_TTL;
    if (now >= o.exp)
        return TRUST_E_EXPIRED;
    *ret = o;
    return TRUST_OK;
}
