/* What the launcher does with the messages of supervisor and recorder. */
#include "harness.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/ts_test.h"

#include "sidecar/common/control/control.h"

static struct box box;

static int open_each(void **state)
{
    (void)state;
    box_open(&box);
    return 0;
}

static int close_each(void **state)
{
    (void)state;
    box_close(&box);
    return 0;
}

static void tell(enum control_type type, uint64_t value, int bundle)
{
    struct control_message m = {
        .type = type, .bundle_fd = bundle, .journal_fd = -1};

    if (type == CONTROL_DRAIN)
        m.as.drain.grace_ms = value;
    else
        m.as.prepare.generation = value;
    assert_int_equal(control_send(box.control, &m), TS_OK);
    if (bundle >= 0)
        (void)close(bundle);
}

static void expect_prepared(uint64_t generation)
{
    uint8_t buf[CONTROL_MESSAGE_MAX];
    struct control_message m;

    assert_int_equal(control_receive(box.control, buf, &m), TS_OK);
    assert_int_equal(m.type, CONTROL_PREPARED);
    assert_int_equal(m.as.prepare.generation, generation);
}

static bool runs_at(uint64_t generation)
{
    const struct call c = {.tool = "plain", .what = "exit", .arg = "0"};
    struct outcome o;

    box.generation = generation;
    box_run(&box, &c, &o);
    return o.started;
}

static void commit_serves_new_and_previous_generation(void **state)
{
    (void)state;
    tell(CONTROL_PREPARE, 2, box_bundle(&box));
    expect_prepared(2);
    assert_true(runs_at(1));
    assert_false(runs_at(2)); /* prepared is not committed */
    tell(CONTROL_COMMIT, 2, -1);
    tell(CONTROL_PREPARE, 3, box_bundle(&box));
    expect_prepared(3); /* so COMMIT was before this */
    assert_true(runs_at(1));
    assert_true(runs_at(2));
}

static void abort_keeps_the_old_generation(void **state)
{
    (void)state;
    tell(CONTROL_PREPARE, 2, box_bundle(&box));
    expect_prepared(2);
    tell(CONTROL_ABORT, 2, -1);
    tell(CONTROL_PREPARE, 3, box_bundle(&box));
    expect_prepared(3);
    assert_true(runs_at(1));
    assert_false(runs_at(2));
}

static void send_hop(uint8_t type, uint8_t *buf, size_t len)
{
    buf[0] = type;
    assert_int_equal(send(box.orders, buf, len + 1, MSG_NOSIGNAL),
                     (ssize_t)len + 1);
}

static void void_becomes_refused_with_its_code(void **state)
{
    const struct order_void v = {.order_id = 77,
                                 .code = CODE_AUDIT_UNAVAILABLE};
    struct outcome o;
    uint8_t buf[64];
    size_t len = 0;

    (void)state;
    assert_int_equal(order_void_encode(&v, buf + 1, 63, &len), TS_OK);
    send_hop(HOP_VOID, buf, len);
    box_wait_start(&box, 77, &o);
    assert_false(o.started);
    assert_int_equal(o.code, CODE_AUDIT_UNAVAILABLE);
}

static void barrier_comes_back_behind_the_kills_before_it(void **state)
{
    const struct call c = {.tool = "plain", .what = "sleep"};
    const struct order_barrier b = {.id = 5};
    struct order_barrier back;
    uint64_t id = box_send(&box, &c);
    const char *what = "";
    struct outcome o;
    uint8_t buf[256];
    size_t len = 0;
    ssize_t n;

    (void)state;
    box_wait_start(&box, id, &o);
    assert_true(o.started);
    box_kill(&box, id, END_REVOKED);
    assert_int_equal(order_barrier_encode(&b, buf + 1, 255, &len), TS_OK);
    send_hop(HOP_BARRIER, buf, len);
    /* orders are read in turn, so the barrier finds the tool killed; EXITED may
     * come before or after it */
    n = recv(box.gate, buf, sizeof(buf), MSG_PEEK);
    assert_true(n > 1);
    if (buf[0] == HOP_EXITED)
        box_wait_end(&box, id, &o);
    n = recv(box.gate, buf, sizeof(buf), 0);
    assert_int_equal(buf[0], HOP_BARRIER);
    assert_int_equal(order_barrier_decode(buf + 1, (size_t)n - 1, &back, &what),
                     TS_OK);
    assert_int_equal(back.id, 5);
}

