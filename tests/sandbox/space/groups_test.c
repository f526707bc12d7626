/* Control groups of tools, in a folder of the test's own. */
#include "tests/lib/ts_test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inside.h"
#include "sidecar/launcher/space/cgroups.h"

#define TREES 3
#define MB    (1ull << 20)

static const struct filter_key key = {{7, 8}};

/* Where a hierarchy may be: of version 2 alone, or beside version 1. */
static const struct {
    const char *name;
    const char *bases[2];
} places[TREES] = {{"v2", {"/sys/fs/cgroup/unified", "/sys/fs/cgroup"}},
                   {"memory", {"/sys/fs/cgroup/memory", NULL}},
                   {"pids", {"/sys/fs/cgroup/pids", NULL}}};

struct folder {
    char path[64];
    char trees[TREES][96]; /* "" if there is none */
    int fd;
};

static bool is_cgroup(const char *base)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/cgroup.procs", base);
    return access(path, W_OK) == 0;
}

static void start(struct folder *f)
{
    memset(f, 0, sizeof(*f));
    (void)snprintf(f->path, sizeof(f->path), "/tmp/tipstaff-groups-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    for (int i = 0; i < TREES; i++) {
        for (int k = 0; k < 2 && f->trees[i][0] == '\0'; k++) {
            const char *base = places[i].bases[k];
            char link[96];

            if (base == NULL || !is_cgroup(base))
                continue;
            (void)snprintf(f->trees[i], sizeof(f->trees[i]),
                           "%s/tipstaff-test-%d", base, (int)getpid());
            if (mkdir(f->trees[i], 0755) != 0) {
                f->trees[i][0] = '\0';
                continue;
            }
            (void)snprintf(link, sizeof(link), "%s/%s", f->path,
                           places[i].name);
            assert_int_equal(symlink(f->trees[i], link), 0);
        }
    }
    f->fd = open(f->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_true(f->fd >= 0);
}

static int count_groups(const struct folder *f)
{
    int n = 0;

    for (int i = 0; i < TREES; i++) {
        const struct dirent *e;
        DIR *d = f->trees[i][0] != '\0' ? opendir(f->trees[i]) : NULL;

        while (d != NULL && (e = readdir(d)) != NULL)
            n += e->d_type == DT_DIR && e->d_name[0] == 't' ? 1 : 0;
        if (d != NULL)
            (void)closedir(d);
    }
    return n;
}

static void finish(struct folder *f)
{
    for (int i = 0; i < TREES; i++) {
        char link[96];

        if (f->trees[i][0] == '\0')
            continue;
        assert_int_equal(rmdir(f->trees[i]), 0);
        (void)snprintf(link, sizeof(link), "%s/%s", f->path, places[i].name);
        (void)unlink(link);
    }
    (void)close(f->fd);
    (void)rmdir(f->path);
}

static struct space_groups *make(const struct folder *f)
{
    struct space_groups *g = NULL;
    const char *step = NULL;
    int err = 0;
    ts_err e = space_groups_new(f->fd, 3, &key, &g, &step, &err);

    if (e != TS_OK)
        print_error("%s: %s\n", step, strerror(err));
    assert_int_equal(e, TS_OK);
    return g;
}

static struct space_group take(struct space_groups *g, uint64_t memory,
                               uint64_t processes)
{
    const struct space_group_limits l = {.memory_bytes = memory,
                                         .processes = processes};
    struct space_group x;
    int err = 0;

    assert_int_equal(space_groups_take(g, &l, &x, &err), TS_OK);
    return x;
}

static void join(const struct space_group *x)
{
    for (int i = 0; i < SPACE_GROUPS_MAX; i++) {
        if (x->procs[i] >= 0 && write(x->procs[i], "0", 1) != 1)
            _exit(250);
    }
}

static int run_in(const struct space_group *x, int (*fn)(void))
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        join(x);
        _exit(fn());
    }
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* How many children it can have at once. */
static int fork_many(void)
{
    int n = 0;

    while (n < 100) {
        pid_t pid = fork();

        if (pid < 0)
            break;
        if (pid == 0) {
            for (;;)
                (void)pause();
        }
        n++;
    }
    return n;
}

