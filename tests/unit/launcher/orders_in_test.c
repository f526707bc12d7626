/* orders_in.c with everything around it played here. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/lib/ts_test.h"

#include "sidecar/common/fds.h"
#include "sidecar/launcher/launcher.h"

static int sweeps, kills, other;
static bool swept_before_other;

uint64_t now_ns(void)
{
    return 1;
}

ts_err launch_order(struct launcher *l, const struct order *o, uint64_t at)
{
    (void)l;
    (void)o;
    (void)at;
    return TS_E_STATE; /* none is sent here */
}

ts_err launch_refuse(struct launcher *l, uint64_t id,
                     const struct order_refusal *r)
{
    (void)l;
    (void)id;
    (void)r;
    return TS_E_STATE; /* none is sent here */
}

ts_err back_barrier(struct back *b, const struct order_barrier *m)
{
    (void)b;
    (void)m;
    other++;
    swept_before_other = sweeps > 0;
    return TS_OK;
}

ts_err runs_kill(struct launcher *l, uint64_t id, enum end_reason why)
{
    (void)l;
    (void)id;
    (void)why;
    kills++;
    return TS_OK;
}

/* As the real one does when a process ends while it is looked at. */
void runs_sweep(struct launcher *l)
{
    (void)l;
    sweeps++;
    errno = ESRCH;
}

static int recorder = -1;

static int open_each(void **state)
{
    int p[2];

    (void)state;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, p) != 0)
        return -1;
    /* out of the way of the number that the launcher's end must have */
    recorder = fcntl(p[1], F_DUPFD_CLOEXEC, 100);
    (void)close(p[1]);
    if (dup2(p[0], LAUNCHER_FD_RECORDER) != LAUNCHER_FD_RECORDER)
        return -1;
    if (p[0] != LAUNCHER_FD_RECORDER)
        (void)close(p[0]);
    sweeps = kills = other = 0;
    swept_before_other = false;
    return recorder < 0 ? -1 : 0;
}

static int close_each(void **state)
{
    (void)state;
    (void)close(recorder);
    (void)close(LAUNCHER_FD_RECORDER);
    return 0;
}

static void send_kill(uint64_t id)
{
    const struct order_kill k = {.order_id = id, .reason = END_REVOKED};
    uint8_t buf[64] = {HOP_KILL};
    size_t len = 0;

    assert_int_equal(order_kill_encode(&k, buf + 1, sizeof(buf) - 1, &len),
                     TS_OK);
    assert_int_equal(send(recorder, buf, len + 1, 0), (ssize_t)len + 1);
}

static void send_barrier(void)
{
    const struct order_barrier b = {.id = 7};
    uint8_t buf[64] = {HOP_BARRIER};
    size_t len = 0;

    assert_int_equal(order_barrier_encode(&b, buf + 1, sizeof(buf) - 1, &len),
                     TS_OK);
    assert_int_equal(send(recorder, buf, len + 1, 0), (ssize_t)len + 1);
}

/* A tool that forks without pause made the launcher believe that the recorder
 * had hung up, and it ended, with every tool of everybody. */
static void
process_that_vanishes_under_a_kill_is_no_end_of_the_channel(void **state)
{
    static struct launcher l;

    (void)state;
    send_kill(1);
    assert_int_equal(orders_receive(&l), TS_OK);
    assert_int_equal(orders_receive(&l), TS_E_AGAIN);
    assert_int_equal(kills, 1);
    assert_int_equal(sweeps, 1);
}

static void kills_in_a_row_are_swept_once_before_what_follows(void **state)
{
    static struct launcher l;

    (void)state;
    for (uint64_t id = 1; id <= 5; id++)
        send_kill(id);
    send_barrier();
    for (int i = 0; i < 5; i++)
        assert_int_equal(orders_receive(&l), TS_OK);
    assert_int_equal(kills, 5);
    assert_int_equal(sweeps, 0);
    assert_int_equal(orders_receive(&l), TS_OK);
    assert_int_equal(other, 1);
    assert_true(swept_before_other);
    assert_int_equal(sweeps, 1);
}

static void recorder_that_hangs_up_ends_the_launcher(void **state)
{
    static struct launcher l;

    (void)state;
    send_kill(1);
    (void)shutdown(recorder, SHUT_WR);
    assert_int_equal(orders_receive(&l), TS_OK);
    assert_int_equal(orders_receive(&l), TS_E_CLOSED);
    assert_int_equal(sweeps, 1);
}

static void message_of_unknown_type_or_none_is_an_error(void **state)
{
    static struct launcher l;
    const uint8_t odd[2] = {0xee, 0}, bare[1] = {HOP_KILL};

    (void)state;
    assert_int_equal(send(recorder, odd, sizeof(odd), 0), 2);
    assert_int_equal(orders_receive(&l), TS_E_FORMAT);
    assert_int_equal(send(recorder, bare, sizeof(bare), 0), 1);
    assert_int_not_equal(orders_receive(&l), TS_OK);
    assert_int_equal(kills, 0);
}

#define EACH(f) cmocka_unit_test_setup_teardown(f, open_each, close_each)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(process_that_vanishes_under_a_kill_is_no_end_of_the_channel),
        EACH(kills_in_a_row_are_swept_once_before_what_follows),
        EACH(recorder_that_hangs_up_ends_the_launcher),
        EACH(message_of_unknown_type_or_none_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
