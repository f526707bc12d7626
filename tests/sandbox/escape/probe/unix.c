/* Sockets of this machine by name: the sidecar's own, and others. */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct name {
    struct sockaddr_un a;
    socklen_t len;
};

/* "%name" is an abstract one. */
static struct name name_of(const char *text)
{
    struct name n = {.a = {.sun_family = AF_UNIX}};
    const char *path = expand(text);
    int len = snprintf(n.a.sun_path, sizeof(n.a.sun_path), "%s", path);

    if (n.a.sun_path[0] == '%')
        n.a.sun_path[0] = '\0';
    n.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)len);
    return n;
}

static struct result connect_to(const struct probe *p)
{
    const struct name n = name_of(p->text);
    int fd = socket(AF_UNIX, (int)p->arg[0] | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return stopped(errno);
    if (connect(fd, (const struct sockaddr *)&n.a, n.len) != 0)
        return stopped(errno);
    (void)send(fd, p->name, strlen(p->name), MSG_NOSIGNAL | MSG_DONTWAIT);
    return allowed();
}

/* Half of a pair has no peer's name but may be given one. */
static struct result pair_sendto(const struct probe *p)
{
    const struct name n = name_of(p->text);
    int pair[2];

    if (socketpair(AF_UNIX, (int)p->arg[0] | SOCK_CLOEXEC, 0, pair) != 0)
        return stopped(errno);
    return by(sendto(pair[0], p->name, strlen(p->name), MSG_NOSIGNAL,
                     (const struct sockaddr *)&n.a, n.len));
}

static struct result pair_connect(const struct probe *p)
{
    const struct name n = name_of(p->text);
    int pair[2];

    if (socketpair(AF_UNIX, (int)p->arg[0] | SOCK_CLOEXEC, 0, pair) != 0)
        return stopped(errno);
    (void)close(pair[1]);
    return by(connect(pair[0], (const struct sockaddr *)&n.a, n.len));
}

static struct result through_link(const struct probe *p)
{
    const char *path = scratch("sock");
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd;

    (void)unlink(path);
    if ((p->arg[1] != 0 ? link(expand(p->text), path)
                        : symlink(expand(p->text), path)) != 0)
        return stopped(errno);
    (void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return stopped(errno);
    return by(connect(fd, (const struct sockaddr *)&a, sizeof(a)));
}

static struct result bind_name(const struct probe *p)
{
    const struct name n = name_of(p->text);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return stopped(errno);
    return by(bind(fd, (const struct sockaddr *)&n.a, n.len));
}

/* A descriptor for the victim's socket: smuggling between two worlds. */
static struct result pass_descriptor(const struct probe *p)
{
    const struct name n = name_of(p->text);
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec v = {(void *)(size_t)p->name, strlen(p->name)};
    struct msghdr h = {.msg_iov = &v,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof(control)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&h);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), out = 1;

    if (fd < 0)
        return stopped(errno);
    if (connect(fd, (const struct sockaddr *)&n.a, n.len) != 0)
        return stopped(errno);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &out, sizeof(out));
    return by(sendmsg(fd, &h, MSG_NOSIGNAL));
}

static const struct probe probes[] = {
    {"unix.stream",
     "connect to a socket by its path",
     connect_to,
     "@D/stream.sock",
     0,
     {SOCK_STREAM}},
    {"unix.dgram",
     "send to a datagram socket by its path",
     connect_to,
     "@D/dgram.sock",
     0,
     {SOCK_DGRAM}},
    {"unix.abstract",
     "connect to an abstract socket",
     connect_to,
     "%@A",
     0,
     {SOCK_STREAM}},
    {"unix.abstract_dgram",
     "send to an abstract datagram socket",
     connect_to,
     "%@A-d",
     0,
     {SOCK_DGRAM}},
    {"unix.agent_socket",
     "connect to the sidecar's agent socket",
     connect_to,
     "@R",
     0,
     {SOCK_STREAM}},
    {"unix.admin_socket",
     "connect to the sidecar's admin socket",
     connect_to,
     "@R/../../admin/admin.sock",
     0,
     {SOCK_STREAM}},
    {"unix.docker",
     "connect to docker.sock",
     connect_to,
     "/var/run/docker.sock",
     0,
     {SOCK_STREAM}},
    {"unix.by_root",
     "the socket beneath /proc/self/root",
     connect_to,
     "/proc/self/root@D/stream.sock",
     0,
     {SOCK_STREAM}},
    {"unix.by_victim_root",
     "the socket beneath /proc/PID/root",
     connect_to,
     "/proc/@P/root@D/stream.sock",
     0,
     {SOCK_STREAM}},
    {"unix.pair_dgram",
     "sendto from half of a datagram pair",
     pair_sendto,
     "@D/dgram.sock",
     0,
     {SOCK_DGRAM}},
    {"unix.pair_dgram_abstract",
     "the same to an abstract name",
     pair_sendto,
     "%@A-d",
     0,
     {SOCK_DGRAM}},
    {"unix.pair_stream",
     "connect half of a stream pair",
     pair_connect,
     "@D/stream.sock",
     0,
     {SOCK_STREAM}},
    {"unix.pair_dgram_connect",
     "connect half of a datagram pair",
     pair_connect,
     "@D/dgram.sock",
     0,
     {SOCK_DGRAM}},
    {"unix.hardlink",
     "the socket through a hard link",
     through_link,
     "@D/stream.sock",
     0,
     {0, 1}},
    {"unix.symlink",
     "the socket through a symbolic link",
     through_link,
     "@D/stream.sock",
     0,
     {0, 0}},
    {"unix.bind_abstract",
     "listen at an abstract name",
     bind_name,
     "%@A-mine",
     0,
     {0}},
    {"unix.bind_path",
     "make a socket outside",
     bind_name,
     "@D/drop/bound.sock",
     0,
     {0}},
    {"unix.pass_fd",
     "give a descriptor to the victim",
     pass_descriptor,
     "@D/stream.sock",
     0,
     {0}},
};

const struct area area_unix = {probes, sizeof(probes) / sizeof(probes[0])};
