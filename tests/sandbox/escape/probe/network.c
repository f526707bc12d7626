/* The network by numbers. Nothing leaves the machine: loopback, or connect()
 * of a datagram socket, which sends nothing. */
#include "probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <net/if.h>

static struct result family(const struct probe *p)
{
    return by(socket((int)p->arg[0], (int)p->arg[1], (int)p->arg[2]));
}

static struct sockaddr_in local(char port)
{
    struct sockaddr_in a = {.sin_family = AF_INET};

    a.sin_port = htons((unsigned short)fact_number(port));
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

static struct result connect_tcp(const struct probe *p)
{
    const struct sockaddr_in a = local('T');
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, (int)p->arg[0]);

    if (fd < 0)
        return stopped(errno);
    return by(connect(fd, (const struct sockaddr *)&a, sizeof(a)));
}

static struct result connect_tcp6(const struct probe *p)
{
    struct sockaddr_in6 a = {.sin6_family = AF_INET6};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)p;
    if (fd < 0)
        return stopped(errno);
    a.sin6_port = htons((unsigned short)fact_number('T'));
    /* ::ffff:127.0.0.1 */
    a.sin6_addr.s6_addr[10] = a.sin6_addr.s6_addr[11] = 0xff;
    a.sin6_addr.s6_addr[12] = 127;
    a.sin6_addr.s6_addr[15] = 1;
    return by(connect(fd, (const struct sockaddr *)&a, sizeof(a)));
}

static struct result fast_open(const struct probe *p)
{
    const struct sockaddr_in a = local('T');
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)p;
    if (fd < 0)
        return stopped(errno);
    return by(sendto(fd, "tfo", 3, MSG_FASTOPEN | MSG_NOSIGNAL,
                     (const struct sockaddr *)&a, sizeof(a)));
}

static struct result send_udp(const struct probe *p)
{
    const struct sockaddr_in a = local('U');
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return stopped(errno);
    if (p->nr == SYS_sendto)
        return by(sendto(fd, p->name, strlen(p->name), 0,
                         (const struct sockaddr *)&a, sizeof(a)));
    if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) != 0)
        return stopped(errno);
    return by(write(fd, p->name, strlen(p->name)));
}

static struct result listen_tcp(const struct probe *p)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0)
        return stopped(errno);
    if (p->nr != 0 && bind(fd, (const struct sockaddr *)&a, sizeof(a)) != 0)
        return stopped(errno);
    return by(listen(fd, 1));
}

static struct result bind_udp(const struct probe *p)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    (void)p;
    if (fd < 0)
        return stopped(errno);
    return by(bind(fd, (const struct sockaddr *)&a, sizeof(a)));
}

/* A way out exists when the kernel finds a route: no packet is sent. */
static struct result route(const struct probe *p)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(53)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return stopped(errno);
    if (inet_pton(AF_INET, p->text, &a.sin_addr) != 1)
        return unsure("address");
    return by(connect(fd, (const struct sockaddr *)&a, sizeof(a)));
}

static struct result interfaces(const struct probe *p)
{
    struct ifreq req = {0};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    (void)p;
    if (fd < 0)
        return stopped(errno);
    req.ifr_ifindex = 1;
    return by(ioctl(fd, SIOCGIFNAME, &req));
}

static struct result tables(const struct probe *p)
{
    char buf[64] = {0};
    socklen_t len = sizeof(buf);
    int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);

    (void)p;
    if (fd < 0)
        return stopped(errno);
    return reached(getsockopt(fd, IPPROTO_IP, 64, buf, &len));
}

static struct result stdio_socket(const struct probe *p)
{
    struct sockaddr_storage a;

    (void)p;
    for (int fd = 0; fd < 3; fd++) {
        socklen_t len = sizeof(a);

        if (getsockname(fd, (struct sockaddr *)&a, &len) == 0)
            return allowed();
    }
    return stopped(ENOTSOCK);
}

#define FAMILY(name, what, f, type, proto)                                     \
    {                                                                          \
        "network." name, what, family, "", 0,                                  \
        {                                                                      \
            f, type, proto                                                     \
        }                                                                      \
    }

