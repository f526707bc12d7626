#include "tests/lib/ts_test.h"

#include "grants_rig.h"

#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"
#include "sidecar/broker/ask.h"
#include "sidecar/broker/gate_io.h"
#include "sidecar/broker/resolve.h"
#include "sidecar/common/fds.h"

static int listen_at(int backlog, uint16_t *ret_port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
    assert_int_equal(listen(fd, backlog), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    *ret_port = ntohs(a.sin_port);
    return fd;
}

/* Its queue is full: who connects now waits. */
static void fill(struct rig *r)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(r->ports[1]),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    for (int i = 0; i < 4; i++) {
        r->filler[i] =
            socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(r->filler[i], (struct sockaddr *)&a, sizeof(a));
    }
}

static void make_resolver(struct rig *r)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    char csv[64];

    r->dns = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(r->dns, (struct sockaddr *)&a, len), 0);
    assert_int_equal(getsockname(r->dns, (struct sockaddr *)&a, &len), 0);
    (void)snprintf(csv, sizeof(csv), "127.0.0.1:%u", ntohs(a.sin_port));
    assert_int_equal(resolver_new(&r->b.loop, csv, &r->b.resolver), TS_OK);
}

static void make_manifest(struct rig *r)
{
    r->loopback.prefix = 96 + 8;
    r->loopback.address[10] = r->loopback.address[11] = 0xff;
    r->loopback.address[12] = 127;
    r->allow[0] = (struct manifest_host){.host = TS_STR_LIT("127.0.0.1"),
                                         .ports = r->ports,
                                         .port_count = 3,
                                         .addresses = &r->loopback,
                                         .address_count = 1};
    r->allow[1] = (struct manifest_host){
        .host = TS_STR_LIT("slow.test"), .ports = r->ports, .port_count = 1};
    r->tool = (struct manifest){.tool = TS_STR_LIT("t"),
                                .network = {.mode = NETWORK_BROKER,
                                            .allow = r->allow,
                                            .allow_count = 2,
                                            .max_connections = 3,
                                            .max_bytes = 1 << 20}};
    r->manifests =
        (struct manifests){.list = &r->tool, .count = 1, .generation = 1};
    r->policy = (struct policy){.manifests = &r->manifests, .holders = 1000};
}

int rig_keep_numbers(void **state)
{
    (void)state;
    for (int fd = FD_CONTROL; fd <= BROKER_FD_LAUNCHER; fd++) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        if (fcntl(fd, F_GETFD) < 0 && null != fd)
            assert_int_equal(dup2(null, fd), fd);
        if (null > BROKER_FD_LAUNCHER)
            (void)close(null);
    }
    return 0;
}

void rig_open(struct rig *r)
{
    int ends[2];

    memset(r, 0, sizeof(*r));
    r->channel = r->host = r->dns = -1;
    r->listener = listen_at(64, &r->ports[0]);
    r->full = listen_at(1, &r->ports[1]);
    r->ports[2] = 1; /* nobody listens there */
    fill(r);
    make_manifest(r);
    assert_int_equal(
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    assert_int_equal(dup2(ends[0], BROKER_FD_GATE), BROKER_FD_GATE);
    (void)close(ends[0]);
    r->gate = ends[1];
}

void rig_close(struct rig *r)
{
    int *const all[] = {&r->channel,   &r->host,      &r->dns,
                        &r->gate,      &r->full,      &r->listener,
                        &r->filler[0], &r->filler[1], &r->filler[2],
                        &r->filler[3]};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        ts_fd_close(all[i]);
    assert_int_equal(dup2(FD_CONTROL, BROKER_FD_GATE), BROKER_FD_GATE);
}

ts_err rig_begin(struct rig *r)
{
    ts_err e = broker_init(&r->b);

    if (e != TS_OK)
        return e;
    r->b.current = &r->policy;
    r->b.modes[EGRESS_BROKER] = &ask_mode;
    return gate_io_start(&r->b);
}

void rig_end(struct rig *r)
{
    r->b.current = NULL; /* not of the heap */
    if (r->b.gate != NULL) {
        broker_done(&r->b);
        return;
    }
    (void)uv_run(&r->b.loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&r->b.loop);
    ts_mem_free(r->b.relay_buf);
}

int rig_setup(void **state)
{
    static struct rig r;

    rig_open(&r);
    assert_int_equal(rig_begin(&r), TS_OK);
    make_resolver(&r);
    *state = &r;
    return 0;
}

int rig_teardown(void **state)
{
    struct rig *r = *state;

    rig_end(r);
    rig_close(r);
    assert_int_equal(r->b.conn_count, 0);
    assert_int_equal(r->b.grant_count, 0);
    return 0;
}

void rig_turn(struct rig *r)
{
    (void)uv_run(&r->b.loop, UV_RUN_NOWAIT);
}

ts_err rig_add(struct rig *r, uint64_t order)
{
    const struct egress_grant m = {.order_id = order,
                                   .generation = 1,
                                   .tool = TS_STR_LIT("t"),
                                   .decision_id = {7},
                                   .mode = EGRESS_BROKER,
                                   .token = TS_STR_LIT("")};
    int ends[2];

    assert_int_equal(
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    ts_fd_close(&r->channel);
    r->channel = ends[1];
    return grants_add(&r->b, 0, &m, ends[0]);
}

void send_fds(int sock, const void *bytes, size_t len, const int *fds, size_t n)
{
    _Alignas(struct cmsghdr) char room[CMSG_SPACE(4 * sizeof(int))] = {0};
    struct iovec iov = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = len};
    struct msghdr h = {.msg_iov = &iov, .msg_iovlen = 1};

    if (n > 0) {
        struct cmsghdr *c = (struct cmsghdr *)(void *)room;

        h.msg_control = room;
        h.msg_controllen = CMSG_SPACE(n * sizeof(int));
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(n * sizeof(int));
        memcpy(CMSG_DATA(c), fds, n * sizeof(int));
    }
    (void)sendmsg(sock, &h, MSG_NOSIGNAL | MSG_DONTWAIT);
}

struct asked rig_ask(const struct rig *r, const char *host, uint16_t port)
{
    const struct egress_ask m = {.host = ts_str_of(host), .port = port};
    uint8_t buf[512] = {EGRESS_ASK};
    int a[2], b[2];
    size_t n = 0;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, a), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, b),
                     0);
    assert_int_equal(egress_ask_encode(&m, buf + 1, sizeof(buf) - 1, &n),
                     TS_OK);
    send_fds(r->channel, buf, n + 1, (int[]){a[0], b[0]}, 2);
    (void)close(a[0]);
    (void)close(b[0]);
    return (struct asked){.stream = a[1], .answer = b[1]};
}

