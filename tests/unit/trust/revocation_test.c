#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "proto/trust/revocation.h"
#include "tests/lib/fault_mem.h"
#include "trust_world.h"

#define ACME TS_STR_LIT("acme")

static struct ts_bytes id(const char *s)
{
    return (struct ts_bytes){.ptr = (const uint8_t *)s, .len = strlen(s)};
}

static void a_zeroed_set_is_empty_and_takes_nothing(void **state)
{
    struct revocations r = {0};

    (void)state;
    assert_false(revocations_hit(&r, REVOCATION_USER, ACME, id("a"), 0));
    assert_int_equal(
        revocations_add(&r, REVOCATION_USER, ACME, id("a"), 1, UINT64_MAX, 0),
        TS_E_LIMIT);
    revocations_done(&r);
}

static void cutoff_is_inclusive_and_never_moves_back(void **state)
{
    struct revocations r;
    uint64_t epoch;

    (void)state;
    revocations_init(&r, 10);
    assert_int_equal(
        revocations_add(&r, REVOCATION_USER, ACME, id("u"), 100, UINT64_MAX, 0),
        TS_OK);
    assert_true(revocations_hit(&r, REVOCATION_USER, ACME, id("u"), 99));
    assert_true(revocations_hit(&r, REVOCATION_USER, ACME, id("u"), 100));
    assert_false(revocations_hit(&r, REVOCATION_USER, ACME, id("u"), 101));
    epoch = r.epoch;
    assert_int_equal(
        revocations_add(&r, REVOCATION_USER, ACME, id("u"), 50, UINT64_MAX, 0),
        TS_OK);
    assert_int_equal(r.epoch, epoch); /* nothing changed */
    assert_true(revocations_hit(&r, REVOCATION_USER, ACME, id("u"), 100));
    assert_int_equal(
        revocations_add(&r, REVOCATION_USER, ACME, id("u"), 150, UINT64_MAX, 0),
        TS_OK);
    assert_int_not_equal(r.epoch, epoch);
    assert_true(revocations_hit(&r, REVOCATION_USER, ACME, id("u"), 150));
    assert_int_equal(r.count, 1);
    revocations_done(&r);
}

/* kind, tenant and target all count; no concatenation of them is ambiguous. */
static void entries_do_not_meet_across_kinds_and_tenants(void **state)
{
    struct revocations r;

    (void)state;
    revocations_init(&r, 10);
    assert_int_equal(
        revocations_add(&r, REVOCATION_USER, ACME, id("bob"), 9, UINT64_MAX, 0),
        TS_OK);
    assert_false(revocations_hit(&r, REVOCATION_AGENT, ACME, id("bob"), 0));
    assert_false(revocations_hit(&r, REVOCATION_TASK, ACME, id("bob"), 0));
    assert_false(
        revocations_hit(&r, REVOCATION_USER, TS_STR_LIT("beta"), id("bob"), 0));
    assert_false(
        revocations_hit(&r, REVOCATION_USER, TS_STR_LIT("acm"), id("ebob"), 0));
    assert_false(
        revocations_hit(&r, REVOCATION_USER, TS_STR_LIT("acmeb"), id("ob"), 0));
    revocations_done(&r);
}

