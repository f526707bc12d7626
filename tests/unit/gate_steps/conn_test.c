#include "sidecar/gate/steps/conn.h"

#include "tests/lib/ts_test.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

struct row {
    enum conn_state from;
    enum conn_event ev;
    enum conn_state to;
    enum conn_effect effect;
    enum call_code code;    /* what ERROR says, for the effects that send it */
    enum end_reason reason; /* of killed calls, for DRAIN */
};

/* Written from docs/GATE.md. What is not listed closes without a word. */
static const struct row legal[] = {
    {CONN_ACCEPTED, CONN_EV_ADMITTED, CONN_HELLO_SENT, CONN_DO_HELLO, 0, 0},
    {CONN_HELLO_SENT, CONN_EV_AUTH, CONN_VERIFYING, CONN_DO_VERIFY, 0, 0},
    {CONN_HELLO_SENT, CONN_EV_PING, CONN_HELLO_SENT, CONN_DO_ECHO, 0, 0},
    {CONN_HELLO_SENT, CONN_EV_BAD_FRAME, CONN_CLOSING, CONN_DO_REFUSE,
     CODE_BAD_FRAME, 0},
    {CONN_HELLO_SENT, CONN_EV_TIMEOUT, CONN_CLOSING, CONN_DO_REFUSE,
     CODE_AUTH_FAILED, 0},
    {CONN_HELLO_SENT, CONN_EV_STOP, CONN_CLOSING, CONN_DO_REFUSE,
     CODE_SHUTTING_DOWN, 0},
    {CONN_VERIFYING, CONN_EV_AUTH_OK, CONN_READY, CONN_DO_WELCOME, 0, 0},
    {CONN_VERIFYING, CONN_EV_AUTH_FAILED, CONN_CLOSING, CONN_DO_REFUSE,
     CODE_AUTH_FAILED, 0},
    {CONN_VERIFYING, CONN_EV_NOT_READY, CONN_CLOSING, CONN_DO_REFUSE,
     CODE_NOT_READY, 0},
    {CONN_VERIFYING, CONN_EV_TIMEOUT, CONN_CLOSING, CONN_DO_REFUSE,
     CODE_AUTH_FAILED, 0},
    {CONN_VERIFYING, CONN_EV_STOP, CONN_CLOSING, CONN_DO_REFUSE,
     CODE_SHUTTING_DOWN, 0},
    {CONN_READY, CONN_EV_PING, CONN_READY, CONN_DO_ECHO, 0, 0},
    {CONN_READY, CONN_EV_CALL, CONN_READY, CONN_DO_CALL, 0, 0},
    {CONN_READY, CONN_EV_CHECK, CONN_READY, CONN_DO_CHECK, 0, 0},
    {CONN_READY, CONN_EV_STDIN, CONN_READY, CONN_DO_STDIN, 0, 0},
    {CONN_READY, CONN_EV_CANCEL, CONN_READY, CONN_DO_CANCEL, 0, 0},
    {CONN_READY, CONN_EV_TOOLS, CONN_READY, CONN_DO_TOOLS, 0, 0},
    {CONN_READY, CONN_EV_TASK_END, CONN_READY, CONN_DO_TASK_END, 0, 0},
    {CONN_READY, CONN_EV_REVOKE, CONN_READY, CONN_DO_REVOKE, 0, 0},
    {CONN_READY, CONN_EV_ORIGIN, CONN_READY, CONN_DO_ORIGIN, 0, 0},
    {CONN_READY, CONN_EV_LIMITED, CONN_CLOSING, CONN_DO_REFUSE,
     CODE_RATE_LIMITED, 0},
    {CONN_READY, CONN_EV_BAD_FRAME, CONN_CLOSING, CONN_DO_REFUSE,
     CODE_BAD_FRAME, 0},
    {CONN_READY, CONN_EV_UNAVAILABLE, CONN_CLOSING, CONN_DO_REFUSE,
     CODE_AUDIT_UNAVAILABLE, 0},
    {CONN_READY, CONN_EV_SURRENDERED, CONN_DRAINING, CONN_DO_DRAIN,
     CODE_REVOKED, END_REVOKED},
    {CONN_READY, CONN_EV_REVOKED, CONN_DRAINING, CONN_DO_DRAIN, CODE_REVOKED,
     END_REVOKED},
    {CONN_READY, CONN_EV_EXPIRED, CONN_DRAINING, CONN_DO_DRAIN, CODE_EXPIRED,
     END_EXPIRED},
    {CONN_READY, CONN_EV_STOP, CONN_DRAINING, CONN_DO_DRAIN, CODE_SHUTTING_DOWN,
     END_SHUTDOWN},
    {CONN_DRAINING, CONN_EV_SURRENDERED, CONN_DRAINING, CONN_DO_NOTHING, 0, 0},
    {CONN_DRAINING, CONN_EV_REVOKED, CONN_DRAINING, CONN_DO_NOTHING, 0, 0},
    {CONN_DRAINING, CONN_EV_EXPIRED, CONN_DRAINING, CONN_DO_NOTHING, 0, 0},
    {CONN_DRAINING, CONN_EV_STOP, CONN_DRAINING, CONN_DO_NOTHING, 0, 0},
    {CONN_DRAINING, CONN_EV_EMPTY, CONN_CLOSING, CONN_DO_REFUSE, 0, 0},
};

