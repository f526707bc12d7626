/* The gate's end of the broker's channel, with the broker, the ring and the
 * runs played by the test: recorded before it is answered, nothing lost when
 * the ring or the channel is full, and a broker that talks nonsense ends the
 * gate. */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/lib/fault_mem.h"
#include "tests/lib/ts_test.h"

#include "proto/base/ts_fd.h"
#include "proto/msg/egress.h"
#include "sidecar/common/fds.h"
#include "sidecar/gate/running/egress_in.h"
#include "sidecar/gate/running/order_out.h"
#include "sidecar/gate/running/running.h"

#define ORDER 77

/* ---- what the rest of the gate does ------------------------------------ */

static struct {
    ts_err ring;
    enum order_out_state state;
    struct run run;
    bool has_run;
    bool stopping; /* the recorder, while a record is handed over */
    int records, retries;
    const char *failed;
} fake;

ts_err order_out_record_small(struct gate *g, const uint8_t *record, size_t len)
{
    (void)g;
    (void)record;
    assert_true(len > 0 && len <= ORDER_OUT_SMALL);
    if (fake.ring == TS_OK)
        fake.records++;
    return fake.ring;
}

enum order_out_state order_out_state(const struct gate *g)
{
    (void)g;
    return fake.state;
}

bool order_out_taken(const struct gate *g)
{
    (void)g;
    return !fake.stopping;
}

void order_out_wake(struct gate *g)
{
    (void)g;
}

const struct run *runs_find(const struct gate *g, uint64_t order_id)
{
    (void)g;
    return fake.has_run && order_id == ORDER ? &fake.run : NULL;
}

void gate_fail(struct gate *g, const char *why)
{
    fake.failed = why;
    (void)uv_poll_stop(&g->broker_poll);
}

void gate_retry_soon(struct gate *g)
{
    (void)g;
    fake.retries++;
}

/* ---- the broker -------------------------------------------------------- */

struct rig {
    struct gate *g;
    int broker;
};

/* Numbers that the gate uses by number are nobody else's. */
static int keep_numbers(void **state)
{
    (void)state;
    for (int fd = FD_CONTROL; fd <= GATE_FD_BROKER; fd++) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        if (fcntl(fd, F_GETFD) < 0 && null != fd)
            assert_int_equal(dup2(null, fd), fd);
        if (null > GATE_FD_BROKER)
            (void)close(null);
    }
    return 0;
}

static int setup(void **state)
{
    static struct gate g;
    static struct rig r;
    int ends[2];

    memset(&g, 0, sizeof(g));
    memset(&fake, 0, sizeof(fake));
    fake.state = ORDER_OUT_ALL;
    fake.has_run = true;
    fake.run.core.state = CALL_RUNNING;
    fake.run.order_id = ORDER;
    fake.run.decision_id[0] = 9;
    for (int i = 0; i < RUN_NAMES; i++) {
        memcpy(fake.run.names[i], "name", 4);
        fake.run.name_len[i] = 4;
    }
    assert_int_equal(
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    r.g = &g;
    r.broker = fcntl(ends[1], F_DUPFD_CLOEXEC, 64);
    (void)close(ends[1]);
    assert_int_equal(dup2(ends[0], GATE_FD_BROKER), GATE_FD_BROKER);
    (void)close(ends[0]);
    assert_int_equal(uv_loop_init(&g.loop), 0);
    g.settings.has_broker = true;
    assert_int_equal(egress_in_start(&g), TS_OK);
    *state = &r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    egress_in_close(r->g);
    (void)uv_run(&r->g->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&r->g->loop), 0);
    ts_fd_close(&r->broker);
    assert_int_equal(dup2(FD_CONTROL, GATE_FD_BROKER), GATE_FD_BROKER);
    return 0;
}

static void turn(struct rig *r)
{
    for (int i = 0; i < 3; i++)
        (void)uv_run(&r->g->loop, UV_RUN_NOWAIT);
}

static size_t opened(uint8_t buf[EGRESS_MESSAGE_MAX], uint64_t id)
{
    const struct egress_opened m = {.conn_id = id,
                                    .what = {.order_id = ORDER,
                                             .decision_id = {9},
                                             .tool = TS_STR_LIT("t"),
                                             .host = TS_STR_LIT("a.test"),
                                             .port = 443,
                                             .address = {1, 2, 3, 4},
                                             .address_len = 4,
                                             .via = EGRESS_VIA_BROKER}};
    size_t n = 0;

    buf[0] = EGRESS_OPENED;
    assert_int_equal(
        egress_opened_encode(&m, buf + 1, EGRESS_MESSAGE_MAX - 1, &n), TS_OK);
    return n + 1;
}

static void say_opened(struct rig *r, uint64_t id)
{
    uint8_t buf[EGRESS_MESSAGE_MAX];
    size_t n = opened(buf, id);

    assert_int_equal(send(r->broker, buf, n, 0), (ssize_t)n);
    turn(r);
}

