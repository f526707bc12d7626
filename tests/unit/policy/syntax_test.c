#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "policy/cedar.h"
#include "tests/unit/policy/cedar_help.h"

static struct cedar_diags diags;

static ts_err load(const char *text, const struct cedar_options *o,
                   struct cedar_policies **ret)
{
    struct cedar_source src = {.name = "p.cedar", .text = ts_str_of(text)};

    return cedar_policies_parse(&src, 1, o, ret, &diags);
}

static struct cedar_options plain(void)
{
    struct cedar_options o = cedar_options_default;

    o.require_id = false;
    return o;
}

static const char any[] = "permit(principal,action,resource)";

static void parse_bad_text_says_where(void **state)
{
    static const struct {
        const char *text;
        uint32_t line, column, len;
        const char *says;
    } rows[] = {
        {"permit(principal,action,resource)\nwhen { };", 2, 8, 1, "empty"},
        {"permit(principal,action,resource) when { 1 < 2 < 3 };", 1, 48, 1,
         "parentheses"},
        {"permit(principal,action,resource) when { foo };", 1, 42, 3,
         "not a variable"},
        {"permit(principal,action,resource)\n\twhen { \"a\\q\" == \"\" };", 2,
         11, 2, "escape"},
        {"// c\xc3\xa9\n\"\xc3\xa9\" permit", 2, 1, 4, "permit"},
        {"permit(principal,action,resource) when { \"\xc3\xa9\" == foo };", 1,
         49, 3, "not a variable"},
        {"permit(principal,\naction == Foo::\"v\",resource);", 2, 11, 8,
         "Action"},
        {"@a @a permit(principal,action,resource);", 1, 5, 1, "duplicate"},
        {"permit(principal,action,resource) when { \"abc };", 1, 42, 7,
         "does not end"},
        {"permit(principal,action,resource) when { {a:1,b:2,a:3} };", 1, 51, 3,
         "duplicate key"},
        {"permit(principal,action,resource) when { true }", 1, 47, 1, "end"},
        {"permit(principal,action,resource) when { [1, 2", 1, 42, 1,
         "never closed"},
        {"permit(principal == ?principal,action,resource);", 1, 8, 23,
         "template"},
        {"permit(principal == ?resource,action,resource);", 1, 21, 9,
         "scope of `principal`"},
        {"permit(principal,action,resource in ?principal);", 1, 37, 10,
         "scope of `resource`"},
        {"permit(principal is A in ?who,action,resource);", 1, 26, 4,
         "not a slot"},
        {"permit(principal,action == ?action,resource);", 1, 28, 7,
         "takes no slot"},
        {"permit(principal,action in [?principal],resource);", 1, 29, 10,
         "takes no slot"},
        {"permit(principal,action,resource) when { ?principal == 1 };", 1, 42,
         10, "condition"},
        {"permit(principal,action,resource) when { 99999999999999999999 };", 1,
         42, 20, "too large"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cedar_policies *p = NULL;
        struct cedar_options o = plain();

        assert_int_equal(load(rows[i].text, &o, &p), TS_E_FORMAT);
        assert_null(p);
        assert_true(diags.count >= 1);
        if (diags.list[0].span.line != rows[i].line ||
            diags.list[0].span.column != rows[i].column ||
            diags.list[0].span.len != rows[i].len ||
            strstr(diags.list[0].text, rows[i].says) == NULL)
            fail_msg("row %zu: %u:%u+%u %s", i, diags.list[0].span.line,
                     diags.list[0].span.column, diags.list[0].span.len,
                     diags.list[0].text);
    }
}

static void parse_three_mistakes_are_three_diagnostics(void **state)
{
    struct cedar_policies *p = NULL;
    struct cedar_options o = plain();

    (void)state;
    assert_int_equal(load("permit(x,action,resource);\n"
                          "permit(principal,action,resource);\n"
                          "allow(principal,action,resource);\n"
                          "forbid(principal,action,resource) when { };\n",
                          &o, &p),
                     TS_E_FORMAT);
    assert_int_equal(diags.count, 3);
    assert_int_equal(diags.list[0].span.line, 1);
    assert_int_equal(diags.list[1].span.line, 3);
    assert_int_equal(diags.list[2].span.line, 4);
}

/* One mistake, one diagnostic, whatever stands around it; a policy after it is
 * read again. */
static void parse_goes_on_after_any_mistake(void **state)
{
    static const char *const mistakes[] = {
        "permit(principal,action,resource) when { \"abc };\n",
        "permit(principal,action,resource) when { 'abc' };\n",
        "permit(principal,action,resource) when { 1 \x01 2 };\n",
        "permit(principal,action,resource) when { 99999999999999999999 };\n",
        "permit(principal,action,resource)\n",
        "permit(principal,action,resource) when { (1 };\n",
        "permit(principal,action,resource) when { {a: [1, 2) } };\n",
        "permit(principal,action,resource) when { x.permit.y };\n",
        "@a @a permit(principal,action,resource);\n",
        "\xe2\x80\x9c;\n",
        "# comment\n",
        "permit;\n",
        ";\n",
        "@\n",
    };
    struct cedar_options o = plain();

    (void)state;
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        struct cedar_policies *p = NULL;
        char text[512];

        (void)snprintf(text, sizeof(text),
                       "%s%spermit(principal,action,resource) when { foo };\n"
                       "forbid(principal,action,resource);\n",
                       mistakes[i], "@id(\"x\")");
        assert_int_equal(load(text, &o, &p), TS_E_FORMAT);
        if (diags.count != 2 || diags.list[1].span.line != 2 ||
            strstr(diags.list[1].text, "`foo`") == NULL)
            fail_msg("%s: %u: %s", mistakes[i], diags.count,
                     diags.list[0].text);
    }
}

