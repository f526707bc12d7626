/* Levels: how many lookups away from principal, action and resource. */
#include "tests/lib/ts_test.h"

#include <string.h>

#include "tests/unit/policy/validate_help.h"
#include "tests/unit/policy/validate_table.h"

static const char *level_codes(const char *cond, uint32_t level)
{
    static struct vh_result r;
    struct cedar_validate_options o = {.mode = CEDAR_STRICT, .level = level};
    char policy[1024];

    vh_as_policy(cond, policy, sizeof(policy));
    vh_run(ts_str_of(table_schema), ts_str_of(policy), &o, &r);
    assert_int_equal(r.parse, TS_OK);
    return r.codes;
}

static void at_level(const char *cond, uint32_t level, const char *codes)
{
    const char *got = level_codes(cond, level);

    if (strcmp(got, codes) != 0)
        print_message("level %u: %s\n", (unsigned)level, cond);
    assert_string_equal(got, codes);
}

static void level_each_lookup_counts_one(void **state)
{
    static const struct {
        const char *cond;
        uint32_t need;
    } rows[] = {
        {"context.mfa", 0},
        {"principal == Pilot::\"a\"", 0},
        {"context has load && context.load > 1", 0},
        {"principal is Pilot", 0},
        {"principal.hours > 1", 1},
        {"principal has boss", 1},
        {"principal has boss && principal.boss.hours > 1", 2},
        {"principal has boss.boss && principal.boss.boss == principal", 2},
        {"principal has boss.boss.boss", 3},
        {"principal.home.zip == \"1\"", 1},
        {"principal in Crew::\"a\"", 1},
        {"resource.owner in Crew::\"a\"", 2},
        {"principal in resource.owner", 1},
        {"principal.hasTag(\"k\") && principal.getTag(\"k\") == \"v\"", 1},
        {"resource.owner.hasTag(principal.name)", 2},
        {"{a: principal, b: resource.owner}.a.hours > 1", 1},
        {"{a: principal, b: resource.owner}.b.hours > 1", 2},
        {"(if context.mfa then principal else resource.owner).hours > 1", 2},
        {"(if true then principal else resource.owner).hours > 1", 1},
        {"true || resource.owner.hours > 1", 0},
        {"resource.marks.contains(resource.owner.name)", 2},
        {"[resource.owner].contains(principal)", 1},
        {"[principal, principal, principal, resource.owner]"
         ".contains(resource.owner) || context.mfa",
         1},
        {"[principal, principal, principal, resource.owner]"
         ".contains(principal)",
         1},
        {"if context.mfa then principal.active else false", 1},
        {"if context.mfa then true else principal.active", 1},
        {"if principal.active then true else false", 1},
        {"if true then context.mfa else principal.active", 0},
        {"if true then principal.active else false", 1},
        {"if false then true else principal.active", 1},
        {"if false then principal.active else true", 0},
        {"if principal.active then true else resource.owner.active", 2},
        {"1 + principal.hours + 2 > 1", 1},
        {"!principal.active", 1},
        {"{a: {b: principal}}.a.b == principal", 0},
        {"{a: {b: principal}}.a.b.active", 1},
        {"{a: {b: 1, c: principal.hours}}.a.b == 1", 1},
        {"permit(principal in Crew::\"a\", action, resource);", 1},
        {"permit(principal, action in Action::\"use\", resource);", 1},
        {"permit(principal == ?principal, action, resource);", 0},
        {"permit(principal in ?principal, action, resource);", 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        at_level(rows[i].cond, rows[i].need, "");
        at_level(rows[i].cond, rows[i].need + 1, "");
        if (rows[i].need > 0 &&
            strstr(level_codes(rows[i].cond, rows[i].need - 1),
                   "level_exceeded") == NULL)
            fail_msg("%s needs no level %u", rows[i].cond, rows[i].need);
    }
    at_level("principal.hours > 1", 0, "level_exceeded");
    at_level("resource.owner.hours > 1", 1, "level_exceeded");
    at_level("resource.owner.hours > 1", 0, "level_exceeded");
    at_level("true || resource.owner.hours > 1", 0, "");
    at_level("{a: principal, b: resource.owner}.b.hours > 1", 1,
             "level_exceeded");
    at_level("{a: 1, b: resource.owner}.a > 1", 0, "level_exceeded");
    at_level("permit(principal in Crew::\"a\", action, resource);", 0,
             "level_exceeded");
    at_level("permit(principal in ?principal, action, resource);", 0,
             "level_exceeded");
    at_level("false", 0, IMP);
    at_level("false", 5, IMP);
}

/* Levels are told of what has a type. */
static void level_of_what_is_wrong_is_not_told(void **state)
{
    static const char *const rows[] = {
        "resource.owner.oops < 1",
        "1 < resource.owner.oops",
        "resource.owner.oops + 1 > 0",
        "resource.owner.oops == 1",
        "resource.owner.oops in resource",
        "resource.owner.oops is Pilot",
        "resource.owner.oops like \"a\"",
        "resource.owner.oops has a",
        "resource.owner.oops.hasTag(\"a\")",
        "resource.owner.oops.contains(1)",
        "[1].contains(resource.owner.oops)",
        "[resource.owner.oops, 1].isEmpty()",
        "{a: resource.owner.oops, b: 1} has a",
        "context.now.offset(resource.owner.oops) == context.now",
        "!resource.owner.oops",
        "if resource.owner.oops then true else true",
        "context.mfa && resource.owner.oops",
        "context.mfa || resource.owner.oops",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        at_level(rows[i], 0, UNK);
}

static void level_lookup_of_a_literal_is_refused(void **state)
{
    (void)state;
    at_level("Pilot::\"a\".hours > 1", 5, "literal_dereferenced");
    at_level("Pilot::\"a\".hours > 1", CEDAR_ANY_LEVEL, "");
    at_level("Pilot::\"a\" in Crew::\"c\"", 5, "literal_dereferenced");
    at_level("Action::\"fly\" in Action::\"use\"", 5, "");
    at_level("Action::\"tow\" in Action::\"use\"", 5, "literal_dereferenced");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(level_each_lookup_counts_one),
        cmocka_unit_test(level_of_what_is_wrong_is_not_told),
        cmocka_unit_test(level_lookup_of_a_literal_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
