/* Every system call that a template or an entry needs, failing in turn. */
#include "tests/lib/ts_test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inside.h"

struct fault {
    const char *name;
    uint32_t nr;
    bool survives; /* there is another way */
};

static bool install(uint32_t nr)
{
    struct sock_filter insns[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EIO),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog p = {.len = 4, .filter = insns};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &p) == 0;
}

/* 0: as it should be. */
static int build_under(const struct inside *t, const struct fault *f)
{
    struct space_set *set = NULL;
    const char *step = NULL;
    int err = 0, fds = count_fds();
    bool served = false;
    ts_err e;

    if (!install(f->nr))
        return 1;
    e = space_build(&t->builder, &t->want, 1, &set, &step, &err);
    if (e != TS_OK && (step == NULL || err == 0))
        return 2; /* it does not say why */
    if (e == TS_OK) {
        served = space_box_of(set, 0)->space != NULL;
        if (!served && space_box_of(set, 0)->why == NULL)
            return 3;
    }
    space_set_free(set);
    if (f->nr != SYS_close && f->nr != SYS_getdents64 && count_fds() != fds)
        return 4;
    if (count_children() != 0)
        return 5;
    return served == f->survives ? 0 : 6;
}

static int status_of(pid_t pid)
{
    int status = 0;

    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void build_with_any_call_failing_says_so(void **state)
{
    static const struct fault faults[] = {
        {"unshare", SYS_unshare, false},
        {"setns", SYS_setns, false},
        {"open_tree", SYS_open_tree, false},
        {"move_mount", SYS_move_mount, false},
        {"mount_setattr", SYS_mount_setattr, false},
        {"pivot_root", SYS_pivot_root, false},
        {"umount2", SYS_umount2, false},
        {"fsopen", SYS_fsopen, false},
        {"fsconfig", SYS_fsconfig, false},
        {"fsmount", SYS_fsmount, false},
        {"mkdirat", SYS_mkdirat, false},
        {"symlinkat", SYS_symlinkat, false},
        {"openat2", SYS_openat2, false},
        {"write", SYS_write, false},
        {"socketpair", SYS_socketpair, false},
        {"clone", SYS_clone, false},
        {"sendmsg", SYS_sendmsg, false},
        {"recvmsg", SYS_recvmsg, false},
#ifdef SYS_readlink
        {"readlink", SYS_readlink, false},
#endif
        {"mknodat", SYS_mknodat, true}, /* bound instead */
        {"getdents64", SYS_getdents64, true},
        {"readlinkat", SYS_readlinkat, true}, /* only links are missing */
        {"prctl", SYS_prctl, true},
        {"none", 9999, true},
    };
    struct inside t;

    (void)state;
    inside_start(&t, "/srv");
    inside_path(&t, "", SPACE_READ | SPACE_WRITE);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        pid_t pid = fork();
        int got;

        if (pid == 0)
            _exit(build_under(&t, &faults[i]));
        got = status_of(pid);
        if (got != 0)
            print_error("%s: %d\n", faults[i].name, got);
        assert_int_equal(got, 0);
    }
    inside_done(&t);
}

/* With n descriptors left. */
static int build_with_few(const struct inside *t, unsigned n)
{
    struct rlimit few = {(rlim_t)n, (rlim_t)n};
    struct space_set *set = NULL;
    const char *step = NULL;
    int err = 0, fds = count_fds();
    ts_err e;

    few.rlim_cur = few.rlim_max += (rlim_t)fds;
    if (setrlimit(RLIMIT_NOFILE, &few) != 0)
        return 1;
    e = space_build(&t->builder, &t->want, 1, &set, &step, &err);
    if (e != TS_OK && step == NULL)
        return 2;
    space_set_free(set);
    few.rlim_cur = few.rlim_max;
    for (int fd = fds + 3; fd < fds + 64; fd++) { /* none was left behind */
        if (fcntl(fd, F_GETFD) >= 0)
            return 3;
    }
    return count_children() == 0 ? 0 : 4;
}

static void build_without_descriptors_leaves_none(void **state)
{
    struct inside t;

    (void)state;
    inside_start(&t, "/srv");
    inside_path(&t, "", SPACE_READ);
    for (unsigned n = 0; n < 12; n++) {
        pid_t pid = fork();

        if (pid == 0)
            _exit(build_with_few(&t, n));
        assert_int_equal(status_of(pid), 0);
    }
    inside_done(&t);
}

