#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sidecar/gate/people/tenant_state.h"
#include "tests/lib/fault_mem.h"
#include "tests/lib/ts_test.h"

/* What a gate knows of a tenant beside its files, over every event. */

#define S         UINT64_C(1000000000)
#define NOW_S     UINT64_C(1795300000)
#define BOOT_NS   (UINT64_C(5000) * S)
#define STALENESS 30u
#define NOT_AFTER (NOW_S + 600)

static const uint8_t hash_a[TRUST_HASH_LEN] = {0xa};
static const uint8_t hash_b[TRUST_HASH_LEN] = {0xb};

static const struct moment now = {.boot_ns = BOOT_NS, .unix_ms = NOW_S * 1000};

static struct moment later(uint64_t s)
{
    return (struct moment){.boot_ns = BOOT_NS + s * S,
                           .unix_ms = (NOW_S + s) * 1000};
}

static struct tenant_evidence evidence(uint64_t seq, const uint8_t *hash,
                                       uint64_t issued)
{
    return (struct tenant_evidence){
        .seq = seq, .hash = hash, .issued = issued, .not_after = NOT_AFTER};
}

static void directory_ok(struct tenant_state *t, uint64_t seq,
                         const uint8_t *hash, uint64_t issued,
                         uint32_t staleness, struct moment at)
{
    struct tenant_evidence e = evidence(seq, hash, issued);

    assert_int_equal(tenant_state_directory(t, &e, staleness, at), TS_OK);
}

/* ---- the table of states and events ------------------------------------- */

enum state {
    NOTHING, /* nothing was ever accepted */
    MARKED,  /* number 5 is in the journal, none is in force */
    FRESH,   /* number 5 is in force */
    STALE,   /* the same, for too long */
    GONE,    /* it was in force; the tenant left the configuration */
    OVERFLOWED,
    STATES
};

enum event {
    MARK_4,
    MARK_6,
    DIRECTORY_4,
    DIRECTORY_5, /* the one of the mark */
    DIRECTORY_5_OTHER,
    DIRECTORY_6,
    HEARTBEAT_4,
    HEARTBEAT_5, /* a newer one than everything before */
    HEARTBEAT_5_OTHER,
    HEARTBEAT_5_OLD,
    VANISH,
    OVERFLOW_,
    EVENTS
};

static const uint64_t event_s = 100; /* after now, when the event comes */

static void begin(struct tenant_state *t, enum state s)
{
    *t = (struct tenant_state){0};
    if (s == NOTHING)
        return;
    if (s == MARKED) {
        tenant_state_mark(t, 5, hash_a);
        return;
    }
    directory_ok(t, 5, hash_a, s == FRESH ? NOW_S + event_s - 1 : NOW_S,
                 STALENESS, s == FRESH ? later(event_s - 1) : now);
    if (s == GONE)
        tenant_state_vanish(t);
    if (s == OVERFLOWED)
        tenant_state_overflow(t);
}

static ts_err send(struct tenant_state *t, enum event ev)
{
    static const struct {
        uint64_t seq;
        const uint8_t *hash;
        uint64_t issued;
    } what[EVENTS] = {
        [MARK_4] = {4, hash_b, 0},
        [MARK_6] = {6, hash_b, 0},
        [DIRECTORY_4] = {4, hash_b, NOW_S + 100},
        [DIRECTORY_5] = {5, hash_a, NOW_S},
        [DIRECTORY_5_OTHER] = {5, hash_b, NOW_S + 100},
        [DIRECTORY_6] = {6, hash_b, NOW_S + 100},
        [HEARTBEAT_4] = {4, hash_b, NOW_S + 100},
        [HEARTBEAT_5] = {5, hash_a, NOW_S + 100},
        [HEARTBEAT_5_OTHER] = {5, hash_b, NOW_S + 100},
        [HEARTBEAT_5_OLD] = {5, hash_a, NOW_S},
    };
    struct tenant_evidence e =
        evidence(what[ev].seq, what[ev].hash, what[ev].issued);

    switch (ev) {
    case MARK_4:
    case MARK_6:
        tenant_state_mark(t, e.seq, e.hash);
        return TS_OK;
    case DIRECTORY_4:
    case DIRECTORY_5:
    case DIRECTORY_5_OTHER:
    case DIRECTORY_6:
        return tenant_state_directory(t, &e, STALENESS, later(event_s));
    case HEARTBEAT_4:
    case HEARTBEAT_5:
    case HEARTBEAT_5_OTHER:
    case HEARTBEAT_5_OLD:
        return tenant_state_heartbeat(t, &e, later(event_s));
    case VANISH:
        tenant_state_vanish(t);
        return TS_OK;
    case OVERFLOW_:
        tenant_state_overflow(t);
        return TS_OK;
    case EVENTS:
        break;
    }
    return TS_E_INVALID;
}

