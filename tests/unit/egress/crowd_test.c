/*
 * A crowd at the broker that says nothing, or a byte now and then: it has the
 * places of its own call and no more, whoever comes beside it is served, and
 * all of it is gone when its call ends. And descriptors that run out while
 * connections come.
 */
#include "tests/lib/ts_test.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "grants_rig.h"

#include "proto/base/ts_fd.h"
#include "sidecar/broker/ask.h"
#include "sidecar/broker/proxy/proxy.h"

#define CROWD    500
#define OWN      32         /* max_connections */
#define AT_PROXY (OWN + 16) /* and some that wait for a request */
#define TURNS    400        /* of the loop, until a neighbour is served */
#define MANY     10         /* tools */

static struct manifest tools[2];
static int crowd[CROWD];

/* ---- tools with a proxy ------------------------------------------------ */

static int setup(void **state)
{
    struct rig *r;

    assert_int_equal(rig_setup(state), 0);
    r = *state;
    tools[0] = r->tool;
    tools[0].tool = TS_STR_LIT("p");
    tools[0].network.mode = NETWORK_PROXY;
    tools[0].network.max_connections = OWN;
    tools[1] = r->tool;
    r->manifests.list = tools;
    r->manifests.count = 2;
    r->b.modes[EGRESS_PROXY] = &proxy_mode;
    for (int i = 0; i < CROWD; i++)
        crowd[i] = -1;
    return 0;
}

static int teardown(void **state)
{
    const struct rig *r = *state;

    for (int i = 0; i < CROWD; i++)
        ts_fd_close(&crowd[i]);
    assert_int_equal(rig_teardown(state), 0);
    assert_int_equal(r->b.waiting, 0);
    return 0;
}

/* A call of "p"; where its proxy is. */
static uint16_t add_proxy(struct rig *r, uint64_t order)
{
    const struct egress_grant m = {.order_id = order,
                                   .generation = 1,
                                   .tool = TS_STR_LIT("p"),
                                   .decision_id = {7},
                                   .mode = EGRESS_PROXY,
                                   .token = TS_STR_LIT("")};
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
    assert_int_equal(listen(fd, 512), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    assert_int_equal(grants_add(&r->b, 0, &m, fd), TS_OK);
    return ntohs(a.sin_port);
}

static int connect_to(uint16_t port)
{
    const struct sockaddr_in a = {.sin_family = AF_INET,
                                  .sin_port = htons(port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0);
    if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) != 0)
        assert_int_equal(errno, EINPROGRESS);
    return fd;
}

/* Every other one says a byte of a request. */
static void come(int from, int to, uint16_t port)
{
    for (int i = from; i < to; i++) {
        crowd[i] = connect_to(port);
        if (i % 2 == 0)
            (void)send(crowd[i], "G", 1, MSG_NOSIGNAL);
    }
}

static void turn_until(struct rig *r, const uint32_t *count, uint32_t want)
{
    for (int i = 0; i < RIG_TURNS_MAX && *count < want; i++) {
        rig_turn(r);
        (void)poll(NULL, 0, 1);
    }
    for (int i = 0; i < 20; i++) /* and not more than that */
        rig_turn(r);
}

static void slowly(int from, int to)
{
    for (int i = from; i < to; i += 2)
        (void)send(crowd[i], "E", 1, MSG_NOSIGNAL);
}

static ssize_t hear(int fd, char *buf, size_t cap)
{
    (void)poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 1);
    return recv(fd, buf, cap, MSG_DONTWAIT);
}

/* A whole request through the proxy at that port, to the rig's own host; how
 * many turns of the loop it took. */
