#include "tests/lib/ts_test.h"

#include "sidecar/supervisor/restart.h"
#include "sidecar/supervisor/supervise.h"

static void restart_note_waits_longer_each_time_then_gives_up(void **state)
{
    static const uint64_t waits[] = {0, 100, 200, 400, 800};
    struct restart r = {0};
    uint64_t wait = 99, now = 1000;

    (void)state;
    for (size_t i = 0; i < 5; i++, now += 1000) {
        assert_true(restart_note(&r, now, &wait));
        assert_int_equal(wait, waits[i]);
    }
    assert_false(restart_note(&r, now, &wait)); /* the sixth within 30 s */
}

static void restart_note_old_deaths_do_not_count(void **state)
{
    struct restart r = {0};
    uint64_t wait = 0;

    (void)state;
    for (uint64_t now = RESTART_WINDOW_MS; now < 100 * RESTART_WINDOW_MS;
         now += RESTART_WINDOW_MS) {
        assert_true(restart_note(&r, now, &wait));
        assert_int_equal(wait, 0);
    }
}

/* At the border: five deaths every window minus one are still five. */
static void restart_note_exactly_five_in_the_window_go_on(void **state)
{
    const uint64_t step = RESTART_WINDOW_MS / RESTART_MAX;
    struct restart r = {0};
    uint64_t wait = 0, now = step;

    (void)state;
    for (int i = 0; i < 100; i++, now += step)
        assert_true(restart_note(&r, now, &wait));
    assert_false(restart_note(&r, now - step, &wait));
}

/* The whole table: what is not listed may not be said. */
static void process_may_say_every_phase_and_type(void **state)
{
    static const struct {
        enum process_phase phase;
        enum control_type type;
    } allowed[] = {
        {PHASE_STARTING, CONTROL_READY},
        {PHASE_STARTING, CONTROL_REJECTED},
        {PHASE_STARTING, CONTROL_STATUS},
        {PHASE_SERVING, CONTROL_STATUS},
        {PHASE_PREPARING, CONTROL_PREPARED},
        {PHASE_PREPARING, CONTROL_REJECTED},
        {PHASE_PREPARING, CONTROL_STATUS},
        {PHASE_DRAINING, CONTROL_STATUS},
    };

    (void)state;
    for (int p = PHASE_GONE; p <= PHASE_DRAINING; p++) {
        for (int t = CONTROL_START; t <= CONTROL_STATUS; t++) {
            bool listed = false;

            for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
                listed = listed || ((int)allowed[i].phase == p &&
                                    (int)allowed[i].type == t);
            assert_int_equal(
                process_may_say((enum process_phase)p, (enum control_type)t),
                listed);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(restart_note_waits_longer_each_time_then_gives_up),
        cmocka_unit_test(restart_note_old_deaths_do_not_count),
        cmocka_unit_test(restart_note_exactly_five_in_the_window_go_on),
        cmocka_unit_test(process_may_say_every_phase_and_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
