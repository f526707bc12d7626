#include <stdio.h>
#include <string.h>

#include "policy/cedar_lint.h"
#include "tests/lib/ts_test.h"

/* Every lint: what it finds, and what looks alike and is fine. codes: names of
 * the findings in order, blank separated. */
static const struct row {
    const char *text;
    const char *codes;
} rows[] = {
    {"permit(principal, action, resource);", "catch_all_permit"},
    {"permit(principal, action, resource) when { true };", "catch_all_permit"},
    {"permit(principal, action, resource) unless { false };",
     "catch_all_permit"},
    {"forbid(principal, action, resource);", ""},
    {"permit(principal, action, resource) when { context.x };",
     "any_principal"},
    {"permit(principal, action == Action::\"a\", resource);", "any_principal"},
    {"permit(principal is User, action, resource);", ""},
    {"permit(principal in Group::\"g\", action, resource);", ""},
    {"forbid(principal, action in [], resource);", "no_action"},
    {"forbid(principal, action in [Action::\"a\"], resource);", ""},
    {"forbid(principal, action, resource) when { false };", "never_applies"},
    {"forbid(principal, action, resource) unless { true };", "never_applies"},
    {"forbid(principal, action, resource) when { true };", ""},
    {"forbid(principal, action, resource) when { context.x in [\"a\"] };",
     "in_on_string"},
    {"forbid(principal, action, resource) when { context.x in \"a\" };",
     "in_on_string"},
    {"forbid(principal, action, resource) when { !(context.x in [U::\"u\", "
     "\"a\"]) };",
     "in_on_string"},
    {"forbid(principal, action, resource) when { context.x in [U::\"u\"] };",
     ""},
    {"forbid(principal, action, resource) when { [\"a\"].contains(context.x) "
     "};",
     ""},
    {"forbid(principal, action, resource) when { context.n + 1 > 2 };",
     "forbid_arithmetic"},
    {"forbid(principal, action, resource) when { context.n * 2 > 2 };",
     "forbid_arithmetic"},
    {"forbid(principal, action, resource) when { -context.n > 2 };",
     "forbid_arithmetic"},
    {"forbid(principal, action, resource) when { context.n > -2 };", ""},
    {"permit(principal is U, action, resource) when { context.n + 1 > 2 };",
     ""},
    {"forbid(principal, action, resource) when { ip(\"x\").isIpv4() };",
     "bad_literal"},
    {"forbid(principal, action, resource) when { decimal(\"1\") == context.d "
     "};",
     "bad_literal"},
    {"forbid(principal, action, resource) when { context.t < "
     "datetime(\"2024-02-30\") };",
     "bad_literal"},
    {"forbid(principal, action, resource) when { context.t < duration(\"1x\") "
     "};",
     "bad_literal"},
    {"forbid(principal, action, resource) when { ip(\"10.0.0.1\").isIpv4() };",
     ""},
    {"forbid(principal, action, resource) when { ip(context.s).isIpv4() };",
     ""},
    {"forbid(principal, action, resource) when { context.s like \"abc\" };",
     "like_without_wildcard"},
    {"forbid(principal, action, resource) when { context.s like \"a\\*\" };",
     "like_without_wildcard"},
    {"forbid(principal, action, resource) when { context.s like \"*\" };",
     "like_anything"},
    {"forbid(principal, action, resource) when { context.s like \"***\" };",
     "like_anything"},
    {"forbid(principal, action, resource) when { context.s like \"a*\" };", ""},
    {"forbid(principal, action, resource) when { context.s like \"*a*\" };",
     ""},
    {"permit(principal == ?principal, action, resource);", "unlinked_template"},
    {"@aproval(\"a\") forbid(principal, action, resource);",
     "unknown_annotation"},
    {"@id(\"x\") @title forbid(principal, action, resource);", ""},
    {"@approval(\"a:1\") permit(principal is U, action, resource);",
     "approval_on_permit"},
    {"@approval(\"a:1\") forbid(principal, action, resource);",
     "approval_unsatisfiable"},
    {"@approval(\"a:1\") forbid(principal, action, resource) unless { "
     "principal.approvals };",
     "approval_unsatisfiable"},
    {"@approval(\"a:1\") forbid(principal, action, resource) unless { "
     "context.approvals.contains(\"x\") };",
     ""},
    {"@approval(\"a:1\") forbid(principal, action, resource) when { true && "
     "!context[\"approvals\"].contains(\"x\") };",
     ""},
    {"@approval(\"a:1\") forbid(principal, action, resource) unless { "
     "context.approvals.contains(\"x\") || context.y };",
     "approval_alternative"},
    {"@endorse(\"task\") forbid(principal, action, resource);",
     "endorse_without_approval"},
    {"@endorse(\"task\") permit(principal is U, action, resource);",
     "endorse_without_approval"},
    {"@approval(\"a:1\") @endorse(\"task\") forbid(principal, action, "
     "resource) unless { context.approvals.contains(\"x\") };",
     ""},
    {"@approval(\"a:1\") forbid(principal, action, resource) unless { "
     "context.approvals.contains(\"x\") && (context.y || context.z) };",
     ""},
    {"@sandbox(\"full\") permit(principal is U, action, resource);", ""},
    {"@sandbox(\"ful\") permit(principal is U, action, resource);",
     "annotation_value"},
    {"@sandbox permit(principal is U, action, resource);", "annotation_value"},
    {"@require(\"any\") permit(principal is U, action, resource);", ""},
    {"@sandbox(\"full\") forbid(principal, action, resource);",
     "sandbox_on_forbid"},
    {"@require(\"x\") @sandbox(\"x\") forbid(principal, action, resource);",
     "sandbox_on_forbid sandbox_on_forbid"},
    {"@title(\"x\") forbid(principal, action, resource);", ""},
    {"@counts(\"pay\") forbid(principal, action, resource);",
     "counts_on_forbid"},
    {"@counts(\"a,b\") @sums(\"c = x\") permit(principal is U, action, "
     "resource) when { context.uses.hasTag(\"b\") && "
     "context[\"uses\"].getTag(\"a\") < 1 && context.sums.hasTag(\"c\") };",
     ""},
    {"@counts(\"pay\") permit(principal is U, action, resource); "
     "forbid(principal, action, resource) when { "
     "context.uses.hasTag(\"pat\") };",
     "unknown_counter"},
    {"@counts(\"pay\") permit(principal is U, action, resource) when { "
     "context.sums.hasTag(\"pay\") };",
     "unknown_counter"},
    {"@sums(\"pay=x\") permit(principal is U, action, resource) when { "
     "context.sums.hasTag(\"x\") };",
     "unknown_counter"},
    {"@counts(\"pay\") permit(principal is U, action, resource) when { "
     "context.uses.hasTag(context.tool) };",
     "unknown_counter"},
    {"permit(principal is U, action, resource) when { "
     "principal.hasTag(\"x\") };",
     ""},
};

