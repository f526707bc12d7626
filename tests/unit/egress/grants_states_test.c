/*
 * Every (state of a wish, event) pair: nobody waits for ever, nothing stays
 * open, and what was recorded as opened is recorded as closed. The same
 * without memory.
 */
#include "tests/lib/ts_test.h"

#include <sys/socket.h>

#include "grants_rig.h"
#include "proto/base/ts_fd.h"
#include "tests/lib/fault_mem.h"

enum wish_state {
    IS_ASKED,      /* in the channel, not read */
    IS_RESOLVING,  /* no name server answers */
    IS_CONNECTING, /* the host does not take it */
    IS_RECORDING,  /* the gate has not answered */
    IS_OPEN,
    WISH_STATES
};

enum wish_event {
    LAUNCHER_ENDS,
    LAUNCHER_KILLS,
    GATE_ENDS,
    GATE_GOES,
    TOOL_LEAVES, /* its channel and its ends are closed */
    ANSWER_OK,
    ANSWER_NO,
    ANSWER_OF_ANOTHER,
    NONSENSE, /* in the channel */
    WISH_EVENTS
};

static struct asked bring(struct rig *r, enum wish_state s, uint64_t *ret_id)
{
    struct asked a = rig_ask(r, s == IS_RESOLVING ? "slow.test" : "127.0.0.1",
                             r->ports[s == IS_CONNECTING ? 1 : 0]);

    *ret_id = 0;
    if (s == IS_RESOLVING || s == IS_CONNECTING) {
        for (int i = 0; i < 20; i++)
            rig_turn(r);
        assert_int_equal(r->b.conn_count, 1);
    }
    if (s >= IS_RECORDING)
        *ret_id = hears_opened(r);
    if (s == IS_OPEN) {
        gate_answers(r, *ret_id, EGRESS_OK);
        assert_int_equal(rig_told(r, &a), EGRESS_OK);
    }
    return a;
}

static void happen(struct rig *r, enum wish_event e, struct asked *a,
                   uint64_t id)
{
    switch (e) {
    case LAUNCHER_ENDS:
        grants_end(&r->b, 0, 1, END_EXITED);
        break;
    case LAUNCHER_KILLS:
        grants_end(&r->b, 0, 1, END_REVOKED);
        break;
    case GATE_ENDS:
        gate_ends(r, 1);
        break;
    case GATE_GOES:
        (void)shutdown(r->gate, SHUT_RDWR);
        break;
    case TOOL_LEAVES:
        rig_hang_up(a);
        ts_fd_close(&r->channel);
        break;
    case ANSWER_OK:
        gate_answers(r, id != 0 ? id : 99, EGRESS_OK);
        break;
    case ANSWER_NO:
        gate_answers(r, id != 0 ? id : 99, EGRESS_NOT_RECORDED);
        break;
    case ANSWER_OF_ANOTHER:
        gate_answers(r, 12345, EGRESS_OK);
        break;
    case NONSENSE:
        (void)send(r->channel, "?", 1, MSG_NOSIGNAL);
        break;
    case WISH_EVENTS:
        break;
    }
}

static void one_pair(struct rig *r, enum wish_state s, enum wish_event e)
{
    uint64_t id;
    struct asked a;
    int open = 0, type;
    static uint8_t buf[EGRESS_MESSAGE_MAX];

    assert_int_equal(rig_add(r, 1), TS_OK);
    a = bring(r, s, &id);
    open = s >= IS_RECORDING;
    happen(r, e, &a, id);
    for (int i = 0; i < 20; i++)
        rig_turn(r);
    grants_end(&r->b, 0, 1, END_REVOKED); /* in the end all are ended */
    for (int i = 0; i < 5; i++)
        rig_turn(r);
    assert_int_equal(r->b.conn_count, 0);
    assert_int_equal(r->b.grant_count, 0);
    if (a.stream >= 0) { /* the tool sees the end of both */
        while (recv(a.answer, buf, sizeof(buf), MSG_DONTWAIT) > 0)
            ;
        assert_int_equal(recv(a.answer, buf, 1, MSG_DONTWAIT), 0);
        assert_true(recv(a.stream, buf, 1, MSG_DONTWAIT) <= 0);
    }
    while (e != GATE_GOES &&
           (type = recv(r->gate, buf, sizeof(buf), MSG_DONTWAIT) > 0 ? buf[0]
                                                                     : 0) != 0)
        open += type == EGRESS_OPENED ? 1 : type == EGRESS_CLOSED ? -1 : 0;
    /* what the gate refused to record is not open */
    if (e != GATE_GOES && !(e == ANSWER_NO && s == IS_RECORDING))
        assert_int_equal(open, 0);
    rig_hang_up(&a);
}

static void every_state_bears_every_event(void **state)
{
    for (int s = 0; s < WISH_STATES; s++) {
        for (int e = 0; e < WISH_EVENTS; e++) {
            (void)rig_setup(state);
            one_pair(*state, (enum wish_state)s, (enum wish_event)e);
            if (s != WISH_STATES - 1 || e != WISH_EVENTS - 1)
                (void)rig_teardown(state);
        }
    }
}

static ts_err a_whole_life(const void *arg)
{
    static struct rig r;
    struct asked a = {.stream = -1, .answer = -1};
    uint8_t buf[512];
    ts_err e;

    (void)arg;
    rig_open(&r);
    e = rig_begin(&r);
    if (e == TS_OK)
        e = rig_add(&r, 1);
    if (e == TS_OK) {
        a = rig_ask(&r, "127.0.0.1", r.ports[0]);
        for (int i = 0; i < 30; i++)
            rig_turn(&r);
        gate_answers(&r, r.b.conn_serial + (r.b.conn_serial == 0), EGRESS_OK);
        (void)send(a.stream, "x", 1, MSG_NOSIGNAL);
        for (int i = 0; i < 30; i++)
            rig_turn(&r);
        if (recv(a.answer, buf, sizeof(buf), MSG_DONTWAIT) <= 0)
            e = TS_E_CLOSED;
        grants_end(&r.b, 0, 1, END_REVOKED);
    }
    rig_hang_up(&a);
    rig_end(&r);
    rig_close(&r);
    return fault_mem_fired() ? TS_E_NOMEM : e;
}

static void without_memory_a_wish_fails_and_nothing_stays(void **state)
{
    (void)state;
    fault_mem_sweep(a_whole_life, NULL, TS_OK, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_state_bears_every_event, rig_teardown),
        cmocka_unit_test(without_memory_a_wish_fails_and_nothing_stays),
    };
    return cmocka_run_group_tests(tests, rig_keep_numbers, NULL);
}
