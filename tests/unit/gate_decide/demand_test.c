/*
 * What policies demand of the box (@sandbox, @require), from every set that is
 * asked to the order and the record; and tools that are not served.
 */
#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "proto/wire/mp_read.h"
#include "sidecar/common/layer.h"
#include "tests/lib/ts_test.h"

#define USERS   "tenants/acme/policies/hard/10-users.cedar"
#define AGENTS  "tenants/acme/policies/hard/20-agents.cedar"
#define USER_P  "@id(\"developers-use-the-workspace\")\n"
#define AGENT_P "@id(\"coder-uses-the-workspace\")\n"
#define ALL     "permit (principal, action, resource);"

static struct fixture fix;
static struct fix_result result;

static int setup(void **state)
{
    (void)state;
    fix_init(&fix);
    fix_add_starter(&fix, "acme", KEY_ISSUER, KEY_CODER);
    fix.past.strict = false;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fix_done(&fix);
    return 0;
}

static const char *const levels[] = {
    "", "@sandbox(\"bare\") ", "@sandbox(\"uid\") ", "@sandbox(\"full\") ",
    "@sandbox(\"strict\") "};
static const char *const layers[] = {"", "@require(\"cgroup\") ",
                                     "@require(\"landlock, net_ns\") "};
static const uint32_t bits[] = {0, LAYER_CGROUP, LAYER_LANDLOCK | LAYER_NET_NS};

static void decide(const char *block, bool check_only)
{
    struct fix_grant g = fix_alice;
    const struct fix_call c = {
        .tool = "fs.read", .args = "path=x", .check_only = check_only};
    struct authority *a;

    g.policy = block;
    a = fix_authority(&fix, &g);
    fix_decide(&fix, a, &c, &result);
    assert_int_equal(result.e, TS_OK);
    authority_free(a);
}

static uint32_t recorded_layers(void)
{
    struct ts_bytes b = fix_record_get(&result, "require");
    struct mp_reader r;
    uint32_t n, all = 0;

    if (b.len == 0)
        return 0;
    mp_reader_init(&r, b.ptr, b.len);
    n = mp_read_array(&r, LAYER_COUNT);
    for (uint32_t i = 0; i < n; i++)
        all |= layer_parse(mp_read_str(&r, 64));
    assert_int_equal(mp_done(&r), TS_OK);
    return all;
}

/* Every level in each of the three kinds of sets: the highest one counts; and
 * the layers of all of them together. */
static void demands_of_all_sets_are_joined(void **state)
{
    (void)state;
    for (unsigned u = 0; u < 5; u++)
        for (unsigned a = 0; a < 5; a++)
            for (unsigned b = 0; b < 5; b++) {
                unsigned most = u > a ? u : a;
                uint32_t want = bits[u % 3] | bits[(a + 1) % 3] | bits[b % 3];
                char text[256];

                most = most > b ? most : b;
                teardown(NULL);
                setup(NULL);
                (void)snprintf(text, sizeof(text), USER_P "%s%s\n", levels[u],
                               layers[u % 3]);
                fix_edit(&fix, USERS, USER_P, text);
                (void)snprintf(text, sizeof(text), AGENT_P "%s%s\n", levels[a],
                               layers[(a + 1) % 3]);
                fix_edit(&fix, AGENTS, AGENT_P, text);
                fix_load_ok(&fix);
                (void)snprintf(text, sizeof(text), "%s%s" ALL, levels[b],
                               layers[b % 3]);
                decide(text, (u + a + b) % 2 == 1);
                assert_int_equal(result.d.verdict, VERDICT_PERMIT);
                assert_int_equal(result.d.order.box, most);
                assert_int_equal(result.d.order.require, want);
                assert_int_equal(recorded_layers(), want);
                if (most == 0 && want == 0)
                    assert_int_equal(fix_record_get(&result, "box").len, 0);
                else
                    assert_true(fix_record_is(
                        &result, "box", box_level_name((enum box_level)most)));
            }
}

static void demand_of_a_permit_that_does_not_hold_does_not_count(void **state)
{
    (void)state;
    fix_load_ok(&fix);
    decide("@sandbox(\"strict\") permit (principal, action, resource) "
           "when { 1 == 2 };" ALL "@sandbox(\"uid\")" ALL,
           false);
    assert_int_equal(result.d.verdict, VERDICT_PERMIT);
    assert_int_equal(result.d.order.box, BOX_UID);
    assert_int_equal(result.d.order.require, 0);
}

