/* Large policies and many: what is quick, what is counted, and what is refused
 * by name. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/policy/validate_help.h"
#include "tests/unit/policy/validate_table.h"

#define BIG ((size_t)60000)

static size_t add(char *out, size_t at, const char *s)
{
    size_t n = strlen(s);

    memcpy(out + at, s, n + 1);
    return at + n;
}

/* As many guards as fit, all alive to the end, then || over all of them. */
static void large_policy_of_guards_is_quick_and_valid(void **state)
{
    static const char *const shapes[][3] = {
        {"principal has boss && ", "principal.boss.hours > 1", " && "},
        {"", "(principal has boss && principal.boss.active)", " || "},
        {"principal.hasTag(\"k\") && ", "principal.hasTag(\"j\")", " || "},
        {"", "principal.hours", " + "},
    };
    static char text[BIG + 1000];
    static struct vh_result r;

    (void)state;
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        size_t n = add(text, 0, VH_SCOPE " when { ");

        if (i == 3)
            n = add(text, n, "1 < ");
        n = add(text, n, shapes[i][0]);
        while (n < BIG) {
            n = add(text, n, shapes[i][1]);
            n = add(text, n, shapes[i][2]);
        }
        n = add(text, n, shapes[i][1]);
        (void)add(text, n, " };");
        vh_mode(table_schema, text, CEDAR_STRICT, &r);
        assert_string_equal(r.codes, "");
        assert_int_equal(r.err, TS_OK);
    }
}

/* Each guard is its own access, found again however many others there are. */
static void many_guards_are_told_apart(void **state)
{
    enum {
        GUARDS = 700
    };
    static char text[BIG + 1000];
    static struct vh_result r;

    (void)state;
    for (unsigned missing = 0; missing <= GUARDS; missing += 50) {
        size_t n = add(text, 0, VH_SCOPE " when { true");

        for (unsigned side = 0; side < 2; side++)
            for (unsigned i = 1; i <= GUARDS; i++) {
                char part[64];

                if (side == 0 && i == missing)
                    continue;
                (void)snprintf(part, sizeof(part),
                               side == 0 ? " && principal.hasTag(\"%u\")"
                                         : " && principal.getTag(\"%u\")!=\"\"",
                               i);
                n = add(text, n, part);
            }
        (void)add(text, n, " };");
        vh_mode(table_schema, text, CEDAR_STRICT, &r);
        assert_int_equal(r.parse, TS_OK);
        assert_string_equal(r.codes, missing == 0 ? "" : "unsafe_tag");
    }
}

static void large_number_of_faults_is_counted_and_bounded(void **state)
{
    static char text[BIG + 1000];
    static struct vh_result r;
    size_t n = add(text, 0, VH_SCOPE " when { ");
    uint32_t faults = 0;

    (void)state;
    for (; n < BIG; faults++)
        n = add(text, n, "principal.oops || ");
    (void)add(text, n, "true };");
    vh_mode(table_schema, text, CEDAR_STRICT, &r);
    assert_int_equal(r.err, TS_E_FORMAT);
    assert_int_equal(r.diags.errors, faults);
}

/* 3 x 400 x 400 kinds of request and a policy that looks at all of them. Faults
 * of the policies beside it are told, but the limit outweighs them. */
static void work_beyond_the_limit_is_refused_by_name(void **state)
{
    static char schema[BIG], text[BIG + 1000];
    static struct vh_result r;
    static const char fault[] =
        "forbid(principal,action,resource) when {principal.oops == 1};";
    size_t s = 0, n;

    (void)state;
    n = add(text, 0, fault);
    n = add(text, n, "permit(principal,action,resource) when {");
#ifdef TS_SANITIZED
    skip(); /* the limit itself takes a minute there */
#endif
    for (unsigned i = 0; i < 400; i++) {
        char decl[64];

        (void)snprintf(decl, sizeof(decl), "entity T%u {a: Long};", i);
        s = add(schema, s, decl);
    }
    s = add(schema, s, "action a, b, c appliesTo {principal: [");
    for (unsigned side = 0; side < 2; side++) {
        for (unsigned i = 0; i < 400; i++) {
            char name[16];

            (void)snprintf(name, sizeof(name), "%sT%u", i > 0 ? "," : "", i);
            s = add(schema, s, name);
        }
        s = add(schema, s, side == 0 ? "], resource: [" : "]};");
    }
    while (n < BIG)
        n = add(text, n, "principal.a < resource.a && context == {} && ");
    n = add(text, n, "true };");
    (void)add(text, n, fault);
    vh_mode(schema, text, CEDAR_STRICT, &r);
    assert_int_equal(r.parse, TS_OK);
    assert_int_equal(r.err, TS_E_LIMIT);
    assert_string_equal(r.codes,
                        "unknown_attribute validate_limit unknown_attribute");
    vh_mode(schema, "permit(principal,action,resource);", CEDAR_STRICT, &r);
    assert_int_equal(r.err, TS_OK);
}

/* Sixty-four policies that are each within a second: as a block they stop at
 * the first million steps, and no diagnostics are needed to stop there. */
static void block_is_refused_when_all_policies_take_too_long(void **state)
{
    static char schema[BIG], text[BIG];
    static struct vh_result r;
    size_t s = 0, n = 0;

    (void)state;
    s = add(schema, s, "type C = {x: Long};");
    for (unsigned i = 0; i < 64; i++) {
        char decl[64];

        (void)snprintf(decl, sizeof(decl), "entity T%u {a: Long};", i);
        s = add(schema, s, decl);
    }
    s = add(schema, s, "action a, b appliesTo {principal: [");
    for (unsigned side = 0; side < 2; side++) {
        for (unsigned i = 0; i < 64; i++) {
            char name[16];

            (void)snprintf(name, sizeof(name), "%sT%u", i > 0 ? "," : "", i);
            s = add(schema, s, name);
        }
        s = add(schema, s, side == 0 ? "], resource: [" : "], context: C};");
    }
    for (unsigned i = 0; i < 64; i++)
        n = add(text, n,
                "forbid(principal,action,resource) when "
                "{principal.a==resource.a&&context.x==1+1};");
    vh_run(ts_str_of(schema), ts_str_of(text), &cedar_validate_block, &r);
    assert_int_equal(r.parse, TS_OK);
    assert_int_equal(r.err, TS_E_LIMIT);
    assert_string_equal(r.codes, "validate_limit");
    vh_run(ts_str_of(schema), ts_str_of(text), &cedar_validate_default, &r);
    assert_int_equal(r.err, TS_OK);
    vh_run(ts_str_of(schema), ts_str_of("forbid(principal,action,resource);"),
           &cedar_validate_block, &r);
    assert_int_equal(r.err, TS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_policy_of_guards_is_quick_and_valid),
        cmocka_unit_test(many_guards_are_told_apart),
        cmocka_unit_test(large_number_of_faults_is_counted_and_bounded),
        cmocka_unit_test(work_beyond_the_limit_is_refused_by_name),
        cmocka_unit_test(block_is_refused_when_all_policies_take_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
