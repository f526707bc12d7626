#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "tests/lib/fault_mem.h"
#include "tests/lib/ts_test.h"

/* Every allocation of loading, of a handshake and of a decision fails once:
 * nothing leaks, nothing is permitted that should not be. */

static struct fixture fix;
static struct fix_result result;

static int setup(void **state)
{
    (void)state;
    fix_init(&fix);
    fix_add_starter(&fix, "acme", KEY_ISSUER, KEY_CODER);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fix_done(&fix);
    return 0;
}

static ts_err load_once(const void *arg)
{
    const struct fixture *f = arg;
    struct snapshot *s = NULL;
    char err[1024] = "";
    ts_err e = snapshot_load_past(&f->bundle, &f->settings, 1, &f->past, &s,
                                  err, sizeof(err));

    if (e != TS_OK) {
        assert_null(s);
        assert_int_not_equal(err[0], '\0');
    }
    snapshot_free(s);
    return e;
}

/* With what is in force as the past: kept, replaced, or not taken over. */
static void reload_out_of_memory_leaves_nothing(void **state)
{
    struct fix_signing how = fix_signing("acme", 2);
    struct ts_bytes object;

    (void)state;
    fix_load_ok(&fix);
    fix.past.held = fix.snapshot;
    fix.past.strict = false;
    object = fix_sign_directory(&fix, &how);
    fix_set(&fix, "tenants/acme/directory.yaml", NULL);
    fault_mem_sweep(load_once, &fix, TS_OK, 50);
    fix_set_bytes(&fix, "tenants/acme/directory.snapshot", object);
    fault_mem_sweep(load_once, &fix, TS_OK, 50);
    fix_set(&fix, "tenants/acme/directory.snapshot", "garbage");
    fault_mem_sweep(load_once, &fix, TS_OK, 50);
    free((void *)(uintptr_t)object.ptr);
}

struct feeding {
    struct ts_bytes object;
    ts_err want;
};

static ts_err feed_once(const void *arg)
{
    const struct feeding *f = arg;
    struct snapshot *s = NULL;
    char err[1024] = "";
    ts_err e =
        snapshot_with_directory(fix.snapshot, TS_STR_LIT("acme"), f->object,
                                &fix.past, &s, err, sizeof(err));

    assert_int_equal(s != NULL, e == TS_OK);
    assert_true(e == TS_OK || err[0] != '\0');
    snapshot_free(s);
    return e;
}

static void snapshot_with_directory_out_of_memory_leaves_nothing(void **state)
{
    struct fix_signing how = fix_signing("acme", 2);
    struct feeding f;

    (void)state;
    fix_load_ok(&fix);
    f.object = fix_sign_directory(&fix, &how);
    fault_mem_sweep(feed_once, &f, TS_OK, 5);
    free((void *)(uintptr_t)f.object.ptr);
    fix_edit(&fix, "tenants/acme/directory.yaml", "groups: [viewers]",
             "groups: [viewers]\n    attrs: {a: b}");
    f.object = fix_sign_directory(&fix, &how);
    fault_mem_sweep(feed_once, &f, TS_E_INVALID, 5);
    free((void *)(uintptr_t)f.object.ptr);
}

static void snapshot_load_out_of_memory_leaves_nothing(void **state)
{
    struct fix_signing how = fix_signing("acme", 2);
    struct ts_bytes object = fix_sign_directory(&fix, &how);

    (void)state;
    fix_set(&fix, "tenants/acme/directory.yaml", NULL);
    fix_set_bytes(&fix, "tenants/acme/directory.snapshot", object);
    free((void *)(uintptr_t)object.ptr);
    for (int persistent = 0; persistent < 2; persistent++)
        for (int nth = 0;; nth++) {
            struct snapshot *s = NULL;
            bool fired;
            ts_err e;

            fault_mem_arm(nth, persistent != 0);
            e = snapshot_load(&fix.bundle, &fix.settings, 1, &s, fix.err,
                              sizeof(fix.err));
            snapshot_free(s);
            fired = fault_mem_fired();
            assert_int_equal(fault_mem_live(), 0);
            fault_mem_disarm();
            if (!fired) {
                assert_int_equal(e, TS_OK);
                break;
            }
            assert_int_equal(e, TS_E_NOMEM);
            assert_null(s);
            assert_int_not_equal(fix.err[0], '\0');
        }
}

/* Everything for alice, counted: its block has rules of its own and shows
 * counters to every decision. */
