/* What a tool with a network gets for its call, with the broker and the pool of
 * networks played here: nothing is granted by halves, what was taken is given
 * back once, and an END is owed for each grant and said once. */
#include "tests/lib/ts_test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "sidecar/common/fds.h"
#include "sidecar/launcher/start/network.h"

#define ORDER 7
#define NOW   1234567890ull

/* The pool: what it answers, and what was done to it. */
static struct {
    ts_err made, take[2], hurry, tick;
    int hurry_errno;
    unsigned takes, hurries, ticks, gives;
    uint32_t given;
    uint64_t next_ns, hurried_at;
} pool;
static struct space_nets *const the_nets = (struct space_nets *)&pool;

ts_err space_nets_new(const struct filter_key *key, uint32_t ready,
                      struct space_nets **ret)
{
    (void)key;
    assert_int_equal(ready, NETWORK_READY);
    if (pool.made == TS_OK)
        *ret = the_nets;
    return pool.made;
}

ts_err space_nets_take(struct space_nets *n, struct space_net *ret)
{
    ts_err e = pool.take[pool.takes > 0 ? 1 : 0];

    assert_ptr_equal(n, the_nets);
    pool.takes++;
    if (e == TS_OK)
        *ret = (struct space_net){.net_ns = 77,
                                  .listener =
                                      open("/dev/null", O_RDONLY | O_CLOEXEC),
                                  .index = 5};
    return e;
}

void space_nets_give(struct space_nets *n, uint32_t index)
{
    assert_ptr_equal(n, the_nets);
    pool.gives++;
    pool.given = index;
}

ts_err space_nets_hurry(struct space_nets *n, uint64_t now_ns,
                        const char **reterr_step, int *reterr_errno)
{
    assert_ptr_equal(n, the_nets);
    pool.hurries++;
    pool.hurried_at = now_ns;
    *reterr_step = "unshare";
    *reterr_errno = pool.hurry_errno;
    return pool.hurry;
}

ts_err space_nets_tick(struct space_nets *n, uint64_t now_ns,
                       const char **reterr_step, int *reterr_errno)
{
    assert_ptr_equal(n, the_nets);
    (void)now_ns;
    pool.ticks++;
    *reterr_step = "unshare";
    *reterr_errno = ENOSPC;
    return pool.tick;
}

uint64_t space_nets_next_ns(const struct space_nets *n)
{
    assert_ptr_equal(n, the_nets);
    return pool.next_ns;
}

static struct network net;
static int broker = -1;
static const struct filter_key key = {{1, 2}};

static int open_each(void **state)
{
    int p[2];

    (void)state;
    memset(&pool, 0, sizeof(pool));
    pool.next_ns = UINT64_MAX;
    memset(&net, 0, sizeof(net));
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p) != 0)
        return -1;
    broker = fcntl(p[1], F_DUPFD_CLOEXEC, 100);
    (void)close(p[1]);
    if (dup2(p[0], LAUNCHER_FD_BROKER) != LAUNCHER_FD_BROKER)
        return -1;
    if (p[0] != LAUNCHER_FD_BROKER)
        (void)close(p[0]);
    network_init(&net, true);
    return broker < 0 ? -1 : 0;
}

static int close_each(void **state)
{
    (void)state;
    ts_fd_close(&broker);
    (void)close(LAUNCHER_FD_BROKER);
    return 0;
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

/* Type of the broker's next message, 0 for none; what came along is closed. */
static int heard(void)
{
    _Alignas(struct cmsghdr) char room[CMSG_SPACE(sizeof(int))];
    static uint8_t buf[EGRESS_MESSAGE_MAX];
    struct iovec iov = {buf, sizeof(buf)};
    struct msghdr h = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = room,
                       .msg_controllen = sizeof(room)};
    ssize_t n = recvmsg(broker, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    const struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&h) : NULL;
    int fd = -1;

    if (c != NULL) {
        memcpy(&fd, CMSG_DATA(c), sizeof(fd));
        ts_fd_close(&fd);
    }
    return n > 0 ? buf[0] : 0;
}

struct answer {
    ts_err e;
    struct network_use use;
    int fd, net_ns, err;
    const char *step;
};

static struct answer grant(enum network_mode mode)
{
    const struct order o = {.order_id = ORDER, .generation = 1};
    const struct manifest m = {.tool = TS_STR_LIT("t"),
                               .network = {.mode = mode}};
    struct answer a = {.fd = -1, .net_ns = -1, .step = ""};

    a.e = network_grant(&net, &o, &m, NOW, &a.use, &a.fd, &a.net_ns, &a.step,
                        &a.err);
    return a;
}

