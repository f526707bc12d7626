#include "sidecar/launcher/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sidecar/launcher/layers/raw.h"

#define DEPTH_MAX 64

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

/* Recursion is bounded by DEPTH_MAX; *left counts entries down. */
static ts_err empty(int dir_fd, int depth, const struct filter_key *key,
                    uint32_t *left)
{
    const struct dirent *e;
    ts_err result = TS_OK;
    DIR *d;

    if (depth == DEPTH_MAX) {
        (void)close(dir_fd);
        return TS_E_LIMIT;
    }
    d = fdopendir(dir_fd);
    if (d == NULL) {
        (void)close(dir_fd);
        return TS_E_SYSTEM;
    }
    while (result == TS_OK && (e = readdir(d)) != NULL) {
        int fd;

        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if ((*left)-- == 0) {
            result = TS_E_LIMIT;
            *left = 0;
            break;
        }
        if (remove_at(key, dirfd(d), e->d_name, 0) == 0)
            continue;
        fd = openat(dirfd(d), e->d_name,
                    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 && errno == EACCES && /* the tool may have closed it */
            filter_call4(key, SYS_fchmodat, dirfd(d), raw_ptr(e->d_name), 0700,
                         0) == 0)
            fd = openat(dirfd(d), e->d_name,
                        O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        result = fd < 0 ? TS_E_SYSTEM : empty(fd, depth + 1, key, left);
        if (result == TS_OK &&
            remove_at(key, dirfd(d), e->d_name, AT_REMOVEDIR) != 0)
            result = TS_E_SYSTEM;
    }
    (void)closedir(d);
    return result;
}

ts_err scratch_remove(int base_fd, const char *name,
                      const struct filter_key *key)
{
    uint32_t left = SCRATCH_ENTRIES_MAX;
    ts_err e;
    int fd;

    fd = openat(base_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? TS_OK : ts_err_from_errno(errno);
    e = empty(fd, 0, key, &left);
    if (e == TS_OK) {
        long rc = remove_at(key, base_fd, name, AT_REMOVEDIR);

        e = rc == 0 ? TS_OK : ts_err_from_errno((int)-rc);
    }
    return e;
}
