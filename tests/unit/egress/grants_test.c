/*
 * Grants, wishes and dials of mode broker, whole, between a fake gate, a tool
 * that is ours, and hosts on the loopback. Every (state of a wish, event) pair
 * is tried: nobody waits for ever, nothing stays open, and what was recorded as
 * opened is recorded as closed.
 */
#include "tests/lib/ts_test.h"

#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"
#include "sidecar/broker/ask.h"
#include "sidecar/broker/broker.h"
#include "sidecar/broker/gate_io.h"
#include "sidecar/broker/grants.h"
#include "sidecar/broker/resolve.h"
#include "sidecar/common/fds.h"
#include "tests/lib/fault_mem.h"

#define TURNS_MAX 3000 /* of a millisecond each, for what must happen */

struct rig {
    struct broker b;
    struct policy policy;
    struct manifests manifests;
    struct manifest tool;
    struct manifest_host allow[2];
    struct manifest_cidr loopback;
    uint16_t ports[3];
    int gate, channel; /* our ends */
    int listener, full, host;
    int filler[4];
    int dns; /* a name server that never answers */
};

/* ---- the world --------------------------------------------------------- */

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

/* Numbers of ours that the broker uses by number. */
static int keep_numbers(void **state)
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

static void open_world(struct rig *r)
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

static void close_world(struct rig *r)
{
    int *const all[] = {&r->channel,   &r->host,      &r->dns,
                        &r->gate,      &r->full,      &r->listener,
                        &r->filler[0], &r->filler[1], &r->filler[2],
                        &r->filler[3]};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        ts_fd_close(all[i]);
    assert_int_equal(dup2(FD_CONTROL, BROKER_FD_GATE), BROKER_FD_GATE);
}

static ts_err begin(struct rig *r)
{
    ts_err e = broker_init(&r->b);

    if (e != TS_OK)
        return e;
    r->b.current = &r->policy;
    r->b.modes[EGRESS_BROKER] = &ask_mode;
    return gate_io_start(&r->b);
}

static void end_broker(struct rig *r)
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

static int setup(void **state)
{
    static struct rig r;

    open_world(&r);
    assert_int_equal(begin(&r), TS_OK);
    make_resolver(&r);
    *state = &r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    end_broker(r);
    close_world(r);
    assert_int_equal(r->b.conn_count, 0);
    assert_int_equal(r->b.grant_count, 0);
    return 0;
}

/* ---- talking ----------------------------------------------------------- */

static void turn(struct rig *r)
{
    (void)uv_run(&r->b.loop, UV_RUN_NOWAIT);
}

static ts_err add(struct rig *r, uint64_t order)
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

static void send_fds(int sock, const void *bytes, size_t len, const int *fds,
                     size_t n)
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

struct asked {
    int stream, answer; /* the tool's */
};

static struct asked ask(const struct rig *r, const char *host, uint16_t port)
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

static void hang_up(struct asked *a)
{
    ts_fd_close(&a->stream);
    ts_fd_close(&a->answer);
}

/* Waits for a message; -1: it was closed without one, or nothing comes. */
static ssize_t hear(struct rig *r, int fd, void *buf, size_t cap)
{
    for (int i = 0; i < TURNS_MAX; i++) {
        ssize_t n;

        turn(r);
        n = recv(fd, buf, cap, MSG_DONTWAIT);
        if (n > 0)
            return n;
        if (n == 0)
            return -1;
        (void)poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 1);
    }
    return -1;
}

/* The code that the tool is told; -1: its end of the channel was closed. */
static int told(struct rig *r, const struct asked *a)
{
    uint8_t buf[512];
    struct egress_reply m;
    const char *what;
    ssize_t n = hear(r, a->answer, buf, sizeof(buf));

    if (n <= 0)
        return -1;
    assert_int_equal(buf[0], EGRESS_REPLY);
    assert_int_equal(egress_reply_decode(buf + 1, (size_t)n - 1, &m, &what),
                     TS_OK);
    return (int)m.code;
}