static void demand_is_not_in_the_record_of_a_denial(void **state)
{
    (void)state;
    fix_load_ok(&fix);
    decide("@sandbox(\"strict\")" ALL "forbid (principal, action, resource);",
           false);
    assert_int_equal(result.d.verdict, VERDICT_DENY);
    assert_int_equal(result.d.order.box, BOX_ANY);
    assert_int_equal(fix_record_get(&result, "box").len, 0);
}

static const struct {
    const char *annotation, *says;
} mistakes[] = {
    {"@sandbox(\"any\")", ": the value of @sandbox means nothing"},
    {"@sandbox(\"Full\")", ": the value of @sandbox means nothing"},
    {"@sandbox(\"\")", ": the value of @sandbox means nothing"},
    {"@sandbox", ": the value of @sandbox means nothing"},
    {"@require(\"landlok\")", ": the value of @require means nothing"},
    {"@require(\"landlock,\")", ": the value of @require means nothing"},
    {"@require(\"landlock net_ns\")", ": the value of @require means nothing"},
    {"@require", ": the value of @require means nothing"},
};

static void demand_that_means_nothing_refuses_the_load(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        char text[256], want[256];

        teardown(NULL);
        setup(NULL);
        (void)snprintf(text, sizeof(text), "@id(\"x\")\n%s\n" ALL,
                       mistakes[i].annotation);
        fix_set(&fix, "tenants/acme/policies/hard/90-x.cedar", text);
        assert_int_equal(fix_load(&fix), TS_E_FORMAT);
        (void)snprintf(want, sizeof(want), "%s",
                       "tenants/acme/policies/hard/90-x.cedar:2:");
        if (strncmp(fix.err, want, strlen(want)) != 0 ||
            strstr(fix.err, mistakes[i].says) == NULL)
            fail_msg("%s: %s", mistakes[i].annotation, fix.err);
    }
}

static void demand_in_a_block_that_means_nothing_opens_no_session(void **state)
{
    struct fix_grant g = fix_alice;
    enum trust_code code = TRUST_OK;
    struct authority *a = NULL;

    (void)state;
    fix_load_ok(&fix);
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        char text[256];

        (void)snprintf(text, sizeof(text), "%s\n" ALL, mistakes[i].annotation);
        g.policy = text;
        assert_int_equal(fix_authority_try(&fix, &g, &a, &code), TS_E_AUTH);
        assert_int_equal(code, TRUST_E_POLICY);
    }
    g.policy = "@sandbox(\"full\") forbid (principal, action, resource);" ALL;
    assert_int_equal(fix_authority_try(&fix, &g, &a, &code), TS_E_AUTH);
    assert_null(a);
}

static void refused_tool_is_unavailable_and_the_others_are_not(void **state)
{
    struct authority *a;

    (void)state;
    fix_edit(&fix, "tools/fs.read.yaml", "tool: fs.read\n",
             "tool: fs.read\nexce: /bin/cat\n");
    fix_load_ok(&fix);
    assert_int_equal(fix.snapshot->manifests->refused_count, 1);
    a = fix_authority(&fix, &fix_alice);
    assert_string_equal(fix_code(&fix, a, "fs.read", "path=x"),
                        "tool_unavailable");
    assert_string_equal(fix_code(&fix, a, "fs.rea", "path=x"), "tool_unknown");
    assert_string_equal(fix_code(&fix, a, "fs.list", "path=."), "permitted");
    authority_free(a);
    decide(ALL, false);
    assert_non_null(strstr(result.d.text, "UNAVAILABLE [tool_unavailable]"));
    assert_null(strstr(result.d.text, "yaml")); /* that is for the operator */
    assert_null(strstr(result.d.text, "exce"));
    fix_edit(&fix, "tools/fs.read.yaml", "exce: /bin/cat\n", "");
    fix_reload_ok(&fix);
    decide(ALL, false);
    assert_int_equal(result.d.verdict, VERDICT_PERMIT);
}

static void refused_tool_is_a_mistake_where_files_are_checked(void **state)
{
    (void)state;
    fix_edit(&fix, "tools/fs.read.yaml", "tool: fs.read\n",
             "tool: fs.read\nexce: /bin/cat\n");
    fix.past.strict = true;
    assert_int_equal(fix_load(&fix), TS_E_FORMAT);
    assert_non_null(strstr(fix.err, "tools/fs.read.yaml:"));
    assert_non_null(strstr(fix.err, "unknown key \"exce\""));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(demands_of_all_sets_are_joined),
        T(demand_of_a_permit_that_does_not_hold_does_not_count),
        T(demand_is_not_in_the_record_of_a_denial),
        T(demand_that_means_nothing_refuses_the_load),
        T(demand_in_a_block_that_means_nothing_opens_no_session),
        T(refused_tool_is_unavailable_and_the_others_are_not),
        T(refused_tool_is_a_mistake_where_files_are_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
