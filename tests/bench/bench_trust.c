/*
 * What trust costs, beside BLAKE2b-256 of 1 KiB in the same loop: verifying a
 * chain of 1, 2, 3 and 8 blocks that was never seen, looking at one again at a
 * call, and both sides of the handshake: on a chain never seen, and on one that
 * the gate knows (a hash, what changes with time, the proofs). Every figure is
 * a median. Prints one JSON object.
 *
 * With --gate SOCKET --chain FILE --key FILE --uid N --gid N --connects N it
 * measures that a real gate welcomes again, from connect() to WELCOME, the
 * shim's half included.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "bench.h"
#include "proto/base/ts_buf.h"
#include "proto/trust/delegation_build.h"
#include "proto/trust/handshake.h"
#include "proto/trust/store.h"
#include "proto/wire/frame.h"

#define NOW       1763769600u
#define CHAIN_TOP 4 /* lengths that are measured */
#define POLICY    "permit (principal, action == Action::\"fs.read\", resource);"

static const size_t lengths[CHAIN_TOP] = {1, 2, 3, 8};

struct world {
    struct trust_secret issuer, sidecar, holder[TS_BLOCKS_MAX];
    struct ts_arena store_arena;
    struct trust_config cfg;
    uint8_t chain[CHAIN_TOP][TS_CHAIN_MAX];
    size_t len[CHAIN_TOP];
};

static void must(bool ok, const char *what)
{
    if (!ok)
        bench_die(what);
}

static void make_key(struct trust_secret *s)
{
    uint8_t seed[TRUST_SEED_LEN];

    randombytes_buf(seed, sizeof(seed));
    must(trust_secret_from_seed(seed, s) == TS_OK, "key");
}

static void make_chain(struct world *w, size_t which)
{
    struct delegation_root root = {.tenant = ts_str_of("acme"),
                                   .issuer = ts_str_of("idp"),
                                   .user = ts_str_of("alice"),
                                   .agent = ts_str_of("coder"),
                                   .aud = ts_str_of("sidecar/x"),
                                   .task = ts_str_of("t1"),
                                   .iat = NOW,
                                   .nbf = NOW,
                                   .exp = NOW + 3600,
                                   .depth = TS_DEPTH_MAX,
                                   .policies = ts_str_of(POLICY)};
    static uint8_t next[TS_CHAIN_MAX];
    char agent[64] = "coder";
    size_t at = strlen(agent);

    memcpy(root.holder, w->holder[0].pk, TRUST_PK_LEN);
    must(delegation_sign_root(&root, &w->issuer, w->chain[which], TS_CHAIN_MAX,
                              &w->len[which]) == TRUST_OK,
         "root");
    for (size_t i = 1; i < lengths[which]; i++) {
        struct delegation_link l = {.iat = NOW,
                                    .nbf = NOW,
                                    .exp = NOW + 3600,
                                    .depth = (uint32_t)(TS_DEPTH_MAX - i),
                                    .policies = ts_str_of(POLICY)};
        size_t n;

        agent[at++] = '/';
        agent[at++] = (char)('a' + (int)i);
        l.agent = (struct ts_str){agent, at};
        memcpy(l.holder, w->holder[i].pk, TRUST_PK_LEN);
        must(delegation_append_link(w->chain[which], w->len[which], &l,
                                    w->issuer.pk, &w->holder[i - 1], next,
                                    sizeof(next), &n) == TRUST_OK,
             "link");
        memcpy(w->chain[which], next, n);
        w->len[which] = n;
    }
}

static void make_store(struct world *w)
{
    struct trust_tenant tenant = {.id = ts_str_of("acme"), .any_user = true};
    struct trust_key issuer = {.role = TRUST_ROLE_ISSUER,
                               .tenant = tenant.id,
                               .name = ts_str_of("idp")};
    struct trust_agent agent = {.tenant = tenant.id,
                                .id = ts_str_of("coder"),
                                .status = TRUST_ACTIVE,
                                .key_count = 1};
    struct trust_input in = {.tenants = &tenant,
                             .tenant_count = 1,
                             .keys = &issuer,
                             .key_count = 1,
                             .agents = &agent,
                             .agent_count = 1};
    char why[256];

    memcpy(issuer.pk, w->issuer.pk, TRUST_PK_LEN);
    memcpy(agent.keys[0], w->holder[0].pk, TRUST_PK_LEN);
    ts_arena_init(&w->store_arena, 1 << 20);
    must(trust_store_build(&in, &w->store_arena, &w->cfg.store, why,
                           sizeof(why)) == TS_OK,
         "store");
    w->cfg.audiences[0] = ts_str_of("sidecar/x");
    w->cfg.audience_count = 1;
    w->cfg.skew_s = TS_SKEW_S;
}

