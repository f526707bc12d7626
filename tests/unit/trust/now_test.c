/* What changes between two decisions about the same chain. */
#include "tests/lib/ts_test.h"

#include <string.h>

#include "trust_world.h"

static struct world w;
static struct ts_arena arena;
static struct delegation d; /* three blocks, verified at W_NOW */

static int setup(void **state)
{
    static struct chain c;

    (void)state;
    world_init(&w);
    world_chain(&w, 3, &c);
    ts_arena_init(&arena, 1u << 16);
    return delegation_decode_verify(&w.cfg, c.b, c.len, W_NOW, &arena, &d) ==
                   TRUST_OK
               ? 0
               : -1;
}

static int teardown(void **state)
{
    (void)state;
    ts_arena_done(&arena);
    world_done(&w);
    return 0;
}

static enum trust_code now(uint64_t at)
{
    return delegation_check_now(&w.cfg, &d, at);
}

static void the_window_ends_sharply_and_begins_with_skew(void **state)
{
    (void)state;
    assert_int_equal(now(W_NOW - 11), TRUST_E_NOT_YET);
    assert_int_equal(now(W_NOW - 10), TRUST_OK); /* starts at -5, skew 5 */
    assert_int_equal(now(W_NOW + 299), TRUST_OK);
    assert_int_equal(now(W_NOW + 300), TRUST_E_EXPIRED);
    assert_int_equal(now(UINT64_MAX), TRUST_E_EXPIRED);
    assert_int_equal(now(0), TRUST_E_NOT_YET);
}

/* Each thing that can be revoked, in its tenant and in the other. */
static void every_kind_of_revocation_reaches_the_chain(void **state)
{
    const struct {
        enum revocation_kind kind;
        const void *target;
        size_t len;
        uint64_t iat; /* of what it covers */
    } cases[] = {
        {REVOCATION_GRANT, d.grant_id, 16, UINT64_MAX},
        {REVOCATION_BLOCK, d.blocks[0].id, 32, UINT64_MAX},
        {REVOCATION_BLOCK, d.blocks[2].id, 32, UINT64_MAX},
        {REVOCATION_KEY, d.blocks[0].holder, 32, W_NOW - 10},
        {REVOCATION_KEY, d.blocks[1].holder, 32, W_NOW - 5},
        {REVOCATION_USER, "alice", 5, W_NOW - 10},
        {REVOCATION_AGENT, "coder/s/s", 9, W_NOW - 5},
        {REVOCATION_AGENT, "coder/s", 7, W_NOW - 5},
        {REVOCATION_AGENT, "coder", 5, W_NOW - 5},
        {REVOCATION_TASK, "task-1", 6, W_NOW - 10},
        {REVOCATION_TENANT, "", 0, W_NOW - 10},
        {REVOCATION_ISSUER_KEY, d.kid, 16, W_NOW - 10},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct ts_bytes target = {cases[i].target, cases[i].len};
        bool by_id = cases[i].iat == UINT64_MAX;

        revocations_done(&w.revoked);
        revocations_init(&w.revoked, 10);
        assert_int_equal(revocations_add(&w.revoked, cases[i].kind,
                                         TS_STR_LIT("beta"), target, UINT64_MAX,
                                         UINT64_MAX, 0),
                         TS_OK);
        assert_int_equal(now(W_NOW), TRUST_OK); /* not our tenant */
        if (!by_id) {
            assert_int_equal(revocations_add(&w.revoked, cases[i].kind,
                                             TS_STR_LIT("acme"), target,
                                             W_NOW - 11, UINT64_MAX, 0),
                             TS_OK);
            assert_int_equal(now(W_NOW), TRUST_OK); /* issued later */
        }
        assert_int_equal(
            revocations_add(&w.revoked, cases[i].kind, TS_STR_LIT("acme"),
                            target, by_id ? 0 : cases[i].iat, UINT64_MAX, 0),
            TS_OK);
        assert_int_equal(now(W_NOW), TRUST_E_REVOKED);
        assert_int_equal(delegation_revoked_by(&w.cfg, &d), cases[i].kind);
    }
    w.cfg.revoked = NULL;
    assert_int_equal(now(W_NOW), TRUST_OK);
}

static void beside_the_chain_nothing_is_revoked(void **state)
{
    static const char *const agents[] = {"code", "coder/", "coder/s/t",
                                         "coder2", "builder"};

    (void)state;
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(
            revocations_add(&w.revoked, REVOCATION_AGENT, TS_STR_LIT("acme"),
                            (struct ts_bytes){(const uint8_t *)agents[i],
                                              strlen(agents[i])},
                            UINT64_MAX, UINT64_MAX, 0),
            TS_OK);
    assert_int_equal(now(W_NOW), TRUST_OK);
}

