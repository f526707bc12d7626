#include "sidecar/launcher/start/resource.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "sidecar/launcher/layers/raw.h"

#define PATH_CAP 4096

static long open_beneath(const struct resource_want *w, int dir,
                         const char *name, uint64_t flags, uint64_t mode)
{
    struct open_how how = {
        .flags = flags | O_CLOEXEC,
        .mode = mode,
        .resolve =
            RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };

    return raw_call6(SYS_openat2, dir, raw_ptr(name), raw_ptr(&how),
                     sizeof(how), (long)w->key.word[0], (long)w->key.word[1]);
}

/* path below root as "a/b", or "." for root itself. False: it is too long. */
static bool relative(const struct resource_want *w, char out[PATH_CAP])
{
    size_t skip = w->root.len == 1 ? 1 : w->root.len + 1;
    size_t n = w->path.len > skip ? w->path.len - skip : 0;

    if (n >= PATH_CAP)
        return false;
    memcpy(out, n == 0 ? "." : w->path.ptr + skip, n == 0 ? 1 : n);
    out[n == 0 ? 1 : n] = '\0';
    return true;
}

/* Makes the file in its folder, which is opened as strictly as any. */
static long create_missing(const struct resource_want *w, char *name)
{
    char *slash = strrchr(name, '/');
    int dir = w->root_fd;
    long parent = -1, fd, was;

    if (slash != NULL) {
        *slash = '\0';
        parent = open_beneath(w, w->root_fd, name, O_PATH | O_DIRECTORY, 0);
        if (parent < 0)
            return parent;
        dir = (int)parent;
        name = slash + 1;
    }
    was = raw_call3(SYS_umask, w->shares ? 007 : 077, 0, 0);
    fd = open_beneath(w, dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW,
                      0660);
    (void)raw_call3(SYS_umask, was, 0, 0);
    if (parent >= 0)
        (void)close((int)parent);
    return fd;
}

static int check_kind(const struct resource_want *w, int fd)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return errno;
    if (w->is_dir)
        return S_ISDIR(st.st_mode) ? 0 : ENOTDIR;
    if (S_ISDIR(st.st_mode))
        return EISDIR;
    return S_ISREG(st.st_mode) ? 0 : EACCES; /* no devices, pipes, sockets */
}

ts_err resource_open(const struct resource_want *w, int *ret_fd,
                     const char **reterr_step, int *reterr_errno)
{
    char name[PATH_CAP];
    int fd, err;
    long rc;

    *reterr_step = "openat2";
    if (!relative(w, name)) {
        *reterr_errno = ENAMETOOLONG;
        return TS_E_LIMIT;
    }
    /* without O_NOFOLLOW: it would open a final link itself, not refuse it */
    rc = open_beneath(w, w->root_fd, name, O_PATH, 0);
    if (rc == -ENOENT && w->access == ACCESS_WRITE && !w->is_dir) {
        *reterr_step = "create";
        rc = create_missing(w, name);
    }
    if (rc < 0) {
        *reterr_errno = (int)-rc;
        return ts_err_from_errno((int)-rc);
    }
    fd = (int)rc;
    err = check_kind(w, fd);
    if (err != 0) {
        *reterr_step = "kind";
        *reterr_errno = err;
        ts_fd_close(&fd);
        return ts_err_from_errno(err);
    }
    *ret_fd = fd;
    return TS_OK;
}
