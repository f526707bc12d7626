/* What may come for a call in which state: every (state, message) pair. */
#include "tests/lib/ts_test.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "shim/session.h"
#include "tests/lib/fault_mem.h"

/* A session after its handshake, with the test as the gate. */
static void session_init(struct tipstaff *t, int *peer)
{
    int fds[2];

    memset(t, 0, sizeof(*t));
    link_init(&t->link, TS_FRAME_MAX);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds),
                     0);
    t->link.fd = fds[0];
    t->next_seq = 1;
    t->max_body = TS_FRAME_MAX;
    *peer = fds[1];
}

static void session_done(struct tipstaff *t, int *peer)
{
    link_done(&t->link);
    ts_fd_close(peer);
}

enum message {
    M_PERMIT,
    M_DENY,
    M_ASK, /* pending */
    M_OUTPUT,
    M_WINDOW,
    M_RESULT,
    M_PING,
    M_CHECKED,
    M_KEPT,
    M_COUNT
};

static void gate_says(int peer, enum message m, uint64_t seq)
{
    static const uint8_t x[1] = {'x'};
    static const uint8_t answer[] = "\x91\x93\x00\xa6"
                                    "denied\xc4\x10"
                                    "0123456789abcdef";
    static const uint8_t row[] = "\x91\x97\xa2/a\x01\x03\x00\x07\x02\xc2";
    struct ts_buf out;
    ts_err e = TS_OK;

    ts_buf_init(&out, 4096);
    if (m == M_ASK)
        e = msg_decision_send(&out, &(struct msg_decision){
                                        .seq = seq,
                                        .verdict = VERDICT_PENDING,
                                        .code = TS_STR_LIT("approval_required"),
                                        .expires = 1700000000});
    else if (m == M_PERMIT || m == M_DENY)
        e = msg_decision_send(
            &out,
            &(struct msg_decision){
                .seq = seq,
                .verdict = m == M_PERMIT ? VERDICT_PERMIT : VERDICT_DENY,
                .code = ts_str_of(m == M_PERMIT ? "permitted" : "denied")});
    else if (m == M_OUTPUT)
        e = msg_output_send(&out, &(struct msg_output){.seq = seq,
                                                       .stream = STREAM_STDOUT,
                                                       .data = {x, 1}});
    else if (m == M_WINDOW)
        e = msg_window_send(&out,
                            &(struct msg_window){.seq = seq, .bytes = 100});
    else if (m == M_RESULT)
        e = msg_result_send(
            &out, &(struct msg_result){.seq = seq,
                                       .reason = TS_STR_LIT("exited"),
                                       .code = TS_STR_LIT("permitted")});
    else if (m == M_KEPT)
        e = msg_kept_send(&out,
                          &(struct msg_kept){.seq = seq,
                                             .ref = TS_STR_LIT("call-1"),
                                             .count = 1,
                                             .items = {row, sizeof(row) - 1}});
    else if (m == M_PING)
        e = msg_ping_send(&out, &(struct msg_ping){.token = {x, 1}});
    else
        e = msg_checked_send(
            &out, &(struct msg_checked){.seq = seq,
                                        .count = 1,
                                        .items = {answer, sizeof(answer) - 1}});
    assert_int_equal(e, TS_OK);
    assert_int_equal(write(peer, ts_buf_bytes(&out), out.len), out.len);
    ts_buf_done(&out);
}

/* Brings call 1 into the state; 100 bytes of its credit are used up. */
static void call_into(struct tipstaff *t, int peer, enum flight_state state)
{
    struct tipstaff_call call = {.tool = "t",
                                 .has_stdin = true,
                                 .hold_ms = state == FLIGHT_WAITING ? 1000 : 0};
    struct tipstaff_event ev;
    uint8_t data[100] = {0};
    size_t taken = 0;
    uint64_t seq = 0;

    assert_int_equal(tipstaff_submit(t, &call, &seq), TIPSTAFF_OK);
    assert_int_equal(seq, 1);
    if (state == FLIGHT_ASKED)
        return;
    if (state == FLIGHT_WAITING) {
        gate_says(peer, M_ASK, 1);
        assert_int_equal(tipstaff_next(t, 0, &ev), TIPSTAFF_OK);
        assert_true(ev.waits);
        return;
    }
    gate_says(peer, M_PERMIT, 1);
    assert_int_equal(tipstaff_next(t, 0, &ev), TIPSTAFF_OK);
    assert_int_equal(tipstaff_stdin(t, 1, data, 100, false, &taken),
                     TIPSTAFF_OK);
    assert_int_equal(taken, 100);
    if (state == FLIGHT_PERMITTED)
        return;
    gate_says(peer, M_RESULT, 1);
    assert_int_equal(tipstaff_next(t, 0, &ev), TIPSTAFF_OK);
    assert_int_equal(t->flying, 0);
}

