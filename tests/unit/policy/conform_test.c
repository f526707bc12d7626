/* Entities against a schema. What is accepted and what is refused was asked of
 * the official engine, row by row. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "conform_help.h"
#include "policy/cedar_schema.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

static ts_err load_text(const char *text, struct cedar_entities **ret)
{
    return cf_load(text, strlen(text), ret);
}

/* An entity U::"u" with these attributes beside n. */
static const char *user(const char *attrs)
{
    static char text[2048];

    (void)snprintf(text, sizeof(text),
                   "[{\"uid\":{\"type\":\"U\",\"id\":\"u\"},\"parents\":[],"
                   "\"attrs\":{\"n\":1%s%s}}]",
                   attrs[0] != '\0' ? "," : "", attrs);
    return text;
}

static void entities_parse_schema_accepts_what_cedar_accepts(void **state)
{
    static const char *const rows[] = {
        "",
        "\"u\":{\"type\":\"U\",\"id\":\"x\"}",
        "\"u\":{\"type\":\"U\",\"id\":\"x\",\"z\":1}",
        "\"u\":{\"__entity\":{\"type\":\"U\",\"id\":\"x\"}}",
        "\"u\":{\"__entity\":{\"type\":\"U\",\"id\":\"x\"},\"q\":1}",
        "\"u\":{\"__entity\":5,\"type\":\"U\",\"id\":\"x\"}",
        "\"u\":{\"__expr\":1,\"type\":\"U\",\"id\":\"x\"}",
        "\"ip\":\"1.2.3.4\"",
        "\"ip\":{\"fn\":\"ip\",\"arg\":\"1.2.3.4\"}",
        "\"ip\":{\"fn\":\"ip\",\"args\":[\"1.2.3.4\"]}",
        "\"ip\":{\"fn\":\"ip\",\"arg\":\"1.2.3.4\",\"args\":[\"q\"]}",
        "\"ip\":{\"__extn\":{\"fn\":\"ip\",\"arg\":\"::1\"}}",
        "\"ip\":{\"__extn\":{\"fn\":\"ip\",\"arg\":\"::1\"},\"z\":1}",
        "\"ip\":{\"__extn\":{},\"fn\":\"ip\",\"arg\":\"1.2.3.4\"}",
        "\"ip\":{\"__expr\":1,\"fn\":\"ip\",\"arg\":\"1.2.3.4\"}",
        "\"dt\":\"2020-01-01\"",
        "\"dt\":{\"fn\":\"offset\",\"args\":[\"2020-01-01\",\"1h\"]}",
        "\"dt\":{\"__extn\":{\"fn\":\"offset\",\"args\":[\"2020-01-01\","
        "{\"fn\":\"duration\",\"arg\":\"1h\"}]}}",
        "\"dt\":{\"fn\":\"toDate\",\"arg\":\"2020-01-01\"}",
        "\"du\":\"1d2h\"",
        "\"du\":{\"fn\":\"toTime\",\"arg\":\"2020-01-01\"}",
        "\"du\":{\"fn\":\"durationSince\",\"args\":[\"2020-01-02\","
        "\"2020-01-01\"]}",
        "\"de\":\"1.5\"",
        "\"b\":{\"__extn\":{\"fn\":\"isIpv4\",\"arg\":{\"__extn\":{\"fn\":"
        "\"ip\",\"arg\":\"1.1.1.1\"}}}}",
        "\"s\":\"ip\"",
        "\"e\":{\"type\":\"E\",\"id\":\"a\"}",
        "\"act\":{\"type\":\"Action\",\"id\":\"c\"}",
        "\"r\":{\"x\":1,\"y\":\"::1\"}",
        "\"r\":{\"x\":1}",
        "\"addr\":{\"home\":{\"zip\":1},\"odd key\":2}",
        "\"set\":[1,2,2]",
        "\"set\":[]",
        "\"us\":[{\"type\":\"U\",\"id\":\"1\"},"
        "{\"__entity\":{\"type\":\"U\",\"id\":\"2\"}}]",
        "\"us\":[]",
        "\"ips\":[\"1.1.1.1\",{\"fn\":\"ip\",\"arg\":\"::1\"}]",
        "\"em\":{}",
        "\"deep\":[{\"a\":[{\"type\":\"E\",\"id\":\"b\"}]},{\"a\":[]}]",
    };

    (void)state;
    for (size_t i = 0; i < N(rows); i++) {
        struct cedar_entities *e = NULL;

        assert_int_equal(load_text(user(rows[i]), &e), TS_OK);
        assert_int_equal(cf_diags.errors, 0);
        cedar_entities_free(e);
    }
}

struct refusal {
    const char *text, *code;
    const char *says; /* in the sentence */
    const char *hint; /* in the hint; NULL: whatever */
};

