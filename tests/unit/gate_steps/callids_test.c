#include "sidecar/gate/steps/callids.h"

#include <string.h>

#include "tests/lib/fault_mem.h"
#include "tests/lib/ts_test.h"

static const uint8_t grant_a[16] = {1}, grant_b[16] = {2};

/* hash_mask makes every hash collide when 0. */
static struct call_key key_of(uint32_t n, uint64_t hash_mask, uint64_t digest)
{
    struct call_key k = {.hash = (n * UINT64_C(0x9e3779b97f4a7c15)) & hash_mask,
                         .digest = digest};

    memcpy(k.id, &n, sizeof(n));
    return k;
}

static struct call_outcome permitted(uint32_t exit_code)
{
    return (struct call_outcome){.verdict = VERDICT_PERMIT,
                                 .code = CODE_PERMITTED,
                                 .exit_code = exit_code};
}

static int setup(void **state)
{
    static struct call_ids t;

    *state = &t;
    return call_ids_init(&t) == TS_OK ? 0 : -1;
}

static int teardown(void **state)
{
    call_ids_done(*state);
    return 0;
}

static struct grant_calls *open_a(struct call_ids *t)
{
    struct grant_calls *g = NULL;

    assert_int_equal(call_ids_open(t, TS_STR_LIT("acme"), grant_a, 100, 50, &g),
                     TS_OK);
    return g;
}

static void grant_calls_find_tells_the_four_cases(void **state)
{
    struct grant_calls *g = open_a(*state);
    const struct call_outcome *o = NULL;
    struct call_key k = key_of(7, UINT64_MAX, 5), other = key_of(7, ~0ull, 6);
    struct call_outcome done = permitted(3);
    uint16_t slot;

    assert_int_equal(grant_calls_find(g, &k, &o), CALL_ID_NEW);
    assert_int_equal(grant_calls_add(g, &k, &slot), TS_OK);
    assert_int_equal(grant_calls_find(g, &k, &o), CALL_ID_RUNNING);
    assert_int_equal(grant_calls_find(g, &other, &o), CALL_ID_OTHER);
    assert_null(o);
    grant_calls_finish(g, slot, &done);
    assert_int_equal(grant_calls_find(g, &k, &o), CALL_ID_FINISHED);
    assert_int_equal(o->exit_code, 3);
    assert_int_equal(grant_calls_find(g, &other, &o), CALL_ID_OTHER);
}

static void check_fill(struct call_ids *t, uint64_t hash_mask)
{
    struct grant_calls *g = open_a(t);
    const struct call_outcome *o;
    uint16_t slot;

    /* Far more than fit; each stays known until TS_CALL_IDS_MAX newer ones. */
    for (uint32_t n = 0; n < TS_CALL_IDS_MAX + 1000; n++) {
        struct call_key k = key_of(n, hash_mask, n);
        struct call_outcome done = permitted(n);

        assert_int_equal(grant_calls_find(g, &k, &o), CALL_ID_NEW);
        assert_int_equal(grant_calls_add(g, &k, &slot), TS_OK);
        grant_calls_finish(g, slot, &done);
    }
    assert_int_equal(grant_calls_count(g), TS_CALL_IDS_MAX);
    for (uint32_t n = 0; n < TS_CALL_IDS_MAX + 1000; n++) {
        struct call_key k = key_of(n, hash_mask, n);
        enum call_id_found found = grant_calls_find(g, &k, &o);

        assert_int_equal(found, n < 1000 ? CALL_ID_NEW : CALL_ID_FINISHED);
        if (found == CALL_ID_FINISHED)
            assert_int_equal(o->exit_code, n);
    }
}

static void grant_calls_add_keeps_the_newest(void **state)
{
    check_fill(*state, UINT64_MAX);
}

static void grant_calls_add_collisions_change_nothing(void **state)
{
    check_fill(*state, 0);
}

static void grant_calls_add_running_ones_are_never_forgotten(void **state)
{
    struct grant_calls *g = open_a(*state);
    const struct call_outcome *o;
    struct call_key old = key_of(1u << 20, UINT64_MAX, 1), k;
    struct call_outcome done = permitted(0);
    uint16_t slot, first;

    assert_int_equal(grant_calls_add(g, &old, &first), TS_OK);
    for (uint32_t n = 0; n < 2 * TS_CALL_IDS_MAX; n++) {
        k = key_of(n, UINT64_MAX, n);
        assert_int_equal(grant_calls_add(g, &k, &slot), TS_OK);
        assert_int_not_equal(slot, first);
        grant_calls_finish(g, slot, &done);
    }
    assert_int_equal(grant_calls_find(g, &old, &o), CALL_ID_RUNNING);
}

