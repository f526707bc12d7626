/* One wish to connect in each of its states, and everything that can happen to
 * it there; then the whole way of a wish without memory. The hosts are our own
 * listeners on loopback, the gate is played by the test. */
#include "tests/lib/ts_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"
#include "sidecar/broker/ask.h"
#include "sidecar/broker/broker.h"
#include "sidecar/broker/dial.h"
#include "sidecar/broker/gate_io.h"
#include "sidecar/broker/grants.h"
#include "sidecar/broker/resolve.h"
#include "tests/lib/fault_mem.h"

#define GATE_BYTES 1024 /* of what stands for a gate_out that nobody reads */
#define TURNS_MAX  1000 /* of up to 10 ms */
#define FILLERS    4    /* connections that fill a queue of one */

static const struct manifest_cidr loopback = {
    .address = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1}, .prefix = 128};

struct rig {
    struct broker b;
    struct grant g;
    struct manifest m;
    struct manifest_host hosts[2];
    uint16_t port;
    int listener, silent; /* a host, and a DNS server that never answers */
    int filler[FILLERS];
    int calls; /* of done */
    enum egress_code code;
};

static void on_done(void *ctx, const struct dial_result *r)
{
    struct rig *x = ctx;
    int fd = r->fd;

    x->calls++;
    x->code = r->code;
    if (r->code != EGRESS_OK)
        return;
    ts_fd_close(&fd);
    conn_close(r->conn, EGRESS_CLOSE_DONE);
}

static int bound(int type, uint16_t *ret_port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&a, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    *ret_port = ntohs(a.sin_port);
    return fd;
}

static ts_err rig_begin(struct rig *x, int backlog)
{
    static uint64_t nobody[GATE_BYTES / sizeof(uint64_t)];
    void *gate = nobody;
    ts_err e;

    memset(x, 0, sizeof(*x));
    for (int i = 0; i < FILLERS; i++)
        x->filler[i] = -1;
    x->silent = -1;
    x->listener = bound(SOCK_STREAM, &x->port);
    assert_int_equal(listen(x->listener, backlog), 0);
    e = broker_init(&x->b);
    x->b.gate_is_gone = true;
    /* only its address and its zeros are looked at while nobody listens */
    x->b.gate = gate;
    own_init(&x->b.own);
    x->hosts[0] = (struct manifest_host){.host = TS_STR_LIT("127.0.0.1"),
                                         .ports = &x->port,
                                         .port_count = 1,
                                         .addresses = &loopback,
                                         .address_count = 1};
    x->hosts[1] = x->hosts[0];
    x->hosts[1].host = TS_STR_LIT("slow.example");
    x->m.network = (struct manifest_network){.mode = NETWORK_BROKER,
                                             .allow = x->hosts,
                                             .allow_count = 2,
                                             .max_connections = 8,
                                             .max_bytes = 1 << 20};
    x->g.broker = &x->b;
    x->g.manifest = &x->m;
    x->g.order_id = 1;
    x->g.fd = -1;
    x->b.grants = &x->g;
    return e;
}

static void turn(struct rig *x)
{
    for (int i = 0; i < 20; i++)
        (void)uv_run(&x->b.loop, UV_RUN_NOWAIT);
}

/* Until that many connections were told to the gate, or it is over. */
static void turn_until_opened(struct rig *x, uint64_t serial)
{
    struct pollfd loop = {.fd = uv_backend_fd(&x->b.loop), .events = POLLIN};

    turn(x);
    for (int i = 0; i < TURNS_MAX && x->g.dials != NULL && x->calls == 0 &&
                    x->b.conn_serial < serial;
         i++) {
        (void)poll(&loop, 1, 10);
        turn(x);
    }
}

/* Nothing of it is left: no handle, no place, no memory. */
static void rig_end(struct rig *x)
{
    if (x->b.resolver != NULL)
        resolver_close(x->b.resolver);
    (void)uv_run(&x->b.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&x->b.loop), 0);
    assert_null(x->g.dials);
    assert_null(x->g.conns);
    assert_int_equal(x->g.conn_count, 0);
    assert_int_equal(x->b.conn_count, 0);
    ts_mem_free(x->b.relay_buf);
    for (int i = 0; i < FILLERS; i++)
        ts_fd_close(&x->filler[i]);
    ts_fd_close(&x->silent);
    ts_fd_close(&x->listener);
}

/* ---- every state, every event ------------------------------------------ */