struct entry_fault {
    uint32_t nr;
    const char *step;
};

/* In the child's place; 0: the step was named. */
static int enter_under(const struct inside *t, const struct entry_fault *f)
{
    const struct space_box *b = space_box_of(t->set, 0);
    const char *volatile step = "";
    struct space_entry e = {.key = t->builder.key,
                            .procs = {-1, -1, -1, -1},
                            .net_ns = -1,
                            .ipc_ns = -1,
                            .uts_ns = -1,
                            .cgroup_ns = -1,
                            .mnt_ns = b->space->mnt_ns,
                            .tmp_options = "size=1m",
                            .proc_options = SPACE_PROC_OPTIONS,
                            .inner = b->space->inner,
                            .inner_count = b->space->inner_count,
                            .cwd = b->cwd,
                            .program = b->program,
                            .program_dev = b->program_dev,
                            .program_ino = b->program_ino};
    long rc;

    if (unshare(CLONE_NEWPID) != 0)
        return 1;
    if (fork() > 0) {
        int status = 0;

        (void)wait(&status);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 7;
    }
    if (!install(f->nr))
        _exit(2);
    rc = space_enter(&e, &step);
    if (rc >= 0)
        rc = space_enter_cwd(&e, &step);
    if (rc >= 0)
        rc = space_open_program(&e, &step);
    if (f->step == NULL)
        _exit(rc >= 0 ? 0 : 3);
    _exit(rc != -EIO ? 4 : strcmp(step, f->step) != 0 ? 5 : 0);
}

static void entry_with_any_call_failing_names_the_step(void **state)
{
    static const struct entry_fault faults[] = {{SYS_setns, "mnt_ns"},
                                                {SYS_unshare, "mnt_ns"},
                                                {SYS_mount, "private_tmp"},
                                                {SYS_openat2, "private_tmp"},
                                                {SYS_mkdirat, "private_tmp"},
                                                {SYS_symlinkat, "private_tmp"},
                                                {SYS_fchdir, "cwd"},
                                                {SYS_newfstatat, "program"},
                                                {9999, NULL}};
    char deep[128];
    struct inside t;

    (void)state;
    inside_start(&t, "/tmp");
    (void)snprintf(deep, sizeof(deep), "%s/d", t.home);
    assert_int_equal(mkdir(deep, 0755), 0);
    inside_path(&t, "d", SPACE_READ); /* so that a folder is made */
    inside_file(t.home, "run", "x");
    inside_path(&t, "run", SPACE_RUN);
    t.want.cwd_fd = t.paths[0].fd;
    t.want.program_fd = t.paths[1].fd;
    inside_build(&t);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        pid_t pid = fork();
        int got;

        if (pid == 0)
            _exit(enter_under(&t, &faults[i]));
        got = status_of(pid);
        if (got != 0)
            print_error("%u: %d\n", faults[i].nr, got);
        assert_int_equal(got, 0);
    }
    inside_done(&t);
}

static int program_was_swapped(const char *home)
{
    (void)home;
    return 0;
}

/* Another inode at the program's place is not executed. */
static void entry_with_another_program_is_refused(void **state)
{
    char path[128];
    struct inside t;

    (void)state;
    inside_start(&t, "/srv");
    inside_file(t.home, "run", "x");
    inside_path(&t, "", SPACE_READ);
    inside_path(&t, "run", SPACE_RUN);
    t.want.program_fd = t.paths[1].fd;
    inside_build(&t);
    assert_int_equal(inside_run(&t, program_was_swapped), 0);
    (void)snprintf(path, sizeof(path), "%s/run", t.home);
    assert_int_equal(unlink(path), 0);
    inside_file(t.home, "other", "y");
    inside_file(t.home, "run", "x");
    assert_int_equal(inside_run(&t, program_was_swapped), 254);
    inside_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(build_with_any_call_failing_says_so),
        cmocka_unit_test(build_without_descriptors_leaves_none),
        cmocka_unit_test(entry_with_any_call_failing_names_the_step),
        cmocka_unit_test(entry_with_another_program_is_refused),
    };

    if (!inside_possible())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