static void grant_calls_add_all_running_is_refused(void **state)
{
    struct grant_calls *g = open_a(*state);
    struct call_outcome done = permitted(0);
    struct call_key k;
    uint16_t slot = 0;

    for (uint32_t n = 0; n < TS_CALL_IDS_MAX; n++) {
        k = key_of(n, UINT64_MAX, n);
        assert_int_equal(grant_calls_add(g, &k, &slot), TS_OK);
    }
    k = key_of(TS_CALL_IDS_MAX, UINT64_MAX, 0);
    assert_int_equal(grant_calls_add(g, &k, &slot), TS_E_LIMIT);
    grant_calls_finish(g, 5, &done);
    assert_int_equal(grant_calls_add(g, &k, &slot), TS_OK);
    assert_int_equal(slot, 5);
}

static void grant_calls_rerun_is_for_denials_only(void **state)
{
    struct grant_calls *g = open_a(*state);
    const struct call_outcome *o;
    struct call_outcome denied = {.verdict = VERDICT_DENY, .code = CODE_DENIED};
    struct call_outcome ran = permitted(0);
    struct call_key k = key_of(1, UINT64_MAX, 1), wrong = key_of(1, ~0ull, 2);
    uint16_t slot, again = 9999;

    assert_int_equal(grant_calls_rerun(g, &k, &again), TS_E_STATE);
    assert_int_equal(grant_calls_add(g, &k, &slot), TS_OK);
    assert_int_equal(grant_calls_rerun(g, &k, &again), TS_E_STATE);
    grant_calls_finish(g, slot, &denied);
    assert_int_equal(grant_calls_rerun(g, &wrong, &again), TS_E_STATE);
    assert_int_equal(again, 9999);
    assert_int_equal(grant_calls_rerun(g, &k, &again), TS_OK);
    assert_int_equal(again, slot);
    assert_int_equal(grant_calls_find(g, &k, &o), CALL_ID_RUNNING);
    grant_calls_finish(g, slot, &ran);
    assert_int_equal(grant_calls_rerun(g, &k, &again), TS_E_STATE);
}

static void call_ids_open_separates_grants_and_tenants(void **state)
{
    struct call_ids *t = *state;
    struct grant_calls *a = open_a(t), *b = NULL, *other = NULL;
    const struct call_outcome *o;
    struct call_key k = key_of(1, UINT64_MAX, 1);
    uint16_t slot;

    assert_int_equal(call_ids_open(t, TS_STR_LIT("acme"), grant_b, 100, 50, &b),
                     TS_OK);
    assert_int_equal(
        call_ids_open(t, TS_STR_LIT("umbrella"), grant_a, 100, 50, &other),
        TS_OK);
    assert_true(a != b && a != other && b != other);
    assert_ptr_equal(open_a(t), a);
    assert_int_equal(grant_calls_add(a, &k, &slot), TS_OK);
    assert_int_equal(grant_calls_find(b, &k, &o), CALL_ID_NEW);
    assert_int_equal(grant_calls_find(other, &k, &o), CALL_ID_NEW);
}

static void call_ids_open_forgets_only_what_expired(void **state)
{
    struct call_ids *t = *state;
    struct grant_calls *g = NULL, *held = open_a(t);

    for (uint32_t n = 1; n < GRANTS_MAX; n++) {
        uint8_t id[16] = {0xff};

        memcpy(id + 1, &n, sizeof(n));
        assert_int_equal(call_ids_open(t, TS_STR_LIT("acme"), id, 200, 50, &g),
                         TS_OK);
        grant_calls_reserved(g, 1); /* a budget is not forgotten */
        grant_calls_close(g);
    }
    assert_int_equal(
        call_ids_open(t, TS_STR_LIT("acme"), grant_b, 300, 205, &g),
        TS_E_LIMIT); /* 200 and the tolerated skew: not over yet */
    assert_int_equal(
        call_ids_open(t, TS_STR_LIT("acme"), grant_b, 300, 206, &g), TS_OK);
    assert_int_equal(t->used, 2); /* the held one stays, expired or not */
    assert_ptr_equal(t->grants[0], held);
}

static struct grant_calls *open_nth(struct call_ids *t, struct ts_str tenant,
                                    uint32_t n)
{
    struct grant_calls *g = NULL;
    uint8_t id[16] = {0xff};

    memcpy(id + 1, &n, sizeof(n));
    assert_int_equal(call_ids_open(t, tenant, id, 200, 50, &g), TS_OK);
    return g;
}

