/* What must be there and what must not be missing: lock, key, marker. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "sidecar/recorder/journal_file.h"

#define JOURNAL_NAME "state.journal"
#define JOURNAL_TEMP "state.journal.new"
#define KEY_NAME     "state.key"
#define KEY_TEMP     "state.key.new"
#define MARKER_NAME  "state.marker"
#define LOCK_NAME    "state.lock"
#define ASIDE        ".refused"
#define WHAT_TO_DO                                                             \
    "restore the files of state_dir from a copy, or start once with "          \
    "tipstaffd --init-state to begin anew, and revoke again"

static const char marker_text[] =
    "A journal of revocations was begun here. Without this file, state.key "
    "and state.journal the service does not start.\n";

void journal_refusal(char *text, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, JOURNAL_REFUSAL_MAX, fmt, ap);
    va_end(ap);
}

ts_err journal_write_at(int fd, const uint8_t *p, size_t len, uint64_t at)
{
    size_t done = 0;

    while (done < len) {
        ssize_t n = pwrite(fd, p + done, len - done, (off_t)(at + done));

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0 ? TS_E_SYSTEM : ts_err_from_errno(errno);
        done += (size_t)n;
    }
    return TS_OK;
}

/* Under another name first: it is whole or not there. *ret_fd stays open. */
static ts_err make_file(int dir, const char *temp, const char *name,
                        mode_t mode, const void *p, size_t len, int *ret_fd)
{
    int fd;
    ts_err e;

    (void)unlinkat(dir, temp, 0); /* of a start that was cut short */
    fd = openat(dir, temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                mode);
    if (fd < 0)
        return ts_err_from_errno(errno);
    e = journal_write_at(fd, p, len, 0);
    if (e == TS_OK && (fsync(fd) != 0 || renameat(dir, temp, dir, name) != 0 ||
                       fsync(dir) != 0))
        e = ts_err_from_errno(errno);
    if (e != TS_OK)
        ts_fd_close(&fd);
    else
        *ret_fd = fd;
    return e;
}