static void parse_more_mistakes_than_room_are_counted(void **state)
{
    struct cedar_policies *p = NULL;
    struct cedar_options o = plain();
    char text[500];

    (void)state;
    for (size_t i = 0; i < 100; i++)
        memcpy(text + i * 4, "no; ", 4);
    text[400] = '\0';
    assert_int_equal(load(text, &o, &p), TS_E_FORMAT);
    assert_int_equal(diags.count, 100);
    assert_int_equal(load(text, &o, &p), TS_E_FORMAT); /* starts again at 0 */
    assert_int_equal(diags.count, 100);
}

static void parse_without_diags_is_allowed(void **state)
{
    struct cedar_source src = {.name = "x", .text = TS_STR_LIT("no")};
    struct cedar_policies *p = NULL;

    (void)state;
    assert_int_equal(
        cedar_policies_parse(&src, 1, &cedar_options_block, &p, NULL),
        TS_E_FORMAT);
}

static void parse_names_policies_by_place_without_require_id(void **state)
{
    struct cedar_policies *p = NULL;
    struct cedar_options o = plain();

    (void)state;
    assert_int_equal(load("@id(\"x\") permit(principal,action,resource);"
                          "forbid(principal,action,resource);",
                          &o, &p),
                     TS_OK);
    assert_int_equal(cedar_policies_count(p), 2);
    assert_true(ts_str_eq_c(cedar_policies_info(p, 0).id, "policy0"));
    assert_true(ts_str_eq_c(cedar_policies_info(p, 1).id, "policy1"));
    assert_int_equal(cedar_policies_info(p, 1).effect, CEDAR_FORBID);
    assert_int_equal(cedar_policies_info(p, 1).span.column, 44);
    cedar_policies_free(p);
}

static void parse_require_id_wants_unique_ids(void **state)
{
    struct cedar_policies *p = NULL;

    (void)state;
    assert_int_equal(load("@id(\"x\") permit(principal,action,resource);"
                          "forbid(principal,action,resource);",
                          &cedar_options_default, &p),
                     TS_E_FORMAT);
    assert_string_equal(diags.list[0].code, "missing_id");
    assert_int_equal(load("@id(\"\") permit(principal,action,resource);",
                          &cedar_options_default, &p),
                     TS_E_FORMAT);
    assert_string_equal(diags.list[0].code, "missing_id");
    assert_int_equal(load("@id(\"x\") permit(principal,action,resource);\n"
                          "@id(\"y\") permit(principal,action,resource);\n"
                          "@id(\"x\") permit(principal,action,resource);\n",
                          &cedar_options_default, &p),
                     TS_E_FORMAT);
    assert_string_equal(diags.list[0].code, "duplicate_id");
    assert_int_equal(diags.list[0].span.line, 3);
    assert_null(p);
}