static void every_state_takes_only_what_is_due(void **state)
{
    /* FREE here: the call has ended. AGAIN: taken, and nothing to tell. */
    static const enum tipstaff_status want[4][M_COUNT] = {
        [FLIGHT_FREE] = {[M_PERMIT] = TIPSTAFF_LOST,
                         [M_DENY] = TIPSTAFF_LOST,
                         [M_ASK] = TIPSTAFF_LOST,
                         [M_OUTPUT] = TIPSTAFF_LOST,
                         [M_WINDOW] = TIPSTAFF_AGAIN,
                         [M_RESULT] = TIPSTAFF_LOST,
                         [M_PING] = TIPSTAFF_AGAIN,
                         [M_CHECKED] = TIPSTAFF_LOST,
                         [M_KEPT] = TIPSTAFF_LOST},
        [FLIGHT_ASKED] = {[M_PERMIT] = TIPSTAFF_OK,
                          [M_DENY] = TIPSTAFF_OK,
                          [M_ASK] = TIPSTAFF_OK,
                          [M_OUTPUT] = TIPSTAFF_LOST,
                          [M_WINDOW] = TIPSTAFF_LOST,
                          [M_RESULT] = TIPSTAFF_LOST,
                          [M_PING] = TIPSTAFF_AGAIN,
                          [M_CHECKED] = TIPSTAFF_LOST,
                          [M_KEPT] = TIPSTAFF_LOST},
        [FLIGHT_WAITING] = {[M_PERMIT] = TIPSTAFF_OK,
                            [M_DENY] = TIPSTAFF_OK,
                            [M_ASK] = TIPSTAFF_OK,
                            [M_OUTPUT] = TIPSTAFF_LOST,
                            [M_WINDOW] = TIPSTAFF_LOST,
                            [M_RESULT] = TIPSTAFF_LOST,
                            [M_PING] = TIPSTAFF_AGAIN,
                            [M_CHECKED] = TIPSTAFF_LOST,
                            [M_KEPT] = TIPSTAFF_LOST},
        [FLIGHT_PERMITTED] = {[M_PERMIT] = TIPSTAFF_LOST,
                              [M_DENY] = TIPSTAFF_LOST,
                              [M_ASK] = TIPSTAFF_LOST,
                              [M_OUTPUT] = TIPSTAFF_OK,
                              [M_WINDOW] = TIPSTAFF_OK,
                              [M_RESULT] = TIPSTAFF_OK,
                              [M_PING] = TIPSTAFF_AGAIN,
                              [M_CHECKED] = TIPSTAFF_LOST,
                              [M_KEPT] = TIPSTAFF_OK},
    };

    (void)state;
    for (int s = FLIGHT_FREE; s <= FLIGHT_PERMITTED; s++) {
        for (int m = 0; m < M_COUNT; m++) {
            struct tipstaff t;
            struct tipstaff_event ev = {.seq = 0};
            int peer;

            session_init(&t, &peer);
            call_into(&t, peer, (enum flight_state)s);
            gate_says(peer, (enum message)m, 1);
            assert_int_equal(tipstaff_next(&t, 0, &ev), want[s][m]);
            if (want[s][m] == TIPSTAFF_LOST) { /* and it stays lost */
                assert_int_equal(tipstaff_next(&t, 0, &ev), TIPSTAFF_LOST);
                assert_non_null(strstr(tipstaff_message(&t), "protocol"));
                assert_int_equal(strstr(tipstaff_message(&t), "unknown") !=
                                     NULL,
                                 s != FLIGHT_FREE);
            }
            session_done(&t, &peer);
        }
    }
}

/* An output is shown or kept back, once; what was shown cannot be taken back.
 */
static void output_is_shown_or_kept(void **state)
{
    static const enum message pairs[][2] = {
        {M_OUTPUT, M_KEPT}, {M_KEPT, M_OUTPUT}, {M_KEPT, M_KEPT}};

    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct tipstaff t;
        struct tipstaff_event ev;
        int peer;

        session_init(&t, &peer);
        call_into(&t, peer, FLIGHT_PERMITTED);
        gate_says(peer, pairs[i][0], 1);
        assert_int_equal(tipstaff_next(&t, 0, &ev), TIPSTAFF_OK);
        gate_says(peer, pairs[i][1], 1);
        assert_int_equal(tipstaff_next(&t, 0, &ev), TIPSTAFF_LOST);
        session_done(&t, &peer);
    }
}