static void ids_are_dead_for_ever_and_lengths_are_checked(void **state)
{
    static const size_t len[] = {0, 16, 32, 32, 0, 0, 0, 0, 16};
    uint8_t target[TS_ID_MAX + 1];
    struct revocations r;

    (void)state;
    memset(target, 'x', sizeof(target));
    revocations_init(&r, 1000);
    for (int k = REVOCATION_GRANT; k <= REVOCATION_ISSUER_KEY; k++) {
        enum revocation_kind kind = (enum revocation_kind)k;
        bool text = kind == REVOCATION_USER || kind == REVOCATION_AGENT ||
                    kind == REVOCATION_TASK;

        for (size_t n = 0; n <= sizeof(target); n++) {
            bool fits = text ? n >= 1 && n <= TS_ID_MAX : n == len[k];

            assert_int_equal(revocations_add(&r, kind, ACME,
                                             (struct ts_bytes){target, n}, 0,
                                             UINT64_MAX, 0),
                             fits ? TS_OK : TS_E_INVALID);
        }
        assert_string_not_equal(revocation_kind_name(kind), "unknown");
    }
    assert_true(revocations_hit(&r, REVOCATION_GRANT, ACME,
                                (struct ts_bytes){target, 16}, UINT64_MAX));
    assert_true(revocations_hit(&r, REVOCATION_BLOCK, ACME,
                                (struct ts_bytes){target, 32}, UINT64_MAX));
    /* what cannot be looked up is denied */
    assert_true(revocations_hit(&r, REVOCATION_GRANT, ACME,
                                (struct ts_bytes){target, 15}, 0));
    assert_int_equal(revocations_add(&r, REVOCATION_NONE, ACME,
                                     (struct ts_bytes){target, 1}, 0,
                                     UINT64_MAX, 0),
                     TS_E_INVALID);
    revocations_done(&r);
}

static void every_entry_is_found_until_the_table_is_full(void **state)
{
    struct revocations r;
    char name[16];

    (void)state;
    revocations_init(&r, 5000);
    for (unsigned i = 0; i < 5000; i++) {
        (void)snprintf(name, sizeof(name), "u%u", i);
        assert_int_equal(revocations_add(&r, REVOCATION_USER, ACME, id(name), i,
                                         UINT64_MAX, 0),
                         TS_OK);
    }
    assert_int_equal(
        revocations_add(&r, REVOCATION_USER, ACME, id("new"), 1, UINT64_MAX, 0),
        TS_E_LIMIT);
    assert_int_equal(
        revocations_add(&r, REVOCATION_USER, ACME, id("u7"), 99, UINT64_MAX, 0),
        TS_OK); /* known ones can still be widened */
    for (unsigned i = 0; i < 5000; i++) {
        (void)snprintf(name, sizeof(name), "u%u", i);
        assert_true(revocations_hit(&r, REVOCATION_USER, ACME, id(name), i));
        assert_int_equal(
            revocations_hit(&r, REVOCATION_USER, ACME, id(name), i + 1),
            i == 7);
    }
    assert_false(revocations_hit(&r, REVOCATION_USER, ACME, id("new"), 0));
    revocations_done(&r);
}

static void without_memory_the_set_is_as_before(void **state)
{
    (void)state;
    for (int persistent = 0; persistent < 2; persistent++) {
        for (int nth = 0;; nth++) {
            struct revocations r;
            unsigned added = 0, failed = 0;
            char name[16];

            fault_mem_arm(nth, persistent == 1);
            revocations_init(&r, 300);
            for (unsigned i = 0; i < 300; i++) {
                ts_err e;

                (void)snprintf(name, sizeof(name), "u%u", i);
                e = revocations_add(&r, REVOCATION_USER, ACME, id(name), 5,
                                    UINT64_MAX, 0);
                assert_true(e == TS_OK || e == TS_E_NOMEM);
                assert_int_equal(
                    revocations_hit(&r, REVOCATION_USER, ACME, id(name), 5),
                    e == TS_OK);
                added += e == TS_OK;
                failed += e != TS_OK;
            }
            assert_int_equal(r.count, added);
            revocations_done(&r);
            assert_int_equal(fault_mem_live(), 0);
            if (!fault_mem_fired()) {
                assert_int_equal(failed, 0);
                break;
            }
            assert_true(failed > 0);
        }
    }
    fault_mem_disarm();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_zeroed_set_is_empty_and_takes_nothing),
        cmocka_unit_test(cutoff_is_inclusive_and_never_moves_back),
        cmocka_unit_test(entries_do_not_meet_across_kinds_and_tenants),
        cmocka_unit_test(ids_are_dead_for_ever_and_lengths_are_checked),
        cmocka_unit_test(every_entry_is_found_until_the_table_is_full),
        cmocka_unit_test(without_memory_the_set_is_as_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
