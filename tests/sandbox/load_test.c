/* Many launches: nothing grows, and what a launch costs. */
#include "harness.h"

#include <stdio.h>

#include "tests/lib/ts_test.h"

static void many_launches_keep_descriptors_constant(void **state)
{
    char path[128];
    struct call plain = {.tool = "plain", .what = "fds"};
    struct call file = {
        .tool = "file", .what = "read", .path = path, .access = ACCESS_READ};
    uint64_t sum_us = 0;
    struct outcome o;
    struct box box;
    int before;

    (void)state;
    box_open(&box);
    box_path(&box, "space/in.txt", path, sizeof(path));
    box_run(&box, &plain, &o);
    box_run(&box, &file, &o);
    before = box_count_fds(&box);
    assert_true(before > 0);
    for (int i = 0; i < 128; i++) {
        box_run(&box, &plain, &o);
        assert_true(outcome_says(&o, "3"));
        sum_us += o.on_start.launch_us;
        box_run(&box, &file, &o);
        assert_true(outcome_says(&o, "allowed"));
        sum_us += o.on_start.launch_us;
    }
    assert_int_equal(box_count_fds(&box), before);
    print_message("256 launches, order to exec: %llu us on average\n",
                  (unsigned long long)(sum_us / 256));
    box_close(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_launches_keep_descriptors_constant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