static const struct probe probes[] = {
    FAMILY("inet", "an IPv4 socket", AF_INET, SOCK_STREAM, 0),
    FAMILY("inet6", "an IPv6 socket", AF_INET6, SOCK_STREAM, 0),
    FAMILY("udp", "a UDP socket", AF_INET, SOCK_DGRAM, 0),
    FAMILY("raw_icmp", "a raw ICMP socket", AF_INET, SOCK_RAW, IPPROTO_ICMP),
    FAMILY("raw", "a raw IP socket", AF_INET, SOCK_RAW, IPPROTO_RAW),
    FAMILY("ping", "a ping socket", AF_INET, SOCK_DGRAM, IPPROTO_ICMP),
    FAMILY("mptcp", "a multipath TCP socket", AF_INET, SOCK_STREAM, 262),
    FAMILY("sctp", "an SCTP socket", AF_INET, SOCK_STREAM, 132),
    FAMILY("udplite", "a UDP-Lite socket", AF_INET, SOCK_DGRAM, 136),
    FAMILY("packet", "a packet socket", AF_PACKET, SOCK_RAW, 0x0300),
    FAMILY("netlink", "netlink: routes", AF_NETLINK, SOCK_RAW, 0),
    FAMILY("netlink_uevent", "netlink: devices", AF_NETLINK, SOCK_DGRAM, 15),
    FAMILY("netlink_filter", "netlink: packet filter", AF_NETLINK, SOCK_RAW,
           12),
    FAMILY("netlink_audit", "netlink: audit", AF_NETLINK, SOCK_RAW, 9),
    FAMILY("netlink_diag", "netlink: sockets of the host", AF_NETLINK, SOCK_RAW,
           4),
    FAMILY("vsock", "a socket to the hypervisor", AF_VSOCK, SOCK_STREAM, 0),
    FAMILY("alg", "the kernel's ciphers", AF_ALG, SOCK_SEQPACKET, 0),
    FAMILY("xdp", "an XDP socket", AF_XDP, SOCK_RAW, 0),
    FAMILY("key", "a PF_KEY socket", AF_KEY, SOCK_RAW, 2),
    FAMILY("bluetooth", "a Bluetooth socket", AF_BLUETOOTH, SOCK_RAW, 1),
    FAMILY("can", "a CAN socket", AF_CAN, SOCK_RAW, 1),
    FAMILY("rds", "an RDS socket", AF_RDS, SOCK_SEQPACKET, 0),
    FAMILY("tipc", "a TIPC socket", AF_TIPC, SOCK_STREAM, 0),
    FAMILY("smc", "an SMC socket", AF_SMC, SOCK_STREAM, 0),
    FAMILY("kcm", "a KCM socket", AF_KCM, SOCK_DGRAM, 0),
    FAMILY("qipcrtr", "a Qualcomm IPC socket", AF_QIPCRTR, SOCK_DGRAM, 0),
    FAMILY("family_high_bits", "AF_INET with bits above 32",
           AF_INET | (1L << 32), SOCK_STREAM, 0),
    {"network.tcp_connect",
     "connect to a service of the host",
     connect_tcp,
     "",
     0,
     {0}},
    {"network.tcp6_connect",
     "the same by an IPv4-mapped address",
     connect_tcp6,
     "",
     0,
     {0}},
    {"network.mptcp_connect",
     "the same by multipath TCP",
     connect_tcp,
     "",
     0,
     {262}},
    {"network.fast_open",
     "the same by sendto with MSG_FASTOPEN",
     fast_open,
     "",
     0,
     {0}},
    {"network.udp_send",
     "send a datagram to the host",
     send_udp,
     "",
     SYS_sendto,
     {0}},
    {"network.udp_connected",
     "the same, connected first",
     send_udp,
     "",
     SYS_write,
     {0}},
    {"network.listen", "listen without bind", listen_tcp, "", 0, {0}},
    {"network.bind_listen",
     "bind and listen on loopback",
     listen_tcp,
     "",
     1,
     {0}},
    {"network.bind_udp", "bind a UDP socket", bind_udp, "", 0, {0}},
    {"network.route_out", "a route to the world", route, "192.0.2.1", 0, {0}},
    {"network.route_metadata",
     "a route to the cloud's metadata",
     route,
     "169.254.169.254",
     0,
     {0}},
    {"network.interfaces",
     "names of the host's interfaces",
     interfaces,
     "",
     0,
     {0}},
    {"network.iptables", "tables of the packet filter", tables, "", 0, {0}},
    {"network.stdio",
     "standard input or output is a socket",
     stdio_socket,
     "",
     0,
     {0}},
    {"network.proc_tcp",
     "the host's connections in /proc/net/tcp",
     file_has,
     "/proc/net/tcp",
     'T',
     {1}},
    {"network.proc_unix",
     "the host's sockets in /proc/net/unix",
     file_has,
     "/proc/net/unix",
     'D',
     {0}},
};

const struct area area_network = {probes, sizeof(probes) / sizeof(probes[0])};