enum at {
    AT_BEGUN = 0, /* no turn of the loop yet */
    AT_RESOLVING,
    AT_CONNECTING,
    AT_RECORDING,
    AT_COUNT
};

enum event {
    EV_CANCEL = 0,
    EV_GRANT_ENDS,
    EV_RECORDED,
    EV_NOT_RECORDED,
    EV_OTHERS_ANSWER,
    EV_COUNT
};

#define PENDING (-1) /* nothing happens */
#define SILENT  (-2) /* it is over, and done is not called */

static const int outcome[AT_COUNT][EV_COUNT] = {
    [AT_BEGUN] = {SILENT, EGRESS_ENDED, PENDING, PENDING, PENDING},
    [AT_RESOLVING] = {SILENT, EGRESS_ENDED, PENDING, PENDING, PENDING},
    [AT_CONNECTING] = {SILENT, EGRESS_ENDED, PENDING, PENDING, PENDING},
    [AT_RECORDING] = {SILENT, EGRESS_ENDED, EGRESS_OK, EGRESS_NOT_RECORDED,
                      PENDING},
};

/* A listener whose queue is full lets a connection wait for ever. */
static void fill_queue(struct rig *x)
{
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons(x->port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    for (int i = 0; i < FILLERS; i++) {
        x->filler[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        assert_true(x->filler[i] >= 0);
        (void)connect(x->filler[i], (const struct sockaddr *)&to, sizeof(to));
    }
}

static void listen_to_nobody(struct rig *x)
{
    uint16_t port = 0;
    char csv[32];

    x->silent = bound(SOCK_DGRAM, &port);
    (void)snprintf(csv, sizeof(csv), "127.0.0.1:%u", port);
    assert_int_equal(resolver_new(&x->b.loop, csv, &x->b.resolver), TS_OK);
}

static struct dial *dial_at(struct rig *x, enum at at)
{
    const struct dial_want w = {.host = at == AT_RESOLVING
                                            ? TS_STR_LIT("slow.example")
                                            : TS_STR_LIT("127.0.0.1"),
                                .port = x->port,
                                .via = EGRESS_VIA_BROKER};
    struct dial *d = NULL;

    if (at == AT_RESOLVING)
        listen_to_nobody(x);
    if (at == AT_CONNECTING)
        fill_queue(x);
    assert_int_equal(dial_start(&x->g, &w, on_done, x, &d), TS_OK);
    if (at == AT_RECORDING)
        turn_until_opened(x, 1);
    else if (at != AT_BEGUN)
        turn(x);
    assert_int_equal(x->calls, 0);
    assert_int_equal(x->b.conn_serial, at == AT_RECORDING);
    return d;
}

static void happen(struct rig *x, struct dial *d, enum event ev)
{
    struct egress_answer m = {.conn_id = 1, .code = EGRESS_OK};

    switch (ev) {
    case EV_CANCEL:
        dial_cancel(d);
        return;
    case EV_GRANT_ENDS:
        dial_end_all(&x->g);
        return;
    case EV_NOT_RECORDED:
        m.code = EGRESS_NOT_RECORDED;
        break;
    case EV_OTHERS_ANSWER:
        m.conn_id = 2;
        break;
    case EV_RECORDED:
    case EV_COUNT:
        break;
    }
    dial_answered(&x->b, &m);
}

static void dial_every_event_in_every_state_ends_as_listed(void **state)
{
    static struct rig x;

    (void)state;
    for (int at = 0; at < AT_COUNT; at++) {
        for (int ev = 0; ev < EV_COUNT; ev++) {
            int want = outcome[at][ev];
            struct dial *d;

            /* a queue of one fills; the others take what comes */
            assert_int_equal(rig_begin(&x, at == AT_CONNECTING ? 0 : 8), TS_OK);
            d = dial_at(&x, (enum at)at);
            happen(&x, d, (enum event)ev);
            assert_int_equal(x.calls, want >= 0);
            if (want >= 0)
                assert_int_equal(x.code, want);
            assert_true((x.g.dials != NULL) == (want == PENDING));
            if (want == PENDING)
                dial_cancel(d);
            turn(&x);
            rig_end(&x);
        }
    }
}

static void dial_what_no_rule_allows_is_refused_without_a_packet(void **state)
{
    static struct rig x;
    struct dial_want w = {.via = EGRESS_VIA_BROKER};
    struct dial *d = NULL;

    (void)state;
    assert_int_equal(rig_begin(&x, 8), TS_OK);
    w.host = TS_STR_LIT("127.0.0.1");
    w.port = (uint16_t)(x.port ^ 1);
    assert_int_equal(dial_start(&x.g, &w, on_done, &x, &d), TS_OK);
    turn(&x);
    assert_int_equal(x.calls, 1);
    assert_int_equal(x.code, EGRESS_PORT_DENIED);
    w.host = TS_STR_LIT("127.0.0.2");
    w.port = x.port;
    assert_int_equal(dial_start(&x.g, &w, on_done, &x, &d), TS_OK);
    turn(&x);
    assert_int_equal(x.calls, 2);
    assert_int_equal(x.code, EGRESS_HOST_DENIED);
    assert_int_equal(x.b.conn_serial, 0);
    rig_end(&x);
}

/* ---- without memory ---------------------------------------------------- */

static void send_ask(int channel, uint16_t port, const int fds[2])
{
    const struct egress_ask m = {.host = TS_STR_LIT("127.0.0.1"), .port = port};
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(2 * sizeof(int))];
    } control = {.room = {0}};
    uint8_t buf[256] = {EGRESS_ASK};
    struct iovec iov = {.iov_base = buf};
    struct msghdr h = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control.room,
                       .msg_controllen = sizeof(control.room)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&h);
    size_t n = 0;

    assert_int_equal(egress_ask_encode(&m, buf + 1, sizeof(buf) - 1, &n),
                     TS_OK);
    iov.iov_len = n + 1;
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(2 * sizeof(int));
    memcpy(CMSG_DATA(c), fds, 2 * sizeof(int));
    assert_int_equal(sendmsg(channel, &h, 0), n + 1);
}

