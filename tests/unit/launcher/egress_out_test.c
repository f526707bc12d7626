/* What a launcher tells the broker, between two ends of a socketpair: nothing
 * is waited for, nothing is lost, no descriptor is left over. */
#include "tests/lib/ts_test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "sidecar/launcher/wire/egress_out.h"

struct rig {
    struct egress_out out;
    int broker; /* its end */
};

static int setup(void **state)
{
    static struct rig r;
    int ends[2];

    assert_int_equal(
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    r.broker = ends[1];
    egress_out_init(&r.out, ends[0]);
    *state = &r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    ts_fd_close(&r->out.sock);
    ts_fd_close(&r->broker);
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

static struct egress_grant grant(enum egress_mode mode)
{
    return (struct egress_grant){.order_id = 7,
                                 .generation = 3,
                                 .tool = TS_STR_LIT("t"),
                                 .decision_id = {1, 2},
                                 .mode = mode,
                                 .token = TS_STR_LIT("tok")};
}

/* Type of the next message, 0 for none; *ret_fd: what came along, or -1. */
static int take(const struct rig *r, uint8_t buf[EGRESS_MESSAGE_MAX],
                size_t *ret_len, int *ret_fd)
{
    _Alignas(struct cmsghdr) char room[CMSG_SPACE(4 * sizeof(int))];
    struct iovec iov = {.iov_base = buf, .iov_len = EGRESS_MESSAGE_MAX};
    struct msghdr h = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = room,
                       .msg_controllen = sizeof(room)};
    ssize_t n = recvmsg(r->broker, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    const struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&h) : NULL;

    *ret_fd = -1;
    *ret_len = n > 0 ? (size_t)n - 1 : 0;
    if (c != NULL) {
        assert_int_equal(c->cmsg_len, CMSG_LEN(sizeof(int)));
        memcpy(ret_fd, CMSG_DATA(c), sizeof(int));
    }
    return n > 0 ? buf[0] : 0;
}

static void a_grant_carries_one_end_of_the_tool_s_channel(void **state)
{
    static uint8_t buf[EGRESS_MESSAGE_MAX];
    struct rig *r = *state;
    const struct egress_grant g = grant(EGRESS_BROKER);
    struct egress_grant got;
    int before = count_fds(), tool = -1, ours, err = 0;
    const char *what;
    size_t n;
    char c = 0;

    assert_int_equal(egress_out_grant(&r->out, &g, -1, &tool, &err), TS_OK);
    assert_int_equal(take(r, buf, &n, &ours), EGRESS_GRANT);
    assert_int_equal(egress_grant_decode(buf + 1, n, &got, &what), TS_OK);
    assert_int_equal(got.order_id, 7);
    assert_int_equal(got.generation, 3);
    assert_int_equal(got.mode, EGRESS_BROKER);
    assert_true(ts_str_eq_c(got.token, "tok"));
    assert_int_equal(fcntl(tool, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(send(tool, "x", 1, 0), 1);
    assert_int_equal(recv(ours, &c, 1, MSG_DONTWAIT), 1);
    assert_int_equal(c, 'x');
    ts_fd_close(&tool);
    ts_fd_close(&ours);
    assert_int_equal(count_fds(), before);
}

static void a_grant_of_mode_proxy_carries_the_listener(void **state)
{
    static uint8_t buf[EGRESS_MESSAGE_MAX];
    struct rig *r = *state;
    const struct egress_grant g = grant(EGRESS_PROXY);
    int listener = open("/dev/null", O_RDONLY | O_CLOEXEC), tool = -5, ours;
    int err = 0;
    size_t n;

    assert_int_equal(egress_out_grant(&r->out, &g, listener, &tool, &err),
                     TS_OK);
    assert_int_equal(tool, -5); /* untouched */
    assert_int_equal(take(r, buf, &n, &ours), EGRESS_GRANT);
    assert_true(ours >= 0);
    assert_true(fcntl(listener, F_GETFD) >= 0); /* still the caller's */
    ts_fd_close(&ours);
    ts_fd_close(&listener);
}

static void without_a_broker_a_grant_is_refused_and_an_end_is_fine(void **state)
{
    struct egress_out none;
    const struct egress_grant g = grant(EGRESS_BROKER);
    int tool = -1, err = 0;

    (void)state;
    egress_out_init(&none, -1);
    assert_int_equal(egress_out_grant(&none, &g, -1, &tool, &err),
                     TS_E_UNSUPPORTED);
    assert_int_equal(err, ENOTCONN);
    assert_int_equal(egress_out_end(&none, 7, END_EXITED), TS_OK);
    assert_int_equal(tool, -1);
}

static void a_broker_that_is_gone_refuses_grants_and_takes_ends(void **state)
{
    struct rig *r = *state;
    const struct egress_grant g = grant(EGRESS_BROKER);
    int tool = -1, err = 0, before;

    ts_fd_close(&r->broker);
    before = count_fds();
    assert_int_equal(egress_out_grant(&r->out, &g, -1, &tool, &err),
                     TS_E_CLOSED);
    assert_int_equal(err, EPIPE);
    for (uint64_t i = 1; i < 2 * EGRESS_OUT_ENDS; i++)
        assert_int_equal(egress_out_end(&r->out, i, END_EXITED), TS_OK);
    assert_int_equal(r->out.count, 0);
    assert_int_equal(count_fds(), before);
}

static void
a_broker_that_does_not_read_refuses_grants_and_gets_every_end(void **state)
{
    static uint8_t buf[EGRESS_MESSAGE_MAX];
    struct rig *r = *state;
    const struct egress_grant g = grant(EGRESS_BROKER);
    int tool = -1, err = 0, fd, type;
    uint64_t said = 0, heard = 0;
    size_t n;

    while (r->out.count < 100)
        assert_int_equal(egress_out_end(&r->out, ++said, END_REVOKED), TS_OK);
    assert_int_equal(egress_out_grant(&r->out, &g, -1, &tool, &err),
                     TS_E_AGAIN);
    assert_int_equal(tool, -1);
    for (int rounds = 0; rounds < 100 && heard < said; rounds++) {
        while ((type = take(r, buf, &n, &fd)) != 0) {
            struct egress_end m;
            const char *what;

            assert_int_equal(type, EGRESS_END);
            assert_int_equal(egress_end_decode(buf + 1, n, &m, &what), TS_OK);
            assert_int_equal(m.order_id, ++heard); /* in order */
            assert_int_equal(m.reason, END_REVOKED);
        }
        egress_out_flush(&r->out);
    }
    assert_int_equal(heard, said);
    assert_int_equal(r->out.count, 0);
}

static void ends_that_nobody_takes_are_not_kept_for_ever(void **state)
{
    struct rig *r = *state;
    ts_err e = TS_OK;

    for (uint64_t i = 1; e == TS_OK && i < 100000; i++)
        e = egress_out_end(&r->out, i, END_EXITED);
    assert_int_equal(e, TS_E_LIMIT);
    assert_int_equal(r->out.count, EGRESS_OUT_ENDS);
}

#define ONE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ONE(a_grant_carries_one_end_of_the_tool_s_channel),
        ONE(a_grant_of_mode_proxy_carries_the_listener),
        ONE(without_a_broker_a_grant_is_refused_and_an_end_is_fine),
        ONE(a_broker_that_is_gone_refuses_grants_and_takes_ends),
        ONE(a_broker_that_does_not_read_refuses_grants_and_gets_every_end),
        ONE(ends_that_nobody_takes_are_not_kept_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
