/* The real kernel: filters that are installed, in children. */
#include "tests/lib/ts_test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sidecar/launcher/layers/filter.h"
#include "sidecar/sandbox/profile.h"

struct box {
    struct ts_arena arena;
    struct sandbox_profile *p;
    struct filter_key key;
};

static void box_open(struct box *b, uint32_t index)
{
    char text[512] = "";

    ts_arena_init(&b->arena, SANDBOX_ARENA_BYTES);
    assert_int_equal(
        filter_profile_load(NULL, index, &b->arena, &b->p, text, sizeof(text)),
        TS_OK);
    assert_int_equal(filter_key_make(&b->key), TS_OK);
}

/* What the child says; a child that dies of SIGSYS says 1000. */
static int in_child(int (*what)(struct box *b), struct box *b)
{
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(filter_install(b->p, &b->key) == TS_OK ? what(b) : 99);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGSYS ? 1000 : 2000;
    return WEXITSTATUS(status);
}

static int refusals(struct box *b)
{
    (void)b;
    if (socket(AF_UNIX, SOCK_STREAM, 0) >= 0 || errno != EACCES)
        return 1;
    if (syscall(SYS_clone3, NULL, 0) != -1 || errno != ENOSYS)
        return 2;
    if (syscall(SYS_ptrace, 0, 0, 0, 0) != -1 || errno != EPERM)
        return 3;
    if (syscall(SYS_openat2, -1, NULL, NULL, 0) != -1 || errno != ENOSYS)
        return 4;
    if (syscall(SYS_unshare, CLONE_NEWUSER) != -1 || errno != EPERM)
        return 5;
    if (syscall(SYS_setresuid, -1, -1, getuid()) != -1 || errno != EPERM)
        return 6;
    if (syscall(-1) != -1 || errno != ENOSYS)
        return 7;
    if (syscall(SYS_ioctl, 0, 0x5412ul | 1ul << 32, "x") != -1 ||
        errno != EPERM)
        return 8;
    if (syscall(SYS_io_uring_setup, 1, NULL) != -1 || errno != EPERM)
        return 9;
    if (syscall(700) != -1 || errno != ENOSYS)
        return 10;
    return 0;
}

static int keyed(struct box *b)
{
    struct filter_key wrong = b->key;

    /* nothing is changed by these */
    if (filter_call4(&b->key, SYS_setresuid, -1, -1, (long)getuid(), 0) != 0)
        return 1;
    if (filter_call4(&b->key, SYS_unshare, 0, 0, 0, 0) != 0)
        return 2;
    if (filter_call4(&b->key, SYS_unshare, CLONE_NEWUSER, 0, 0, 0) != -EPERM)
        return 3;
    if (filter_call4(&b->key, SYS_openat2, -1, 0, 0, 0) != -EINVAL)
        return 4;
    if (filter_call5(&b->key, SYS_mount, 0, 0, 0, 0, 0) == -EPERM &&
        geteuid() == 0)
        return 5;
    for (int bit = 0; bit < 128; bit++) {
        wrong = b->key;
        wrong.word[bit / 64] ^= 1ull << (bit % 64);
        if (filter_call4(&wrong, SYS_setresuid, -1, -1, (long)getuid(), 0) !=
            -EPERM)
            return 6;
        if (bit < 64 &&
            filter_call5(&wrong, SYS_mount, 0, 0, 0, 0, 0) != -EPERM)
            return 7;
    }
    return 0;
}

static void installed_filter_refuses_tools_and_lets_the_key_through(void **s)
{
    (void)s;
    for (uint32_t i = 0; i < SANDBOX_BUILTIN_COUNT; i++) {
        struct box b;

        box_open(&b, i);
        if (strcmp(b.p->name, "net") != 0)
            assert_int_equal(in_child(refusals, &b), 0);
        assert_int_equal(in_child(keyed, &b), 0);
        ts_arena_done(&b.arena);
    }
}

