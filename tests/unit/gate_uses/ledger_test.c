#include "sidecar/gate/uses/ledger.h"

#include <string.h>

#include "tests/lib/ts_test.h"

static void id_of(uint32_t n, uint8_t id[USE_ID])
{
    memset(id, 0, USE_ID);
    memcpy(id, &n, sizeof(n));
}

static void total_of_nothing_is_zero(void **state)
{
    struct use_ledger l = {.count = 0};
    uint8_t id[USE_ID];

    (void)state;
    id_of(1, id);
    assert_int_equal(use_ledger_total(NULL, id), 0);
    assert_int_equal(use_ledger_total(&l, id), 0);
}

/* Never a wrap, whatever stands there and whatever comes. */
static void take_beyond_the_largest_total_is_refused(void **state)
{
    static const uint64_t edges[] = {0,
                                     1,
                                     2,
                                     USE_TOTAL_MAX - 1,
                                     USE_TOTAL_MAX,
                                     USE_TOTAL_MAX + 1,
                                     UINT64_MAX - 1,
                                     UINT64_MAX};
    const size_t n = sizeof(edges) / sizeof(edges[0]);

    (void)state;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++) {
            struct use_ledger l = {.count = 0};
            uint8_t id[USE_ID];
            uint32_t at = 99;
            bool first = edges[i] <= USE_TOTAL_MAX, second;

            id_of(7, id);
            assert_int_equal(use_ledger_take(&l, id, edges[i], true, &at),
                             first ? TS_OK : TS_E_LIMIT);
            if (!first)
                continue;
            second = edges[k] <= USE_TOTAL_MAX &&
                     edges[i] + edges[k] <= USE_TOTAL_MAX;
            assert_int_equal(use_ledger_take(&l, id, edges[k], true, &at),
                             second ? TS_OK : TS_E_LIMIT);
            assert_int_equal(use_ledger_total(&l, id),
                             edges[i] + (second ? edges[k] : 0));
        }
}

/* Sub-agents fill their own places; the tenant's and the root's stay. */
static void places_of_links_leave_room_for_the_first(void **state)
{
    struct use_ledger l = {.count = 0};
    uint8_t id[USE_ID];
    uint32_t at, n = 0;

    (void)state;
    for (uint32_t i = 0; i < 2 * USE_PLACES_MAX; i++) {
        id_of(1000 + i, id);
        n += use_ledger_take(&l, id, 1, false, &at) == TS_OK;
    }
    assert_int_equal(n, USE_PLACES_MAX - USE_PLACES_KEPT);
    for (uint32_t i = 0; i < 2 * USE_PLACES_MAX; i++) {
        id_of(5000 + i, id);
        n += use_ledger_take(&l, id, 1, true, &at) == TS_OK;
    }
    assert_int_equal(n, USE_PLACES_MAX);
    assert_int_equal(l.count, USE_PLACES_MAX);
    /* What is known goes on being counted. */
    id_of(1000, id);
    assert_int_equal(use_ledger_take(&l, id, 4, false, &at), TS_OK);
    assert_int_equal(use_ledger_total(&l, id), 5);
}

/* Nor do sub-agents get those that the tenant's counters gave back. */
static void places_of_the_first_stay_theirs_when_given_back(void **state)
{
    struct use_ledger l = {.count = 0};
    uint8_t id[USE_ID];
    uint32_t at[USE_PLACES_MAX], other, n = 0;

    (void)state;
    for (uint32_t i = 0; i < USE_PLACES_MAX; i++) {
        id_of(i, id);
        assert_int_equal(use_ledger_take(&l, id, 1, true, &at[i]), TS_OK);
    }
    for (uint32_t i = 0; i < USE_PLACES_MAX; i++)
        use_ledger_give_back(&l, at[i], 1);
    for (uint32_t i = 0; i < USE_PLACES_MAX; i++) {
        id_of(1000 + i, id);
        n += use_ledger_take(&l, id, 1, false, &other) == TS_OK;
    }
    assert_int_equal(n, USE_PLACES_MAX - USE_PLACES_KEPT);
}

static void place_given_back_is_used_again(void **state)
{
    struct use_ledger l = {.count = 0};
    uint8_t id[USE_ID];
    uint32_t at, other;

    (void)state;
    for (uint32_t i = 0; i < USE_PLACES_MAX; i++) {
        id_of(i, id);
        assert_int_equal(use_ledger_take(&l, id, 1, true, &at), TS_OK);
    }
    id_of(9, id);
    assert_int_equal(use_ledger_take(&l, id, 0, true, &at), TS_OK);
    use_ledger_give_back(&l, at, 1);
    id_of(900, id);
    assert_int_equal(use_ledger_take(&l, id, 3, true, &other), TS_OK);
    assert_int_equal(other, at);
    assert_int_equal(use_ledger_total(&l, id), 3);
    id_of(9, id);
    assert_int_equal(use_ledger_total(&l, id), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(total_of_nothing_is_zero),
        cmocka_unit_test(take_beyond_the_largest_total_is_refused),
        cmocka_unit_test(places_of_links_leave_room_for_the_first),
        cmocka_unit_test(places_of_the_first_stay_theirs_when_given_back),
        cmocka_unit_test(place_given_back_is_used_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