static const struct row *find(int s, int ev)
{
    for (size_t i = 0; i < LEN(legal); i++) {
        if ((int)legal[i].from == s && (int)legal[i].ev == ev)
            return &legal[i];
    }
    return NULL;
}

static void conn_step_every_pair_is_as_listed_or_closes(void **state)
{
    (void)state;
    for (int s = CONN_ACCEPTED; s < CONN_CLOSING; s++) {
        for (int ev = 0; ev < CONN_EVENT_COUNT_; ev++) {
            struct conn c = {.state = (enum conn_state)s,
                             .code = CODE_REVOKED,
                             .reason = END_REVOKED};
            const struct row *r = find(s, ev);
            enum conn_effect got = conn_step(&c, (enum conn_event)ev);

            assert_int_equal(got, r != NULL ? r->effect : CONN_DO_CLOSE);
            assert_int_equal(c.state, r != NULL ? r->to : CONN_CLOSING);
            if (r == NULL) /* whoever closes has gone, for its calls */
                assert_int_equal(c.reason, END_DISCONNECTED);
            else if (s != CONN_DRAINING && got == CONN_DO_REFUSE)
                assert_int_equal(c.code, r->code);
            else if (s != CONN_DRAINING && got == CONN_DO_DRAIN)
                assert_true(c.code == r->code && c.reason == r->reason);
        }
    }
}

static void conn_step_after_close_ignores_everything(void **state)
{
    (void)state;
    for (int ev = 0; ev < CONN_EVENT_COUNT_; ev++) {
        struct conn c = {.state = CONN_CLOSING, .code = CODE_EXPIRED};

        assert_int_equal(conn_step(&c, (enum conn_event)ev), CONN_DO_NOTHING);
        assert_int_equal(c.state, CONN_CLOSING);
        assert_int_equal(c.code, CODE_EXPIRED);
    }
}

static void conn_step_draining_tells_the_first_reason(void **state)
{
    struct conn c = {.state = CONN_READY};

    (void)state;
    assert_int_equal(conn_step(&c, CONN_EV_EXPIRED), CONN_DO_DRAIN);
    assert_int_equal(conn_step(&c, CONN_EV_REVOKED), CONN_DO_NOTHING);
    assert_int_equal(conn_step(&c, CONN_EV_EMPTY), CONN_DO_REFUSE);
    assert_int_equal(c.code, CODE_EXPIRED);
}

/* No sequence of events gives any power before AUTH_OK. */
static void conn_step_no_call_before_auth(void **state)
{
    (void)state;
    for (int a = 0; a < CONN_EVENT_COUNT_; a++) {
        for (int b = 0; b < CONN_EVENT_COUNT_; b++) {
            for (int ev = 0; ev < CONN_EVENT_COUNT_; ev++) {
                struct conn c = {0};
                enum conn_effect got;

                if (a == CONN_EV_AUTH_OK || b == CONN_EV_AUTH_OK)
                    continue;
                (void)conn_step(&c, (enum conn_event)a);
                (void)conn_step(&c, (enum conn_event)b);
                got = conn_step(&c, (enum conn_event)ev);
                assert_true(got < CONN_DO_CALL || got > CONN_DO_ORIGIN);
            }
        }
    }
}

static void conn_reads_only_where_frames_are_legal(void **state)
{
    (void)state;
    for (int s = 0; s < CONN_STATE_COUNT_; s++) {
        const struct conn c = {.state = (enum conn_state)s};

        assert_int_equal(conn_reads(&c),
                         s == CONN_HELLO_SENT || s == CONN_READY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conn_step_every_pair_is_as_listed_or_closes),
        cmocka_unit_test(conn_step_after_close_ignores_everything),
        cmocka_unit_test(conn_step_draining_tells_the_first_reason),
        cmocka_unit_test(conn_step_no_call_before_auth),
        cmocka_unit_test(conn_reads_only_where_frames_are_legal),
    };

    return cmocka_run_group_tests_name("conn", tests, NULL, NULL);
}
