#include "trust_world.h"

#include <sodium.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"
#include "proto/trust/chain_priv.h"
#include "proto/wire/mp_write.h"

static struct trust_key role_key(const struct world *w, enum trust_role role,
                                 const char *tenant, const char *name,
                                 enum world_key k)
{
    struct trust_key out = {
        .role = role, .tenant = ts_str_of(tenant), .name = ts_str_of(name)};

    memcpy(out.pk, w->key[k].pk, TRUST_PK_LEN);
    return out;
}

static struct trust_agent agent(const struct world *w, const char *tenant,
                                const char *id, enum world_key k, uint32_t uid)
{
    struct trust_agent out = {.tenant = ts_str_of(tenant),
                              .id = ts_str_of(id),
                              .status = TRUST_ACTIVE,
                              .key_count = 1,
                              .uids = {uid},
                              .uid_count = 1};

    memcpy(out.keys[0], w->key[k].pk, TRUST_PK_LEN);
    return out;
}

void world_rebuild(struct world *w)
{
    char why[256];

    TS_REQUIRE(trust_store_build(&w->in, &w->arena, &w->cfg.store, why,
                                 sizeof(why)) == TS_OK);
}

void world_init(struct world *w)
{
    *w = (struct world){.cfg = {.audience_count = 1, .skew_s = TS_SKEW_S}};
    TS_REQUIRE(trust_init() == TS_OK);
    for (size_t i = 0; i < KEY_COUNT_; i++) {
        uint8_t seed[TRUST_SEED_LEN];

        memset(seed, (int)(i + 1), sizeof(seed));
        TS_REQUIRE(trust_secret_from_seed(seed, &w->key[i]) == TS_OK);
    }
    w->tenants[0] = (struct trust_tenant){.id = TS_STR_LIT("acme")};
    w->tenants[1] =
        (struct trust_tenant){.id = TS_STR_LIT("beta"), .any_user = true};
    w->keys[0] = role_key(w, TRUST_ROLE_ISSUER, "acme", "idp", KEY_ISSUER);
    w->keys[1] = role_key(w, TRUST_ROLE_ISSUER, "acme", "idp", KEY_ISSUER_OLD);
    w->keys[1].not_after = W_NOW - 1000;
    w->keys[2] = role_key(w, TRUST_ROLE_ISSUER, "beta", "idp", KEY_BETA_ISSUER);
    w->keys[3] = role_key(w, TRUST_ROLE_SIDECAR, "", W_AUD, KEY_SIDECAR);
    w->keys[4] =
        role_key(w, TRUST_ROLE_DIRECTORY, "acme", "people", KEY_DIRECTORY);
    w->keys[5] = role_key(w, TRUST_ROLE_REVOKER, "acme", "guard", KEY_REVOKER);
    w->keys[6] =
        role_key(w, TRUST_ROLE_APPROVER, "acme", "alice", KEY_APPROVER);
    w->keys[7] =
        role_key(w, TRUST_ROLE_DIRECTORY, "beta", "people", KEY_BETA_DIRECTORY);
    w->keys[8] =
        role_key(w, TRUST_ROLE_REVOKER, "beta", "guard", KEY_BETA_REVOKER);
    w->agents[0] = agent(w, "acme", "coder", KEY_CODER, 1001);
    w->agents[1] = agent(w, "acme", "builder", KEY_BUILDER, 1002);
    w->agents[2] = agent(w, "beta", "coder", KEY_BETA_CODER, 2001);
    w->users[0] = (struct trust_user){.tenant = TS_STR_LIT("acme"),
                                      .id = TS_STR_LIT("alice"),
                                      .status = TRUST_ACTIVE};
    w->users[1] = (struct trust_user){.tenant = TS_STR_LIT("acme"),
                                      .id = TS_STR_LIT("carol"),
                                      .status = TRUST_INACTIVE};
    w->in = (struct trust_input){.tenants = w->tenants,
                                 .tenant_count = 2,
                                 .keys = w->keys,
                                 .key_count = WORLD_KEYS,
                                 .agents = w->agents,
                                 .agent_count = 3,
                                 .users = w->users,
                                 .user_count = 2};
    ts_arena_init(&w->arena, 1u << 20);
    revocations_init(&w->revoked, 1000);
    w->cfg.revoked = &w->revoked;
    w->cfg.audiences[0] = TS_STR_LIT(W_AUD);
    world_rebuild(w);
}