/* The directory is asked again: a reload ends what it no longer supports. */
static void a_new_directory_decides_at_once(void **state)
{
    const struct world good = w;

    (void)state;
    w.agents[0].status = TRUST_INACTIVE;
    world_rebuild(&w);
    assert_int_equal(now(W_NOW), TRUST_E_REVOKED);
    w.agents[0].status = TRUST_UNKNOWN;
    world_rebuild(&w);
    assert_int_equal(now(W_NOW), TRUST_E_AGENT);
    w.agents[0] = good.agents[0];
    w.agents[0].id = TS_STR_LIT("coder-2");
    world_rebuild(&w);
    assert_int_equal(now(W_NOW), TRUST_E_AGENT);
    w.agents[0] = good.agents[0];
    memcpy(w.agents[0].keys[0], w.key[KEY_SUB + 5].pk, TRUST_PK_LEN);
    world_rebuild(&w);
    assert_int_equal(now(W_NOW), TRUST_E_AGENT); /* the key was taken away */
    w.agents[0] = good.agents[0];
    memcpy(w.agents[1].keys[0], w.key[KEY_SUB + 1].pk, TRUST_PK_LEN);
    world_rebuild(&w);
    assert_int_equal(now(W_NOW), TRUST_E_KEY); /* it is builder's now */
    w.agents[1] = good.agents[1];
    w.users[0].status = TRUST_INACTIVE;
    world_rebuild(&w);
    assert_int_equal(now(W_NOW), TRUST_E_REVOKED);
    w.users[0].id = TS_STR_LIT("somebody");
    world_rebuild(&w);
    assert_int_equal(now(W_NOW), TRUST_E_USER);
    w.users[0] = good.users[0];
    world_rebuild(&w);
    assert_int_equal(now(W_NOW), TRUST_OK);
}

static void a_new_trust_store_decides_at_once(void **state)
{
    const struct world good = w;

    (void)state;
    w.keys[0].disabled = true;
    world_rebuild(&w);
    assert_int_equal(now(W_NOW), TRUST_E_ISSUER);
    w.keys[0] = good.keys[0];
    w.keys[0].not_after = W_NOW - 11;
    world_rebuild(&w);
    assert_int_equal(now(W_NOW), TRUST_E_ISSUER);
    w.keys[0].not_after = W_NOW - 10; /* inclusive */
    world_rebuild(&w);
    assert_int_equal(now(W_NOW), TRUST_OK);
    w.keys[0].not_after = 0;
    w.keys[0].not_before = W_NOW - 9;
    world_rebuild(&w);
    assert_int_equal(now(W_NOW), TRUST_E_ISSUER);
    w.keys[0] = good.keys[0];
    w.keys[0].role = TRUST_ROLE_REVOKER; /* the same key, for something else */
    world_rebuild(&w);
    assert_int_equal(now(W_NOW), TRUST_E_ISSUER);
    w.keys[0] = good.keys[0];
    w.keys[0].tenant = TS_STR_LIT("beta");
    world_rebuild(&w);
    assert_int_equal(now(W_NOW), TRUST_E_ISSUER);
    w.keys[0] = good.keys[0];
    w.keys[0].name = TS_STR_LIT("other-idp");
    world_rebuild(&w);
    assert_int_equal(now(W_NOW), TRUST_E_ISSUER);
    w.keys[0] = good.keys[0];
    w.in.keys = w.keys + 1;
    w.in.key_count = 3;
    world_rebuild(&w);
    assert_int_equal(now(W_NOW), TRUST_E_ISSUER);
}

static void uid_must_be_listed_for_the_agent_or_its_ancestor(void **state)
{
    (void)state;
    assert_true(delegation_uid_allowed(&w.cfg, &d, 1001));
    assert_false(delegation_uid_allowed(&w.cfg, &d, 1002));
    assert_false(delegation_uid_allowed(&w.cfg, &d, 2001));
    assert_false(delegation_uid_allowed(&w.cfg, &d, 0));
    w.agents[0].uids[0] = 65534; /* even when listed: it is "unknown" */
    world_rebuild(&w);
    assert_false(delegation_uid_allowed(&w.cfg, &d, 65534));
    w.agents[0].uid_count = 0;
    world_rebuild(&w);
    assert_false(delegation_uid_allowed(&w.cfg, &d, 1001));
    w.in.agent_count = 0; /* nobody at all */
    world_rebuild(&w);
    assert_false(delegation_uid_allowed(&w.cfg, &d, 1001));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_window_ends_sharply_and_begins_with_skew),
        T(every_kind_of_revocation_reaches_the_chain),
        T(beside_the_chain_nothing_is_revoked),
        T(a_new_directory_decides_at_once),
        T(a_new_trust_store_decides_at_once),
        T(uid_must_be_listed_for_the_agent_or_its_ancestor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
