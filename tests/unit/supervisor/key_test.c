#include "tests/lib/ts_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sidecar/supervisor/key.h"

struct room {
    char dir[64];
    int fd;
};

static void put(const struct room *r, const char *name, size_t len, mode_t mode)
{
    static const char bytes[64] = "seed-seed-seed-seed-seed-seed-32";
    int fd =
        openat(r->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), (ssize_t)len);
    assert_int_equal(fchmod(fd, mode), 0);
    (void)close(fd);
}

static int setup(void **state)
{
    static struct room r;

    (void)snprintf(r.dir, sizeof(r.dir), "/tmp/ts-key-XXXXXX");
    if (mkdtemp(r.dir) == NULL)
        return -1;
    r.fd = open(r.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    put(&r, "good", 32, 0400);
    put(&r, "good600", 32, 0600);
    put(&r, "short", 31, 0400);
    put(&r, "long", 33, 0400);
    put(&r, "group", 32, 0440);
    put(&r, "other", 32, 0404);
    put(&r, "exec", 32, 0500);
    *state = &r;
    return mkfifoat(r.fd, "fifo", 0400) != 0 ||
           symlinkat("good", r.fd, "link") != 0;
}

static int teardown(void **state)
{
    static const char *const names[] = {"good", "good600", "short",
                                        "long", "group",   "other",
                                        "exec", "fifo",    "link"};
    const struct room *r = *state;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        (void)unlinkat(r->fd, names[i], 0);
    (void)close(r->fd);
    return rmdir(r->dir);
}

static ts_err try_key(const struct room *r, const char *where, char text[256])
{
    char seed[64];
    int fd = -1;
    ts_err e = key_pipe(r->fd, where, r->dir, geteuid(), &fd, text, 256);

    if (e != TS_OK) {
        assert_int_equal(fd, -1);
        return e;
    }
    assert_int_equal(read(fd, seed, sizeof(seed)), 32);
    assert_memory_equal(seed, "seed-seed-seed-seed-seed-seed-32", 32);
    assert_int_equal(read(fd, seed, sizeof(seed)), 0); /* nothing follows */
    (void)close(fd);
    return TS_OK;
}

static void key_pipe_private_files_pass_by_path_and_credential(void **state)
{
    static const char *const good[] = {"good", "good600", "credential:good"};
    char text[256] = "";

    for (size_t i = 0; i < 3; i++)
        assert_int_equal(try_key(*state, good[i], text), TS_OK);
}

static void key_pipe_everything_else_is_refused_with_a_sentence(void **state)
{
    static const struct {
        const char *where, *text;
    } rows[] = {
        {"short", "key short: is not exactly 32 bytes; make one with `tipstaff "
                  "key new`"},
        {"long", "key long: is not exactly 32 bytes; make one with `tipstaff "
                 "key new`"},
        {"group", "key group: can be read by others; chmod 0400 it"},
        {"other", "key other: can be read by others; chmod 0400 it"},
        {"exec", "key exec: can be read by others; chmod 0400 it"},
        {"fifo", "key fifo: is not a regular file; put the 32-byte seed there"},
        {"link", "key link: is a symbolic link; make one with `tipstaff key "
                 "new`, or name another under key: in tipstaff.yaml"},
        {"none", "key none: No such file or directory; make one with `tipstaff "
                 "key new`, or name another under key: in tipstaff.yaml"},
        {"credential:../good",
         "key credential:../good: No such file or directory; make one with "
         "`tipstaff key new`, or name another under key: in tipstaff.yaml"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[256] = "";

        assert_int_not_equal(try_key(*state, rows[i].where, text), TS_OK);
        assert_string_equal(text, rows[i].text);
    }
}

static void key_pipe_of_another_user_is_refused(void **state)
{
    const struct room *r = *state;
    char text[256] = "";
    int fd = -1;

    if (geteuid() != 0) {
        (void)printf("SKIPPED: needs root to give a file away\n");
        skip();
    }
    assert_int_equal(fchownat(r->fd, "good600", 12345, 12345, 0), 0);
    assert_int_equal(key_pipe(r->fd, "good600", NULL, 0, &fd, text, 256),
                     TS_E_INVALID);
    assert_string_equal(text, "key good600: belongs to another user; chown it "
                              "to the user that starts the service");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_pipe_private_files_pass_by_path_and_credential),
        cmocka_unit_test(key_pipe_everything_else_is_refused_with_a_sentence),
        cmocka_unit_test(key_pipe_of_another_user_is_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