static int fetch(struct rig *r, uint16_t port)
{
    static const char yes[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    char request[128], buf[1024];
    int fd = connect_to(port), host = -1, turns = 0, n;
    bool asked = false;

    n = snprintf(request, sizeof(request),
                 "GET http://127.0.0.1:%u/ HTTP/1.1\r\nHost: "
                 "127.0.0.1:%u\r\n\r\n",
                 r->ports[0], r->ports[0]);
    (void)poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, 1000);
    assert_int_equal(send(fd, request, (size_t)n, MSG_NOSIGNAL), n);
    for (; turns < TURNS; turns++) {
        ssize_t got;

        rig_turn(r);
        if (!asked && recv(r->gate, buf, 1, MSG_PEEK | MSG_DONTWAIT) == 1) {
            gate_answers(r, hears_opened(r), EGRESS_OK);
            asked = true;
        }
        if (host < 0)
            host = accept4(r->listener, NULL, NULL, SOCK_CLOEXEC);
        else if (hear(host, buf, sizeof(buf)) > 0)
            (void)!write(host, yes, sizeof(yes) - 1);
        got = hear(fd, buf, sizeof(buf) - 1);
        if (got > 0) {
            buf[got] = '\0';
            assert_non_null(strstr(buf, " 200 OK"));
            break;
        }
    }
    ts_fd_close(&fd);
    ts_fd_close(&host);
    assert_true(turns < TURNS);
    assert_int_equal(hears_closed(r).requests, 1);
    for (int i = 0; i < 20; i++) /* the end of the connection is seen */
        rig_turn(r);
    return turns;
}

static void expect_gone(struct rig *r, int from, int to)
{
    for (int i = from; i < to; i++) {
        char byte;
        ssize_t n = -1;

        for (int k = 0; k < RIG_TURNS_MAX; k++) {
            rig_turn(r);
            n = hear(crowd[i], &byte, 1);
            if (n == 0 || (n < 0 && errno != EAGAIN))
                break;
        }
        assert_true(n <= 0 && (n == 0 || errno == ECONNRESET));
    }
}

static void crowd_at_a_proxy_has_its_own_limit_and_hinders_nobody(void **state)
{
    struct rig *r = *state;
    uint16_t theirs = add_proxy(r, 1), ours = add_proxy(r, 2);
    int before = rig_count_fds(), turns;

    come(0, CROWD, theirs);
    turn_until(r, &r->b.waiting, AT_PROXY);
    assert_int_equal(r->b.waiting, AT_PROXY);
    assert_int_equal(rig_count_fds(), before + CROWD + AT_PROXY);
    slowly(0, CROWD);
    turns = fetch(r, ours);
    print_message("served beside %d in %d turns\n", CROWD, turns);
    assert_int_equal(r->b.waiting, AT_PROXY);
    grants_end(&r->b, 0, 1, END_REVOKED);
    expect_gone(r, 0, CROWD);
    assert_int_equal(r->b.waiting, 0);
    for (int i = 0; i < CROWD; i++)
        ts_fd_close(&crowd[i]);
    assert_int_equal(rig_count_fds(), before - 1); /* and its listener */
    (void)fetch(r, ours);
}

static void crowd_of_many_tools_leaves_places_to_the_next(void **state)
{
    struct rig *r = *state;
    uint16_t port;

    r->b.conns_max = 4 * AT_PROXY; /* as few descriptors give */
    for (int i = 0; i < MANY; i++) {
        int each = CROWD / MANY;

        come(i * each, (i + 1) * each, add_proxy(r, (uint64_t)i + 1));
        for (int k = 0; k < 50; k++)
            rig_turn(r);
        assert_true(r->b.waiting <= r->b.conns_max);
    }
    assert_true(r->b.waiting >= r->b.conns_max - r->b.conns_max / 4);
    port = add_proxy(r, MANY + 1);
    print_message("%u of %u places taken; the next is served in %d turns\n",
                  r->b.waiting, r->b.conns_max, fetch(r, port));
    for (int i = 0; i < MANY; i++)
        grants_end(&r->b, 0, (uint64_t)i + 1, END_REVOKED);
    expect_gone(r, 0, CROWD);
}

