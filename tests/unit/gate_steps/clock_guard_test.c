#include "sidecar/gate/steps/clock_guard.h"

#include "tests/lib/ts_test.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))
#define NS_MS  UINT64_C(1000000)
#define T0     UINT64_C(1795000000000) /* unix ms */
#define B0     UINT64_C(5000000000000) /* boot ns */
#define SOME   UINT64_C(10000)         /* ms between two readings */

/* One row for each state and what the clock, or a signed object, may do. */
enum input {
    READ_ON_TIME,
    READ_AHEAD_1S,
    READ_AHEAD_30S,
    READ_AHEAD_60S,
    READ_AHEAD_61S,
    READ_AHEAD_1H,
    READ_BACK_1S,
    READ_BACK_30S,
    READ_BACK_1D,
    EVIDENCE_AGREES,
    EVIDENCE_AGREES_NEWER,
    EVIDENCE_OFF,
    EVIDENCE_OFF_NEWER,
    INPUT_COUNT
};

struct row {
    enum clock_guard_state to;
    enum clock_guard_event ev; /* of a reading */
    bool confirmed;            /* of evidence */
};

#define TR CLOCK_GUARD_TRUSTED
#define SU CLOCK_GUARD_SUSPECT
#define RB CLOCK_GUARD_ROLLED_BACK

/* SUSPECT was entered by an hour ahead, ROLLED_BACK by a day behind; the
 * offsets of a reading are from where the clock should be. */
static const struct row table[CLOCK_GUARD_STATE_COUNT_][INPUT_COUNT] =
    {
        [CLOCK_GUARD_START] =
            {
                [READ_ON_TIME] = {TR, 0, false},
                [READ_AHEAD_1S] = {TR, 0, false},
                [READ_AHEAD_30S] = {TR, 0, false},
                [READ_AHEAD_60S] = {TR, 0, false},
                [READ_AHEAD_61S] = {TR, 0, false},
                [READ_AHEAD_1H] = {TR, 0, false},
                [READ_BACK_1S] = {TR, 0, false},
                [READ_BACK_30S] = {TR, 0, false},
                [READ_BACK_1D] = {TR, 0, false},
                [EVIDENCE_AGREES] = {CLOCK_GUARD_START, 0, false},
                [EVIDENCE_AGREES_NEWER] = {CLOCK_GUARD_START, 0, false},
                [EVIDENCE_OFF] = {CLOCK_GUARD_START, 0, false},
                [EVIDENCE_OFF_NEWER] = {CLOCK_GUARD_START, 0, false},
            },
        [CLOCK_GUARD_TRUSTED] =
            {
                [READ_ON_TIME] = {TR, 0, false},
                [READ_AHEAD_1S] = {TR, 0, false},
                [READ_AHEAD_30S] = {TR, CLOCK_GUARD_STEPPED_AHEAD, false},
                [READ_AHEAD_60S] = {TR, CLOCK_GUARD_STEPPED_AHEAD, false},
                [READ_AHEAD_61S] = {SU, CLOCK_GUARD_JUMPED, false},
                [READ_AHEAD_1H] = {SU, CLOCK_GUARD_JUMPED, false},
                [READ_BACK_1S] = {TR, 0, false},
                [READ_BACK_30S] = {TR, CLOCK_GUARD_STEPPED_BACK, false},
                [READ_BACK_1D] = {TR, CLOCK_GUARD_STEPPED_BACK, false},
                [EVIDENCE_AGREES] = {TR, 0, false},
                [EVIDENCE_AGREES_NEWER] = {TR, 0, false},
                [EVIDENCE_OFF] = {TR, 0, false},
                [EVIDENCE_OFF_NEWER] = {TR, 0, false},
            },
        [CLOCK_GUARD_SUSPECT] =
            {
                [READ_ON_TIME] = {TR, CLOCK_GUARD_UNDONE, false},
                [READ_AHEAD_1S] = {TR, CLOCK_GUARD_UNDONE, false},
                [READ_AHEAD_30S] = {TR, CLOCK_GUARD_UNDONE, false},
                [READ_AHEAD_60S] = {TR, CLOCK_GUARD_UNDONE, false},
                [READ_AHEAD_61S] = {SU, 0, false},
                [READ_AHEAD_1H] = {SU, 0, false},
                [READ_BACK_1S] = {TR, CLOCK_GUARD_UNDONE, false},
                [READ_BACK_30S] = {TR, CLOCK_GUARD_UNDONE, false},
                [READ_BACK_1D] = {TR, CLOCK_GUARD_UNDONE, false},
                [EVIDENCE_AGREES] = {TR, 0, true},
                [EVIDENCE_AGREES_NEWER] = {TR, 0, true},
                [EVIDENCE_OFF] = {SU, 0, false},
                [EVIDENCE_OFF_NEWER] = {SU, 0, false},
            },
        [CLOCK_GUARD_ROLLED_BACK] =
            {
                [READ_ON_TIME] = {TR, CLOCK_GUARD_CAUGHT_UP, false},
                [READ_AHEAD_1S] = {TR, CLOCK_GUARD_CAUGHT_UP, false},
                [READ_AHEAD_30S] = {TR, CLOCK_GUARD_CAUGHT_UP, false},
                [READ_AHEAD_60S] = {TR, CLOCK_GUARD_CAUGHT_UP, false},
                [READ_AHEAD_61S] = {TR, CLOCK_GUARD_CAUGHT_UP, false},
                [READ_AHEAD_1H] = {TR, CLOCK_GUARD_CAUGHT_UP, false},
                [READ_BACK_1S] = {TR, CLOCK_GUARD_CAUGHT_UP, false},
                [READ_BACK_30S] = {RB, 0, false},
                [READ_BACK_1D] = {RB, 0, false},
                [EVIDENCE_AGREES] = {RB, 0, false},
                [EVIDENCE_AGREES_NEWER] = {TR, 0, true},
                [EVIDENCE_OFF] = {RB, 0, false},
                [EVIDENCE_OFF_NEWER] = {RB, 0, false},
            },
};

