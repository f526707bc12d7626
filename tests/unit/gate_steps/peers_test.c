#include "sidecar/gate/steps/peers.h"

#include "tests/lib/ts_test.h"

#define SECOND UINT64_C(1000000000)

static int setup(void **state)
{
    static struct peers p;

    *state = &p;
    return peers_init(&p, 10, 20) == TS_OK ? 0 : -1;
}

static int teardown(void **state)
{
    peers_done(*state);
    return 0;
}

static uint32_t enter_many(struct peers *p, uint32_t uid, uint64_t now_ns)
{
    uint32_t n = 0;

    while (n < 10000 && peers_enter(p, uid, now_ns) == TS_OK) {
        peers_leave(p, uid);
        n++;
    }
    return n;
}

static void peers_enter_burst_then_rate(void **state)
{
    struct peers *p = *state;

    assert_int_equal(enter_many(p, 5, SECOND), 20);
    assert_int_equal(peers_enter(p, 5, SECOND), TS_E_AGAIN);
    assert_int_equal(peers_enter(p, 6, SECOND), TS_OK); /* not his fault */
    for (uint64_t s = 2; s < 10; s++)
        assert_int_equal(enter_many(p, 5, s * SECOND), 10);
    assert_int_equal(enter_many(p, 5, 1000000 * SECOND), 20); /* no more */
}

static void peers_enter_small_steps_refill_exactly(void **state)
{
    struct peers *p = *state;
    uint32_t n = enter_many(p, 5, SECOND);

    for (uint64_t us = 0; us < 2000000; us += 100)
        n += enter_many(p, 5, SECOND + us * 1000);
    assert_in_range(n, 39, 40); /* burst and two seconds of rate */
}

static void peers_enter_time_going_back_gives_nothing(void **state)
{
    struct peers *p = *state;

    assert_int_equal(enter_many(p, 5, 5 * SECOND), 20);
    assert_int_equal(enter_many(p, 5, 1 * SECOND), 0);
}

static void peers_enter_limits_connections(void **state)
{
    struct peers *p = *state;
    uint32_t total = 0;

    p->burst = 100000;
    for (uint32_t uid = 100; uid < 100 + TS_CONNS_MAX / TS_CONNS_PER_UID;
         uid++) {
        for (uint32_t i = 0; i < TS_CONNS_PER_UID; i++, total++)
            assert_int_equal(peers_enter(p, uid, SECOND), TS_OK);
        assert_int_equal(peers_enter(p, uid, SECOND), TS_E_LIMIT);
    }
    assert_int_equal(total, TS_CONNS_MAX);
    assert_int_equal(peers_enter(p, 9, SECOND), TS_E_LIMIT);
    peers_leave(p, 100);
    assert_int_equal(peers_enter(p, 9, SECOND), TS_OK);
}

/* Hanging up and coming back as many uids does not refill anyone's bucket as
 * long as there is a fuller entry to reuse. */
static void peers_enter_reuses_the_fullest_entry(void **state)
{
    struct peers *p = *state;

    assert_int_equal(enter_many(p, 1, SECOND), 20);
    for (uint32_t uid = 10; uid < 10 + 3 * PEERS_MAX; uid++) {
        assert_int_equal(peers_enter(p, uid, SECOND), TS_OK);
        peers_leave(p, uid);
    }
    assert_int_equal(enter_many(p, 1, SECOND), 0);
}

static void peers_punish_takes_a_token(void **state)
{
    struct peers *p = *state;

    assert_int_equal(peers_enter(p, 5, SECOND), TS_OK);
    for (int i = 0; i < 50; i++)
        peers_punish(p, 5);
    peers_punish(p, 77); /* unknown: nothing */
    peers_leave(p, 5);
    assert_int_equal(enter_many(p, 5, SECOND), 0);
    assert_int_equal(enter_many(p, 5, 2 * SECOND), 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(peers_enter_burst_then_rate, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(peers_enter_small_steps_refill_exactly,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            peers_enter_time_going_back_gives_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(peers_enter_limits_connections, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(peers_enter_reuses_the_fullest_entry,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(peers_punish_takes_a_token, setup,
                                        teardown),
    };

    return cmocka_run_group_tests_name("peers", tests, NULL, NULL);
}
