#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/policy/validate_help.h"
#include "tests/unit/policy/validate_table.h"

static void expect(const char *text, enum cedar_validation mode,
                   const char *codes)
{
    static struct vh_result r;
    char policy[1024];
    bool valid = codes[0] == '\0' || strcmp(codes, IMP) == 0;

    vh_as_policy(text, policy, sizeof(policy));
    vh_mode(table_schema, policy, mode, &r);
    if (r.parse != TS_OK || strcmp(r.codes, codes) != 0)
        print_message("%s: %s\n",
                      mode == CEDAR_STRICT ? "strict" : "permissive", text);
    assert_int_equal(r.parse, TS_OK);
    assert_string_equal(r.codes, codes);
    assert_int_equal(r.err, valid ? TS_OK : TS_E_FORMAT);
}

static void rows_strict_say_what_they_should(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(table_rows) / sizeof(table_rows[0]); i++)
        expect(table_rows[i].text, CEDAR_STRICT, table_rows[i].strict);
}

static void rows_permissive_say_what_they_should(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(table_rows) / sizeof(table_rows[0]); i++) {
        const struct table_row *r = &table_rows[i];

        expect(r->text, CEDAR_PERMISSIVE,
               r->permissive != NULL ? r->permissive : r->strict);
    }
}

/* Every diagnostic points into the policy and at something. */
static void diagnostics_any_row_point_into_the_text(void **state)
{
    static struct vh_result r;
    char policy[1024];

    (void)state;
    for (size_t i = 0; i < sizeof(table_rows) / sizeof(table_rows[0]); i++) {
        vh_as_policy(table_rows[i].text, policy, sizeof(policy));
        vh_mode(table_schema, policy, CEDAR_STRICT, &r);
        for (uint32_t d = 0; d < r.diags.count; d++) {
            const struct cedar_diag *g = &r.diags.list[d];

            assert_true(g->span.len > 0 && g->span.line == 1);
            assert_true(g->span.offset + g->span.len <= strlen(policy));
            assert_string_equal(g->policy, "policy0");
            assert_true(g->text[0] != '\0');
        }
    }
}

/* Actions of several namespaces: groups reach across them. */
static void actions_in_groups_of_other_namespaces(void **state)
{
    static const char schema[] =
        "entity U; namespace N { action g; action h; } namespace M { action k; "
        "} action a in [N::Action::\"g\"] appliesTo {principal: U, resource: "
        "U, "
        "context: {b: Bool}};";
    static const struct {
        const char *cond, *codes;
    } rows[] = {
        {"action in N::Action::\"g\" || principal.oops", ""},
        {"action in N::Action::\"h\"", IMP},
        {"action in (if context.b then N::Action::\"g\" else "
         "N::Action::\"h\")",
         ""},
        {"action in (if context.b then M::Action::\"k\" else "
         "M::Action::\"k\")",
         IMP},
        {"action in [if context.b then N::Action::\"g\" else "
         "N::Action::\"h\"]",
         ""},
        {"action in [N::Action::\"g\", M::Action::\"k\"]", INC},
        {"action in [principal]", IMP},
        {"principal in [action]", IMP},
        {"action is N::Action", IMP},
        {"action is Action || principal.oops", ""},
        {"action == N::Action::\"g\"", IMP},
    };
    static struct vh_result r;
    char policy[256];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        (void)snprintf(policy, sizeof(policy),
                       "permit(principal, action, resource) when { %s };",
                       rows[i].cond);
        vh_mode(schema, policy, CEDAR_STRICT, &r);
        assert_int_equal(r.parse, TS_OK);
        if (strcmp(r.codes, rows[i].codes) != 0)
            print_message("%s\n", rows[i].cond);
        assert_string_equal(r.codes, rows[i].codes);
    }
}

/* One type on both sides: what the scope says of it holds for its side only. */
static void scope_asks_each_side_for_itself(void **state)
{
    static const char schema[] =
        "entity U; entity R {x: Long};"
        "action a appliesTo {principal: [U, R], resource: [U, R]};";
    static const struct {
        const char *policy, *codes;
    } rows[] = {
        {"permit(principal, action, resource is R) when { resource.x == 1 };",
         ""},
        {"permit(principal is R, action, resource) when { principal.x == 1 };",
         ""},
        {"permit(principal is R, action, resource is U) "
         "when { principal.x == 1 };",
         ""},
        {"permit(principal is R, action, resource is U) "
         "when { resource.x == 1 };",
         UNK},
    };
    static struct vh_result r;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        vh_mode(schema, rows[i].policy, CEDAR_STRICT, &r);
        assert_int_equal(r.parse, TS_OK);
        if (strcmp(r.codes, rows[i].codes) != 0)
            print_message("%s\n", rows[i].policy);
        assert_string_equal(r.codes, rows[i].codes);
    }
}

static const struct cedar_diag *only(const char *policy)
{
    static struct vh_result r;

    vh_mode(table_schema, policy, CEDAR_STRICT, &r);
    assert_int_equal(r.parse, TS_OK);
    assert_int_equal(r.diags.count, 1);
    return &r.diags.list[0];
}

