#include "sidecar/launcher/life/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_num.h"
#include "sidecar/launcher/layers/raw.h"

#define FREEZE_PASSES 8
#define CAUGHT_MAX    512

struct limit64 {
    uint64_t soft, hard;
};

/* What getdents64(2) fills in. */
struct entry {
    uint64_t ino;
    int64_t off;
    unsigned short reclen;
    unsigned char type;
    char name[];
};

ts_err tree_open(struct tree *ret, const struct filter_key *key)
{
    struct tree t = {.proc_fd = -1, .children_fd = -1, .key = *key};
    struct rlimit now;
    char path[64];

    if (getrlimit(RLIMIT_RTTIME, &now) != 0)
        return TS_E_SYSTEM;
    if (now.rlim_max != RLIM_INFINITY && now.rlim_max < TREE_MARK_FIRST << 1)
        return TS_E_UNSUPPORTED;
    t.proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    (void)snprintf(path, sizeof(path), "/proc/self/task/%ld/children",
                   syscall(SYS_gettid));
    t.children_fd = open(path, O_RDONLY | O_CLOEXEC);
    if (t.proc_fd < 0 || t.children_fd < 0) {
        tree_done(&t);
        return TS_E_UNSUPPORTED;
    }
    *ret = t;
    return TS_OK;
}

void tree_done(struct tree *t)
{
    ts_fd_close(&t->proc_fd);
    ts_fd_close(&t->children_fd);
}

static uint64_t as_mark(uint64_t limit)
{
    return limit >= TREE_MARK_FIRST && limit != RLIM_INFINITY ? limit : 0;
}

/* The hard limit of the line, whose columns have fixed places. */
static uint64_t mark_of_limits(const char *text)
{
    static const char label[] = "Max realtime timeout ";
    const char *p = strstr(text, label);
    char *end;

    if (p == NULL)
        return 0;
    p += sizeof(label) - 1;
    (void)strtoull(p, &end, 10); /* the soft one; "unlimited" stays as it is */
    return end == p ? 0 : as_mark(strtoull(end, NULL, 10));
}

/* Another user's limits can be read by everybody, but not by that call. */
static uint64_t mark_of_other(const struct tree *t, pid_t pid)
{
    char path[40], text[2048];
    ssize_t n = -1;
    int fd;

    (void)snprintf(path, sizeof(path), "%d/limits", (int)pid);
    fd = openat(t->proc_fd, path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        n = read(fd, text, sizeof(text) - 1);
        (void)close(fd);
    }
    if (n <= 0)
        return 0;
    text[n] = '\0';
    return mark_of_limits(text);
}

uint64_t tree_mark_of(const struct tree *t, pid_t pid)
{
    struct limit64 now = {0, 0};
    long rc = filter_call4(&t->key, SYS_prlimit64, pid, RLIMIT_RTTIME, 0,
                           raw_ptr(&now));

    if (rc == -EPERM && t->has_other_users)
        return mark_of_other(t, pid);
    return rc == 0 ? as_mark(now.hard) : 0;
}

/* 0 for a name that is not a number: a folder of /proc that is no process. */
static pid_t pid_of(const char *name)
{
    pid_t pid = 0;

    for (; *name >= '0' && *name <= '9'; name++)
        if (ts_ckd_mul(&pid, pid, 10) || ts_ckd_add(&pid, pid, *name - '0'))
            return 0;
    return *name == '\0' ? pid : 0;
}

struct marks {
    const uint64_t *list; /* borrowed; none is 0 */
    size_t count;
};

static bool is_one_of(const struct marks *m, uint64_t mark)
{
    for (size_t i = 0; i < m->count; i++)
        if (m->list[i] == mark)
            return true;
    return false;
}

/* Processes that were stopped, held so that each is killed without being looked
 * for again. */
struct caught {
    pid_t pid[CAUGHT_MAX];
    int fd[CAUGHT_MAX]; /* owned */
    uint32_t count;
    bool too_many; /* more were stopped than fit */
};

static bool is_caught(const struct caught *c, pid_t pid)
{
    for (uint32_t i = 0; i < c->count; i++)
        if (c->pid[i] == pid)
            return true;
    return false;
}

/* The mark is read again behind the pidfd: either the pid was not reused, and
 * the signal meets the process that bears the mark, or pidfd's process is dead
 * and the signal meets nobody. The descriptor, or -1. */
static int signal_marked(const struct tree *t, pid_t pid, const struct marks *m,
                         int sig)
{
    uint64_t mark = tree_mark_of(t, pid);
    int fd;

    if (mark == 0 || !is_one_of(m, mark))
        return -1;
    fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0)
        return -1;
    if (tree_mark_of(t, pid) != mark ||
        syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0) != 0)
        ts_fd_close(&fd);
    return fd;
}

/* True if it is one that had not been stopped before. */
static bool stop(const struct tree *t, pid_t pid, const struct marks *m,
                 struct caught *c)
{
    int fd;