static void say_closed(struct rig *r, uint64_t id, uint8_t decision)
{
    const struct egress_closed m = {
        .conn_id = id, .order_id = ORDER, .decision_id = {decision}};
    uint8_t buf[256] = {EGRESS_CLOSED};
    size_t n = 0;

    assert_int_equal(egress_closed_encode(&m, buf + 1, sizeof(buf) - 1, &n),
                     TS_OK);
    assert_int_equal(send(r->broker, buf, n + 1, 0), (ssize_t)n + 1);
    turn(r);
}

/* The code of the answer to id; -1: there is none. */
static int answered(const struct rig *r, uint64_t id)
{
    uint8_t buf[256];
    struct egress_answer m;
    const char *what;
    ssize_t n = recv(r->broker, buf, sizeof(buf), MSG_DONTWAIT);

    if (n <= 0)
        return -1;
    assert_int_equal(buf[0], EGRESS_ANSWER);
    assert_int_equal(egress_answer_decode(buf + 1, (size_t)n - 1, &m, &what),
                     TS_OK);
    assert_int_equal(m.conn_id, id);
    return (int)m.code;
}

/* ---- tests ------------------------------------------------------------- */

static void a_connection_is_recorded_then_answered(void **state)
{
    struct rig *r = *state;

    say_opened(r, 1);
    assert_int_equal(fake.records, 1);
    assert_int_equal(answered(r, 1), EGRESS_OK);
    fake.has_run = false; /* its end may be told after the run's */
    say_closed(r, 1, 9);
    assert_int_equal(fake.records, 2);
    say_closed(r, 1, 9); /* known no more */
    assert_int_equal(fake.records, 2);
    assert_null(fake.failed);
}

static void only_a_call_that_runs_may_open(void **state)
{
    struct rig *r = *state;

    for (int s = 0; s < CALL_STATE_COUNT_; s++) {
        bool may = s == CALL_LAUNCHING || s == CALL_RUNNING;
        int before = fake.records;

        fake.run.core.state = (enum call_state)s;
        say_opened(r, 100 + (uint64_t)s);
        assert_int_equal(answered(r, 100 + (uint64_t)s),
                         may ? EGRESS_OK : EGRESS_ENDED);
        assert_int_equal(fake.records - before, may);
    }
}

static void without_a_run_or_with_another_decision_it_is_ended(void **state)
{
    struct rig *r = *state;

    fake.run.decision_id[0] = 8;
    say_opened(r, 1);
    assert_int_equal(answered(r, 1), EGRESS_ENDED);
    fake.has_run = false;
    say_opened(r, 2);
    assert_int_equal(answered(r, 2), EGRESS_ENDED);
    assert_int_equal(fake.records, 0);
    assert_null(fake.failed);
}

static void what_cannot_be_recorded_is_not_made(void **state)
{
    struct rig *r = *state;

    fake.state = ORDER_OUT_DENIALS;
    say_opened(r, 1);
    assert_int_equal(answered(r, 1), EGRESS_NOT_RECORDED);
    fake.state = ORDER_OUT_NOTHING;
    say_opened(r, 2);
    assert_int_equal(answered(r, 2), EGRESS_NOT_RECORDED);
    assert_int_equal(fake.records, 0);
    fake.state = ORDER_OUT_ALL;
    fake.stopping = true; /* it may have been too late */
    say_opened(r, 3);
    assert_int_equal(answered(r, 3), EGRESS_NOT_RECORDED);
}

static void a_full_ring_holds_everything_back_in_order(void **state)
{
    struct rig *r = *state;

    fake.ring = TS_E_AGAIN;
    for (uint64_t id = 1; id <= 5; id++)
        say_opened(r, id);
    assert_int_equal(answered(r, 1), -1);
    assert_true(fake.retries > 0);
    egress_in_retry(r->g); /* still full */
    assert_int_equal(answered(r, 1), -1);
    fake.ring = TS_OK;
    egress_in_retry(r->g);
    turn(r);
    for (uint64_t id = 1; id <= 5; id++)
        assert_int_equal(answered(r, id), EGRESS_OK);
    assert_int_equal(fake.records, 5);
}

static void answers_that_the_broker_does_not_take_wait(void **state)
{
    struct rig *r = *state;
    int fillers = 0, got = 0;
    uint8_t buf[256];

    while (send(GATE_FD_BROKER, "?", 1, MSG_DONTWAIT) == 1)
        fillers++;
    say_opened(r, 1);
    say_opened(r, 2);
    assert_int_equal(fake.records, 1); /* the second is not read before */
    while (got < fillers && recv(r->broker, buf, sizeof(buf), MSG_DONTWAIT) > 0)
        got++;
    egress_in_retry(r->g);
    turn(r);
    assert_int_equal(answered(r, 1), EGRESS_OK);
    assert_int_equal(answered(r, 2), EGRESS_OK);
    assert_null(fake.failed);
}