void world_done(struct world *w)
{
    for (size_t i = 0; i < KEY_COUNT_; i++)
        trust_secret_done(&w->key[i]);
    revocations_done(&w->revoked);
    ts_arena_done(&w->arena);
}

struct delegation_root world_root(const struct world *w)
{
    static const struct delegation_attr attrs[] = {
        {{"acr", 3}, {"phr", 3}},
        {{"amr", 3}, {"hwk", 3}},
    };
    struct delegation_root r = {
        .grant_id = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
        .tenant = TS_STR_LIT("acme"),
        .issuer = TS_STR_LIT("idp"),
        .user = TS_STR_LIT("alice"),
        .agent = TS_STR_LIT("coder"),
        .aud = TS_STR_LIT(W_AUD),
        .task = TS_STR_LIT("task-1"),
        .iat = W_NOW - 10,
        .nbf = W_NOW - 10,
        .exp = W_NOW + 600,
        .depth = TS_DEPTH_MAX,
        .policies = TS_STR_LIT("permit(principal, action, resource);"),
        .attrs = attrs,
        .attr_count = 2};

    memcpy(r.holder, w->key[KEY_CODER].pk, TRUST_PK_LEN);
    return r;
}

struct delegation_link world_link(const struct world *w, unsigned n)
{
    static const char name[] = "coder/s/s/s/s/s/s/s";
    struct delegation_link l = {
        .nonce = {(uint8_t)n},
        .agent = {.ptr = name, .len = 5 + 2 * (size_t)n},
        .iat = W_NOW - 5,
        .nbf = W_NOW - 5,
        .exp = W_NOW + 300,
        .depth = TS_DEPTH_MAX - n,
        .policies = TS_STR_LIT("permit(principal, action, resource);")};

    memcpy(l.holder, w->key[KEY_SUB + n].pk, TRUST_PK_LEN);
    return l;
}

void world_sign(const struct world *w, const struct delegation_root *r,
                struct chain *ret)
{
    TS_REQUIRE(delegation_sign_root(r, &w->key[KEY_ISSUER], ret->b,
                                    sizeof(ret->b), &ret->len) == TRUST_OK);
}

void world_append(const struct world *w, const struct delegation_link *l,
                  enum world_key holder, struct chain *c)
{
    static struct chain longer;

    TS_REQUIRE(delegation_append_link(
                   c->b, c->len, l, w->key[KEY_ISSUER].pk, &w->key[holder],
                   longer.b, sizeof(longer.b), &longer.len) == TRUST_OK);
    *c = longer;
}

static size_t raw_payload(const struct delegation_link *l, uint8_t *out,
                          size_t cap)
{
    struct mp_writer m;
    size_t n;

    mp_writer_init(&m, out, cap);
    mp_write_array(&m, CHAIN_LINK_LEN);
    mp_write_uint(&m, CHAIN_LINK);
    mp_write_bin(&m, l->nonce, sizeof(l->nonce));
    mp_write_str(&m, l->agent.ptr, l->agent.len);
    mp_write_bin(&m, l->holder, sizeof(l->holder));
    mp_write_uint(&m, l->iat);
    mp_write_uint(&m, l->nbf);
    mp_write_uint(&m, l->exp);
    mp_write_uint(&m, l->depth);
    mp_write_str(&m, l->policies.ptr, l->policies.len);
    mp_write_bin(&m, l->cert.ptr, l->cert.len);
    TS_REQUIRE(mp_written(&m, &n) == TS_OK);
    return n;
}

