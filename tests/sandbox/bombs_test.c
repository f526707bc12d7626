/*
 * A tool that takes all it can get of something: it gets no more than its
 * limits, other calls go on meanwhile, and when it is killed nothing is left.
 * How long the neighbours waited is printed; what is asserted is generous,
 * since two processors are shared with whatever else runs.
 */
#include "harness.h"
#include "host.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/ts_test.h"

#define NEIGHBOURS 15
#define SLACK_US   2000000u /* of a neighbour's median, beside the ratio */
#define SLOWER     100u     /* times the median of a quiet launcher */

static struct box box;
static uint64_t quiet_us;

static uint64_t now_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* Order to end of calls that must succeed: the median, and the longest. */
static uint64_t neighbours(uint64_t *ret_longest)
{
    const struct call c = {.tool = "crowd", .what = "quick"};
    uint64_t took[NEIGHBOURS];
    struct outcome o;

    for (int i = 0; i < NEIGHBOURS; i++) {
        uint64_t start = now_us();

        box_run(&box, &c, &o);
        took[i] = now_us() - start;
        if (!o.started)
            fail_msg("a neighbour was refused at %s: %s", o.step, o.text);
        assert_true(outcome_says(&o, "ok"));
        assert_int_equal(o.exited.reason, END_EXITED);
    }
    qsort(took, NEIGHBOURS, sizeof(took[0]), by_size);
    *ret_longest = took[NEIGHBOURS - 1];
    return took[NEIGHBOURS / 2];
}

static int open_each(void **state)
{
    uint64_t longest;

    (void)state;
    box_open(&box);
    quiet_us = neighbours(&longest);
    return 0;
}

static int open_with_uids(void **state)
{
    uint64_t longest;

    (void)state;
    box_open_at(&box, BOX_UID, true);
    quiet_us = neighbours(&longest);
    return 0;
}

static int open_full(void **state)
{
    uint64_t longest;

    (void)state;
    box_open_at(&box, BOX_FULL, true);
    quiet_us = neighbours(&longest);
    return 0;
}

static int close_each(void **state)
{
    (void)state;
    box_close(&box);
    return 0;
}

/* "full N": what it got until it met a limit. */
static long wait_full(struct outcome *o)
{
    char line[64] = "";
    size_t n = 0;

    while (n < sizeof(line) - 1 && strchr(line, '\n') == NULL) {
        ssize_t got = read(o->out_fd, line + n, 1);

        if (got > 0)
            n += (size_t)got;
        else if (got == 0)
            break;
        else if (errno == EAGAIN)
            (void)usleep(1000);
    }
    if (strncmp(line, "full ", 5) != 0)
        fail_msg("the bomb said \"%s\"", line);
    return strtol(line + 5, NULL, 10);
}

struct bomb {
    const char *tool, *what;
    long least, most; /* what it may get */
};

/* Lit, looked at, put out; nothing of it is left. */
static void burst(const struct bomb *b)
{
    const struct call c = {.tool = b->tool, .what = b->what};
    uint64_t id = box_send(&box, &c), median, longest, start;
    struct outcome o;
    long got;

    box_wait_start(&box, id, &o);
    if (!o.started)
        fail_msg("%s: refused at %s: %s", b->what, o.step, o.text);
    got = wait_full(&o);
    median = neighbours(&longest);
    start = now_us();
    box_kill(&box, id, END_CANCELLED);
    box_wait_end(&box, id, &o);
    print_message("%-9s got %-6ld neighbours %llu us (quiet %llu), longest "
                  "%llu; killed in %llu us, %u more processes\n",
                  b->what, got, (unsigned long long)median,
                  (unsigned long long)quiet_us, (unsigned long long)longest,
                  (unsigned long long)(now_us() - start), o.exited.killed);
    assert_int_equal(o.exited.reason, END_CANCELLED);
    assert_int_equal(o.exited.signal, 9);
    if (got < b->least || got > b->most)
        fail_msg("%s: got %ld, not %ld to %ld", b->what, got, b->least,
                 b->most);
    assert_true(median <= quiet_us * SLOWER + SLACK_US);
    assert_int_equal(box_count_probes(&box), 0);
}

/* "plain": 24 processes, 64 MB. In a bare box the uid is shared, so that the
 * neighbours' places are part of the count. */
