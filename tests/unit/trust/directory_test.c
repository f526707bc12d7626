/* Directory snapshots: one encoding, every signer, every second. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "directory_world.h"
#include "proto/base/ts_mem.h"
#include "tests/lib/fault_mem.h"

static struct directory_world g;

static int setup(void **state)
{
    (void)state;
    dw_init(&g);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fault_mem_disarm();
    dw_done(&g);
    return 0;
}

static enum trust_code decode(struct ts_bytes in)
{
    struct directory_snapshot s;
    struct ts_arena arena;
    const char *what = NULL;
    uint32_t index = 0;
    enum trust_code c;

    ts_arena_init(&arena, DW_SCRATCH);
    c = directory_snapshot_decode(in, &arena, &s, &what, &index);
    assert_int_equal(c != TRUST_OK, what != NULL);
    ts_arena_done(&arena);
    return c;
}

static enum trust_code judge(const void *ctx, struct ts_bytes in)
{
    (void)ctx;
    return dw_verify(&g, "acme", in, W_NOW, NULL);
}

static void everything_goes_there_and_back(void **state)
{
    struct ts_bytes in = dw_sign(&g, KEY_DIRECTORY);
    struct directory_snapshot s;
    const struct directory_user *u;
    const struct directory_agent *a;
    struct ts_arena arena;

    (void)state;
    ts_arena_init(&arena, DW_SCRATCH);
    assert_int_equal(directory_snapshot_verify(g.w.cfg.store,
                                               TS_STR_LIT("acme"), in, W_NOW,
                                               &arena, &s, NULL, NULL),
                     TRUST_OK);
    assert_true(ts_str_eq_c(s.tenant, "acme") && s.seq == 7);
    assert_true(s.issued == W_NOW && s.not_after == W_NOW + 60);
    u = s.users;
    assert_int_equal(s.user_count, 2);
    assert_true(u[0].active && !u[1].active && u[1].groups == NULL);
    assert_true(ts_str_eq_c(u[0].groups[1], "devs") && u[0].group_count == 2);
    assert_true(ts_str_eq_c(u[0].attrs[1].key, "site_2"));
    assert_true(ts_str_eq_c(u[0].attrs[1].value, "K\xc3\xb6ln"));
    a = s.agents;
    assert_int_equal(s.agent_count, 2);
    assert_true(a[0].owner.len == 0 && !a[0].active && a[0].uids[0] == 65534);
    assert_true(ts_str_eq_c(a[1].owner, "alice") && a[1].max_depth == 7);
    assert_int_equal(a[1].key_count, 2);
    assert_memory_equal(a[1].keys[1], g.w.key[KEY_SUB].pk, TRUST_PK_LEN);
    assert_int_equal(a[1].attr_count, 2);
    assert_int_equal(s.approver_count, 2);
    assert_memory_equal(&s.approvers[1].pk, &g.approvers[1].pk, TRUST_PK_LEN);
    assert_true(s.approvers[0].class_count == 2 && s.approvers[0].active);
    assert_true(ts_str_eq_c(s.approvers[0].roles[0], "lead"));
    assert_int_equal(s.revocation_count, 1);
    assert_int_equal(s.revocations[0].len, g.revocations[0].len);
    ts_arena_done(&arena);
}

/* The hash is of the body alone: who signed it makes no other state. */
static void the_hash_is_that_of_the_state(void **state)
{
    struct directory_snapshot a, b;
    struct ts_arena arena;

    (void)state;
    ts_arena_init(&arena, DW_SCRATCH);
    (void)dw_sign(&g, KEY_DIRECTORY);
    assert_int_equal(
        directory_snapshot_decode(world_bytes(&g.body), &arena, &a, NULL, NULL),
        TRUST_OK);
    g.s.seq++;
    (void)dw_sign(&g, KEY_DIRECTORY);
    assert_int_equal(
        directory_snapshot_decode(world_bytes(&g.body), &arena, &b, NULL, NULL),
        TRUST_OK);
    assert_memory_not_equal(a.hash, b.hash, TRUST_HASH_LEN);
    ts_arena_done(&arena);
}

