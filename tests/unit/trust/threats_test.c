/* One test a threat (docs/THREATS.md): what an attacker holds, and that it is
 * not enough. */
#include "tests/lib/ts_test.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/ts_require.h"
#include "proto/trust/chain_priv.h"
#include "proto/trust/handshake.h"
#include "proto/trust/key_source.h"
#include "proto/trust/revocation_record.h"
#include "proto/trust/smp.h"
#include "proto/wire/mp_write.h"
#include "trust_world.h"

static struct world w;
static struct chain c, x;

static int setup(void **state)
{
    (void)state;
    world_init(&w);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_done(&w);
    return 0;
}

static enum trust_code verify(const struct chain *of)
{
    return world_verify(&w, of->b, of->len, W_NOW);
}

static enum trust_code verify_root(const struct delegation_root *r,
                                   enum world_key issuer)
{
    assert_int_equal(
        delegation_sign_root(r, &w.key[issuer], x.b, sizeof(x.b), &x.len),
        TRUST_OK);
    return verify(&x);
}

/* There is no field to choose an algorithm with: the version is it. */
static void T1_every_other_version_is_refused(void **state)
{
    (void)state;
    world_chain(&w, 2, &c);
    assert_int_equal(c.b[1], CHAIN_VERSION);
    for (int v = 0; v < 128; v++) {
        c.b[1] = (uint8_t)v;
        assert_int_equal(verify(&c),
                         v == CHAIN_VERSION ? TRUST_OK : TRUST_E_VERSION);
    }
}

/* What was verified is what is decoded: nothing of the input is read again
 * after it was copied, and nothing is re-encoded. */
static void T2_what_was_verified_is_what_counts(void **state)
{
    struct ts_arena arena;
    struct delegation d;

    (void)state;
    world_chain(&w, 3, &c);
    x = c;
    ts_arena_init(&arena, 1u << 17);
    assert_int_equal(
        delegation_decode_verify(&w.cfg, x.b, x.len, W_NOW, &arena, &d),
        TRUST_OK);
    memset(x.b, 0xff, sizeof(x.b));
    assert_memory_equal(d.chain.ptr, c.b, c.len);
    assert_true(ts_str_eq_c(d.user, "alice"));
    assert_int_equal(delegation_check_now(&w.cfg, &d, W_NOW), TRUST_OK);
    ts_arena_done(&arena);
}

/* The same fields in another encoding, signed by the right key all the same. */
static void T3_another_encoding_of_the_same_fields_is_refused(void **state)
{
    uint8_t payload[TS_PAYLOAD_MAX], sig[TRUST_SIG_LEN], prev[TRUST_HASH_LEN];
    static uint8_t msg[CHAIN_SIGNED_MAX];
    struct chain_frame f;
    size_t n;

    (void)state;
    world_chain(&w, 1, &c);
    assert_int_equal(chain_split((struct ts_bytes){c.b, c.len}, &f), TRUST_OK);
    for (int how = 0; how < 4; how++) {
        const struct ts_bytes old = f.blocks[0].payload;
        struct ts_bytes p = {.ptr = payload};
        struct mp_writer m;

        if (how == 0) { /* as it is */
            memcpy(payload, old.ptr, old.len);
            p.len = old.len;
        } else if (how == 1) { /* array 16 written as array 32 */
            memcpy(payload, "\xdd\0\0\0\x10", 5);
            memcpy(payload + 5, old.ptr + 3, old.len - 3);
            p.len = old.len + 2;
        } else if (how == 2) { /* type 0 in two bytes */
            memcpy(payload, old.ptr, 3);
            memcpy(payload + 3, "\xcc\0", 2);
            memcpy(payload + 5, old.ptr + 4, old.len - 4);
            p.len = old.len + 1;
        } else { /* a byte after the end */
            memcpy(payload, old.ptr, old.len);
            payload[old.len] = 0xc0;
            p.len = old.len + 1;
        }
        chain_anchor(w.key[KEY_ISSUER].pk, prev);
        n = chain_signed(msg, sizeof(msg), 0, prev, p);
        assert_int_equal(
            crypto_sign_detached(sig, NULL, msg, n, w.key[KEY_ISSUER].sk), 0);
        mp_writer_init(&m, x.b, sizeof(x.b));
        mp_write_array(&m, 3);
        mp_write_uint(&m, CHAIN_VERSION);
        mp_write_bin(&m, f.kid, TRUST_KID_LEN);
        mp_write_array(&m, 1);
        mp_write_array(&m, 2);
        mp_write_bin(&m, p.ptr, p.len);
        mp_write_bin(&m, sig, sizeof(sig));
        assert_int_equal(mp_written(&m, &x.len), TS_OK);
        assert_int_equal(verify(&x), how == 0 ? TRUST_OK : TRUST_E_FORMAT);
    }
}

