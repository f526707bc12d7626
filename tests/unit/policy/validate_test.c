#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/policy/validate_help.h"
#include "tests/unit/policy/validate_table.h"

#define SCOPE "permit(principal is Pilot, action == Action::\"fly\", resource)"

static void as_policy(const char *text, char *out, size_t cap)
{
    bool whole =
        strncmp(text, "permit", 6) == 0 || strncmp(text, "forbid", 6) == 0;

    (void)snprintf(out, cap, whole ? "%s" : SCOPE " when { %s };", text);
}

static void expect(const char *text, enum cedar_validation mode,
                   const char *codes)
{
    static struct vh_result r;
    char policy[1024];
    bool valid = codes[0] == '\0' || strcmp(codes, IMP) == 0;

    as_policy(text, policy, sizeof(policy));
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
        as_policy(table_rows[i].text, policy, sizeof(policy));
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

/* ---- words ----------------------------------------------------------------
 */

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
    assert_string_equal(only(SCOPE " when { principal.hors > 1 };")->hint,
                        "did you mean `hours`?");
    assert_string_equal(only(SCOPE " when { context.load > 1 };")->hint,
                        "guard it: `context has load && ...`");
    assert_string_equal(
        only(SCOPE " when { principal.getTag(\"k\") == \"a\" };")->hint,
        "guard it: `principal.hasTag(\"k\") && ...`");
    assert_string_equal(
        only(SCOPE " when { context.class == Class::\"hevy\" };")->hint,
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
    assert_string_equal(only(SCOPE " when { principal.hors > 1 };")->label,
                        "not declared in the schema");
    assert_string_equal(only(SCOPE " when { context.load > 1 };")->label,
                        "`load?: Long` is optional");
    assert_string_equal(
        only(SCOPE " when { principal.getTag(\"k\") == \"a\" };")->label,
        "nothing says that it is present");
    assert_string_equal(only(SCOPE " when { !principal.hours };")->label,
                        "this is `Long`");
    assert_string_equal(only(SCOPE " when { principal.hours };")->text,
                        "expected `Bool`, found `Long`");
    assert_string_equal(only(SCOPE " when { principal.hours has x };")->text,
                        "expected an entity or a record, found `Long`");
}

static void hostile_names_are_escaped(void **state)
{
    static struct vh_result r;

    (void)state;
    vh_mode(table_schema, SCOPE " when { principal[\"\\u{202e}\\n\"] == 1 };",
            CEDAR_STRICT, &r);
    assert_string_equal(r.codes, "unknown_attribute bidi_identifier");
    assert_null(strstr(r.diags.list[0].text, "\n"));
    assert_null(strstr(r.diags.list[0].text, "\xe2\x80\xae"));
}

/* ---- levels ---------------------------------------------------------------
 */

static const char *level_codes(const char *cond, uint32_t level)
{
    static struct vh_result r;
    struct cedar_validate_options o = {.mode = CEDAR_STRICT, .level = level};
    char policy[1024];

    as_policy(cond, policy, sizeof(policy));
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

/* ---- links ----------------------------------------------------------------
 */

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

/* ---- limits ---------------------------------------------------------------
 */

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
        size_t n = add(text, 0, SCOPE " when { ");

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
        size_t n = add(text, 0, SCOPE " when { true");

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
    size_t n = add(text, 0, SCOPE " when { ");
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
        cmocka_unit_test(level_each_lookup_counts_one),
        cmocka_unit_test(level_of_what_is_wrong_is_not_told),
        cmocka_unit_test(level_lookup_of_a_literal_is_refused),
        cmocka_unit_test(link_is_checked_with_what_fills_it),
        cmocka_unit_test(link_alone_checks_its_template_unless_told_not_to),
        cmocka_unit_test(large_policy_of_guards_is_quick_and_valid),
        cmocka_unit_test(many_guards_are_told_apart),
        cmocka_unit_test(large_number_of_faults_is_counted_and_bounded),
        cmocka_unit_test(work_beyond_the_limit_is_refused_by_name),
        cmocka_unit_test(block_is_refused_when_all_policies_take_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
