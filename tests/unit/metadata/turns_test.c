/* Whose call is next: one of a run at a time, the oldest first, and no run can
 * have what the others need. */
#include "tests/lib/ts_test.h"

#include <string.h>

#include "sidecar/launcher/metadata/turns.h"

static struct metadata_turns t;

static int begin(void **state)
{
    (void)state;
    memset(&t, 0, sizeof(t));
    return 0;
}

static enum metadata_when take(uint64_t mark, uint64_t id)
{
    const struct metadata_turn turn = {.mark = mark, .call = {.id = id}};

    return metadata_turns_take(&t, &turn);
}

/* 0: nothing can be done. */
static uint64_t next(void)
{
    struct metadata_turn turn;

    return metadata_turns_next(&t, &turn) ? turn.call.id : 0;
}

static void second_call_of_a_run_waits_for_the_first(void **state)
{
    (void)state;
    assert_int_equal(take(5, 1), METADATA_NOW);
    assert_int_equal(take(5, 2), METADATA_LATER);
    assert_int_equal(take(5, 3), METADATA_LATER);
    assert_int_equal(next(), 0);
    assert_int_equal(take(6, 4), METADATA_NOW);
    metadata_turns_over(&t, 6);
    assert_int_equal(next(), 0);
    metadata_turns_over(&t, 5);
    assert_int_equal(next(), 2);
    assert_int_equal(next(), 0);
    metadata_turns_over(&t, 5);
    assert_int_equal(next(), 3);
    metadata_turns_over(&t, 5);
    assert_int_equal(next(), 0);
}

static void oldest_whose_run_is_free_comes_first(void **state)
{
    (void)state;
    assert_int_equal(take(5, 1), METADATA_NOW);
    assert_int_equal(take(6, 2), METADATA_NOW);
    assert_int_equal(take(5, 3), METADATA_LATER);
    assert_int_equal(take(6, 4), METADATA_LATER);
    assert_int_equal(take(5, 5), METADATA_LATER);
    metadata_turns_over(&t, 6);
    assert_int_equal(next(), 4);
    metadata_turns_over(&t, 5);
    metadata_turns_over(&t, 6);
    assert_int_equal(next(), 3);
    assert_int_equal(next(), 0);
}

static void what_is_no_runs_call_never_waits(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 3 * METADATA_THREADS; i++)
        assert_int_equal(take(0, i + 1), METADATA_NOW);
    metadata_turns_over(&t, 0);
    assert_int_equal(take(5, 1), METADATA_NOW);
}

static void run_that_calls_too_much_is_refused_and_others_are_not(void **state)
{
    uint64_t mark = 0;

    (void)state;
    for (; mark < METADATA_THREADS - 1; mark++) {
        assert_int_equal(take(mark + 1, 1), METADATA_NOW);
        for (uint64_t i = 0; i < METADATA_WAIT_OF_RUN; i++)
            assert_int_equal(take(mark + 1, i), METADATA_LATER);
        assert_int_equal(take(mark + 1, 1), METADATA_NEVER);
    }
    assert_int_equal(next(), 0);
    assert_int_equal(take(100, 7), METADATA_NOW);
    for (uint64_t i = 0; i < METADATA_WAIT_OF_RUN; i++)
        assert_int_equal(take(100, 5000 + i), METADATA_LATER);
    assert_int_equal(t.count, METADATA_WAIT_MOST);
    assert_int_equal(take(100, 7), METADATA_NEVER);
    metadata_turns_over(&t, 100);
    assert_int_equal(next(), 5000);
}

/* A model beside it, over many orders of events. */
static void each_call_is_done_once_and_in_the_order_of_its_run(void **state)
{
    uint64_t in_work[8] = {0}, last[8] = {0}, given = 0, done = 0;
    uint32_t seed = 1;

    (void)state;
    for (int i = 0; i < 200000; i++) {
        struct metadata_turn turn;
        uint64_t mark = (seed >> 8) % 7 + 1;

        seed = seed * 1664525u + 1013904223u;
        if ((seed >> 24) % 3 == 0 && in_work[mark] != 0) {
            metadata_turns_over(&t, mark);
            in_work[mark] = 0;
            if (metadata_turns_next(&t, &turn)) {
                assert_int_equal(in_work[turn.mark], 0);
                assert_true(turn.call.id > last[turn.mark]);
                in_work[turn.mark] = last[turn.mark] = turn.call.id;
                done++;
            }
            assert_false(metadata_turns_next(&t, &turn));
        } else if (t.count < 100) {
            enum metadata_when when = take(mark, ++given);

            assert_int_equal(when, in_work[mark] == 0 ? METADATA_NOW
                                                      : METADATA_LATER);
            if (when == METADATA_NOW) {
                in_work[mark] = last[mark] = given;
                done++;
            }
        }
    }
    assert_int_equal(done + t.count, given);
    assert_true(done > 10000);
}

int main(void)
{
#define EACH(f) cmocka_unit_test_setup(f, begin)
    const struct CMUnitTest tests[] = {
        EACH(second_call_of_a_run_waits_for_the_first),
        EACH(oldest_whose_run_is_free_comes_first),
        EACH(what_is_no_runs_call_never_waits),
        EACH(run_that_calls_too_much_is_refused_and_others_are_not),
        EACH(each_call_is_done_once_and_in_the_order_of_its_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
