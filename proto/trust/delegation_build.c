#include "proto/trust/delegation_build.h"

#include <sodium.h>
#include <string.h>

#include "proto/base/ts_require.h"
#include "proto/trust/agent_cert.h"
#include "proto/trust/chain_priv.h"
#include "proto/trust/id.h"
#include "proto/wire/mp_write.h"

static void write_str(struct mp_writer *w, struct ts_str s)
{
    mp_write_str(w, s.ptr, s.len);
}

static enum trust_code check_policy(struct ts_str p)
{
    if (p.len == 0)
        return TRUST_E_POLICY;
    if (p.len > TS_BLOCK_POLICY_MAX)
        return TRUST_E_LIMIT;
    return ts_utf8_valid(p.ptr, p.len) ? TRUST_OK : TRUST_E_FORMAT;
}

static enum trust_code check_attrs(const struct delegation_root *r)
{
    if (r->attr_count > TS_ATTRS_MAX)
        return TRUST_E_LIMIT;
    for (size_t i = 0; i < r->attr_count; i++) {
        const struct delegation_attr *a = &r->attrs[i];

        if (a->key.len > TS_ATTR_KEY_MAX || a->value.len > TS_ATTR_VALUE_MAX)
            return TRUST_E_LIMIT;
        if (!ts_utf8_valid(a->key.ptr, a->key.len) ||
            !ts_utf8_valid(a->value.ptr, a->value.len))
            return TRUST_E_FORMAT;
        if (i > 0 && ts_str_cmp(r->attrs[i - 1].key, a->key) >= 0)
            return TRUST_E_FORMAT;
    }
    return TRUST_OK;
}

static enum trust_code check_root(const struct delegation_root *r)
{
    enum trust_code c;

    if (!trust_id_valid(r->tenant) || !trust_id_valid(r->issuer) ||
        !trust_id_valid(r->user) || !trust_id_valid(r->agent) ||
        !trust_id_valid(r->aud) || !trust_id_valid(r->task))
        return TRUST_E_ID;
    if (r->nbf >= r->exp || r->iat >= r->exp)
        return TRUST_E_TIME;
    if (r->depth > TS_DEPTH_MAX)
        return TRUST_E_DEPTH;
    if (trust_pk_check(r->holder) != TS_OK)
        return TRUST_E_KEY;
    if ((c = check_policy(r->policies)) != TRUST_OK)
        return c;
    return check_attrs(r);
}

static enum trust_code encode_root(const struct delegation_root *r,
                                   uint8_t *out, size_t cap, size_t *ret_len)
{
    struct mp_writer w;

    mp_writer_init(&w, out, cap);
    mp_write_array(&w, CHAIN_ROOT_LEN);
    mp_write_uint(&w, CHAIN_ROOT);
    mp_write_bin(&w, r->grant_id, sizeof(r->grant_id));
    write_str(&w, r->tenant);
    write_str(&w, r->issuer);
    write_str(&w, r->user);
    write_str(&w, r->agent);
    mp_write_bin(&w, r->holder, sizeof(r->holder));
    write_str(&w, r->aud);
    write_str(&w, r->task);
    mp_write_uint(&w, r->iat);
    mp_write_uint(&w, r->nbf);
    mp_write_uint(&w, r->exp);
    mp_write_uint(&w, r->depth);
    mp_write_uint(&w, r->max_calls);
    write_str(&w, r->policies);
    mp_write_array(&w, (uint32_t)r->attr_count);
    for (size_t i = 0; i < r->attr_count; i++) {
        mp_write_array(&w, 2);
        write_str(&w, r->attrs[i].key);
        write_str(&w, r->attrs[i].value);
    }
    return mp_written(&w, ret_len) == TS_OK ? TRUST_OK : TRUST_E_LIMIT;
}

static enum trust_code encode_link(const struct delegation_link *l,
                                   uint8_t *out, size_t cap, size_t *ret_len)
{
    struct mp_writer w;

    mp_writer_init(&w, out, cap);
    mp_write_array(&w, CHAIN_LINK_LEN);
    mp_write_uint(&w, CHAIN_LINK);
    mp_write_bin(&w, l->nonce, sizeof(l->nonce));
    write_str(&w, l->agent);
    mp_write_bin(&w, l->holder, sizeof(l->holder));
    mp_write_uint(&w, l->iat);
    mp_write_uint(&w, l->nbf);
    mp_write_uint(&w, l->exp);
    mp_write_uint(&w, l->depth);
    write_str(&w, l->policies);
    mp_write_bin(&w, l->cert.ptr, l->cert.len);
    return mp_written(&w, ret_len) == TS_OK ? TRUST_OK : TRUST_E_LIMIT;
}

/* A block being made: its payload stands inside the message to be signed. */
struct draft {
    uint8_t msg[CHAIN_SIGNED_MAX];
    uint8_t sig[TRUST_SIG_LEN];
    size_t i;   /* position of the block in its chain */
    size_t len; /* of the payload */
};

static uint8_t *draft_payload(struct draft *b)
{
    return b->msg + chain_signed_head(b->i);
}