/* A few bytes that promise gigabytes cost nothing but the copy of themselves.
 */
static void T4_declared_lengths_take_no_memory(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } bombs[] = {
        {"\xdd\x0f\xff\xff\xff", 5},
        {"\x93\x01\xc4\x10kkkkkkkkkkkkkkkk\xdd\x0f\xff\xff\xff", 25},
        {"\x93\x01\xc4\x10kkkkkkkkkkkkkkkk\xdc\xff\xff", 23},
        {"\x93\x01\xc6\x7f\xff\xff\xff", 7},
        {"\x93\x01\xc4\x10kkkkkkkkkkkkkkkk\x91\x92\xc6\xff\xff\xff\xff", 27},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bombs) / sizeof(bombs[0]); i++) {
        struct ts_arena arena;
        struct delegation d;

        ts_arena_init(&arena, 256); /* all that there is */
        assert_int_equal(
            delegation_decode_verify(&w.cfg, (const uint8_t *)bombs[i].bytes,
                                     bombs[i].len, W_NOW, &arena, &d),
            TRUST_E_FORMAT);
        assert_true(arena.used <= 64);
        ts_arena_done(&arena);
    }
}

/* Too long is told before anything is read of it, or any memory taken. */
static void T20_a_chain_over_the_limit_is_not_looked_at(void **state)
{
    static uint8_t big[TS_CHAIN_MAX + 1];
    struct delegation_link l = world_link(&w, 1);
    struct ts_arena arena;
    struct delegation d;

    (void)state;
    ts_arena_init(&arena, 256);
    assert_int_equal(
        delegation_decode_verify(&w.cfg, big, sizeof(big), W_NOW, &arena, &d),
        TRUST_E_LIMIT);
    ts_arena_done(&arena);
    assert_int_equal(
        delegation_append_link(big, sizeof(big), &l, w.key[KEY_ISSUER].pk,
                               &w.key[KEY_CODER], x.b, sizeof(x.b), &x.len),
        TRUST_E_LIMIT);
}

/* A 32-bit header is refused for its form, even where it would be due. */
static void T4_wide_headers_are_refused_whatever_they_announce(void **state)
{
    static uint8_t big[80000];
    static const uint8_t tag[] = {0xc6, 0xdb, 0xdd};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct smp s;

        memset(big, 'a', sizeof(big));
        memcpy(big + 1, "\x00\x01\x00\x01", 4); /* 65537 of them */
        big[0] = tag[i];
        for (int how = 0; how < 5; how++) {
            smp_init(&s, (struct ts_bytes){big, sizeof(big)});
            if (how == 0)
                (void)smp_str(&s, SIZE_MAX);
            else if (how == 1)
                (void)smp_bin(&s, SIZE_MAX);
            else if (how == 2)
                (void)smp_array(&s);
            else if (how == 3)
                smp_tuple(&s, 65537);
            else
                (void)smp_bin_ref(&s, 65537);
            assert_int_equal(smp_error(&s), TRUST_E_FORMAT);
        }
    }
}

/* coder holds two grants and signs with one key: a link made under one does not
 * count under the other. */
static void T6_a_link_of_another_grant_is_refused(void **state)
{
    struct delegation_root r = world_root(&w);
    struct chain_frame f, g;
    static struct chain other;
    struct delegation_link l = world_link(&w, 1);
    struct mp_writer m;

    (void)state;
    world_chain(&w, 1, &c);
    world_append(&w, &l, KEY_CODER, &c);
    r.grant_id[0] ^= 1;
    world_sign(&w, &r, &other);
    assert_int_equal(verify(&other), TRUST_OK);
    assert_int_equal(chain_split((struct ts_bytes){c.b, c.len}, &f), TRUST_OK);
    assert_int_equal(chain_split((struct ts_bytes){other.b, other.len}, &g),
                     TRUST_OK);
    mp_writer_init(&m, x.b, sizeof(x.b));
    mp_write_array(&m, 3);
    mp_write_uint(&m, CHAIN_VERSION);
    mp_write_bin(&m, g.kid, TRUST_KID_LEN);
    mp_write_array(&m, 2);
    mp_write_array(&m, 2);
    mp_write_bin(&m, g.blocks[0].payload.ptr, g.blocks[0].payload.len);
    mp_write_bin(&m, g.blocks[0].sig, TRUST_SIG_LEN);
    mp_write_array(&m, 2);
    mp_write_bin(&m, f.blocks[1].payload.ptr, f.blocks[1].payload.len);
    mp_write_bin(&m, f.blocks[1].sig, TRUST_SIG_LEN);
    assert_int_equal(mp_written(&m, &x.len), TS_OK);
    assert_int_equal(verify(&x), TRUST_E_SIG);
}