static const char *const known[] = {"id",     "approval", "endorse",
                                    "title",  "sandbox",  "require",
                                    "counts", "sums",     NULL};

static const char *value_fault(struct ts_str key, struct ts_str value)
{
    if (ts_str_eq_c(key, "sandbox") && !ts_str_eq_c(value, "full"))
        return "write full";
    return NULL;
}

static ts_err run(const char *text, uint32_t off, struct cedar_diags *diags)
{
    struct cedar_source src = {.name = "t", .text = ts_str_of(text)};
    struct cedar_lint_options o = {
        .off = off, .annotations = known, .value_fault = value_fault};
    struct cedar_options parse = cedar_options_default;
    struct cedar_ast *a = NULL;
    ts_err e;

    parse.require_id = false;
    *diags = (struct cedar_diags){0};
    e = cedar_ast_parse(&src, 1, &parse, &a, diags);
    if (e == TS_OK)
        e = cedar_lint(a, &o, diags);
    cedar_ast_free(a);
    return e;
}

static void codes_of(const struct cedar_diags *d, char *out, size_t cap)
{
    size_t n = 0;

    out[0] = '\0';
    for (uint32_t i = 0; i < d->count && i < CEDAR_DIAGS_MAX && n < cap; i++)
        n += (size_t)snprintf(out + n, cap - n, "%s%s", i > 0 ? " " : "",
                              d->list[i].code);
}

static void lint_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cedar_diags diags;
        ts_err e = run(rows[i].text, 0, &diags);
        char got[256];

        codes_of(&diags, got, sizeof(got));
        if (strcmp(got, rows[i].codes) != 0)
            fail_msg("row %zu: \"%s\": expected [%s], got [%s]", i,
                     rows[i].text, rows[i].codes, got);
        assert_int_equal(e, diags.errors > 0 ? TS_E_FORMAT : TS_OK);
    }
}

static void lint_every_rule_has_a_row_and_can_be_switched_off(void **state)
{
    (void)state;
    for (unsigned r = 0; r < CEDAR_LINT_COUNT; r++) {
        const char *name = cedar_lint_name((enum cedar_lint_rule)r);
        enum cedar_lint_rule found = CEDAR_LINT_COUNT;
        bool seen = false;

        assert_true(cedar_lint_find(ts_str_of(name), &found));
        assert_int_equal(found, r);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            struct cedar_diags diags;

            if (strcmp(rows[i].codes, name) != 0)
                continue;
            seen = true;
            assert_int_equal(run(rows[i].text, 1u << r, &diags), TS_OK);
            assert_int_equal(diags.count, 0);
        }
        if (!seen)
            fail_msg("no row for %s", name);
    }
    assert_false(cedar_lint_find(TS_STR_LIT("nope"), NULL));
}

static void lint_unknown_annotation_suggests(void **state)
{
    struct cedar_diags d;

    (void)state;
    assert_int_equal(
        run("@aproval(\"a\") forbid(principal, action, resource);", 0, &d),
        TS_E_FORMAT);
    assert_non_null(strstr(d.list[0].hint, "`@approval`"));
    assert_string_equal(d.list[0].policy, "policy0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lint_table),
        cmocka_unit_test(lint_every_rule_has_a_row_and_can_be_switched_off),
        cmocka_unit_test(lint_unknown_annotation_suggests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