static void draft_sign(struct draft *b, const uint8_t prev[TRUST_HASH_LEN],
                       const struct trust_secret *key)
{
    const struct ts_bytes payload = {.ptr = draft_payload(b), .len = b->len};
    size_t n = chain_signed(b->msg, sizeof(b->msg), b->i, prev, payload);

    (void)crypto_sign_detached(b->sig, NULL, b->msg, n,
                               key->sk); /* cannot fail */
}

/* Old blocks as they were, then the new one. */
static enum trust_code write_chain(const uint8_t *kid,
                                   const struct chain_frame *old,
                                   struct draft *b, uint8_t *out, size_t cap,
                                   size_t *ret_len)
{
    struct mp_writer w;
    size_t len;

    mp_writer_init(&w, out, cap);
    mp_write_array(&w, 3);
    mp_write_uint(&w, CHAIN_VERSION);
    mp_write_bin(&w, kid, TRUST_KID_LEN);
    mp_write_array(&w, (uint32_t)b->i + 1);
    for (size_t i = 0; i < b->i; i++) {
        mp_write_array(&w, 2);
        mp_write_bin(&w, old->blocks[i].payload.ptr,
                     old->blocks[i].payload.len);
        mp_write_bin(&w, old->blocks[i].sig, TRUST_SIG_LEN);
    }
    mp_write_array(&w, 2);
    mp_write_bin(&w, draft_payload(b), b->len);
    mp_write_bin(&w, b->sig, TRUST_SIG_LEN);
    if (mp_written(&w, &len) != TS_OK || len > TS_CHAIN_MAX)
        return TRUST_E_LIMIT;
    *ret_len = len;
    return TRUST_OK;
}

enum trust_code delegation_sign_root(const struct delegation_root *root,
                                     const struct trust_secret *issuer,
                                     uint8_t *out, size_t cap, size_t *ret_len)
{
    uint8_t prev[TRUST_HASH_LEN], kid[TRUST_KID_LEN];
    struct draft b = {.i = 0};
    enum trust_code c = check_root(root);

    if (c == TRUST_OK)
        c = encode_root(root, draft_payload(&b), TS_PAYLOAD_MAX, &b.len);
    if (c != TRUST_OK)
        return c;
    if (memcmp(root->holder, issuer->pk, TRUST_PK_LEN) == 0)
        return TRUST_E_KEY;
    trust_kid(issuer->pk, kid);
    chain_anchor(issuer->pk, prev);
    draft_sign(&b, prev, issuer);
    return write_chain(kid, NULL, &b, out, cap, ret_len);
}

static enum trust_code check_cert(const struct delegation *d,
                                  const struct delegation_link *l)
{
    uint8_t kid[TRUST_KID_LEN];
    struct agent_cert a;

    if (l->cert.len == 0)
        return TRUST_OK;
    if (agent_cert_decode_to_show(l->cert, &a, kid) != TRUST_OK ||
        !ts_str_eq(a.tenant, d->tenant) || !ts_str_eq(a.agent, l->agent) ||
        memcmp(a.pk, l->holder, TRUST_PK_LEN) != 0)
        return TRUST_E_AGENT;
    return TRUST_OK;
}

static enum trust_code check_link(const struct delegation *d,
                                  const struct delegation_link *l,
                                  const struct trust_secret *holder)
{
    const struct delegation_block *leaf = delegation_leaf(d);
    enum trust_code c;

    if (memcmp(leaf->holder, holder->pk, TRUST_PK_LEN) != 0)
        return TRUST_E_KEY;
    if (d->block_count >= TS_BLOCKS_MAX || l->depth >= leaf->depth)
        return TRUST_E_DEPTH;
    if (!trust_id_valid(l->agent))
        return TRUST_E_ID;
    if (l->nbf >= l->exp)
        return TRUST_E_TIME;
    if (trust_pk_check(l->holder) != TS_OK)
        return TRUST_E_KEY;
    for (size_t i = 0; i < d->block_count; i++)
        if (memcmp(d->blocks[i].holder, l->holder, TRUST_PK_LEN) == 0)
            return TRUST_E_KEY;
    if ((c = check_cert(d, l)) != TRUST_OK)
        return c;
    return check_policy(l->policies);
}

enum trust_code delegation_append_link(const uint8_t *chain, size_t len,
                                       const struct delegation_link *link,
                                       const uint8_t issuer_pk[TRUST_PK_LEN],
                                       const struct trust_secret *holder,
                                       uint8_t *out, size_t cap,
                                       size_t *ret_len)
{
    const struct ts_bytes in = {.ptr = chain, .len = len};
    uint8_t kid[TRUST_KID_LEN];
    struct delegation d = {0};
    struct chain_frame f;
    struct draft b;
    enum trust_code c;

    if ((c = chain_split(in, &f)) != TRUST_OK)
        return c;
    trust_kid(issuer_pk, kid);
    if (memcmp(kid, f.kid, sizeof(kid)) != 0)
        return TRUST_E_ISSUER;
    if ((c = chain_verify(&f, issuer_pk, &d)) != TRUST_OK ||
        (c = check_link(&d, link, holder)) != TRUST_OK)
        return c;
    b.i = f.count;
    c = encode_link(link, draft_payload(&b), TS_PAYLOAD_MAX, &b.len);
    if (c != TRUST_OK)
        return c;
    draft_sign(&b, delegation_leaf(&d)->id, holder);
    return write_chain(f.kid, &f, &b, out, cap, ret_len);
}
