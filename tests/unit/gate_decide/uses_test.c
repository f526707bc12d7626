/* Counters as policies see them, and what a permit takes: for the tenant's
 * policies and for a delegation's blocks. */
#include <stdio.h>
#include <string.h>

#include "policy/cedar_text.h"
#include "sidecar/gate/decide/replay.h"
#include "sidecar/gate/people/use_rule.h"
#include "tests/lib/ts_test.h"
#include "world.h"

static struct use_ledger ledger;

static int setup(void **state)
{
    memset(&ledger, 0, sizeof(ledger));
    (void)world_setup(state);
    world_fix.uses = &ledger;
    return 0;
}

/* Decides under this block; what it takes is taken. */
static const char *call(const struct fix_grant *g, const char *tool,
                        const char *args, bool check_only)
{
    const struct fix_call c = {
        .tool = tool, .args = args, .check_only = check_only};
    struct use_reservation r = {.state = USE_IDLE};
    struct authority *a = fix_authority(&world_fix, g);

    fix_decide(&world_fix, a, &c, &world_result);
    authority_free(a);
    assert_int_equal(world_result.e, TS_OK);
    if (world_result.d.verdict == VERDICT_PERMIT && !check_only)
        assert_int_equal(use_reserve(&r, &ledger, world_result.d.takes,
                                     world_result.d.take_count),
                         TS_OK);
    return call_code_name(world_result.d.code);
}

/* The delegation is one and the same, so its block is, too. */
static const char *under(const char *policy, const char *args)
{
    struct fix_grant g = fix_alice;

    g.policy = policy;
    return call(&g, "demo.sleep", args, false);
}

#define ANY   "(principal, action, resource)"
#define PAY   "context.uses.hasTag(\"pay\") && context.uses.getTag(\"pay\")"
#define SPENT "context.sums.hasTag(\"s\") && context.sums.getTag(\"s\")"

static void limit_by_a_permit_is_reached_with_its_own_code(void **state)
{
    static const char policy[] =
        "@counts(\"pay\") permit" ANY " when { " PAY " < 3 };";

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_string_equal(under(policy, "seconds:=1"), "permitted");
        assert_int_equal(world_result.d.take_count, 1);
    }
    for (int i = 0; i < 2; i++)
        assert_string_equal(under(policy, "seconds:=1"), "limit_reached");
    assert_non_null(strstr(world_result.d.text, "DENIED [limit_reached]"));
    assert_non_null(strstr(world_result.d.text, "a new delegation is needed"));
}

static void limit_by_a_forbid_says_its_reason(void **state)
{
    static const char policy[] =
        "@counts(\"pay\") permit" ANY ";"
        "@reason(\"one is enough\") forbid" ANY " unless { " PAY " < 1 };";

    (void)state;
    assert_string_equal(under(policy, "seconds:=1"), "permitted");
    assert_string_equal(under(policy, "seconds:=1"), "limit_reached");
    assert_non_null(strstr(world_result.d.text, "\none is enough"));
}

/* What would be denied anyway is not put down to the counters. */
static void denial_for_another_reason_keeps_its_code(void **state)
{
    static const char policy[] =
        "@counts(\"pay\") permit" ANY
        " when { context.args has seconds && context.args.seconds < 5 && " PAY
        " < 1 };";

    (void)state;
    assert_string_equal(under(policy, "seconds:=9"), "denied");
    assert_string_equal(under(policy, "seconds:=1"), "permitted");
    assert_string_equal(under(policy, "seconds:=1"), "limit_reached");
    assert_string_equal(under(policy, "seconds:=9"), "denied");
}

/* sums is what it would be with this call, to ten-thousandths. */
static void sum_of_an_integer_argument_is_exact(void **state)
{
    static const char policy[] =
        "@sums(\"s=seconds\") permit" ANY " when { " SPENT
        ".lessThanOrEqual(decimal(\"10.0\")) };";

    (void)state;
    assert_string_equal(under(policy, "seconds:=7"), "permitted");
    assert_string_equal(under(policy, "seconds:=4"), "limit_reached");
    assert_string_equal(under(policy, "seconds:=3"), "permitted");
    assert_string_equal(under(policy, "seconds:=1"), "limit_reached");
    assert_string_equal(under(policy, "seconds:=0"), "permitted");
}

static void check_counts_nothing(void **state)
{
    struct fix_grant g = fix_alice;

    (void)state;
    g.policy = "@counts(\"pay\") permit" ANY " when { " PAY " < 1 };";
    for (int i = 0; i < 3; i++)
        assert_string_equal(call(&g, "demo.sleep", "seconds:=1", true),
                            "permitted");
    assert_int_equal(ledger.count, 0);
}