static void sixty_four_orders_at_once_all_run(void **state)
{
    const struct call c = {.tool = "plain", .what = "exit", .arg = "0"};
    int before = box_count_fds(&box);
    int started = 0, exited = 0;
    uint8_t buf[4096];

    (void)state;
    for (int i = 0; i < 64; i++)
        (void)box_send(&box, &c);
    while (exited < 64) { /* descriptors that nobody takes are closed */
        ssize_t n = recv(box.gate, buf, sizeof(buf), 0);

        assert_true(n > 1);
        if (buf[0] == HOP_UNSERVED)
            continue; /* of the tools that need what is not here */
        started += buf[0] == HOP_STARTED;
        exited += buf[0] == HOP_EXITED;
        assert_true(buf[0] == HOP_STARTED || buf[0] == HOP_EXITED);
        assert_true(exited <= started);
    }
    assert_int_equal(started, 64);
    assert_true(runs_at(1));
    assert_int_equal(box_count_fds(&box), before);
}

static void foreign_system_calls_end_the_tool(void **state)
{
    static const char *const doors[] = {"int80", "x32"};
    struct outcome o;

    (void)state;
#if !defined(__x86_64__)
    skip(); /* there is one door */
#endif
    for (size_t i = 0; i < 2; i++) {
        const struct call c = {.tool = "plain", .what = doors[i]};

        box_run(&box, &c, &o);
        assert_true(o.started);
        assert_int_equal(o.exited.signal, SIGSYS);
    }
}

static void expect_exit(int code)
{
    assert_int_equal(waitpid(box.pid, &box.wait_status, 0), box.pid);
    assert_true(WIFEXITED(box.wait_status));
    assert_int_equal(WEXITSTATUS(box.wait_status), code);
    box.pid = 0; /* box_close() has nothing left to wait for */
}

static void drain_refuses_orders_and_ends_in_order(void **state)
{
    const struct call c = {.tool = "plain", .what = "sleep"};
    uint64_t id = box_send(&box, &c);
    struct outcome o, late;

    (void)state;
    box_wait_start(&box, id, &o);
    tell(CONTROL_DRAIN, 2000, -1);
    tell(CONTROL_PREPARE, 2, box_bundle(&box));
    expect_prepared(2); /* so the DRAIN before it has been read */
    box_wait_start(&box, box_send(&box, &c), &late);
    assert_false(late.started);
    assert_int_equal(late.code, CODE_SHUTTING_DOWN);
    box_wait_end(&box, id, &o);
    assert_int_equal(o.exited.reason, END_SHUTDOWN);
    expect_exit(0);
}

static void hang_up_of_gate_before_drain_is_in_order(void **state)
{
    (void)state;
    (void)close(box.gate);
    tell(CONTROL_DRAIN, 1000, -1);
    expect_exit(0);
}

static void hang_up_of_gate_without_drain_is_an_error(void **state)
{
    (void)state;
    (void)close(box.gate);
    expect_exit(1);
}

#define EACH(f) cmocka_unit_test_setup_teardown(f, open_each, close_each)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(commit_serves_new_and_previous_generation),
        EACH(abort_keeps_the_old_generation),
        EACH(void_becomes_refused_with_its_code),
        EACH(barrier_comes_back_behind_the_kills_before_it),
        EACH(sixty_four_orders_at_once_all_run),
        EACH(foreign_system_calls_end_the_tool),
        EACH(drain_refuses_orders_and_ends_in_order),
        EACH(hang_up_of_gate_before_drain_is_in_order),
        EACH(hang_up_of_gate_without_drain_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