#define P CODE_PERMITTED
#define N CODE_NOT_READY
#define X CODE_STALE_STATE

/* For each state and event: is it taken (1), and what is answered then. */
static const struct {
    int taken;
    enum call_code code;
    uint64_t mark;
} table[STATES][EVENTS] =
    {
        [NOTHING] =
            {
                [MARK_4] = {1, N, 4},
                [MARK_6] = {1, N, 6},
                [DIRECTORY_4] = {1, P, 4},
                [DIRECTORY_5] = {1, X, 5}, /* issued 100 s ago */
                [DIRECTORY_5_OTHER] = {1, P, 5},
                [DIRECTORY_6] = {1, P, 6},
                [HEARTBEAT_4] = {0, N, 0},
                [HEARTBEAT_5] = {0, N, 0},
                [HEARTBEAT_5_OTHER] = {0, N, 0},
                [HEARTBEAT_5_OLD] = {0, N, 0},
                [VANISH] = {1, N, 0},
                [OVERFLOW_] = {1, N, 0},
            },
        [MARKED] =
            {
                [MARK_4] = {1, N, 5},
                [MARK_6] = {1, N, 6},
                [DIRECTORY_4] = {0, N, 5},
                [DIRECTORY_5] = {1, X, 5},
                [DIRECTORY_5_OTHER] = {0, N, 5},
                [DIRECTORY_6] = {1, P, 6},
                [HEARTBEAT_4] = {0, N, 5},
                [HEARTBEAT_5] = {0, N, 5}, /* of what is not in force */
                [HEARTBEAT_5_OTHER] = {0, N, 5},
                [HEARTBEAT_5_OLD] = {0, N, 5},
                [VANISH] = {1, N, 5},
                [OVERFLOW_] = {1, N, 5},
            },
        [FRESH] =
            {
                [MARK_4] = {1, P, 5},
                [MARK_6] = {1, N, 6}, /* what is in force is not the newest */
                [DIRECTORY_4] = {0, P, 5},
                [DIRECTORY_5] = {1, P, 5},
                [DIRECTORY_5_OTHER] = {0, P, 5},
                [DIRECTORY_6] = {1, P, 6},
                [HEARTBEAT_4] = {0, P, 5},
                [HEARTBEAT_5] = {1, P, 5},
                [HEARTBEAT_5_OTHER] = {0, P, 5},
                [HEARTBEAT_5_OLD] = {1, P, 5},
                [VANISH] = {1, N, 5},
                [OVERFLOW_] = {1, X, 5},
            },
        [STALE] =
            {
                [MARK_4] = {1, X, 5},
                [MARK_6] = {1, N, 6},
                [DIRECTORY_4] = {0, X, 5},
                [DIRECTORY_5] = {1, X, 5}, /* a reload freshens nothing */
                [DIRECTORY_5_OTHER] = {0, X, 5},
                [DIRECTORY_6] = {1, P, 6},
                [HEARTBEAT_4] = {0, X, 5},
                [HEARTBEAT_5] = {1, P, 5},
                [HEARTBEAT_5_OTHER] = {0, X, 5},
                [HEARTBEAT_5_OLD] = {1, X, 5},
                [VANISH] = {1, N, 5},
                [OVERFLOW_] = {1, X, 5},
            },
        [GONE] =
            {
                [MARK_4] = {1, N, 5},
                [MARK_6] = {1, N, 6},
                [DIRECTORY_4] = {0, N, 5},
                [DIRECTORY_5] = {1, X, 5},
                [DIRECTORY_5_OTHER] = {0, N, 5},
                [DIRECTORY_6] = {1, P, 6},
                [HEARTBEAT_4] = {0, N, 5},
                [HEARTBEAT_5] = {0, N, 5},
                [HEARTBEAT_5_OTHER] = {0, N, 5},
                [HEARTBEAT_5_OLD] = {0, N, 5},
                [VANISH] = {1, N, 5},
                [OVERFLOW_] = {1, N, 5},
            },
        [OVERFLOWED] =
            {
                [MARK_4] = {1, X, 5},
                [MARK_6] = {1, N, 6},
                [DIRECTORY_4] = {0, X, 5},
                [DIRECTORY_5] = {1, X, 5},
                [DIRECTORY_5_OTHER] = {0, X, 5},
                [DIRECTORY_6] = {1, X, 6},
                [HEARTBEAT_4] = {0, X, 5},
                [HEARTBEAT_5] = {1, X, 5},
                [HEARTBEAT_5_OTHER] = {0, X, 5},
                [HEARTBEAT_5_OLD] = {1, X, 5},
                [VANISH] = {1, N, 5},
                [OVERFLOW_] = {1, X, 5},
            },
};

