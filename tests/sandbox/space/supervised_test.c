/* The supervisor's folder of groups, as a launcher gets it. */
#include "tests/lib/ts_test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inside.h"
#include "sidecar/launcher/space/cgroups.h"
#include "sidecar/supervisor/cgroups.h"

#define LAUNCHER_ID 61999

/* As the launcher: its uid, no capability. 0: its groups work. */
static int be_launcher(const struct cgroups *c, uint32_t *power)
{
    const struct filter_key key = {{1, 1}};
    const struct space_group_limits l = {64u << 20, 16};
    struct space_groups *g = NULL;
    struct space_group x;
    const char *step = "";
    int err = 0;

    if (syscall(SYS_setgroups, 0, NULL) != 0 ||
        syscall(SYS_setresgid, LAUNCHER_ID, LAUNCHER_ID, LAUNCHER_ID) != 0 ||
        syscall(SYS_setresuid, LAUNCHER_ID, LAUNCHER_ID, LAUNCHER_ID) != 0)
        return 1;
    if (space_groups_new(c->folder_fd, 0, &key, &g, &step, &err) != TS_OK) {
        print_error("%s: %s\n", step, strerror(err));
        return 2;
    }
    *power = space_groups_power(g);
    if (space_groups_take(g, &l, &x, &err) != TS_OK)
        return 3;
    space_groups_give(g, x.index);
    space_groups_free(g);
    return 0;
}

static int in_launcher(const struct cgroups *c)
{
    int gate[2], status = 0;
    pid_t pid;
    char go;

    assert_int_equal(pipe(gate), 0);
    pid = fork();
    if (pid == 0) {
        uint32_t power = 0;
        int bad;

        if (read(gate[0], &go, 1) != 1)
            _exit(9);
        bad = be_launcher(c, &power);
        print_message("power %x\n", power);
        _exit(bad);
    }
    cgroups_adopt(c, pid);
    assert_int_equal(write(gate[1], "x", 1), 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    (void)close(gate[0]);
    (void)close(gate[1]);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static void launcher_can_use_what_the_supervisor_made(void **state)
{
    char parent[] = "/tmp/tipstaff-cgroups-XXXXXX";
    struct cgroups c;
    struct stat st;
    int fds = count_fds();
    ts_err e;

    (void)state;
    assert_non_null(mkdtemp(parent));
    e = cgroups_make(parent, LAUNCHER_ID, LAUNCHER_ID, &c);
    if (e != TS_OK) {
        print_message("SKIPPED: no cgroup can be made here\n");
        (void)rmdir(parent);
        return;
    }
    assert_int_equal(in_launcher(&c), 0);
    assert_int_equal(in_launcher(&c), 0); /* one after a restart */
    cgroups_done(&c);
    for (int t = 0; t < CGROUPS_TREES; t++)
        assert_true(c.trees[t][0] == '\0' || stat(c.trees[t], &st) != 0);
    assert_int_equal(rmdir(parent), 0);
    assert_int_equal(count_fds(), fds);
}

/* One that was killed leaves groups behind; the next takes them away. */
static void leftovers_of_a_dead_supervisor_are_removed(void **state)
{
    char parent[] = "/tmp/tipstaff-cgroups-XXXXXX", left[640] = "";
    struct cgroups c;
    struct stat st;
    int p[2], status;
    pid_t pid;

    (void)state;
    assert_non_null(mkdtemp(parent));
    assert_int_equal(pipe(p), 0);
    pid = fork();
    if (pid == 0) {
        if (cgroups_make(parent, (uid_t)-1, (gid_t)-1, &c) != TS_OK)
            _exit(1);
        for (int t = CGROUPS_TREES - 1; t >= 0; t--) {
            if (c.trees[t][0] != '\0') {
                (void)snprintf(left, sizeof(left), "%s/t0-0", c.trees[t]);
                (void)mkdir(left, 0755);
                *strrchr(left, '/') = '\0';
            }
        }
        (void)!write(p[1], left, sizeof(left));
        _exit(0); /* without cgroups_done() */
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (status == 0) {
        assert_int_equal(read(p[0], left, sizeof(left)), sizeof(left));
        assert_int_equal(stat(left, &st), 0);
        assert_int_equal(cgroups_make(parent, (uid_t)-1, (gid_t)-1, &c), TS_OK);
        assert_true(stat(left, &st) != 0);
        cgroups_done(&c);
    } else {
        print_message("SKIPPED: no cgroup can be made here\n");
    }
    (void)close(p[0]);
    (void)close(p[1]);
    assert_int_equal(rmdir(parent), 0);
}

/* Process 1 of a PID namespace of its own: it makes its groups, says which, and
 * takes them away when it is told to. */
static _Noreturn void be_elsewhere(const char *parent, int said, int told)
{
    struct cgroups c;
    char go;

    if (getpid() != 1 ||
        cgroups_make(parent, (uid_t)-1, (gid_t)-1, &c) != TS_OK ||
        write(said, c.trees, sizeof(c.trees)) != sizeof(c.trees) ||
        read(told, &go, 1) != 1)
        _exit(1);
    cgroups_done(&c);
    _exit(0);
}

struct elsewhere {
    char parent[40], trees[CGROUPS_TREES][512];
    int said[2], told[2];
    pid_t pid;
};

static void start_elsewhere(struct elsewhere *x)
{
    (void)snprintf(x->parent, sizeof(x->parent), "/tmp/tipstaff-else-XXXXXX");
    assert_non_null(mkdtemp(x->parent));
    assert_int_equal(pipe(x->said), 0);
    assert_int_equal(pipe(x->told), 0);
    x->pid = fork();
    if (x->pid == 0) {
        int status = 1;
        pid_t pid;

        (void)close(x->told[1]); /* a test that fails leaves nobody waiting */
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        if (unshare(CLONE_NEWPID) != 0 || (pid = fork()) < 0)
            _exit(1);
        if (pid == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0)
            be_elsewhere(x->parent, x->said[1], x->told[0]);
        (void)waitpid(pid, &status, 0);
        _exit(status == 0 ? 0 : 1);
    }
    (void)close(x->said[1]);
    assert_int_equal(read(x->said[0], x->trees, sizeof(x->trees)),
                     sizeof(x->trees));
}

static void end_elsewhere(struct elsewhere *x)
{
    int status;

    assert_int_equal(write(x->told[1], "x", 1), 1);
    assert_int_equal(waitpid(x->pid, &status, 0), x->pid);
    assert_int_equal(status, 0);
    (void)close(x->said[0]);
    (void)close(x->told[0]);
    (void)close(x->told[1]);
    assert_int_equal(rmdir(x->parent), 0);
}

static int count_trees(char trees[CGROUPS_TREES][512])
{
    struct stat st;
    int n = 0;

    for (int t = 0; t < CGROUPS_TREES; t++)
        n += trees[t][0] != '\0' && stat(trees[t], &st) == 0;
    return n;
}

/* Nobody of another PID namespace can be seen, or has a number of its own. */
static void supervisors_of_other_pid_namespaces_are_left_alone(void **state)
{
    char parent[] = "/tmp/tipstaff-cgroups-XXXXXX";
    struct elsewhere a, b;
    struct cgroups c;
    int mine;

    (void)state;
    assert_non_null(mkdtemp(parent));
    if (cgroups_make(parent, (uid_t)-1, (gid_t)-1, &c) != TS_OK) {
        print_message("SKIPPED: no cgroup can be made here\n");
        assert_int_equal(rmdir(parent), 0);
        return;
    }
    mine = count_trees(c.trees);
    start_elsewhere(&a);
    start_elsewhere(&b);
    assert_true(mine > 0);
    assert_int_equal(count_trees(c.trees), mine);
    assert_int_equal(count_trees(a.trees), mine);
    assert_int_equal(count_trees(b.trees), mine);
    for (int t = 0; t < CGROUPS_TREES; t++)
        assert_true(a.trees[t][0] == '\0' ||
                    strcmp(a.trees[t], b.trees[t]) != 0);
    end_elsewhere(&a);
    assert_int_equal(count_trees(a.trees), 0);
    assert_int_equal(count_trees(b.trees), mine);
    end_elsewhere(&b);
    cgroups_done(&c);
    assert_int_equal(count_trees(b.trees) + count_trees(c.trees), 0);
    assert_int_equal(rmdir(parent), 0);
}

/* Our group in the hierarchy of version 2, as /proc has it. */
static void v2_group(char out[256])
{
    FILE *f = fopen("/proc/self/cgroup", "re");
    char line[256];

    out[0] = '\0';
    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "0::", 3) == 0)
            (void)snprintf(out, 256, "%s", &line[3]);
    }
    if (f != NULL)
        (void)fclose(f);
}