static const int64_t offsets_ms[] = {0,       1000,  30000,  60000,    61000,
                                     3600000, -1000, -30000, -86400000};

static struct clock_guard in_state(enum clock_guard_state s)
{
    struct clock_guard g = {0};
    enum clock_guard_event ev;

    if (s == CLOCK_GUARD_START)
        return g;
    if (s == CLOCK_GUARD_ROLLED_BACK) {
        clock_guard_start(&g, T0, B0, T0 - 86400000);
        return g;
    }
    clock_guard_start(&g, 0, B0, T0);
    if (s == CLOCK_GUARD_SUSPECT)
        (void)clock_guard_read(&g, B0, T0 + 3600000, &ev);
    assert_int_equal(g.state, s);
    return g;
}

static void clock_guard_every_state_and_input_is_as_listed(void **state)
{
    (void)state;
    for (int s = 0; s < CLOCK_GUARD_STATE_COUNT_; s++) {
        for (int in = 0; in < INPUT_COUNT; in++) {
            struct clock_guard g = in_state((enum clock_guard_state)s);
            const struct row *r = &table[s][in];
            uint64_t before = g.unix_ms, now;
            enum clock_guard_event ev = CLOCK_GUARD_NOTHING;

            if (in < EVIDENCE_AGREES) {
                now = clock_guard_read(
                    &g, B0 + SOME * NS_MS,
                    (uint64_t)((int64_t)(T0 + SOME) + offsets_ms[in]), &ev);
                assert_int_equal(ev, r->ev);
                if (s == CLOCK_GUARD_TRUSTED || s == CLOCK_GUARD_SUSPECT)
                    assert_true(now >= before + SOME); /* never backwards */
            } else {
                bool off = in >= EVIDENCE_OFF;
                uint64_t real_s = clock_guard_real_s(&g);
                bool newer =
                    in == EVIDENCE_AGREES_NEWER || in == EVIDENCE_OFF_NEWER;

                assert_int_equal(
                    clock_guard_evidence(&g, real_s + (off ? 61 : 60), newer),
                    r->confirmed);
            }
            assert_int_equal(g.state, r->to);
            assert_int_equal(clock_guard_admits(&g), g.state == TR);
            assert_int_equal(clock_guard_decides(&g),
                             g.state == TR || g.state == SU);
        }
    }
}

static void T30_jump_ahead_admits_nobody_and_extends_nothing(void **state)
{
    struct clock_guard g = {0};
    enum clock_guard_event ev;

    (void)state;
    clock_guard_start(&g, 0, B0, T0);
    for (uint64_t i = 1; i <= 100; i++) {
        /* the time that decides goes on as if there had been no jump */
        assert_int_equal(clock_guard_read(&g, B0 + i * SOME * NS_MS,
                                          T0 + 7200000 + i * SOME, &ev),
                         T0 + i * SOME);
        assert_false(clock_guard_admits(&g));
    }
    /* what was signed before the jump does not confirm it */
    assert_false(clock_guard_evidence(&g, T0 / 1000, true));
    assert_true(
        clock_guard_evidence(&g, (T0 + 7200000 + 100 * SOME) / 1000, false));
    assert_int_equal(g.unix_ms, T0 + 7200000 + 100 * SOME);
}

