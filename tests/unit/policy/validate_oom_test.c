#include "tests/lib/ts_test.h"

#include "policy/cedar_schema.h"
#include "tests/lib/fault_mem.h"
#include "tests/unit/policy/validate_help.h"
#include "tests/unit/policy/validate_table.h"

struct scenario {
    struct cedar_schema *schema;
    struct cedar_ast *ast;
    struct cedar_validate_options options;
};

static ts_err validate(const void *arg)
{
    static struct cedar_diags diags;
    const struct scenario *s = arg;

    return cedar_validate(s->ast, s->schema, &s->options, &diags);
}

/* Any allocation may fail: the answer is then "could not be told". */
static void sweep(const char *policies, uint32_t level, ts_err want)
{
    struct cedar_options o = cedar_options_default;
    struct cedar_source schema = {.text = ts_str_of(table_schema)};
    struct cedar_source text = {.text = ts_str_of(policies)};
    struct scenario s = {.options = {.level = level}};

    o.require_id = false;
    assert_int_equal(cedar_schema_parse(&schema, 1, &s.schema, NULL), TS_OK);
    assert_int_equal(cedar_ast_parse(&text, 1, &o, &s.ast, NULL), TS_OK);
    fault_mem_sweep(validate, &s, want, 3);
    cedar_ast_free(s.ast);
    cedar_schema_free(s.schema);
}

static void validate_any_allocation_failing_is_no_answer(void **state)
{
    (void)state;
    sweep(
        "permit(principal is Pilot in Crew::\"a\", action in [Action::\"use\"]"
        ", resource) when { principal has base.city.code && {a: 1, b: [1]}.b "
        "== [2] && (principal has boss || context has by) && "
        "(if principal in Crew::\"x\" then 1 else 2) > 1 };",
        CEDAR_ANY_LEVEL, TS_OK);
    sweep("permit(principal, action, resource) when { principal.oops || "
          "principal.getTag(\"k\") == 1 || resource.marks == [ip(\"x\")] || "
          "{a: principal}.a.hours > 1 };"
          "permit(principal == Pilto::\"a\", action == Action::\"flly\", "
          "resource);"
          "permit(principal is Guest, action == Action::\"fly\", resource);",
          1, TS_E_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(validate_any_allocation_failing_is_no_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