static void refuse_all(const struct refusal *rows, size_t n, bool attrs)
{
    for (size_t i = 0; i < n; i++) {
        struct cedar_entities *e = NULL;
        const char *text = attrs ? user(rows[i].text) : rows[i].text;

        assert_int_equal(load_text(text, &e), TS_E_FORMAT);
        assert_null(e);
        assert_true(cf_diags.errors > 0);
        assert_string_equal(cf_diags.list[0].code, rows[i].code);
        assert_non_null(strstr(cf_diags.list[0].text, rows[i].says));
        assert_int_equal(cf_diags.list[0].span.line, 1);
        assert_true(cf_diags.list[0].span.column > 1);
        if (rows[i].hint != NULL)
            assert_non_null(strstr(cf_diags.list[0].hint, rows[i].hint));
    }
}

static void entities_parse_schema_refuses_attributes(void **state)
{
    static const struct refusal rows[] = {
        {"\"b\":1", "wrong_type", "U::\"u\".b should be Bool but is Long",
         NULL},
        {"\"u\":\"U::\\\"x\\\"\"", "wrong_type", ".u should be U", NULL},
        {"\"u\":{\"type\":\"T\",\"id\":\"x\"}", "wrong_type",
         ".u should be U but is an entity of type T", NULL},
        {"\"u\":{\"__expr\":\"a\",\"type\":\"U\",\"id\":\"x\"}", "bad_value",
         "__expr", NULL},
        {"\"u\":{\"type\":\"U\"}", "bad_entity", "not an entity reference",
         NULL},
        {"\"u\":[\"U\",\"x\"]", "wrong_type", ".u should be U", NULL},
        {"\"u\":{\"type\":\"U\",\"id\":\"x\",\"__entity\":[\"T\",\"y\"]}",
         "bad_entity", "not an entity reference", NULL},
        {"\"u\":{\"type\":\"U \",\"id\":\"x\"}", "bad_entity", "not the name",
         NULL},
        {"\"ip\":\"1.2.3\"", "bad_value", "U::\"u\".ip: ", NULL},
        {"\"ip\":1", "wrong_type", ".ip should be ipaddr but is an integer",
         NULL},
        {"\"ip\":[\"ip\",\"1.2.3.4\"]", "wrong_type", ".ip should be ipaddr",
         NULL},
        {"\"ip\":{\"__expr\":\"ip(1)\"}", "bad_value", "__expr", NULL},
        {"\"ip\":{\"fn\":\"decimal\",\"arg\":\"1.0\"}", "wrong_type",
         ".ip should be ipaddr but is decimal", NULL},
        {"\"ip\":{\"fn\":\"ip\",\"arg\":{\"__extn\":{\"fn\":\"ip\",\"arg\":"
         "\"1.1.1.1\"}}}",
         "bad_value", "expected string", NULL},
        {"\"ip\":{\"fn\":\"nope\",\"arg\":\"1\"}", "bad_value", "`nope`", NULL},
        {"\"ip\":{\"fn\":\"unknown\",\"arg\":\"1\"}", "bad_value", "`unknown`",
         NULL},
        {"\"dt\":{\"fn\":\"offset\",\"arg\":\"2020-01-01\"}", "bad_value",
         "takes 2 arguments, not 1", NULL},
        {"\"b\":{\"__extn\":{\"fn\":\"isIpv4\",\"arg\":\"1.1.1.1\"}}",
         "bad_value", "expected ipaddr", NULL},
        {"\"b\":null", "bad_value", "null", NULL},
        {"\"zz\":1", "unknown_attribute", "U::\"u\".zz is not declared", NULL},
        {"\"Ip\":\"::1\"", "unknown_attribute", ".Ip", "did you mean `ip`"},
        {"\"a b\":1", "unknown_attribute", "U::\"u\"[\"a b\"]", NULL},
        {"\"e\":{\"type\":\"E\",\"id\":\"z\"}", "unknown_enum_id",
         "U::\"u\".e: `E` has no \"z\"", "\"a\", \"b\""},
        {"\"act\":{\"type\":\"Action\",\"id\":\"zz\"}", "unknown_action",
         "Action::\"zz\"", NULL},
        {"\"r\":{\"y\":\"::1\"}", "missing_attribute",
         "U::\"u\".r has no attribute `x`", "of type Long"},
        {"\"r\":{\"x\":1,\"z\":1}", "unknown_attribute", "U::\"u\".r.z", NULL},
        {"\"r\":{\"__entity\":{\"type\":\"U\",\"id\":\"a\"}}",
         "missing_attribute", ".r", NULL},
        {"\"r\":1", "wrong_type", ".r should be {", NULL},
        {"\"em\":{\"__extn\":{\"fn\":\"ip\",\"arg\":\"::1\"}}",
         "unknown_attribute", ".em.__extn", NULL},
        {"\"addr\":{\"home\":{\"zip\":\"1\"}}", "wrong_type",
         "U::\"u\".addr.home.zip should be Long but is String", NULL},
        {"\"addr\":{\"home\":{\"zip\":1},\"odd key\":\"1\"}", "wrong_type",
         "U::\"u\".addr[\"odd key\"] should be Long", NULL},
        {"\"set\":[1,\"a\"]", "wrong_type", "U::\"u\".set[1] should be Long",
         NULL},
        {"\"set\":{}", "wrong_type", ".set should be Set<Long>", NULL},
        {"\"us\":[{\"type\":\"T\",\"id\":\"1\"}]", "wrong_type", ".us[0]",
         NULL},
        {"\"ips\":[\"1.1.1.1\",\"x\"]", "bad_value", ".ips[1]: ", NULL},
        {"\"deep\":[{\"a\":[]},{\"a\":[{\"type\":\"E\",\"id\":\"\"}]}]",
         "unknown_enum_id", ".deep[1].a[0]", NULL},
    };

    (void)state;
    refuse_all(rows, N(rows), true);
}

