#include "sidecar/launcher/start/nest.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "sidecar/launcher/space/space.h"

static bool is_same(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

void nest_want_make(struct nest_want *ret, const void *space,
                    const struct space_entry *e, int net_ns)
{
    struct nest_want w = {.space = space, .entry = *e};

    (void)snprintf(w.tmp_options, sizeof(w.tmp_options), "%s", e->tmp_options);
    w.entry.tmp_options = NULL;
    w.entry.net_ns = net_ns;
    w.entry.nest_kinds = 0;
    for (int i = 0; i < SPACE_GROUPS_MAX; i++)
        w.entry.procs[i] = -1;
    *ret = w;
}

bool nest_fits(const struct nest *n, const struct nest_want *w)
{
    return n->space != NULL && n->space == w->space &&
           n->tmp_exec == w->entry.tmp_exec &&
           is_same(n->proc_options, w->entry.proc_options) &&
           strcmp(n->tmp_options, w->tmp_options) == 0;
}

static int kinds_of(const struct space_entry *e)
{
    return CLONE_NEWNS | (e->net_ns >= 0 ? CLONE_NEWNET : 0) |
           (e->ipc_ns >= 0 ? CLONE_NEWIPC : 0) |
           (e->uts_ns >= 0 ? CLONE_NEWUTS : 0) |
           (e->cgroup_ns >= 0 ? CLONE_NEWCGROUP : 0);
}

/* A file without a name, gone again: the number that it had, or 0. */
static uint64_t next_number(int tmp, const struct filter_key *key)
{
    const struct open_how how = {.flags = O_TMPFILE | O_WRONLY | O_CLOEXEC,
                                 .mode = 0600,
                                 .resolve = RESOLVE_NO_SYMLINKS |
                                            RESOLVE_NO_MAGICLINKS};
    int fd = (int)filter_call4(key, SYS_openat2, tmp, raw_ptr("."),
                               raw_ptr(&how), sizeof(how));
    struct stat st = {.st_ino = 0};

    if (fd < 0)
        return 0;
    if (fstat(fd, &st) != 0)
        st.st_ino = 0;
    (void)close(fd);
    return st.st_ino;
}

ts_err nest_open(struct nest *ret, const struct nest_want *w, int proc_fd,
                 pid_t pid)
{
    struct nest n = {.space = w->space,
                     .tmp_exec = w->entry.tmp_exec,
                     .proc_options = w->entry.proc_options,
                     .kinds = kinds_of(&w->entry),
                     .pidfd = -1,
                     .tmp = -1};
    struct stat st;
    char path[64];

    memcpy(n.tmp_options, w->tmp_options, sizeof(n.tmp_options));
    (void)snprintf(path, sizeof(path), "%d/root" SPACE_TMP, (int)pid);
    n.pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    n.tmp = openat(proc_fd, path, O_PATH | O_CLOEXEC);
    n.number = n.tmp < 0 ? 0 : next_number(n.tmp, &w->entry.key);
    if (n.pidfd < 0 || n.number == 0 || fstat(n.tmp, &st) != 0) {
        int err = errno;

        nest_close(&n);
        errno = err;
        return ts_err_from_errno(err);
    }
    n.made = st.st_ctim;
    *ret = n;
    return TS_OK;
}

void nest_close(struct nest *n)
{
    if (n->space == NULL)
        return;
    n->space = NULL;
    ts_fd_close(&n->pidfd);
    ts_fd_close(&n->tmp);
}

bool nest_is_ripe(const struct nest *n, struct timespec now)
{
    return now.tv_sec > n->made.tv_sec ||
           (now.tv_sec == n->made.tv_sec && now.tv_nsec > n->made.tv_nsec);
}

bool nest_seems_untouched(const struct nest *n, struct timespec ctime,
                          uint64_t number)
{
    return ctime.tv_sec == n->made.tv_sec && ctime.tv_nsec == n->made.tv_nsec &&
           number == n->number + 1;
}

bool nest_is_untouched(struct nest *n, const struct filter_key *key)
{
    struct stat st;
    uint64_t number;

    if (fstat(n->tmp, &st) != 0)
        return false;
    number = next_number(n->tmp, key);
    if (!nest_seems_untouched(n, st.st_ctim, number))
        return false;
    n->number = number;
    return true;
}