static void only_satisfied_permits_count(void **state)
{
    static const char policy[] =
        "@counts(\"a\") permit" ANY
        " when { context.args has seconds && context.args.seconds < 5 };"
        "@counts(\"b\") permit" ANY ";"
        "@counts(\"a\") permit" ANY " when { context.uses.hasTag(\"a\") && "
        "context.uses.getTag(\"a\") >= 1 };";

    (void)state;
    assert_string_equal(under(policy, "seconds:=9"), "permitted");
    assert_int_equal(world_result.d.take_count, 1);
    assert_string_equal(under(policy, "seconds:=1"), "permitted");
    assert_int_equal(world_result.d.take_count, 2);
    assert_string_equal(under(policy, "seconds:=9"), "permitted");
    assert_int_equal(world_result.d.take_count, 2);
}

/* A sub-agent's calls count in the block above as well, whatever its own block
 * says; and a link more begins with nothing of its own only. */
static void sub_delegation_shares_the_counter_above_it(void **state)
{
    struct fix_grant g = fix_alice;

    (void)state;
    g.policy = "@counts(\"pay\") permit" ANY " when { " PAY " < 3 };";
    g.sub_agent = "coder/tester";
    g.sub_holder = KEY_TESTER;
    g.sub_policy = "@counts(\"pay\") permit" ANY " when { " PAY " < 2 };";
    assert_string_equal(call(&g, "demo.sleep", "seconds:=1", false),
                        "permitted");
    assert_int_equal(world_result.d.take_count, 2);
    assert_string_equal(call(&g, "demo.sleep", "seconds:=1", false),
                        "permitted");
    assert_string_equal(call(&g, "demo.sleep", "seconds:=1", false),
                        "limit_reached");
    g.sub_policy = "permit" ANY ";"; /* another link */
    assert_string_equal(call(&g, "demo.sleep", "seconds:=1", false),
                        "permitted");
    assert_string_equal(call(&g, "demo.sleep", "seconds:=1", false),
                        "limit_reached");
    g.sub_agent = NULL; /* the parent itself */
    assert_string_equal(call(&g, "demo.sleep", "seconds:=1", false),
                        "limit_reached");
}

/* The tenant's policies are asked about user and agents, and count once. */
static void tenant_counts_a_call_once(void **state)
{
    (void)state;
    fix_set(&world_fix, "tenants/acme/policies/hard/30-guards.cedar",
            "@id(\"n\") @counts(\"all\") permit" ANY ";\n"
            "@id(\"l\") forbid" ANY " unless { context.uses.hasTag(\"all\") && "
            "context.uses.getTag(\"all\") < 2 };");
    fix_load_ok(&world_fix);
    assert_string_equal(under("permit" ANY ";", "seconds:=1"), "permitted");
    assert_int_equal(world_result.d.take_count, 1);
    assert_string_equal(under("permit" ANY ";", "seconds:=1"), "permitted");
    assert_string_equal(under("permit" ANY ";", "seconds:=1"), "limit_reached");
}

/* A call of the log asked about again finds the tenant's counters as they were
 * then, under the names of now. */
static void replay_takes_the_counters_of_the_record(void **state)
{
    uint8_t args[64];
    struct replay_call c = {.tenant = TS_STR_LIT("acme"),
                            .user = TS_STR_LIT("alice"),
                            .task = TS_STR_LIT("t"),
                            .tool = TS_STR_LIT("demo.sleep"),
                            .agents = {TS_STR_LIT("coder")},
                            .agent_count = 1,
                            .issued = FIX_NOW_S,
                            .expires = FIX_NOW_S + 600,
                            .now_ms = FIX_NOW_S * 1000,
                            .uses = {{USE_CALLS, TS_STR_LIT("gone"), 99},
                                     {USE_CALLS, TS_STR_LIT("all"), 0}},
                            .use_count = 2};

    (void)state;
    fix_set(&world_fix, "tenants/acme/policies/hard/30-guards.cedar",
            "@id(\"n\") @counts(\"all\") permit" ANY ";\n"
            "@id(\"l\") forbid" ANY " unless { context.uses.hasTag(\"all\") && "
            "context.uses.getTag(\"all\") < 2 };");
    fix_load_ok(&world_fix);
    c.args = (struct ts_bytes){
        .ptr = args, .len = fix_args("seconds:=1", args, sizeof(args))};
    for (uint64_t n = 0; n < 4; n++) {
        struct replay_answer a;

        c.uses[1].total = n;
        ts_arena_reset(&world_fix.arena);
        assert_int_equal(
            replay_decide(world_fix.snapshot, &c, &world_fix.arena, &a), TS_OK);
        assert_int_equal(a.result.code,
                         n < 2 ? CODE_PERMITTED : CODE_LIMIT_REACHED);
    }
    c.uses[1].total = UINT64_MAX;
    assert_int_not_equal(replay_decide(world_fix.snapshot, &c, &world_fix.arena,
                                       &(struct replay_answer){0}),
                         TS_OK);
}

