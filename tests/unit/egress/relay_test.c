/* A relay between two socketpairs: bytes, half-closes, allowance, the end of
 * the grant. The gate is not there: what it would be told is dropped. */
#include "tests/lib/fault_mem.h"
#include "tests/lib/ts_test.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/base/ts_mem.h"
#include "sidecar/broker/broker.h"
#include "sidecar/broker/gate_io.h"
#include "sidecar/broker/grants.h"
#include "sidecar/broker/relay.h"

struct rig {
    struct broker b;
    struct manifest m;
    struct grant g;
    struct conn *c;
    int tool, host; /* our ends */
    int done;
};

static void on_done(void *ctx)
{
    struct rig *r = ctx;

    r->done++;
}

static int setup(void **state)
{
    static struct rig r;

    memset(&r, 0, sizeof(r));
    assert_int_equal(broker_init(&r.b), TS_OK);
    r.b.gate_is_gone = true;
    /* only its address is looked at while nobody listens */
    r.b.gate = ts_mem_alloc(1024);
    r.m.network.max_bytes = 1 << 20;
    r.g.broker = &r.b;
    r.g.manifest = &r.m;
    r.g.order_id = 1;
    *state = &r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    (void)close(r->tool);
    (void)close(r->host);
    (void)uv_run(&r->b.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&r->b.loop), 0);
    ts_mem_free(r->b.gate);
    ts_mem_free(r->b.relay_buf);
    return 0;
}

static void start(struct rig *r, uint32_t skip)
{
    int a[2], b[2];
    struct relay_ends ends = {.skip = skip};

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, a), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, b), 0);
    r->tool = a[0];
    r->host = b[0];
    ends.tool_fd = a[1];
    ends.host_fd = b[1];
    r->c = conn_new(&r->g, 1);
    assert_non_null(r->c);
    assert_int_equal(relay_start(&r->b, r->c, &ends, on_done, r), TS_OK);
}

static void turn(struct rig *r)
{
    for (int i = 0; i < 20; i++)
        (void)uv_run(&r->b.loop, UV_RUN_NOWAIT);
}

static size_t take(int fd, char *buf, size_t cap)
{
    ssize_t n = recv(fd, buf, cap, MSG_DONTWAIT);

    return n > 0 ? (size_t)n : 0;
}

static bool at_end(int fd)
{
    char c;
    ssize_t n = recv(fd, &c, 1, MSG_DONTWAIT);

    /* a reset, when something that was sent has not been read */
    return n == 0 || (n < 0 && errno == ECONNRESET);
}

static void bytes_pass_both_ways_and_are_counted(void **state)
{
    struct rig *r = *state;
    char buf[16];

    start(r, 0);
    assert_int_equal(send(r->tool, "ask", 3, 0), 3);
    turn(r);
    assert_int_equal(take(r->host, buf, sizeof(buf)), 3);
    assert_int_equal(send(r->host, "answer", 6, 0), 6);
    turn(r);
    assert_int_equal(take(r->tool, buf, sizeof(buf)), 6);
    assert_int_equal(r->c->bytes_out, 3);
    assert_int_equal(r->c->bytes_in, 6);
    assert_int_equal(shutdown(r->tool, SHUT_WR), 0);
    turn(r);
    assert_true(at_end(r->host));
    assert_int_equal(send(r->host, "more", 4, 0), 4); /* half is open */
    turn(r);
    assert_int_equal(take(r->tool, buf, sizeof(buf)), 4);
    assert_int_equal(r->done, 0);
    assert_int_equal(shutdown(r->host, SHUT_WR), 0);
    turn(r);
    assert_true(at_end(r->tool));
    assert_int_equal(r->done, 1);
    assert_null(r->g.conns);
}

static void the_first_bytes_are_skipped(void **state)
{
    struct rig *r = *state;
    char buf[16];

    start(r, 5);
    assert_int_equal(send(r->tool, "00", 2, 0), 2);
    turn(r);
    assert_int_equal(send(r->tool, "000ask", 6, 0), 6);
    turn(r);
    assert_int_equal(take(r->host, buf, sizeof(buf)), 3);
    assert_memory_equal(buf, "ask", 3);
    assert_int_equal(r->c->bytes_out, 3);
    r->c->cut(r->c->cut_ctx, EGRESS_CLOSE_KILLED);
}