ts_err journal_state_lock(struct journal *j, char *reterr_text)
{
    j->lock_fd = openat(j->dir, LOCK_NAME,
                        O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (j->lock_fd < 0) {
        ts_err e = ts_err_from_errno(errno);

        journal_refusal(reterr_text, LOCK_NAME " cannot be made: %s",
                        strerror(errno));
        return e;
    }
    if (flock(j->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return TS_OK;
    journal_refusal(reterr_text,
                    LOCK_NAME " is held: another recorder uses this state "
                              "directory; end that service, or give this one "
                              "a state_dir of its own");
    return TS_E_EXISTS;
}

/* TS_E_NOT_FOUND, or TS_E_FORMAT for a key of another length. */
static ts_err key_read(const struct journal *j)
{
    int fd = openat(j->dir, KEY_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;
    ts_err e = TS_OK;

    if (fd < 0)
        return ts_err_from_errno(errno);
    if (fstat(fd, &st) != 0)
        e = ts_err_from_errno(errno);
    else if (st.st_size != JOURNAL_KEY ||
             pread(fd, j->key, JOURNAL_KEY, 0) != JOURNAL_KEY)
        e = TS_E_FORMAT;
    ts_fd_close(&fd);
    return e;
}

/* First start: journal, key; the marker comes when all is well. */
static ts_err begin(struct journal *j, char *reterr_text)
{
    uint8_t base[JOURNAL_BASE_LEN];
    struct journal_walk w = {.key = j->key};
    int fd = -1;
    ts_err e;

    ts_fd_close(&j->fd);
    randombytes_buf(j->key, JOURNAL_KEY);
    journal_encode_base(&w, base);
    e = make_file(j->dir, JOURNAL_TEMP, JOURNAL_NAME, 0600, base, sizeof(base),
                  &j->fd);
    if (e == TS_OK)
        e = make_file(j->dir, KEY_TEMP, KEY_NAME, 0400, j->key, JOURNAL_KEY,
                      &fd);
    ts_fd_close(&fd);
    j->size = sizeof(base);
    if (e != TS_OK)
        journal_refusal(reterr_text,
                        "state.journal and state.key cannot be made: %s",
                        ts_err_text(e));
    return e;
}

static bool has_marker(const struct journal *j)
{
    struct stat st;

    return fstatat(j->dir, MARKER_NAME, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* A key or a marker without a journal. */
static ts_err missing(const char *what, const char *there, char *reterr_text)
{
    journal_refusal(reterr_text,
                    "%s is missing although %s is there: revocations would be "
                    "forgotten; " WHAT_TO_DO,
                    what, there);
    return TS_E_NOT_FOUND;
}

/* Both files, as far as they are there. */
static ts_err look(struct journal *j, bool *ret_key, char *reterr_text)
{
    ts_err e = key_read(j);
    struct stat st;

    *ret_key = e == TS_OK;
    if (e != TS_OK && e != TS_E_NOT_FOUND) {
        journal_refusal(reterr_text,
                        KEY_NAME " cannot be read, or is not 32 bytes long "
                                 "(%s); " WHAT_TO_DO,
                        ts_err_text(e));
        return e;
    }
    j->fd = openat(j->dir, JOURNAL_NAME, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (j->fd < 0 && errno == ENOENT)
        return TS_OK;
    if (j->fd < 0 || fstat(j->fd, &st) != 0) {
        e = ts_err_from_errno(errno);
        journal_refusal(reterr_text, JOURNAL_NAME " cannot be opened: %s",
                        strerror(errno));
        return e;
    }
    j->size = (uint64_t)st.st_size;
    if (j->size <= JOURNAL_BYTES_MAX)
        return TS_OK;
    journal_refusal(reterr_text, JOURNAL_NAME " is larger than %llu bytes",
                    (unsigned long long)JOURNAL_BYTES_MAX);
    return TS_E_LIMIT;
}

ts_err journal_state_open(struct journal *j, bool *ret_begun, char *reterr_text)
{
    bool marker = has_marker(j), key = false;
    ts_err e = look(j, &key, reterr_text);

    if (e != TS_OK)
        return e;
    *ret_begun = false;
    if (key && j->fd >= 0 && (j->size > 0 || marker)) {
        (void)unlinkat(j->dir, JOURNAL_TEMP, 0); /* a compaction cut short */
        return TS_OK;
    }
    if (marker || (key && j->fd < 0))
        return missing(j->fd < 0 ? JOURNAL_NAME : KEY_NAME,
                       marker ? MARKER_NAME : KEY_NAME, reterr_text);
    /* A first start, or what one that was cut short left: a journal with
     * nothing in it. One of the first format with nothing in it is the same. */
    if (j->fd >= 0 && j->size > JOURNAL_BASE_LEN)
        return missing(KEY_NAME, JOURNAL_NAME, reterr_text);
    *ret_begun = true;
    return begin(j, reterr_text);
}

ts_err journal_state_mark(struct journal *j, char *reterr_text)
{
    int fd = -1;
    ts_err e;

    if (has_marker(j))
        return TS_OK;
    e = make_file(j->dir, MARKER_NAME ".new", MARKER_NAME, 0400, marker_text,
                  sizeof(marker_text) - 1, &fd);
    ts_fd_close(&fd);
    if (e != TS_OK)
        journal_refusal(reterr_text, MARKER_NAME " cannot be made: %s",
                        ts_err_text(e));
    return e;
}

ts_err journal_state_put_aside(struct journal *j, char *reterr_text)
{
    /* The marker first: cut short, the next start refuses as this one did, or
     * sees a good journal and key. */
    static const char *const names[][2] = {
        {MARKER_NAME, MARKER_NAME ASIDE},
        {KEY_NAME, KEY_NAME ASIDE},
        {JOURNAL_NAME, JOURNAL_NAME ASIDE},
    };

    ts_fd_close(&j->fd);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (renameat(j->dir, names[i][0], j->dir, names[i][1]) != 0 &&
            errno != ENOENT) {
            ts_err e = ts_err_from_errno(errno);

            journal_refusal(reterr_text, "%s cannot be put aside: %s",
                            names[i][0], strerror(errno));
            return e;
        }
    if (fsync(j->dir) == 0)
        return TS_OK;
    journal_refusal(reterr_text, "state_dir cannot be synced: %s",
                    strerror(errno));
    return TS_E_SYSTEM;
}
