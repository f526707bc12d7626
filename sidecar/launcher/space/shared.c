/* Namespaces that all full boxes enter, and one for those without privilege. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "sidecar/launcher/space/helper.h"
#include "sidecar/launcher/space/space.h"

#define KINDS 4

static const struct {
    int flag;
    const char *file, *step;
} kinds[KINDS] = {
    {CLONE_NEWNET, "/proc/self/ns/net", "net_ns"},
    {CLONE_NEWIPC, "/proc/self/ns/ipc", "ipc_ns"},
    {CLONE_NEWUTS, "/proc/self/ns/uts", "uts_ns"},
    {CLONE_NEWCGROUP, "/proc/self/ns/cgroup", "cgroup_ns"},
};

static bool tell(int sock, uint32_t index, long rc, const char *step, int fd)
{
    struct helper_note n = {.index = index,
                            .err = rc < 0 ? (int32_t)-rc : 0,
                            .fd_count = rc < 0 ? 0 : 1};

    (void)snprintf(n.step, sizeof(n.step), "%s", step);
    return helper_tell(sock, &n, &fd);
}

static int shared_helper(int sock, void *arg)
{
    const struct filter_key *key = arg;

    for (uint32_t i = 0; i < KINDS; i++) {
        const char *step = kinds[i].step;
        long fd = -1,
             rc = filter_call4(key, SYS_unshare, kinds[i].flag, 0, 0, 0);

        if (rc == 0 && kinds[i].flag == CLONE_NEWUTS) {
            rc = filter_call4(key, SYS_sethostname, raw_ptr("box"), 3, 0, 0);
            step = "host_name";
        }
        if (rc == 0)
            rc = fd = raw_call6(SYS_openat, AT_FDCWD, raw_ptr(kinds[i].file),
                                O_RDONLY | O_CLOEXEC, 0, 0, 0);
        if (!tell(sock, i, rc, step, (int)fd))
            return 1;
        if (fd >= 0)
            (void)raw_call3(SYS_close, fd, 0, 0);
    }
    return 0;
}

/* What is missing is -1; the first that is missing is said. */
ts_err space_shared_make(const struct filter_key *key, struct space_shared *ret,
                         const char **reterr_step, int *reterr_errno)
{
    struct space_shared s = {-1, -1, -1, -1};
    int *const slots[KINDS] = {&s.net_ns, &s.ipc_ns, &s.uts_ns, &s.cgroup_ns};
    struct filter_key copy = *key;
    struct helper_note n;
    struct helper h;
    int fds[HELPER_FDS];
    ts_err e;

    *reterr_step = NULL;
    *reterr_errno = 0;
    e = helper_start(key, shared_helper, &copy, &h);
    if (e != TS_OK) {
        *reterr_step = "helper";
        *reterr_errno = errno;
        return e;
    }
    for (uint32_t i = 0; i < KINDS && helper_hear(&h, &n, fds) == TS_OK; i++) {
        *slots[i] = fds[0];
        if (n.err != 0 && *reterr_step == NULL) {
            *reterr_step = kinds[i].step;
            *reterr_errno = n.err;
        }
    }
    helper_end(&h);
    *ret = s;
    return TS_OK;
}

void space_shared_done(struct space_shared *s)
{
    ts_fd_close(&s->net_ns);
    ts_fd_close(&s->ipc_ns);
    ts_fd_close(&s->uts_ns);
    ts_fd_close(&s->cgroup_ns);
}

static int write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;

    if (fd < 0)
        return errno;
    if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        err = errno;
    (void)close(fd);
    return err;
}

static ts_err fail(const char *step, int err, const char **reterr_step,
                   int *reterr_errno)
{
    *reterr_step = step;
    *reterr_errno = err;
    return ts_err_from_errno(err);
}

ts_err space_user_namespace(const char **reterr_step, int *reterr_errno)
{
    const uid_t uid = getuid();
    const gid_t gid = getgid();
    const int dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
    char map[64];
    int err;

    if (unshare(CLONE_NEWUSER) != 0)
        return fail("user_ns", errno, reterr_step, reterr_errno);
    /* the map's file belongs to root while we are not dumpable */
    (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    (void)snprintf(map, sizeof(map), "%u %u 1", (unsigned)uid, (unsigned)uid);
    err = write_file("/proc/self/uid_map", map);
    if (err == 0)
        err = write_file("/proc/self/setgroups", "deny");
    (void)snprintf(map, sizeof(map), "%u %u 1", (unsigned)gid, (unsigned)gid);
    if (err == 0)
        err = write_file("/proc/self/gid_map", map);
    (void)prctl(PR_SET_DUMPABLE, dumpable == 1 ? 1 : 0, 0, 0, 0);
    return err == 0 ? TS_OK : fail("user_map", err, reterr_step, reterr_errno);
}