static void T30_clock_set_back_never_runs_backwards(void **state)
{
    struct clock_guard g = {0};
    enum clock_guard_event ev;
    uint64_t told = 0;

    (void)state;
    clock_guard_start(&g, 0, B0, T0);
    for (uint64_t i = 1; i <= 100; i++) {
        assert_int_equal(clock_guard_read(&g, B0 + i * SOME * NS_MS,
                                          T0 - 86400000 + i * SOME, &ev),
                         T0 + i * SOME);
        told += ev == CLOCK_GUARD_STEPPED_BACK ? 1 : 0;
    }
    assert_int_equal(told, 1); /* once, not at every reading */
    assert_true(clock_guard_admits(&g));
}

static void
T30_rollback_over_a_restart_cannot_be_confirmed_by_a_replay(void **state)
{
    struct clock_guard g = {0};
    enum clock_guard_event ev;

    (void)state;
    /* the edge: five seconds are tolerated */
    clock_guard_start(&g, T0, B0, T0 - 5000);
    assert_true(clock_guard_admits(&g));
    clock_guard_start(&g, T0, B0, T0 - 5001);
    assert_false(clock_guard_decides(&g));
    /* a day back, with a heartbeat of that day: agrees, and is old */
    clock_guard_start(&g, T0, B0, T0 - 86400000);
    assert_false(clock_guard_evidence(&g, (T0 - 86400000) / 1000, false));
    assert_false(clock_guard_decides(&g));
    /* nothing that had expired is alive meanwhile */
    assert_int_equal(
        clock_guard_read(&g, B0 + SOME * NS_MS, T0 - 86400000 + SOME, &ev), T0);
    assert_true(clock_guard_evidence(&g, (T0 - 86400000) / 1000, true));
    assert_true(clock_guard_admits(&g));
}

/* 59 seconds at a time are a jump all the same. */
static void clock_guard_small_steps_add_up(void **state)
{
    struct clock_guard g = {0};
    enum clock_guard_event ev;

    (void)state;
    clock_guard_start(&g, 0, B0, T0);
    (void)clock_guard_read(&g, B0 + SOME * NS_MS, T0 + SOME + 59000, &ev);
    assert_int_equal(ev, CLOCK_GUARD_STEPPED_AHEAD);
    (void)clock_guard_read(&g, B0 + 2 * SOME * NS_MS, T0 + 2 * SOME + 118000,
                           &ev);
    assert_int_equal(ev, CLOCK_GUARD_JUMPED);
}

/* A clock that drifts is followed for as long as one likes; a fraction of a
 * millisecond is never lost. */
static void clock_guard_slow_drift_is_followed(void **state)
{
    struct clock_guard g = {0};
    enum clock_guard_event ev;
    uint64_t real = T0;

    (void)state;
    clock_guard_start(&g, 0, B0, T0);
    for (uint64_t i = 1; i <= 100000; i++) { /* 11.5 days, 500 ppm fast */
        real += SOME + 5;
        assert_int_equal(clock_guard_read(&g, B0 + i * SOME * NS_MS, real, &ev),
                         real);
        assert_int_equal(ev, CLOCK_GUARD_NOTHING);
    }
    clock_guard_start(&g, 0, B0, T0);
    for (uint64_t i = 1; i <= 100000; i++) /* the clock stands still */
        (void)clock_guard_read(&g, B0 + i * 300000, T0, &ev);
    assert_int_equal(g.unix_ms, T0 + 30000);
}

static void clock_guard_extremes_do_not_wrap(void **state)
{
    static const uint64_t ends[] = {0, 1, UINT64_MAX - 1, UINT64_MAX};
    enum clock_guard_event ev;

    (void)state;
    for (size_t a = 0; a < LEN(ends); a++) {
        for (size_t b = 0; b < LEN(ends); b++) {
            for (size_t c = 0; c < LEN(ends); c++) {
                struct clock_guard g = {0};
                uint64_t before;

                clock_guard_start(&g, ends[a], 0, ends[b]);
                before = g.unix_ms;
                assert_true(clock_guard_read(&g, UINT64_MAX, ends[c], &ev) >=
                                before ||
                            g.state == TR);
                (void)clock_guard_evidence(&g, ends[c], true);
                assert_non_null(clock_guard_state_name(g.state));
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clock_guard_every_state_and_input_is_as_listed),
        cmocka_unit_test(T30_jump_ahead_admits_nobody_and_extends_nothing),
        cmocka_unit_test(T30_clock_set_back_never_runs_backwards),
        cmocka_unit_test(
            T30_rollback_over_a_restart_cannot_be_confirmed_by_a_replay),
        cmocka_unit_test(clock_guard_small_steps_add_up),
        cmocka_unit_test(clock_guard_slow_drift_is_followed),
        cmocka_unit_test(clock_guard_extremes_do_not_wrap),
    };

    return cmocka_run_group_tests_name("clock_guard", tests, NULL, NULL);
}