static void entities_parse_schema_refuses_entities(void **state)
{
    static const struct refusal rows[] = {
        {"[" CF_ENT("X", "t", "", "") "]", "unknown_type", "`X`", NULL},
        {"[" CF_ENT("g2", "t", "", "") "]", "unknown_type", "`g2`",
         "did you mean `G2`"},
        {"[" CF_ENT("U", "u", "", "") "]", "missing_attribute",
         "U::\"u\" has no attribute `n`", NULL},
        {"[" CF_ENT("E", "q", "", "") "]", "unknown_enum_id", "\"q\"", NULL},
        {"[" CF_ENT("E", "a", "", CF_REF("G", "g")) "]", "wrong_parent",
         "E::\"a\" may not be in an entity of type `G`", NULL},
        {"[" CF_ENT("U", "u", "\"n\":1", CF_REF("U", "v")) "]", "wrong_parent",
         "`U`", "`G`"},
        {"[" CF_ENT("U", "u", "\"n\":1", CF_REF("XX", "v")) "]", "wrong_parent",
         "`XX`", NULL},
        {"[" CF_ENT("U", "u", "\"n\":1", CF_REF("Action", "a")) "]",
         "wrong_parent", "`Action`", NULL},
        {"[" CF_ENT("G", "g", "", CF_REF("G2", "1") "," CF_REF("G", "2")) "]",
         "wrong_parent", "`G`", NULL},
        {"[" CF_ENT("G", "g", "\"a\":1", "") "]", "unknown_attribute", ".a",
         NULL},
        {"[{\"uid\":" CF_REF("T", "t") ",\"attrs\":{},\"parents\":[],\"tags\":"
                                       "{\"k\":1}}]",
         "unexpected_tag", "T::\"t\".getTag(\"k\")", NULL},
        {"[{\"uid\":" CF_REF("U", "u") ",\"attrs\":{\"n\":1},\"parents\":[],"
                                       "\"tags\":{\"k\":1}}]",
         "wrong_type", "U::\"u\".getTag(\"k\") should be ipaddr", NULL},
        {"[{\"uid\":" CF_REF("U", "u") ",\"attrs\":{\"n\":1},\"parents\":[],"
                                       "\"tags\":[]}]",
         "bad_entity", "tags", NULL},
        {"[{\"uid\":" CF_REF("U", "u") ",\"attrs\":[],\"parents\":[]}]",
         "bad_entity", "attrs", NULL},
        {"[{\"uid\":" CF_REF("U", "u") ",\"attrs\":{\"n\":1},\"parents\":{}}]",
         "bad_entity", "parents", NULL},
        {"[" CF_ENT("Action", "q", "", "") "]", "unknown_action",
         "Action::\"q\"", NULL},
        {"[" CF_ENT("X::Action", "a", "", "") "]", "unknown_action",
         "X::Action", NULL},
        {"[" CF_ENT("Action", "a", "", "") "]", "action_differs",
         "Action::\"a\"", NULL},
        {"[" CF_ENT("Action", "a", "", CF_REF("Action", "b")) "]",
         "action_differs", "", NULL},
        {"[" CF_ENT("Action", "c", "\"x\":1", "") "]", "action_differs", "",
         NULL},
        {"[" CF_ENT("Action", "b", "", CF_REF("Action", "a")) "]",
         "action_differs", "", NULL},
        {"[{\"uid\":" CF_REF("Action", "c") ",\"attrs\":{},\"parents\":[],"
                                            "\"tags\":{\"x\":1}}]",
         "action_differs", "", NULL},
        {"[" CF_ENT("Action", "c", "", CF_REF("U", "a")) "]", "bad_entity",
         "which is none", NULL},
        {"[" CF_ENT("U", "u", "\"n\":1", "") "," CF_ENT("U", "u", "\"n\":2",
                                                        "") "]",
         "duplicate_entity", "U::", NULL},
        {"[" CF_ENT("S", "1", "", CF_REF("S", "2")) "," CF_ENT(
             "S", "2", "", CF_REF("S", "1")) "]",
         "cycle", "S::", NULL},
    };

    (void)state;
    refuse_all(rows, N(rows), false);
}

