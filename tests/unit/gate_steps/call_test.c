#include "sidecar/gate/steps/call.h"

#include "tests/lib/ts_test.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

struct row {
    enum call_state from;
    enum call_event ev;
    enum call_state to;
    enum call_effect effect;
};

static const struct row legal[] = {
    {CALL_DECIDED, CALL_EV_PERMIT, CALL_LAUNCHING, CALL_DO_LAUNCH},
    {CALL_DECIDED, CALL_EV_DENY, CALL_DONE, CALL_DO_DENY},
    {CALL_LAUNCHING, CALL_EV_STARTED, CALL_RUNNING, CALL_DO_STARTED},
    {CALL_LAUNCHING, CALL_EV_REFUSED, CALL_DONE, CALL_DO_REFUSED},
    {CALL_STOPPING_EARLY, CALL_EV_STARTED, CALL_STOPPING, CALL_DO_STARTED},
    {CALL_STOPPING_EARLY, CALL_EV_REFUSED, CALL_DONE, CALL_DO_REFUSED},
    {CALL_RUNNING, CALL_EV_EXITED, CALL_ENDING, CALL_DO_DRAIN},
    {CALL_RUNNING, CALL_EV_STDOUT_EOF, CALL_RUNNING, CALL_DO_NOTHING},
    {CALL_RUNNING, CALL_EV_STDERR_EOF, CALL_RUNNING, CALL_DO_NOTHING},
    {CALL_STOPPING, CALL_EV_EXITED, CALL_ENDING, CALL_DO_DRAIN},
    {CALL_STOPPING, CALL_EV_STDOUT_EOF, CALL_STOPPING, CALL_DO_NOTHING},
    {CALL_STOPPING, CALL_EV_STDERR_EOF, CALL_STOPPING, CALL_DO_NOTHING},
    {CALL_ENDING, CALL_EV_STDOUT_EOF, CALL_ENDING, CALL_DO_NOTHING},
    {CALL_ENDING, CALL_EV_STDERR_EOF, CALL_ENDING, CALL_DO_NOTHING},
    {CALL_ENDING, CALL_EV_DRAIN_OVER, CALL_DONE, CALL_DO_FINISH},
    {CALL_DONE, CALL_EV_STDOUT_EOF, CALL_DONE, CALL_DO_NOTHING},
    {CALL_DONE, CALL_EV_STDERR_EOF, CALL_DONE, CALL_DO_NOTHING},
    {CALL_DONE, CALL_EV_DRAIN_OVER, CALL_DONE, CALL_DO_NOTHING},
    {CALL_DECIDED, CALL_EV_PEND, CALL_WAITING, CALL_DO_HOLD},
    {CALL_WAITING, CALL_EV_QUORUM, CALL_DECIDED, CALL_DO_DECIDE},
    {CALL_WAITING, CALL_EV_TICKET_END, CALL_DONE, CALL_DO_TELL},
    {CALL_WAITING, CALL_EV_HOLD_OVER, CALL_DONE, CALL_DO_REPEAT},
    {CALL_DONE, CALL_EV_QUORUM, CALL_DONE, CALL_DO_NOTHING},
    {CALL_DONE, CALL_EV_TICKET_END, CALL_DONE, CALL_DO_NOTHING},
    {CALL_DONE, CALL_EV_HOLD_OVER, CALL_DONE, CALL_DO_NOTHING},
};

static const enum call_event kills[] = {CALL_EV_CANCEL,     CALL_EV_DISCONNECT,
                                        CALL_EV_REVOKE,     CALL_EV_EXPIRE,
                                        CALL_EV_OUTPUT_CAP, CALL_EV_SHUTDOWN};
static const enum end_reason reasons[] = {END_CANCELLED,    END_DISCONNECTED,
                                          END_REVOKED,      END_EXPIRED,
                                          END_OUTPUT_LIMIT, END_SHUTDOWN};

static bool is_kill(int ev, enum end_reason *ret_reason)
{
    for (size_t i = 0; i < LEN(kills); i++) {
        if ((int)kills[i] == ev) {
            *ret_reason = reasons[i];
            return true;
        }
    }
    return false;
}

/* What a kill does, by state; DECIDED is no state that one can meet. */
static struct row kill_row(int s, enum end_reason why)
{
    struct row r = {.to = (enum call_state)s, .effect = CALL_DO_NOTHING};

    if (s == CALL_LAUNCHING)
        r = (struct row){.to = CALL_STOPPING_EARLY, .effect = CALL_DO_KILL};
    else if (s == CALL_RUNNING)
        r = (struct row){.to = CALL_STOPPING, .effect = CALL_DO_KILL};
    else if (s == CALL_WAITING && why == END_CANCELLED)
        r.effect = CALL_DO_WITHDRAW;
    else if (s == CALL_WAITING)
        r = (struct row){.to = CALL_DONE,
                         .effect = why == END_DISCONNECTED ? CALL_DO_NOTHING
                                                           : CALL_DO_TELL};
    else if (s == CALL_DECIDED)
        r = (struct row){.to = CALL_DONE, .effect = CALL_DO_PANIC};
    return r;
}

static struct row expected(int s, int ev)
{
    enum end_reason why;

    if (is_kill(ev, &why))
        return kill_row(s, why);
    for (size_t i = 0; i < LEN(legal); i++) {
        if ((int)legal[i].from == s && (int)legal[i].ev == ev)
            return legal[i];
    }
    return (struct row){.to = CALL_DONE, .effect = CALL_DO_PANIC};
}

