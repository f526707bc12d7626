/*
 * tipstaff break-glass with every allocation failing: it says so with its exit
 * code, and leaves no file that is only half of one.
 */
#include "tests/lib/ts_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/breakglass/breakglass.h"
#include "cli/cmd.h"
#include "proto/base/ts_fd.h"
#include "proto/trust/keys.h"
#include "tests/lib/fault_mem.h"

#define PATH_SIZE 128
#define ARGS_MAX  32

static char dir[] = "/tmp/ts-breakglass-XXXXXX";
static char request[PATH_SIZE], signed_one[PATH_SIZE], out[PATH_SIZE],
    seed[PATH_SIZE], policies[PATH_SIZE];

static int silent[2], heard[2];

static void write_file(const char *path, const void *b, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_true(write(fd, b, n) == (ssize_t)n);
    ts_fd_close(&fd);
}

static void path_of(char to[PATH_SIZE], const char *name)
{
    (void)snprintf(to, PATH_SIZE, "%s/%s", dir, name);
}

/* Where both streams go while a command runs: it says much, and fails often. */
static void to(const int fds[2])
{
    (void)fflush(stdout);
    (void)fflush(stderr);
    assert_true(dup2(fds[0], STDOUT_FILENO) >= 0);
    assert_true(dup2(fds[1], STDERR_FILENO) >= 0);
}

/* Options are moved about in there: a copy each time. */
static int run(int (*command)(int, char **), const char *const *args)
{
    static char text[ARGS_MAX][256];
    char *argv[ARGS_MAX + 1] = {NULL};
    int n = 0, code;

    for (; args[n] != NULL; n++) {
        assert_true(n < ARGS_MAX && strlen(args[n]) < sizeof(text[0]));
        memcpy(text[n], args[n], strlen(args[n]) + 1);
        argv[n] = text[n];
    }
    to(silent);
    code = command(n, argv);
    to(heard);
    return code;
}

static ts_err err_of(int code)
{
    return code == CLI_OK ? TS_OK : TS_E_NOMEM;
}

static bool is_there(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0;
}

static int make_request(const char *to)
{
    const char *const args[] = {"request",
                                "--tenant",
                                "acme",
                                "--user",
                                "alice",
                                "--agent",
                                "coder",
                                "--task",
                                "inc-17",
                                "--reason",
                                "production is down",
                                "--lift",
                                "freeze",
                                "--policies",
                                policies,
                                "--for",
                                "30m",
                                "--incident",
                                "INC-17",
                                "-o",
                                to,
                                NULL};

    return run(breakglass_request_run, args);
}

static int sign(const char *from, const char *to)
{
    const char *const args[] = {"sign",  from, "--key", seed,
                                "--yes", "-o", to,      NULL};

    return run(breakglass_sign_run, args);
}

/* Whole, or not there. */
static ts_err written(int code)
{
    struct stat st;

    if (code == CLI_OK) {
        assert_int_equal(stat(out, &st), 0);
        assert_true(st.st_size > 100);
        assert_int_equal(unlink(out), 0);
    } else {
        assert_false(is_there(out));
    }
    return err_of(code);
}

static ts_err requests(const void *arg)
{
    (void)arg;
    return written(make_request(out));
}

static ts_err signs(const void *arg)
{
    (void)arg;
    return written(sign(request, out));
}

static ts_err writes_a_body(const void *arg)
{
    const char *const args[] = {"sign", request, "--body-out", out, NULL};

    (void)arg;
    return written(run(breakglass_sign_run, args));
}

static ts_err shows(const void *arg)
{
    const char *const args[] = {"show", signed_one, NULL};

    (void)arg;
    return err_of(run(breakglass_show_run, args));
}

static ts_err ends(const void *arg)
{
    const char *const args[] = {"end",      "e5000000000000000000000000000001",
                                "--tenant", "acme",
                                "--key",    seed,
                                "--reason", "it is over",
                                "--out",    out,
                                NULL};

    (void)arg;
    return written(run(breakglass_end_run, args));
}

static int setup(void **state)
{
    static const char text[] = "permit (principal, action, resource);\n";
    uint8_t key[TRUST_SEED_LEN] = {7};

    (void)state;
    silent[0] = silent[1] = open("/dev/null", O_WRONLY | O_CLOEXEC);
    heard[0] = dup(STDOUT_FILENO);
    heard[1] = dup(STDERR_FILENO);
    assert_true(silent[0] >= 0 && heard[0] >= 0 && heard[1] >= 0);
    assert_int_equal(trust_init(), TS_OK);
    assert_non_null(mkdtemp(dir));
    path_of(request, "request");
    path_of(signed_one, "signed");
    path_of(out, "out");
    path_of(seed, "seed");
    path_of(policies, "policies");
    write_file(seed, key, sizeof(key));
    write_file(policies, text, sizeof(text) - 1);
    assert_int_equal(make_request(request), CLI_OK);
    assert_int_equal(sign(request, signed_one), CLI_OK);
    return 0;
}

static int teardown(void **state)
{
    const char *const files[] = {request, signed_one, out, seed, policies};

    (void)state;
    fault_mem_disarm();
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        (void)unlink(files[i]);
    return rmdir(dir);
}

static void without_memory_nothing_is_requested(void **state)
{
    (void)state;
    fault_mem_sweep(requests, NULL, TS_OK, 3);
}

static void without_memory_nothing_is_signed(void **state)
{
    (void)state;
    fault_mem_sweep(signs, NULL, TS_OK, 2);
    fault_mem_sweep(writes_a_body, NULL, TS_OK, 2);
}

static void without_memory_nothing_is_half_shown(void **state)
{
    (void)state;
    fault_mem_sweep(shows, NULL, TS_OK, 2);
}

static void without_memory_nothing_is_ended(void **state)
{
    (void)state;
    fault_mem_sweep(ends, NULL, TS_OK, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_memory_nothing_is_requested),
        cmocka_unit_test(without_memory_nothing_is_signed),
        cmocka_unit_test(without_memory_nothing_is_half_shown),
        cmocka_unit_test(without_memory_nothing_is_ended),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
