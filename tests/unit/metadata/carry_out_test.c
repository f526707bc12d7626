/* A process that waits, and calls as if it had made them: what is taken from
 * its memory and descriptors, what is done, and with which errno. */
#include "tests/lib/ts_test.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sidecar/launcher/metadata/carry_out.h"

#define PAGE  4096
#define FILES 40 /* descriptor of own/f in the child */

static struct metadata_means means = {
    .key = {{1, 2}}, .proc_fd = -1, .self_fds = -1};
static struct place_root root;
static char dir[64];
static pid_t child;
static char *shared; /* at the same address in the child; the page behind it is
                        not there */

static const char *name(const char *path)
{
    static char full[4][256];
    static unsigned turn;
    char *p = full[turn++ % 4];

    (void)snprintf(p, 256, "%s/%s", dir, path);
    return p;
}

static void put(const char *path)
{
    int fd = open(name(path), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    (void)close(fd);
}

static int set_up(void **state)
{
    struct stat st;
    int fd;

    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/ts-carry-XXXXXX");
    assert_non_null(mkdtemp(dir));
    assert_int_equal(mkdir(name("own"), 0700), 0);
    assert_int_equal(mkdir(name("other"), 0700), 0);
    put("own/f");
    put("other/f");
    assert_int_equal(symlink("f", name("own/near")), 0);
    assert_int_equal(symlink("../other/f", name("own/far")), 0);
    assert_int_equal(symlink("circle", name("own/circle")), 0);
    root.fd = open(name("own"), O_PATH | O_CLOEXEC);
    assert_int_equal(fstat(root.fd, &st), 0);
    root.dev = st.st_dev;
    root.ino = st.st_ino;
    means.proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    means.self_fds = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
    shared = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(shared, MAP_FAILED);
    assert_int_equal(munmap(shared + 2 * PAGE, PAGE), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        fd = open(name("own/f"), O_RDONLY | O_CLOEXEC);
        if (fd < 0 || dup2(fd, FILES) != FILES || chdir(name("own")) != 0)
            _exit(1);
        *shared = 1;
        for (;;)
            (void)pause();
    }
    while (*(volatile char *)shared == 0)
        (void)usleep(1000); /* it has begun */
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type,
                      struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int tear_down(void **state)
{
    (void)state;
    (void)kill(child, SIGKILL);
    (void)waitpid(child, NULL, 0);
    (void)close(root.fd);
    return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static uint64_t address(const char *p)
{
    return (uint64_t)(uintptr_t)p;
}

static int act(int nr, const uint64_t a[6])
{
    struct seccomp_data d = {.nr = nr};
    struct metadata_taken t;
    struct metadata_call c;
    int err;

    memcpy(d.args, a, sizeof(d.args));
    if ((err = metadata_decode(&d, &c)) != 0)
        return err;
    err = metadata_take(&means, child, &c, &t);
    if (err == 0)
        err = metadata_change(&means, &c, &t, &root, 1);
    metadata_taken_done(&t);
    return err;
}

static int chmod_of(const char *path, uint64_t mode)
{
    (void)snprintf(shared, PAGE, "%s", path);
    return act(SYS_fchmodat, (uint64_t[6]){(uint64_t)(int64_t)AT_FDCWD,
                                           address(shared), mode});
}

static mode_t mode_of(const char *path)
{
    struct stat st;

    assert_int_equal(lstat(name(path), &st), 0);
    return st.st_mode & 07777;
}

static void mode_of_an_own_file_is_changed_by_every_name(void **state)
{
    (void)state;
    assert_int_equal(chmod_of(name("own/f"), 0641), 0);
    assert_int_equal(mode_of("own/f"), 0641);
    assert_int_equal(chmod_of("f", 0642), 0);
    assert_int_equal(mode_of("own/f"), 0642);
    assert_int_equal(chmod_of("near", 0643), 0);
    assert_int_equal(mode_of("own/f"), 0643);
    assert_int_equal(chmod_of("/proc/self/fd/40", 0644), 0);
    assert_int_equal(mode_of("own/f"), 0644);
    assert_int_equal(chmod_of("/dev/fd/40", 0645), 0);
    assert_int_equal(mode_of("own/f"), 0645);
    assert_int_equal(act(SYS_fchmod, (uint64_t[6]){FILES, 0646}), 0);
    assert_int_equal(mode_of("own/f"), 0646);
    assert_int_equal(chmod_of(".", 0750), 0); /* the root itself */
    assert_int_equal(mode_of("own"), 0750);
}

static void mode_of_another_file_stays_whatever_it_is_called(void **state)
{
    static const char *const names[] = {"far", "../other/f", "../other",
                                        "./../own/../other/f"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_int_equal(chmod_of(names[i], 0666), EPERM);
    assert_int_equal(chmod_of(name("other/f"), 0666), EPERM);
    assert_int_equal(mode_of("other/f"), 0600);
    assert_int_equal(mode_of("other"), 0700);
}

static void errors_are_those_of_the_kernel(void **state)
{
    char *long_name = shared;

    (void)state;
    assert_int_equal(chmod_of("none", 0600), ENOENT);
    assert_int_equal(chmod_of("", 0600), ENOENT);
    assert_int_equal(chmod_of("f/x", 0600), ENOTDIR);
    assert_int_equal(chmod_of("f/", 0600), ENOTDIR);
    assert_int_equal(chmod_of("circle", 0600), ELOOP);
    assert_int_equal(chmod_of("/proc/self/fd/41", 0600), ENOENT);
    assert_int_equal(act(SYS_fchmod, (uint64_t[6]){41, 0600}), EBADF);
    assert_int_equal(act(SYS_fchmod, (uint64_t[6]){UINT64_MAX, 0600}), EBADF);
    (void)snprintf(shared, PAGE, "f");
    assert_int_equal(
        act(SYS_fchmodat, (uint64_t[6]){41, address(shared), 0600}), EBADF);
    assert_int_equal(
        act(SYS_fchmodat, (uint64_t[6]){FILES, address(shared), 0600}),
        ENOTDIR);
    assert_int_equal(act(SYS_fchmodat, (uint64_t[6]){FILES, 0, 0600}), EFAULT);
    assert_int_equal(act(SYS_fchmodat, (uint64_t[6]){FILES, 1, 0600}), EFAULT);
    assert_int_equal(act(SYS_fchmodat, (uint64_t[6]){FILES, UINT64_MAX, 0600}),
                     EFAULT);
    memset(long_name, 'x', 2 * PAGE);
    assert_int_equal(
        act(SYS_fchmodat, (uint64_t[6]){FILES, address(long_name), 0600}),
        ENAMETOOLONG);
    /* it ends where memory ends, with and without an end of its own */
    assert_int_equal(
        act(SYS_fchmodat, (uint64_t[6]){(uint64_t)(int64_t)AT_FDCWD,
                                        address(shared + 2 * PAGE - 5), 0600}),
        EFAULT);
    memcpy(shared + 2 * PAGE - 5, "./f", 4);
    assert_int_equal(
        act(SYS_fchmodat, (uint64_t[6]){(uint64_t)(int64_t)AT_FDCWD,
                                        address(shared + 2 * PAGE - 5), 0600}),
        0);
}

static void times_are_set_in_every_form(void **state)
{
    struct timespec *ts = (void *)(shared + PAGE);
    struct stat st;

    (void)state;
    ts[0] = (struct timespec){1000, 5};
    ts[1] = (struct timespec){2000, 6};
    assert_int_equal(
        act(SYS_utimensat, (uint64_t[6]){FILES, 0, address((char *)ts), 0}), 0);
    assert_int_equal(stat(name("own/f"), &st), 0);
    assert_true(st.st_atim.tv_sec == 1000 && st.st_mtim.tv_sec == 2000 &&
                st.st_mtim.tv_nsec == 6);
    (void)snprintf(shared, PAGE, "far");
    assert_int_equal(
        act(SYS_utimensat,
            (uint64_t[6]){(uint64_t)(int64_t)AT_FDCWD, address(shared),
                          address((char *)ts), 0}),
        EPERM);
    assert_int_equal(
        act(SYS_utimensat,
            (uint64_t[6]){(uint64_t)(int64_t)AT_FDCWD, address(shared),
                          address((char *)ts), AT_SYMLINK_NOFOLLOW}),
        0); /* the link is the tool's own */
    assert_int_equal(lstat(name("own/far"), &st), 0);
    assert_int_equal(st.st_mtim.tv_sec, 2000);
    assert_int_equal(stat(name("other/f"), &st), 0);
    assert_true(st.st_mtim.tv_sec != 2000);
    ts[0].tv_nsec = 1000000000;
    assert_int_equal(
        act(SYS_utimensat, (uint64_t[6]){FILES, 0, address((char *)ts), 0}),
        EINVAL);
    ts[0].tv_nsec = ts[1].tv_nsec = UTIME_OMIT; /* nothing is even looked at */
    assert_int_equal(
        act(SYS_utimensat, (uint64_t[6]){41, 1, address((char *)ts), 0}), 0);
}

static void owner_is_asked_of_the_kernel_for_own_files_alone(void **state)
{
    (void)state;
    (void)snprintf(shared, PAGE, "f");
    assert_int_equal(act(SYS_fchownat,
                         (uint64_t[6]){(uint64_t)(int64_t)AT_FDCWD,
                                       address(shared), getuid(), getgid(), 0}),
                     0);
    (void)snprintf(shared, PAGE, "../other/f");
    assert_int_equal(act(SYS_fchownat,
                         (uint64_t[6]){(uint64_t)(int64_t)AT_FDCWD,
                                       address(shared), getuid(), getgid(), 0}),
                     EPERM);
    *shared = '\0';
    assert_int_equal(
        act(SYS_fchownat, (uint64_t[6]){FILES, address(shared), getuid(),
                                        getgid(), AT_EMPTY_PATH}),
        0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mode_of_an_own_file_is_changed_by_every_name),
        cmocka_unit_test(mode_of_another_file_stays_whatever_it_is_called),
        cmocka_unit_test(errors_are_those_of_the_kernel),
        cmocka_unit_test(times_are_set_in_every_form),
        cmocka_unit_test(owner_is_asked_of_the_kernel_for_own_files_alone),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
