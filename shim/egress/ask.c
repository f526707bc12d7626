#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "shim/egress/preload.h"

#define FILL_STEP 16384
#define SMALL_MAX 640 /* bytes of an ASK, of a REPLY */

static const int errno_of[EGRESS_CODE_COUNT_] = {
    [EGRESS_INTERNAL] = EIO,
    [EGRESS_OK] = 0,
    [EGRESS_MALFORMED] = EINVAL,
    [EGRESS_NAME_INVALID] = EINVAL,
    [EGRESS_HOST_DENIED] = EACCES,
    [EGRESS_PORT_DENIED] = EACCES,
    [EGRESS_METHOD_DENIED] = EACCES,
    [EGRESS_PATH_DENIED] = EACCES,
    [EGRESS_NAME_UNKNOWN] = EHOSTUNREACH,
    [EGRESS_NAME_FAILED] = EHOSTUNREACH,
    [EGRESS_ADDRESS_DENIED] = EACCES,
    [EGRESS_REFUSED] = ECONNREFUSED,
    [EGRESS_UNREACHABLE] = EHOSTUNREACH,
    [EGRESS_TIMED_OUT] = ETIMEDOUT,
    [EGRESS_TOO_MANY] = ENOBUFS,
    [EGRESS_BYTES_SPENT] = ENOBUFS,
    [EGRESS_NOT_RECORDED] = ENETDOWN,
    [EGRESS_ENDED] = ENETDOWN,
    [EGRESS_TLS_FAILED] = ECONNABORTED,
};

static bool is_writable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    struct timespec none = {0};

    return syscall(SYS_ppoll, &p, 1, &none, NULL, 0) == 1 &&
           (p.revents & POLLOUT) != 0;
}

/* Until a program that waits for its connection would have to wait; the broker
 * throws these bytes away. */
static uint32_t fill(int fd)
{
    static const char zeros[FILL_STEP];
    uint32_t n = 0;

    while (n + FILL_STEP <= EGRESS_SKIP_MAX && is_writable(fd)) {
        long w = syscall(SYS_sendto, fd, zeros, sizeof(zeros),
                         MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0);

        if (w <= 0)
            break;
        n += (uint32_t)w;
    }
    return n;
}

static int send_ask(const uint8_t *bytes, size_t len, const int fds[2])
{
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(2 * sizeof(int))];
    } control;
    uint8_t copy[SMALL_MAX];
    struct iovec iov = {.iov_base = copy, .iov_len = len};
    struct msghdr h = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control.room,
                       .msg_controllen = sizeof(control.room)};
    struct cmsghdr *c;
    long n;

    memcpy(copy, bytes, len);
    memset(&control, 0, sizeof(control));
    c = CMSG_FIRSTHDR(&h);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(2 * sizeof(int));
    memcpy(CMSG_DATA(c), fds, 2 * sizeof(int));
    do {
        n = syscall(SYS_sendmsg, preload_channel(), &h, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? ENETDOWN : 0;
}

/* Takes s->other over, and sets s->reply. */
static int send_wish(struct sock *s, const struct egress_ask *m)
{
    uint8_t buf[SMALL_MAX];
    int reply[2], err;
    size_t n = 0;

    if (syscall(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
                reply) != 0)
        return errno;
    buf[0] = EGRESS_ASK;
    err = egress_ask_encode(m, buf + 1, sizeof(buf) - 1, &n) == TS_OK
              ? send_ask(buf, n + 1, (const int[2]){s->other, reply[1]})
              : EINVAL;
    sock_close_own(reply[1]);
    if (err != 0) {
        sock_close_own(reply[0]);
        return err;
    }
    sock_close_own(s->other);
    s->other = -1;
    s->reply = reply[0];
    __atomic_store_n(&s->state, SOCK_CONNECTING, __ATOMIC_RELEASE);
    return 0;
}

int ask_begin(int fd, struct sock *s, const struct sockaddr *to, socklen_t len)
{
    char host[EGRESS_HOST_MAX + 1];
    struct egress_ask m = {.skip = 0};
    long flags = syscall(SYS_fcntl, fd, F_GETFL);
    bool waits = flags < 0 || (flags & O_NONBLOCK) == 0;
    int err;

    if (!names_of(to, len, host, &m.port))
        return EAFNOSUPPORT;
    m.host = (struct ts_str){.ptr = host, .len = strlen(host)};
    if (!waits)
        m.skip = fill(fd);
    s->peer_len = to->sa_family == AF_INET ? sizeof(struct sockaddr_in)
                                           : sizeof(struct sockaddr_in6);
    memcpy(&s->peer, to, s->peer_len);
    err = send_wish(s, &m);
    if (err != 0) { /* what fill() wrote is in there: another pair next time */
        sock_close_own(s->other);
        s->other = -1;
        __atomic_store_n(&s->state, SOCK_FAILED, __ATOMIC_RELEASE);
        return err;
    }
    return waits ? ask_finish(s, true) : EINPROGRESS;
}

static int end(struct sock *s, int err)
{
    sock_close_own(s->reply);
    s->reply = -1;
    __atomic_store_n(&s->state, err == 0 ? SOCK_CONNECTED : SOCK_FAILED,
                     __ATOMIC_RELEASE);
    return err;
}

int ask_finish(struct sock *s, bool wait)
{
    uint8_t buf[SMALL_MAX];
    struct egress_reply m;
    const char *what;
    long n = syscall(SYS_recvfrom, s->reply, buf, sizeof(buf),
                     wait ? 0 : MSG_DONTWAIT, NULL, NULL);

    if (n < 0 && errno == EAGAIN)
        return EINPROGRESS;
    if (n < 0 && errno == EINTR)
        return EINTR; /* it goes on without us, as POSIX has it */
    if (n < 2 || buf[0] != EGRESS_REPLY ||
        egress_reply_decode(buf + 1, (size_t)n - 1, &m, &what) != TS_OK)
        return end(s, ENETDOWN); /* the broker went away */
    return end(s, errno_of[m.code]);
}