/* The chain up to the delegator verifies, for the delegator: the sub-agent that
 * cut its own limits off has not that key. */
static void T7_who_cuts_its_own_block_off_has_not_the_key(void **state)
{
    struct handshake_transcript t = {
        .sidecar_id = TS_STR_LIT(W_AUD), .uid = 1001, .gid = 1001};
    uint8_t proof[TRUST_SIG_LEN];

    (void)state;
    world_chain(&w, 1, &c); /* what is left of coder/s's chain */
    assert_int_equal(verify(&c), TRUST_OK);
    memcpy(t.sidecar_pk, w.key[KEY_SIDECAR].pk, TRUST_PK_LEN);
    delegation_chain_hash(c.b, c.len, t.chain_hash);
    handshake_client_proof(&t, &w.key[KEY_SUB + 1], proof);
    assert_int_equal(handshake_verify_client(&t, w.key[KEY_CODER].pk, proof),
                     TS_E_AUTH);
    handshake_client_proof(&t, &w.key[KEY_CODER], proof);
    assert_int_equal(handshake_verify_client(&t, w.key[KEY_CODER].pk, proof),
                     TS_OK);
}

/* kid names one entry. Under whichever kid a chain is shown, only the one that
 * signed it counts. */
static void T8_every_other_kid_is_refused(void **state)
{
    (void)state;
    world_chain(&w, 2, &c);
    for (int who = 0; who < KEY_COUNT_; who++) {
        enum trust_code want = TRUST_E_ISSUER; /* not an issuer's key */

        if (who == KEY_ISSUER)
            want = TRUST_OK;
        else if (who == KEY_ISSUER_OLD || who == KEY_BETA_ISSUER)
            want = TRUST_E_SIG;
        trust_kid(w.key[who].pk, c.b + 4); /* 93 01 c4 10 */
        assert_int_equal(verify(&c), want);
    }
}

/* A root whose field which (0 tenant .. 5 task) is text, signed by the issuer.
 */
static enum trust_code root_saying(int which, const char *text)
{
    static uint8_t msg[CHAIN_SIGNED_MAX], payload[TS_PAYLOAD_MAX];
    const char *field[] = {"acme", "idp", "alice", "coder", W_AUD, "task-1"};
    uint8_t prev[TRUST_HASH_LEN], kid[TRUST_KID_LEN], sig[TRUST_SIG_LEN];
    struct mp_writer m;
    size_t n;

    field[which] = text;
    mp_writer_init(&m, payload, sizeof(payload));
    mp_write_array(&m, CHAIN_ROOT_LEN);
    mp_write_uint(&m, CHAIN_ROOT);
    mp_write_bin(&m, w.key[KEY_CODER].pk, CHAIN_GRANT_LEN);
    for (int i = 0; i < 4; i++)
        mp_write_cstr(&m, field[i]);
    mp_write_bin(&m, w.key[KEY_CODER].pk, TRUST_PK_LEN);
    mp_write_cstr(&m, field[4]);
    mp_write_cstr(&m, field[5]);
    mp_write_uint(&m, W_NOW);
    mp_write_uint(&m, W_NOW);
    mp_write_uint(&m, W_NOW + 60);
    mp_write_uint(&m, 1);
    mp_write_uint(&m, 0);
    mp_write_cstr(&m, "permit(principal, action, resource);");
    mp_write_array(&m, 0);
    assert_int_equal(mp_written(&m, &n), TS_OK);
    chain_anchor(w.key[KEY_ISSUER].pk, prev);
    trust_kid(w.key[KEY_ISSUER].pk, kid);
    {
        const struct ts_bytes p = {payload, n};
        size_t len = chain_signed(msg, sizeof(msg), 0, prev, p);

        assert_int_equal(
            crypto_sign_detached(sig, NULL, msg, len, w.key[KEY_ISSUER].sk), 0);
    }
    mp_writer_init(&m, x.b, sizeof(x.b));
    mp_write_array(&m, 3);
    mp_write_uint(&m, CHAIN_VERSION);
    mp_write_bin(&m, kid, sizeof(kid));
    mp_write_array(&m, 1);
    mp_write_array(&m, 2);
    mp_write_bin(&m, payload, n);
    mp_write_bin(&m, sig, sizeof(sig));
    assert_int_equal(mp_written(&m, &x.len), TS_OK);
    return verify(&x);
}

