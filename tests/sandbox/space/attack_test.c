/* Out of a space, and into it while it is made. Without any filter: each of
 * these would be refused once more in a real box. */
#include "tests/lib/ts_test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inside.h"

/* sys/mount.h and linux/mount.h do not go together */
#define BIND_REMOUNT (4096 | 32) /* MS_BIND | MS_REMOUNT */
#define DETACH       2
#define STORM_BUILDS 60
#define MARKER_CAP   16

static long mount_(const char *from, const char *to, const char *type,
                   unsigned long flags)
{
    return syscall(SYS_mount, from, to, type, flags, NULL);
}

static bool become_tool(void)
{
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};

    return syscall(SYS_setgroups, 0, NULL) == 0 &&
           syscall(SYS_setresgid, 61000, 61000, 61000) == 0 &&
           syscall(SYS_setresuid, 60578, 60578, 60578) == 0 &&
           syscall(SYS_capset, &h, none) == 0;
}

static bool sees_host(void)
{
    struct stat st;

    return stat("/root", &st) == 0 || stat("/sys/kernel", &st) == 0 ||
           stat("/etc/shadow", &st) == 0 || stat("/var/lib", &st) == 0;
}

static int dotdot_ends_at_the_root(const char *home)
{
    struct stat root, here;
    int fd;

    INSIDE_WANT(stat("/", &root) == 0);
    INSIDE_WANT(chdir(home) == 0);
    for (int i = 0; i < 64; i++)
        INSIDE_WANT(chdir("..") == 0);
    INSIDE_WANT(stat(".", &here) == 0);
    INSIDE_WANT(here.st_ino == root.st_ino && here.st_dev == root.st_dev);
    fd = open(home, O_PATH | O_DIRECTORY | O_CLOEXEC);
    INSIDE_WANT(fd >= 0);
    INSIDE_WANT(openat(fd, "../../../../../../etc/shadow", O_RDONLY) < 0);
    INSIDE_WANT(openat(fd, "../../../../../../root", O_RDONLY) < 0);
    return sees_host() ? 1 : 0;
}

static int proc_leads_nowhere(const char *home)
{
    static const char *const paths[] = {"/proc/1/root/root",
                                        "/proc/self/root/root",
                                        "/proc/self/cwd/../root",
                                        "/proc/thread-self/root/var/lib",
                                        "/proc/2/root",
                                        "/proc/1/cwd/../../etc/shadow",
                                        "/proc/self/task/1/root/sys/kernel"};
    struct stat st;

    (void)home;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        INSIDE_WANT(stat(paths[i], &st) != 0);
    return 0;
}

static int tool_changes_no_mount(const char *home)
{
    INSIDE_WANT(become_tool());
    INSIDE_WANT(mount_(NULL, "/", NULL, BIND_REMOUNT) != 0 && errno == EPERM);
    INSIDE_WANT(mount_(NULL, "/usr", NULL, BIND_REMOUNT) != 0);
    INSIDE_WANT(syscall(SYS_umount2, SPACE_PROC, DETACH) != 0);
    INSIDE_WANT(syscall(SYS_umount2, SPACE_TMP, DETACH) != 0);
    INSIDE_WANT(mount_("/usr", home, NULL, 4096) != 0);
    INSIDE_WANT(syscall(SYS_open_tree, AT_FDCWD, "/usr", OPEN_TREE_CLONE) < 0);
    INSIDE_WANT(syscall(SYS_pivot_root, "/tmp/", "/tmp/") != 0);
    INSIDE_WANT(chroot("/tmp/") != 0);
    INSIDE_WANT(unshare(CLONE_NEWNS) != 0);
    return sees_host() ? 1 : 0;
}

static int user_changes_no_mount(const char *home)
{
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};

    INSIDE_WANT(syscall(SYS_capset, &h, none) == 0);
    INSIDE_WANT(mount_(NULL, "/", NULL, BIND_REMOUNT) != 0);
    INSIDE_WANT(syscall(SYS_umount2, SPACE_PROC, DETACH) != 0);
    INSIDE_WANT(mount_("/usr", home, NULL, 4096) != 0);
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0) {
        INSIDE_WANT(syscall(SYS_umount2, SPACE_PROC, DETACH) != 0);
        INSIDE_WANT(syscall(SYS_umount2, "/", DETACH) != 0);
        INSIDE_WANT(mount_(NULL, "/usr", NULL, BIND_REMOUNT) != 0);
    }
    return sees_host() ? 1 : 0;
}