/* What the gate is told next; 0: nothing. */
static int gate_hears(struct rig *r, uint8_t buf[EGRESS_MESSAGE_MAX],
                      size_t *ret_len)
{
    ssize_t n = hear(r, r->gate, buf, EGRESS_MESSAGE_MAX);

    *ret_len = n > 0 ? (size_t)n - 1 : 0;
    return n > 0 ? buf[0] : 0;
}

static uint64_t hears_opened(struct rig *r)
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

static enum egress_code hears_denied(struct rig *r, uint64_t *ret_count)
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

static struct egress_closed hears_closed(struct rig *r)
{
    static uint8_t buf[EGRESS_MESSAGE_MAX];
    struct egress_closed m;
    const char *what;
    size_t n;

    assert_int_equal(gate_hears(r, buf, &n), EGRESS_CLOSED);
    assert_int_equal(egress_closed_decode(buf + 1, n, &m, &what), TS_OK);
    return m;
}

static void gate_answers(const struct rig *r, uint64_t id,
                         enum egress_code code)
{
    const struct egress_answer m = {.conn_id = id, .code = code};
    uint8_t buf[64] = {EGRESS_ANSWER};
    size_t n = 0;

    assert_int_equal(egress_answer_encode(&m, buf + 1, sizeof(buf) - 1, &n),
                     TS_OK);
    (void)send(r->gate, buf, n + 1, MSG_NOSIGNAL);
}

static void gate_ends(const struct rig *r, uint64_t order)
{
    const struct egress_end m = {.order_id = order, .reason = END_REVOKED};
    uint8_t buf[64] = {EGRESS_END};
    size_t n = 0;

    assert_int_equal(egress_end_encode(&m, buf + 1, sizeof(buf) - 1, &n),
                     TS_OK);
    (void)send(r->gate, buf, n + 1, MSG_NOSIGNAL);
}

static int count_fds(void)
{
    DIR *d = opendir("/proc/self/fd");
    int n = 0;

    assert_non_null(d);
    while (readdir(d) != NULL)
        n++;
    (void)closedir(d);
    return n;
}

/* ---- tests ------------------------------------------------------------- */

