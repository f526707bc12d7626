#include "sidecar/launcher/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 64

void scratch_name(uint64_t mark, char out[SCRATCH_NAME_MAX])
{
    (void)snprintf(out, SCRATCH_NAME_MAX, "tipstaff-%d-%llx", (int)getpid(),
                   (unsigned long long)mark);
}

ts_err scratch_make(int base_fd, const char *name, int *ret_fd,
                    int *reterr_errno)
{
    int fd;

    if (mkdirat(base_fd, name, 0700) != 0) {
        *reterr_errno = errno;
        return ts_err_from_errno(errno);
    }
    fd = openat(base_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        *reterr_errno = errno;
        (void)unlinkat(base_fd, name, AT_REMOVEDIR);
        return ts_err_from_errno(*reterr_errno);
    }
    *ret_fd = fd;
    return TS_OK;
}

/* Recursion is bounded by DEPTH_MAX; *left counts entries down. */
static ts_err empty(int dir_fd, int depth, uint32_t *left)
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
        if (unlinkat(dirfd(d), e->d_name, 0) == 0)
            continue;
        fd = openat(dirfd(d), e->d_name,
                    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 && errno == EACCES && /* the tool may have closed it */
            fchmodat(dirfd(d), e->d_name, 0700, 0) == 0)
            fd = openat(dirfd(d), e->d_name,
                        O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        result = fd < 0 ? TS_E_SYSTEM : empty(fd, depth + 1, left);
        if (result == TS_OK && unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR) != 0)
            result = TS_E_SYSTEM;
    }
    (void)closedir(d);
    return result;
}

ts_err scratch_remove(int base_fd, const char *name)
{
    uint32_t left = SCRATCH_ENTRIES_MAX;
    ts_err e;
    int fd;

    fd = openat(base_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? TS_OK : ts_err_from_errno(errno);
    e = empty(fd, 0, &left);
    if (e == TS_OK && unlinkat(base_fd, name, AT_REMOVEDIR) != 0)
        e = ts_err_from_errno(errno);
    return e;
}
