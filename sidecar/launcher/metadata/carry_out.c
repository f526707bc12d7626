/* Taking from the tool, and doing it. */
#include "sidecar/launcher/metadata/carry_out.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "sidecar/launcher/layers/raw.h"

#define MICROS_MOST 999999

/* What a thread has under /proc; a descriptor or a negative errno. */
static int open_of(const struct metadata_means *m, pid_t thread,
                   const char *what, int flags)
{
    char path[64];
    int fd;

    (void)snprintf(path, sizeof(path), "%d/%s", (int)thread, what);
    fd = openat(m->proc_fd, path, flags | O_CLOEXEC);
    return fd >= 0 ? fd : -errno;
}

/* ---- its memory --------------------------------------------------------- */

/* How many bytes could be read; less where its memory ends. */
static size_t read_memory(int mem, uint64_t from, void *to, size_t len)
{
    ssize_t n = from > INT64_MAX ? -1 : pread(mem, to, len, (off_t)from);

    return n > 0 ? (size_t)n : 0;
}

static int read_path(int mem, const struct metadata_call *c,
                     struct metadata_taken *t)
{
    size_t n =
        c->path == 0 ? 0 : read_memory(mem, c->path, t->path, sizeof(t->path));
    const char *end = memchr(t->path, '\0', n);

    if (end == NULL)
        return n == sizeof(t->path) ? ENAMETOOLONG : EFAULT;
    return end == t->path && !c->may_be_empty ? ENOENT : 0;
}

static int read_times(int mem, const struct metadata_call *c,
                      struct metadata_taken *t)
{
    int64_t raw[4] = {0, 0, 0, 0}; /* 64-bit architectures only */
    size_t len = c->form == METADATA_UTIMBUF ? 16 : 32;

    if (c->times == 0)
        return 0;
    if (read_memory(mem, c->times, raw, len) != len)
        return EFAULT;
    t->times_are_given = true;
    for (int i = 0; i < 2; i++) {
        int64_t part = c->form == METADATA_UTIMBUF ? 0 : raw[2 * i + 1];

        if (c->form == METADATA_TIMEVAL && (part < 0 || part > MICROS_MOST))
            return EINVAL;
        t->times[i].tv_sec = c->form == METADATA_UTIMBUF ? raw[i] : raw[2 * i];
        t->times[i].tv_nsec = c->form == METADATA_TIMEVAL ? part * 1000 : part;
    }
    t->is_nothing = c->form == METADATA_TIMESPEC &&
                    t->times[0].tv_nsec == UTIME_OMIT &&
                    t->times[1].tv_nsec == UTIME_OMIT;
    return 0;
}

static int read_mask(int mem, const struct metadata_call *c,
                     struct metadata_taken *t)
{
    size_t len = c->mask_len;

    if (len > sizeof(t->mask))
        len = sizeof(t->mask); /* the kernel, too, ignores what it has not */
    if (read_memory(mem, c->mask, t->mask, len) != len)
        return EFAULT;
    t->mask_len = len;
    return 0;
}

static int take_memory(const struct metadata_means *m, pid_t thread,
                       const struct metadata_call *c, struct metadata_taken *t)
{
    int mem = open_of(m, thread, "mem", O_RDONLY);
    int err = 0;

    if (mem < 0)
        return EPERM; /* it keeps its memory from us: nothing is done for it */
    if (c->kind == METADATA_PROCESSORS)
        err = read_mask(mem, c, t);
    else if (c->kind == METADATA_TIMES)
        err = read_times(mem, c, t);
    if (err == 0 && c->has_path && !t->is_nothing)
        err = read_path(mem, c, t);
    (void)close(mem);
    return err;
}

/* ---- its descriptors ---------------------------------------------------- */

/* "/proc/self/fd/N" means its own, and would mean ours if we looked it up. The
 * C library makes such names where fchmodat has no flags. -1: it is none. */
static int number_of(const char *path)
{
    static const char *const before[] = {"/proc/self/fd/",
                                         "/proc/thread-self/fd/", "/dev/fd/"};

    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
        size_t len = strlen(before[i]), digits = strlen(path);
        int n = 0;

        if (strncmp(path, before[i], len) != 0)
            continue;
        digits -= len;
        if (digits == 0 || digits > 9 ||
            strspn(path + len, "0123456789") != digits)
            return -1;
        for (const char *p = path + len; *p != '\0'; p++)
            n = n * 10 + (*p - '0');
        return n;
    }
    return -1;
}

static int open_descriptor(const struct metadata_means *m, pid_t thread, int n)
{
    char what[32];

    if (n < 0)
        return -EBADF;
    (void)snprintf(what, sizeof(what), "fd/%d", n);
    return open_of(m, thread, what, O_PATH);
}