static void a_wish_is_recorded_before_it_is_granted(void **state)
{
    struct rig *r = *state;
    struct egress_closed closed;
    struct asked a;
    uint64_t id;
    char buf[8];

    assert_int_equal(add(r, 1), TS_OK);
    a = ask(r, "127.0.0.1", r->ports[0]);
    id = hears_opened(r);
    for (int i = 0; i < 20; i++)
        turn(r);
    assert_int_equal(recv(a.answer, buf, 1, MSG_DONTWAIT), -1);
    gate_answers(r, id, EGRESS_OK);
    assert_int_equal(told(r, &a), EGRESS_OK);
    r->host = accept4(r->listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(r->host >= 0);
    assert_int_equal(send(a.stream, "to", 2, 0), 2);
    assert_int_equal(hear(r, r->host, buf, sizeof(buf)), 2);
    assert_int_equal(send(r->host, "fro", 3, 0), 3);
    assert_int_equal(hear(r, a.stream, buf, sizeof(buf)), 3);
    hang_up(&a);
    closed = hears_closed(r);
    assert_int_equal(closed.conn_id, id);
    assert_int_equal(closed.bytes_out, 2);
    assert_int_equal(closed.bytes_in, 3);
    assert_int_equal(closed.requests, 0);
}

static void what_is_refused_is_told_and_recorded(void **state)
{
    static const struct {
        const char *host;
        int port; /* -1 to -3: of the rig */
        enum egress_code code;
    } rows[] = {
        {"127.0.0.1", 9, EGRESS_PORT_DENIED},
        {"127.0.0.1", 0, EGRESS_PORT_DENIED},
        {"127.0.0.1", -3, EGRESS_REFUSED},
        {"127.0.0.2", -1, EGRESS_HOST_DENIED},
        {"localhost", -1, EGRESS_HOST_DENIED},
        {"fe80::1%lo", -1, EGRESS_NAME_INVALID},
        {"127.1", -1, EGRESS_NAME_INVALID},
        {"sl\xc3\xb6w.test", -1, EGRESS_NAME_INVALID},
        {"slow.test.evil.test", -1, EGRESS_HOST_DENIED},
        {"xn--slw-tna.test", -1, EGRESS_HOST_DENIED},
        {"", -1, EGRESS_NAME_INVALID},
    };
    struct rig *r = *state;

    assert_int_equal(add(r, 1), TS_OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint16_t port = rows[i].port >= 0 ? (uint16_t)rows[i].port
                                          : r->ports[-rows[i].port - 1];
        struct asked a = ask(r, rows[i].host, port);
        uint64_t count;

        assert_int_equal(told(r, &a), rows[i].code);
        assert_int_equal(hears_denied(r, &count), rows[i].code);
        hang_up(&a);
    }
}

static void a_tool_that_goes_on_asking_fills_no_log(void **state)
{
    struct rig *r = *state;
    uint64_t count = 0;

    assert_int_equal(add(r, 1), TS_OK);
    for (int i = 0; i < 100; i++) {
        struct asked a = ask(r, "evil.test", 80);

        assert_int_equal(told(r, &a), EGRESS_HOST_DENIED);
        hang_up(&a);
    }
    for (int i = 0; i < 64; i++) {
        (void)hears_denied(r, &count);
        assert_int_equal(count, 1);
    }
    grants_end(&r->b, 0, 1, END_EXITED);
    (void)hears_denied(r, &count);
    assert_int_equal(count, 36);
}

static void
a_message_that_cannot_be_read_ends_the_channel_and_leaks_nothing(void **state)
{
    struct rig *r = *state;
    int pair[2], before, tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    uint64_t count;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair),
                     0);
    before = count_fds();
    for (uint64_t i = 0; i < 6; i++) {
        /* a whole wish, so that descriptors alone are wrong */
        const int sets[6][4] = {{0},
                                {pair[0]},
                                {pair[0], pair[0], pair[0]},
                                {pair[0], tcp},
                                {null, null},
                                {tcp, pair[0]}};
        static const size_t n[6] = {0, 1, 3, 2, 2, 2};
        const struct egress_ask m = {.host = TS_STR_LIT("127.0.0.1"),
                                     .port = r->ports[0]};
        uint8_t buf[512] = {EGRESS_ASK};
        size_t len = 0;

        assert_int_equal(add(r, 10 + i), TS_OK);
        assert_int_equal(egress_ask_encode(&m, buf + 1, sizeof(buf) - 1, &len),
                         TS_OK);
        send_fds(r->channel, buf, len + 1, sets[i], n[i]);
        assert_int_equal(hears_denied(r, &count), EGRESS_MALFORMED);
        assert_true(hear(r, r->channel, buf, sizeof(buf)) < 0);
        grants_end(&r->b, 0, 10 + i, END_EXITED);
        ts_fd_close(&r->channel);
        for (int t = 0; t < 5; t++)
            turn(r);
        assert_int_equal(count_fds(), before);
    }
    ts_fd_close(&pair[0]);
    ts_fd_close(&pair[1]);
    ts_fd_close(&tcp);
    ts_fd_close(&null);
}

static void nobody_takes_more_than_his_places(void **state)
{
    struct rig *r = *state;
    struct asked a[5];
    uint64_t count;

    assert_int_equal(add(r, 1), TS_OK);
    for (int i = 0; i < 4; i++)
        a[i] = ask(r, "127.0.0.1", r->ports[1]); /* they wait */
    assert_int_equal(told(r, &a[3]), EGRESS_TOO_MANY);
    assert_int_equal(hears_denied(r, &count), EGRESS_TOO_MANY);
    for (int i = 0; i < 4; i++)
        hang_up(&a[i]);
}

static void who_has_most_leaves_places_for_the_others(void **state)
{
    struct rig *r = *state;
    struct asked a[3];
    int channel;

    r->tool.network.max_connections = 1024;
    r->b.conns_max = 4; /* two for whoever comes first, then a share each */
    assert_int_equal(add(r, 1), TS_OK);
    for (int i = 0; i < 3; i++)
        a[i] = ask(r, "127.0.0.1", r->ports[1]);
    assert_int_equal(told(r, &a[2]), EGRESS_TOO_MANY);
    channel = r->channel;
    r->channel = -1;
    assert_int_equal(add(r, 2), TS_OK);
    hang_up(&a[2]);
    a[2] = ask(r, "127.0.0.1", r->ports[0]);
    r->host = -1;
    for (int i = 0; i < TURNS_MAX && r->b.conn_count < 3; i++)
        turn(r);
    assert_int_equal(r->b.conn_count, 3);
    for (int i = 0; i < 3; i++)
        hang_up(&a[i]);
    ts_fd_close(&channel);
}

