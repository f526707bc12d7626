#include "tests/lib/ts_test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"

/* More than a pipe takes at once. */
#define LARGE 300000

static uint8_t out[LARGE], in[LARGE + 1];

static int setup(void **state)
{
    (void)state;
    for (size_t i = 0; i < LARGE; i++)
        out[i] = (uint8_t)(i * 7 + i / 251);
    memset(in, 0, sizeof(in));
    return 0;
}

static void what_is_written_whole_is_read_whole(void **state)
{
    int fd = memfd_create("t", MFD_CLOEXEC);
    size_t n = 99;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(ts_fd_write_all(fd, out, LARGE), TS_OK);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(ts_fd_read_all(fd, in, LARGE - 1, &n), TS_OK);
    assert_int_equal(n, LARGE - 1); /* as much as was asked for */
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(ts_fd_read_all(fd, in, LARGE + 1, &n), TS_OK);
    assert_int_equal(n, LARGE); /* as much as there is */
    assert_memory_equal(in, out, LARGE);
    assert_int_equal(ts_fd_read_all(fd, in, 1, &n), TS_OK);
    assert_int_equal(n, 0);
    ts_fd_close(&fd);
    assert_int_equal(fd, -1);
    ts_fd_close(&fd); /* twice is fine */
}

/* A pipe takes and gives less than is asked for. */
static void parts_are_put_together(void **state)
{
    size_t n = 0;
    int p[2], status = -1;
    pid_t pid;

    (void)state;
    assert_int_equal(pipe2(p, O_CLOEXEC), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        ts_fd_close(&p[0]);
        _exit(ts_fd_write_all(p[1], out, LARGE) == TS_OK ? 0 : 1);
    }
    ts_fd_close(&p[1]);
    assert_int_equal(ts_fd_read_all(p[0], in, sizeof(in), &n), TS_OK);
    assert_int_equal(n, LARGE);
    assert_memory_equal(in, out, LARGE);
    ts_fd_close(&p[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void failures_say_why_and_write_nothing(void **state)
{
    size_t n = 99;
    int p[2];

    (void)state;
    assert_int_not_equal(ts_fd_read_all(-1, in, 1, &n), TS_OK);
    assert_int_equal(errno, EBADF);
    assert_int_not_equal(ts_fd_write_all(-1, out, 1), TS_OK);
    assert_int_equal(errno, EBADF);
    assert_int_equal(pipe2(p, O_CLOEXEC | O_NONBLOCK), 0);
    assert_int_equal(ts_fd_read_all(p[0], in, 1, &n), TS_E_AGAIN);
    assert_int_equal(n, 99);
    assert_int_equal(ts_fd_write_all(p[1], out, LARGE), TS_E_AGAIN);
    ts_fd_close(&p[0]);
    ts_fd_close(&p[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_written_whole_is_read_whole, setup),
        cmocka_unit_test_setup(parts_are_put_together, setup),
        cmocka_unit_test(failures_say_why_and_write_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
