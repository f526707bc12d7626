/* The three pipes between a tool and the gate: what one side does to its end
 * must not be felt at the other. */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/ts_test.h"

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

/* The number in "full N". */
static long wait_full(const struct outcome *o)
{
    char line[64] = "";
    size_t n = 0;

    while (n < sizeof(line) - 1 && strchr(line, '\n') == NULL) {
        ssize_t got = read(o->out_fd, line + n, 1);

        if (got > 0)
            n += (size_t)got;
        else if (got < 0 && errno == EAGAIN)
            (void)usleep(1000);
        else
            break;
    }
    assert_true(strncmp(line, "full ", 5) == 0);
    return strtol(line + 5, NULL, 10);
}

static uint64_t start(const char *what, struct outcome *o)
{
    const struct call c = {.tool = "plain", .what = what, .has_stdin = true};
    uint64_t id = box_send(&box, &c);

    box_wait_start(&box, id, o);
    assert_true(o->started);
    return id;
}

static void gate_reads_on_when_a_tool_turns_o_nonblock_around(void **state)
{
    struct outcome o;
    uint64_t id = start("nonblock", &o);
    const int fds[3] = {o.in_fd, o.out_fd, o.err_fd};

    (void)state;
    assert_int_equal(wait_full(&o), 0); /* none of the tool's ends had it */
    for (int i = 0; i < 3; i++)         /* all of ours have it, still */
        assert_true((fcntl(fds[i], F_GETFL) & O_NONBLOCK) != 0);
    box_kill(&box, id, END_CANCELLED);
    box_wait_end(&box, id, &o);
}

/* Each stream is a pipe of its own, so stderr cannot be held up by stdout. */
static void streams_are_three_pipes(void **state)
{
    struct outcome o;
    uint64_t id = start("nonblock", &o);
    struct stat st[3];

    (void)state;
    (void)wait_full(&o);
    assert_int_equal(fstat(o.in_fd, &st[0]), 0);
    assert_int_equal(fstat(o.out_fd, &st[1]), 0);
    assert_int_equal(fstat(o.err_fd, &st[2]), 0);
    for (int i = 0; i < 3; i++) {
        assert_true(S_ISFIFO(st[i].st_mode));
        assert_true(st[i].st_ino != st[(i + 1) % 3].st_ino);
    }
    box_kill(&box, id, END_CANCELLED);
    box_wait_end(&box, id, &o);
}

static void tool_that_closes_its_output_ends_as_any_other(void **state)
{
    struct outcome o;
    uint64_t id = start("closed", &o);

    (void)state;
    assert_int_equal(wait_full(&o), 0);
    box_wait_end(&box, id, &o);
    assert_int_equal(o.exited.reason, END_EXITED);
    assert_int_equal(o.exited.exit_code, 7);
}

static void tool_that_fills_its_stdin_holds_up_only_itself(void **state)
{
    struct outcome o, other;
    uint64_t id = start("fill_stdin", &o);
    const struct call quick = {.tool = "plain", .what = "quick"};
    static char chunk[65536];

    (void)state;
    (void)wait_full(&o); /* 16 pages, or none where it may not open it */
    while (write(o.in_fd, chunk, sizeof(chunk)) > 0)
        ;
    assert_int_equal(errno, EAGAIN); /* never waits */
    box_run(&box, &quick, &other);
    assert_true(outcome_says(&other, "ok"));
    box_kill(&box, id, END_CANCELLED);
    box_wait_end(&box, id, &o);
    assert_int_equal(o.exited.reason, END_CANCELLED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_each, close_each)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(gate_reads_on_when_a_tool_turns_o_nonblock_around),
        TEST(streams_are_three_pipes),
        TEST(tool_that_closes_its_output_ends_as_any_other),
        TEST(tool_that_fills_its_stdin_holds_up_only_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