static void
a_tool_that_closes_is_noticed_though_the_host_is_silent(void **state)
{
    struct rig *r = *state;

    start(r, 0);
    assert_int_equal(shutdown(r->tool, SHUT_WR), 0);
    turn(r);
    assert_int_equal(r->done, 0);
    assert_int_equal(close(r->tool), 0);
    r->tool = -1;
    turn(r);
    assert_int_equal(r->done, 1);
    assert_true(at_end(r->host));
}

static void what_the_other_does_not_take_waits_and_arrives_whole(void **state)
{
    static char out[400000], in[400000];
    struct rig *r = *state;
    size_t sent = 0, got = 0;

    start(r, 0);
    for (size_t i = 0; i < sizeof(out); i++)
        out[i] = (char)(i * 31 >> 3);
    for (int i = 0; got < sizeof(out) && i < 100000; i++) {
        ssize_t n = send(r->host, out + sent, sizeof(out) - sent, MSG_DONTWAIT);

        sent += n > 0 ? (size_t)n : 0;
        if (i % 7 != 0 || sent < sizeof(out)) /* mostly behind */
            (void)uv_run(&r->b.loop, UV_RUN_NOWAIT);
        if (i % 5 == 0)
            got += take(r->tool, in + got, 10000);
    }
    assert_int_equal(got, sizeof(out));
    assert_memory_equal(in, out, sizeof(out));
    assert_int_equal(r->c->bytes_in, sizeof(out));
    r->c->cut(r->c->cut_ctx, EGRESS_CLOSE_KILLED);
}

static void on_timer(uv_timer_t *t)
{
    uv_close((uv_handle_t *)t, NULL);
}

/* How often the loop wakes in 20 ms. */
static int wakes(struct rig *r)
{
    uv_timer_t t;
    int n = 0;

    assert_int_equal(uv_timer_init(&r->b.loop, &t), 0);
    assert_int_equal(uv_timer_start(&t, on_timer, 20, 0), 0);
    for (; !uv_is_closing((const uv_handle_t *)&t); n++)
        (void)uv_run(&r->b.loop, UV_RUN_ONCE);
    turn(r); /* the timer is closed */
    return n;
}

/* An urgent byte is "ready" for poll(2) until it is read, and what has no place
 * to go is not read. */
static void urgent_bytes_wait_like_all_others(void **state)
{
    static char some[400000];
    struct rig *r = *state;

    start(r, 0);
    while (send(r->host, some, sizeof(some), MSG_DONTWAIT) > 0)
        turn(r); /* until nobody takes any more */
    (void)setsockopt(r->host, SOL_SOCKET, SO_SNDBUF, &(int){1 << 20},
                     sizeof(int));
    if (send(r->host, "!", 1, MSG_OOB | MSG_DONTWAIT) != 1)
        print_message("SKIPPED: no urgent bytes on these sockets: %s\n",
                      strerror(errno));
    else
        assert_true(wakes(r) <= 3);
    assert_int_equal(r->done, 0);
    r->c->cut(r->c->cut_ctx, EGRESS_CLOSE_KILLED);
}

static void the_allowance_ends_it_before_what_is_over_it_passes(void **state)
{
    static char big[40000];
    struct rig *r = *state;
    size_t got = 0, n;

    r->m.network.max_bytes = 30000;
    start(r, 0);
    (void)send(r->host, big, sizeof(big), MSG_DONTWAIT);
    turn(r);
    while ((n = take(r->tool, big, sizeof(big))) > 0)
        got += n;
    assert_true(got <= 30000);
    assert_int_equal(r->done, 1);
    assert_true(at_end(r->tool));
}

