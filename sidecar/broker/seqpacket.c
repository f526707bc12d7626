#include "sidecar/broker/seqpacket.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "proto/base/ts_fd.h"

#define FDS_ROOM 16 /* of a hostile message; the kernel drops what is over */

union room {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int) * FDS_ROOM)];
};

/* Puts the first want of them into fds and closes the rest; how many came. */
static size_t take_fds(struct msghdr *h, size_t want, int *fds)
{
    size_t seen = 0;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c != NULL;
         c = CMSG_NXTHDR(h, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t at = CMSG_LEN(0); at + sizeof(int) <= c->cmsg_len;
             at += sizeof(int), seen++) {
            int fd = -1;

            memcpy(&fd, (const char *)c + at, sizeof(fd));
            if (seen < want)
                fds[seen] = fd;
            else
                seqpacket_close_foreign(&fd);
        }
    }
    return seen;
}

ts_err seqpacket_recv(int sock, void *buf, size_t cap, size_t want,
                      int *ret_fds, size_t *ret_len)
{
    union room room;
    struct iovec iov = {.iov_base = buf, .iov_len = cap};
    struct msghdr h = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = room.bytes,
                       .msg_controllen = sizeof(room.bytes)};
    int fds[SEQPACKET_FDS] = {-1, -1};
    size_t came;
    ssize_t n;
    ts_err e = TS_OK;

    if (want > SEQPACKET_FDS)
        return TS_E_INVALID;
    do {
        n = recvmsg(sock, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == ECONNRESET ? TS_E_CLOSED : ts_err_from_errno(errno);
    came = take_fds(&h, want, fds);
    if ((h.msg_flags & MSG_TRUNC) != 0)
        e = TS_E_LIMIT;
    else if (n == 0 && came == 0)
        e = TS_E_CLOSED;
    else if (came != want || (h.msg_flags & MSG_CTRUNC) != 0)
        e = TS_E_FORMAT;
    if (e != TS_OK) {
        seqpacket_close_foreign(&fds[0]);
        seqpacket_close_foreign(&fds[1]);
        return e;
    }
    if (want > 0)
        memcpy(ret_fds, fds, want * sizeof(int));
    *ret_len = (size_t)n;
    return TS_OK;
}

ts_err seqpacket_send(int sock, const void *bytes, size_t len)
{
    ssize_t n;

    do {
        n = send(sock, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    if (n >= 0)
        return TS_OK;
    return errno == EAGAIN || errno == ENOBUFS ? TS_E_AGAIN : TS_E_CLOSED;
}

static bool option_is(int fd, int option, int want)
{
    int have = -1;
    socklen_t len = sizeof(have);

    return getsockopt(fd, SOL_SOCKET, option, &have, &len) == 0 && have == want;
}

ts_err seqpacket_is_unix(int fd, int type)
{
    return option_is(fd, SO_DOMAIN, AF_UNIX) && option_is(fd, SO_TYPE, type) &&
                   option_is(fd, SO_ACCEPTCONN, 0)
               ? TS_OK
               : TS_E_INVALID;
}

void seqpacket_close_foreign(int *fd)
{
    const struct sockaddr none = {.sa_family = AF_UNSPEC};

    if (*fd >= 0 && (option_is(*fd, SO_DOMAIN, AF_INET) ||
                     option_is(*fd, SO_DOMAIN, AF_INET6)))
        (void)connect(*fd, &none, sizeof(none)); /* resets: nothing is left */
    ts_fd_close(fd);
}
