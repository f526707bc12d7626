#include "tests/lib/ts_test.h"

#include <string.h>

#include "sidecar/gate/steps/budget_journal.h"
#include "sidecar/gate/steps/callids.h"

static const uint8_t grant_id[16] = {1, 2, 3};

/* The journal never says less than what was started, and by GRANT_RESERVE more
 * at most. */
static void spend_any_budget_stays_within_what_is_reserved(void **state)
{
    (void)state;
    for (uint64_t max = 1; max < 70; max++) {
        struct call_ids ids;
        struct grant_calls *g;
        uint64_t started = 0, written = 0;

        assert_int_equal(call_ids_init(&ids), TS_OK);
        assert_int_equal(
            call_ids_open(&ids, TS_STR_LIT("acme"), grant_id, 100, 1, &g),
            TS_OK);
        while (grant_calls_left(g, max) > 0) {
            uint64_t total = grant_calls_to_reserve(g, max);

            if (total > 0) {
                assert_true(total > written && total <= max);
                written = total;
                grant_calls_reserved(g, total);
            }
            grant_calls_spend(g);
            started++;
            assert_true(started <= written);
            assert_true(written - started < GRANT_RESERVE);
        }
        assert_int_equal(started, max);
        assert_int_equal(grant_calls_to_reserve(g, max), 0);
        grant_calls_close(g);
        call_ids_done(&ids);
    }
}

static void replay_at_any_point_never_gives_a_call_twice(void **state)
{
    const uint64_t max = 40;

    (void)state;
    for (uint64_t before = 0; before <= max; before++) {
        struct call_ids ids;
        struct grant_calls *g;
        uint64_t written = 0, after = 0;

        assert_int_equal(call_ids_init(&ids), TS_OK);
        assert_int_equal(
            call_ids_open(&ids, TS_STR_LIT("acme"), grant_id, 100, 1, &g),
            TS_OK);
        for (uint64_t i = 0; i < before; i++) {
            uint64_t total = grant_calls_to_reserve(g, max);

            if (total > 0)
                grant_calls_reserved(g, written = total);
            grant_calls_spend(g);
        }
        grant_calls_close(g);
        call_ids_done(&ids);

        assert_int_equal(call_ids_init(&ids), TS_OK);
        assert_int_equal(
            call_ids_open(&ids, TS_STR_LIT("acme"), grant_id, 100, 1, &g),
            TS_OK);
        if (written > 0)
            grant_calls_replayed(g, written);
        for (; grant_calls_left(g, max) > 0; after++)
            grant_calls_spend(g);
        assert_true(before + after <= max);
        assert_true(before + after + GRANT_RESERVE > max);
        grant_calls_close(g);
        call_ids_done(&ids);
    }
}

static void no_budget_is_never_used_up(void **state)
{
    struct call_ids ids;
    struct grant_calls *g;

    (void)state;
    assert_int_equal(call_ids_init(&ids), TS_OK);
    assert_int_equal(
        call_ids_open(&ids, TS_STR_LIT("acme"), grant_id, 100, 1, &g), TS_OK);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(grant_calls_to_reserve(g, 0), 0);
        assert_true(grant_calls_left(g, 0) > 0);
        grant_calls_spend(g);
    }
    grant_calls_close(g);
    call_ids_done(&ids);
}

static void entry_every_truncation_and_bit_flip_is_refused_or_itself(void **s)
{
    struct budget_entry in = {
        .tenant = TS_STR_LIT("acme"), .expires_s = 1800000000, .reserved = 48};
    uint8_t buf[BUDGET_PAYLOAD_MAX], again[BUDGET_PAYLOAD_MAX];
    const char *what = NULL;
    struct budget_entry out;
    size_t n, m;

    (void)s;
    memcpy(in.grant_id, grant_id, sizeof(in.grant_id));
    assert_int_equal(budget_entry_encode(&in, buf, sizeof(buf), &n), TS_OK);
    assert_int_equal(budget_entry_decode(buf, n, &out, &what), TS_OK);
    assert_int_equal(out.reserved, 48);
    assert_memory_equal(out.grant_id, grant_id, 16);
    for (size_t cut = 0; cut < n; cut++)
        assert_int_not_equal(budget_entry_decode(buf, cut, &out, &what), TS_OK);
    for (size_t bit = 0; bit < 8 * n; bit++) {
        buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (budget_entry_decode(buf, n, &out, &what) == TS_OK) {
            assert_int_equal(
                budget_entry_encode(&out, again, sizeof(again), &m), TS_OK);
            assert_int_equal(m, n);
            assert_memory_equal(again, buf, n);
        }
        buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    in.reserved = 0;
    assert_int_equal(budget_entry_encode(&in, buf, sizeof(buf), &n),
                     TS_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spend_any_budget_stays_within_what_is_reserved),
        cmocka_unit_test(replay_at_any_point_never_gives_a_call_twice),
        cmocka_unit_test(no_budget_is_never_used_up),
        cmocka_unit_test(
            entry_every_truncation_and_bit_flip_is_refused_or_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