static void call_step_every_pair_is_as_listed_or_panics(void **state)
{
    (void)state;
    for (int s = 0; s < CALL_STATE_COUNT_; s++) {
        for (int ev = 0; ev < CALL_EVENT_COUNT_; ev++) {
            struct call c = {.state = (enum call_state)s};
            struct row want = expected(s, ev);
            enum end_reason reason;

            assert_int_equal(call_step(&c, (enum call_event)ev), want.effect);
            assert_int_equal(c.state, want.to);
            if (is_kill(ev, &reason) &&
                (want.effect == CALL_DO_KILL ||
                 (s == CALL_WAITING && want.to == CALL_DONE)))
                assert_int_equal(c.reason, reason);
            else
                assert_int_equal(c.reason, END_EXITED);
        }
    }
}

static void call_step_ends_when_both_pipes_did(void **state)
{
    /* EXITED and the two ends of file, in each of their six orders */
    static const enum call_event orders[6][3] = {
        {CALL_EV_EXITED, CALL_EV_STDOUT_EOF, CALL_EV_STDERR_EOF},
        {CALL_EV_EXITED, CALL_EV_STDERR_EOF, CALL_EV_STDOUT_EOF},
        {CALL_EV_STDOUT_EOF, CALL_EV_EXITED, CALL_EV_STDERR_EOF},
        {CALL_EV_STDERR_EOF, CALL_EV_EXITED, CALL_EV_STDOUT_EOF},
        {CALL_EV_STDOUT_EOF, CALL_EV_STDERR_EOF, CALL_EV_EXITED},
        {CALL_EV_STDERR_EOF, CALL_EV_STDOUT_EOF, CALL_EV_EXITED}};

    (void)state;
    for (size_t i = 0; i < LEN(orders); i++) {
        struct call c = {.state = CALL_RUNNING};

        assert_int_not_equal(call_step(&c, orders[i][0]), CALL_DO_FINISH);
        assert_int_not_equal(call_step(&c, orders[i][1]), CALL_DO_FINISH);
        assert_int_equal(call_step(&c, orders[i][2]), CALL_DO_FINISH);
        assert_int_equal(c.state, CALL_DONE);
    }
}

static void call_step_second_kill_keeps_the_first_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < LEN(kills); i++) {
        for (size_t k = 0; k < LEN(kills); k++) {
            struct call c = {.state = CALL_RUNNING};

            assert_int_equal(call_step(&c, kills[i]), CALL_DO_KILL);
            assert_int_equal(call_step(&c, kills[k]), CALL_DO_NOTHING);
            assert_int_equal(c.reason, reasons[i]);
        }
    }
}

/* A call that waits is told once more and no more, whatever comes in one turn
 * and in whatever order. */
static void call_step_waiting_ends_once_in_every_order(void **state)
{
    static const enum call_event races[] = {
        CALL_EV_QUORUM, CALL_EV_TICKET_END, CALL_EV_HOLD_OVER,
        CALL_EV_CANCEL, CALL_EV_DISCONNECT, CALL_EV_REVOKE,
        CALL_EV_EXPIRE, CALL_EV_SHUTDOWN};

    (void)state;
    for (size_t i = 0; i < LEN(races) * LEN(races) * LEN(races); i++) {
        struct call c = {.state = CALL_WAITING};
        size_t left = i;
        int told = 0;

        for (int n = 0; n < 3; n++, left /= LEN(races)) {
            enum call_effect e = call_step(&c, races[left % LEN(races)]);

            assert_int_not_equal(e, CALL_DO_PANIC);
            told += e == CALL_DO_TELL || e == CALL_DO_REPEAT;
            if (e != CALL_DO_DECIDE)
                continue;
            /* decided in the same step: it is a permit or a denial */
            assert_int_equal(
                call_step(&c, n % 2 ? CALL_EV_DENY : CALL_EV_PERMIT),
                n % 2 ? CALL_DO_DENY : CALL_DO_LAUNCH);
            c.state = CALL_DONE; /* the launch is another's */
            told++;
        }
        assert_in_range(told, 0, 1);
    }
}

/* Every walk through the machine has at most one outcome. */
static void walk(struct call c, unsigned depth, unsigned outcomes)
{
    assert_in_range(outcomes, 0, 1);
    if (depth == 0)
        return;
    for (int ev = 0; ev < CALL_EVENT_COUNT_; ev++) {
        struct call next = c;
        enum call_effect e = call_step(&next, (enum call_event)ev);
        bool outcome = e == CALL_DO_FINISH || e == CALL_DO_REFUSED;

        if (e != CALL_DO_PANIC)
            walk(next, depth - 1, outcomes + (outcome ? 1 : 0));
    }
}

static void call_step_any_walk_has_at_most_one_outcome(void **state)
{
    (void)state;
    walk((struct call){0}, 6, 0);
}

static void call_event_of_every_reason_is_a_kill(void **state)
{
    (void)state;
    for (int r = 0; r < END_COUNT_; r++) {
        enum end_reason reason;

        assert_true(is_kill((int)call_event_of((enum end_reason)r), &reason));
    }
    for (size_t i = 0; i < LEN(kills); i++)
        assert_int_equal(call_event_of(reasons[i]), kills[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(call_step_every_pair_is_as_listed_or_panics),
        cmocka_unit_test(call_step_ends_when_both_pipes_did),
        cmocka_unit_test(call_step_second_kill_keeps_the_first_reason),
        cmocka_unit_test(call_step_waiting_ends_once_in_every_order),
        cmocka_unit_test(call_step_any_walk_has_at_most_one_outcome),
        cmocka_unit_test(call_event_of_every_reason_is_a_kill),
    };

    return cmocka_run_group_tests_name("call", tests, NULL, NULL);
}
