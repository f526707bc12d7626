#include "sidecar/supervisor/dirs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"

static ts_err fail(const char *path, const char *what, char *text, size_t cap)
{
    ts_err e = ts_err_from_errno(errno);

    (void)snprintf(text, cap, "%s: %s: %s", path, what, strerror(errno));
    return e == TS_OK ? TS_E_SYSTEM : e;
}

/* Every missing directory above the last. */
static ts_err make_parents(const char *path, char *text, size_t cap)
{
    char copy[PATH_MAX];
    int n = snprintf(copy, sizeof(copy), "%s", path);

    if (n < 0 || (size_t)n >= sizeof(copy)) {
        errno = ENAMETOOLONG;
        return fail(path, "path", text, cap);
    }
    for (char *p = strchr(copy + 1, '/'); p != NULL; p = strchr(p + 1, '/')) {
        *p = '\0';
        if (mkdir(copy, 0755) == 0) {
            if (chmod(copy, 0755) != 0) /* whatever the umask says */
                return fail(copy, "mode", text, cap);
        } else if (errno != EEXIST) {
            return fail(copy, "cannot be made", text, cap);
        }
        *p = '/';
    }
    return TS_OK;
}

static ts_err set_owner(int fd, const char *path, mode_t mode, uid_t owner,
                        gid_t group, char *text, size_t cap)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return fail(path, "stat", text, cap);
    if (st.st_uid != 0 && st.st_uid != geteuid() && st.st_uid != owner) {
        (void)snprintf(text, cap,
                       "%s: belongs to user %u; remove it, or chown it to the "
                       "user of the service",
                       path, (unsigned)st.st_uid);
        return TS_E_DENIED;
    }
    if ((owner != DIRS_ID_KEEP && owner != st.st_uid) ||
        (group != DIRS_ID_KEEP && group != st.st_gid)) {
        if (fchown(fd, owner, group) != 0)
            return fail(path, "owner", text, cap);
    }
    /* Of a volume that somebody else owns only the mode can stay as it is. */
    if ((st.st_mode & 0777) != mode && st.st_uid != geteuid() && geteuid() != 0)
        return TS_OK;
    if (fchmod(fd, mode | (st.st_mode & S_ISGID)) != 0)
        return fail(path, "mode", text, cap);
    return TS_OK;
}

ts_err dirs_open(const char *path, mode_t mode, uid_t owner, gid_t group,
                 int *ret_fd, char *reterr_text, size_t reterr_cap)
{
    int fd TS_CLEANUP(ts_fd_close) = -1;
    ts_err e = make_parents(path, reterr_text, reterr_cap);

    if (e != TS_OK)
        return e;
    if (mkdir(path, mode) != 0 && errno != EEXIST)
        return fail(path, "cannot be made", reterr_text, reterr_cap);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return fail(path, "cannot be opened", reterr_text, reterr_cap);
    e = set_owner(fd, path, mode, owner, group, reterr_text, reterr_cap);
    if (e != TS_OK)
        return e;
    *ret_fd = fd;
    fd = -1; /* moved to the caller */
    return TS_OK;
}
