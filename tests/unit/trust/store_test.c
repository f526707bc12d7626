#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "trust_world.h"

static struct world w;

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

static ts_err build(char *why, size_t cap)
{
    struct ts_arena arena;
    const struct trust_store *s = NULL;
    ts_err e;

    ts_arena_init(&arena, 1u << 20);
    e = trust_store_build(&w.in, &arena, &s, why, cap);
    if (e != TS_OK)
        assert_null(s);
    ts_arena_done(&arena);
    return e;
}

static void lookups_put_the_tenant_first(void **state)
{
    const struct trust_store *s = w.cfg.store;
    const struct trust_agent *a, *b;

    (void)state;
    a = trust_store_agent(s, TS_STR_LIT("acme"), TS_STR_LIT("coder"));
    b = trust_store_agent(s, TS_STR_LIT("beta"), TS_STR_LIT("coder"));
    assert_true(a != NULL && b != NULL && a != b);
    assert_null(trust_store_agent(s, TS_STR_LIT("acm"), TS_STR_LIT("ecoder")));
    assert_null(
        trust_store_agent(s, TS_STR_LIT("beta"), TS_STR_LIT("builder")));
    assert_ptr_equal(trust_store_agent_of_key(s, w.key[KEY_CODER].pk), a);
    assert_null(trust_store_agent_of_key(s, w.key[KEY_ISSUER].pk));
    assert_null(trust_store_key(s, w.key[KEY_CODER].pk));
    assert_int_equal(trust_store_key(s, w.key[KEY_SIDECAR].pk)->role,
                     TRUST_ROLE_SIDECAR);
    assert_ptr_equal(trust_store_agent_or_ancestor(s, TS_STR_LIT("acme"),
                                                   TS_STR_LIT("coder/x/y")),
                     a);
    assert_null(trust_store_agent_or_ancestor(s, TS_STR_LIT("acme"),
                                              TS_STR_LIT("coder2/x")));
}

static void
unknown_users_are_unknown_unless_the_tenant_says_otherwise(void **state)
{
    const struct trust_store *s = w.cfg.store;
    const struct ts_str acme = TS_STR_LIT("acme"), beta = TS_STR_LIT("beta");

    (void)state;
    assert_int_equal(trust_store_user(s, acme, TS_STR_LIT("alice")),
                     TRUST_ACTIVE);
    assert_int_equal(trust_store_user(s, acme, TS_STR_LIT("carol")),
                     TRUST_INACTIVE);
    assert_int_equal(trust_store_user(s, acme, TS_STR_LIT("bob")),
                     TRUST_UNKNOWN);
    assert_int_equal(trust_store_user(s, beta, TS_STR_LIT("bob")),
                     TRUST_ACTIVE);
    assert_int_equal(trust_store_user(s, TS_STR_LIT("no"), TS_STR_LIT("bob")),
                     TRUST_UNKNOWN);
}

/* Every way for one key or name to mean two things, and other bad input. */
static void contradictions_are_refused_with_a_name(void **state)
{
    char why[256];

    (void)state;
    memcpy(w.keys[1].pk, w.keys[0].pk, 32); /* two entries of one issuer */
    assert_int_equal(build(why, sizeof(why)), TS_E_EXISTS);
    assert_non_null(strstr(why, "idp"));
    memcpy(w.keys[1].pk, w.key[KEY_CODER].pk, 32); /* issuer and agent */
    assert_int_equal(build(why, sizeof(why)), TS_E_EXISTS);
    assert_non_null(strstr(why, "coder"));
    memcpy(w.keys[1].pk, w.key[KEY_ISSUER_OLD].pk, 32);
    memcpy(w.agents[2].keys[0], w.key[KEY_CODER].pk, 32); /* two tenants */
    assert_int_equal(build(why, sizeof(why)), TS_E_EXISTS);
    memcpy(w.agents[2].keys[0], w.key[KEY_BETA_CODER].pk, 32);
    w.agents[1].id = TS_STR_LIT("coder");
    assert_int_equal(build(why, sizeof(why)), TS_E_EXISTS);
    assert_non_null(strstr(why, "given twice"));
    w.agents[1].id = TS_STR_LIT("builder");
    w.users[1].id = TS_STR_LIT("alice");
    assert_int_equal(build(why, sizeof(why)), TS_E_EXISTS);
    w.users[1].id = TS_STR_LIT("carol");
    w.tenants[1].id = TS_STR_LIT("acme");
    assert_int_equal(build(why, sizeof(why)), TS_E_EXISTS);
    w.tenants[1].id = TS_STR_LIT("beta");
    assert_int_equal(build(why, sizeof(why)), TS_OK);
}

