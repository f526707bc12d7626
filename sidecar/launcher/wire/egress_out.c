#include "sidecar/launcher/wire/egress_out.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/base/ts_fd.h"

void egress_out_init(struct egress_out *o, int sock)
{
    o->sock = sock;
    o->first = 0;
    o->count = 0;
}

static ts_err send_with(int sock, uint8_t *bytes, size_t len, int fd,
                        int *reterr_errno)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec iov = {.iov_base = bytes, .iov_len = len};
    struct msghdr h = {.msg_iov = &iov, .msg_iovlen = 1};
    struct cmsghdr *c;

    if (fd >= 0) {
        h.msg_control = control;
        h.msg_controllen = sizeof(control);
        c = CMSG_FIRSTHDR(&h);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &fd, sizeof(fd));
    }
    while (sendmsg(sock, &h, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
        if (errno == EINTR)
            continue;
        *reterr_errno = errno;
        return errno == EAGAIN || errno == ENOBUFS ? TS_E_AGAIN : TS_E_CLOSED;
    }
    return TS_OK;
}

static ts_err send_grant(const struct egress_out *o,
                         const struct egress_grant *m, int fd,
                         int *reterr_errno)
{
    uint8_t buf[EGRESS_MESSAGE_MAX];
    size_t n = 0;
    ts_err e = egress_grant_encode(m, buf + 1, sizeof(buf) - 1, &n);

    if (e != TS_OK) {
        *reterr_errno = EINVAL;
        return e;
    }
    buf[0] = EGRESS_GRANT;
    e = send_with(o->sock, buf, n + 1, fd, reterr_errno);
    explicit_bzero(buf, n + 1); /* it may hold a token */
    return e;
}

ts_err egress_out_grant(struct egress_out *o, const struct egress_grant *m,
                        int listener, int *ret_fd, int *reterr_errno)
{
    int ends[2];
    ts_err e;

    if (o->sock < 0) {
        *reterr_errno = ENOTCONN;
        return TS_E_UNSUPPORTED;
    }
    if (m->mode == EGRESS_PROXY)
        return send_grant(o, m, listener, reterr_errno);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        *reterr_errno = errno;
        return ts_err_from_errno(errno);
    }
    e = send_grant(o, m, ends[0], reterr_errno);
    ts_fd_close(&ends[0]);
    if (e == TS_OK)
        *ret_fd = ends[1];
    else
        ts_fd_close(&ends[1]);
    return e;
}

static ts_err send_end(const struct egress_out *o, const struct egress_end *m)
{
    uint8_t buf[64];
    size_t n = 0;
    int err = 0;
    ts_err e = egress_end_encode(m, buf + 1, sizeof(buf) - 1, &n);

    if (e != TS_OK)
        return e;
    buf[0] = EGRESS_END;
    return send_with(o->sock, buf, n + 1, -1, &err);
}

void egress_out_flush(struct egress_out *o)
{
    while (o->count > 0 && send_end(o, &o->ends[o->first]) != TS_E_AGAIN) {
        o->first = (o->first + 1) % EGRESS_OUT_ENDS;
        o->count--;
    }
}

ts_err egress_out_end(struct egress_out *o, uint64_t order_id,
                      enum end_reason reason)
{
    const struct egress_end m = {.order_id = order_id, .reason = reason};

    if (o->sock < 0)
        return TS_OK;
    egress_out_flush(o);
    if (o->count == 0 && send_end(o, &m) != TS_E_AGAIN)
        return TS_OK;
    if (o->count == EGRESS_OUT_ENDS)
        return TS_E_LIMIT;
    o->ends[(o->first + o->count++) % EGRESS_OUT_ENDS] = m;
    return TS_OK;
}
