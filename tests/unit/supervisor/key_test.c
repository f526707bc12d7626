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

static void put(const struct room *r, const char *name, const char *bytes,
                size_t len, mode_t mode)
{
    int fd =
        openat(r->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), (ssize_t)len);
    assert_int_equal(fchmod(fd, mode), 0);
    (void)close(fd);
}

static int setup(void **state)
{
    static const char one[] = "seed-seed-seed-seed-seed-seed-32";
    static const char two[] = "other-other-other-other-other-32";
    static struct room r;

    (void)snprintf(r.dir, sizeof(r.dir), "/tmp/ts-key-XXXXXX");
    if (mkdtemp(r.dir) == NULL)
        return -1;
    r.fd = open(r.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    put(&r, "good", one, 32, 0400);
    put(&r, "good600", one, 32, 0600);
    put(&r, "short", one, 31, 0400);
    put(&r, "token", two, 32, 0400);
    *state = &r;
    return 0;
}

static int teardown(void **state)
{
    static const char *const names[] = {"good", "good600", "short", "token"};
    const struct room *r = *state;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        (void)unlinkat(r->fd, names[i], 0);
    (void)close(r->fd);
    return rmdir(r->dir);
}

static ts_err try_keys(const struct room *r, const char *key,
                       const char *token_key, char text[512])
{
    const struct key_files files = {.config_dir = r->fd,
                                    .key = key,
                                    .token_key = token_key,
                                    .credentials = r->dir,
                                    .euid = geteuid()};
    size_t want = token_key == NULL ? 32 : 64;
    char seeds[96];
    int fd = -1;
    ts_err e = key_pipe(&files, &fd, text, 512);

    if (e != TS_OK) {
        assert_int_equal(fd, -1);
        return e;
    }
    assert_int_equal(read(fd, seeds, sizeof(seeds)), want);
    assert_memory_equal(seeds, "seed-seed-seed-seed-seed-seed-32", 32);
    if (token_key != NULL)
        assert_memory_equal(seeds + 32, "other-other-other-other-other-32", 32);
    assert_int_equal(read(fd, seeds, sizeof(seeds)), 0); /* nothing follows */
    (void)close(fd);
    return TS_OK;
}

static void key_pipe_holds_one_seed_or_two_and_then_ends(void **state)
{
    static const char *const good[] = {"good", "good600", "credential:good"};
    char text[512] = "";

    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(try_keys(*state, good[i], NULL, text), TS_OK);
        assert_int_equal(try_keys(*state, good[i], "token", text), TS_OK);
        assert_int_equal(try_keys(*state, good[i], "credential:token", text),
                         TS_OK);
    }
}

static void
key_pipe_what_is_refused_names_the_setting_and_the_file(void **state)
{
    static const struct {
        const char *key, *token_key, *text;
    } rows[] = {
        {"short", NULL,
         "key: in tipstaff.yaml: short: 31 bytes, but a seed has exactly 32 (a "
         "stored key pair is not accepted); make one with `tipstaff key new`"},
        {"none", "token",
         "key: in tipstaff.yaml: none: No such file or directory; make one "
         "with `tipstaff key new`"},
        {"good", "none",
         "token_key: in tipstaff.yaml: none: No such file or directory; make "
         "one with `tipstaff key new`"},
        {"good", "good600",
         "token_key: in tipstaff.yaml: good600 holds the same key as good; "
         "every key has one role, make another with `tipstaff key new`"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[512] = "";

        assert_int_not_equal(
            try_keys(*state, rows[i].key, rows[i].token_key, text), TS_OK);
        assert_string_equal(text, rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_pipe_holds_one_seed_or_two_and_then_ends),
        cmocka_unit_test(
            key_pipe_what_is_refused_names_the_setting_and_the_file),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