static void no_bit_flip_and_no_truncation_of_a_snapshot_counts(void **state)
{
    struct ts_bytes in = dw_sign(&g, KEY_DIRECTORY);

    (void)state;
    assert_int_equal(world_sweep(in, judge, NULL), in.len * 9);
}

/* Whatever flips in a body: it is refused, or it says something else, and then
 * has exactly one encoding. */
static void a_body_has_one_encoding(void **state)
{
    struct ts_bytes in;
    uint8_t *b;
    size_t len;

    (void)state;
    (void)dw_sign(&g, KEY_DIRECTORY);
    in = world_bytes(&g.body);
    len = in.len;
    b = ts_mem_alloc(len);
    assert_non_null(b);
    memcpy(b, in.ptr, len);
    for (size_t cut = 0; cut < len; cut++)
        assert_int_not_equal(decode((struct ts_bytes){b, cut}), TRUST_OK);
    for (size_t bit = 0; bit < len * 8; bit++) {
        struct directory_snapshot s;
        struct ts_arena arena;

        b[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        ts_arena_init(&arena, DW_SCRATCH);
        if (directory_snapshot_decode((struct ts_bytes){b, len}, &arena, &s,
                                      NULL, NULL) == TRUST_OK) {
            const char *what;
            uint32_t index;

            ts_buf_clear(&g.object);
            assert_int_equal(
                directory_snapshot_encode(&s, &g.object, &what, &index), TS_OK);
            assert_int_equal(g.object.len, len);
            assert_memory_equal(ts_buf_bytes(&g.object), b, len);
        }
        ts_arena_done(&arena);
        b[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    ts_mem_free(b);
}

/* T26: two keys are two entries and still one person; the same key is not. */
static void T26_a_person_with_two_keys_is_one_person(void **state)
{
    struct ts_arena arena;
    struct directory_snapshot s;

    (void)state;
    g.approvers[0].person = TS_STR_LIT("alice");
    g.approvers[1].person = TS_STR_LIT("alice");
    ts_arena_init(&arena, DW_SCRATCH);
    assert_int_equal(directory_snapshot_verify(g.w.cfg.store,
                                               TS_STR_LIT("acme"),
                                               dw_sign(&g, KEY_DIRECTORY),
                                               W_NOW, &arena, &s, NULL, NULL),
                     TRUST_OK);
    assert_true(ts_str_eq(s.approvers[0].person, s.approvers[1].person));
    ts_arena_done(&arena);
    dw_fresh(&g);
}

/* ---- who signed it, and when ------------------------------------------- */

static void only_the_directory_of_the_tenant_counts(void **state)
{
    (void)state;
    for (int who = 0; who < KEY_COUNT_; who++)
        assert_int_equal(judge(NULL, dw_sign(&g, (enum world_key)who)),
                         who == KEY_DIRECTORY ? TRUST_OK : TRUST_E_ISSUER);
    assert_int_equal(
        dw_verify(&g, "beta", dw_sign(&g, KEY_BETA_DIRECTORY), W_NOW, NULL),
        TRUST_E_TENANT); /* says that it is acme */
    assert_int_equal(
        dw_verify(&g, "beta", dw_sign(&g, KEY_DIRECTORY), W_NOW, NULL),
        TRUST_E_ISSUER);
    dw_revocation(&g, REVOCATION_USER, "beta");
    g.s.tenant = TS_STR_LIT("beta");
    assert_int_equal(
        dw_verify(&g, "beta", dw_sign(&g, KEY_BETA_DIRECTORY), W_NOW, NULL),
        TRUST_OK);
    assert_int_equal(
        dw_verify(&g, "acme", dw_sign(&g, KEY_DIRECTORY), W_NOW, NULL),
        TRUST_E_TENANT);
    dw_fresh(&g);
    g.w.keys[4].disabled = true;
    world_rebuild(&g.w);
    assert_int_equal(judge(NULL, dw_sign(&g, KEY_DIRECTORY)), TRUST_E_ISSUER);
}

static void a_snapshot_counts_in_its_window_only(void **state)
{
    const struct ts_bytes in = dw_sign(&g, KEY_DIRECTORY);
    const char *what = NULL;

    (void)state;
    for (uint64_t now = W_NOW - 10; now < W_NOW + 70; now++)
        assert_int_equal(dw_verify(&g, "acme", in, now, NULL),
                         now < W_NOW - TS_SKEW_S ? TRUST_E_TIME
                         : now >= W_NOW + 60     ? TRUST_E_EXPIRED
                                                 : TRUST_OK);
    g.w.keys[4].not_after = W_NOW - 1;
    world_rebuild(&g.w);
    assert_int_equal(dw_verify(&g, "acme", in, W_NOW, &what), TRUST_E_ISSUER);
    assert_non_null(what);
    g.w.keys[4].not_after = W_NOW;
    g.w.keys[4].not_before = W_NOW;
    world_rebuild(&g.w);
    assert_int_equal(dw_verify(&g, "acme", in, W_NOW + 9, NULL), TRUST_OK);
    g.w.keys[4].not_after = 0;
    g.w.keys[4].not_before = W_NOW + 1;
    world_rebuild(&g.w);
    assert_int_equal(dw_verify(&g, "acme", in, W_NOW, NULL), TRUST_E_ISSUER);
}

/* Nobody needs to be known yet: the keys and the tenants are enough. */
static void a_store_of_keys_alone_is_enough(void **state)
{
    (void)state;
    g.w.in.agents = NULL;
    g.w.in.agent_count = 0;
    g.w.in.users = NULL;
    g.w.in.user_count = 0;
    world_rebuild(&g.w);
    assert_int_equal(judge(NULL, dw_sign(&g, KEY_DIRECTORY)), TRUST_OK);
}

/* A body over 64 KiB: the one place with a 32-bit header. */
static void a_large_directory_is_read_and_written(void **state)
{
    const uint32_t n = 6000;
    struct directory_user *u = ts_mem_alloc(n * sizeof(*u));
    char(*names)[16] = ts_mem_alloc((size_t)n * 16);
    struct ts_bytes in;

    (void)state;
    assert_true(u != NULL && names != NULL);
    for (uint32_t i = 0; i < n; i++) {
        int len = snprintf(names[i], 16, "user-%06u", (unsigned)i);

        u[i].id = (struct ts_str){names[i], (size_t)len};
    }
    memcpy(names[0], "alice\0", 6);
    memcpy(names[1], "carol\0", 6);
    u[0].id.len = u[1].id.len = 5;
    g.s.users = u;
    g.s.user_count = n;
    in = dw_sign(&g, KEY_DIRECTORY);
    assert_true(in.len > 65535 + 100);
    assert_int_equal(in.ptr[1], 0xc6);
    assert_int_equal(judge(NULL, in), TRUST_OK);
    ts_mem_free(names);
    ts_mem_free(u);
    dw_fresh(&g);
}

static void without_memory_there_is_no_snapshot(void **state)
{
    struct ts_bytes in = dw_sign(&g, KEY_DIRECTORY);

    (void)state;
    for (int persistent = 0; persistent < 2; persistent++) {
        for (int nth = 0;; nth++) {
            enum trust_code c;

            fault_mem_arm(nth, persistent == 1);
            c = judge(NULL, in);
            if (!fault_mem_fired()) {
                fault_mem_disarm();
                assert_int_equal(c, TRUST_OK);
                assert_true(nth >= 1);
                break;
            }
            assert_int_equal(c, TRUST_E_INTERNAL);
        }
    }
    for (int nth = 0;; nth++) {
        struct ts_buf out;
        const char *what;
        uint32_t index;
        ts_err e;

        fault_mem_arm(nth, false);
        ts_buf_init(&out, 8192);
        e = directory_snapshot_encode(&g.s, &out, &what, &index);
        fault_mem_disarm();
        assert_int_equal(out.len > 0, e == TS_OK);
        ts_buf_done(&out);
        if (e == TS_OK)
            break;
        assert_int_equal(e, TS_E_NOMEM);
    }
}

/* Whatever the budget: a whole snapshot or none. */
static void an_arena_that_is_too_small_is_told_at_every_size(void **state)
{
    struct ts_bytes in = dw_sign(&g, KEY_DIRECTORY);
    enum trust_code c = TRUST_E_INTERNAL;

    (void)state;
    for (size_t budget = 0; c == TRUST_E_INTERNAL; budget += 8) {
        struct directory_snapshot s;
        struct ts_arena arena;

        ts_arena_init(&arena, budget);
        c = directory_snapshot_verify(g.w.cfg.store, TS_STR_LIT("acme"), in,
                                      W_NOW, &arena, &s, NULL, NULL);
        assert_true(c == TRUST_OK || c == TRUST_E_INTERNAL);
        ts_arena_done(&arena);
    }
    assert_int_equal(c, TRUST_OK);
}

static void what_does_not_fit_is_not_written(void **state)
{
    struct ts_buf out;
    const char *what = "";
    uint32_t index = 0;

    (void)state;
    ts_buf_init(&out, 200);
    assert_int_equal(directory_snapshot_encode(&g.s, &out, &what, &index),
                     TS_E_LIMIT);
    assert_int_equal(out.len, 0);
    ts_buf_done(&out);
}

/* Keys that the verifier's store holds were checked when it was made. */
static void points_are_checked_unless_the_store_has_them(void **state)
{
    static const uint8_t identity[TRUST_PK_LEN] = {1};
    struct ts_bytes body;
    uint8_t *at;

    (void)state;
    (void)dw_sign(&g, KEY_DIRECTORY); /* leaves the body in g.body */
    body = world_bytes(&g.body);
    at = memmem((void *)(uintptr_t)body.ptr, body.len, g.w.key[KEY_SUB].pk,
                TRUST_PK_LEN);
    assert_non_null(at);
    memcpy(at, identity, TRUST_PK_LEN);
    ts_buf_clear(&g.object);
    assert_int_equal(
        signed_make(SIGNED_SNAPSHOT, body, &g.w.key[KEY_DIRECTORY], &g.object),
        TS_OK);
    assert_int_equal(dw_verify(&g, "acme", world_bytes(&g.object), W_NOW, NULL),
                     TRUST_E_KEY);
    assert_int_equal(decode(body), TRUST_E_KEY);
    memcpy(g.w.agents[1].keys[0], identity, TRUST_PK_LEN);
    g.w.in.points_checked = true; /* it was not, but that is what it says */
    world_rebuild(&g.w);
    assert_int_equal(dw_verify(&g, "acme", world_bytes(&g.object), W_NOW, NULL),
                     TRUST_OK);
    assert_int_equal(decode(body), TRUST_E_KEY);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(everything_goes_there_and_back),
        T(the_hash_is_that_of_the_state),
        T(no_bit_flip_and_no_truncation_of_a_snapshot_counts),
        T(a_body_has_one_encoding),
        T(T26_a_person_with_two_keys_is_one_person),
        T(only_the_directory_of_the_tenant_counts),
        T(a_snapshot_counts_in_its_window_only),
        T(a_store_of_keys_alone_is_enough),
        T(points_are_checked_unless_the_store_has_them),
        T(a_large_directory_is_read_and_written),
        T(without_memory_there_is_no_snapshot),
        T(an_arena_that_is_too_small_is_told_at_every_size),
        T(what_does_not_fit_is_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
