/*
 * Tools that fork, wake each other and hide while they are being killed: after
 * EXITED, which is what COMPLETE waits for, none of it runs. More rounds with
 * TS_STORM_ROUNDS; the figures are printed.
 */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/ts_test.h"

#define TRICKS 8

static struct box box;

static const char *const tricks[TRICKS] = {
    "chase",      "siblings", "cheer", "cheering_chase",
    "leaderless", "vforks",   "execs", "stopped",
};

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

static long rounds(void)
{
    const char *s = getenv("TS_STORM_ROUNDS");

    return s != NULL ? strtol(s, NULL, 10) : 20;
}

static double now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void start(struct outcome *o, uint64_t *ret_id, const char *trick,
                  const char *then)
{
    const struct call c = {.tool = "plain", .what = trick, .arg = then};
    char line[7] = "";
    size_t n = 0;

    *ret_id = box_send(&box, &c);
    box_wait_start(&box, *ret_id, o);
    assert_true(o->started);
    while (n < 6) {
        ssize_t got = read(o->out_fd, line + n, 6 - n);

        if (got > 0)
            n += (size_t)got;
    }
    assert_string_equal(line, "ready\n");
}

/* How long it took from the kill to EXITED. */
static double one_round(const char *trick, bool kills)
{
    struct outcome o;
    uint64_t id;
    double begun;

    start(&o, &id, trick, kills ? "stay" : "exit");
    begun = now_ms();
    if (kills)
        box_kill(&box, id, END_REVOKED);
    box_wait_end(&box, id, &o);
    begun = now_ms() - begun;
    assert_int_equal(o.exited.reason, kills ? END_REVOKED : END_EXITED);
    assert_int_equal(box_count_probes(&box), 0);
    return begun;
}

static void storm(bool kills)
{
    for (int i = 0; i < TRICKS; i++) {
        double worst = 0, sum = 0;
        long n = rounds();

        for (long k = 0; k < n; k++) {
            double ms = one_round(tricks[i], kills);

            sum += ms;
            worst = ms > worst ? ms : worst;
        }
        print_message("  %-15s %s: mean %.1f ms, worst %.1f ms\n", tricks[i],
                      kills ? "killed" : "left alone", sum / (double)n, worst);
    }
}

static void killed_tool_that_fights_leaves_nothing(void **state)
{
    (void)state;
    storm(true);
}

static void tool_that_exits_and_leaves_fighters_leaves_nothing(void **state)
{
    (void)state;
    storm(false);
}

/* All of them at once, each its own run, killed in a row. */
static void kills_in_a_row_end_all_that_fight_and_nobody_else(void **state)
{
    static struct outcome o[TRICKS], bystander;
    uint64_t id[TRICKS], by;

    (void)state;
    start(&bystander, &by, "stopped", "stay");
    for (int i = 0; i < TRICKS; i++)
        start(&o[i], &id[i], tricks[i], "stay");
    for (int i = 0; i < TRICKS; i++)
        box_kill(&box, id[i], END_REVOKED);
    for (int i = 0; i < TRICKS; i++) {
        box_wait_end(&box, 0, &o[i]); /* in any order */
        assert_int_equal(o[i].exited.reason, END_REVOKED);
    }
    assert_int_equal(box_count_probes(&box), 11); /* of the bystander */
    box_kill(&box, by, END_REVOKED);
    box_wait_end(&box, by, &bystander);
    assert_int_equal(bystander.exited.killed, 10);
    assert_int_equal(box_count_probes(&box), 0);
}

#define EACH(f) cmocka_unit_test_setup_teardown(f, open_each, close_each)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(killed_tool_that_fights_leaves_nothing),
        EACH(tool_that_exits_and_leaves_fighters_leaves_nothing),
        EACH(kills_in_a_row_end_all_that_fight_and_nobody_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