static void entities_parse_schema_accepts_entities(void **state)
{
    static const char *const rows[] = {
        "[]",
        "[" CF_ENT("S", "1", "", CF_REF("S", "2")) "]",
        "[" CF_ENT("U", "u", "\"n\":1",
                   CF_REF("G", "g") "," CF_REF("G2", "h")) "]",
        "[" CF_ENT("E", "a", "", "") "]",
        "[" CF_ENT("Action", "c", "", "") "]",
        "[" CF_ENT("Action", "a", "",
                   CF_REF("Action", "b") "," CF_REF("Action", "c")) "]",
        "[" CF_ENT("Action", "a", "", CF_REF("Action", "b")) "," CF_ENT(
            "Action", "b", "", CF_REF("Action", "c")) "]",
        "[" CF_ENT("U", "u", "\"n\":1,\"ip\":\"1.1.1.1\"", "") "," CF_ENT(
            "U", "u", "\"ip\":{\"fn\":\"ip\",\"arg\":\"1.1.1.1/32\"},\"n\":1",
            "") "]",
        "[{\"uid\":" CF_REF("T",
                            "t") ",\"attrs\":{},\"parents\":[],\"tags\":{}}]",
        "[{\"uid\":" CF_REF("U",
                            "u") ",\"attrs\":{\"n\":1},\"parents\":[],"
                                 "\"tags\":{\"k\":\"::1\",\"\":\"1.1.1.1\"}"
                                 "}]",
    };

    (void)state;
    for (size_t i = 0; i < N(rows); i++) {
        struct cedar_entities *e = NULL;

        assert_int_equal(load_text(rows[i], &e), TS_OK);
        cedar_entities_free(e);
    }
}

/* Whatever the text says of them, the store has the schema's actions, closed;
 * it does not borrow from the schema. */
static void entities_parse_schema_adds_all_actions(void **state)
{
    struct cedar_source src = {.name = "s", .text = ts_str_of(cf_schema_text)};
    struct cedar_source none = {.name = "e", .text = TS_STR_LIT("[]")};
    const struct cedar_uid *const *up;
    struct cedar_entities *e = NULL;
    struct cedar_schema *own = NULL;
    struct cedar_uid a = cf_uid("Action", "a"), b = cf_uid("Action", "b");

    (void)state;
    assert_int_equal(cedar_schema_parse(&src, 1, &own, &cf_diags), TS_OK);
    assert_int_equal(cedar_entities_parse_schema(own, &none, 1, &e, &cf_diags),
                     TS_OK);
    cedar_schema_free(own);
    assert_int_equal(cedar_entity_ancestors(e, &a, &up), 2);
    assert_true(cedar_uid_eq(up[0], &b) || cedar_uid_eq(up[1], &b));
    assert_int_equal(cedar_entity_ancestors(e, &b, &up), 1);
    assert_non_null(cedar_entity_attrs(e, &b));
    cedar_entities_free(e);
}

static void entities_parse_schema_says_all_that_is_wrong(void **state)
{
    struct cedar_entities *e = NULL;

    (void)state;
    assert_int_equal(
        load_text(
            "[" CF_ENT("U", "1", "\"zz\":1,\"b\":1,\"r\":{}", "") ",\n" CF_ENT(
                "X", "2", "", "") ",\n" CF_ENT("U", "3", "\"n\":1",
                                               CF_REF("T", "t")) "]",
            &e),
        TS_E_FORMAT);
    /* U::"1": b, r.x, zz and n; X; the parent of U::"3" */
    assert_int_equal(cf_diags.errors, 6);
    assert_int_equal(cf_diags.list[4].span.line, 2);
    assert_int_equal(cf_diags.list[5].span.line, 3);
    assert_null(e);
}

#define T(f) cmocka_unit_test_setup_teardown(f, cf_setup, cf_teardown)

#define T(f) cmocka_unit_test_setup_teardown(f, cf_setup, cf_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(entities_parse_schema_accepts_what_cedar_accepts),
        T(entities_parse_schema_refuses_attributes),
        T(entities_parse_schema_refuses_entities),
        T(entities_parse_schema_accepts_entities),
        T(entities_parse_schema_adds_all_actions),
        T(entities_parse_schema_says_all_that_is_wrong),
    };

    return cmocka_run_group_tests(tests, cf_setup_schema, cf_teardown_schema);
}
