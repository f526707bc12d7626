#include "tests/lib/ts_test.h"

#include "sidecar/launcher/life/run.h"

static const struct {
    enum run_state from;
    enum run_event ev;
    enum run_state to;
    enum run_effect effect;
} rows[] = {
    {RUN_FREE, RUN_EV_STARTED, RUN_RUNNING, RUN_DO_NOTHING},
    {RUN_RUNNING, RUN_EV_KILL, RUN_KILLING, RUN_DO_SWEEP},
    {RUN_RUNNING, RUN_EV_WALL, RUN_KILLING, RUN_DO_SWEEP},
    {RUN_RUNNING, RUN_EV_EXITED, RUN_ENDING, RUN_DO_LOOK},
    {RUN_RUNNING, RUN_EV_TICK, RUN_RUNNING, RUN_DO_NOTHING},
    {RUN_KILLING, RUN_EV_KILL, RUN_KILLING, RUN_DO_NOTHING},
    {RUN_KILLING, RUN_EV_WALL, RUN_KILLING, RUN_DO_NOTHING},
    {RUN_KILLING, RUN_EV_EXITED, RUN_ENDING, RUN_DO_LOOK},
    {RUN_KILLING, RUN_EV_TICK, RUN_KILLING, RUN_DO_SWEEP},
    {RUN_ENDING, RUN_EV_KILL, RUN_ENDING, RUN_DO_NOTHING},
    {RUN_ENDING, RUN_EV_WALL, RUN_ENDING, RUN_DO_NOTHING},
    {RUN_ENDING, RUN_EV_TICK, RUN_ENDING, RUN_DO_LOOK},
    {RUN_ENDING, RUN_EV_TREE_GONE, RUN_FREE, RUN_DO_REPORT},
    {RUN_ENDING, RUN_EV_TREE_LEFT, RUN_ENDING, RUN_DO_SWEEP},
};

static void run_step_every_unlisted_pair_stops(void **state)
{
    (void)state;
    for (int s = 0; s < RUN_STATE_COUNT_; s++) {
        for (int ev = 0; ev < RUN_EVENT_COUNT_; ev++) {
            struct run_life r = {.state = (enum run_state)s};
            enum run_state to = r.state;
            enum run_effect want = RUN_DO_STOP;

            for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                if ((int)rows[i].from == s && (int)rows[i].ev == ev) {
                    to = rows[i].to;
                    want = rows[i].effect;
                }
            }
            assert_int_equal(run_step(&r, (enum run_event)ev, END_REVOKED),
                             want);
            assert_int_equal(r.state, to);
        }
    }
}

static void run_step_first_reason_stays(void **state)
{
    struct run_life r = {0};

    (void)state;
    (void)run_step(&r, RUN_EV_STARTED, END_EXITED);
    (void)run_step(&r, RUN_EV_KILL, END_REVOKED);
    (void)run_step(&r, RUN_EV_WALL, END_EXITED);
    (void)run_step(&r, RUN_EV_EXITED, END_EXITED);
    assert_int_equal(r.reason, END_REVOKED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run_step_every_unlisted_pair_stops),
        cmocka_unit_test(run_step_first_reason_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
