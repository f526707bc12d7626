/* The layer "metadata" in a bare box of a real launcher: what is a tool's own
 * can be changed, nobody is held up by a tool that stops, floods or dies in the
 * middle of a call, and a level without it does not promise it. */
#include "harness.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/ts_test.h"

#include "proto/base/ts_fd.h"

static struct box box;

static int open_each(void **state)
{
    (void)state;
    box_open(&box);
    return 0;
}

static int close_each(void **state)
{
    (void)state;
    box_close(&box);
    return 0;
}

static double now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static struct call call_of(const char *what)
{
    return (struct call){.tool = "scratch", .what = what};
}

static void run_well(const char *what)
{
    const struct call c = call_of(what);
    struct outcome o;
    double begun = now_ms();

    box_run(&box, &c, &o);
    assert_true(o.started);
    o.out[o.out_len < sizeof(o.out) ? o.out_len : sizeof(o.out) - 1] = '\0';
    if (strncmp(o.out, "ok ", 3) != 0 || o.exited.exit_code != 0)
        fail_msg("%s: %s (exit %u, signal %u)", what, o.out, o.exited.exit_code,
                 o.exited.signal);
    assert_true((o.on_start.layers & LAYER_METADATA) != 0);
    assert_true((o.on_start.weakened & LAYER_METADATA) == 0);
    print_message("%s: %.0f ms\n", what, now_ms() - begun);
}

static void own_files_are_changed_as_ordinary_programs_do_it(void **state)
{
    (void)state;
    run_well("tree");
}

static void own_threads_get_processors_and_others_do_not(void **state)
{
    (void)state;
    run_well("threads");
}

static void processes_that_die_in_a_call_cost_nobody_anything(void **state)
{
    (void)state;
    run_well("killed");
    run_well("tree");
}

static void a_descriptor_that_is_swapped_changes_no_other_file(void **state)
{
    (void)state;
    run_well("swapped");
}

/* While one tool does its worst, another's calls are answered. */
static void beside(const char *bad)
{
    const struct call c = call_of(bad);
    uint64_t id = box_send(&box, &c);
    struct outcome o;

    box_wait_start(&box, id, &o);
    assert_true(o.started);
    box_wait_ready(&box, id, &o);
    run_well("tree");
    run_well("threads");
    box_kill(&box, id, END_CANCELLED);
    box_wait_end(&box, id, &o);
    run_well("tree");
}

static void a_tool_that_stops_in_its_calls_holds_up_nobody(void **state)
{
    (void)state;
    beside("stopped");
}

static void a_tool_that_never_ceases_calling_holds_up_nobody(void **state)
{
    (void)state;
    beside("flood");
}

static void a_demand_for_the_layer_is_met(void **state)
{
    struct call c = call_of("exit");
    struct outcome o;

    (void)state;
    c.require = LAYER_METADATA;
    box_run(&box, &c, &o);
    assert_true(o.started);
    assert_int_equal(o.on_start.box, BOX_BARE);
}

int main(void)
{
#define EACH(f) cmocka_unit_test_setup_teardown(f, open_each, close_each)
    const struct CMUnitTest tests[] = {
        EACH(own_files_are_changed_as_ordinary_programs_do_it),
        EACH(own_threads_get_processors_and_others_do_not),
        EACH(processes_that_die_in_a_call_cost_nobody_anything),
        EACH(a_descriptor_that_is_swapped_changes_no_other_file),
        EACH(a_tool_that_stops_in_its_calls_holds_up_nobody),
        EACH(a_tool_that_never_ceases_calling_holds_up_nobody),
        EACH(a_demand_for_the_layer_is_met),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