static void kept_output_is_told_row_by_row(void **state)
{
    struct tipstaff_outline o = {.count = 0};
    struct tipstaff_event ev;
    struct tipstaff t;
    size_t at = 0;
    int peer;

    (void)state;
    session_init(&t, &peer);
    call_into(&t, peer, FLIGHT_PERMITTED);
    gate_says(peer, M_KEPT, 1);
    assert_int_equal(tipstaff_next(&t, 0, &ev), TIPSTAFF_OK);
    assert_int_equal(ev.kind, TIPSTAFF_KEPT);
    assert_memory_equal(ev.ref.ptr, "call-1", 6);
    assert_true(tipstaff_outline_next(&ev, &at, &o));
    assert_memory_equal(o.pattern.ptr, "/a", 2);
    assert_int_equal(o.type, TIPSTAFF_OUTLINE_STRING);
    assert_int_equal(o.count, 3);
    assert_int_equal(o.min, 0);
    assert_int_equal(o.max, 7);
    assert_true(o.untrusted && !o.secret);
    assert_false(tipstaff_outline_next(&ev, &at, &o));
    gate_says(peer, M_RESULT, 1);
    assert_int_equal(tipstaff_next(&t, 0, &ev), TIPSTAFF_OK);
    at = 0;
    assert_false(tipstaff_outline_next(&ev, &at, &o)); /* is no KEPT */
    session_done(&t, &peer);
}

/* The first pending of a held call is no end, the second is; of one that is not
 * held the first is. */
static void pending_ends_a_call_that_does_not_wait(void **state)
{
    (void)state;
    for (int held = 0; held <= 1; held++) {
        struct tipstaff_event ev = {.waits = false};
        struct tipstaff t;
        int peer;

        session_init(&t, &peer);
        call_into(&t, peer, held ? FLIGHT_WAITING : FLIGHT_ASKED);
        gate_says(peer, M_ASK, 1);
        assert_int_equal(tipstaff_next(&t, 0, &ev), TIPSTAFF_OK);
        assert_int_equal(ev.verdict, TIPSTAFF_PENDING);
        assert_false(ev.waits);
        assert_int_equal(ev.expires, 1700000000);
        assert_int_equal(t.flying, 0);
        session_done(&t, &peer);
    }
}

static void waiting_for_more_than_an_hour_is_refused(void **state)
{
    struct tipstaff_call call = {.tool = "t", .hold_ms = TS_HOLD_MAX_MS + 1};
    struct tipstaff t;
    uint64_t seq = 0;
    int peer;

    (void)state;
    session_init(&t, &peer);
    assert_int_equal(tipstaff_submit(&t, &call, &seq), TIPSTAFF_USAGE);
    assert_int_equal(t.flying, 0);
    session_done(&t, &peer);
}

/* Permitted, and over before it began: no DECISION comes. */
static void result_without_decision_is_taken_unless_it_exited(void **state)
{
    static const struct {
        const char *reason, *code;
        enum tipstaff_status want;
        bool started;
    } cases[] = {
        {"refused", "audit_unavailable", TIPSTAFF_OK, false},
        {"cancelled", "permitted", TIPSTAFF_OK, true},
        {"revoked", "permitted", TIPSTAFF_OK, true},
        {"exited", "permitted", TIPSTAFF_LOST, false},
    };

    (void)state;
    for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
        struct msg_result m = {.seq = 1,
                               .reason = ts_str_of(cases[i / 2].reason),
                               .code = ts_str_of(cases[i / 2].code)};
        struct tipstaff_event ev = {.started = false};
        struct tipstaff t;
        struct ts_buf out;
        int peer;

        session_init(&t, &peer);
        call_into(&t, peer, i % 2 == 0 ? FLIGHT_ASKED : FLIGHT_WAITING);
        ts_buf_init(&out, 4096);
        assert_int_equal(msg_result_send(&out, &m), TS_OK);
        assert_int_equal(write(peer, ts_buf_bytes(&out), out.len), out.len);
        ts_buf_done(&out);
        assert_int_equal(tipstaff_next(&t, 0, &ev), cases[i / 2].want);
        assert_int_equal(ev.started, cases[i / 2].started);
        session_done(&t, &peer);
    }
}

static void message_for_another_call_is_refused(void **state)
{
    (void)state;
    for (int m = 0; m <= M_RESULT; m++) {
        struct tipstaff t;
        struct tipstaff_event ev;
        int peer;

        session_init(&t, &peer);
        call_into(&t, peer, FLIGHT_PERMITTED);
        gate_says(peer, (enum message)m, 2);
        assert_int_equal(tipstaff_next(&t, 0, &ev), TIPSTAFF_LOST);
        session_done(&t, &peer);
    }
}