/* In a group that is ours alone, as a service's is: we leave it, and come back
 * to it. 0: so it was; 77: no group could be made. */
static int leave_and_return(const char *parent, const char *group)
{
    char before[256], there[256], after[256], procs[600];
    struct cgroups c;
    int fd, n;

    (void)snprintf(procs, sizeof(procs), "%s/cgroup.procs", group);
    fd = open(procs, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "0", 1) != 1)
        return 77;
    (void)close(fd);
    v2_group(before);
    if (cgroups_make(parent, (uid_t)-1, (gid_t)-1, &c) != TS_OK)
        return 77;
    v2_group(there);
    n = (int)strlen(before);
    if (!c.moved || strncmp(there, before, (size_t)n) != 0 || there[n] != '/')
        return 1;
    cgroups_undo(&c);
    v2_group(after);
    return strcmp(before, after) == 0 && !c.moved ? 0 : 2;
}

static void who_only_tried_leaves_its_group_as_it_was(void **state)
{
    static const char *const mounts[] = {"/sys/fs/cgroup/unified",
                                         "/sys/fs/cgroup"};
    char parent[] = "/tmp/tipstaff-cgroups-XXXXXX", group[512], procs[600];
    char here[256];
    int status = 77 << 8;

    (void)state;
    assert_non_null(mkdtemp(parent));
    v2_group(here);
    for (size_t i = 0; i < 2 && status == 77 << 8; i++) {
        pid_t pid;

        (void)snprintf(procs, sizeof(procs), "%s%s/cgroup.subtree_control",
                       mounts[i], here);
        (void)snprintf(group, sizeof(group), "%s%s/ts-tried-%d", mounts[i],
                       here, (int)getpid());
        if (access(procs, W_OK) != 0 || mkdir(group, 0755) != 0)
            continue;
        pid = fork();
        if (pid == 0)
            _exit(leave_and_return(parent, group));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(rmdir(group), 0); /* nothing is left beneath */
    }
    if (status == 77 << 8)
        print_message("SKIPPED: no group of version 2 can be made here\n");
    else
        assert_int_equal(status, 0);
    assert_int_equal(rmdir(parent), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(launcher_can_use_what_the_supervisor_made),
        cmocka_unit_test(leftovers_of_a_dead_supervisor_are_removed),
        cmocka_unit_test(supervisors_of_other_pid_namespaces_are_left_alone),
        cmocka_unit_test(who_only_tried_leaves_its_group_as_it_was),
    };

    if (geteuid() != 0) {
        print_message("SKIPPED: needs root\n");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