static void processes_meet_their_limit(void **state)
{
    static const struct bomb bombs[] = {{"plain", "fork", 1, 160},
                                        {"plain", "threads", 1, 160},
                                        {"plain", "zombies", 1, 160},
                                        {"plain", "storm", 0, 0},
                                        {"crowd", "spin", 0, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof(bombs) / sizeof(bombs[0]); i++)
        burst(&bombs[i]);
}

static void memory_meets_its_limit(void **state)
{
    static const struct bomb bombs[] = {{"plain", "memory", 8, 64},
                                        {"plain", "memory4", 32, 4 * 64}};

    (void)state;
    for (size_t i = 0; i < sizeof(bombs) / sizeof(bombs[0]); i++)
        burst(&bombs[i]);
}

/* A full box has a /tmp of its own, of a size: memory, so it is counted. */
static void private_tmp_has_a_size(void **state)
{
    static const struct bomb tmp = {"plain", "tmp", 1, 128};

    (void)state;
    burst(&tmp);
}

static int entries_of(const char *name)
{
    char path[256];
    const struct dirent *e;
    int n = 0;
    DIR *d;

    box_path(&box, name, path, sizeof(path));
    d = opendir(path);
    assert_non_null(d);
    while ((e = readdir(d)) != NULL)
        n += e->d_name[0] != '.';
    (void)closedir(d);
    return n;
}

/* Without a quota a folder is not limited, a file is; all of it goes away with
 * the call. */
static void disk_is_given_back(void **state)
{
    static const struct bomb bombs[] = {{"scratch", "scratch", 1, 160},
                                        {"scratch", "one_file", 1, 1024}};

    (void)state;
    for (size_t i = 0; i < sizeof(bombs) / sizeof(bombs[0]); i++) {
        burst(&bombs[i]);
        assert_int_equal(entries_of("scratch"), 0);
    }
}

static void descriptors_and_what_hangs_on_them_meet_their_limit(void **state)
{
    static const struct bomb bombs[] = {
        {"plain", "files", 16, 1024},  {"plain", "pipes", 4, 512},
        {"plain", "sockets", 4, 512},  {"plain", "watches", 16, 1024},
        {"plain", "signals", 8, 1024},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bombs) / sizeof(bombs[0]); i++)
        burst(&bombs[i]);
}

/* Nobody reads: it waits in write(2), and dies there. */
static void flood_of_output_waits_and_dies(void **state)
{
    static const struct bomb flood = {"plain", "flood", 0, 0};

    (void)state;
    burst(&flood);
}

static void hundred_daemons_end_with_their_tool(void **state)
{
    const struct call c = {.tool = "crowd", .what = "daemons"};
    struct outcome o;
    uint64_t start, longest, id;

    (void)state;
    for (int i = 0; i < 3; i++) {
        id = box_send(&box, &c);
        box_wait_start(&box, id, &o);
        assert_true(o.started);
        assert_int_equal(wait_full(&o), 100);
        start = now_us();
        box_wait_end(&box, id, &o);
        print_message("100 daemons: gone %llu us after the tool was done\n",
                      (unsigned long long)(now_us() - start));
        assert_int_equal(o.exited.reason, END_EXITED);
        assert_int_equal(o.exited.exit_code, 0);
        assert_int_equal(o.exited.killed, 100);
        assert_int_equal(box_count_probes(&box), 0);
    }
    (void)neighbours(&longest);
}

/* A launcher has no more than it had before all that. */
static void nothing_is_left_of_many_bombs(void **state)
{
    static const struct bomb fork = {"plain", "fork", 1, 160};
    int before = box_count_fds(&box);

    (void)state;
    for (int i = 0; i < 5; i++)
        burst(&fork);
    assert_true(box_count_fds(&box) <= before);
}

#define BARE(name) cmocka_unit_test_setup_teardown(name, open_each, close_each)
#define UID(name)                                                              \
    cmocka_unit_test_setup_teardown(name, open_with_uids, close_each)

#define FULL(name) cmocka_unit_test_setup_teardown(name, open_full, close_each)

int main(void)
{
    const struct CMUnitTest bare[] = {
        BARE(processes_meet_their_limit),
        BARE(memory_meets_its_limit),
        BARE(disk_is_given_back),
        BARE(descriptors_and_what_hangs_on_them_meet_their_limit),
        BARE(flood_of_output_waits_and_dies),
        BARE(hundred_daemons_end_with_their_tool),
        BARE(nothing_is_left_of_many_bombs),
    };
    const struct CMUnitTest uid[] = {
        UID(processes_meet_their_limit),
        UID(memory_meets_its_limit),
        UID(disk_is_given_back),
        UID(descriptors_and_what_hangs_on_them_meet_their_limit),
        UID(flood_of_output_waits_and_dies),
        UID(hundred_daemons_end_with_their_tool),
        UID(nothing_is_left_of_many_bombs),
    };
    const struct CMUnitTest full[] = {
        FULL(processes_meet_their_limit),
        FULL(memory_meets_its_limit),
        FULL(private_tmp_has_a_size),
        FULL(disk_is_given_back),
        FULL(descriptors_and_what_hangs_on_them_meet_their_limit),
        FULL(flood_of_output_waits_and_dies),
        FULL(hundred_daemons_end_with_their_tool),
        FULL(nothing_is_left_of_many_bombs),
    };
    int failed =
        cmocka_run_group_tests_name("bombs, bare boxes", bare, NULL, NULL);

    if (geteuid() != 0) {
        (void)printf("SKIPPED: boxes with privileges need root\n");
        return failed;
    }
    failed += cmocka_run_group_tests_name("bombs, uids", uid, NULL, NULL);
    if (!host_gives_full(true))
        return failed;
    return failed +
           cmocka_run_group_tests_name("bombs, full boxes", full, NULL, NULL);
}