/* No block reads or fills another one's counter, nor the tenant's. */
static void counter_of_one_set_is_no_other_ones(void **state)
{
    static const char policy[] =
        "@counts(\"all\") permit" ANY
        " when { context.uses.hasTag(\"all\") && context.uses.getTag(\"all\") "
        "< 1 };";

    (void)state;
    fix_set(&world_fix, "tenants/acme/policies/hard/30-guards.cedar",
            "@id(\"n\") @counts(\"all\") permit" ANY ";\n");
    fix_load_ok(&world_fix);
    assert_string_equal(under("permit" ANY ";", "seconds:=1"), "permitted");
    assert_string_equal(under("permit" ANY ";", "seconds:=1"), "permitted");
    assert_string_equal(under(policy, "seconds:=1"), "permitted");
    assert_string_equal(under(policy, "seconds:=1"), "limit_reached");
}

static void load_of_an_unknown_counter_is_refused(void **state)
{
    static const char *const bad[] = {
        "@counts(\"pay\") permit" ANY
        " when { context.uses.hasTag(\"pat\") && context.uses.getTag(\"pat\") "
        "< 1 };",
        "@counts(\"pay\") permit" ANY " when { context.uses.getTag(\"pay\") < "
        "1 };", /* strict: hasTag first */
        "@counts(\"pay\") forbid" ANY ";",
        "@counts(\"p y\") permit" ANY ";",
        "@sums(\"s\") permit" ANY ";",
        "@sums(\"s=x\") permit" ANY
        " when { context.sums.hasTag(\"s\") && context.sums.getTag(\"s\") < 1 "
        "};",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct fix_grant g = fix_alice;
        struct authority *a = NULL;
        enum trust_code code = TRUST_OK;

        g.policy = bad[i];
        if (fix_authority_try(&world_fix, &g, &a, &code) == TS_OK) {
            authority_free(a);
            fail_msg("taken: %s", bad[i]);
        }
        assert_int_equal(code, TRUST_E_POLICY);
    }
    fix_set(&world_fix, "tenants/acme/policies/hard/30-guards.cedar",
            "@id(\"n\") @counts(\"a\") permit" ANY
            " when { context.uses.hasTag(\"b\") };\n");
    assert_int_not_equal(fix_load(&world_fix), TS_OK);
    assert_non_null(strstr(world_fix.err, "no counter of this name"));
}

/* What cannot be added up is never permitted, and never wraps. */
static void amount_that_is_none_is_denied(void **state)
{
    static const char policy[] = "@sums(\"s=seconds\") permit" ANY ";";
    static const char text[] = "@sums(\"s=path\") permit" ANY ";";
    struct fix_grant g = fix_alice;

    (void)state;
    assert_string_equal(under(policy, "seconds:=1"), "permitted");
    for (uint32_t i = 0; i < ledger.count; i++)
        ledger.places[i].total = USE_TOTAL_MAX - 9999;
    assert_string_equal(under(policy, "seconds:=1"), "limit_reached");
    assert_non_null(strstr(world_result.d.text, "cannot be added up"));
    g.policy = text;
    assert_string_equal(call(&g, "fs.read", "path=x", false), "limit_reached");
}

static void record_holds_what_was_used_and_taken(void **state)
{
    static const char policy[] = "@counts(\"pay\") @sums(\"s=seconds\") "
                                 "permit" ANY ";";
    /* [["block:0","calls","pay",1,1],["block:0","amount","s","3.0000",
     * "4.0000"]] */
    static const char want[] = "\x92\x95\xa7"
                               "block:0\xa5"
                               "calls\xa3pay\x01\x01\x95\xa7"
                               "block:0\xa6"
                               "amount\xa1s\xa6"
                               "3.0000\xa6"
                               "4.0000";
    struct ts_bytes got;

    (void)state;
    assert_string_equal(under(policy, "seconds:=3"), "permitted");
    assert_string_equal(under(policy, "seconds:=4"), "permitted");
    got = fix_record_get(&world_result, "uses");
    assert_int_equal(got.len, sizeof(want) - 1);
    assert_memory_equal(got.ptr, want, sizeof(want) - 1);
    assert_string_equal(under("permit" ANY ";", "seconds:=3"), "permitted");
    assert_int_equal(fix_record_get(&world_result, "uses").len, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, world_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        T(limit_by_a_permit_is_reached_with_its_own_code),
        T(limit_by_a_forbid_says_its_reason),
        T(denial_for_another_reason_keeps_its_code),
        T(sum_of_an_integer_argument_is_exact),
        T(check_counts_nothing),
        T(only_satisfied_permits_count),
        T(sub_delegation_shares_the_counter_above_it),
        T(tenant_counts_a_call_once),
        T(replay_takes_the_counters_of_the_record),
        T(counter_of_one_set_is_no_other_ones),
        T(load_of_an_unknown_counter_is_refused),
        T(amount_that_is_none_is_denied),
        T(record_holds_what_was_used_and_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