/* What the tool is told: EGRESS_INTERNAL also for no answer at all. */
static enum egress_code heard(int reply)
{
    uint8_t buf[EGRESS_MESSAGE_MAX];
    struct egress_reply m;
    const char *what;
    ssize_t n = recv(reply, buf, sizeof(buf), MSG_DONTWAIT);

    if (n < 2 || buf[0] != EGRESS_REPLY ||
        egress_reply_decode(buf + 1, (size_t)n - 1, &m, &what) != TS_OK)
        return EGRESS_INTERNAL;
    return m.code;
}

static enum egress_code ask(struct rig *x, int channel)
{
    const struct egress_answer recorded = {.conn_id = 1, .code = EGRESS_OK};
    int stream[2], reply[2];
    enum egress_code code;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, stream), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, reply), 0);
    send_ask(channel, x->port, (const int[2]){stream[1], reply[1]});
    ts_fd_close(&stream[1]);
    ts_fd_close(&reply[1]);
    turn_until_opened(x, 1);
    dial_answered(&x->b, &recorded);
    code = heard(reply[0]);
    ts_fd_close(&stream[0]);
    ts_fd_close(&reply[0]);
    turn(x);
    return code;
}

/* From the tool's words on its channel to a connection that carries bytes. */
static ts_err whole_way(const void *arg)
{
    static struct rig x;
    enum egress_code code = EGRESS_INTERNAL;
    int channel[2];
    ts_err e = rig_begin(&x, 8);

    (void)arg;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, channel), 0);
    x.g.fd = channel[1];
    if (e == TS_OK && (e = ask_mode.start(&x.g)) == TS_OK) {
        code = ask(&x, channel[0]);
        while (x.g.conns != NULL)
            x.g.conns->cut(x.g.conns->cut_ctx, EGRESS_CLOSE_ENDED);
        dial_end_all(&x.g);
        ask_mode.stop(&x.g);
    }
    ts_fd_close(&x.g.fd);
    ts_fd_close(&channel[0]);
    rig_end(&x);
    if (e != TS_OK)
        return e;
    assert_true(code == EGRESS_OK || code == EGRESS_INTERNAL);
    return code == EGRESS_OK ? TS_OK : TS_E_NOMEM;
}

static void ask_without_memory_says_so_and_leaves_nothing_open(void **state)
{
    (void)state;
    fault_mem_sweep(whole_way, NULL, TS_OK, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dial_every_event_in_every_state_ends_as_listed),
        cmocka_unit_test(dial_what_no_rule_allows_is_refused_without_a_packet),
        cmocka_unit_test(ask_without_memory_says_so_and_leaves_nothing_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
