/* Which links on the way to a manifest's path are followed. */
#include "tests/lib/ts_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "sidecar/launcher/tools/path_open.h"

/* DIR/outside/file, DIR/w (written)/in/file and links; out -> DIR/outside */
static char dir[] = "/tmp/tipstaff-path-XXXXXX";

static const char *at(const char *name)
{
    static char text[2][512];
    static unsigned turn;
    char *p = text[turn++ % 2];

    (void)snprintf(p, sizeof(text[0]), "%s/%s", dir, name);
    return p;
}

static void link_to(const char *to, const char *name)
{
    assert_int_equal(symlink(to, at(name)), 0);
}

static int set_up(void **state)
{
    static const char *const folders[] = {"outside", "w", "w/in"};
    static const char *const files[] = {"outside/file", "w/in/file"};

    (void)state;
    if (mkdtemp(dir) == NULL)
        return -1;
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(mkdir(at(folders[i]), 0700), 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(close(open(at(files[i]), O_CREAT | O_WRONLY, 0600)),
                         0);
    link_to(at("outside"), "w/out");       /* as a tool plants it */
    link_to("../outside", "w/up");         /* and shorter */
    link_to("../../outside", "w/in/deep"); /* and deeper */
    link_to("w", "to_w");                  /* the operator's */
    link_to("outside", "to_out");
    link_to("w/out", "by_way");
    link_to("loop", "loop");
    return 0;
}

static int tear_down(void **state)
{
    static const char *const names[] = {
        "w/out",  "w/up", "w/in/deep", "to_w",         "to_out",
        "by_way", "loop", "w/in/x",    "outside/file", "w/in/file",
        "w/in",   "w",    "outside"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        (void)remove(at(names[i]));
    return rmdir(dir);
}

static struct path_root root_of(const char *name)
{
    struct stat st;

    assert_int_equal(stat(at(name), &st), 0);
    return (struct path_root){.dev = st.st_dev, .ino = st.st_ino};
}

static ts_err try(const char *path, int flags, bool is_written, int *ret)
{
    struct path_root one = root_of("w");
    const struct path_roots roots = {.list = &one, .count = is_written};
    const char *why = NULL;
    ts_err e = path_open(path, flags, &roots, ret, &why);

    assert_true(e == TS_OK || why != NULL);
    return e;
}

static bool leads_to(const char *path, bool is_written, const char *to)
{
    struct stat a, b;
    int fd = -1;

    if (try(at(path), 0, is_written, &fd) != TS_OK)
        return false;
    assert_int_equal(fstat(fd, &a), 0);
    assert_int_equal(stat(at(to), &b), 0);
    ts_fd_close(&fd);
    return a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

static void links_of_others_are_followed(void **state)
{
    (void)state;
    assert_true(leads_to("w/in/file", true, "w/in/file"));
    assert_true(leads_to("to_w/in/file", true, "w/in/file"));
    assert_true(leads_to("to_out/file", true, "outside/file"));
    assert_true(leads_to("to_w/", true, "w"));
    assert_true(leads_to("to_out/../w//in/./file", true, "w/in/file"));
}

static void links_where_tools_write_are_not(void **state)
{
    static const char *const paths[] = {
        "w/out",       "w/out/file",  "w/up/file",         "w/in/deep/file",
        "by_way/file", "to_w/out",    "to_w/in/deep/file", "to_w/in/../out",
        "w/out/",      "w/in/deep/.",
    };
    int fd = -1;

    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        if (try(at(paths[i]), 0, true, &fd) == TS_OK)
            fail_msg("%s was followed", paths[i]);
        assert_int_equal(fd, -1);
        if (try(at(paths[i]), 0, false, &fd) != TS_OK)
            fail_msg("%s is no path at all", paths[i]);
        ts_fd_close(&fd);
    }
}

static void what_is_not_there_or_no_folder_is_refused(void **state)
{
    static char long_path[5000];
    int fd = -1;

    (void)state;
    memset(long_path, '/', sizeof(long_path) - 1);
    assert_true(try(long_path, 0, true, &fd) != TS_OK);
    assert_int_equal(try(at("none"), 0, true, &fd), TS_E_NOT_FOUND);
    assert_true(try(at("loop"), 0, true, &fd) != TS_OK);
    assert_true(try(at("outside/file/x"), 0, true, &fd) != TS_OK);
    assert_true(try(at("outside/file"), O_DIRECTORY, true, &fd) != TS_OK);
    assert_int_equal(try("/", O_DIRECTORY, true, &fd), TS_OK);
    ts_fd_close(&fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_of_others_are_followed),
        cmocka_unit_test(links_where_tools_write_are_not),
        cmocka_unit_test(what_is_not_there_or_no_folder_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