static void T3_a_name_that_is_no_id_is_refused_as_that(void **state)
{
    static const char *const bad[] = {"", "a b", "a//b", "a/../b", "\"", "/a"};

    (void)state;
    assert_int_equal(root_saying(5, "task-2"), TRUST_OK);
    for (int which = 0; which < 6; which++)
        for (size_t i = 0; i < 6; i++)
            assert_int_equal(root_saying(which, bad[i]), TRUST_E_ID);
}

/* beta's issuer, trusted for beta, says something about acme, and the reverse;
 * and an issuer says that it is another. */
static void T9_an_issuer_speaks_for_its_tenant_only(void **state)
{
    struct delegation_root r = world_root(&w);

    (void)state;
    assert_int_equal(verify_root(&r, KEY_BETA_ISSUER), TRUST_E_TENANT);
    r.tenant = TS_STR_LIT("beta");
    memcpy(r.holder, w.key[KEY_BETA_CODER].pk, TRUST_PK_LEN);
    assert_int_equal(verify_root(&r, KEY_ISSUER), TRUST_E_TENANT);
    assert_int_equal(verify_root(&r, KEY_BETA_ISSUER), TRUST_OK);
    r.issuer = TS_STR_LIT("other");
    assert_int_equal(verify_root(&r, KEY_BETA_ISSUER), TRUST_E_ISSUER);
    r = world_root(&w);
    r.tenant = TS_STR_LIT("gamma");
    assert_int_equal(verify_root(&r, KEY_ISSUER), TRUST_E_TENANT);
}

/* Keys that verify what nobody signed, wherever a key can enter. */
static void T10_bad_points_enter_nowhere(void **state)
{
    static const char *const bad[] = {
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "9599999999999999999999999999999999999999999999999999999999999999",
        "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct delegation_link l = world_link(&w, 1);
        struct ts_arena arena;
        const struct trust_store *s = NULL;
        uint8_t pk[TRUST_PK_LEN], good[TRUST_PK_LEN];
        char why[128];

        assert_int_equal(ts_hex_decode(bad[i], 64, pk, sizeof(pk)), TS_OK);
        memcpy(l.holder, pk, sizeof(pk));
        world_chain(&w, 1, &c);
        assert_int_equal(
            delegation_append_link(c.b, c.len, &l, w.key[KEY_ISSUER].pk,
                                   &w.key[KEY_CODER], x.b, sizeof(x.b), &x.len),
            TRUST_E_KEY);
        world_append_raw(&w, &l, KEY_CODER, &c);
        assert_int_equal(verify(&c), TRUST_E_KEY);
        ts_arena_init(&arena, 1u << 18);
        memcpy(good, w.keys[0].pk, sizeof(good));
        memcpy(w.keys[0].pk, pk, sizeof(pk));
        assert_int_equal(trust_store_build(&w.in, &arena, &s, why, sizeof(why)),
                         TS_E_INVALID);
        memcpy(w.keys[0].pk, good, sizeof(good));
        memcpy(good, w.agents[0].keys[0], sizeof(good));
        memcpy(w.agents[0].keys[0], pk, sizeof(pk));
        assert_int_equal(trust_store_build(&w.in, &arena, &s, why, sizeof(why)),
                         TS_E_INVALID);
        memcpy(w.agents[0].keys[0], good, sizeof(good));
        ts_arena_done(&arena);
    }
}

/* A stored pair whose halves disagree would leak the key with one signature: 64
 * bytes are no seed, whatever they are. */
static void T11_a_stored_key_pair_is_no_seed(void **state)
{
    char path[] = "seed-XXXXXX", why[256];
    const struct key_source from = {
        .dir_fd = AT_FDCWD, .where = path, .owner = geteuid()};
    struct trust_secret s = {0};
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, w.key[KEY_CODER].sk, 64), 64);
    assert_int_equal(key_source_load(&from, &s, why, sizeof(why)),
                     TS_E_INVALID);
    assert_non_null(strstr(why, "exactly 32"));
    assert_null(s.sk);
    assert_int_equal(ftruncate(fd, TRUST_SEED_LEN), 0);
    assert_int_equal(key_source_load(&from, &s, why, sizeof(why)), TS_OK);
    assert_memory_equal(s.pk, w.key[KEY_CODER].pk, TRUST_PK_LEN);
    trust_secret_done(&s);
    (void)close(fd);
    (void)unlink(path);
}

