/* What tells a nest that was left alone from one that was not. */
#include "sidecar/launcher/start/nest.h"

#include <string.h>

#include "tests/lib/ts_test.h"

static const char template_a, template_b;

static struct nest some(void)
{
    return (struct nest){.space = &template_a,
                         .proc_options = SPACE_PROC_OPTIONS,
                         .tmp_options = "size=1k",
                         .pidfd = -1,
                         .tmp = -1,
                         .made = {100, 5000},
                         .latest = {100, 5000},
                         .number = 7};
}

static void only_the_same_time_and_the_next_number_are_untouched(void **state)
{
    const struct nest n = some();

    (void)state;
    for (long s = -1; s <= 1; s++)
        for (long ns = -1; ns <= 1; ns++)
            for (int k = -2; k <= 3; k++) {
                struct timespec t = {100 + s, 5000 + ns};

                assert_int_equal(nest_seems_untouched(&n, t, (uint64_t)(7 + k)),
                                 s == 0 && ns == 0 && k == 1);
            }
    assert_false(nest_seems_untouched(&n, n.made, 0)); /* no file was made */
}

static void nest_of_this_very_tick_is_not_ripe(void **state)
{
    static const struct {
        struct timespec now;
        bool is_ripe;
    } cases[] = {{{100, 5000}, false},
                 {{100, 4999}, false},
                 {{99, 999999}, false},
                 {{100, 5001}, true},
                 {{101, 0}, true}};
    const struct nest n = some();

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(nest_is_ripe(&n, cases[i].now), cases[i].is_ripe);
}

/* A link that stands in it may be younger than its root. */
static void the_latest_of_all_times_is_what_has_to_be_over(void **state)
{
    struct nest n = some();

    (void)state;
    n.latest = (struct timespec){100, 7000};
    assert_false(nest_is_ripe(&n, (struct timespec){100, 6000}));
    assert_true(nest_is_ripe(&n, (struct timespec){100, 7001}));
}

static void digest_of_times_tells_them_apart(void **state)
{
    static const struct timespec t[] = {
        {0, 0}, {0, 1}, {1, 0}, {1, 1}, {100, 5000}, {5000, 100}, {100, 5001}};
    const size_t n = sizeof(t) / sizeof(t[0]);
    uint64_t seen[sizeof(t) / sizeof(t[0]) * sizeof(t) / sizeof(t[0])];
    size_t count = 0;

    (void)state;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++) {
            uint64_t d = 0;

            nest_add_time(&d, t[i]);
            nest_add_time(&d, t[k]);
            for (size_t j = 0; j < count; j++)
                assert_true(seen[j] != d);
            seen[count++] = d;
        }
}

static void nest_fits_what_is_alike_in_everything(void **state)
{
    const struct space_entry e = {.net_ns = 3,
                                  .mnt_ns = 4,
                                  .tmp_options = "size=1k",
                                  .proc_options = SPACE_PROC_OPTIONS};
    struct nest_want w;
    struct nest n = some();

    (void)state;
    nest_want_make(&w, &template_a, &e, 9);
    assert_int_equal(w.entry.net_ns, 9);
    assert_true(nest_fits(&n, &w));
    n.space = NULL;
    assert_false(nest_fits(&n, &w));
    n = some();
    n.space = &template_b;
    assert_false(nest_fits(&n, &w));
    n = some();
    n.tmp_exec = true;
    assert_false(nest_fits(&n, &w));
    n = some();
    n.proc_options = SPACE_PROC_OPTIONS_STRICT;
    assert_false(nest_fits(&n, &w));
    n.proc_options = NULL;
    assert_false(nest_fits(&n, &w));
    n = some();
    n.tmp_options[5] = '2';
    assert_false(nest_fits(&n, &w));
}

static void nest_want_of_no_template_fits_nothing(void **state)
{
    const struct space_entry e = {.tmp_options = "size=1k"};
    struct nest n = {.space = NULL, .tmp_options = "size=1k"};
    struct nest_want w;

    (void)state;
    nest_want_make(&w, NULL, &e, -1);
    assert_false(nest_fits(&n, &w));
    nest_close(&n); /* owns nothing: descriptor 0 stays */
    assert_int_equal(n.pidfd, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_same_time_and_the_next_number_are_untouched),
        cmocka_unit_test(nest_of_this_very_tick_is_not_ripe),
        cmocka_unit_test(the_latest_of_all_times_is_what_has_to_be_over),
        cmocka_unit_test(digest_of_times_tells_them_apart),
        cmocka_unit_test(nest_fits_what_is_alike_in_everything),
        cmocka_unit_test(nest_want_of_no_template_fits_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
