#include "sidecar/launcher/life/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "sidecar/launcher/layers/raw.h"

void scratch_name(uint64_t mark, char out[SCRATCH_NAME_MAX])
{
    (void)snprintf(out, SCRATCH_NAME_MAX, "tipstaff-%d-%llx", (int)getpid(),
                   (unsigned long long)mark);
}

static long remove_at(const struct filter_key *key, int dir, const char *name,
                      int flags)
{
    return filter_call4(key, SYS_unlinkat, dir, raw_ptr(name), flags, 0);
}

ts_err scratch_make(int base_fd, const char *name, bool for_group,
                    const struct filter_key *key, int *ret_fd,
                    int *reterr_errno)
{
    long rc = filter_call4(key, SYS_mkdirat, base_fd, raw_ptr(name), 0700, 0);
    int fd;

    if (rc != 0) {
        *reterr_errno = (int)-rc;
        return ts_err_from_errno((int)-rc);
    }
    if (for_group) /* our umask took it away */
        rc = filter_call4(key, SYS_fchmodat, base_fd, raw_ptr(name), 0770, 0);
    fd = openat(base_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || rc != 0) {
        *reterr_errno = rc != 0 ? (int)-rc : errno;
        if (fd >= 0)
            (void)close(fd);
        (void)remove_at(key, base_fd, name, AT_REMOVEDIR);
        return ts_err_from_errno(*reterr_errno);
    }
    *ret_fd = fd;
    return TS_OK;
}

/* What is in the folder "at", which lies in the top folder. Depth is no matter:
 * a folder in it that is not empty is moved to the top and has its turn there.
 */
struct sweep {
    const struct filter_key *key;
    int top;
    uint32_t left;   /* entries that may still be touched in this turn */
    uint64_t serial; /* of names at the top: beyond those of turns before */
};

/* Any name that is free; one that the tool took is passed over. */
static long move_up(struct sweep *s, int dir, const char *name)
{
    char to[24];
    long rc;

    do {
        (void)snprintf(to, sizeof(to), "~%llx",
                       (unsigned long long)s->serial++);
        rc = filter_call4(s->key, SYS_renameat, dir, raw_ptr(name), s->top,
                          raw_ptr(to));
    } while ((rc == -ENOTEMPTY || rc == -EEXIST || rc == -ENOTDIR) &&
             s->left > 0 && s->left-- > 0);
    return rc;
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* The tool may have closed it. */
static DIR *open_folder(const struct sweep *s, int dir, const char *name)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(dir, name, flags);
    DIR *d;

    if (fd < 0 && errno == EACCES &&
        filter_call4(s->key, SYS_fchmodat, dir, raw_ptr(name), 0700, 0) == 0)
        fd = openat(dir, name, flags);
    if (fd < 0)
        return NULL;
    d = fdopendir(fd);
    if (d == NULL)
        (void)close(fd);
    return d;
}

/* One entry that is no folder, an empty folder, or one for later. */
static ts_err take_out(struct sweep *s, int dir, const char *name)
{
    long rc;

    if (s->left == 0)
        return TS_E_AGAIN;
    s->left--;
    if (remove_at(s->key, dir, name, 0) == 0 ||
        remove_at(s->key, dir, name, AT_REMOVEDIR) == 0)
        return TS_OK;
    rc = move_up(s, dir, name);
    if (rc == -EACCES && /* its ".." changes */
        filter_call4(s->key, SYS_fchmodat, dir, raw_ptr(name), 0700, 0) == 0)
        rc = move_up(s, dir, name);
    return rc == 0        ? TS_OK
           : s->left == 0 ? TS_E_AGAIN
                          : ts_err_from_errno((int)-rc);
}

/* A folder of the top, and then itself. */
static ts_err empty_one(struct sweep *s, const char *name)
{
    const struct dirent *e;
    ts_err result = TS_OK;
    DIR *d = open_folder(s, s->top, name);

    if (d == NULL)
        return TS_E_SYSTEM;
    while (result == TS_OK && (e = readdir(d)) != NULL) {
        if (!is_dots(e->d_name))
            result = take_out(s, dirfd(d), e->d_name);
    }
    (void)closedir(d);
    return result;
}

/* One walk over the top; *ret_found: there was something. */
static ts_err walk_top(struct sweep *s, DIR *d, bool *ret_found)
{
    const struct dirent *e;
    ts_err result = TS_OK;

    *ret_found = false;
    rewinddir(d);
    while (result == TS_OK && (e = readdir(d)) != NULL) {
        if (is_dots(e->d_name))
            continue;
        *ret_found = true;
        if (s->left == 0)
            return TS_E_AGAIN;
        s->left--;
        if (remove_at(s->key, s->top, e->d_name, 0) == 0 ||
            remove_at(s->key, s->top, e->d_name, AT_REMOVEDIR) == 0)
            continue;
        result = empty_one(s, e->d_name);
        if (result == TS_OK &&
            remove_at(s->key, s->top, e->d_name, AT_REMOVEDIR) != 0)
            result = TS_E_SYSTEM;
    }
    return result;
}

ts_err scratch_remove(int base_fd, const char *name, uint32_t most,
                      const struct filter_key *key)
{
    struct sweep s = {.key = key, .left = most};
    struct timespec now = {0, 0};
    bool found = true;
    ts_err e = TS_OK;
    long rc;
    DIR *d = open_folder(&s, base_fd, name);

    if (d == NULL)
        return errno == ENOENT ? TS_OK : ts_err_from_errno(errno);
    s.top = dirfd(d);
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    s.serial = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    while (e == TS_OK && found)
        e = walk_top(&s, d, &found);
    (void)closedir(d);
    if (e != TS_OK)
        return e;
    rc = remove_at(key, base_fd, name, AT_REMOVEDIR);
    return rc == 0 ? TS_OK : ts_err_from_errno((int)-rc);
}