static struct fix_grant counting(void)
{
    struct fix_grant g = fix_alice;

    g.policy = "@counts(\"n\") @sums(\"s=seconds\") "
               "permit (principal, action, resource) when { "
               "context.uses.hasTag(\"n\") && context.uses.getTag(\"n\") < 9 "
               "&& context.sums.hasTag(\"s\") };";
    return g;
}

static void authority_make_out_of_memory_leaves_nothing(void **state)
{
    const struct fix_grant g = counting();

    (void)state;
    fix_load_ok(&fix);
    for (int nth = 0;; nth++) {
        struct authority *a = NULL;
        enum trust_code code = TRUST_OK;
        bool fired;
        ts_err e;

        fault_mem_arm(nth, true);
        e = fix_authority_try(&fix, &g, &a, &code);
        authority_free(a);
        fired = fault_mem_fired();
        assert_int_equal(fault_mem_live(), 0);
        fault_mem_disarm();
        if (!fired) {
            assert_int_equal(e, TS_OK);
            break;
        }
        assert_int_equal(e, TS_E_NOMEM);
        assert_int_equal(code, TRUST_E_INTERNAL);
        assert_null(a);
    }
}

/* With a cold arena a decision needs memory; without it the answer is a denial
 * that is recorded, whatever the call. */
static void decide_call_out_of_memory_is_a_recorded_denial(void **state)
{
    struct fix_call c = {.tool = "fs.read", .args = "path=a/b/c"};
    const struct fix_grant g = counting();
    struct authority *a;
    int denials = 0;

    (void)state;
    fix_load_ok(&fix);
    a = fix_authority(&fix, &g);
    for (int nth = 0;; nth++) {
        bool fired;

        ts_arena_done(&fix.arena);
        ts_arena_init(&fix.arena, 1 << 20);
        fault_mem_arm(nth, true);
        fix_decide(&fix, a, &c, &result);
        fired = fault_mem_fired();
        ts_arena_done(&fix.arena);
        assert_int_equal(fault_mem_live(), 0);
        fault_mem_disarm();
        ts_arena_init(&fix.arena, 1 << 20);
        assert_int_equal(result.e, TS_OK);
        if (!fired) {
            assert_int_equal(result.d.code, CODE_PERMITTED);
            break;
        }
        assert_int_equal(result.d.verdict, VERDICT_DENY);
        assert_int_equal(result.d.code, CODE_INTERNAL);
        assert_true(fix_record_is(&result, "effect", "forbid"));
        denials++;
    }
    assert_true(denials > 0);
    authority_free(a);
}

/* The same with the budget of the arena as what runs out. */
static void decide_call_small_arena_never_permits_wrongly(void **state)
{
    struct fix_call c = {.tool = "fs.read", .args = "path=secret/x"};
    const struct fix_grant g = counting();
    struct authority *a;

    (void)state;
    fix_load_ok(&fix);
    a = fix_authority(&fix, &g);
    for (size_t budget = 0; budget < 32768; budget += 16) {
        ts_arena_done(&fix.arena);
        ts_arena_init(&fix.arena, budget);
        fix_decide(&fix, a, &c, &result);
        assert_int_equal(result.e, TS_OK);
        assert_int_equal(result.d.verdict, VERDICT_DENY);
    }
    assert_int_equal(result.d.code, CODE_FORBIDDEN);
    authority_free(a);
}

/* Warm, a decision does not touch the heap at all. */
static void decide_call_warm_allocates_nothing(void **state)
{
    struct fix_call c = {.tool = "fs.read", .args = "path=a/b/c"};
    const struct fix_grant g = counting();
    struct authority *a;

    (void)state;
    skip_with_faults();
    fix_load_ok(&fix);
    a = fix_authority(&fix, &g);
    for (int i = 0; i < 3; i++)
        fix_decide(&fix, a, &c, &result);
    fault_mem_arm(0, true);
    fix_decide(&fix, a, &c, &result);
    assert_false(fault_mem_fired());
    fault_mem_disarm();
    assert_int_equal(result.d.code, CODE_PERMITTED);
    authority_free(a);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(snapshot_load_out_of_memory_leaves_nothing),
        T(reload_out_of_memory_leaves_nothing),
        T(snapshot_with_directory_out_of_memory_leaves_nothing),
        T(authority_make_out_of_memory_leaves_nothing),
        T(decide_call_out_of_memory_is_a_recorded_denial),
        T(decide_call_small_arena_never_permits_wrongly),
        T(decide_call_warm_allocates_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