struct figures {
    struct bench_series floor, cold[CHAIN_TOP], again[CHAIN_TOP], hash, client,
        server, known;
};

/* The gate's half: AUTH with a chain of three blocks, its verification, the
 * proof, its own proof. And the shim's. */
static void shake(const struct world *w, struct figures *f, bool keep)
{
    struct handshake_transcript t = {
        .sidecar_id = ts_str_of("sidecar/x"), .uid = 1000, .gid = 1000};
    struct handshake_auth auth = {.chain = {w->chain[2], w->len[2]}}, got;
    uint8_t session[HANDSHAKE_SESSION_LEN], proof[TRUST_SIG_LEN];
    struct delegation d;
    struct ts_arena a;
    struct ts_buf b;
    const char *what = "";
    uint64_t t0, t1, t2, t3, t4;

    randombytes_buf(t.challenge, sizeof(t.challenge));
    memcpy(t.sidecar_pk, w->sidecar.pk, TRUST_PK_LEN);
    ts_buf_init(&b, TS_FRAME_MAX);
    ts_arena_init(&a, 1 << 20);
    t0 = bench_now_ns();
    randombytes_buf(t.client_nonce, sizeof(t.client_nonce));
    memcpy(auth.client_nonce, t.client_nonce, sizeof(t.client_nonce));
    delegation_chain_hash(w->chain[2], w->len[2], t.chain_hash);
    handshake_client_proof(&t, &w->holder[2], auth.proof);
    must(handshake_auth_send(&b, 2, &auth) == TS_OK, "AUTH");
    t1 = bench_now_ns();
    must(handshake_auth_decode(ts_buf_bytes(&b) + TS_FRAME_HEAD,
                               b.len - TS_FRAME_HEAD, &got, &what) == TS_OK,
         "AUTH");
    must(delegation_decode_verify(&w->cfg, got.chain.ptr, got.chain.len, NOW,
                                  &a, &d) == TRUST_OK,
         "a chain was refused");
    must(handshake_verify_client(&t, w->holder[2].pk, got.proof) == TS_OK,
         "proof");
    handshake_server_proof(&t, got.proof, &w->sidecar, session, proof);
    t2 = bench_now_ns();
    must(handshake_verify_server(&t, auth.proof, session, proof) == TS_OK,
         "server proof");
    t3 = bench_now_ns();
    delegation_chain_hash(got.chain.ptr, got.chain.len, t.chain_hash);
    must(delegation_check_now(&w->cfg, &d, NOW) == TRUST_OK, "now");
    must(handshake_verify_client(&t, w->holder[2].pk, got.proof) == TS_OK,
         "proof");
    handshake_server_proof(&t, got.proof, &w->sidecar, session, proof);
    t4 = bench_now_ns();
    ts_arena_done(&a);
    ts_buf_done(&b);
    if (keep) {
        bench_series_add(&f->known, t4 - t3);
        bench_series_add(&f->server, t2 - t1);
        bench_series_add(&f->client, (t1 - t0) + (t3 - t2));
    }
}

