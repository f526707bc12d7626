#include "sidecar/launcher/start/nest.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
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

static bool is_later(struct timespec a, struct timespec b)
{
    return a.tv_sec > b.tv_sec ||
           (a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec);
}

/* FNV-1a over the words: nobody can choose a time, but for when it is. */
void nest_add_time(uint64_t *io, struct timespec t)
{
    const uint64_t prime = 0x100000001b3;

    *io = (*io ^ (uint64_t)t.tv_sec) * prime;
    *io = (*io ^ (uint64_t)t.tv_nsec) * prime;
    *io ^= *io >> 32;
}

/* The links and folders in it; 0: one is missing. */
static uint64_t times_of_inner(const struct nest *n, struct timespec *io_latest)
{
    uint64_t times = 0;
    struct stat st;

    for (uint32_t i = 0; i < n->inner_count; i++) {
        if (fstatat(n->tmp, n->inner[i].at, &st, AT_SYMLINK_NOFOLLOW) != 0)
            return 0;
        nest_add_time(&times, st.st_ctim);
        if (is_later(st.st_ctim, *io_latest))
            *io_latest = st.st_ctim;
    }
    return times;
}

ts_err nest_open(struct nest *ret, const struct nest_want *w, int proc_fd,
                 pid_t pid)
{
    struct nest n = {.space = w->space,
                     .tmp_exec = w->entry.tmp_exec,
                     .proc_options = w->entry.proc_options,
                     .kinds = kinds_of(&w->entry),
                     .inner = w->entry.inner,
                     .inner_count = w->entry.inner_count,
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
    n.made = n.latest = st.st_ctim;
    n.inner_times = times_of_inner(&n, &n.latest);
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
    return is_later(now, n->latest);
}

bool nest_seems_untouched(const struct nest *n, struct timespec ctime,
                          uint64_t number)
{
    return ctime.tv_sec == n->made.tv_sec && ctime.tv_nsec == n->made.tv_nsec &&
           number == n->number + 1;
}

/* By a file that its tool has sent to itself: the kernel does not close such
 * ones before some other socket is closed. The profile lets us
 * (filter_needs.h). */
static bool is_locked(const struct nest *n, const char *at,
                      const struct filter_key *key)
{
    const struct open_how how = {.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
                                 .resolve = RESOLVE_NO_SYMLINKS |
                                            RESOLVE_NO_MAGICLINKS};
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = (int)filter_call4(key, SYS_openat2, n->tmp, raw_ptr(at),
                               raw_ptr(&how), sizeof(how));
    bool is;

    if (fd < 0)
        return true;
    is = flock(fd, LOCK_EX | LOCK_NB) != 0 ||
         fcntl(fd, F_OFD_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
    (void)close(fd);
    return is;
}

static bool has_lock(const struct nest *n, const struct filter_key *key)
{
    for (uint32_t i = 0; i < n->inner_count; i++) {
        if (n->inner[i].kind == INNER_FOLDER &&
            is_locked(n, n->inner[i].at, key))
            return true;
    }
    return is_locked(n, ".", key);
}

bool nest_is_untouched(struct nest *n, const struct filter_key *key)
{
    struct timespec latest = n->latest;
    struct stat st;
    uint64_t number;

    if (fstat(n->tmp, &st) != 0 || times_of_inner(n, &latest) != n->inner_times)
        return false;
    number = next_number(n->tmp, key);
    if (!nest_seems_untouched(n, st.st_ctim, number) || has_lock(n, key))
        return false;
    n->number = number;
    return true;
}
