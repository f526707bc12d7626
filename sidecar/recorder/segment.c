#include "sidecar/recorder/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"

#define RESERVE_NAME "reserve"

static const char prefix[] = "log-";
static const char suffix[] = ".jsonl";

/* A file that may not grow is as full as a disk. */
static ts_err error_of(int err)
{
    if (err == ENOSPC || err == EDQUOT || err == EFBIG)
        return TS_E_NO_SPACE;
    return ts_err_from_errno(err);
}

void segment_name(char out[SEGMENT_NAME], uint64_t first_seq)
{
    (void)snprintf(out, SEGMENT_NAME, "%s%020llu%s", prefix,
                   (unsigned long long)first_seq, suffix); /* fits exactly */
}

ts_err segment_name_parse(const char *name, uint64_t *ret)
{
    char again[SEGMENT_NAME];
    uint64_t v = 0;

    if (strlen(name) != sizeof(prefix) - 1 + 20 + sizeof(suffix) - 1)
        return TS_E_FORMAT;
    for (size_t i = 0; i < 20; i++) {
        char c = name[sizeof(prefix) - 1 + i];

        if (c < '0' || c > '9')
            return TS_E_FORMAT;
        v = v * 10 + (uint64_t)(c - '0'); /* a wrap shows in the comparison */
    }
    segment_name(again, v);
    if (v == 0 || strcmp(again, name) != 0)
        return TS_E_FORMAT;
    *ret = v;
    return TS_OK;
}

ts_err segment_create(int dir_fd, uint64_t first_seq, struct segment *ret)
{
    struct segment s = {.dir_fd = dir_fd, .fd = -1, .first_seq = first_seq};
    char name[SEGMENT_NAME];

    segment_name(name, first_seq);
    s.fd = openat(dir_fd, name,
                  O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (s.fd < 0)
        return error_of(errno);
    if (fsync(dir_fd) != 0) {
        ts_err e = error_of(errno);

        ts_fd_close(&s.fd);
        return e;
    }
    *ret = s;
    return TS_OK;
}

ts_err segment_reopen(int dir_fd, uint64_t first_seq, uint64_t size,
                      struct segment *ret)
{
    struct segment s = {
        .dir_fd = dir_fd, .fd = -1, .first_seq = first_seq, .size = size};
    char name[SEGMENT_NAME];

    segment_name(name, first_seq);
    s.fd = openat(dir_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (s.fd < 0)
        return error_of(errno);
    if (ftruncate(s.fd, (off_t)size) != 0 || fdatasync(s.fd) != 0) {
        ts_err e = error_of(errno);

        ts_fd_close(&s.fd);
        return e;
    }
    s.taken = size;
    *ret = s;
    return TS_OK;
}

ts_err segment_close(struct segment *s)
{
    ts_err e = TS_OK;

    if (s->fd < 0)
        return TS_OK;
    /* To the same size: frees the blocks that were set aside behind it. */
    if (ftruncate(s->fd, (off_t)s->size) == 0)
        s->taken = s->size; /* failing only wastes room */
    e = segment_sync(s);
    ts_fd_close(&s->fd);
    return e;
}

void segment_take(struct segment *s, uint64_t bytes)
{
    uint64_t from = s->taken > s->size ? s->taken : s->size;
    uint64_t to = s->size + bytes;

    if (to <= from)
        return;
    if (fallocate(s->fd, FALLOC_FL_KEEP_SIZE, (off_t)from,
                  (off_t)(to - from)) == 0 ||
        errno == EOPNOTSUPP)
        s->taken = to;
}

ts_err segment_write(struct segment *s, const char *buf, size_t len)
{
    size_t done = 0;
    int err = 0;

    if (s->size + len > s->taken)
        segment_take(s, len + SEGMENT_STEP);
    while (done < len) {
        ssize_t n =
            pwrite(s->fd, buf + done, len - done, (off_t)(s->size + done));

        if (n > 0)
            done += (size_t)n;
        else if (n == 0 || errno != EINTR) {
            err = n == 0 ? EIO : errno;
            break;
        }
    }
    if (done == len) {
        s->size += len;
        return TS_OK;
    }
    if (ftruncate(s->fd, (off_t)s->size) != 0)
        return TS_E_SYSTEM; /* half a line may stand there */
    s->taken = s->size;
    return error_of(err);
}

ts_err segment_sync(struct segment *s)
{
    return fdatasync(s->fd) == 0 ? TS_OK : TS_E_SYSTEM;
}

/* Room for len bytes from the start of the file, really there. */
static int fill(int fd, uint64_t len)
{
    static const char zeros[65536];

    if (fallocate(fd, 0, 0, (off_t)len) == 0)
        return 0;
    if (errno != EOPNOTSUPP)
        return -1;
    for (uint64_t at = 0; at < len;) {
        size_t want =
            len - at < sizeof(zeros) ? (size_t)(len - at) : sizeof(zeros);
        ssize_t n = pwrite(fd, zeros, want, (off_t)at);

        if (n <= 0)
            return -1;
        at += (uint64_t)n;
    }
    return fdatasync(fd);
}

ts_err reserve_hold(struct reserve *r)
{
    int fd = openat(r->dir_fd, RESERVE_NAME,
                    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    ts_err e = TS_OK;

    if (fd < 0)
        return error_of(errno);
    if (ftruncate(fd, 0) != 0 || (r->bytes > 0 && fill(fd, r->bytes) != 0)) {
        e = error_of(errno);
        if (ftruncate(fd, 0) != 0) /* half a reserve helps nobody */
            e = TS_E_SYSTEM;
    }
    ts_fd_close(&fd);
    r->held = e == TS_OK;
    return e;
}

ts_err reserve_release(struct reserve *r, struct segment *to)
{
    int fd = openat(r->dir_fd, RESERVE_NAME, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    ts_err e = TS_OK;

    r->held = false;
    if (fd < 0)
        return error_of(errno);
    if (ftruncate(fd, 0) != 0)
        e = error_of(errno);
    ts_fd_close(&fd);
    if (e == TS_OK) /* at once, before somebody else takes the room */
        segment_take(to, r->bytes);
    return e;
}