static void once(const struct world *w, struct figures *f, bool keep)
{
    static uint8_t kib[1024], h[32];
    struct delegation d;
    uint64_t t;

    t = bench_now_ns();
    (void)crypto_generichash(h, sizeof(h), kib, sizeof(kib), NULL, 0);
    t = bench_now_ns() - t;
    memcpy(kib, h, sizeof(h));
    if (keep)
        bench_series_add(&f->floor, t);
    for (size_t i = 0; i < CHAIN_TOP; i++) {
        struct ts_arena a;
        uint64_t t1, t2;

        ts_arena_init(&a, 1 << 20);
        t = bench_now_ns();
        must(delegation_decode_verify(&w->cfg, w->chain[i], w->len[i], NOW, &a,
                                      &d) == TRUST_OK,
             "a chain was refused");
        t1 = bench_now_ns();
        must(delegation_check_now(&w->cfg, &d, NOW) == TRUST_OK, "now");
        t2 = bench_now_ns();
        ts_arena_done(&a);
        if (keep) {
            bench_series_add(&f->cold[i], t1 - t);
            bench_series_add(&f->again[i], t2 - t1);
        }
    }
    t = bench_now_ns();
    delegation_chain_hash(w->chain[2], w->len[2], h);
    if (keep)
        bench_series_add(&f->hash, bench_now_ns() - t);
    shake(w, f, keep);
}

static void print(const struct world *w, struct figures *f)
{
    printf("{\"floor_us\": %.3f", bench_quantile_us(&f->floor, 0.5));
    for (size_t i = 0; i < CHAIN_TOP; i++)
        printf(", \"chain%zu_bytes\": %zu, \"chain%zu_us\": %.2f, "
               "\"again%zu_us\": %.3f",
               lengths[i], w->len[i], lengths[i],
               bench_quantile_us(&f->cold[i], 0.5), lengths[i],
               bench_quantile_us(&f->again[i], 0.5));
    printf(", \"chain3_hash_us\": %.2f, \"handshake_gate_us\": %.2f, "
           "\"handshake_known_us\": %.2f, \"handshake_shim_us\": %.2f}\n",
           bench_quantile_us(&f->hash, 0.5), bench_quantile_us(&f->server, 0.5),
           bench_quantile_us(&f->known, 0.5),
           bench_quantile_us(&f->client, 0.5));
}

static int reconnects(int argc, char **argv, const char *gate)
{
    const char *chain = bench_option(argc, argv, "chain");
    const char *key = bench_option(argc, argv, "key");
    const char *connects = bench_option(argc, argv, "connects");
    const char *uid_text = bench_option(argc, argv, "uid");
    const char *gid_text = bench_option(argc, argv, "gid");
    struct bench_series s = {0};
    long n;
    uid_t uid;
    gid_t gid;

    if (chain == NULL || key == NULL || connects == NULL || uid_text == NULL ||
        gid_text == NULL)
        bench_die("usage: see bench_trust.c");
    n = strtol(connects, NULL, 10);
    uid = (uid_t)strtoul(uid_text, NULL, 10);
    gid = (gid_t)strtoul(gid_text, NULL, 10);
    if (uid != 0 && geteuid() == 0 &&
        (setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0))
        bench_die("setresuid");
    for (long i = -5; i < n; i++) {
        uint64_t t = bench_now_ns();
        int fd = bench_session(gate, chain, key);

        if (i >= 0)
            bench_series_add(&s, bench_now_ns() - t);
        (void)close(fd);
    }
    printf("{\"reconnect_us\": %.1f, \"reconnect_p99_us\": %.1f}\n",
           bench_quantile_us(&s, 0.5), bench_quantile_us(&s, 0.99));
    return 0;
}

int main(int argc, char **argv)
{
    const char *gate = bench_option(argc, argv, "gate");
    const char *count = bench_option(argc, argv, "count");
    long n = count != NULL ? strtol(count, NULL, 10) : 500;
    static struct world w;
    static struct figures f;

    if (gate != NULL)
        return reconnects(argc, argv, gate);
    if (n < 10 || n > 1000000 || trust_init() != TS_OK)
        bench_die("usage: bench_trust [--count 10..1000000]");
    make_key(&w.issuer);
    make_key(&w.sidecar);
    for (size_t i = 0; i < TS_BLOCKS_MAX; i++)
        make_key(&w.holder[i]);
    make_store(&w);
    for (size_t i = 0; i < CHAIN_TOP; i++)
        make_chain(&w, i);
    for (long i = -n / 10; i < n; i++)
        once(&w, &f, i >= 0);
    print(&w, &f);
    return 0;
}
