/* What our groups can do, found out with a process in one of them. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "sidecar/launcher/space/cgroups_priv.h"
#include "sidecar/launcher/space/helper.h"

#define TOUCHED ((size_t)4 << 20) /* bytes that the process touches */
#define LIMIT   ((uint64_t)64 << 20)
#define WAIT_MS 5000
#define COLD_MS 30

struct try_job {
    const struct filter_key *key;
    const int *procs;
};

static uint64_t now_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static long join(const struct try_job *j)
{
    for (int t = 0; t < GROUP_TREES; t++) {
        long rc = j->procs[t] < 0
                      ? 0
                      : raw_call3(SYS_write, j->procs[t], raw_ptr("0"), 1);

        if (rc < 0)
            return rc;
    }
    return 0;
}

/* 0 if a second process was refused. */
static int32_t try_second(const struct filter_key *key)
{
    long pid = filter_call5(key, SYS_clone, 0, 0, 0, 0, 0);

    if (pid == 0)
        (void)raw_call3(SYS_exit_group, 0, 0, 0);
    if (pid < 0)
        return pid == -EAGAIN ? 0 : (int32_t)-pid;
    (void)raw_call6(SYS_wait4, pid, 0, 0x40000000 /* __WALL */, 0, 0, 0);
    return EEXIST;
}

/* Joins, touches memory, tries a second process, then waits to be killed. */
static int try_helper(int sock, void *arg)
{
    const struct try_job *j = arg;
    struct helper_note n = {.step = "open"};
    uint64_t from;
    long rc;
    char *p;

    /* Moving a process waits for the kernel to see that nobody reads, unless
     * somebody has just moved another: a launch rarely follows one so soon. */
    (void)poll(NULL, 0, COLD_MS);
    from = now_us();
    rc = join(j);

    n.from = (uint32_t)(now_us() - from);
    n.err = rc < 0 ? (int32_t)-rc : 0;
    if (!helper_tell(sock, &n, NULL) || rc < 0)
        return 1;
    p = mmap(NULL, TOUCHED, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    n.index = 1;
    n.from = p != MAP_FAILED ? 1 : 0;
    n.err = try_second(j->key);
    if (!helper_tell(sock, &n, NULL))
        return 1;
    for (;;)
        (void)poll(NULL, 0, -1);
}

static bool is_accounted(const struct space_groups *g, const struct group *x)
{
    const bool v1 = g->base[GROUP_V1_MEMORY] >= 0;
    const int base = v1 ? g->base[GROUP_V1_MEMORY] : g->base[GROUP_V2];
    int dir = openat(base, x->name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    char used[64] = "", most[64] = "";
    bool fine;

    if (dir < 0)
        return false;
    fine = groups_read(dir, v1 ? "memory.usage_in_bytes" : "memory.current",
                       used, sizeof(used)) > 0 &&
           groups_read(dir, v1 ? "memory.limit_in_bytes" : "memory.max", most,
                       sizeof(most)) > 0;
    (void)close(dir);
    return fine && strtoull(used, NULL, 10) >= TOUCHED &&
           strtoull(most, NULL, 10) == LIMIT;
}

/* Only its death closes the socket. */
static bool dies(const struct space_groups *g, const struct group *x,
                 const struct helper *h)
{
    struct pollfd in = {.fd = h->sock, .events = POLLIN};

    return groups_kill(g, x) == 0 && poll(&in, 1, WAIT_MS) == 1 &&
           (in.revents & POLLHUP) != 0;
}

static ts_err observe(struct space_groups *g, struct group *x,
                      const struct helper *h, int *reterr_errno)
{
    struct helper_note n = {0};
    int fds[HELPER_FDS];
    ts_err e = helper_hear(h, &n, fds);

    if (e == TS_OK && n.err != 0) {
        *reterr_errno = n.err;
        return ts_err_from_errno(n.err);
    }
    if (e != TS_OK)
        return e;
    g->join_us = n.from;
    e = helper_hear(h, &n, fds);
    if (e != TS_OK)
        return e;
    if (n.err == 0)
        g->power |= GROUP_PIDS;
    if (n.from == 1 && is_accounted(g, x))
        g->power |= GROUP_MEMORY;
    if ((g->v2_has & GROUP_CPU) != 0)
        g->power |= GROUP_CPU;
    if (dies(g, x, h))
        g->power |= GROUP_KILL;
    return TS_OK;
}

ts_err groups_try(struct space_groups *g, const char **reterr_step,
                  int *reterr_errno)
{
    const struct space_group_limits limits = {.memory_bytes = LIMIT,
                                              .processes = 1};
    struct group *x = groups_new(g, reterr_errno);
    struct try_job job = {.key = &g->key};
    struct helper h;
    ts_err e;

    *reterr_step = "cgroup mkdir";
    if (x == NULL)
        return ts_err_from_errno(*reterr_errno);
    job.procs = x->procs;
    x->state = GROUP_FREE;
    *reterr_step = "cgroup limits";
    *reterr_errno = groups_limit(g, x, &limits);
    if (*reterr_errno != 0)
        return ts_err_from_errno(*reterr_errno);
    *reterr_step = "cgroup join";
    e = helper_start(&g->key, try_helper, &job, &h);
    *reterr_errno = errno;
    if (e != TS_OK)
        return e;
    *reterr_errno = ECHILD;
    e = observe(g, x, &h, reterr_errno);
    helper_end(&h);
    return e;
}
