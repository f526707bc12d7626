#include "proto/base/ts_fd.h"

#include <errno.h>
#include <sys/types.h>
#include <unistd.h>

void ts_fd_close(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd); /* never retried: Linux has freed the number */
    *fd = -1;
}

ts_err ts_fd_read_all(int fd, void *buf, size_t cap, size_t *ret_len)
{
    size_t got = 0;

    while (got < cap) {
        ssize_t n = read(fd, (char *)buf + got, cap - got);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ts_err_from_errno(errno);
        if (n == 0)
            break;
        got += (size_t)n;
    }
    *ret_len = got;
    return TS_OK;
}

ts_err ts_fd_write_all(int fd, const void *p, size_t len)
{
    const char *at = p;

    while (len > 0) {
        ssize_t n = write(fd, at, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ts_err_from_errno(errno);
        at += n;
        len -= (size_t)n;
    }
    return TS_OK;
}