static void nonsense_ends_the_gate(void **state)
{
    uint8_t whole[EGRESS_MESSAGE_MAX];
    struct rig *r = *state;
    size_t len = opened(whole, 1);

    for (size_t cut = 1; cut < len; cut++) {
        assert_int_equal(send(r->broker, whole, cut, 0), (ssize_t)cut);
        turn(r);
        assert_non_null(fake.failed);
        assert_int_equal(fake.records, 0);
        (void)teardown(state);
        (void)setup(state);
        r = *state;
    }
    say_opened(r, 1);
    say_opened(r, 1); /* the same number twice */
    assert_non_null(fake.failed);
    (void)teardown(state);
    (void)setup(state);
    r = *state;
    say_opened(r, 1);
    say_closed(r, 1, 8); /* of another call */
    assert_non_null(fake.failed);
}

static void a_broker_that_goes_ends_the_gate(void **state)
{
    struct rig *r = *state;

    ts_fd_close(&r->broker);
    turn(r);
    assert_non_null(fake.failed);
}

static void an_end_is_said_and_never_waited_for(void **state)
{
    struct rig *r = *state;
    uint8_t buf[256];
    struct egress_end m;
    const char *what;
    ssize_t n;

    egress_in_end(r->g, ORDER, END_REVOKED);
    n = recv(r->broker, buf, sizeof(buf), MSG_DONTWAIT);
    assert_true(n > 1);
    assert_int_equal(buf[0], EGRESS_END);
    assert_int_equal(egress_end_decode(buf + 1, (size_t)n - 1, &m, &what),
                     TS_OK);
    assert_int_equal(m.order_id, ORDER);
    assert_int_equal(m.reason, END_REVOKED);
    for (int i = 0; i < 10000; i++)
        egress_in_end(r->g, ORDER, END_REVOKED);
}

static void connections_that_were_closed_leave_nothing(void **state)
{
    struct rig *r = *state;

    for (uint64_t id = 1; id <= 5000; id++) {
        say_opened(r, id);
        assert_int_equal(answered(r, id), EGRESS_OK);
        say_closed(r, id, 9);
    }
    assert_int_equal(fake.records, 10000);
}

/* One OPENED, whose allocation nth fails; its answer's code. */
static int opened_without(struct rig *r, uint64_t id, int nth, int *ret_live)
{
    int code;

    fault_mem_arm(nth, false);
    say_opened(r, id);
    code = answered(r, id);
    assert_true(fault_mem_fired());
    fault_mem_disarm();
    *ret_live = fault_mem_live();
    return code;
}

/* It is not made, is in no record, and the gate serves the next one. */
static void connection_without_memory_is_not_made_and_not_recorded(void **state)
{
    struct rig *r = *state;
    int live = -1;

    assert_int_equal(opened_without(r, 1, 0, &live), EGRESS_ENDED);
    assert_int_equal(live, 0);
    assert_int_equal(opened_without(r, 1, 1, &live), EGRESS_NOT_RECORDED);
    assert_int_equal(live, 1); /* whose it would be is kept */
    assert_int_equal(opened_without(r, 1, 0, &live), EGRESS_NOT_RECORDED);
    assert_int_equal(live, 0);
    assert_int_equal(fake.records, 0);
    assert_null(fake.failed);
    say_opened(r, 1);
    assert_int_equal(answered(r, 1), EGRESS_OK);
    assert_int_equal(fake.records, 1);
}

/* A record that is refused leaves nothing of its connection. */
static void connection_that_is_not_recorded_is_forgotten(void **state)
{
    struct rig *r = *state;

    say_opened(r, 1);
    assert_int_equal(answered(r, 1), EGRESS_OK);
    fault_mem_arm(-1, false);
    fake.stopping = true;
    say_opened(r, 2);
    assert_int_equal(answered(r, 2), EGRESS_NOT_RECORDED);
    assert_int_equal(fault_mem_live(), 0);
    fake.stopping = false;
    fault_mem_disarm();
    say_closed(r, 2, 9);
    assert_int_equal(fake.records, 2); /* of id 1, and the one that was late */
}

#define ONE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ONE(a_connection_is_recorded_then_answered),
        ONE(only_a_call_that_runs_may_open),
        ONE(without_a_run_or_with_another_decision_it_is_ended),
        ONE(what_cannot_be_recorded_is_not_made),
        ONE(a_full_ring_holds_everything_back_in_order),
        ONE(answers_that_the_broker_does_not_take_wait),
        ONE(nonsense_ends_the_gate),
        ONE(a_broker_that_goes_ends_the_gate),
        ONE(an_end_is_said_and_never_waited_for),
        ONE(connections_that_were_closed_leave_nothing),
        ONE(connection_without_memory_is_not_made_and_not_recorded),
        ONE(connection_that_is_not_recorded_is_forgotten),
    };
    return cmocka_run_group_tests(tests, keep_numbers, NULL);
}
