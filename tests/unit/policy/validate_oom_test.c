#include "tests/lib/ts_test.h"

#include "policy/cedar_schema.h"
#include "tests/lib/fault_mem.h"
#include "tests/unit/policy/validate_help.h"
#include "tests/unit/policy/validate_table.h"

struct loaded {
    struct cedar_schema *schema;
    struct cedar_ast *ast;
};

static void load(struct loaded *l, const char *policies)
{
    struct cedar_options o = cedar_options_default;
    struct cedar_source s = {.text = ts_str_of(table_schema)};
    struct cedar_source p = {.text = ts_str_of(policies)};

    o.require_id = false;
    assert_int_equal(cedar_schema_parse(&s, 1, &l->schema, NULL), TS_OK);
    assert_int_equal(cedar_ast_parse(&p, 1, &o, &l->ast, NULL), TS_OK);
}

/* Any allocation may fail: the answer is then "could not be told". */
static void sweep(const char *policies, uint32_t level, ts_err want)
{
    static struct cedar_diags diags;
    struct cedar_validate_options o = {.level = level};
    struct loaded l = {0};
    int nth = 0, live;

    load(&l, policies);
    for (;; nth++) {
        ts_err e;

        fault_mem_arm(nth, false);
        live = fault_mem_live();
        e = cedar_validate(l.ast, l.schema, &o, &diags);
        assert_int_equal(fault_mem_live(), live);
        if (!fault_mem_fired()) {
            assert_int_equal(e, want);
            break;
        }
        assert_int_equal(e, TS_E_NOMEM);
    }
    fault_mem_disarm();
    assert_true(nth >= 3);
    cedar_ast_free(l.ast);
    cedar_schema_free(l.schema);
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