/* Five seconds forgive a clock that is behind, at the beginning only; the end
 * is sharp. Not more than five, and the same for iat and nbf. */
static void T31_skew_is_forgiven_at_the_beginning_only(void **state)
{
    (void)state;
    for (int which = 0; which < 2; which++) {
        for (uint64_t ahead = 0; ahead < 8; ahead++) {
            struct delegation_root r = world_root(&w);

            *(which == 0 ? &r.iat : &r.nbf) = W_NOW + ahead;
            assert_int_equal(verify_root(&r, KEY_ISSUER),
                             ahead <= TS_SKEW_S ? TRUST_OK : TRUST_E_NOT_YET);
        }
    }
    world_chain(&w, 1, &c);
    assert_int_equal(world_verify(&w, c.b, c.len, W_NOW + 599), TRUST_OK);
    assert_int_equal(world_verify(&w, c.b, c.len, W_NOW + 600),
                     TRUST_E_EXPIRED);
}

/* A grant is for many connections; the challenge is what is used once. */
static void T32_a_grant_is_good_any_number_of_times(void **state)
{
    (void)state;
    world_chain(&w, 3, &c);
    for (int i = 0; i < 100; i++)
        assert_int_equal(verify(&c), TRUST_OK);
}

/* Both tenants have an agent coder, a user alice, a task and a grant of one id;
 * nothing that is said about one is heard in the other. */
static void T34_the_same_names_in_two_tenants_are_strangers(void **state)
{
    struct delegation_root a = world_root(&w), b = world_root(&w);
    static const char *const agents[] = {"coder", "coder/s"};
    static struct chain ca, cb;

    (void)state;
    world_sign(&w, &a, &ca);
    b.tenant = TS_STR_LIT("beta");
    memcpy(b.holder, w.key[KEY_BETA_CODER].pk, TRUST_PK_LEN);
    assert_int_equal(verify_root(&b, KEY_BETA_ISSUER), TRUST_OK);
    cb = x;
    for (int k = 1; k < REVOCATION_KIND_COUNT; k++) {
        enum revocation_kind kind = (enum revocation_kind)k;
        uint8_t kid[TRUST_KID_LEN];
        struct ts_bytes t = {a.grant_id, 16};

        trust_kid(w.key[KEY_BETA_ISSUER].pk, kid);
        if (kind == REVOCATION_KEY)
            t = (struct ts_bytes){b.holder, 32};
        else if (kind == REVOCATION_BLOCK)
            continue; /* its id has the tenant inside */
        else if (kind == REVOCATION_ISSUER_KEY)
            t = (struct ts_bytes){kid, sizeof(kid)};
        else if (kind == REVOCATION_TENANT)
            t.len = 0;
        else if (revocation_target_is_text(kind)) {
            struct ts_str id = kind == REVOCATION_AGENT  ? ts_str_of(agents[0])
                               : kind == REVOCATION_TASK ? a.task
                                                         : a.user;

            t = (struct ts_bytes){(const uint8_t *)id.ptr, id.len};
        }
        assert_int_equal(revocations_add(&w.revoked, kind, TS_STR_LIT("beta"),
                                         t, UINT64_MAX, UINT64_MAX, 0),
                         TS_OK);
        assert_int_equal(verify(&ca), TRUST_OK);
    }
    assert_int_equal(verify(&cb), TRUST_E_REVOKED);
    w.agents[2].status = TRUST_INACTIVE;
    world_rebuild(&w);
    assert_int_equal(verify(&ca), TRUST_OK);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(T1_every_other_version_is_refused),
        T(T2_what_was_verified_is_what_counts),
        T(T3_another_encoding_of_the_same_fields_is_refused),
        T(T4_declared_lengths_take_no_memory),
        T(T20_a_chain_over_the_limit_is_not_looked_at),
        T(T4_wide_headers_are_refused_whatever_they_announce),
        T(T6_a_link_of_another_grant_is_refused),
        T(T7_who_cuts_its_own_block_off_has_not_the_key),
        T(T8_every_other_kid_is_refused),
        T(T3_a_name_that_is_no_id_is_refused_as_that),
        T(T9_an_issuer_speaks_for_its_tenant_only),
        T(T10_bad_points_enter_nowhere),
        T(T11_a_stored_key_pair_is_no_seed),
        T(T31_skew_is_forgiven_at_the_beginning_only),
        T(T32_a_grant_is_good_any_number_of_times),
        T(T34_the_same_names_in_two_tenants_are_strangers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