static void annotation_values_are_unescaped_and_found(void **state)
{
    struct cedar_policies *p = NULL;
    struct ts_str v;

    (void)state;
    assert_int_equal(load("@id(\"a\\u{e9}\") @approval(\"ops\") @bare @if(\"\")"
                          "permit(principal,action,resource);",
                          &cedar_options_default, &p),
                     TS_OK);
    assert_true(ts_str_eq_c(cedar_policies_info(p, 0).id, "a\xc3\xa9"));
    assert_true(cedar_policies_annotation(p, 0, "approval", &v));
    assert_true(ts_str_eq_c(v, "ops"));
    assert_true(cedar_policies_annotation(p, 0, "bare", &v));
    assert_int_equal(v.len, 0);
    assert_true(cedar_policies_annotation(p, 0, "if", &v));
    v = TS_STR_LIT("kept");
    assert_false(cedar_policies_annotation(p, 0, "aproval", &v));
    assert_true(ts_str_eq_c(v, "kept"));
    cedar_policies_free(p);
}

static void parse_several_sources_keep_their_order(void **state)
{
    struct cedar_source src[] = {
        {.name = "a", .text = TS_STR_LIT("permit(principal,action,resource);")},
        {.name = "b", .text = TS_STR_LIT("")},
        {.name = "c",
         .text = TS_STR_LIT("forbid(principal,action,resource);")}};
    struct cedar_policies *p = NULL;
    struct cedar_options o = plain();

    (void)state;
    assert_int_equal(cedar_policies_parse(src, 3, &o, &p, &diags), TS_OK);
    assert_int_equal(cedar_policies_count(p), 2);
    assert_int_equal(cedar_policies_info(p, 0).span.source, 0);
    assert_int_equal(cedar_policies_info(p, 1).span.source, 2);
    cedar_policies_free(p);
}

static void parse_limits_are_enforced(void **state)
{
    struct cedar_options o = plain();
    struct cedar_policies *p = NULL;
    char two[256];

    (void)state;
    (void)snprintf(two, sizeof(two), "%s;%s;", any, any);
    o.max_policies = 1;
    assert_int_equal(load(two, &o, &p), TS_E_LIMIT);
    assert_string_equal(diags.list[0].code, "too_many_policies");
    o = plain();
    o.max_bytes = strlen(two) - 1;
    assert_int_equal(load(two, &o, &p), TS_E_LIMIT);
    assert_string_equal(diags.list[0].code, "too_large");
    o.max_bytes = strlen(two);
    o.max_policy_bytes = sizeof(any) - 1;
    assert_int_equal(load(two, &o, &p), TS_E_LIMIT);
    assert_string_equal(diags.list[0].code, "policy_too_large");
    o.max_policy_bytes = sizeof(any);
    assert_int_equal(load(two, &o, &p), TS_OK);
    cedar_policies_free(p);
    p = NULL;
    assert_int_equal(load("permit(principal,\xff,resource);", &o, &p),
                     TS_E_FORMAT);
    assert_string_equal(diags.list[0].code, "bad_utf8");
    assert_int_equal(diags.list[0].span.column, 18);
    assert_null(p);
}

/* OPEN n times, MIDDLE, CLOSE n times, as one condition. */
static ts_err nested(const char *open, const char *middle, const char *close,
                     size_t n, struct help_result *r)
{
    static char text[1 << 17];
    struct help_case c = {0};
    size_t at = 0;

    at += (size_t)snprintf(text, sizeof(text), "%s when { ", any);
    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s", open);
    at += (size_t)snprintf(text + at, sizeof(text) - at, "%s", middle);
    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s", close);
    at += (size_t)snprintf(text + at, sizeof(text) - at, " };");
    c.policies = (struct ts_str){.ptr = text, .len = at};
    help_run(&c, r);
    return r->err;
}

static void parse_nesting_stops_at_the_limit_and_not_before(void **state)
{
    static const struct {
        const char *open, *middle, *close;
    } shapes[] = {
        {"(", "true", ")"},
        {"!(", "true", ")"},
        {"[", "1", "]"},
        {"{a:", "1", "}"},
        {"if true then ", "true", " else false"},
        {"[1].contains(", "1", ")"},
        {"-(", "1", ")"},
        {"true && (", "true", ")"},
    };
    static struct help_result r;

    (void)state;
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        assert_int_equal(
            nested(shapes[i].open, shapes[i].middle, shapes[i].close, 63, &r),
            TS_OK);
        assert_int_equal(
            nested(shapes[i].open, shapes[i].middle, shapes[i].close, 64, &r),
            TS_E_FORMAT);
        assert_non_null(strstr(r.diags.list[0].text, "nested"));
        assert_int_equal(
            nested(shapes[i].open, shapes[i].middle, shapes[i].close, 3000, &r),
            TS_E_FORMAT);
    }
}

