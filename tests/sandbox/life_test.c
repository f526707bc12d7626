/* How tools end, and that nothing of them is left. */
#include "harness.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/ts_test.h"

#include "proto/base/ts_fd.h"

static struct box box;

static long number(const char *s)
{
    return strtol(s, NULL, 10);
}

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

static void exit_code_and_signal_are_reported_exactly(void **state)
{
    static const int codes[] = {0, 1, 42, 255};
    static const int signals[] = {SIGTERM, SIGSEGV, SIGKILL, SIGUSR1};
    struct call c = {.tool = "plain"};
    struct outcome o;
    char arg[16];

    (void)state;
    c.arg = arg;
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(arg, sizeof(arg), "%d", codes[i]);
        c.what = "exit";
        box_run(&box, &c, &o);
        assert_int_equal(o.exited.exit_code, codes[i]);
        assert_int_equal(o.exited.signal, 0);
        (void)snprintf(arg, sizeof(arg), "%d", signals[i]);
        c.what = "signal";
        box_run(&box, &c, &o);
        assert_int_equal(o.exited.exit_code, 0);
        assert_int_equal(o.exited.signal, signals[i]);
        assert_int_equal(o.exited.reason, END_EXITED);
    }
}

static void daemons_of_a_tool_that_exits_are_killed(void **state)
{
    const struct call c = {.tool = "plain", .what = "daemons", .arg = "20"};
    struct outcome o;

    (void)state;
    box_run(&box, &c, &o);
    assert_true(outcome_says(&o, "ready"));
    assert_int_equal(o.exited.reason, END_EXITED);
    assert_int_equal(o.exited.exit_code, 0);
    assert_int_equal(o.exited.killed, 20);
    assert_int_equal(box_count_probes(&box), 0);
}

/* Four tools at once; killing one must end its own daemons, no others. */
static void kill_of_one_tool_leaves_the_others_whole(void **state)
{
    enum {
        TOOLS = 4,
        DAEMONS = 5
    };
    const struct call c = {.tool = "plain", .what = "daemons_stay", .arg = "5"};
    struct outcome o[TOOLS];
    uint64_t id[TOOLS];

    (void)state;
    for (int i = 0; i < TOOLS; i++) {
        id[i] = box_send(&box, &c);
        box_wait_start(&box, id[i], &o[i]);
        assert_true(o[i].started);
        /* one user, one count of processes: the limit of each tool is made for
         * those that ran when it started */
        box_wait_ready(&box, id[i], &o[i]);
    }
    assert_int_equal(box_count_probes(&box), TOOLS * (DAEMONS + 1));
    for (int i = TOOLS - 1; i >= 0; i--) {
        box_kill(&box, id[i], END_REVOKED);
        box_wait_end(&box, id[i], &o[i]);
        assert_int_equal(o[i].exited.reason, END_REVOKED);
        assert_int_equal(o[i].exited.signal, SIGKILL);
        assert_int_equal(o[i].exited.killed, DAEMONS);
        assert_int_equal(box_count_probes(&box), i * (DAEMONS + 1));
    }
}

static void wall_limit_ends_a_tool_that_ignores_sigterm(void **state)
{
    const struct call c = {.tool = "plain", .what = "sleep", .wall_ms = 100};
    struct outcome o;

    (void)state;
    box_run(&box, &c, &o);
    assert_int_equal(o.exited.reason, END_WALL_LIMIT);
    assert_int_equal(o.exited.signal, SIGKILL);
    assert_true(o.exited.wall_us >= 100000 && o.exited.wall_us < 5000000);
}

static void fork_bomb_meets_its_process_limit(void **state)
{
    const struct call c = {.tool = "plain", .what = "forkbomb"};
    struct outcome o;

    (void)state;
    box_run(&box, &c, &o);
    /* 24 processes: the tool and at most 23 more, and not none either */
    assert_true(number(o.out) >= 10 && number(o.out) <= 24);
    assert_int_equal(o.exited.killed, number(o.out));
    assert_int_equal(box_count_probes(&box), 0);
}

static void memory_bomb_meets_its_limit(void **state)
{
    const struct call c = {.tool = "plain", .what = "memory"};
    struct outcome o;

    (void)state;
    box_run(&box, &c, &o);
    assert_true(number(o.out) > 20 && number(o.out) <= 64);
}

