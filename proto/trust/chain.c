/* The wire form of chains: framing, payloads, signing inputs. What a field may
 * say is delegation.c's. */
#include <sodium.h>
#include <string.h>

#include "proto/trust/chain_priv.h"
#include "proto/trust/pae.h"
#include "proto/trust/smp.h"

static void split_blocks(struct smp *s, struct chain_frame *f)
{
    for (size_t i = 0; i < f->count; i++) {
        smp_tuple(s, 2);
        f->blocks[i].payload = smp_bin(s, TS_PAYLOAD_MAX);
        f->blocks[i].sig = smp_bin_ref(s, TRUST_SIG_LEN);
    }
}

enum trust_code chain_split(struct ts_bytes chain, struct chain_frame *ret)
{
    struct chain_frame f = {0};
    struct smp s;
    uint32_t fields;
    uint64_t version;
    enum trust_code c;

    if (chain.len > TS_CHAIN_MAX)
        return TRUST_E_LIMIT;
    smp_init(&s, chain);
    fields = smp_array(&s);
    version = smp_uint(&s);
    if ((c = smp_error(&s)) != TRUST_OK)
        return c;
    if (version != CHAIN_VERSION) /* before arity, which may differ then */
        return TRUST_E_VERSION;
    if (fields != 3)
        return TRUST_E_FORMAT;
    f.kid = smp_bin_ref(&s, TRUST_KID_LEN);
    f.count = smp_array(&s);
    if ((c = smp_error(&s)) != TRUST_OK)
        return c;
    if (f.count == 0)
        return TRUST_E_FORMAT;
    if (f.count > TS_BLOCKS_MAX)
        return TRUST_E_DEPTH;
    split_blocks(&s, &f);
    if ((c = smp_done(&s)) != TRUST_OK)
        return c;
    *ret = f;
    return TRUST_OK;
}

static enum trust_code decode_attrs(struct smp *s, struct delegation *d)
{
    uint32_t n = smp_array(s);
    enum trust_code c = smp_error(s);

    if (c != TRUST_OK)
        return c;
    if (n > TS_ATTRS_MAX)
        return TRUST_E_LIMIT;
    for (uint32_t i = 0; i < n; i++) {
        struct delegation_attr *a = &d->attrs[i];

        smp_tuple(s, 2);
        a->key = smp_str(s, TS_ATTR_KEY_MAX);
        a->value = smp_str(s, TS_ATTR_VALUE_MAX);
        if ((c = smp_error(s)) != TRUST_OK)
            return c;
        if (i > 0 && ts_str_cmp(d->attrs[i - 1].key, a->key) >= 0)
            return TRUST_E_FORMAT;
    }
    d->attr_count = n;
    return TRUST_OK;
}

/* Type first: a payload in the wrong place is told as that, whatever its
 * arity. */
static enum trust_code decode_head(struct smp *s, uint64_t type, uint32_t len)
{
    uint32_t fields = smp_array(s);
    uint64_t got = smp_uint(s);
    enum trust_code c = smp_error(s);

    if (c != TRUST_OK)
        return c;
    if (got != type)
        return TRUST_E_TYPE;
    return fields == len ? TRUST_OK : TRUST_E_FORMAT;
}

/* Any depth over the limit is refused later as E_DEPTH; here it only must not
 * wrap into a small one. */
static uint32_t clamp_depth(uint64_t v)
{
    return v <= UINT32_MAX ? (uint32_t)v : UINT32_MAX;
}

static enum trust_code decode_root(struct smp *s, struct delegation *d)
{
    struct delegation_block *b = &d->blocks[0];
    enum trust_code c = decode_head(s, CHAIN_ROOT, CHAIN_ROOT_LEN);

    if (c != TRUST_OK)
        return c;
    smp_bin_exact(s, d->grant_id, sizeof(d->grant_id));
    d->tenant = smp_str(s, TS_ID_MAX);
    d->issuer = smp_str(s, TS_ID_MAX);
    d->user = smp_str(s, TS_ID_MAX);
    b->agent = smp_str(s, TS_ID_MAX);
    smp_bin_exact(s, b->holder, sizeof(b->holder));
    d->aud = smp_str(s, TS_ID_MAX);
    d->task = smp_str(s, TS_ID_MAX);
    b->iat = smp_uint(s);
    b->nbf = smp_uint(s);
    b->exp = smp_uint(s);
    b->depth = clamp_depth(smp_uint(s));
    d->max_calls = smp_uint(s);
    b->policies = smp_str(s, TS_BLOCK_POLICY_MAX);
    return decode_attrs(s, d);
}