static int pure(struct box *b)
{
    char name[] = "true", *const argv[] = {name, NULL};
    pid_t pid;

    if (fork() >= 0 || errno != EPERM)
        return 1;
    if (open("/tmp/never", O_CREAT | O_WRONLY, 0600) >= 0 || errno != EPERM)
        return 2;
    if (execv("/bin/true", argv) != -1 || errno != EPERM)
        return 3;
    pid = (pid_t)filter_call5(&b->key, SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (pid == 0)
        _exit(raw_call6(SYS_execveat, -1, raw_ptr("/bin/true"), raw_ptr(argv),
                        0, 0, 0) == -EPERM &&
                      filter_call5(&b->key, SYS_execveat, -1,
                                   raw_ptr("/bin/true"), raw_ptr(argv), 0,
                                   0) < 0
                  ? 1
                  : 2);
    if (pid < 0 || waitpid(pid, &(int){0}, 0) != pid)
        return 4;
    return 0;
}

static void installed_pure_starts_nothing_without_the_key(void **s)
{
    struct box b;

    (void)s;
    box_open(&b, 0);
    assert_int_equal(in_child(pure, &b), 0);
    ts_arena_done(&b.arena);
}

#if defined(__x86_64__)
static int compat(struct box *b)
{
    long ret = 20; /* getpid of i386 */

    (void)b;
    __asm__ volatile("int $0x80" : "+a"(ret) : : "memory");
    return 1;
}
static int x32(struct box *b)
{
    (void)b;
    (void)syscall((long)SANDBOX_X32_BIT + SYS_getpid);
    return 1;
}
static void installed_filter_kills_other_architectures(void **s)
{
    struct box b;

    (void)s;
    box_open(&b, 1);
    assert_int_equal(in_child(compat, &b), 1000);
    assert_int_equal(in_child(x32, &b), 1000);
    ts_arena_done(&b.arena);
}
#endif

static int strict(struct box *b)
{
    struct filter_program p;
    struct sock_fprog prog;
    char name[] = "true", *const argv[] = {name, NULL};
    void *m;

    if (filter_make_strict(b->p, &b->key, &p) != TS_OK)
        return 1;
    prog = (struct sock_fprog){.len = p.count, .filter = p.insns};
    if (raw_call3(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, raw_ptr(&prog)) != 0)
        return 2;
    if (filter_call4(&b->key, SYS_setresuid, -1, -1, (long)getuid(), 0) !=
            -EPERM ||
        filter_call4(&b->key, SYS_unshare, 0, 0, 0, 0) != -EPERM ||
        filter_call5(&b->key, SYS_mount, 0, 0, 0, 0, 0) != -EPERM ||
        filter_call4(&b->key, SYS_openat2, -1, 0, 0, 0) != -ENOSYS)
        return 3;
    m = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if ((m == MAP_FAILED) == b->p->options.needs_write_exec)
        return 4;
    if (raw_call3(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, raw_ptr(&prog)) !=
        -ENOSYS)
        return 5;
    (void)filter_call5(&b->key, SYS_execveat, AT_FDCWD, raw_ptr("/bin/true"),
                       raw_ptr(argv), 0, 0);
    return 6;
}

static void strict_filter_leaves_only_the_final_execveat(void **s)
{
    (void)s;
    for (uint32_t i = 0; i < SANDBOX_BUILTIN_COUNT; i++) {
        struct box b;

        box_open(&b, i);
        assert_int_equal(in_child(strict, &b), 0); /* what true answers */
        ts_arena_done(&b.arena);
    }
}

/* A thread that was there before has the filter, too. */
static void *wait_and_try(void *arg)
{
    const int *go = arg;

    while (__atomic_load_n(go, __ATOMIC_ACQUIRE) == 0)
        (void)sched_yield();
    return socket(AF_UNIX, SOCK_STREAM, 0) < 0 && errno == EACCES ? arg : NULL;
}

static void installed_filter_holds_for_a_thread_that_existed(void **s)
{
    struct box b;
    int status = 0;
    pid_t pid;

    (void)s;
    box_open(&b, 1);
    pid = fork();
    if (pid == 0) {
        static int go;
        pthread_t t;
        void *ret = NULL;

        if (pthread_create(&t, NULL, wait_and_try, &go) != 0 ||
            filter_install(b.p, &b.key) != TS_OK)
            _exit(1);
        __atomic_store_n(&go, 1, __ATOMIC_RELEASE);
        _exit(pthread_join(t, &ret) == 0 && ret != NULL ? 0 : 2);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    ts_arena_done(&b.arena);
}

/* Not a check of speed but a figure; generous, for a busy machine. */
static void filter_of_a_profile_is_made_in_little_time(void **s)
{
    struct timespec from, to;
    long us;

    (void)s;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
    for (uint32_t i = 0; i < 10; i++) {
        struct filter_program p;
        struct box b;

        box_open(&b, i % SANDBOX_BUILTIN_COUNT);
        assert_int_equal(filter_make(b.p, &b.key, &p), TS_OK);
        filter_program_done(&p);
        ts_arena_done(&b.arena);
    }
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
    us = (to.tv_sec - from.tv_sec) * 1000000 +
         (to.tv_nsec - from.tv_nsec) / 1000;
    print_message("read, checked and compiled: %ld us of processor time\n",
                  us / 10);
    assert_true(us / 10 < 50000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            installed_filter_refuses_tools_and_lets_the_key_through),
        cmocka_unit_test(installed_pure_starts_nothing_without_the_key),
#if defined(__x86_64__)
        cmocka_unit_test(installed_filter_kills_other_architectures),
#endif
        cmocka_unit_test(strict_filter_leaves_only_the_final_execveat),
        cmocka_unit_test(installed_filter_holds_for_a_thread_that_existed),
        cmocka_unit_test(filter_of_a_profile_is_made_in_little_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