static void the_end_of_a_call_passes_on_what_the_tool_had_written(void **state)
{
    struct rig *r = *state;
    char buf[16];

    start(r, 0);
    assert_int_equal(send(r->tool, "last", 4, 0), 4);
    assert_int_equal(close(r->tool), 0);
    r->tool = -1;
    r->c->cut(r->c->cut_ctx, EGRESS_CLOSE_ENDED); /* before any turn */
    assert_int_equal(take(r->host, buf, sizeof(buf)), 4);
    assert_true(at_end(r->host));
    assert_int_equal(r->done, 1);
}

static void a_killed_call_passes_nothing_on(void **state)
{
    struct rig *r = *state;
    char buf[16];

    start(r, 0);
    assert_int_equal(send(r->tool, "late", 4, 0), 4);
    r->c->cut(r->c->cut_ctx, EGRESS_CLOSE_KILLED);
    assert_int_equal(take(r->host, buf, sizeof(buf)), 0);
    assert_int_equal(r->done, 1);
    assert_true(at_end(r->tool));
}

#define LONG (192u << 10) /* more than a socket and the relay take at once */

/* What the host gets of what the tool writes before it reads anything. */
static size_t pass_long(struct rig *r)
{
    static char text[LONG], buf[LONG];
    size_t sent = 0, got = 0;

    for (int i = 0; i < 200 && (sent < LONG || got < LONG); i++) {
        ssize_t n = send(r->tool, text + sent, LONG - sent,
                         MSG_DONTWAIT | MSG_NOSIGNAL);

        sent += n > 0 ? (size_t)n : 0;
        turn(r);
        if (i > 3)
            got += take(r->host, buf, sizeof(buf));
    }
    return got;
}

/* A relay from its start to its end, with bytes that wait in it. */
static ts_err whole_way(const void *arg)
{
    static struct rig r;
    static char gate[1024];
    const int small = 4096;
    struct relay_ends ends = {.skip = 0};
    size_t got = 0;
    int a[2], b[2];
    ts_err e;

    (void)arg;
    memset(&r, 0, sizeof(r));
    e = broker_init(&r.b);
    r.b.gate_is_gone = true;
    r.b.gate = (void *)gate; /* only its address is looked at */
    r.m.network.max_bytes = 1 << 20;
    r.g = (struct grant){.broker = &r.b, .manifest = &r.m, .order_id = 1};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, a), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, b), 0);
    assert_int_equal(
        setsockopt(b[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
    r.tool = a[0];
    r.host = b[0];
    ends.tool_fd = a[1];
    ends.host_fd = b[1];
    r.c = e == TS_OK ? conn_new(&r.g, 1) : NULL;
    if (r.c == NULL) {
        (void)close(ends.tool_fd);
        (void)close(ends.host_fd);
    } else if ((e = relay_start(&r.b, r.c, &ends, on_done, &r)) == TS_OK) {
        got = pass_long(&r);
        if (r.done == 0)
            r.c->cut(r.c->cut_ctx, EGRESS_CLOSE_KILLED);
        assert_int_equal(r.done, 1);
    }
    (void)close(r.tool);
    (void)close(r.host);
    (void)uv_run(&r.b.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&r.b.loop), 0);
    ts_mem_free(r.b.relay_buf);
    if (fault_mem_fired()) /* it was ended, and gave no part for the whole */
        return got < LONG ? TS_E_NOMEM : TS_OK;
    return got == LONG ? TS_OK : TS_E_CLOSED;
}

static void without_memory_a_relay_ends_and_nothing_stays(void **state)
{
    (void)state;
    fault_mem_sweep(whole_way, NULL, TS_OK, 4);
}

#define ONE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ONE(bytes_pass_both_ways_and_are_counted),
        ONE(the_first_bytes_are_skipped),
        ONE(a_tool_that_closes_is_noticed_though_the_host_is_silent),
        ONE(what_the_other_does_not_take_waits_and_arrives_whole),
        ONE(urgent_bytes_wait_like_all_others),
        ONE(the_allowance_ends_it_before_what_is_over_it_passes),
        ONE(the_end_of_a_call_passes_on_what_the_tool_had_written),
        ONE(a_killed_call_passes_nothing_on),
        cmocka_unit_test(without_memory_a_relay_ends_and_nothing_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