static enum trust_code decode_link(struct smp *s, struct delegation_block *b)
{
    uint8_t nonce[CHAIN_GRANT_LEN]; /* makes the block's id unique, no more */
    enum trust_code c = decode_head(s, CHAIN_LINK, CHAIN_LINK_LEN);

    if (c != TRUST_OK)
        return c;
    smp_bin_exact(s, nonce, sizeof(nonce));
    b->agent = smp_str(s, TS_ID_MAX);
    smp_bin_exact(s, b->holder, sizeof(b->holder));
    b->iat = smp_uint(s);
    b->nbf = smp_uint(s);
    b->exp = smp_uint(s);
    b->depth = clamp_depth(smp_uint(s));
    b->policies = smp_str(s, TS_BLOCK_POLICY_MAX);
    b->cert = smp_bin(s, TS_CERT_MAX);
    return smp_error(s);
}

enum trust_code chain_decode_payload(struct ts_bytes payload, size_t i,
                                     struct delegation *d)
{
    struct smp s;
    enum trust_code c;

    smp_init(&s, payload);
    c = i == 0 ? decode_root(&s, d) : decode_link(&s, &d->blocks[i]);
    return c != TRUST_OK ? c : smp_done(&s);
}

void chain_anchor(const uint8_t issuer_pk[TRUST_PK_LEN],
                  uint8_t ret[TRUST_HASH_LEN])
{
    const struct ts_bytes part = {.ptr = issuer_pk, .len = TRUST_PK_LEN};

    pae_hash(ret, TRUST_HASH_LEN, PAE_PREFIX "anchor", &part, 1);
}

void chain_block_id(const uint8_t prev[TRUST_HASH_LEN], struct ts_bytes payload,
                    uint8_t ret[TRUST_HASH_LEN])
{
    const struct ts_bytes parts[] = {{.ptr = prev, .len = TRUST_HASH_LEN},
                                     payload};
    uint8_t id[TRUST_HASH_LEN];

    pae_hash(id, sizeof(id), PAE_PREFIX "link", parts, 2);
    memcpy(ret, id, sizeof(id)); /* ret may be prev */
}

static const char *block_context(size_t i)
{
    return i == 0 ? PAE_PREFIX "grant-root" : PAE_PREFIX "grant-link";
}

size_t chain_signed(uint8_t *out, size_t cap, size_t i,
                    const uint8_t prev[TRUST_HASH_LEN], struct ts_bytes payload)
{
    const struct ts_bytes parts[] = {{.ptr = prev, .len = TRUST_HASH_LEN},
                                     payload};

    return pae_encode(out, cap, block_context(i), parts, 2);
}

size_t chain_signed_head(size_t i)
{
    const struct ts_bytes parts[] = {{.len = TRUST_HASH_LEN}, {.len = 0}};

    return pae_size(block_context(i), parts, 2);
}

static enum trust_code verify_block(const struct chain_block *b, size_t i,
                                    const uint8_t *prev,
                                    const uint8_t *signer_pk)
{
    uint8_t msg[CHAIN_SIGNED_MAX];
    size_t n = chain_signed(msg, sizeof(msg), i, prev, b->payload);

    return crypto_sign_verify_detached(b->sig, msg, n, signer_pk) == 0
               ? TRUST_OK
               : TRUST_E_SIG;
}

/* Verifies, then decodes, block after block: no byte of a payload is looked at
 * before its signature held, and the next signer comes from the one before. */
enum trust_code chain_verify(const struct chain_frame *f,
                             const uint8_t *issuer_pk, struct delegation *d)
{
    const uint8_t *signer = issuer_pk;
    uint8_t prev[TRUST_HASH_LEN];
    enum trust_code c;

    chain_anchor(issuer_pk, prev);
    for (size_t i = 0; i < f->count; i++) {
        const struct chain_block *b = &f->blocks[i];

        if ((c = verify_block(b, i, prev, signer)) != TRUST_OK ||
            (c = chain_decode_payload(b->payload, i, d)) != TRUST_OK)
            return c;
        chain_block_id(prev, b->payload, prev);
        memcpy(d->blocks[i].id, prev, sizeof(prev));
        signer = d->blocks[i].holder;
    }
    d->block_count = f->count;
    memcpy(d->kid, f->kid, TRUST_KID_LEN);
    return TRUST_OK;
}

void delegation_chain_hash(const uint8_t *chain, size_t len,
                           uint8_t ret[TRUST_HASH_LEN])
{
    const struct ts_bytes part = {.ptr = chain, .len = len};

    pae_hash(ret, TRUST_HASH_LEN, PAE_PREFIX "chain", &part, 1);
}