static int touch_96_mb(void)
{
    char *p = mmap(NULL, 96 * MB, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

    return p == MAP_FAILED ? 1 : 0;
}

static int touch_8_mb(void)
{
    char *p = mmap(NULL, 8 * MB, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

    return p == MAP_FAILED ? 1 : 0;
}

static void wait_until_empty(struct space_groups *g, uint32_t index)
{
    for (int i = 0; i < 5000 && !space_groups_is_empty(g, index); i++)
        (void)poll(NULL, 0, 1);
    assert_true(space_groups_is_empty(g, index));
}

static void group_limits_all_of_a_tool(void **state)
{
    struct space_groups *g;
    struct space_group x;
    struct folder f;
    uint32_t power;

    (void)state;
    start(&f);
    g = make(&f);
    power = space_groups_power(g);
    print_message("power %x, joining took %llu us\n", power,
                  (unsigned long long)space_groups_join_us(g));
    assert_int_equal(space_groups_weakened(g),
                     (power & 3u) != (GROUP_MEMORY | GROUP_PIDS));
    x = take(g, 32 * MB, 8);
    assert_int_equal(run_in(&x, touch_8_mb), 0);
    if ((power & GROUP_MEMORY) != 0)
        assert_int_equal(run_in(&x, touch_96_mb), 128 + SIGKILL);
    space_groups_give(g, x.index);
    space_groups_free(g);
    assert_int_equal(count_groups(&f), 0);
    finish(&f);
}

static void group_dies_by_one_write(void **state)
{
    struct space_groups *g;
    struct space_group x;
    struct folder f;
    int forked;

    (void)state;
    start(&f);
    g = make(&f);
    x = take(g, 256 * MB, 8);
    if ((space_groups_power(g) & GROUP_KILL) == 0) {
        print_message("SKIPPED: no cgroup.kill here\n");
    } else {
        /* its children outlive it, and are not in our tree any more */
        forked = run_in(&x, fork_many);
        if ((space_groups_power(g) & GROUP_PIDS) != 0)
            assert_int_equal(forked, 7);
        assert_false(space_groups_is_empty(g, x.index));
        assert_int_equal(space_groups_kill(g, x.index), TS_OK);
        wait_until_empty(g, x.index);
    }
    space_groups_give(g, x.index);
    space_groups_free(g);
    assert_int_equal(count_groups(&f), 0);
    finish(&f);
}

static void group_is_used_again_only_when_empty(void **state)
{
    struct space_groups *g;
    struct space_group x, y, z;
    struct folder f;
    int p[2];
    pid_t pid;
    char c;

    (void)state;
    start(&f);
    g = make(&f);
    x = take(g, 64 * MB, 8);
    space_groups_give(g, x.index);
    y = take(g, 32 * MB, 4);
    assert_int_equal(y.index, x.index);
    assert_int_equal(pipe(p), 0);
    pid = fork();
    if (pid == 0) {
        join(&y);
        (void)!write(p[1], "x", 1);
        for (;;)
            (void)pause();
    }
    assert_int_equal(read(p[0], &c, 1), 1);
    space_groups_give(g, y.index); /* somebody is in it */
    z = take(g, 32 * MB, 4);
    assert_true(z.index != y.index);
    assert_int_equal(space_groups_kill(g, y.index), TS_E_STATE);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    wait_until_empty(g, y.index);
    space_groups_give(g, z.index);
    (void)close(p[0]);
    (void)close(p[1]);
    space_groups_free(g);
    assert_int_equal(count_groups(&f), 0);
    finish(&f);
}

static void folder_without_hierarchies_is_refused(void **state)
{
    char path[] = "/tmp/tipstaff-groups-XXXXXX";
    struct space_groups *g = NULL;
    const char *step = NULL;
    int err = 0, fd, fds;

    (void)state;
    assert_non_null(mkdtemp(path));
    fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    fds = count_fds();
    assert_true(space_groups_new(fd, 0, &key, &g, &step, &err) != TS_OK);
    assert_non_null(step);
    assert_int_equal(err, ENOENT);
    assert_int_equal(count_fds(), fds);
    (void)close(fd);
    (void)rmdir(path);
}

/* A launcher before this one has left its groups: one with a process in it, and
 * an empty one with a limit. */
static void
group_that_was_there_is_never_joined_with_what_is_in_it(void **state)
{
    const struct space_group_limits l = {.memory_bytes = 64 * MB,
                                         .processes = 4};
    struct space_groups *g;
    struct space_group x;
    struct folder f;
    char path[160], text[64], pid_text[24];
    int status = 0, fd, err = 0;
    bool can_kill;
    pid_t pid;

    (void)state;
    start(&f);
    pid = fork();
    if (pid == 0) {
        for (;;)
            (void)pause();
    }
    (void)snprintf(pid_text, sizeof(pid_text), "%d", (int)pid);
    for (int t = 0; t < TREES; t++) {
        if (f.trees[t][0] == '\0')
            continue;
        (void)snprintf(path, sizeof(path), "%s/t3-0", f.trees[t]);
        assert_int_equal(mkdir(path, 0755), 0);
        (void)snprintf(path, sizeof(path), "%s/t3-0/cgroup.procs", f.trees[t]);
        fd = open(path, O_WRONLY | O_CLOEXEC);
        assert_true(fd >= 0 && write(fd, pid_text, strlen(pid_text)) > 0);
        (void)close(fd);
        (void)snprintf(path, sizeof(path), "%s/t3-1", f.trees[t]);
        assert_int_equal(mkdir(path, 0755), 0);
        (void)snprintf(path, sizeof(path), "%s/t3-1/pids.max", f.trees[t]);
        fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd >= 0) {
            assert_int_equal(write(fd, "1", 1), 1);
            (void)close(fd);
        }
    }
    g = make(&f);
    assert_int_equal(space_groups_take(g, &l, &x, &err), TS_OK);
    assert_int_not_equal(x.index, 0);
    for (int t = 0; t < TREES; t++) {
        (void)snprintf(path, sizeof(path), "%s/t3-%u/pids.max", f.trees[t],
                       x.index);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            continue;
        assert_true(read(fd, text, sizeof(text)) > 0);
        assert_int_equal(text[0], '4');
        (void)close(fd);
    }
    can_kill = (space_groups_power(g) & GROUP_KILL) != 0;
    space_groups_give(g, x.index);
    if (!can_kill)
        (void)kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid); /* or it waits for ever */
    assert_true(WIFSIGNALED(status));
    space_groups_free(g);
    for (int t = 0; t < TREES; t++) { /* the other's, empty by now */
        (void)snprintf(path, sizeof(path), "%s/t3-0", f.trees[t]);
        if (f.trees[t][0] != '\0')
            assert_int_equal(rmdir(path), 0);
    }
    assert_int_equal(count_groups(&f), 0);
    finish(&f);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(folder_without_hierarchies_is_refused),
        cmocka_unit_test(group_limits_all_of_a_tool),
        cmocka_unit_test(group_dies_by_one_write),
        cmocka_unit_test(group_is_used_again_only_when_empty),
        cmocka_unit_test(
            group_that_was_there_is_never_joined_with_what_is_in_it),
    };
    const struct CMUnitTest some[] = {
        cmocka_unit_test(folder_without_hierarchies_is_refused),
    };
    struct folder f;
    bool possible;

    start(&f);
    possible = f.trees[0][0] != '\0' || f.trees[1][0] != '\0';
    finish(&f);
    if (!possible) {
        print_message("SKIPPED: no cgroup can be made here\n");
        return cmocka_run_group_tests(some, NULL, NULL);
    }
    return cmocka_run_group_tests(all, NULL, NULL);
}