static void
T23_every_event_in_every_state_gives_what_the_table_says(void **state)
{
    (void)state;
    for (int s = 0; s < STATES; s++)
        for (int ev = 0; ev < EVENTS; ev++) {
            struct tenant_state t, before;
            uint64_t boot_ns = later(event_s).boot_ns;
            ts_err e;

            begin(&t, (enum state)s);
            before = t;
            e = send(&t, (enum event)ev);
            if (e != (table[s][ev].taken ? TS_OK : TS_E_STATE) ||
                tenant_state_code(&t, boot_ns) != table[s][ev].code ||
                t.mark_seq != table[s][ev].mark)
                fail_msg("state %d event %d: error %d code %d mark %d", s, ev,
                         (int)e, (int)tenant_state_code(&t, boot_ns),
                         (int)t.mark_seq);
            if (e != TS_OK) /* what is refused changes nothing */
                assert_memory_equal(&t, &before, sizeof(t));
            assert_true(t.mark_seq >= before.mark_seq);
        }
}

/* ---- deadlines ---------------------------------------------------------- */

static void heartbeat_freshness_ends_after_max_staleness(void **state)
{
    struct tenant_state t = {0};

    (void)state;
    directory_ok(&t, 1, hash_a, NOW_S - 10, STALENESS, now);
    assert_int_equal(tenant_state_code(&t, BOOT_NS + 20 * S - 1), P);
    assert_int_equal(tenant_state_code(&t, BOOT_NS + 20 * S), X);
}

static void snapshot_freshness_ends_with_not_after(void **state)
{
    struct tenant_state t = {0};

    (void)state;
    directory_ok(&t, 1, hash_a, NOW_S - 10, 0, now);
    assert_int_equal(tenant_state_code(&t, BOOT_NS + 600 * S - 1), P);
    assert_int_equal(tenant_state_code(&t, BOOT_NS + 600 * S), X);
}

/* The snapshot and the heartbeat both say until when they are good. */
static void the_first_of_all_ends_counts(void **state)
{
    struct tenant_state t = {0};
    struct tenant_evidence e = evidence(1, hash_a, NOW_S + 1);

    (void)state;
    directory_ok(&t, 1, hash_a, NOW_S, 3600, now);
    assert_int_equal(tenant_state_code(&t, BOOT_NS + 600 * S - 1), P);
    assert_int_equal(tenant_state_code(&t, BOOT_NS + 600 * S), X);
    e.not_after = NOW_S + 7;
    assert_int_equal(tenant_state_heartbeat(&t, &e, later(1)), TS_OK);
    assert_int_equal(tenant_state_code(&t, BOOT_NS + 7 * S - 1), P);
    assert_int_equal(tenant_state_code(&t, BOOT_NS + 7 * S), X);
}

static void far_and_early_times_do_not_wrap(void **state)
{
    static const uint64_t times[] = {0, 1, NOW_S, UINT64_MAX - 1, UINT64_MAX};

    (void)state;
    for (size_t i = 0; i < 5; i++)
        for (size_t k = 0; k < 5; k++)
            for (uint64_t boot = 0; boot < 3; boot++) {
                struct moment at = {.boot_ns = boot, .unix_ms = NOW_S * 1000};
                struct tenant_evidence e = {.seq = 1,
                                            .hash = hash_a,
                                            .issued = times[i],
                                            .not_after = times[k]};
                bool lives = times[k] > NOW_S && times[i] >= NOW_S;
                struct tenant_state t = {0};

                assert_int_equal(tenant_state_directory(&t, &e, STALENESS, at),
                                 TS_OK);
                assert_int_equal(tenant_state_code(&t, boot), lives ? P : X);
                assert_int_equal(tenant_state_code(&t, boot + 31 * S), X);
            }
}

