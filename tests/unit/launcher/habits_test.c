/* When a nest is worth its making. */
#include "sidecar/launcher/start/habits.h"

#include "tests/lib/ts_test.h"

static const char spaces[HABITS_MAX + 1];

static void second_miss_of_a_template_asks_for_one(void **state)
{
    struct habits h = {.now = 0};

    (void)state;
    assert_false(habits_missed(&h, &spaces[0])); /* nobody knows it */
    assert_true(habits_allow(&h, &spaces[0]));
    assert_false(habits_missed(&h, &spaces[0]));
    for (int i = 0; i < 5; i++) {
        assert_true(habits_allow(&h, &spaces[0]));
        assert_true(habits_missed(&h, &spaces[0]));
    }
}

static void templates_in_turn_are_all_remembered_up_to_the_most(void **state)
{
    struct habits h = {.now = 0};

    (void)state;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < HABITS_MAX; i++) {
            assert_true(habits_allow(&h, &spaces[i]));
            assert_int_equal(habits_missed(&h, &spaces[i]), round > 0);
        }
    }
    assert_true(habits_allow(&h, &spaces[HABITS_MAX]));
    assert_false(habits_know(&h, &spaces[0])); /* idle longest */
    for (int i = 1; i <= HABITS_MAX; i++)
        assert_true(habits_know(&h, &spaces[i]));
}

static void more_templates_in_turn_than_fit_never_ask(void **state)
{
    struct habits h = {.now = 0};

    (void)state;
    for (int k = 0; k < 10 * (HABITS_MAX + 1); k++) {
        const char *s = &spaces[k % (HABITS_MAX + 1)];

        assert_true(habits_allow(&h, s));
        assert_false(habits_missed(&h, s));
    }
}

static void untidy_template_goes_without_for_so_many_launches(void **state)
{
    struct habits h = {.now = 0};

    (void)state;
    assert_true(habits_allow(&h, &spaces[0]));
    habits_untidy(&h, &spaces[0]);
    habits_untidy(&h, &spaces[1]); /* not known: nothing to be said of it */
    for (int i = 0; i < HABITS_BARE_RUNS; i++)
        assert_false(habits_allow(&h, &spaces[0]));
    assert_true(habits_allow(&h, &spaces[0]));
    assert_true(habits_allow(&h, &spaces[1]));
}

static void template_that_cannot_have_one_is_not_asked_for_again(void **state)
{
    struct habits h = {.now = 0};

    (void)state;
    assert_true(habits_allow(&h, &spaces[0]));
    habits_never(&h, &spaces[0]);
    habits_untidy(&h, &spaces[0]);
    for (int i = 0; i < 1000; i++)
        assert_false(habits_allow(&h, &spaces[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(second_miss_of_a_template_asks_for_one),
        cmocka_unit_test(templates_in_turn_are_all_remembered_up_to_the_most),
        cmocka_unit_test(more_templates_in_turn_than_fit_never_ask),
        cmocka_unit_test(untidy_template_goes_without_for_so_many_launches),
        cmocka_unit_test(template_that_cannot_have_one_is_not_asked_for_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
