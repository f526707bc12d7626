#include "tests/lib/ts_test.h"

#include "sidecar/supervisor/watch_plan.h"

#define NOW UINT64_C(100000)

/* Of each (state, event) at NOW: the state that follows and what is due. The
 * quiet plan is due at NOW + 1, the settling one began 10 ms ago and is due at
 * NOW + 1. */
static const struct {
    enum watch_state state;
    uint64_t due_ms;
} table[WATCH_STATES_][WATCH_EVENTS_] = {
    [WATCH_OFF] =
        {
            [WATCH_EV_RESET] = {WATCH_SETTLING, NOW},
            [WATCH_EV_CHANGE] = {WATCH_OFF, 0},
            [WATCH_EV_OVERFLOW] = {WATCH_OFF, 0},
            [WATCH_EV_TIME] = {WATCH_OFF, 0},
            [WATCH_EV_BLOCKED] = {WATCH_OFF, 0},
            [WATCH_EV_BUSY] = {WATCH_OFF, 0},
            [WATCH_EV_STOP] = {WATCH_OFF, 0},
        },
    [WATCH_QUIET] =
        {
            [WATCH_EV_RESET] = {WATCH_SETTLING, NOW},
            [WATCH_EV_CHANGE] = {WATCH_SETTLING, NOW + WATCH_SETTLE_MS},
            [WATCH_EV_OVERFLOW] = {WATCH_SETTLING, NOW + WATCH_SETTLE_MS},
            [WATCH_EV_TIME] = {WATCH_QUIET, NOW + 1},
            [WATCH_EV_BLOCKED] = {WATCH_SETTLING, NOW + WATCH_AGAIN_MS},
            [WATCH_EV_BUSY] = {WATCH_SETTLING, NOW + WATCH_BUSY_MS},
            [WATCH_EV_STOP] = {WATCH_OFF, 0},
        },
    [WATCH_SETTLING] =
        {
            [WATCH_EV_RESET] = {WATCH_SETTLING, NOW},
            [WATCH_EV_CHANGE] = {WATCH_SETTLING, NOW + WATCH_SETTLE_MS},
            [WATCH_EV_OVERFLOW] = {WATCH_SETTLING, NOW + WATCH_SETTLE_MS},
            [WATCH_EV_TIME] = {WATCH_SETTLING, NOW + 1},
            [WATCH_EV_BLOCKED] = {WATCH_SETTLING, NOW + 1},
            [WATCH_EV_BUSY] = {WATCH_SETTLING, NOW + 1},
            [WATCH_EV_STOP] = {WATCH_OFF, 0},
        },
};

static struct watch_plan plan_in(enum watch_state state)
{
    if (state == WATCH_OFF)
        return (struct watch_plan){0};
    return (struct watch_plan){.state = state,
                               .first_ms =
                                   state == WATCH_SETTLING ? NOW - 10 : 0,
                               .due_ms = NOW + 1};
}

static void watch_plan_step_every_state_and_event(void **state)
{
    (void)state;
    for (int s = 0; s < WATCH_STATES_; s++) {
        for (int ev = 0; ev < WATCH_EVENTS_; ev++) {
            struct watch_plan p = plan_in((enum watch_state)s);
            enum watch_act act = watch_plan_step(&p, (enum watch_event)ev, NOW);

            assert_int_equal(act, WATCH_ACT_NONE);
            assert_int_equal(p.state, table[s][ev].state);
            assert_int_equal(p.due_ms, table[s][ev].due_ms);
            assert_int_equal(p.all, s == WATCH_OFF
                                        ? ev == WATCH_EV_RESET
                                        : ev == WATCH_EV_RESET ||
                                              ev == WATCH_EV_OVERFLOW);
        }
    }
}

/* When it is due, in every state but off, there is one look and the next one is
 * a poll. */
static void watch_plan_due_looks_once_and_polls_after(void **state)
{
    (void)state;
    for (int s = WATCH_QUIET; s < WATCH_STATES_; s++) {
        for (uint8_t all = 0; all <= 1; all++) {
            struct watch_plan p = plan_in((enum watch_state)s);

            p.all = all;
            assert_int_equal(watch_plan_step(&p, WATCH_EV_TIME, NOW + 1),
                             all != 0 ? WATCH_ACT_LOOK_ALL : WATCH_ACT_LOOK);
            assert_int_equal(p.state, WATCH_QUIET);
            assert_int_equal(p.due_ms, NOW + 1 + WATCH_POLL_MS);
            assert_int_equal(p.all, 0);
            assert_int_equal(watch_plan_step(&p, WATCH_EV_TIME, NOW + 2),
                             WATCH_ACT_NONE);
        }
    }
}

/* Changes that never cease are looked at all the same. */
static void watch_plan_changes_without_end_are_looked_at_in_time(void **state)
{
    struct watch_plan p = plan_in(WATCH_QUIET);
    uint64_t now = NOW;

    (void)state;
    for (;;) {
        (void)watch_plan_step(&p, WATCH_EV_CHANGE, now);
        if (watch_plan_step(&p, WATCH_EV_TIME, now) != WATCH_ACT_NONE)
            break;
        assert_true(now < NOW + WATCH_SETTLE_MAX_MS);
        now++;
    }
    assert_int_equal(now, NOW + WATCH_SETTLE_MAX_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(watch_plan_step_every_state_and_event),
        cmocka_unit_test(watch_plan_due_looks_once_and_polls_after),
        cmocka_unit_test(watch_plan_changes_without_end_are_looked_at_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
