#include "limits.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/ts_test.h"

#include "proto/msg/egress.h"

#define PIDS      "/sys/fs/cgroup/pids"
#define HELD_MOST 256

bool limit_resource(void *limit)
{
    const struct limit *l = limit;
    const struct rlimit r = {l->value, l->value};

    return setrlimit((__rlimit_resource_t)l->resource, &r) == 0;
}

static bool put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok;

    if (fd < 0)
        return false;
    ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    (void)close(fd);
    return ok;
}

/* Whoever is in the new one may not say who is in it; its parent may. */
static int name_everybody(pid_t pid, int ready)
{
    static const char *const maps[] = {"uid_map", "gid_map"};
    char path[64], byte;

    if (read(ready, &byte, 1) != 1)
        return 1;
    for (int i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, maps[i]);
        if (!put(path, "0 0 4294967295"))
            return 1;
    }
    return 0;
}

bool limit_namespaces(void *limit)
{
    const struct limit *l = limit;
    pid_t self = getpid(), helper;
    char path[96], text[24];
    int ready[2], status = 1;

    if (pipe(ready) != 0 || (helper = fork()) < 0)
        return false;
    if (helper == 0)
        _exit(name_everybody(self, ready[0]));
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0 ||
        write(ready[1], "x", 1) != 1 || waitpid(helper, &status, 0) != helper ||
        status != 0)
        return false;
    (void)close(ready[0]);
    (void)close(ready[1]);
    (void)snprintf(path, sizeof(path), "/proc/sys/user/%s", l->file);
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)l->value);
    return put(path, text);
}

bool limit_is_possible(void)
{
    struct limit l = {.file = "max_pid_namespaces", .value = 50};
    int status = 1;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(limit_namespaces(&l) ? 0 : 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (status != 0)
        print_message("SKIPPED: no user namespace with limits of its own\n");
    return status == 0;
}

bool limit_group_make(struct limit *l)
{
    char path[160], text[24];

    (void)snprintf(l->group, sizeof(l->group), PIDS "/tipstaff-test-%d",
                   (int)getpid());
    (void)snprintf(path, sizeof(path), "%s/pids.max", l->group);
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)l->value);
    if (mkdir(l->group, 0755) == 0 && put(path, text))
        return true;
    print_message("SKIPPED: no control group that counts processes\n");
    (void)rmdir(l->group);
    return false;
}

bool limit_processes(void *limit)
{
    const struct limit *l = limit;
    char path[160];

    (void)snprintf(path, sizeof(path), "%s/cgroup.procs", l->group);
    return put(path, "0");
}

void limit_group_remove(const struct limit *l)
{
    assert_int_equal(rmdir(l->group), 0); /* nobody is in it */
}

/* Version 2 counts folders. Version 1 does not: there the owner is taken the
 * right to make one. */
int limit_folders(char (*trees)[512], int count, bool on)
{
    char path[640];
    int met = 0;

    for (int i = 0; i < count; i++) {
        struct stat st;

        if (trees[i][0] == '\0')
            continue;
        (void)snprintf(path, sizeof(path), "%s/cgroup.max.descendants",
                       trees[i]);
        if (stat(path, &st) == 0) {
            assert_true(put(path, on ? "3" : "max"));
            met = EAGAIN;
            continue;
        }
        assert_int_equal(chmod(trees[i], on ? 0555 : 0755), 0);
        met = met == 0 ? EACCES : met;
    }
    assert_true(met != 0);
    return met;
}

int count_net_namespaces(int pid)
{
    char path[64], name[128], seen[HELD_MOST][32];
    const struct dirent *e;
    int count = 0;
    DIR *d;

    (void)snprintf(path, sizeof(path), "/proc/%d/fd", pid);
    d = opendir(path);
    assert_non_null(d);
    while ((e = readdir(d)) != NULL && count < HELD_MOST) {
        ssize_t n = readlinkat(dirfd(d), e->d_name, name, sizeof(name) - 1);
        bool is_new = n > 5 && n < 32 && strncmp(name, "net:[", 5) == 0;

        if (n < 0)
            continue;
        name[n] = '\0';
        for (int i = 0; i < count && is_new; i++)
            is_new = strcmp(seen[i], name) != 0;
        if (is_new)
            (void)snprintf(seen[count++], sizeof(seen[0]), "%.31s", name);
    }
    (void)closedir(d);
    return count;
}

int count_open_grants(int broker)
{
    uint8_t buf[EGRESS_MESSAGE_MAX];
    int open_grants = 0;
    ssize_t n;

    while ((n = recv(broker, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
        open_grants += buf[0] == EGRESS_GRANT ? 1 : -1;
    return open_grants;
}