static void flood_waits_for_its_reader_and_dies_by_kill(void **state)
{
    const struct call c = {.tool = "plain", .what = "flood"};
    static char buf[65536];
    struct outcome o;
    size_t total = 0;
    uint64_t id = box_send(&box, &c);

    (void)state;
    box_wait_start(&box, id, &o);
    assert_true(o.started);
    while (total < 1 << 20) {
        ssize_t n = read(o.out_fd, buf, sizeof(buf));

        total += n > 0 ? (size_t)n : 0;
    }
    box_kill(&box, id, END_OUTPUT_LIMIT);
    ts_fd_close(&o.out_fd);
    box_wait_end(&box, id, &o);
    assert_int_equal(o.exited.reason, END_OUTPUT_LIMIT);
}

static void stdin_of_ten_megabytes_arrives_whole(void **state)
{
    const struct call c = {.tool = "plain", .what = "count", .has_stdin = true};
    static char buf[65536];
    struct outcome o;
    size_t left = 10 << 20;
    uint64_t id = box_send(&box, &c);
    bool had_to_wait = false;

    (void)state;
    box_wait_start(&box, id, &o);
    assert_true(o.started);
    while (left > 0) {
        size_t want = left < sizeof(buf) ? left : sizeof(buf);
        ssize_t n = write(o.in_fd, buf, want);

        if (n < 0)
            had_to_wait = true; /* EAGAIN: our end does not block */
        else
            left -= (size_t)n;
    }
    assert_true(had_to_wait);
    ts_fd_close(&o.in_fd);
    box_wait_end(&box, id, &o);
    assert_true(outcome_says(&o, "10485760"));
}

static void kill_of_unknown_order_does_nothing(void **state)
{
    const struct call c = {.tool = "plain", .what = "fds"};
    struct outcome o;

    (void)state;
    box_kill(&box, 12345, END_CANCELLED);
    box_run(&box, &c, &o);
    assert_true(outcome_says(&o, "3"));
    box_kill(&box, box.last_id, END_CANCELLED); /* it has ended */
    box_run(&box, &c, &o);
    assert_true(outcome_says(&o, "3"));
}

/* Waits for the processes of a dead launcher; as subreaper they are ours. */
static void assert_no_probe_within_seconds(int seconds)
{
    time_t until = time(NULL) + seconds;

    while (box_count_probes(&box) > 0 && time(NULL) < until)
        (void)waitpid(-1, NULL, WNOHANG);
    assert_int_equal(box_count_probes(&box), 0);
}

static void hang_up_of_gate_kills_every_tool(void **state)
{
    const struct call c = {.tool = "plain", .what = "daemons_stay", .arg = "3"};
    struct outcome o;
    uint64_t id = box_send(&box, &c);

    (void)state;
    box_wait_start(&box, id, &o);
    box_wait_ready(&box, id, &o);
    ts_fd_close(&box.gate);
    assert_int_equal(waitpid(box.pid, &box.wait_status, 0), box.pid);
    assert_true(WIFEXITED(box.wait_status));
    assert_int_equal(box_count_probes(&box), 0);
    ts_fd_close(&o.in_fd);
    ts_fd_close(&o.out_fd);
    ts_fd_close(&o.err_fd);
    box.pid = 0;
}

static void kill_nine_of_launcher_leaves_no_tool(void **state)
{
    const struct call c = {.tool = "plain", .what = "sleep"};
    struct outcome o[3];

    (void)state;
    for (int i = 0; i < 3; i++) {
        uint64_t id = box_send(&box, &c);

        box_wait_start(&box, id, &o[i]);
        assert_true(o[i].started);
    }
    assert_int_equal(box_count_probes(&box), 3);
    assert_int_equal(kill(box.pid, SIGKILL), 0);
    assert_int_equal(waitpid(box.pid, &box.wait_status, 0), box.pid);
    assert_no_probe_within_seconds(5);
    for (int i = 0; i < 3; i++) {
        ts_fd_close(&o[i].in_fd);
        ts_fd_close(&o[i].out_fd);
        ts_fd_close(&o[i].err_fd);
    }
    box.pid = 0;
}

#define EACH(f) cmocka_unit_test_setup_teardown(f, open_each, close_each)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(exit_code_and_signal_are_reported_exactly),
        EACH(daemons_of_a_tool_that_exits_are_killed),
        EACH(kill_of_one_tool_leaves_the_others_whole),
        EACH(wall_limit_ends_a_tool_that_ignores_sigterm),
        EACH(fork_bomb_meets_its_process_limit),
        EACH(memory_bomb_meets_its_limit),
        EACH(flood_waits_for_its_reader_and_dies_by_kill),
        EACH(stdin_of_ten_megabytes_arrives_whole),
        EACH(kill_of_unknown_order_does_nothing),
        EACH(hang_up_of_gate_kills_every_tool),
        EACH(kill_nine_of_launcher_leaves_no_tool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