/* Where user namespaces are given to anybody (and no filter forbids it) a tool
 * gets capabilities in one; what was mounted before stays locked. */
static int user_namespace_opens_nothing(const char *home)
{
    INSIDE_WANT(become_tool());
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
        return 0;
    INSIDE_WANT(syscall(SYS_umount2, "/usr", DETACH) != 0);
    INSIDE_WANT(syscall(SYS_umount2, SPACE_PROC, DETACH) != 0);
    INSIDE_WANT(syscall(SYS_umount2, "/etc", DETACH) != 0);
    INSIDE_WANT(syscall(SYS_umount2, "/", DETACH) != 0);
    INSIDE_WANT(mount_(NULL, "/", NULL, BIND_REMOUNT) != 0);
    INSIDE_WANT(mount_(NULL, "/usr", NULL, BIND_REMOUNT) != 0);
    INSIDE_WANT(mount_(NULL, home, NULL, BIND_REMOUNT) != 0); /* nosuid off */
    return sees_host() ? 1 : 0;
}

/* With every capability, even: a device node in a written folder is none. */
static int nodes_and_set_ids_are_dead(const char *home)
{
    char path[256];
    struct stat st;

    (void)snprintf(path, sizeof(path), "%s/null", home);
    INSIDE_WANT(mknod(path, S_IFCHR | 0666, 0x103) == 0);
    INSIDE_WANT(open(path, O_RDWR | O_CLOEXEC) < 0 && errno == EACCES);
    INSIDE_WANT(unlink(path) == 0);
    INSIDE_WANT(mknod("/tmp/null", S_IFCHR | 0666, 0x103) == 0);
    INSIDE_WANT(open("/tmp/null", O_RDWR | O_CLOEXEC) < 0);
    INSIDE_WANT(stat("/tmp/null", &st) == 0);
    return 0;
}

static int mounts_something(const char *home)
{
    char path[256];

    (void)snprintf(path, sizeof(path), "%s/sub", home);
    INSIDE_WANT(mount_("tmpfs", path, "tmpfs", 0) == 0);
    INSIDE_WANT(mount_("tmpfs", "/usr/local", "tmpfs", 0) == 0);
    return 0;
}

static int sub_is_empty(const char *home)
{
    char path[256];

    (void)snprintf(path, sizeof(path), "%s/sub/outside", home);
    INSIDE_WANT(access(path, F_OK) != 0);
    return 0;
}

static void out_of_a_space_there_is_no_way(void **state)
{
    static int (*const attacks[])(const char *) = {
        dotdot_ends_at_the_root, proc_leads_nowhere, tool_changes_no_mount,
        user_namespace_opens_nothing, nodes_and_set_ids_are_dead};
    static const char *const bases[] = {"/srv", "/tmp"};

    (void)state;
    for (size_t b = 0; b < 2; b++) {
        struct inside t;

        inside_start(&t, bases[b]);
        inside_path(&t, "", SPACE_READ | SPACE_WRITE);
        t.want.cwd_fd = t.paths[0].fd;
        inside_build(&t);
        for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++)
            assert_int_equal(inside_run(&t, attacks[i]), 0);
        inside_done(&t);
    }
}

/* Without any privilege: all of it in a user namespace of our own. 0, or what
 * failed. */
static int attack_unprivileged(struct inside *t)
{
    static int (*const attacks[])(const char *) = {
        dotdot_ends_at_the_root, proc_leads_nowhere, user_changes_no_mount};
    struct space_caps caps;
    const char *step = "";
    int err = 0;

    if (syscall(SYS_setgroups, 0, NULL) != 0 ||
        syscall(SYS_setresgid, 61000, 61000, 61000) != 0 ||
        syscall(SYS_setresuid, 61000, 61000, 61000) != 0)
        return 100;
    if (space_user_namespace(&step, &err) != TS_OK) {
        print_message("SKIPPED: %s: %s\n", step, strerror(err));
        return 0;
    }
    if (getuid() != 61000 || getgid() != 61000)
        return 101;
    space_try(&t->builder.key, true, &caps);
    if (!caps.templates || !caps.empty_net || !caps.own_proc) {
        print_message("SKIPPED: in a user namespace: %s: %s\n", caps.step,
                      strerror(caps.sys_errno));
        return 0;
    }
    t->builder.proc_below = true;
    t->own_id = 61000;
    if (inside_why(t) != NULL)
        return 102;
    for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
        int line = inside_run(t, attacks[i]);

        if (line != 0)
            return line;
    }
    return 0;
}

