/*
 * First byte 0: the rest is a chain as received. Otherwise the rest is a root
 * payload that a trusted issuer really signed, so that everything behind the
 * signature is reached too. What is accepted lies inside its copy, has one
 * encoding (made again from its fields it is the same bytes), and stays
 * accepted when asked again.
 */
#include <sodium.h>
#include <stdint.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"
#include "proto/trust/chain_priv.h"
#include "proto/trust/delegation_build.h"
#include "proto/trust/store.h"
#include "proto/wire/mp_write.h"

#define NOW 1700000000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct setting {
    struct trust_secret issuer, holder;
    struct ts_arena arena;
    struct trust_config cfg;
};

static void secret(uint8_t fill, struct trust_secret *ret)
{
    uint8_t seed[TRUST_SEED_LEN];

    memset(seed, fill, sizeof(seed));
    TS_REQUIRE(trust_secret_from_seed(seed, ret) == TS_OK);
}

/* Made once: keys of fixed seeds, tenant t, issuer i, agent a, any user. */
static const struct setting *setting(void)
{
    static struct setting s;
    const struct trust_tenant tenant = {.id = TS_STR_LIT("t"),
                                        .any_user = true};
    struct trust_key key = {.role = TRUST_ROLE_ISSUER,
                            .tenant = TS_STR_LIT("t"),
                            .name = TS_STR_LIT("i")};
    struct trust_agent agent = {.tenant = TS_STR_LIT("t"),
                                .id = TS_STR_LIT("a"),
                                .status = TRUST_ACTIVE,
                                .key_count = 1};
    const struct trust_input in = {.tenants = &tenant,
                                   .tenant_count = 1,
                                   .keys = &key,
                                   .key_count = 1,
                                   .agents = &agent,
                                   .agent_count = 1};
    char why[128];

    if (s.cfg.store != NULL)
        return &s;
    TS_REQUIRE(trust_init() == TS_OK);
    secret(1, &s.issuer);
    secret(2, &s.holder);
    memcpy(key.pk, s.issuer.pk, sizeof(key.pk));
    memcpy(agent.keys[0], s.holder.pk, sizeof(agent.keys[0]));
    ts_arena_init(&s.arena, 1u << 16);
    s.cfg.audiences[0] = TS_STR_LIT("s");
    s.cfg.audience_count = 1;
    s.cfg.skew_s = TS_SKEW_S;
    TS_REQUIRE(trust_store_build(&in, &s.arena, &s.cfg.store, why,
                                 sizeof(why)) == TS_OK);
    return &s;
}

static void inside(struct ts_bytes chain, struct ts_str s)
{
    const uint8_t *p = (const uint8_t *)s.ptr;

    TS_REQUIRE(s.len == 0 || (p >= chain.ptr && s.len <= chain.len &&
                              p + s.len <= chain.ptr + chain.len));
}

static void check_accepted(const struct setting *s, const struct delegation *d)
{
    static uint8_t again[TS_CHAIN_MAX];
    const struct delegation_block *b = &d->blocks[0];
    struct delegation_root r = {.tenant = d->tenant,
                                .issuer = d->issuer,
                                .user = d->user,
                                .agent = b->agent,
                                .aud = d->aud,
                                .task = d->task,
                                .iat = b->iat,
                                .nbf = b->nbf,
                                .exp = b->exp,
                                .depth = b->depth,
                                .max_calls = d->max_calls,
                                .policies = b->policies,
                                .attrs = d->attrs,
                                .attr_count = d->attr_count};
    size_t len = 0;

    inside(d->chain, d->user);
    inside(d->chain, d->task);
    for (size_t i = 0; i < d->block_count; i++) {
        inside(d->chain, d->blocks[i].agent);
        inside(d->chain, d->blocks[i].policies);
    }
    TS_REQUIRE(d->expires > NOW && d->not_before <= NOW + TS_SKEW_S);
    TS_REQUIRE(delegation_check_now(&s->cfg, d, NOW) == TRUST_OK);
    TS_REQUIRE(delegation_check_now(&s->cfg, d, d->expires) != TRUST_OK);
    if (d->block_count > 1)
        return;
    memcpy(r.grant_id, d->grant_id, sizeof(r.grant_id));
    memcpy(r.holder, b->holder, sizeof(r.holder));
    TS_REQUIRE(delegation_sign_root(&r, &s->issuer, again, sizeof(again),
                                    &len) == TRUST_OK);
    TS_REQUIRE(len == d->chain.len && memcmp(again, d->chain.ptr, len) == 0);
}

static void try_chain(const struct setting *s, const uint8_t *chain, size_t len)
{
    struct ts_arena arena;
    struct delegation d;
    enum trust_code c;

    ts_arena_init(&arena, 1u << 17);
    c = delegation_decode_verify(&s->cfg, chain, len, NOW, &arena, &d);
    if (c == TRUST_OK) {
        check_accepted(s, &d);
        TS_REQUIRE(delegation_decode_to_show(chain, len, s->issuer.pk, &arena,
                                             &d) == TRUST_OK);
    }
    /* what verifies can also be shown */
    if (delegation_decode_to_show(chain, len, NULL, &arena, &d) != TRUST_OK)
        TS_REQUIRE(c != TRUST_OK);
    ts_arena_done(&arena);
}

static size_t sign_payload(const struct setting *s, const uint8_t *payload,
                           size_t len, uint8_t *out, size_t cap)
{
    uint8_t prev[TRUST_HASH_LEN], kid[TRUST_KID_LEN], sig[TRUST_SIG_LEN];
    static uint8_t msg[CHAIN_SIGNED_MAX];
    struct mp_writer w;
    size_t n;

    chain_anchor(s->issuer.pk, prev);
    n = chain_signed(msg, sizeof(msg), 0, prev,
                     (struct ts_bytes){.ptr = payload, .len = len});
    TS_REQUIRE(crypto_sign_detached(sig, NULL, msg, n, s->issuer.sk) == 0);
    trust_kid(s->issuer.pk, kid);
    mp_writer_init(&w, out, cap);
    mp_write_array(&w, 3);
    mp_write_uint(&w, CHAIN_VERSION);
    mp_write_bin(&w, kid, sizeof(kid));
    mp_write_array(&w, 1);
    mp_write_array(&w, 2);
    mp_write_bin(&w, payload, len);
    mp_write_bin(&w, sig, sizeof(sig));
    TS_REQUIRE(mp_written(&w, &n) == TS_OK);
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct setting *s = setting();
    static uint8_t chain[TS_PAYLOAD_MAX + 256];
    uint8_t *exact;

    if (len == 0)
        return 0;
    exact = ts_mem_alloc(len);
    TS_REQUIRE(exact != NULL);
    memcpy(exact, data + 1, len - 1);
    if (data[0] == 0)
        try_chain(s, exact, len - 1);
    else if (len - 1 <= TS_PAYLOAD_MAX)
        try_chain(s, chain,
                  sign_payload(s, exact, len - 1, chain, sizeof(chain)));
    ts_mem_free(exact);
    return 0;
}
