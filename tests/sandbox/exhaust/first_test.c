/* `init: false`: the tool is process 1 of its namespace. What that changes for
 * it is the kernel's to say (signals that it does not handle do not meet it);
 * how it ends, and that it takes everything with it, is ours. */
#include "harness.h"
#include "host.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/ts_test.h"

#include "proto/base/ts_fd.h"
#include "sidecar/common/layer.h"

static struct box box;

static const struct {
    const char *name;
    enum box_level demand;
    bool has_caps;
} modes[] = {
    {"full, unprivileged", BOX_FULL, false},
    {"full", BOX_FULL, true},
    {"strict", BOX_STRICT, true},
};
#define MODES (sizeof(modes) / sizeof(modes[0]))

static bool open_mode(size_t m)
{
    if (modes[m].has_caps && getuid() != 0) {
        print_message("SKIPPED: needs root\n");
        return false;
    }
    if (!host_gives_full(modes[m].has_caps))
        return false;
    box_open_at(&box, BOX_ANY, modes[m].has_caps);
    return true;
}

static struct call call_of(size_t m, const char *what, const char *arg)
{
    return (struct call){
        .tool = "first", .what = what, .arg = arg, .box = modes[m].demand};
}

static uint64_t begin(size_t m, const char *what, const char *arg,
                      struct outcome *o)
{
    const struct call c = call_of(m, what, arg);
    uint64_t id = box_send(&box, &c);

    box_wait_start(&box, id, o);
    if (!o->started)
        fail_msg("%s: refused at %s: %s", modes[m].name, o->step, o->text);
    assert_int_equal(o->on_start.box, modes[m].demand);
    assert_true((o->on_start.layers & LAYER_NAMESPACES) != 0);
    return id;
}

static void run(size_t m, const char *what, const char *arg, struct outcome *o)
{
    uint64_t id = begin(m, what, arg, o);

    box_wait_end(&box, id, o);
    assert_int_equal(box_count_probes(&box), 0);
}

static void tool_is_process_one_and_the_next_one_too(void **state)
{
    struct outcome o;

    (void)state;
    for (size_t m = 0; m < MODES; m++) {
        if (!open_mode(m))
            continue;
        for (int i = 0; i < 20; i++) {
            run(m, "pid", NULL, &o);
            assert_true(outcome_says(&o, "1"));
            assert_int_equal(o.exited.reason, END_EXITED);
            assert_int_equal(o.exited.exit_code, 0);
            assert_int_equal(o.exited.killed, 0);
        }
        box_close(&box);
    }
}

/* A process 1 is not met by a signal of its own that it does not handle, not
 * even by SIGKILL: the call comes back and the probe ends with its code. */
static void exit_code_is_told_and_its_own_signals_do_not_meet_it(void **state)
{
    static const char *const codes[] = {"0", "1", "42", "255"};
    static const int signals[] = {SIGTERM, SIGKILL, SIGUSR1};
    struct outcome o;
    char arg[16];

    (void)state;
    for (size_t m = 0; m < MODES; m++) {
        if (!open_mode(m))
            continue;
        for (size_t i = 0; i < 4; i++) {
            run(m, "exit", codes[i], &o);
            assert_int_equal(o.exited.exit_code, strtol(codes[i], NULL, 10));
            assert_int_equal(o.exited.signal, 0);
        }
        for (size_t i = 0; i < 3; i++) {
            (void)snprintf(arg, sizeof(arg), "%d", signals[i]);
            run(m, "signal_only", arg, &o);
            assert_true(outcome_says(&o, "allowed"));
            assert_int_equal(o.exited.reason, END_EXITED);
            assert_int_equal(o.exited.signal, 0);
        }
        box_close(&box);
    }
}

/* What the kernel does to it does meet it. */
static void fault_of_its_own_ends_it_with_that_signal(void **state)
{
    struct outcome o;

    (void)state;
    for (size_t m = 0; m < MODES; m++) {
        if (!open_mode(m))
            continue;
        run(m, "crash", NULL, &o);
        assert_int_equal(o.exited.reason, END_EXITED);
        assert_int_equal(o.exited.signal, SIGILL);
        box_close(&box);
    }
}

static void kill_meets_it_from_outside_and_takes_its_daemons(void **state)
{
    struct outcome o;
    uint64_t id;

    (void)state;
    for (size_t m = 0; m < MODES; m++) {
        if (!open_mode(m))
            continue;
        id = begin(m, "daemons_stay", "10", &o);
        box_wait_ready(&box, id, &o);
        assert_int_equal(box_count_probes(&box), 11);
        box_kill(&box, id, END_REVOKED);
        box_wait_end(&box, id, &o);
        assert_int_equal(o.exited.reason, END_REVOKED);
        assert_int_equal(o.exited.signal, SIGKILL);
        assert_int_equal(box_count_probes(&box), 0);
        box_close(&box);
    }
}