static void assert_refused(const struct answer *a, const char *step, int err)
{
    assert_int_not_equal(a->e, TS_OK);
    assert_string_equal(a->step, step);
    assert_int_equal(a->err, err);
    assert_false(a->use.granted);
    assert_false(a->use.has_net);
    assert_int_equal(a->fd, -1);
    assert_int_equal(a->net_ns, -1);
}

static void fill_broker(void)
{
    int flags = fcntl(LAUNCHER_FD_BROKER, F_GETFL);

    assert_int_equal(fcntl(LAUNCHER_FD_BROKER, F_SETFL, flags | O_NONBLOCK), 0);
    while (send(LAUNCHER_FD_BROKER, "\xff", 1, MSG_NOSIGNAL) == 1)
        ;
    assert_int_equal(errno, EAGAIN);
}

static void drain_broker(void)
{
    while (heard() == 0xff)
        ;
}

static void broker_tool_gets_a_channel_and_its_end_is_said_once(void **state)
{
    int before = count_fds();
    struct answer a = grant(NETWORK_BROKER);

    (void)state;
    assert_int_equal(a.e, TS_OK);
    assert_true(a.use.granted && !a.use.has_net);
    assert_true(a.fd >= 0);
    assert_int_equal(a.net_ns, -1);
    assert_int_equal(heard(), EGRESS_GRANT);
    assert_int_equal(network_cut(&net, &a.use, ORDER, END_REVOKED), TS_OK);
    assert_int_equal(heard(), EGRESS_END);
    assert_int_equal(network_cut(&net, &a.use, ORDER, END_REVOKED), TS_OK);
    assert_int_equal(network_over(&net, &a.use, ORDER, END_REVOKED), TS_OK);
    assert_int_equal(heard(), 0);
    assert_int_equal(pool.takes + pool.gives, 0);
    ts_fd_close(&a.fd);
    assert_int_equal(count_fds(), before);
}

static void proxy_tool_gets_a_network_that_is_given_back_once(void **state)
{
    int before = count_fds();
    struct answer a;

    (void)state;
    network_want_nets(&net, &key);
    a = grant(NETWORK_PROXY);
    assert_int_equal(a.e, TS_OK);
    assert_true(a.use.granted && a.use.has_net);
    assert_int_equal(a.fd, -1);
    assert_int_equal(a.net_ns, 77);
    assert_int_equal(heard(), EGRESS_GRANT);
    assert_int_equal(pool.hurries, 0);
    assert_int_equal(network_over(&net, &a.use, ORDER, END_EXITED), TS_OK);
    assert_int_equal(heard(), EGRESS_END);
    assert_int_equal(network_over(&net, &a.use, ORDER, END_EXITED), TS_OK);
    assert_int_equal(heard(), 0);
    assert_int_equal(pool.gives, 1);
    assert_int_equal(pool.given, 5);
    assert_int_equal(count_fds(), before); /* the listener is the broker's */
}

/* A cut ends the connections; the network is the tool's until it is gone. */
static void network_is_kept_between_cut_and_end(void **state)
{
    struct answer a;

    (void)state;
    network_want_nets(&net, &key);
    a = grant(NETWORK_PROXY);
    assert_int_equal(network_cut(&net, &a.use, ORDER, END_REVOKED), TS_OK);
    assert_int_equal(pool.gives, 0);
    assert_int_equal(network_over(&net, &a.use, ORDER, END_REVOKED), TS_OK);
    assert_int_equal(pool.gives, 1);
}

static void where_none_stands_by_one_is_made_for_the_call(void **state)
{
    struct answer a;

    (void)state;
    network_want_nets(&net, &key);
    pool.take[0] = TS_E_AGAIN;
    a = grant(NETWORK_PROXY);
    assert_int_equal(a.e, TS_OK);
    assert_int_equal(pool.hurries, 1);
    assert_true(pool.hurried_at == NOW); /* the next one keeps the pause */
    assert_int_equal(pool.takes, 2);
}

static void where_none_can_be_made_the_call_is_refused_at_net_ns(void **state)
{
    static const struct {
        ts_err take[2], hurry;
        int hurry_errno, want;
    } cases[] = {
        {{TS_E_AGAIN, TS_OK}, TS_E_SYSTEM, ENOSPC, ENOSPC},
        {{TS_E_AGAIN, TS_OK}, TS_E_SYSTEM, EPERM, EPERM},
        {{TS_E_AGAIN, TS_E_AGAIN}, TS_OK, 0, EAGAIN},
        {{TS_E_LIMIT, TS_E_LIMIT}, TS_OK, 0, EAGAIN},
        {{TS_E_SYSTEM, TS_E_SYSTEM}, TS_OK, 0, EMFILE},
    };
    int before = count_fds();

    (void)state;
    network_want_nets(&net, &key);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answer a;

        memcpy(pool.take, cases[i].take, sizeof(pool.take));
        pool.takes = 0;
        pool.hurry = cases[i].hurry;
        pool.hurry_errno = cases[i].hurry_errno;
        a = grant(NETWORK_PROXY);
        assert_refused(&a, "net_ns", cases[i].want);
        assert_int_equal(heard(), 0); /* the broker never knew */
        assert_int_equal(network_over(&net, &a.use, ORDER, END_REFUSED), TS_OK);
        assert_int_equal(heard(), 0);
    }
    assert_int_equal(pool.gives, 0);
    assert_int_equal(count_fds(), before);
}