static void grants_that_make_no_sense_are_refused(void **state)
{
    struct rig *r = *state;
    struct egress_grant m = {.order_id = 5,
                             .generation = 2, /* of no manifests */
                             .tool = TS_STR_LIT("t"),
                             .mode = EGRESS_BROKER,
                             .token = TS_STR_LIT("")};
    int before = count_fds(), ends[2];

    assert_int_equal(add(r, 5), TS_OK);
    ts_fd_close(&r->channel);
    assert_int_equal(add(r, 5), TS_E_STATE); /* twice */
    ts_fd_close(&r->channel);
    grants_end(&r->b, 0, 5, END_EXITED);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(
            socketpair(AF_UNIX, i == 3 ? SOCK_STREAM : SOCK_SEQPACKET, 0, ends),
            0);
        m.generation = i == 0 ? 2 : 1;
        m.tool = i == 1 ? TS_STR_LIT("other") : TS_STR_LIT("t");
        m.mode = i == 2 ? EGRESS_PROXY : EGRESS_BROKER;
        assert_int_not_equal(grants_add(&r->b, 0, &m, ends[0]), TS_OK);
        (void)close(ends[1]);
    }
    for (int i = 0; i < 5; i++)
        turn(r);
    assert_int_equal(count_fds(), before);
    assert_int_equal(r->b.grant_count, 0);
}

/* ---- every state and every event --------------------------------------- */

enum wish_state {
    IS_ASKED,      /* in the channel, not read */
    IS_RESOLVING,  /* no name server answers */
    IS_CONNECTING, /* the host does not take it */
    IS_RECORDING,  /* the gate has not answered */
    IS_OPEN,
    WISH_STATES
};
enum wish_event {
    LAUNCHER_ENDS,
    LAUNCHER_KILLS,
    GATE_ENDS,
    GATE_GOES,
    TOOL_LEAVES, /* its channel and its ends are closed */
    ANSWER_OK,
    ANSWER_NO,
    ANSWER_OF_ANOTHER,
    NONSENSE, /* in the channel */
    WISH_EVENTS
};

static struct asked bring(struct rig *r, enum wish_state s, uint64_t *ret_id)
{
    struct asked a = ask(r, s == IS_RESOLVING ? "slow.test" : "127.0.0.1",
                         r->ports[s == IS_CONNECTING ? 1 : 0]);

    *ret_id = 0;
    if (s == IS_RESOLVING || s == IS_CONNECTING) {
        for (int i = 0; i < 20; i++)
            turn(r);
        assert_int_equal(r->b.conn_count, 1);
    }
    if (s >= IS_RECORDING)
        *ret_id = hears_opened(r);
    if (s == IS_OPEN) {
        gate_answers(r, *ret_id, EGRESS_OK);
        assert_int_equal(told(r, &a), EGRESS_OK);
    }
    return a;
}

static void happen(struct rig *r, enum wish_event e, struct asked *a,
                   uint64_t id)
{
    switch (e) {
    case LAUNCHER_ENDS:
        grants_end(&r->b, 0, 1, END_EXITED);
        break;
    case LAUNCHER_KILLS:
        grants_end(&r->b, 0, 1, END_REVOKED);
        break;
    case GATE_ENDS:
        gate_ends(r, 1);
        break;
    case GATE_GOES:
        (void)shutdown(r->gate, SHUT_RDWR);
        break;
    case TOOL_LEAVES:
        hang_up(a);
        ts_fd_close(&r->channel);
        break;
    case ANSWER_OK:
        gate_answers(r, id != 0 ? id : 99, EGRESS_OK);
        break;
    case ANSWER_NO:
        gate_answers(r, id != 0 ? id : 99, EGRESS_NOT_RECORDED);
        break;
    case ANSWER_OF_ANOTHER:
        gate_answers(r, 12345, EGRESS_OK);
        break;
    case NONSENSE:
        (void)send(r->channel, "?", 1, MSG_NOSIGNAL);
        break;
    case WISH_EVENTS:
        break;
    }
}

