/* Every allocation of a store and of a verification fails in turn. */
#include "tests/lib/ts_test.h"

#include "proto/base/ts_buf.h"
#include "proto/trust/handshake.h"
#include "tests/lib/fault_mem.h"
#include "trust_world.h"

static struct world w;
static struct chain c;

static int setup(void **state)
{
    (void)state;
    world_init(&w);
    world_chain(&w, 3, &c);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fault_mem_disarm();
    world_done(&w);
    return 0;
}

static void store_without_memory_is_no_store(void **state)
{
    (void)state;
    for (int persistent = 0; persistent < 2; persistent++) {
        for (int nth = 0;; nth++) {
            const struct trust_store *s = NULL;
            struct ts_arena a;
            char why[128];
            ts_err e;

            fault_mem_arm(nth, persistent == 1);
            ts_arena_init(&a, 1u << 20);
            e = trust_store_build(&w.in, &a, &s, why, sizeof(why));
            ts_arena_done(&a);
            assert_int_equal(fault_mem_live(), 0);
            if (!fault_mem_fired()) {
                assert_int_equal(e, TS_OK);
                break;
            }
            assert_int_equal(e, TS_E_NOMEM);
            assert_null(s);
        }
        fault_mem_disarm();
    }
}

static void chain_without_memory_is_not_accepted(void **state)
{
    (void)state;
    for (int persistent = 0; persistent < 2; persistent++) {
        for (int nth = 0;; nth++) {
            struct delegation d;
            struct ts_arena a;
            enum trust_code e;

            fault_mem_arm(nth, persistent == 1);
            ts_arena_init(&a, 1u << 16);
            e = delegation_decode_verify(&w.cfg, c.b, c.len, W_NOW, &a, &d);
            ts_arena_done(&a);
            assert_int_equal(fault_mem_live(), 0);
            if (!fault_mem_fired()) {
                assert_int_equal(e, TRUST_OK);
                break;
            }
            assert_int_equal(e, TRUST_E_INTERNAL);
        }
        fault_mem_disarm();
    }
}

static void an_arena_without_budget_is_not_a_verdict(void **state)
{
    struct delegation d;
    struct ts_arena a;

    (void)state;
    ts_arena_init(&a, c.len - 1);
    assert_int_equal(
        delegation_decode_verify(&w.cfg, c.b, c.len, W_NOW, &a, &d),
        TRUST_E_INTERNAL);
    ts_arena_done(&a);
}

/* Whatever the budget: a whole store or none. */
static void an_arena_that_is_too_small_is_told_at_every_size(void **state)
{
    size_t enough = 0;

    (void)state;
    w.in.points_checked = true; /* they are good, and slow to ask */
    for (size_t budget = 0; enough == 0; budget += 8) {
        const struct trust_store *s = NULL;
        struct ts_arena a;
        char why[128] = "";
        ts_err e;

        ts_arena_init(&a, budget);
        e = trust_store_build(&w.in, &a, &s, why, sizeof(why));
        assert_true(e == TS_OK || (e == TS_E_LIMIT && why[0] != '\0'));
        assert_int_equal(s != NULL, e == TS_OK);
        enough = e == TS_OK ? budget : 0;
        assert_true(e != TS_OK || a.used <= budget);
        ts_arena_done(&a);
    }
    assert_true(enough > 1000);
}

static void messages_without_memory_are_not_sent(void **state)
{
    const struct handshake_auth m = {.chain = {.ptr = c.b, .len = c.len}};

    (void)state;
    for (int nth = 0;; nth++) {
        struct ts_buf b;
        ts_err e;

        fault_mem_arm(nth, true);
        ts_buf_init(&b, 1u << 16);
        e = handshake_auth_send(&b, 2, &m);
        assert_int_equal(b.len > 0, e == TS_OK);
        ts_buf_done(&b);
        assert_int_equal(fault_mem_live(), 0);
        if (!fault_mem_fired())
            break;
        assert_int_equal(e, TS_E_NOMEM);
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(store_without_memory_is_no_store),
        T(chain_without_memory_is_not_accepted),
        T(an_arena_without_budget_is_not_a_verdict),
        T(an_arena_that_is_too_small_is_told_at_every_size),
        T(messages_without_memory_are_not_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
