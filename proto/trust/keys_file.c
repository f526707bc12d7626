/* Seed files: what may be read as a secret, and how. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/trust/keys.h"

TS_PRINTF(3, 4)
static void explain(char *text, size_t cap, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, cap, fmt, ap); /* cut off is fine for a sentence */
    va_end(ap);
}

static ts_err check_file(const struct stat *st, const char *name, uid_t owner,
                         char *text, size_t cap)
{
    if (!S_ISREG(st->st_mode)) {
        explain(text, cap, "%s: not a regular file", name);
        return TS_E_INVALID;
    }
    if (st->st_uid != owner) {
        explain(text, cap, "%s: belongs to uid %u, not to uid %u; chown it",
                name, (unsigned)st->st_uid, (unsigned)owner);
        return TS_E_INVALID;
    }
    if ((st->st_mode & 077) != 0) {
        explain(text, cap,
                "%s: mode %04o lets others at a secret key; chmod 0400 it and "
                "replace the key if anyone may have read it",
                name, (unsigned)(st->st_mode & 07777));
        return TS_E_INVALID;
    }
    if (st->st_size != TRUST_SEED_LEN) {
        explain(text, cap,
                "%s: %lld bytes, but a seed file has exactly %d (a stored key "
                "pair is not accepted; make one with tipstaff key new)",
                name, (long long)st->st_size, TRUST_SEED_LEN);
        return TS_E_INVALID;
    }
    return TS_OK;
}

static bool read_seed(int fd, uint8_t seed[TRUST_SEED_LEN])
{
    size_t got = 0;

    while (got < TRUST_SEED_LEN) {
        ssize_t n = pread(fd, seed + got, TRUST_SEED_LEN - got, (off_t)got);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        got += (size_t)n;
    }
    return true;
}

ts_err trust_secret_load_fd(int fd, const char *name, uid_t owner,
                            struct trust_secret *ret, char *reterr_text,
                            size_t reterr_cap)
{
    uint8_t seed[TRUST_SEED_LEN];
    struct stat st;
    ts_err e;

    if (fstat(fd, &st) != 0) {
        explain(reterr_text, reterr_cap, "%s: %s", name, strerror(errno));
        return ts_err_from_errno(errno);
    }
    e = check_file(&st, name, owner, reterr_text, reterr_cap);
    if (e != TS_OK)
        return e;
    if (!read_seed(fd, seed)) {
        explain(reterr_text, reterr_cap, "%s: cannot be read whole", name);
        sodium_memzero(seed, sizeof(seed));
        return TS_E_SYSTEM;
    }
    e = trust_secret_from_seed(seed, ret);
    if (e != TS_OK)
        explain(reterr_text, reterr_cap,
                "%s: no locked memory for a key: %s (raise RLIMIT_MEMLOCK)",
                name, ts_err_text(e));
    return e;
}

ts_err trust_secret_load(int dir_fd, const char *path, uid_t owner,
                         struct trust_secret *ret, char *reterr_text,
                         size_t reterr_cap)
{
    /* O_NONBLOCK: opening a FIFO must not hang; it is refused just after */
    int fd = openat(dir_fd, path,
                    O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    ts_err e;

    if (fd < 0) {
        int err = errno;

        explain(reterr_text, reterr_cap, "%s: %s", path,
                err == ELOOP ? "is a symlink; give the file itself"
                             : strerror(err));
        return ts_err_from_errno(err);
    }
    e = trust_secret_load_fd(fd, path, owner, ret, reterr_text, reterr_cap);
    ts_fd_close(&fd);
    return e;
}
