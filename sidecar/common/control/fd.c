/* Control messages over their socket, with at most two descriptors. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/base/ts_fd.h"
#include "sidecar/common/control/control.h"

#define FDS_MAX 2

union fd_room {
    struct cmsghdr align;
    /* Room for more than is expected: what does not fit would be closed by the
     * kernel unseen, and the message would look as if it carried fewer. */
    char room[CMSG_SPACE(sizeof(int) * (FDS_MAX + 2))];
};

ts_err control_send(int sock, const struct control_message *m)
{
    uint8_t buf[CONTROL_MESSAGE_MAX];
    const int fds[FDS_MAX] = {m->bundle_fd, m->journal_fd};
    size_t count = (m->bundle_fd >= 0) + (size_t)(m->journal_fd >= 0);
    union fd_room ctl = {0};
    struct iovec iov = {.iov_base = buf};
    struct msghdr h = {.msg_iov = &iov, .msg_iovlen = 1};
    ssize_t n;
    ts_err e = control_encode(m, buf, sizeof(buf), &iov.iov_len);

    if (e != TS_OK)
        return e;
    if (count > 0) {
        struct cmsghdr *c;

        h.msg_control = &ctl;
        h.msg_controllen = CMSG_SPACE(sizeof(int) * count);
        c = CMSG_FIRSTHDR(&h);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * count);
        memcpy(CMSG_DATA(c), fds, sizeof(int) * count);
    }
    do {
        n = sendmsg(sock, &h, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? ts_err_from_errno(errno) : TS_OK;
}

/* Takes every descriptor out of the message; closes those over FDS_MAX. */
static uint32_t fds_take(struct msghdr *h, int fds[FDS_MAX])
{
    uint32_t seen = 0;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t off = CMSG_LEN(0); off + sizeof(int) <= c->cmsg_len;
             off += sizeof(int), seen++) {
            int fd = -1;

            memcpy(&fd, (const char *)c + off, sizeof(fd));
            if (seen < FDS_MAX)
                fds[seen] = fd;
            else
                ts_fd_close(&fd);
        }
    }
    return seen;
}

ts_err control_receive(int sock, uint8_t buf[CONTROL_MESSAGE_MAX],
                       struct control_message *ret)
{
    union fd_room ctl = {0};
    struct iovec iov = {.iov_base = buf, .iov_len = CONTROL_MESSAGE_MAX};
    struct msghdr h = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = &ctl,
                       .msg_controllen = sizeof(ctl)};
    int fds[FDS_MAX] = {-1, -1};
    uint32_t count;
    ssize_t n;
    ts_err e;

    do {
        n = recvmsg(sock, &h, MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return ts_err_from_errno(errno);
    count = fds_take(&h, fds);
    if (n == 0 && count == 0)
        return TS_E_CLOSED;
    if ((h.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
        e = TS_E_LIMIT;
    else
        e = control_decode(buf, (size_t)n, count, ret);
    if (e != TS_OK) {
        ts_fd_close(&fds[0]);
        ts_fd_close(&fds[1]);
        return e;
    }
    ret->bundle_fd = fds[0];
    ret->journal_fd = fds[1];
    return TS_OK;
}