static void pool_that_could_not_be_made_refuses(void **state)
{
    struct answer a;

    (void)state;
    pool.made = TS_E_NOMEM;
    network_want_nets(&net, &key);
    assert_null(net.nets);
    a = grant(NETWORK_PROXY);
    assert_refused(&a, "net_ns", ENOTSUP);
    pool.made = TS_OK; /* the next load asks again */
    network_want_nets(&net, &key);
    assert_ptr_equal(net.nets, the_nets);
}

static void without_a_broker_nothing_is_granted_and_nothing_made(void **state)
{
    struct answer a;

    (void)state;
    network_init(&net, false);
    network_want_nets(&net, &key);
    assert_null(net.nets);
    a = grant(NETWORK_BROKER);
    assert_refused(&a, "broker", ENOTCONN);
    a = grant(NETWORK_PROXY);
    assert_refused(&a, "net_ns", ENOTSUP);
    network_tick(&net, NOW);
    assert_true(network_next_ns(&net) == UINT64_MAX);
}

/* Gone, or with a full channel: no waiting, and the network is back. */
static void broker_that_takes_no_grant_refuses_and_gives_back(void **state)
{
    struct answer a;
    int before;

    (void)state;
    network_want_nets(&net, &key);
    before = count_fds();
    fill_broker();
    a = grant(NETWORK_PROXY);
    assert_refused(&a, "broker", EAGAIN);
    a = grant(NETWORK_BROKER);
    assert_refused(&a, "broker", EAGAIN);
    assert_int_equal(pool.gives, 1);
    drain_broker();
    a = grant(NETWORK_BROKER); /* it has room again */
    assert_int_equal(a.e, TS_OK);
    ts_fd_close(&a.fd);
    while (heard() != 0)
        ;
    (void)shutdown(broker, SHUT_RDWR);
    a = grant(NETWORK_PROXY);
    assert_refused(&a, "broker", EPIPE);
    assert_int_equal(pool.gives, 2);
    assert_int_equal(count_fds(), before);
}

static void end_that_finds_no_room_is_said_later(void **state)
{
    struct answer a = grant(NETWORK_BROKER);

    (void)state;
    assert_int_equal(heard(), EGRESS_GRANT);
    fill_broker();
    assert_int_equal(network_over(&net, &a.use, ORDER, END_REVOKED), TS_OK);
    assert_true(network_next_ns(&net) < NOW); /* as soon as may be */
    network_tick(&net, NOW);
    assert_true(network_next_ns(&net) < NOW);
    drain_broker();
    network_tick(&net, NOW);
    assert_int_equal(heard(), EGRESS_END);
    assert_int_equal(heard(), 0);
    assert_true(network_next_ns(&net) == UINT64_MAX);
    ts_fd_close(&a.fd);
}

static void pool_is_ticked_when_it_is_time_and_only_then(void **state)
{
    (void)state;
    network_want_nets(&net, &key);
    pool.next_ns = NOW + 1;
    network_tick(&net, NOW);
    assert_int_equal(pool.ticks, 0);
    assert_true(network_next_ns(&net) == NOW + 1);
    network_tick(&net, NOW + 1);
    assert_int_equal(pool.ticks, 1);
    pool.tick = TS_E_SYSTEM; /* in the log, and tried again */
    network_tick(&net, NOW + 2);
    assert_int_equal(pool.ticks, 2);
}

#define EACH(f) cmocka_unit_test_setup_teardown(f, open_each, close_each)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(broker_tool_gets_a_channel_and_its_end_is_said_once),
        EACH(proxy_tool_gets_a_network_that_is_given_back_once),
        EACH(network_is_kept_between_cut_and_end),
        EACH(where_none_stands_by_one_is_made_for_the_call),
        EACH(where_none_can_be_made_the_call_is_refused_at_net_ns),
        EACH(pool_that_could_not_be_made_refuses),
        EACH(without_a_broker_nothing_is_granted_and_nothing_made),
        EACH(broker_that_takes_no_grant_refuses_and_gives_back),
        EACH(end_that_finds_no_room_is_said_later),
        EACH(pool_is_ticked_when_it_is_time_and_only_then),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
