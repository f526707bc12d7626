#include "proto/base/ts_fd.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

void ts_fd_close(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd); /* never retried: Linux has freed the number */
    *fd = -1;
}

ts_err ts_fd_recv(int sock, void *buf, size_t cap, size_t *ret_len, int *ret_fd)
{
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof(int))]; /* rounds up: may admit two */
    } ctl = {0};
    struct iovec iov = {.iov_base = buf, .iov_len = cap};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = &ctl,
                       .msg_controllen = sizeof(ctl)};
    int fd TS_CLEANUP(ts_fd_close) = -1;
    size_t seen = 0;
    ssize_t n;

    do {
        n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return TS_E_SYSTEM;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t off = CMSG_LEN(0); off + sizeof(int) <= c->cmsg_len;
             off += sizeof(int), seen++) {
            ts_fd_close(&fd); /* keep the last, close every other */
            memcpy(&fd, (const char *)c + off, sizeof(fd));
        }
    }
    if (seen > 1 || (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
        return TS_E_LIMIT; /* fd is closed on the way out */
    *ret_len = (size_t)n;
    *ret_fd = fd;
    fd = -1; /* moved to the caller */
    return TS_OK;
}