/* Evidence from the future counts from now: it does not live longer for it. */
static void evidence_of_the_future_is_not_fresher_than_now(void **state)
{
    struct tenant_state t = {0};

    (void)state;
    directory_ok(&t, 1, hash_a, NOW_S + 5, STALENESS, now);
    assert_int_equal(tenant_state_code(&t, BOOT_NS + 30 * S - 1), P);
    assert_int_equal(tenant_state_code(&t, BOOT_NS + 30 * S), X);
}

/* Whatever is sent again, and however the clock was set in between: without
 * newer evidence nothing lives longer. */
static void T30_clock_set_back_extends_nothing(void **state)
{
    (void)state;
    for (uint32_t staleness = 0; staleness <= STALENESS; staleness += STALENESS)
        for (int64_t step = -3600; step <= 3600; step += 60) {
            struct tenant_state t = {0};
            struct tenant_evidence e = evidence(1, hash_a, NOW_S);
            struct moment at = later(10);
            uint64_t until;

            directory_ok(&t, 1, hash_a, NOW_S, staleness, now);
            until = t.until_ns;
            at.unix_ms = (uint64_t)((int64_t)at.unix_ms + step * 1000);
            assert_int_equal(tenant_state_heartbeat(&t, &e, at), TS_OK);
            assert_true(t.until_ns <= until);
            directory_ok(&t, 1, hash_a, NOW_S, staleness, at);
            assert_true(t.until_ns <= until);
            tenant_state_vanish(&t);
            assert_int_equal(tenant_state_code(&t, at.boot_ns), N);
            directory_ok(&t, 1, hash_a, NOW_S, staleness, at);
            assert_true(t.until_ns <= until);
        }
}

static void a_reload_can_change_how_long_is_too_long(void **state)
{
    struct tenant_state t = {0};

    (void)state;
    directory_ok(&t, 1, hash_a, NOW_S, STALENESS, now);
    directory_ok(&t, 1, hash_a, NOW_S, 60, later(20));
    assert_int_equal(tenant_state_code(&t, BOOT_NS + 60 * S - 1), P);
    assert_int_equal(tenant_state_code(&t, BOOT_NS + 60 * S), X);
    directory_ok(&t, 1, hash_a, NOW_S, 5, later(20));
    assert_int_equal(tenant_state_code(&t, BOOT_NS + 5 * S), X);
    directory_ok(&t, 1, hash_a, NOW_S, 0, later(20));
    assert_int_equal(tenant_state_code(&t, BOOT_NS + 600 * S - 1), P);
}

/* ---- the table of tenants ----------------------------------------------- */

static void T34_every_tenant_has_a_state_of_its_own(void **state)
{
    struct tenant_states s = {0};
    struct tenant_state *kept[512], *t;
    char name[16];

    (void)state;
    assert_null(tenant_states_find(&s, TS_STR_LIT("acme")));
    for (uint32_t i = 0; i < 512; i++) { /* in an order that sorts badly */
        (void)snprintf(name, sizeof(name), "t%u", (i * 167) % 512);
        assert_int_equal(tenant_states_get(&s, ts_str_of(name), &kept[i]),
                         TS_OK);
        tenant_state_mark(kept[i], i + 1, hash_a);
    }
    assert_int_equal(s.count, 512);
    for (uint32_t i = 0; i < 512; i++) {
        (void)snprintf(name, sizeof(name), "t%u", (i * 167) % 512);
        assert_ptr_equal(tenant_states_find(&s, ts_str_of(name)), kept[i]);
        assert_int_equal(tenant_states_get(&s, ts_str_of(name), &t), TS_OK);
        assert_ptr_equal(t, kept[i]);
        assert_int_equal(t->mark_seq, i + 1);
        assert_true(i == 0 || ts_str_cmp(s.list[i - 1]->name, /* sorted */
                                         s.list[i]->name) < 0);
    }
    assert_null(tenant_states_find(&s, TS_STR_LIT("t")));
    tenant_states_done(&s);
    assert_int_equal(s.count, 0);
}