/* What waits and what leads to a host are counted once each. */
static void place_moves_with_the_connection(void **state)
{
    struct rig *r = *state;
    uint16_t port = add_proxy(r, 1);
    char request[128];
    uint64_t id;

    crowd[0] = connect_to(port);
    turn_until(r, &r->b.waiting, 1);
    assert_int_equal(r->b.waiting, 1);
    (void)snprintf(request, sizeof(request),
                   "GET http://127.0.0.1:%u/ HTTP/1.1\r\nHost: "
                   "127.0.0.1:%u\r\n\r\n",
                   r->ports[0], r->ports[0]);
    assert_true(send(crowd[0], request, strlen(request), MSG_NOSIGNAL) > 0);
    id = hears_opened(r);
    assert_int_equal(r->b.waiting, 0);
    assert_int_equal(r->b.conn_count, 1);
    gate_answers(r, id, EGRESS_NOT_RECORDED); /* then it leads nowhere */
    turn_until(r, &r->b.waiting, 1);
    assert_int_equal(r->b.waiting + r->b.conn_count, 1);
    ts_fd_close(&crowd[0]);
    for (int i = 0; i < RIG_TURNS_MAX && r->b.waiting > 0; i++)
        rig_turn(r);
    assert_int_equal(r->b.waiting, 0);
    assert_int_equal(r->b.conn_count, 0);
}

/* ---- descriptors that run out ------------------------------------------ */

static void set_files(rlim_t n, rlim_t *ret_was)
{
    struct rlimit l;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &l), 0);
    if (ret_was != NULL)
        *ret_was = l.rlim_cur;
    l.rlim_cur = n;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &l), 0);
}

static void lack_of_descriptors_is_got_over(void **state)
{
    struct rig *r = *state;
    uint16_t port = add_proxy(r, 1);
    rlim_t was;
    int next;

    come(0, 8, port);
    next = fcntl(0, F_DUPFD_CLOEXEC, 0);
    (void)close(next);
    set_files((rlim_t)next + 3, &was);
    turn_until(r, &r->b.waiting, 3);
    assert_int_equal(r->b.waiting, 3);
    /* it waits for a while instead of turning round for ever */
    assert_in_range(uv_backend_timeout(&r->b.loop), 1, 1000);
    set_files(was, NULL);
    turn_until(r, &r->b.waiting, 8);
    assert_int_equal(r->b.waiting, 8);
    (void)fetch(r, port);
}

/* ---- tools with a channel ---------------------------------------------- */

static void crowd_of_wishes_hinders_nobody(void **state)
{
    static struct asked a[CROWD];
    struct rig *r = *state;
    struct asked ours;
    int theirs, too_many = 0;

    assert_int_equal(rig_add(r, 1), TS_OK);
    for (int i = 0; i < CROWD; i++) { /* of a server that never answers */
        a[i] = rig_ask(r, "slow.test", r->ports[0]);
        rig_turn(r);
    }
    for (int i = 0; i < 50; i++)
        rig_turn(r);
    assert_int_equal(r->b.conn_count, 3); /* max_connections */
    theirs = r->channel;
    r->channel = -1;
    assert_int_equal(rig_add(r, 2), TS_OK);
    ours = rig_ask(r, "127.0.0.1", r->ports[0]);
    for (int i = 0; i < CROWD - 3; i++) { /* the gate is told of the first */
        uint8_t buf[EGRESS_MESSAGE_MAX];
        size_t n;
        int type = gate_hears(r, buf, &n);
        struct egress_opened m;
        const char *what;

        too_many += type == EGRESS_DENIED;
        if (type != EGRESS_OPENED)
            continue;
        assert_int_equal(egress_opened_decode(buf + 1, n, &m, &what), TS_OK);
        gate_answers(r, m.conn_id, EGRESS_OK);
        break;
    }
    assert_int_equal(too_many, 64); /* the rest is a number, at its end */
    assert_int_equal(rig_told(r, &ours), EGRESS_OK);
    grants_end(&r->b, 0, 1, END_REVOKED);
    for (int i = 0; i < CROWD; i++) {
        int code = rig_told(r, &a[i]);

        assert_true(code == EGRESS_TOO_MANY || code == EGRESS_ENDED);
        rig_hang_up(&a[i]);
    }
    rig_hang_up(&ours);
    (void)close(theirs);
}

#define EACH(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(crowd_at_a_proxy_has_its_own_limit_and_hinders_nobody),
        EACH(crowd_of_many_tools_leaves_places_to_the_next),
        EACH(place_moves_with_the_connection),
        EACH(lack_of_descriptors_is_got_over),
        EACH(crowd_of_wishes_hinders_nobody),
    };
    return cmocka_run_group_tests(tests, rig_keep_numbers, NULL);
}