static int take_start(const struct metadata_means *m, pid_t thread,
                      const struct metadata_call *c, struct metadata_taken *t)
{
    bool is_file = !c->has_path || t->path[0] == '\0';
    int n = is_file || c->no_follow ? -1 : number_of(t->path);
    int fd;

    if (n >= 0) {
        fd = open_descriptor(m, thread, n);
        if (fd >= 0)
            t->file = fd;
        return fd >= 0 ? 0 : -fd;
    }
    if (!is_file && t->path[0] == '/')
        return 0;
    fd = c->fd == AT_FDCWD && c->has_path ? open_of(m, thread, "cwd", O_PATH)
                                          : open_descriptor(m, thread, c->fd);
    if (fd < 0)
        return fd == -ENOENT && c->fd != AT_FDCWD ? EBADF : -fd;
    if (is_file)
        t->file = fd;
    else
        t->at = fd;
    return 0;
}

int metadata_take(const struct metadata_means *m, pid_t thread,
                  const struct metadata_call *c, struct metadata_taken *ret)
{
    struct metadata_taken *t = ret;
    int err;

    t->at = t->file = -1;
    t->times_are_given = t->is_nothing = false;
    t->mask_len = 0;
    t->path[0] = '\0';
    if ((c->has_path || c->kind == METADATA_TIMES ||
         c->kind == METADATA_PROCESSORS) &&
        (err = take_memory(m, thread, c, t)) != 0)
        return err;
    if (c->kind == METADATA_PROCESSORS || t->is_nothing)
        return 0;
    return take_start(m, thread, c, t);
}

void metadata_taken_done(struct metadata_taken *t)
{
    ts_fd_close(&t->at);
    ts_fd_close(&t->file);
}

/* ---- doing it ----------------------------------------------------------- */

/* The file, held, whatever its names do from now on; or a negative errno. */
static int resolve(const struct metadata_means *m,
                   const struct metadata_call *c,
                   const struct metadata_taken *t)
{
    const struct open_how how = {
        .flags =
            (uint64_t)(O_PATH | O_CLOEXEC | (c->no_follow ? O_NOFOLLOW : 0)),
        .resolve = RESOLVE_NO_MAGICLINKS,
    };

    if (t->file >= 0) {
        int fd = fcntl(t->file, F_DUPFD_CLOEXEC, 3);

        return fd >= 0 ? fd : -errno;
    }
    return (int)filter_call4(&m->key, SYS_openat2,
                             t->at >= 0 ? t->at : AT_FDCWD, raw_ptr(t->path),
                             raw_ptr(&how), sizeof(how));
}

static long change(const struct metadata_means *m,
                   const struct metadata_call *c,
                   const struct metadata_taken *t, int fd)
{
    char name[16];
    struct stat st;

    (void)snprintf(name, sizeof(name), "%d", fd);
    switch (c->kind) {
    case METADATA_MODE:
        if (fstat(fd, &st) == 0 && S_ISLNK(st.st_mode))
            return -EOPNOTSUPP; /* older kernels: on some file systems */
        return filter_call4(&m->key, SYS_fchmodat, m->self_fds, raw_ptr(name),
                            c->mode, 0);
    case METADATA_OWNER:
        return filter_call5(&m->key, SYS_fchownat, fd, raw_ptr(""), c->uid,
                            c->gid, AT_EMPTY_PATH);
    case METADATA_TIMES:
        return filter_call4(&m->key, SYS_utimensat, m->self_fds, raw_ptr(name),
                            t->times_are_given ? raw_ptr(t->times) : 0, 0);
    case METADATA_PROCESSORS:
        break;
    }
    return -ENOSYS;
}

int metadata_change(const struct metadata_means *m,
                    const struct metadata_call *c,
                    const struct metadata_taken *t,
                    const struct place_root *roots, uint32_t count)
{
    int fd, err;

    if (t->is_nothing)
        return 0;
    fd = resolve(m, c, t);
    if (fd < 0)
        return -fd;
    err = place_judge(fd, m->self_fds, roots, count, &m->key);
    if (err == 0)
        err = (int)-change(m, c, t, fd);
    (void)close(fd);
    return err;
}

int metadata_move(const struct metadata_means *m, const struct metadata_call *c,
                  const struct metadata_taken *t)
{
    long rc = filter_call4(&m->key, SYS_sched_setaffinity, c->pid,
                           (long)t->mask_len, raw_ptr(t->mask), 0);

    return rc >= 0 ? 0 : (int)-rc;
}

void metadata_move_back(const struct metadata_means *m, pid_t thread)
{
    (void)filter_call4(&m->key, SYS_sched_setaffinity, thread, (long)m->all_len,
                       raw_ptr(m->all), 0);
}