void rig_hang_up(struct asked *a)
{
    ts_fd_close(&a->stream);
    ts_fd_close(&a->answer);
}

ssize_t rig_hear(struct rig *r, int fd, void *buf, size_t cap)
{
    for (int i = 0; i < RIG_TURNS_MAX; i++) {
        ssize_t n;

        rig_turn(r);
        n = recv(fd, buf, cap, MSG_DONTWAIT);
        if (n > 0)
            return n;
        if (n == 0)
            return -1;
        (void)poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 1);
    }
    return -1;
}

int rig_told(struct rig *r, const struct asked *a)
{
    uint8_t buf[512];
    struct egress_reply m;
    const char *what;
    ssize_t n = rig_hear(r, a->answer, buf, sizeof(buf));

    if (n <= 0)
        return -1;
    assert_int_equal(buf[0], EGRESS_REPLY);
    assert_int_equal(egress_reply_decode(buf + 1, (size_t)n - 1, &m, &what),
                     TS_OK);
    return (int)m.code;
}

int gate_hears(struct rig *r, uint8_t buf[EGRESS_MESSAGE_MAX], size_t *ret_len)
{
    ssize_t n = rig_hear(r, r->gate, buf, EGRESS_MESSAGE_MAX);

    *ret_len = n > 0 ? (size_t)n - 1 : 0;
    return n > 0 ? buf[0] : 0;
}

uint64_t hears_opened(struct rig *r)
{
    static uint8_t buf[EGRESS_MESSAGE_MAX];
    struct egress_opened m;
    const char *what;
    size_t n;

    assert_int_equal(gate_hears(r, buf, &n), EGRESS_OPENED);
    assert_int_equal(egress_opened_decode(buf + 1, n, &m, &what), TS_OK);
    assert_int_equal(m.what.decision_id[0], 7);
    return m.conn_id;
}

enum egress_code hears_denied(struct rig *r, uint64_t *ret_count)
{
    static uint8_t buf[EGRESS_MESSAGE_MAX];
    struct egress_denied m;
    const char *what;
    size_t n;

    assert_int_equal(gate_hears(r, buf, &n), EGRESS_DENIED);
    assert_int_equal(egress_denied_decode(buf + 1, n, &m, &what), TS_OK);
    *ret_count = m.count;
    return m.code;
}

struct egress_closed hears_closed(struct rig *r)
{
    static uint8_t buf[EGRESS_MESSAGE_MAX];
    struct egress_closed m;
    const char *what;
    size_t n;

    assert_int_equal(gate_hears(r, buf, &n), EGRESS_CLOSED);
    assert_int_equal(egress_closed_decode(buf + 1, n, &m, &what), TS_OK);
    return m;
}

void gate_answers(const struct rig *r, uint64_t id, enum egress_code code)
{
    const struct egress_answer m = {.conn_id = id, .code = code};
    uint8_t buf[64] = {EGRESS_ANSWER};
    size_t n = 0;

    assert_int_equal(egress_answer_encode(&m, buf + 1, sizeof(buf) - 1, &n),
                     TS_OK);
    (void)send(r->gate, buf, n + 1, MSG_NOSIGNAL);
}

void gate_ends(const struct rig *r, uint64_t order)
{
    const struct egress_end m = {.order_id = order, .reason = END_REVOKED};
    uint8_t buf[64] = {EGRESS_END};
    size_t n = 0;

    assert_int_equal(egress_end_encode(&m, buf + 1, sizeof(buf) - 1, &n),
                     TS_OK);
    (void)send(r->gate, buf, n + 1, MSG_NOSIGNAL);
}

int rig_count_fds(void)
{
    DIR *d = opendir("/proc/self/fd");
    int n = 0;

    assert_non_null(d);
    while (readdir(d) != NULL)
        n++;
    (void)closedir(d);
    return n;
}