/* T34: more grants than there is room for, one after the other, as tasks come
 * and go: nobody is refused, and whoever brings them makes room himself. */
static void T34_grants_that_nobody_uses_make_room(void **state)
{
    struct call_ids *t = *state;
    const struct ts_str busy = TS_STR_LIT("busy"), calm = TS_STR_LIT("calm");
    struct call_key k = key_of(1, UINT64_MAX, 1);
    struct call_outcome done = permitted(0);
    const struct call_outcome *o;
    struct grant_calls *g, *kept = open_nth(t, calm, 0);
    uint16_t slot;

    assert_int_equal(grant_calls_add(kept, &k, &slot), TS_OK);
    grant_calls_finish(kept, slot, &done);
    grant_calls_close(kept);
    for (uint32_t n = 1; n < 3 * GRANTS_MAX; n++) {
        assert_true(call_ids_has_place(t, busy, grant_b, 50));
        g = open_nth(t, busy, n);
        assert_int_equal(grant_calls_add(g, &k, &slot), TS_OK);
        grant_calls_finish(g, slot, &done);
        grant_calls_close(g);
    }
    assert_int_equal(t->used, GRANTS_MAX);
    assert_int_equal(t->forgot_s, 50);
    g = open_nth(t, calm, 0);
    assert_ptr_equal(g, kept);
    assert_int_equal(grant_calls_find(g, &k, &o), CALL_ID_FINISHED);
}

/* Those that must be kept are bounded for each tenant. */
static void T34_one_tenant_leaves_places_for_grants(void **state)
{
    struct call_ids *t = *state;
    const struct ts_str busy = TS_STR_LIT("busy"), calm = TS_STR_LIT("calm");
    const uint8_t first[16] = {0xff}; /* as open_nth() makes it */
    uint32_t n = 0;

    while (call_ids_has_place(t, busy, grant_b, 50))
        (void)open_nth(t, busy, n++);
    assert_int_equal(n, GRANTS_MAX - GRANTS_RESERVED);
    assert_true(call_ids_has_place(t, calm, grant_b, 50));
    for (uint32_t i = 0; i < GRANTS_RESERVED; i++)
        (void)open_nth(t, calm, n++);
    assert_int_equal(t->used, GRANTS_MAX);
    assert_int_equal(t->forgot_s, 0);
    assert_false(call_ids_has_place(t, busy, grant_b, 50));
    (void)open_nth(t, busy, 0);
    assert_true(call_ids_has_place(t, busy, first, 50)); /* known already */
}

static void callids_out_of_memory_leaves_nothing_behind(void **state)
{
    struct call_outcome done = permitted(0);

    (void)state;
    for (int nth = 0;; nth++) {
        struct call_ids t = {0};
        struct grant_calls *g = NULL;
        uint16_t slot = 0;
        ts_err e;

        fault_mem_arm(nth, true);
        e = call_ids_init(&t);
        if (e == TS_OK)
            e = call_ids_open(&t, TS_STR_LIT("acme"), grant_a, 9, 1, &g);
        for (uint32_t n = 0; e == TS_OK && n < 100; n++) {
            struct call_key k = key_of(n, UINT64_MAX, n);

            e = grant_calls_add(g, &k, &slot);
            if (e == TS_OK)
                grant_calls_finish(g, slot, &done);
        }
        if (t.grants != NULL)
            call_ids_done(&t);
        assert_int_equal(fault_mem_live(), 0);
        if (!fault_mem_fired())
            break;
        assert_int_equal(e, TS_E_NOMEM);
    }
    fault_mem_disarm();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(grant_calls_find_tells_the_four_cases,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(grant_calls_add_keeps_the_newest, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            grant_calls_add_collisions_change_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(
            grant_calls_add_running_ones_are_never_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(grant_calls_add_all_running_is_refused,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(grant_calls_rerun_is_for_denials_only,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            call_ids_open_separates_grants_and_tenants, setup, teardown),
        cmocka_unit_test_setup_teardown(call_ids_open_forgets_only_what_expired,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(T34_grants_that_nobody_uses_make_room,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(T34_one_tenant_leaves_places_for_grants,
                                        setup, teardown),
        cmocka_unit_test(callids_out_of_memory_leaves_nothing_behind),
    };

    return cmocka_run_group_tests_name("callids", tests, NULL, NULL);
}