/* Its end is theirs: nobody is left to be found when it is told. */
static void daemons_die_with_it(void **state)
{
    struct outcome o;

    (void)state;
    for (size_t m = 0; m < MODES; m++) {
        if (!open_mode(m))
            continue;
        for (int i = 0; i < 5; i++) {
            run(m, "daemons", "10", &o);
            assert_true(outcome_says(&o, "ready"));
            assert_int_equal(o.exited.reason, END_EXITED);
            assert_int_equal(o.exited.exit_code, 0);
        }
        box_close(&box);
    }
}

static void wall_limit_ends_it_although_it_ignores_signals(void **state)
{
    struct outcome o;

    (void)state;
    for (size_t m = 0; m < MODES; m++) {
        struct call c = call_of(m, "sleep", NULL);

        if (!open_mode(m))
            continue;
        c.wall_ms = 100;
        box_run(&box, &c, &o);
        assert_true(o.started);
        assert_int_equal(o.exited.reason, END_WALL_LIMIT);
        assert_int_equal(o.exited.signal, SIGKILL);
        assert_int_equal(box_count_probes(&box), 0);
        box_close(&box);
    }
}

static void fork_bomb_meets_its_limit_and_ends_with_it(void **state)
{
    struct outcome o;

    (void)state;
    for (size_t m = 0; m < MODES; m++) {
        long made;

        if (!open_mode(m))
            continue;
        run(m, "forkbomb", NULL, &o);
        made = strtol(o.out, NULL, 10);
        if (made < 10 || made > 24)
            fail_msg("%ld in mode %s", made, modes[m].name);
        box_close(&box);
    }
}

/* Neither is put into the other's namespace, and killing one is not killing
 * the other. */
static void it_runs_beside_tools_that_have_an_init(void **state)
{
    struct outcome mine, other;

    (void)state;
    for (size_t m = 0; m < MODES; m++) {
        const struct call c = {.tool = "plain",
                               .what = "daemons_stay",
                               .arg = "3",
                               .box = modes[m].demand};
        uint64_t a, b;

        if (!open_mode(m))
            continue;
        a = box_send(&box, &c);
        box_wait_start(&box, a, &other);
        assert_true(other.started);
        box_wait_ready(&box, a, &other);
        b = begin(m, "daemons_stay", "3", &mine);
        box_wait_ready(&box, b, &mine);
        assert_int_equal(box_count_probes(&box), 8);
        box_kill(&box, b, END_CANCELLED);
        box_wait_end(&box, b, &mine);
        assert_int_equal(mine.exited.reason, END_CANCELLED);
        assert_int_equal(box_count_probes(&box), 4);
        box_kill(&box, a, END_CANCELLED);
        box_wait_end(&box, a, &other);
        assert_int_equal(box_count_probes(&box), 0);
        box_close(&box);
    }
}

static void it_ends_with_the_launcher(void **state)
{
    struct outcome o;
    uint64_t id;

    (void)state;
    for (size_t m = 0; m < MODES; m++) {
        if (!open_mode(m))
            continue;
        id = begin(m, "daemons_stay", "3", &o);
        box_wait_ready(&box, id, &o);
        assert_int_equal(box_count_probes(&box), 4);
        ts_fd_close(&box.gate); /* it hangs up */
        assert_int_equal(waitpid(box.pid, &box.wait_status, 0), box.pid);
        assert_int_equal(box_count_probes(&box), 0);
        box.pid = 0;
        ts_fd_close(&box.orders);
        ts_fd_close(&box.control);
        ts_fd_close(&o.in_fd);
        ts_fd_close(&o.out_fd);
        ts_fd_close(&o.err_fd);
        box_close(&box);
    }
}

static void where_no_full_box_may_be_it_is_not_served(void **state)
{
    const struct call c = {.tool = "first", .what = "pid"};
    struct outcome o;

    (void)state;
    box_open(&box);
    box_run(&box, &c, &o);
    assert_false(o.started);
    assert_int_equal(o.code, CODE_TOOL_UNKNOWN);
    box_close(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tool_is_process_one_and_the_next_one_too),
        cmocka_unit_test(exit_code_is_told_and_its_own_signals_do_not_meet_it),
        cmocka_unit_test(fault_of_its_own_ends_it_with_that_signal),
        cmocka_unit_test(kill_meets_it_from_outside_and_takes_its_daemons),
        cmocka_unit_test(daemons_die_with_it),
        cmocka_unit_test(wall_limit_ends_it_although_it_ignores_signals),
        cmocka_unit_test(fork_bomb_meets_its_limit_and_ends_with_it),
        cmocka_unit_test(it_runs_beside_tools_that_have_an_init),
        cmocka_unit_test(it_ends_with_the_launcher),
        cmocka_unit_test(where_no_full_box_may_be_it_is_not_served),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
