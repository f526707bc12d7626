/*
 * Judges a chain once: bytes, signatures, fields. Order is part of the format
 * (docs/DELEGATION.md section 5): signature before content, format before
 * meaning. What changes with time is delegation_now.c's.
 */
#include "proto/trust/delegation.h"

#include <string.h>

#include "proto/trust/agent_cert.h"
#include "proto/trust/chain_priv.h"
#include "proto/trust/id.h"
#include "proto/trust/store.h"

static enum trust_code copy_chain(const uint8_t *chain, size_t len,
                                  struct ts_arena *arena, struct ts_bytes *ret)
{
    void *p;

    if (len > TS_CHAIN_MAX)
        return TRUST_E_LIMIT;
    if (ts_arena_alloc(arena, len > 0 ? len : 1, &p) != TS_OK)
        return TRUST_E_INTERNAL;
    if (len > 0)
        memcpy(p, chain, len);
    *ret = (struct ts_bytes){.ptr = p, .len = len};
    return TRUST_OK;
}

static bool audience_known(const struct trust_config *cfg, struct ts_str aud)
{
    for (size_t i = 0; i < cfg->audience_count; i++)
        if (ts_str_eq(cfg->audiences[i], aud))
            return true;
    return false;
}

static enum trust_code check_root(const struct trust_config *cfg,
                                  const struct trust_key *issuer,
                                  const struct delegation *d)
{
    const struct delegation_block *b = &d->blocks[0];
    const struct trust_tenant *tenant;

    if (!trust_id_valid(d->tenant) || !trust_id_valid(d->issuer) ||
        !trust_id_valid(d->user) || !trust_id_valid(b->agent) ||
        !trust_id_valid(d->aud) || !trust_id_valid(d->task))
        return TRUST_E_ID;
    tenant = trust_store_tenant(cfg->store, d->tenant);
    if (tenant == NULL || !ts_str_eq(d->tenant, issuer->tenant))
        return TRUST_E_TENANT;
    if (!ts_str_eq(d->issuer, issuer->name))
        return TRUST_E_ISSUER;
    if (!audience_known(cfg, d->aud))
        return TRUST_E_AUD;
    if (b->nbf >= b->exp || b->iat >= b->exp)
        return TRUST_E_TIME;
    if (b->exp - b->iat > tenant->max_ttl_s)
        return TRUST_E_TTL;
    return b->depth <= TS_DEPTH_MAX ? TRUST_OK : TRUST_E_DEPTH;
}

static enum trust_code check_link(const struct delegation_block *parent,
                                  const struct delegation_block *b)
{
    if (!trust_id_valid(b->agent))
        return TRUST_E_ID;
    if (b->nbf >= b->exp)
        return TRUST_E_TIME;
    return b->depth < parent->depth ? TRUST_OK : TRUST_E_DEPTH;
}

/* A holder that stood earlier in the chain would separate nothing. */
static bool holder_repeats(const struct delegation *d, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (memcmp(d->blocks[k].holder, d->blocks[i].holder, TRUST_PK_LEN) == 0)
            return true;
    return false;
}

/* What a certificate says must be what its link says; who signed it is asked of
 * the same store. What changes with time is delegation_now.c's. */
static enum trust_code check_cert(const struct trust_config *cfg,
                                  const struct delegation *d,
                                  struct delegation_block *b)
{
    struct agent_cert a;

    if (b->cert.len == 0)
        return TRUST_OK;
    if (agent_cert_verify(cfg->store, b->cert, &a, b->cert_kid) != TRUST_OK ||
        !ts_str_eq(a.tenant, d->tenant) || !ts_str_eq(a.agent, b->agent) ||
        memcmp(a.pk, b->holder, TRUST_PK_LEN) != 0)
        return TRUST_E_AGENT;
    b->cert_nbf = a.nbf;
    b->cert_exp = a.exp;
    return TRUST_OK;
}

static enum trust_code check_block(const struct trust_config *cfg,
                                   const struct trust_key *issuer,
                                   struct delegation *d, size_t i)
{
    struct delegation_block *b = &d->blocks[i];
    enum trust_code c =
        i == 0 ? check_root(cfg, issuer, d) : check_link(&d->blocks[i - 1], b);