static void impossible_entries_are_refused(void **state)
{
    struct world good = w;
    char why[256];

    (void)state;
    w.tenants[0].max_ttl_s = TS_TTL_HARD_S + 1;
    assert_int_equal(build(why, sizeof(why)), TS_E_INVALID);
    w.tenants[0] = good.tenants[0];
    w.tenants[1].id = TS_STR_LIT("a b");
    assert_int_equal(build(why, sizeof(why)), TS_E_INVALID);
    assert_non_null(strstr(why, "a b"));
    w.tenants[1] = good.tenants[1];
    w.agents[0].tenant = TS_STR_LIT("gamma");
    assert_int_equal(build(why, sizeof(why)), TS_E_INVALID);
    assert_non_null(strstr(why, "gamma"));
    w.agents[0] = good.agents[0];
    w.users[0].id = TS_STR_LIT("a\033[2J");
    assert_int_equal(build(why, sizeof(why)), TS_E_INVALID);
    assert_null(strchr(why, '\033'));
    w.users[0] = good.users[0];
    memset(w.agents[0].keys[0], 0, 32);
    assert_int_equal(build(why, sizeof(why)), TS_E_INVALID);
    assert_non_null(strstr(why, "point"));
    w.in.points_checked = true; /* the caller's word for it */
    assert_int_equal(build(why, sizeof(why)), TS_OK);
    w.in.points_checked = false;
    w.agents[0] = good.agents[0];
    w.agents[0].key_count = TRUST_AGENT_KEYS_MAX + 1;
    assert_int_equal(build(why, sizeof(why)), TS_E_INVALID);
    assert_non_null(strstr(why, "at most"));
    w.agents[0] = good.agents[0];
    w.agents[0].uid_count = TRUST_AGENT_UIDS_MAX + 1;
    assert_int_equal(build(why, sizeof(why)), TS_E_INVALID);
    assert_non_null(strstr(why, "at most"));
    w.agents[0].uid_count = TRUST_AGENT_UIDS_MAX;
    assert_int_equal(build(why, sizeof(why)), TS_OK);
    w.agents[0] = good.agents[0];
    w.keys[0].not_before = 10;
    w.keys[0].not_after = 9;
    assert_int_equal(build(why, sizeof(why)), TS_E_INVALID);
    w.keys[0] = good.keys[0];
    assert_int_equal(build(why, 1), TS_OK);
    w.keys[0].tenant = TS_STR_LIT("");
    assert_int_equal(build(why, 1), TS_E_INVALID);
    assert_string_equal(why, "");
    w.keys[0] = good.keys[0];
}

/* Each place where a name or a tenant stands. */
static void names_and_tenants_are_checked_everywhere(void **state)
{
    const struct world good = w;
    char why[256];

    (void)state;
    for (int i = 0; i < 6; i++) {
        struct ts_str *at[] = {&w.keys[0].name,     &w.agents[0].id,
                               &w.users[0].id,      &w.keys[0].tenant,
                               &w.agents[0].tenant, &w.users[0].tenant};

        *at[i] = i < 3 ? TS_STR_LIT("a b") : TS_STR_LIT("gamma");
        assert_int_equal(build(why, sizeof(why)), TS_E_INVALID);
        assert_non_null(strstr(why, i < 3 ? "\"a b\"" : "\"gamma\""));
        w.keys[0] = good.keys[0];
        w.agents[0] = good.agents[0];
        w.users[0] = good.users[0];
    }
    assert_int_equal(build(why, sizeof(why)), TS_OK);
}

/* Rotation takes a few keys; a collection of them is refused. */
static void issuer_with_too_many_keys_is_refused(void **state)
{
    struct trust_key keys[TRUST_ISSUER_KEYS_MAX + 1];
    char why[256];

    (void)state;
    for (size_t i = 0; i < TRUST_ISSUER_KEYS_MAX + 1; i++) {
        keys[i] = w.keys[0];
        memcpy(keys[i].pk, w.key[KEY_SUB + i].pk, TRUST_PK_LEN);
    }
    w.in.keys = keys;
    w.in.key_count = TRUST_ISSUER_KEYS_MAX + 1;
    assert_int_equal(build(why, sizeof(why)), TS_E_INVALID);
    assert_non_null(strstr(why, "idp"));
    keys[0].name = TS_STR_LIT("idp-2");
    assert_int_equal(build(why, sizeof(why)), TS_OK);
    keys[0].name = keys[1].name;
    keys[0].tenant = TS_STR_LIT("beta");
    assert_int_equal(build(why, sizeof(why)), TS_OK);
    keys[0].tenant = keys[1].tenant;
    w.in.key_count--;
    assert_int_equal(build(why, sizeof(why)), TS_OK);
}

static void an_empty_store_trusts_nobody(void **state)
{
    const struct trust_input none = {0};
    const struct trust_store *s = NULL;
    struct ts_arena arena;
    char why[8];

    (void)state;
    ts_arena_init(&arena, 1u << 14);
    assert_int_equal(trust_store_build(&none, &arena, &s, why, sizeof(why)),
                     TS_OK);
    assert_null(trust_store_kid(s, w.key[0].pk));
    assert_null(trust_store_key(s, w.key[0].pk));
    assert_null(trust_store_agent(s, TS_STR_LIT("acme"), TS_STR_LIT("coder")));
    assert_int_equal(
        trust_store_user(s, TS_STR_LIT("acme"), TS_STR_LIT("alice")),
        TRUST_UNKNOWN);
    ts_arena_done(&arena);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(lookups_put_the_tenant_first),
        T(unknown_users_are_unknown_unless_the_tenant_says_otherwise),
        T(contradictions_are_refused_with_a_name),
        T(impossible_entries_are_refused),
        T(names_and_tenants_are_checked_everywhere),
        T(issuer_with_too_many_keys_is_refused),
        T(an_empty_store_trusts_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