static void tenants_beyond_the_limit_are_refused(void **state)
{
    struct tenant_states s = {0};
    struct tenant_state *t = NULL;
    char name[160];

    (void)state;
    memset(name, 'x', sizeof(name));
    assert_int_equal(
        tenant_states_get(&s, (struct ts_str){name, sizeof(name)}, &t),
        TS_E_INVALID);
    for (unsigned i = 0; i < TENANT_STATES_MAX; i++) {
        (void)snprintf(name, sizeof(name), "t%u", i);
        assert_int_equal(tenant_states_get(&s, ts_str_of(name), &t), TS_OK);
    }
    t = NULL;
    assert_int_equal(tenant_states_get(&s, TS_STR_LIT("more"), &t), TS_E_LIMIT);
    assert_null(t);
    assert_int_equal(tenant_states_get(&s, TS_STR_LIT("t0"), &t), TS_OK);
    tenant_states_done(&s);
}

/* A clock that was an hour behind when deadlines were made: they come an hour
 * sooner once that is known, and what was never in force stays so. */
static void T30_deadlines_of_a_clock_that_was_behind_come_sooner(void **state)
{
    struct tenant_states s = {0};
    struct tenant_state *a, *b, *c;

    (void)state;
    assert_int_equal(tenant_states_get(&s, TS_STR_LIT("a"), &a), TS_OK);
    assert_int_equal(tenant_states_get(&s, TS_STR_LIT("b"), &b), TS_OK);
    assert_int_equal(tenant_states_get(&s, TS_STR_LIT("c"), &c), TS_OK);
    directory_ok(a, 5, hash_a, NOW_S, 0, now);
    directory_ok(b, 5, hash_a, NOW_S, STALENESS, now);
    tenant_state_mark(c, 5, hash_a);

    tenant_states_sooner(&s, 20 * S);
    assert_int_equal(tenant_state_code(a, BOOT_NS + 579 * S), CODE_PERMITTED);
    assert_int_equal(tenant_state_code(a, BOOT_NS + 581 * S), CODE_STALE_STATE);
    assert_int_equal(tenant_state_code(b, BOOT_NS + 9 * S), CODE_PERMITTED);
    assert_int_equal(tenant_state_code(b, BOOT_NS + 11 * S), CODE_STALE_STATE);
    assert_int_equal(tenant_state_code(c, 0), CODE_NOT_READY);

    tenant_states_sooner(&s, UINT64_MAX);
    tenant_states_sooner(&s, UINT64_MAX);
    assert_int_equal(tenant_state_code(a, BOOT_NS), CODE_STALE_STATE);
    assert_int_equal(tenant_state_code(b, BOOT_NS), CODE_STALE_STATE);
    /* the same state again, by a reload: nothing becomes fresh by that */
    directory_ok(a, 5, hash_a, NOW_S, 0, now);
    assert_int_equal(tenant_state_code(a, BOOT_NS), CODE_STALE_STATE);
    directory_ok(c, 5, hash_a, NOW_S, 0, now);
    assert_int_equal(tenant_state_code(c, BOOT_NS), CODE_PERMITTED);
    tenant_states_done(&s);
}

static ts_err fill(const void *arg)
{
    struct tenant_states s = {0};
    struct tenant_state *t;
    char name[16];
    ts_err e = TS_OK;

    (void)arg;
    for (unsigned i = 0; e == TS_OK && i < 40; i++) {
        uint32_t count = s.count;

        (void)snprintf(name, sizeof(name), "t%u", i);
        e = tenant_states_get(&s, ts_str_of(name), &t);
        assert_int_equal(s.count, count + (e == TS_OK));
    }
    tenant_states_done(&s);
    return e;
}

static void tenants_out_of_memory_stay_as_they_were(void **state)
{
    (void)state;
    fault_mem_sweep(fill, NULL, TS_OK, 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            T23_every_event_in_every_state_gives_what_the_table_says),
        cmocka_unit_test(heartbeat_freshness_ends_after_max_staleness),
        cmocka_unit_test(snapshot_freshness_ends_with_not_after),
        cmocka_unit_test(the_first_of_all_ends_counts),
        cmocka_unit_test(far_and_early_times_do_not_wrap),
        cmocka_unit_test(evidence_of_the_future_is_not_fresher_than_now),
        cmocka_unit_test(T30_clock_set_back_extends_nothing),
        cmocka_unit_test(T30_deadlines_of_a_clock_that_was_behind_come_sooner),
        cmocka_unit_test(a_reload_can_change_how_long_is_too_long),
        cmocka_unit_test(T34_every_tenant_has_a_state_of_its_own),
        cmocka_unit_test(tenants_beyond_the_limit_are_refused),
        cmocka_unit_test(tenants_out_of_memory_stay_as_they_were),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