    if (c != TRUST_OK)
        return c;
    if (b->policies.len == 0) /* would it mean all or nothing? */
        return TRUST_E_POLICY;
    if (trust_pk_check(b->holder) != TS_OK || holder_repeats(d, i))
        return TRUST_E_KEY;
    return check_cert(cfg, d, b);
}

struct chain_window chain_window(const struct delegation *d)
{
    struct chain_window w = {.expires = UINT64_MAX};

    for (size_t i = 0; i < d->block_count; i++) {
        const struct delegation_block *b = &d->blocks[i];

        if (b->iat > w.not_before)
            w.not_before = b->iat;
        if (b->nbf > w.not_before)
            w.not_before = b->nbf;
        if (b->exp < w.expires)
            w.expires = b->exp;
    }
    return w;
}

/* A certificate that was not verified (cert_exp 0) bounds nothing. */
static void set_window(struct delegation *d)
{
    struct chain_window w = chain_window(d);

    d->not_before = w.not_before;
    d->expires = w.expires;
    for (size_t i = 0; i < d->block_count; i++) {
        const struct delegation_block *b = &d->blocks[i];

        if (b->cert_exp != 0 && b->cert_nbf > d->not_before)
            d->not_before = b->cert_nbf;
        if (b->cert_exp != 0 && b->cert_exp < d->expires)
            d->expires = b->cert_exp;
    }
}

enum trust_code delegation_decode_verify(const struct trust_config *cfg,
                                         const uint8_t *chain, size_t len,
                                         uint64_t now, struct ts_arena *arena,
                                         struct delegation *ret)
{
    const struct trust_key *issuer;
    struct delegation d = {0};
    struct chain_frame f;
    enum trust_code c;

    if ((c = copy_chain(chain, len, arena, &d.chain)) != TRUST_OK ||
        (c = chain_split(d.chain, &f)) != TRUST_OK)
        return c;
    issuer = trust_store_kid(cfg->store, f.kid);
    if (issuer == NULL || issuer->role != TRUST_ROLE_ISSUER || issuer->disabled)
        return TRUST_E_ISSUER;
    if ((c = chain_verify(&f, issuer->pk, &d)) != TRUST_OK)
        return c;
    for (size_t i = 0; i < d.block_count; i++)
        if ((c = check_block(cfg, issuer, &d, i)) != TRUST_OK)
            return c;
    set_window(&d);
    delegation_chain_hash(d.chain.ptr, d.chain.len, d.chain_hash);
    if ((c = delegation_check_now(cfg, &d, now)) != TRUST_OK)
        return c;
    *ret = d;
    return TRUST_OK;
}

static enum trust_code decode_unsigned(const struct chain_frame *f,
                                       struct delegation *d)
{
    enum trust_code c;

    for (size_t i = 0; i < f->count; i++)
        if ((c = chain_decode_payload(f->blocks[i].payload, i, d)) != TRUST_OK)
            return c;
    d->block_count = f->count;
    memcpy(d->kid, f->kid, TRUST_KID_LEN);
    return TRUST_OK;
}

enum trust_code delegation_decode_to_show(const uint8_t *chain, size_t len,
                                          const uint8_t *issuer_pk,
                                          struct ts_arena *arena,
                                          struct delegation *ret)
{
    uint8_t kid[TRUST_KID_LEN];
    struct delegation d = {0};
    struct chain_frame f;
    enum trust_code c;

    if ((c = copy_chain(chain, len, arena, &d.chain)) != TRUST_OK ||
        (c = chain_split(d.chain, &f)) != TRUST_OK)
        return c;
    if (issuer_pk != NULL) {
        trust_kid(issuer_pk, kid);
        if (memcmp(kid, f.kid, sizeof(kid)) != 0)
            return TRUST_E_ISSUER;
        c = chain_verify(&f, issuer_pk, &d);
    } else {
        c = decode_unsigned(&f, &d);
    }
    if (c != TRUST_OK)
        return c;
    set_window(&d);
    delegation_chain_hash(d.chain.ptr, d.chain.len, d.chain_hash);
    *ret = d;
    return TRUST_OK;
}

const struct delegation_block *delegation_leaf(const struct delegation *d)
{
    return &d->blocks[d->block_count - 1];
}