static void one_pair(struct rig *r, enum wish_state s, enum wish_event e)
{
    uint64_t id;
    struct asked a;
    int open = 0, type;
    static uint8_t buf[EGRESS_MESSAGE_MAX];

    assert_int_equal(add(r, 1), TS_OK);
    a = bring(r, s, &id);
    open = s >= IS_RECORDING;
    happen(r, e, &a, id);
    for (int i = 0; i < 20; i++)
        turn(r);
    grants_end(&r->b, 0, 1, END_REVOKED); /* in the end all are ended */
    for (int i = 0; i < 5; i++)
        turn(r);
    assert_int_equal(r->b.conn_count, 0);
    assert_int_equal(r->b.grant_count, 0);
    if (a.stream >= 0) { /* the tool sees the end of both */
        while (recv(a.answer, buf, sizeof(buf), MSG_DONTWAIT) > 0)
            ;
        assert_int_equal(recv(a.answer, buf, 1, MSG_DONTWAIT), 0);
        assert_true(recv(a.stream, buf, 1, MSG_DONTWAIT) <= 0);
    }
    while (e != GATE_GOES &&
           (type = recv(r->gate, buf, sizeof(buf), MSG_DONTWAIT) > 0 ? buf[0]
                                                                     : 0) != 0)
        open += type == EGRESS_OPENED ? 1 : type == EGRESS_CLOSED ? -1 : 0;
    /* what the gate refused to record is not open */
    if (e != GATE_GOES && !(e == ANSWER_NO && s == IS_RECORDING))
        assert_int_equal(open, 0);
    hang_up(&a);
}

static void every_state_bears_every_event(void **state)
{
    for (int s = 0; s < WISH_STATES; s++) {
        for (int e = 0; e < WISH_EVENTS; e++) {
            (void)setup(state);
            one_pair(*state, (enum wish_state)s, (enum wish_event)e);
            if (s != WISH_STATES - 1 || e != WISH_EVENTS - 1)
                (void)teardown(state);
        }
    }
}

/* ---- no memory --------------------------------------------------------- */

static ts_err a_whole_life(const void *arg)
{
    static struct rig r;
    struct asked a = {.stream = -1, .answer = -1};
    uint8_t buf[512];
    ts_err e;

    (void)arg;
    open_world(&r);
    e = begin(&r);
    if (e == TS_OK)
        e = add(&r, 1);
    if (e == TS_OK) {
        a = ask(&r, "127.0.0.1", r.ports[0]);
        for (int i = 0; i < 30; i++)
            turn(&r);
        gate_answers(&r, r.b.conn_serial + (r.b.conn_serial == 0), EGRESS_OK);
        (void)send(a.stream, "x", 1, MSG_NOSIGNAL);
        for (int i = 0; i < 30; i++)
            turn(&r);
        if (recv(a.answer, buf, sizeof(buf), MSG_DONTWAIT) <= 0)
            e = TS_E_CLOSED;
        grants_end(&r.b, 0, 1, END_REVOKED);
    }
    hang_up(&a);
    end_broker(&r);
    close_world(&r);
    return fault_mem_fired() ? TS_E_NOMEM : e;
}

static void without_memory_a_wish_fails_and_nothing_stays(void **state)
{
    (void)state;
    fault_mem_sweep(a_whole_life, NULL, TS_OK, 5);
}

#define ONE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ONE(a_wish_is_recorded_before_it_is_granted),
        ONE(what_is_refused_is_told_and_recorded),
        ONE(a_tool_that_goes_on_asking_fills_no_log),
        ONE(a_message_that_cannot_be_read_ends_the_channel_and_leaks_nothing),
        ONE(nobody_takes_more_than_his_places),
        ONE(who_has_most_leaves_places_for_the_others),
        ONE(grants_that_make_no_sense_are_refused),
        cmocka_unit_test_teardown(every_state_bears_every_event, teardown),
        cmocka_unit_test(without_memory_a_wish_fails_and_nothing_stays),
    };
    return cmocka_run_group_tests(tests, keep_numbers, NULL);
}
