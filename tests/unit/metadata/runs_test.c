/* The table of runs: what is held stays, what is full refuses, and nothing is
 * left open. */
#include "tests/lib/ts_test.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sidecar/launcher/metadata/runs.h"
#include "tests/lib/fault_mem.h"

static struct metadata_runs runs;

static int count_open(void)
{
    DIR *d = opendir("/proc/self/fd");
    int n = 0;

    assert_non_null(d);
    while (readdir(d) != NULL)
        n++;
    (void)closedir(d);
    return n;
}

static void add_keeps_the_inodes_and_remove_lets_them_go(void **state)
{
    int before = count_open(), fds[2];
    const struct metadata_run *run;
    struct stat st;

    (void)state;
    metadata_runs_init(&runs);
    fds[0] = open("/", O_PATH | O_CLOEXEC);
    fds[1] = open("/dev/null", O_PATH | O_CLOEXEC);
    assert_int_equal(metadata_runs_add(&runs, 5, fds, 2), TS_OK);
    assert_int_equal(fstat(fds[1], &st), 0);
    (void)close(fds[0]);
    (void)close(fds[1]);
    assert_null(metadata_runs_hold(&runs, 6));
    assert_null(metadata_runs_hold(&runs, 0));
    run = metadata_runs_hold(&runs, 5);
    assert_non_null(run);
    assert_int_equal(run->count, 2);
    assert_true(run->roots[1].ino == st.st_ino &&
                run->roots[1].dev == st.st_dev);
    metadata_runs_let_go(&runs, run);
    metadata_runs_remove(&runs, 5);
    assert_null(metadata_runs_hold(&runs, 5));
    assert_int_equal(count_open(), before);
}

static void remove_while_it_is_held_waits_for_the_last_holder(void **state)
{
    int fd = open("/", O_PATH | O_CLOEXEC), before;
    const struct metadata_run *a, *b;

    (void)state;
    metadata_runs_init(&runs);
    before = count_open();
    assert_int_equal(metadata_runs_add(&runs, 5, &fd, 1), TS_OK);
    a = metadata_runs_hold(&runs, 5);
    b = metadata_runs_hold(&runs, 5);
    metadata_runs_remove(&runs, 5);
    assert_null(metadata_runs_hold(&runs, 5)); /* nobody new */
    metadata_runs_let_go(&runs, a);
    assert_int_equal(count_open(), before + 1);
    assert_int_equal(b->count, 1);
    metadata_runs_let_go(&runs, b);
    assert_int_equal(count_open(), before);
    metadata_runs_remove(&runs, 5); /* and once more is nothing */
    (void)close(fd);
}

static void add_to_a_full_table_is_refused(void **state)
{
    (void)state;
    metadata_runs_init(&runs);
    for (uint64_t m = 1; m <= METADATA_RUNS_MAX; m++)
        assert_int_equal(metadata_runs_add(&runs, m, NULL, 0), TS_OK);
    assert_int_equal(metadata_runs_add(&runs, 1000, NULL, 0), TS_E_LIMIT);
    metadata_runs_remove(&runs, 7);
    assert_int_equal(metadata_runs_add(&runs, 1000, NULL, 0), TS_OK);
    assert_int_equal(metadata_runs_add(&runs, 0, NULL, 0), TS_E_INVALID);
    assert_int_equal(metadata_runs_add(&runs, UINT64_MAX, NULL, 0),
                     TS_E_INVALID);
}

static void add_of_a_bad_descriptor_keeps_nothing(void **state)
{
    int fds[2] = {open("/", O_PATH | O_CLOEXEC), -1}, before = count_open();

    (void)state;
    metadata_runs_init(&runs);
    assert_int_not_equal(metadata_runs_add(&runs, 5, fds, 2), TS_OK);
    assert_null(metadata_runs_hold(&runs, 5));
    assert_int_equal(count_open(), before);
    (void)close(fds[0]);
}

static ts_err add_and_remove(const void *arg)
{
    ts_err e;

    metadata_runs_init(&runs);
    e = metadata_runs_add(&runs, 5, arg, 1);
    metadata_runs_remove(&runs, 5);
    return e;
}

static void add_without_memory_is_refused(void **state)
{
    int fd = open("/", O_PATH | O_CLOEXEC);

    (void)state;
    fault_mem_sweep(add_and_remove, &fd, TS_OK, 1);
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(add_keeps_the_inodes_and_remove_lets_them_go),
        cmocka_unit_test(remove_while_it_is_held_waits_for_the_last_holder),
        cmocka_unit_test(add_to_a_full_table_is_refused),
        cmocka_unit_test(add_of_a_bad_descriptor_keeps_nothing),
        cmocka_unit_test(add_without_memory_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