    if (is_caught(c, pid))
        return false;
    fd = signal_marked(t, pid, m, SIGSTOP);
    if (fd < 0)
        return false;
    if (c->count == CAUGHT_MAX) {
        c->too_many = true; /* and each of them is new in every pass */
        (void)close(fd);
        return true;
    }
    c->pid[c->count] = pid;
    c->fd[c->count++] = fd;
    return true;
}

static bool end(const struct tree *t, pid_t pid, const struct marks *m)
{
    int fd = signal_marked(t, pid, m, SIGKILL);

    if (fd >= 0)
        (void)close(fd);
    return fd >= 0;
}

/* One walk of /proc: stops, or without a place for them kills, all with a mark.
 * How many that were. */
static uint64_t walk(const struct tree *t, const struct marks *m,
                     struct caught *c)
{
    _Alignas(8) char buf[8192];
    uint64_t hits = 0;
    long n;

    if (lseek(t->proc_fd, 0, SEEK_SET) != 0)
        return 0;
    while ((n = syscall(SYS_getdents64, t->proc_fd, buf, sizeof(buf))) > 0) {
        for (long at = 0; at < n;) {
            const struct entry *e = (const void *)(buf + at);
            pid_t pid = pid_of(e->name);

            at += e->reclen;
            if (pid > 0)
                hits += c != NULL ? stop(t, pid, m, c) : end(t, pid, m);
        }
    }
    return hits;
}

void tree_sweep_all(const struct tree *t, const uint64_t *marks, size_t count)
{
    const struct marks m = {.list = marks, .count = count};
    struct caught c;
    uint64_t last = 0;

    c.count = 0;
    c.too_many = false;
    for (int pass = 0; pass < FREEZE_PASSES; pass++) {
        uint64_t now = walk(t, &m, &c);

        if (now == 0 || (c.too_many && now == last))
            break;
        last = now;
    }
    for (uint32_t i = 0; i < c.count; i++) {
        (void)syscall(SYS_pidfd_send_signal, c.fd[i], SIGKILL, NULL, 0);
        (void)close(c.fd[i]);
    }
    if (c.too_many)
        (void)walk(t, &m, NULL);
}

void tree_sweep(const struct tree *t, uint64_t mark)
{
    tree_sweep_all(t, &mark, 1);
}

bool tree_is_left(const struct tree *t, uint64_t mark)
{
    siginfo_t si = {0};
    char buf[1024];
    off_t at = 0;
    pid_t pid = 0;
    ssize_t n;

    if (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT | __WALL) != 0)
        return errno != ECHILD; /* no child at all: the common case */
    while ((n = pread(t->children_fd, buf, sizeof(buf), at)) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            if (buf[i] >= '0' && buf[i] <= '9') {
                pid = pid * 10 + (buf[i] - '0');
                continue;
            }
            if (pid > 0 && tree_mark_of(t, pid) == mark)
                return true;
            pid = 0;
        }
        at += n;
    }
    return n < 0 || (pid > 0 && tree_mark_of(t, pid) == mark);
}

ts_err tree_children(const struct tree *t, pid_t *list, size_t cap,
                     size_t *ret_count)
{
    char buf[1024];
    off_t at = 0;
    pid_t pid = 0;
    size_t count = 0;
    ssize_t n;

    while ((n = pread(t->children_fd, buf, sizeof(buf), at)) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            if (buf[i] >= '0' && buf[i] <= '9') {
                pid = pid * 10 + (buf[i] - '0');
                continue;
            }
            if (count == cap)
                return TS_E_LIMIT;
            if (pid > 0)
                list[count++] = pid;
            pid = 0;
        }
        at += n;
    }
    if (n < 0 || pid != 0)
        return TS_E_SYSTEM;
    *ret_count = count;
    return TS_OK;
}

/* The number behind a label of /proc/PID/status. */
static uint64_t status_number(const char *text, const char *label)
{
    const char *p = strstr(text, label);

    return p != NULL ? strtoull(p + strlen(label), NULL, 10) : UINT64_MAX;
}

static uint64_t threads_of(const struct tree *t, const char *name)
{
    char path[64], text[2048];
    ssize_t n = -1;
    int fd;

    (void)snprintf(path, sizeof(path), "%.16s/status", name);
    fd = openat(t->proc_fd, path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        n = read(fd, text, sizeof(text) - 1);
        (void)close(fd);
    }
    if (n <= 0)
        return 0;
    text[n] = '\0';
    if (status_number(text, "\nUid:\t") != getuid())
        return 0;
    return status_number(text, "\nThreads:\t");
}

uint64_t tree_count_others(const struct tree *t)
{
    _Alignas(8) char buf[8192];
    uint64_t total = 0;
    long n;

    if (lseek(t->proc_fd, 0, SEEK_SET) != 0)
        return 0;
    while ((n = syscall(SYS_getdents64, t->proc_fd, buf, sizeof(buf))) > 0) {
        for (long at = 0; at < n;) {
            const struct entry *e = (const void *)(buf + at);
            pid_t pid = pid_of(e->name);

            at += e->reclen;
            if (pid > 0 && pid != getpid())
                total += threads_of(t, e->name) % 100000;
        }
    }
    return total;
}
