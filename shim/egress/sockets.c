/* The calls that make and connect sockets, and those that look at them. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/egress/preload.h"

/* All that is not static here replaces a function of the C library. */
#pragma GCC visibility push(default)

#define TYPE_FLAGS (SOCK_NONBLOCK | SOCK_CLOEXEC)

static bool is_tcp(int domain, int type, int protocol)
{
    return (domain == AF_INET || domain == AF_INET6) &&
           (type & ~TYPE_FLAGS) == SOCK_STREAM &&
           (protocol == 0 || protocol == IPPROTO_TCP);
}

int socket(int domain, int type, int protocol)
{
    if (preload_channel() < 0 || !is_tcp(domain, type, protocol))
        return (int)syscall(SYS_socket, domain, type, protocol);
    return sock_make(domain, type & TYPE_FLAGS, -1);
}

static int answer(int err)
{
    if (err == 0)
        return 0;
    errno = err;
    return -1;
}

/* After a failure a pair is of no use any more; the number is to stay. */
static int renew(int fd, const struct sock *s)
{
    long status = syscall(SYS_fcntl, fd, F_GETFL);
    long closes = syscall(SYS_fcntl, fd, F_GETFD);
    int flags = (status & O_NONBLOCK) != 0 ? SOCK_NONBLOCK : 0;

    if (status < 0 || closes < 0)
        return EBADF;
    if ((closes & FD_CLOEXEC) != 0)
        flags |= SOCK_CLOEXEC;
    return sock_make(s->family, flags, fd) == fd ? 0 : errno;
}

int connect(int fd, __CONST_SOCKADDR_ARG where, socklen_t len)
{
    const struct sockaddr *to = where.__sockaddr__;
    struct sock *s = sock_find(fd);
    int err = 0;

    if (s == NULL)
        return (int)syscall(SYS_connect, fd, to, len);
    if (to == NULL || len < sizeof(sa_family_t))
        return answer(EINVAL);
    if (s->state == SOCK_CONNECTING) {
        err = ask_finish(s, false);
        return answer(err == EINPROGRESS ? EALREADY : err == 0 ? EISCONN : err);
    }
    if (s->state == SOCK_CONNECTED)
        return answer(EISCONN);
    if (to->sa_family == AF_UNSPEC)
        return 0; /* it is not connected */
    if (s->state == SOCK_FAILED && (err = renew(fd, s)) != 0)
        return answer(err);
    return answer(ask_begin(fd, s, to, len));
}

/* From where we call is the broker's business. */
int bind(int fd, __CONST_SOCKADDR_ARG where, socklen_t len)
{
    const struct sockaddr *to = where.__sockaddr__;

    return sock_find(fd) != NULL ? 0 : (int)syscall(SYS_bind, fd, to, len);
}

static int give(const void *from, socklen_t have, void *to, socklen_t *len)
{
    if (to == NULL || len == NULL)
        return answer(EFAULT);
    memcpy(to, from, *len < have ? *len : have);
    *len = have;
    return 0;
}

static bool is_connected(struct sock *s)
{
    return s->state == SOCK_CONNECTED ||
           (s->state == SOCK_CONNECTING && ask_finish(s, false) == 0);
}

int getpeername(int fd, __SOCKADDR_ARG where, socklen_t *len)
{
    struct sockaddr *to = where.__sockaddr__;
    struct sock *s = sock_find(fd);

    if (s == NULL)
        return (int)syscall(SYS_getpeername, fd, to, len);
    if (!is_connected(s))
        return answer(ENOTCONN);
    return give(&s->peer, s->peer_len, to, len);
}

int getsockname(int fd, __SOCKADDR_ARG where, socklen_t *len)
{
    struct sockaddr *to = where.__sockaddr__;
    const struct sock *s = sock_find(fd);
    const struct sockaddr_in v4 = {.sin_family = AF_INET};
    const struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

    if (s == NULL)
        return (int)syscall(SYS_getsockname, fd, to, len);
    return s->family == AF_INET ? give(&v4, sizeof(v4), to, len)
                                : give(&v6, sizeof(v6), to, len);
}

/* The error of a connect() that was not waited for; told once. */
static int pending_error(struct sock *s)
{
    int err;

    if (s->state != SOCK_CONNECTING)
        return 0;
    err = ask_finish(s, false);
    return err == EINPROGRESS || err == EINTR ? 0 : err;
}

int getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
    struct sock *s = sock_find(fd);
    int v = 0;

    if (s == NULL)
        return (int)syscall(SYS_getsockopt, fd, level, name, value, len);
    if (level == SOL_SOCKET && name == SO_ERROR)
        v = pending_error(s);
    else if (level == SOL_SOCKET && name == SO_DOMAIN)
        v = s->family;
    else if (level == SOL_SOCKET && name == SO_PROTOCOL)
        v = IPPROTO_TCP;
    else if (level == SOL_SOCKET)
        return (int)syscall(SYS_getsockopt, fd, level, name, value, len);
    else if (level == IPPROTO_TCP && name == TCP_INFO)
        return answer(ENOPROTOOPT);
    return give(&v, sizeof(v), value, len);
}

/* What is asked of TCP and IP, the broker has set as it is best; nobody checks
 * but programs that would fail for nothing. */
int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
    long r;

    if (sock_find(fd) == NULL)
        return (int)syscall(SYS_setsockopt, fd, level, name, value, len);
    if (level != SOL_SOCKET)
        return 0;
    r = syscall(SYS_setsockopt, fd, level, name, value, len);
    return r != 0 && (errno == EOPNOTSUPP || errno == ENOPROTOOPT) ? 0 : (int)r;
}

#pragma GCC visibility pop
