#include "sidecar/gate/uses/reservation.h"

#include <string.h>

#include "tests/lib/ts_test.h"

/* Every pair; what is not listed stays where it is and does nothing. */
static void step_over_all_pairs_gives_back_once_at_most(void **state)
{
    static const struct {
        enum use_state from;
        enum use_event ev;
        enum use_state to;
        enum use_effect effect;
    } legal[] = {
        {USE_IDLE, USE_EV_TAKE, USE_HELD, USE_DO_TAKE},
        {USE_HELD, USE_EV_NOT_LAUNCHED, USE_RETURNED, USE_DO_RETURN},
        {USE_HELD, USE_EV_REFUSED, USE_RETURNED, USE_DO_RETURN},
        {USE_HELD, USE_EV_FAILED, USE_RETURNED, USE_DO_RETURN},
        {USE_HELD, USE_EV_SUCCEEDED, USE_COUNTED, USE_DO_NOTHING},
        {USE_HELD, USE_EV_STOPPED, USE_COUNTED, USE_DO_NOTHING},
    };

    (void)state;
    for (int s = 0; s < USE_STATE_COUNT_; s++)
        for (int ev = 0; ev < USE_EVENT_COUNT_; ev++) {
            enum use_state at = (enum use_state)s, want = at;
            enum use_effect effect = USE_DO_NOTHING, got;

            for (size_t i = 0; i < sizeof(legal) / sizeof(legal[0]); i++)
                if (legal[i].from == at && (int)legal[i].ev == ev) {
                    want = legal[i].to;
                    effect = legal[i].effect;
                }
            got = use_step(&at, (enum use_event)ev);
            if (at != want || got != effect)
                fail_msg("state %d, event %d: to %d with %d", s, ev, (int)at,
                         (int)got);
        }
}

/* Given back: what was never started, and what ended by itself and says that
 * it failed. Nothing whose end somebody outside could choose. */
static void event_of_every_end_counts_what_may_have_acted(void **state)
{
    (void)state;
    for (int r = 0; r < END_COUNT_; r++)
        for (uint32_t code = 0; code < 3; code++)
            for (uint32_t sig = 0; sig < 2; sig++)
                for (int counts = 0; counts < 2; counts++) {
                    enum use_event want = USE_EV_STOPPED;

                    if (r == END_REFUSED)
                        want = USE_EV_REFUSED;
                    else if (r == END_EXITED && sig == 0 && code == 0)
                        want = USE_EV_SUCCEEDED;
                    else if (r == END_EXITED && sig == 0 && counts == 0)
                        want = USE_EV_FAILED;
                    assert_int_equal(use_event_of((enum end_reason)r, code, sig,
                                                  counts == 1),
                                     want);
                }
}

static void take_of_several_is_all_or_nothing(void **state)
{
    struct use_ledger l = {.count = 0};
    struct use_reservation r = {.state = USE_IDLE};
    struct use_take t[3] = {{.id = {1}, .amount = 1, .is_first = true},
                            {.id = {2}, .amount = 5, .is_first = true},
                            {.id = {1}, .amount = USE_TOTAL_MAX}};

    (void)state;
    assert_int_equal(use_reserve(&r, &l, t, 3), TS_E_LIMIT);
    assert_int_equal(r.state, USE_IDLE);
    assert_int_equal(use_ledger_total(&l, t[0].id), 0);
    assert_int_equal(use_ledger_total(&l, t[1].id), 0);
    assert_int_equal(use_reserve(&r, &l, t, USE_TAKES_MAX + 1), TS_E_LIMIT);
    assert_int_equal(use_reserve(&r, &l, t, 2), TS_OK);
    assert_int_equal(use_reserve(&r, &l, t, 2), TS_E_STATE);
    assert_int_equal(use_ledger_total(&l, t[1].id), 5);
}

/* ---- any interleaving equals a simple model ---------------------------- */

#define CALLS    24
#define COUNTERS 5

struct model_call {
    bool flies;
    uint64_t amounts[COUNTERS];
};

static uint32_t rnd(uint32_t *seed, uint32_t below)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % below;
}

static uint32_t takes_of(const struct model_call *m, struct use_take *t)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < COUNTERS; i++)
        if (m->amounts[i] > 0) {
            t[n] = (struct use_take){.amount = m->amounts[i], .is_first = true};
            t[n++].id[0] = (uint8_t)(i + 1);
        }
    return n;
}

static void run_of(uint32_t seed)
{
    struct use_ledger l = {.count = 0};
    struct use_reservation r[CALLS] = {0};
    struct model_call calls[CALLS] = {0};
    uint64_t totals[COUNTERS] = {0};

    for (uint32_t step = 0; step < 400; step++) {
        uint32_t c = rnd(&seed, CALLS);
        struct use_take t[COUNTERS];

        if (!calls[c].flies) {
            uint32_t n;

            for (uint32_t i = 0; i < COUNTERS; i++)
                calls[c].amounts[i] = rnd(&seed, 2) * rnd(&seed, 100);
            n = takes_of(&calls[c], t);
            r[c] = (struct use_reservation){.state = USE_IDLE};
            assert_int_equal(use_reserve(&r[c], &l, t, n), TS_OK);
            for (uint32_t i = 0; i < COUNTERS; i++)
                totals[i] += calls[c].amounts[i];
            calls[c].flies = n > 0;
        } else {
            enum use_event ev = (enum use_event)(
                USE_EV_NOT_LAUNCHED +
                rnd(&seed, USE_EVENT_COUNT_ - USE_EV_NOT_LAUNCHED));
            bool back = ev != USE_EV_SUCCEEDED && ev != USE_EV_STOPPED;

            assert_int_equal(use_end(&r[c], &l, ev), back);
            for (uint32_t i = 0; back && i < COUNTERS; i++)
                totals[i] -= calls[c].amounts[i];
            calls[c].flies = false;
            assert_false(use_end(&r[c], &l, USE_EV_REFUSED)); /* not twice */
        }
        for (uint32_t i = 0; i < COUNTERS; i++) {
            const uint8_t id[USE_ID] = {(uint8_t)(i + 1)};

            assert_int_equal(use_ledger_total(&l, id), totals[i]);
        }
    }
}

static void random_interleavings_equal_a_simple_model(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 200; seed++)
        run_of(seed);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(step_over_all_pairs_gives_back_once_at_most),
        cmocka_unit_test(event_of_every_end_counts_what_may_have_acted),
        cmocka_unit_test(take_of_several_is_all_or_nothing),
        cmocka_unit_test(random_interleavings_equal_a_simple_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
