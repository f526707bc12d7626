/*
 * What a connection of a tool costs. The same program is the host, the tool
 * and, outside of any box, the one that it is compared with:
 *
 *   bench_egress serve ADDRESS PORT          answers every GET with two bytes
 *   bench_egress connect|get ADDRESS PORT N  straight to it
 *   bench_egress ask HOST PORT N             as a tool, mode broker
 *   bench_egress tunnel|forward|keep HOST PORT N   as a tool, mode proxy
 *
 * prints the median of N in microseconds. connect and get make a connection
 * each time; ask waits for the answer of the broker; tunnel for that to
 * CONNECT; forward is a GET on a new connection, keep one on a connection that
 * is open.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "proto/msg/egress.h"

#define CLIENTS    1024
#define PROXY      "127.0.0.1"
#define PROXY_PORT 3128
#define REQUEST    "GET %s%s/ HTTP/1.1\r\nHost: %s\r\n\r\n"

static struct sockaddr_in to_address(const char *address, uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};

    if (inet_pton(AF_INET, address, &a.sin_addr) != 1)
        bench_die("this is no address");
    return a;
}

static int dial(const char *address, uint16_t port)
{
    const struct sockaddr_in a = to_address(address, port);
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    const int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (const struct sockaddr *)&a, sizeof(a)) != 0)
        bench_die("connect");
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    return fd;
}

/* Sends and waits for one read that ends in `end`. */
static void exchange(int fd, const char *text, const char *end)
{
    char buf[4096];
    size_t have = 0;

    bench_write(fd, text, strlen(text));
    while (have < strlen(end) ||
           memcmp(buf + have - strlen(end), end, strlen(end)) != 0) {
        ssize_t n = recv(fd, buf + have, sizeof(buf) - have, 0);

        if (n <= 0)
            bench_die("the answer ended early");
        have += (size_t)n;
    }
    if (strncmp(buf, "HTTP/1.1 200", 12) != 0)
        bench_die("the answer is not 200");
}

/* ---- the host ---------------------------------------------------------- */

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/* False: it is gone. Requests here fit one read. */
static bool serve_one(int fd)
{
    char buf[4096];
    ssize_t n = recv(fd, buf, sizeof(buf), 0);

    if (n <= 0)
        return false;
    return send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL) > 0;
}

static _Noreturn void serve(const char *address, uint16_t port)
{
    static struct pollfd p[CLIENTS];
    const struct sockaddr_in a = to_address(address, port);
    const int on = 1;
    nfds_t count = 1;

    p[0].fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    p[0].events = POLLIN;
    (void)setsockopt(p[0].fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(p[0].fd, (const struct sockaddr *)&a, sizeof(a)) != 0 ||
        listen(p[0].fd, 1024) != 0)
        bench_die("listen");
    for (;;) {
        if (poll(p, count, -1) < 0)
            bench_die("poll");
        for (nfds_t i = count; i-- > 1;) {
            if (p[i].revents != 0 && !serve_one(p[i].fd)) {
                (void)close(p[i].fd);
                p[i] = p[--count];
            }
        }
        if (p[0].revents != 0 && count < CLIENTS) {
            p[count] = (struct pollfd){.fd = accept(p[0].fd, NULL, NULL),
                                       .events = POLLIN};
            (void)setsockopt(p[count].fd, IPPROTO_TCP, TCP_NODELAY, &on,
                             sizeof(on));
            count += p[count].fd >= 0;
        }
    }
}

/* ---- the tool ---------------------------------------------------------- */

static void send_ask(int channel, const uint8_t *bytes, size_t len,
                     const int fds[2])
{
    _Alignas(struct cmsghdr) char room[CMSG_SPACE(2 * sizeof(int))] = {0};
    struct iovec iov = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = len};
    struct msghdr h = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = room,
                       .msg_controllen = sizeof(room)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&h);

    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(2 * sizeof(int));
    memcpy(CMSG_DATA(c), fds, 2 * sizeof(int));
    if (sendmsg(channel, &h, MSG_NOSIGNAL) < 0)
        bench_die("the broker took no wish");
}

static void ask(const char *host, uint16_t port)
{
    const char *number = getenv("TIPSTAFF_EGRESS_FD");
    const struct egress_ask m = {.host = ts_str_of(host), .port = port};
    uint8_t buf[512] = {EGRESS_ASK};
    struct egress_reply r;
    const char *what;
    int a[2], b[2];
    size_t n = 0;
    ssize_t got;

    if (number == NULL ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, a) != 0 ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, b) != 0 ||
        egress_ask_encode(&m, buf + 1, sizeof(buf) - 1, &n) != TS_OK)
        bench_die("not a tool with mode broker");
    send_ask((int)strtoul(number, NULL, 10), buf, n + 1, (int[]){a[0], b[0]});
    (void)close(a[0]);
    (void)close(b[0]);
    got = recv(b[1], buf, sizeof(buf), 0);
    if (got < 1 ||
        egress_reply_decode(buf + 1, (size_t)got - 1, &r, &what) != TS_OK ||
        r.code != EGRESS_OK)
        bench_die("the broker refused");
    (void)close(a[1]);
    (void)close(b[1]);
}

static void through_proxy(const char *text, const char *end)
{
    int fd = dial(PROXY, PROXY_PORT);

    exchange(fd, text, end);
    (void)close(fd);
}

static void one(const char *what, const char *host, uint16_t port, int kept)
{
    char text[1024], target[300];
    int fd = -1;

    (void)snprintf(target, sizeof(target), "%s:%u", host, port);
    if (strcmp(what, "connect") == 0 || strcmp(what, "get") == 0)
        fd = dial(host, port);
    if (strcmp(what, "tunnel") == 0)
        (void)snprintf(text, sizeof(text),
                       "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", target,
                       target);
    else
        (void)snprintf(text, sizeof(text), REQUEST,
                       strcmp(what, "get") == 0 ? "" : "http://",
                       strcmp(what, "get") == 0 ? "" : target, target);
    if (strcmp(what, "get") == 0) {
        exchange(fd, text, "ok");
    } else if (strcmp(what, "ask") == 0) {
        ask(host, port);
    } else if (strcmp(what, "tunnel") == 0) {
        through_proxy(text, "\r\n\r\n");
    } else if (strcmp(what, "forward") == 0) {
        through_proxy(text, "ok");
    } else if (strcmp(what, "keep") == 0) {
        exchange(kept, text, "ok");
    } else if (strcmp(what, "connect") != 0) {
        bench_die("connect, get, ask, tunnel, forward or keep");
    }
    if (fd >= 0)
        (void)close(fd);
}

int main(int argc, char **argv)
{
    struct bench_series s = {0};
    int kept = -1;
    uint16_t port;

    if (argc < 4)
        bench_die("bench_egress WHAT HOST PORT [N]");
    port = (uint16_t)strtoul(argv[3], NULL, 10);
    if (strcmp(argv[1], "serve") == 0)
        serve(argv[2], port);
    if (argc < 5)
        bench_die("how many?");
    if (strcmp(argv[1], "keep") == 0)
        kept = dial(PROXY, PROXY_PORT);
    for (unsigned long i = 0, n = strtoul(argv[4], NULL, 10); i < n + 5; i++) {
        uint64_t from = bench_now_ns();

        one(argv[1], argv[2], port, kept);
        if (i >= 5) /* warm */
            bench_series_add(&s, bench_now_ns() - from);
    }
    (void)printf("%.2f\n", bench_quantile_us(&s, 0.5));
    return 0;
}