static void submit_over_the_limit_of_calls_is_refused(void **state)
{
    struct tipstaff_call call = {.tool = "t"};
    struct tipstaff t;
    uint64_t seq = 0;
    int peer;

    (void)state;
    session_init(&t, &peer);
    for (int i = 0; i < TIPSTAFF_IN_FLIGHT_MAX; i++)
        assert_int_equal(tipstaff_submit(&t, &call, &seq), TIPSTAFF_OK);
    assert_int_equal(tipstaff_submit(&t, &call, &seq), TIPSTAFF_LIMIT);
    assert_int_equal(seq, TIPSTAFF_IN_FLIGHT_MAX);
    assert_int_equal(tipstaff_ping(&t, 0), TIPSTAFF_USAGE);
    session_done(&t, &peer);
}

static void submit_larger_than_the_sidecar_takes_is_taken_back(void **state)
{
    struct tipstaff_call call = {.tool = "t"};
    struct tipstaff t;
    uint64_t seq = 0;
    int peer;

    (void)state;
    session_init(&t, &peer);
    t.max_body = 20;
    assert_int_equal(tipstaff_submit(&t, &call, &seq), TIPSTAFF_LIMIT);
    assert_int_equal(t.link.out.len, 0);
    assert_int_equal(t.flying, 0);
    t.max_body = TS_FRAME_MAX;
    assert_int_equal(tipstaff_submit(&t, &call, &seq), TIPSTAFF_OK);
    assert_int_equal(seq, 1); /* the refused one took no number */
    session_done(&t, &peer);
}

static void stdin_stops_at_the_credit(void **state)
{
    static uint8_t data[2 * TS_STDIN_WINDOW];
    struct tipstaff t;
    size_t taken = 0, total = 100; /* call_into() sent that much */
    int peer;

    (void)state;
    session_init(&t, &peer);
    call_into(&t, peer, FLIGHT_PERMITTED);
    do {
        assert_int_equal(
            tipstaff_stdin(&t, 1, data, sizeof(data), true, &taken),
            TIPSTAFF_OK);
        total += taken;
    } while (taken > 0);
    assert_int_equal(total, TS_STDIN_WINDOW);
    assert_int_equal(tipstaff_stdin(&t, 1, data, 0, true, &taken), TIPSTAFF_OK);
    assert_int_equal(tipstaff_stdin(&t, 1, data, 1, true, &taken),
                     TIPSTAFF_USAGE); /* after eof */
    session_done(&t, &peer);
}

static void call_out_of_memory_is_refused_and_leaks_nothing(void **state)
{
    (void)state;
    for (int persistent = 0; persistent < 2; persistent++) {
        for (int nth = 0;; nth++) {
            struct tipstaff_arg arg = {.name = "a", .str = "b"};
            struct tipstaff_call call = {
                .tool = "t", .args = &arg, .args_count = 1};
            struct tipstaff_answer answer;
            struct tipstaff t;
            enum tipstaff_status s;
            uint64_t seq;
            int peer;

            session_init(&t, &peer);
            gate_says(peer, M_CHECKED, 1);
            fault_mem_arm(nth, persistent != 0);
            s = tipstaff_check(&t, &call, 1, 0, &answer);
            if (s == TIPSTAFF_OK)
                s = tipstaff_submit(&t, &call, &seq);
            session_done(&t, &peer);
            assert_int_equal(fault_mem_live(), 0);
            fault_mem_disarm(); /* the next round starts with working memory */
            if (!fault_mem_fired())
                break;
            assert_int_not_equal(s, TIPSTAFF_OK);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_takes_only_what_is_due),
        cmocka_unit_test(pending_ends_a_call_that_does_not_wait),
        cmocka_unit_test(output_is_shown_or_kept),
        cmocka_unit_test(kept_output_is_told_row_by_row),
        cmocka_unit_test(waiting_for_more_than_an_hour_is_refused),
        cmocka_unit_test(result_without_decision_is_taken_unless_it_exited),
        cmocka_unit_test(message_for_another_call_is_refused),
        cmocka_unit_test(submit_over_the_limit_of_calls_is_refused),
        cmocka_unit_test(submit_larger_than_the_sidecar_takes_is_taken_back),
        cmocka_unit_test(stdin_stops_at_the_credit),
        cmocka_unit_test(call_out_of_memory_is_refused_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