void world_append_raw(const struct world *w, const struct delegation_link *l,
                      enum world_key holder, struct chain *c)
{
    static uint8_t msg[CHAIN_SIGNED_MAX], sig[TRUST_SIG_LEN];
    static uint8_t payload_bytes[TS_PAYLOAD_MAX], copy[TS_CHAIN_MAX];
    struct ts_bytes payload = {.ptr = payload_bytes};
    struct ts_arena arena;
    struct chain_frame f;
    struct delegation d;
    struct mp_writer m;
    size_t n;

    memcpy(copy, c->b, c->len);
    ts_arena_init(&arena, 1u << 16);
    TS_REQUIRE(delegation_decode_to_show(copy, c->len, w->key[KEY_ISSUER].pk,
                                         &arena, &d) == TRUST_OK);
    TS_REQUIRE(chain_split((struct ts_bytes){copy, c->len}, &f) == TRUST_OK);
    payload.len = raw_payload(l, payload_bytes, sizeof(payload_bytes));
    n = chain_signed(msg, sizeof(msg), f.count, delegation_leaf(&d)->id,
                     payload);
    TS_REQUIRE(crypto_sign_detached(sig, NULL, msg, n, w->key[holder].sk) == 0);
    mp_writer_init(&m, c->b, sizeof(c->b));
    mp_write_array(&m, 3);
    mp_write_uint(&m, CHAIN_VERSION);
    mp_write_bin(&m, f.kid, TRUST_KID_LEN);
    mp_write_array(&m, (uint32_t)f.count + 1);
    for (size_t i = 0; i <= f.count; i++) {
        struct ts_bytes p = i < f.count ? f.blocks[i].payload : payload;

        mp_write_array(&m, 2);
        mp_write_bin(&m, p.ptr, p.len);
        mp_write_bin(&m, i < f.count ? f.blocks[i].sig : sig, TRUST_SIG_LEN);
    }
    TS_REQUIRE(mp_written(&m, &c->len) == TS_OK);
    ts_arena_done(&arena);
}

void world_chain(const struct world *w, size_t count, struct chain *ret)
{
    struct delegation_root r = world_root(w);

    world_sign(w, &r, ret);
    for (unsigned n = 1; n < count; n++) {
        struct delegation_link l = world_link(w, n);

        world_append(
            w, &l, n == 1 ? KEY_CODER : (enum world_key)(KEY_SUB + n - 1), ret);
    }
}

enum trust_code world_verify(const struct world *w, const uint8_t *b,
                             size_t len, uint64_t now)
{
    struct ts_arena arena;
    struct delegation d;
    enum trust_code c;

    ts_arena_init(&arena, 1u << 17);
    c = delegation_decode_verify(&w->cfg, b, len, now, &arena, &d);
    ts_arena_done(&arena);
    return c;
}

struct ts_bytes world_bytes(const struct ts_buf *b)
{
    return (struct ts_bytes){.ptr = ts_buf_bytes(b), .len = b->len};
}

size_t world_sweep(struct ts_bytes object, world_judge *judge, const void *ctx)
{
    size_t tried = 0;
    uint8_t *exact;

    TS_REQUIRE(judge(ctx, object) == TRUST_OK);
    for (size_t cut = 0; cut < object.len; cut++, tried++) {
        exact = ts_mem_alloc(cut > 0 ? cut : 1); /* so that ASan sees the end */
        TS_REQUIRE(exact != NULL);
        memcpy(exact, object.ptr, cut);
        TS_REQUIRE(judge(ctx, (struct ts_bytes){exact, cut}) != TRUST_OK);
        ts_mem_free(exact);
    }
    exact = ts_mem_alloc(object.len);
    TS_REQUIRE(exact != NULL);
    memcpy(exact, object.ptr, object.len);
    for (size_t bit = 0; bit < object.len * 8; bit++, tried++) {
        exact[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        TS_REQUIRE(judge(ctx, (struct ts_bytes){exact, object.len}) !=
                   TRUST_OK);
        exact[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    TS_REQUIRE(judge(ctx, (struct ts_bytes){exact, object.len}) == TRUST_OK);
    ts_mem_free(exact);
    return tried;
}
