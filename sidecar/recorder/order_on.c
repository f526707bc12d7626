#include "sidecar/recorder/order_on.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* A launcher reads its orders at once; one that does not for so long hangs. */
#define STUCK_MS 2000

static ts_err send_once(int fd, struct msghdr *m)
{
    for (;;) {
        if (sendmsg(fd, m, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
            return TS_OK; /* SOCK_SEQPACKET: all or nothing */
        if (errno == EINTR)
            continue;
        if (errno == EAGAIN || errno == ENOBUFS)
            return TS_E_AGAIN;
        if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN)
            return TS_E_CLOSED;
        return ts_err_from_errno(errno);
    }
}

ts_err order_on_send(struct order_on *o, uint32_t launcher, enum hop_type type,
                     const void *body, size_t len)
{
    uint8_t head = (uint8_t)type;
    union { /* iovec has no const; sendmsg does not write */
        const void *in;
        void *out;
    } p = {.in = body};
    struct iovec iov[2] = {{.iov_base = &head, .iov_len = 1},
                           {.iov_base = p.out, .iov_len = len}};
    struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};
    struct pollfd room;
    ts_err e;

    if (launcher >= o->count)
        return TS_E_INVALID;
    if (o->fds[launcher] < 0)
        return TS_E_CLOSED;
    e = send_once(o->fds[launcher], &m);
    if (e == TS_E_AGAIN) {
        room = (struct pollfd){.fd = o->fds[launcher], .events = POLLOUT};
        if (poll(&room, 1, STUCK_MS) > 0)
            e = send_once(o->fds[launcher], &m);
    }
    if (e == TS_E_CLOSED || e == TS_E_AGAIN)
        o->fds[launcher] = -1;
    return e;
}