static void unprivileged_space_has_no_way_out_either(void **state)
{
    static const char *const bases[] = {"/srv", "/tmp"};

    (void)state;
    for (size_t b = 0; b < 2; b++) {
        struct inside t;
        int status = 0;
        pid_t pid;

        inside_start(&t, bases[b]);
        inside_path(&t, "", SPACE_READ | SPACE_WRITE);
        t.want.cwd_fd = t.paths[0].fd;
        pid = fork();
        if (pid == 0)
            _exit(attack_unprivileged(&t));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        inside_done(&t);
    }
}

static void mounts_travel_neither_way(void **state)
{
    char path[256];
    struct inside t;
    int mounts;
    pid_t pid;

    (void)state;
    /* in a namespace of our own whose mounts are shared, as systemd's are */
    pid = fork();
    if (pid > 0) {
        int status = 1;

        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        return;
    }
    if (unshare(CLONE_NEWNS) != 0 ||
        mount_(NULL, "/", NULL, (1ul << 20) | 16384) != 0) /* SHARED | REC */
        _exit(1);
    inside_start(&t, "/srv");
    (void)snprintf(path, sizeof(path), "%s/sub", t.home);
    if (mkdir(path, 0755) != 0)
        _exit(2);
    inside_path(&t, "", SPACE_READ | SPACE_WRITE);
    inside_build(&t);
    mounts = count_mounts();
    if (inside_run(&t, mounts_something) != 0 || count_mounts() != mounts)
        _exit(3);
    if (mount_("tmpfs", path, "tmpfs", 0) != 0)
        _exit(4);
    inside_file(path, "outside", "x");
    if (inside_run(&t, sub_is_empty) != 0)
        _exit(5);
    (void)syscall(SYS_umount2, path, DETACH);
    inside_done(&t);
    _exit(0);
}

/* Swaps x with a link to evil, and back, as fast as it can. */
static pid_t start_storm(const char *home)
{
    char x[256], kept[256], link[256];
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    (void)snprintf(x, sizeof(x), "%s/x", home);
    (void)snprintf(kept, sizeof(kept), "%s/kept", home);
    (void)snprintf(link, sizeof(link), "%s/link", home);
    for (;;) {
        (void)rename(x, kept);
        (void)rename(link, x);
        (void)rename(x, link);
        (void)rename(kept, x);
    }
}

static int holds_no_evil(const char *home)
{
    char path[256], text[MARKER_CAP] = "";
    int fd;

    (void)snprintf(path, sizeof(path), "%s/x/a/marker", home);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    INSIDE_WANT(read(fd, text, sizeof(text) - 1) > 0);
    INSIDE_WANT(strcmp(text, "evil") != 0);
    (void)snprintf(path, sizeof(path), "%s/evil/a/marker", home);
    INSIDE_WANT(access(path, F_OK) != 0);
    return 0;
}

/* Whatever was made, what is inside is what was pinned, or nothing. */
static void storm_leaves_only_what_was_pinned(void **state)
{
    static const char *const folders[] = {"x", "x/a", "evil", "evil/a"};
    char path[256];
    struct inside t;
    int made = 0;
    pid_t storm;

    (void)state;
    inside_start(&t, "/srv");
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", t.home, folders[i]);
        assert_int_equal(mkdir(path, 0755), 0);
        if (strchr(folders[i], '/') != NULL)
            inside_file(path, "marker", i == 1 ? "good" : "evil");
    }
    (void)snprintf(path, sizeof(path), "%s/link", t.home);
    assert_int_equal(symlink("evil", path), 0);
    inside_path(&t, "x/a", SPACE_READ | SPACE_WRITE);
    storm = start_storm(t.home);
    for (int i = 0; i < STORM_BUILDS; i++) {
        if (inside_why(&t) != NULL)
            continue;
        assert_int_equal(inside_run(&t, holds_no_evil), 0);
        made++;
    }
    print_message("%d of %d could be made\n", made, STORM_BUILDS);
    assert_int_equal(kill(storm, SIGKILL), 0);
    assert_int_equal(waitpid(storm, NULL, 0), storm);
    inside_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(out_of_a_space_there_is_no_way),
        cmocka_unit_test(unprivileged_space_has_no_way_out_either),
        cmocka_unit_test(mounts_travel_neither_way),
        cmocka_unit_test(storm_leaves_only_what_was_pinned),
    };

    if (!inside_possible())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