static void fault_in_one_kind_of_request_names_it(void **state)
{
    const struct cedar_diag *d =
        only("permit(principal, action == Action::\"look\", resource) when { "
             "principal.name == \"x\" };");

    (void)state;
    assert_string_equal(d->code, "incompatible_types");
    assert_string_equal(d->text, "`Long` and `String` are not compatible (when "
                                 "principal is `Guest`)");
}

static void fault_in_every_kind_of_request_is_told_once(void **state)
{
    const struct cedar_diag *d =
        only("permit(principal, action, resource) when { "
             "principal.oops == resource };");

    (void)state;
    /* Pilot and Guest, whichever the action, meet Plane and Crew. */
    assert_string_equal(d->text, "`Pilot` has no attribute `oops` (in all 4 "
                                 "kinds of request)");
    assert_string_equal(d->code, "unknown_attribute");
}

static void hints_name_the_repair(void **state)
{
    (void)state;
    assert_string_equal(only(VH_SCOPE " when { principal.hors > 1 };")->hint,
                        "did you mean `hours`?");
    assert_string_equal(only(VH_SCOPE " when { context.load > 1 };")->hint,
                        "guard it: `context has load && ...`");
    assert_string_equal(
        only(VH_SCOPE " when { principal.getTag(\"k\") == \"a\" };")->hint,
        "guard it: `principal.hasTag(\"k\") && ...`");
    assert_string_equal(
        only(VH_SCOPE " when { context.class == Class::\"hevy\" };")->hint,
        "did you mean `heavy`?");
    assert_string_equal(
        only("permit(principal == Crew::\"a\", action == Action::\"fly\", "
             "resource);")
            ->hint,
        "write `principal in` instead of `principal ==`");
    assert_string_equal(
        only("permit(principal is Guest, action == Action::\"fly\", resource);")
            ->hint,
        "Action::\"fly\" takes `Pilot` on `Plane`");
    assert_string_equal(
        only("permit(principal, action == Action::\"flly\", resource);")->hint,
        "did you mean `fly`?");
}

/* The expression before `has` in the hint: as it is written, or "...". */
static void hints_spell_what_was_read(void **state)
{
    static const char schema[] =
        "entity U {\"odd key\": {a?: Long}, \"if\": {a?: Long}, next: U,"
        "  _9: {a?: Long}, \"9_\": {a?: Long}, \"\": {a?: Long}} tags Long;"
        "entity R; action v appliesTo {principal: U, resource: R,"
        "  context: {k: String, a?: Long}};";
    static const struct {
        const char *cond, *hint;
    } rows[] = {
        {"context.a > 1", "context has a"},
        {"principal.next._9.a > 1", "principal.next._9 has a"},
        {"principal[\"odd key\"].a > 1", "principal[\"odd key\"] has a"},
        {"principal[\"if\"].a > 1", "principal[\"if\"] has a"},
        {"principal[\"9_\"].a > 1", "principal[\"9_\"] has a"},
        {"principal[\"\"].a > 1", "principal[\"\"] has a"},
        {"U::\"x y\"._9.a > 1", "U::\"x y\"._9 has a"},
        {"(if true then principal else principal)._9.a > 1", "...._9 has a"},
        {"principal.next.next.next.next.next.next.next._9.a > 1",
         "principal.next.next.next.next.next.next.next._9 has a"},
        {"principal.next.next.next.next.next.next.next.next._9.a > 1",
         "....next.next.next.next.next.next.next._9 has a"},
        {"principal.next.getTag(context.k) > 1",
         "principal.next.hasTag(context.k)"},
        {"principal.getTag(\"odd key\") > 1", "principal.hasTag(\"odd key\")"},
    };
    static struct vh_result r;
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        (void)snprintf(text, sizeof(text),
                       "permit(principal, action, resource) when { %s };",
                       rows[i].cond);
        vh_mode(schema, text, CEDAR_STRICT, &r);
        assert_int_equal(r.parse, TS_OK);
        assert_int_equal(r.diags.count, 1);
        (void)snprintf(text, sizeof(text), "guard it: `%s && ...`",
                       rows[i].hint);
        if (strncmp(r.diags.list[0].hint, text, strlen(text)) != 0)
            fail_msg("%s: %s", rows[i].cond, r.diags.list[0].hint);
    }
}

static void labels_say_what_stands_there(void **state)
{
    (void)state;
    assert_string_equal(only(VH_SCOPE " when { principal.hors > 1 };")->label,
                        "not declared in the schema");
    assert_string_equal(only(VH_SCOPE " when { context.load > 1 };")->label,
                        "`load?: Long` is optional");
    assert_string_equal(
        only(VH_SCOPE " when { principal.getTag(\"k\") == \"a\" };")->label,
        "nothing says that it is present");
    assert_string_equal(only(VH_SCOPE " when { !principal.hours };")->label,
                        "this is `Long`");
    assert_string_equal(only(VH_SCOPE " when { principal.hours };")->text,
                        "expected `Bool`, found `Long`");
    assert_string_equal(only(VH_SCOPE " when { principal.hours has x };")->text,
                        "expected an entity or a record, found `Long`");
}

