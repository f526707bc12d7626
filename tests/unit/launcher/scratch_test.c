/* What a tool may leave in its scratch folder, and that all of it goes, a turn
 * at a time. Without a filter a key is no more than two unused arguments. */
#include "tests/lib/ts_test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "sidecar/launcher/life/scratch.h"

static const struct filter_key key = {{1, 2}};
static char base[] = "/tmp/tipstaff-scratch-XXXXXX";
static int base_fd;

static int set_up(void **state)
{
    (void)state;
    memcpy(base + sizeof(base) - 7, "XXXXXX", 6);
    if (mkdtemp(base) == NULL)
        return -1;
    base_fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return base_fd < 0 || mkdirat(base_fd, "call", 0700) != 0 ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    ts_fd_close(&base_fd);
    return rmdir(base); /* fails if anything is left */
}

static int enter(int dir, const char *name)
{
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

static void put(int dir, const char *name)
{
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    (void)close(fd);
}

/* As many turns as it takes, each of which does something. */
static int turns(uint32_t most, int limit)
{
    int n = 0;
    ts_err e;

    do {
        assert_true(++n <= limit);
        e = scratch_remove(base_fd, "call", most, &key);
        if (e != TS_OK)
            assert_int_equal(e, TS_E_AGAIN);
    } while (e != TS_OK);
    return n;
}

static void deeper_than_any_path_is_removed(void **state)
{
    int dir = enter(base_fd, "call");

    (void)state;
    for (int i = 0; i < 3000; i++) { /* "d/" 3000 times is beyond PATH_MAX */
        int in;

        assert_int_equal(mkdirat(dir, "d", 0700), 0);
        put(dir, "f");
        in = enter(dir, "d");
        (void)close(dir);
        dir = in;
    }
    (void)close(dir);
    assert_true(turns(1024, 40) > 1);
}

static void more_folders_than_a_turn_touches_are_removed(void **state)
{
    int dir = enter(base_fd, "call"), in;

    (void)state;
    assert_int_equal(mkdirat(dir, "in", 0700), 0);
    in = enter(dir, "in");
    for (int i = 0; i < 600; i++) { /* none can be removed, all are moved */
        char name[16];
        int sub;

        (void)snprintf(name, sizeof(name), "%d", i);
        assert_int_equal(mkdirat(in, name, 0700), 0);
        sub = enter(in, name);
        put(sub, "f");
        (void)close(sub);
    }
    (void)close(in);
    (void)close(dir);
    assert_true(turns(64, 120) > 10);
}

static void turn_touches_no_more_than_it_may(void **state)
{
    int dir = enter(base_fd, "call"), count = 0;
    DIR *d;

    (void)state;
    for (int i = 0; i < 100; i++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "%d", i);
        put(dir, name);
    }
    assert_int_equal(scratch_remove(base_fd, "call", 30, &key), TS_E_AGAIN);
    d = fdopendir(dir);
    assert_non_null(d);
    while (readdir(d) != NULL)
        count++;
    (void)closedir(d);
    assert_int_equal(count, 2 + 70);
    (void)turns(30, 5);
}

static void link_is_removed_and_not_followed(void **state)
{
    int dir = enter(base_fd, "call");
    struct stat st;

    (void)state;
    put(base_fd, "outside");
    assert_int_equal(symlinkat("..", dir, "up"), 0);
    assert_int_equal(symlinkat("../outside", dir, "file"), 0);
    assert_int_equal(mkdirat(dir, "in", 0700), 0);
    assert_int_equal(symlinkat("../..", dir, "in/up"), 0);
    (void)close(dir);
    (void)turns(1024, 2);
    assert_int_equal(fstatat(base_fd, "outside", &st, 0), 0);
    assert_int_equal(unlinkat(base_fd, "outside", 0), 0);
}

static void closed_folders_are_opened(void **state)
{
    int dir = enter(base_fd, "call");

    (void)state;
    assert_int_equal(mkdirat(dir, "a", 0700), 0);
    assert_int_equal(mkdirat(dir, "a/b", 0700), 0);
    assert_int_equal(mkdirat(dir, "a/b/c", 0700), 0);
    assert_int_equal(fchmodat(dir, "a/b", 0, 0), 0);
    assert_int_equal(fchmodat(dir, "a", 0, 0), 0);
    (void)close(dir);
    (void)turns(1024, 2);
}

static void folder_that_is_gone_is_clean(void **state)
{
    (void)state;
    (void)turns(1024, 1);
    assert_int_equal(scratch_remove(base_fd, "call", 1024, &key), TS_OK);
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(deeper_than_any_path_is_removed),
        CASE(more_folders_than_a_turn_touches_are_removed),
        CASE(turn_touches_no_more_than_it_may),
        CASE(link_is_removed_and_not_followed),
        CASE(closed_folders_are_opened),
        CASE(folder_that_is_gone_is_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
