#include "sidecar/supervisor/key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"

#define SEED_LEN   32
#define MODE_WIDER 07177u /* anything but read and write of the owner */
#define CREDENTIAL "credential:"

static int open_seed(int config_dir, const char *where, const char *credentials)
{
    const int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    size_t n = strlen(CREDENTIAL);
    int dir TS_CLEANUP(ts_fd_close) = -1;

    if (strncmp(where, CREDENTIAL, n) != 0)
        return openat(config_dir, where, flags);
    where += n;
    if (credentials == NULL || strchr(where, '/') != NULL) {
        errno = ENOENT;
        return -1;
    }
    dir = open(credentials, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return dir < 0 ? -1 : openat(dir, where, flags);
}

/* What is wrong with it, or NULL. */
static const char *problem(int fd, uid_t euid)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return "cannot be examined";
    if (!S_ISREG(st.st_mode))
        return "is not a regular file; put the 32-byte seed there";
    if (st.st_uid != 0 && st.st_uid != euid)
        return "belongs to another user; chown it to the user that starts the "
               "service";
    if ((st.st_mode & MODE_WIDER) != 0)
        return "can be read by others; chmod 0400 it";
    if (st.st_size != SEED_LEN)
        return "is not exactly 32 bytes; make one with `tipstaff key new`";
    return NULL;
}

ts_err key_pipe(int config_dir, const char *where, const char *credentials,
                uid_t euid, int *ret_fd, char *reterr_text, size_t reterr_cap)
{
    int fd TS_CLEANUP(ts_fd_close) = -1;
    uint8_t seed[SEED_LEN] = {0};
    int ends[2] = {-1, -1};
    const char *what;
    ts_err e = TS_E_INVALID;

    fd = open_seed(config_dir, where, credentials);
    if (fd < 0) {
        e = ts_err_from_errno(errno);
        (void)snprintf(reterr_text, reterr_cap,
                       "key %s: %s; make one with `tipstaff key new`, or name "
                       "another under key: in tipstaff.yaml",
                       where,
                       errno == ELOOP ? "is a symbolic link" : strerror(errno));
        return e == TS_OK ? TS_E_SYSTEM : e;
    }
    what = problem(fd, euid);
    if (what != NULL) {
        (void)snprintf(reterr_text, reterr_cap, "key %s: %s", where, what);
        return TS_E_INVALID;
    }
    /* 32 bytes fit into any pipe, so the write below cannot block. */
    if (read(fd, seed, sizeof(seed)) != (ssize_t)sizeof(seed) ||
        pipe2(ends, O_CLOEXEC) != 0 ||
        write(ends[1], seed, sizeof(seed)) != (ssize_t)sizeof(seed)) {
        e = TS_E_SYSTEM;
        (void)snprintf(reterr_text, reterr_cap, "key %s: cannot be read: %s",
                       where, strerror(errno));
        ts_fd_close(&ends[0]);
    } else {
        e = TS_OK;
        *ret_fd = ends[0];
    }
    ts_fd_close(&ends[1]);
    explicit_bzero(seed, sizeof(seed));
    return e;
}