static void hostile_names_are_escaped(void **state)
{
    static struct vh_result r;

    (void)state;
    vh_mode(table_schema,
            VH_SCOPE " when { principal[\"\\u{202e}\\n\"] == 1 };",
            CEDAR_STRICT, &r);
    assert_string_equal(r.codes, "unknown_attribute bidi_identifier");
    assert_null(strstr(r.diags.list[0].text, "\n"));
    assert_null(strstr(r.diags.list[0].text, "\xe2\x80\xae"));
}

static ts_err link_as(const char *principal_type, struct vh_result *r)
{
    struct cedar_source s = {.text = ts_str_of(table_schema)};
    struct cedar_source p = {
        .text = TS_STR_LIT("permit(principal == ?principal, action == "
                           "Action::\"fly\", resource);")};
    struct cedar_options o = cedar_options_default;
    struct cedar_uid uid =
        cedar_uid_make(ts_str_of(principal_type), TS_STR_LIT("a"));
    struct cedar_schema *schema = NULL;
    struct cedar_ast *a = NULL;
    ts_err all, one;

    memset(r, 0, sizeof(*r));
    o.require_id = false;
    assert_int_equal(cedar_schema_parse(&s, 1, &schema, NULL), TS_OK);
    assert_int_equal(cedar_ast_parse(&p, 1, &o, &a, NULL), TS_OK);
    assert_int_equal(cedar_ast_link(a, TS_STR_LIT("policy0"), TS_STR_LIT("l"),
                                    &uid, NULL, NULL),
                     TS_OK);
    all = cedar_validate(a, schema, NULL, &r->diags);
    one = cedar_validate_policy(a, 1, schema, NULL, NULL);
    assert_int_equal(all, one);
    assert_int_equal(cedar_validate_policy(a, 0, schema, NULL, NULL), TS_OK);
    assert_int_equal(cedar_validate_policy(a, 2, schema, NULL, NULL),
                     TS_E_NOT_FOUND);
    cedar_ast_free(a);
    cedar_schema_free(schema);
    return all;
}

static void link_is_checked_with_what_fills_it(void **state)
{
    static struct vh_result r;

    (void)state;
    assert_int_equal(link_as("Pilot", &r), TS_OK);
    assert_int_equal(link_as("Guest", &r), TS_E_FORMAT);
    assert_string_equal(r.diags.list[0].code, "no_applicable_action");
    assert_string_equal(r.diags.list[0].policy, "l");
    assert_int_equal(link_as("Nobody", &r), TS_E_FORMAT);
    assert_string_equal(r.diags.list[0].code, "unknown_entity_type");
}

/* Ten thousand links of a large template must not check it as often. */
static void link_alone_checks_its_template_unless_told_not_to(void **state)
{
    struct cedar_validate_options o = cedar_validate_default;
    struct cedar_source s = {.text = ts_str_of(table_schema)};
    struct cedar_source p = {
        .text = TS_STR_LIT("@id(\"t\") permit(principal == ?principal, action, "
                           "resource) when { principal.nothing };")};
    struct cedar_uid uid = cedar_uid_make(TS_STR_LIT("Pilot"), TS_STR_LIT("a"));
    struct cedar_schema *schema = NULL;
    struct cedar_ast *a = NULL;

    (void)state;
    assert_int_equal(cedar_schema_parse(&s, 1, &schema, NULL), TS_OK);
    assert_int_equal(cedar_ast_parse(&p, 1, &cedar_options_default, &a, NULL),
                     TS_OK);
    assert_int_equal(
        cedar_ast_link(a, TS_STR_LIT("t"), TS_STR_LIT("l"), &uid, NULL, NULL),
        TS_OK);
    for (unsigned i = 0; i < 2; i++) {
        o.slots_only = i == 1;
        assert_int_equal(cedar_validate_policy(a, 0, schema, &o, NULL),
                         TS_E_FORMAT);
        assert_int_equal(cedar_validate_policy(a, 1, schema, &o, NULL),
                         i == 1 ? TS_OK : TS_E_FORMAT);
    }
    cedar_ast_free(a);
    cedar_schema_free(schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_strict_say_what_they_should),
        cmocka_unit_test(rows_permissive_say_what_they_should),
        cmocka_unit_test(diagnostics_any_row_point_into_the_text),
        cmocka_unit_test(actions_in_groups_of_other_namespaces),
        cmocka_unit_test(scope_asks_each_side_for_itself),
        cmocka_unit_test(fault_in_one_kind_of_request_names_it),
        cmocka_unit_test(fault_in_every_kind_of_request_is_told_once),
        cmocka_unit_test(hints_name_the_repair),
        cmocka_unit_test(hints_spell_what_was_read),
        cmocka_unit_test(labels_say_what_stands_there),
        cmocka_unit_test(hostile_names_are_escaped),
        cmocka_unit_test(link_is_checked_with_what_fills_it),
        cmocka_unit_test(link_alone_checks_its_template_unless_told_not_to),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