static void parse_long_chains_need_no_depth(void **state)
{
    static struct help_result r;

    (void)state;
    assert_int_equal(nested("true && ", "true", "", 5000, &r), TS_OK);
    assert_int_equal(r.decision, CEDAR_ALLOW);
    assert_int_equal(nested("false || ", "true", "", 5000, &r), TS_OK);
    assert_int_equal(r.decision, CEDAR_ALLOW);
    assert_int_equal(nested("", "0 == 5000 - 5000", " + 0", 5000, &r), TS_OK);
    assert_int_equal(r.decision, CEDAR_ALLOW);
    assert_int_equal(nested("1 * ", "1 == 1", "", 5000, &r), TS_OK);
    assert_int_equal(r.decision, CEDAR_ALLOW);
    assert_int_equal(nested("", "context", ".a", 250, &r), TS_OK);
    assert_string_equal(r.errors, "policy0:missing_attribute");
    assert_int_equal(nested("", "context", ".a", 5000, &r), TS_E_FORMAT);
    assert_int_equal(nested("", "context has a", ".a", 5000, &r), TS_OK);
    assert_int_equal(r.decision, CEDAR_DENY);
    assert_string_equal(r.errors, "");
}

/* Every prefix of a policy that uses all of the grammar is refused or parses;
 * what matters is that none reads outside (sanitizers watch). */
static void parse_every_truncation_and_flip_is_survived(void **state)
{
    static const char text[] =
        "@id(\"x\\u{41}\") forbid(principal is U in U::\"a\", action in "
        "[Action::\"v\"], resource == R::\"r\",) when { if context has a.b && "
        "\"x\" like \"a\\**\" then [1,-2].contains(3*4-5) else "
        "{a: ip(\"::1\"), \"b\": decimal(\"1.0\")}[\"a\"].isIpv4() } unless { "
        "principal.hasTag(\"t\") || !(1 <= 2) || A::B::\"c\" is D }; // end";
    struct cedar_options o = plain();
    char copy[sizeof(text)];

    (void)state;
    for (size_t n = 0; n < sizeof(text); n++) {
        struct cedar_source src = {.name = "t", .text = {text, n}};
        struct cedar_policies *p = NULL;

        if (cedar_policies_parse(&src, 1, &o, &p, &diags) != TS_OK)
            assert_true(diags.count > 0);
        cedar_policies_free(p);
    }
    for (size_t bit = 0; bit < (sizeof(text) - 1) * 8; bit++) {
        struct cedar_source src = {.name = "t",
                                   .text = {copy, sizeof(text) - 1}};
        struct cedar_policies *p = NULL;

        memcpy(copy, text, sizeof(text));
        copy[bit / 8] = (char)(copy[bit / 8] ^ (1 << (bit % 8)));
        if (cedar_policies_parse(&src, 1, &o, &p, &diags) != TS_OK)
            assert_true(diags.count > 0);
        cedar_policies_free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_bad_text_says_where),
        cmocka_unit_test(parse_three_mistakes_are_three_diagnostics),
        cmocka_unit_test(parse_goes_on_after_any_mistake),
        cmocka_unit_test(parse_more_mistakes_than_room_are_counted),
        cmocka_unit_test(parse_without_diags_is_allowed),
        cmocka_unit_test(parse_names_policies_by_place_without_require_id),
        cmocka_unit_test(parse_require_id_wants_unique_ids),
        cmocka_unit_test(annotation_values_are_unescaped_and_found),
        cmocka_unit_test(parse_several_sources_keep_their_order),
        cmocka_unit_test(parse_limits_are_enforced),
        cmocka_unit_test(parse_nesting_stops_at_the_limit_and_not_before),
        cmocka_unit_test(parse_long_chains_need_no_depth),
        cmocka_unit_test(parse_every_truncation_and_flip_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
