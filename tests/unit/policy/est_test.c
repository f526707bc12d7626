/* The JSON policy format against what the official engine answers, and against
 * itself: text -> JSON -> tree -> JSON. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "tests/unit/policy/est_help.h"
#include "tests/unit/policy/est_rows.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct cedar_diags diags;

/* {"effect": ...} with one condition. */
static void with_body(const char *body, char *out, size_t cap)
{
    int n = snprintf(out, cap,
                     "{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},"
                     "\"action\":{\"op\":\"All\"},\"resource\":{\"op\":\"All\"}"
                     ",\"conditions\":[{\"kind\":\"when\",\"body\":%s}]}",
                     body);

    assert_true(n > 0 && (size_t)n < cap);
}

static ts_err parse(const char *json, struct cedar_ast **ret)
{
    struct cedar_options o = cedar_options_default;
    struct cedar_source src = {.name = "p.json", .text = ts_str_of(json)};

    o.require_id = false;
    return cedar_ast_parse_json(&src, 1, &o, ret, &diags);
}

static char *one(const struct cedar_ast *a)
{
    struct ts_buf out;
    char *json;

    ts_buf_init(&out, 1 << 20);
    assert_int_equal(cedar_ast_print_json(a, 0, &out), TS_OK);
    json = ts_mem_alloc(out.len + 1);
    memcpy(json, ts_buf_bytes(&out), out.len);
    ts_buf_done(&out);
    est_squeeze(json);
    return json;
}

static void assert_shape(const char *text, const char *json)
{
    struct cedar_ast *a = est_from_text(text), *b;
    char *got;

    assert_non_null(a);
    got = one(a);
    assert_string_equal(got, json);
    b = est_from_json(ts_str_of(json));
    assert_non_null(b);
    if (!est_same(a, b))
        fail_msg("another tree: %s", text);
    ts_mem_free(got);
    got = one(b);
    assert_string_equal(got, json);
    ts_mem_free(got);
    cedar_ast_free(a);
    cedar_ast_free(b);
}

static void print_json_bodies_as_the_official_engine(void **state)
{
    char text[512], json[1024];

    (void)state;
    for (size_t i = 0; i < COUNT(bodies); i++) {
        (void)snprintf(text, sizeof(text),
                       "permit(principal,action,resource) when { %s };",
                       bodies[i].text);
        with_body(bodies[i].json, json, sizeof(json));
        assert_shape(text, json);
    }
}

static void print_json_heads_as_the_official_engine(void **state)
{
    char json[1024];

    (void)state;
    for (size_t i = 0; i < COUNT(heads); i++) {
        (void)snprintf(json, sizeof(json), "{%s}", heads[i].json);
        assert_shape(heads[i].text, json);
    }
}

static void print_json_condition_kinds_stay(void **state)
{
    (void)state;
    assert_shape("permit(principal,action,resource) unless{true} when{false};",
                 "{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},"
                 "\"action\":{\"op\":\"All\"},\"resource\":{\"op\":\"All\"},"
                 "\"conditions\":[{\"kind\":\"unless\",\"body\":{\"Value\":"
                 "true}},{\"kind\":\"when\",\"body\":{\"Value\":false}}]}");
}

/* Other ways to write it that the official engine reads; on the right what it
 * means, with the number of warnings. */
static const struct {
    const char *json, *same;
    uint32_t warnings;
} other_ways[] = {
    {"{\"Value\":[1,\"a\",[true]]}", "[1,\"a\",[true]]", 0},
    {"{\"Value\":{\"a\":1,\"b c\":{}}}", "{a:1,\"b c\":{}}", 0},
    {"{\"Value\":{\"type\":\"U\",\"id\":\"x\"}}", "{type:\"U\",id:\"x\"}", 0},
    {"{\"Value\":{\"__entity\":{\"type\":\"U\",\"id\":\"x\",\"z\":1}}}",
     "U::\"x\"", 0},
    {"{\"Value\":{\"__entity\":{\"type\":\"U\",\"id\":\"x\"},\"z\":1}}",
     "{\"__entity\":{type:\"U\",id:\"x\"},z:1}", 0},
    {"{\"Value\":{\"__entity\":{\"type\":\"U\"}}}",
     "{\"__entity\":{type:\"U\"}}", 0},
    {"{\"Value\":[{\"__extn\":{\"fn\":\"ip\",\"arg\":\"::1\"}}]}",
     "[ip(\"::1\")]", 0},
    {"{\"Value\":{\"__extn\":{\"fn\":\"ip\",\"args\":[\"1\",\"2\"]}}}",
     "ip(\"1\",\"2\")", 0},
    {"{\"Value\":{\"__extn\":{\"fn\":\"ip\",\"arg\":\"1\",\"args\":[]}}}",
     "ip(\"1\")", 0},
    {"{\"Value\":{\"__extn\":{\"fn\":\"isIpv4\",\"arg\":{\"__extn\":{\"fn\":"
     "\"ip\",\"arg\":\"1.2.3.4\"}}}}}",
     "ip(\"1.2.3.4\").isIpv4()", 0},
    {"{\"Value\":{\"__extn\":{\"fn\":\"ip\"}}}", "{\"__extn\":{fn:\"ip\"}}", 0},
    {"{\"Value\":{\"__expr\":1}}", "{\"__expr\":1}", 0},
    {"{\"has\":{\"left\":{\"Var\":\"context\"},\"attr\":[\"a\"]}}",
     "context has a", 0},
    {"{\"has\":{\"left\":{\"Var\":\"context\"},\"attr\":\"a\",\"x\":1}}",
     "context has a", 1},
    {"{\"is\":{\"left\":{\"Var\":\"action\"},\"entity_type\":\"T\",\"in\":null}"
     "}",
     "action is T", 0},
    {"{\"like\":{\"left\":{\"Value\":\"\"},\"pattern\":[{\"Literal\":\"ab\"},{"
     "\"Wildcard\":null},{\"Literal\":\"\"},{\"Literal\":\"*\"}]}}",
     "\"\" like \"ab*\\*\"", 0},
};

static void parse_json_other_ways_mean_the_same(void **state)
{
    char text[512], json[1024];

    (void)state;
    for (size_t i = 0; i < COUNT(other_ways); i++) {
        struct cedar_ast *a = NULL, *b;

        with_body(other_ways[i].json, json, sizeof(json));
        if (parse(json, &a) != TS_OK)
            fail_msg("%s: %s", json, diags.list[0].text);
        assert_int_equal(diags.warnings, other_ways[i].warnings);
        (void)snprintf(text, sizeof(text),
                       "permit(principal,action,resource) when { %s };",
                       other_ways[i].same);
        b = est_from_text(text);
        assert_non_null(b);
        if (!est_same(a, b))
            fail_msg("another meaning: %s", json);
        cedar_ast_free(a);
        cedar_ast_free(b);
    }
}

/* Bodies that the official engine refuses, and a word of what we say. */
static const struct {
    const char *json, *says;
} bad_bodies[] = {
    {"{}", "one key"},
    {"\"principal\"", "not a string"},
    {"null", "not null"},
    {"[]", "not an array"},
    {"{\"==\":{\"left\":{\"Value\":1}}}", "needs the key \"right\""},
    {"{\"==\":{\"left\":{\"Value\":1},\"right\":{\"Value\":1},\"x\":1}}",
     "no key \"x\""},
    {"{\"==\":[{\"Value\":1},{\"Value\":1}]}", "must be an object"},
    {"{\"!\":{\"arg\":{\"Value\":1}},\"neg\":{\"arg\":{\"Value\":1}}}",
     "one key"},
    {"{\"contain\":{\"left\":{\"Value\":1}}}", "`contain` is not"},
    {"{\"unknown\":[{\"Value\":\"x\"}]}", "partial evaluation"},
    {"{\"ip\":{\"Value\":\"x\"}}", "takes an array"},
    {"{\"Set\":{}}", "takes an array"},
    {"{\"Record\":[]}", "takes an object"},
    {"{\"Var\":\"Principal\"}", "does not name a variable"},
    {"{\"Var\":1}", "does not name a variable"},
    {"{\"Slot\":\"?principal\"}", "cannot stand in a condition"},
    {"{\"has\":{\"left\":{\"Var\":\"context\"},\"attr\":[]}}", "at least one"},
    {"{\"has\":{\"left\":{\"Var\":\"context\"},\"attr\":[\"a\",1]}}",
     "must be a string"},
    {"{\".\":{\"left\":{\"Var\":\"context\"},\"attr\":[\"a\"]}}",
     "must be a string"},
    {"{\"like\":{\"left\":{\"Value\":\"a\"},\"pattern\":\"a*\"}}",
     "is an array"},
    {"{\"like\":{\"left\":{\"Value\":\"a\"},\"pattern\":[\"wildcard\"]}}",
     "consists of"},
    {"{\"like\":{\"left\":{\"Value\":\"a\"},\"pattern\":[{\"Literal\":1}]}}",
     "consists of"},
    {"{\"is\":{\"left\":{\"Var\":\"action\"},\"entity_type\":\"N :: T\"}}",
     "name of an entity type"},
    {"{\"is\":{\"left\":{\"Var\":\"action\"},\"entity_type\":\"__cedar::T\"}}",
     "name of an entity type"},
    {"{\"is\":{\"left\":{\"Var\":\"action\"},\"entity_type\":\"T\",\"x\":1}}",
     "no key \"x\""},
    {"{\"if-then-else\":{\"if\":{\"Value\":true},\"then\":{\"Value\":1}}}",
     "needs the key \"else\""},
    {"{\"Value\":null}", "`null`s are not allowed"},
    {"{\"Value\":{\"a\":null}}", "`null`s are not allowed"},
    {"{\"Value\":1.5}", "floating-point"},
    {"{\"Value\":9223372036854775808}", "does not fit 64 bits"},
    {"{\"Value\":{\"__entity\":{\"type\":\"U x\",\"id\":\"x\"}}}",
     "not the name of an entity type"},
    {"{\"Value\":{\"__expr\":\"1\"}}", "`__expr` escape"},
    {"{\"Record\":{\"a\":{\"Value\":1},\"a\":{\"Value\":1}}}", "stands twice"},
    /* read by the official engine, where it can only fail later */
    {"{\"Value\":{\"__extn\":{\"fn\":\"foo\",\"arg\":\"\"}}}",
     "does not exist"},
};

static void parse_json_bad_bodies_refused(void **state)
{
    char json[1024];

    (void)state;
    for (size_t i = 0; i < COUNT(bad_bodies); i++) {
        struct cedar_ast *a = NULL;

        with_body(bad_bodies[i].json, json, sizeof(json));
        if (parse(json, &a) != TS_E_FORMAT)
            fail_msg("accepted: %s", json);
        assert_null(a);
        assert_int_equal(diags.errors, 1);
        if (strstr(diags.list[0].text, bad_bodies[i].says) == NULL)
            fail_msg("%s: %s", json, diags.list[0].text);
        assert_true(diags.list[0].span.offset >= 100);
    }
}

#define SCOPES(p, a, r)                                                        \
    "{\"effect\":\"permit\",\"principal\":" p ",\"action\":" a                 \
    ",\"resource\":" r ",\"conditions\":[]}"
#define ALL "{\"op\":\"All\"}"
#define UA  "{\"type\":\"U\",\"id\":\"a\"}"

static const struct {
    const char *json, *says;
} bad_heads[] = {
    {SCOPES("{}", ALL, ALL), "needs a string \"op\""},
    {SCOPES("[\"All\"]", ALL, ALL), "must be an object"},
    {SCOPES("{\"op\":\"ALL\"}", ALL, ALL), "not an operator of a scope"},
    {SCOPES("{\"op\":\"==\"}", ALL, ALL), "needs \"entity\""},
    {SCOPES("{\"op\":\"==\",\"entity\":\"U::a\"}", ALL, ALL),
     "not an entity reference"},
    {SCOPES("{\"op\":\"==\",\"entities\":[" UA "]}", ALL, ALL),
     "needs \"entity\""},
    {SCOPES("{\"op\":\"==\",\"slot\":\"?resource\"}", ALL, ALL),
     "only the slot `?principal`"},
    {SCOPES("{\"op\":\"is\",\"entity_type\":\" T\"}", ALL, ALL),
     "name of an entity type"},
    {SCOPES("{\"op\":\"is\",\"entity_type\":\"T\",\"z\":1}", ALL, ALL),
     "no key \"z\""},
    {SCOPES(ALL, "{\"op\":\"==\",\"entity\":" UA "}", ALL), "type `Action`"},
    {SCOPES(ALL, "{\"op\":\"in\",\"entities\":[" UA "]}", ALL),
     "type `Action`"},
    {SCOPES(ALL, "{\"op\":\"==\",\"slot\":\"?principal\"}", ALL),
     "not allowed for actions"},
    {SCOPES(ALL, "{\"op\":\"is\",\"entity_type\":\"Action\"}", ALL),
     "cannot appear"},
    {"{\"effect\":\"Permit\",\"principal\":" ALL ",\"action\":" ALL
     ",\"resource\":" ALL ",\"conditions\":[]}",
     "\"permit\" or \"forbid\""},
    {"{\"effect\":\"permit\",\"principal\":" ALL ",\"action\":" ALL
     ",\"resource\":" ALL "}",
     "needs the key \"conditions\""},
    {"{\"effect\":\"permit\",\"principal\":" ALL ",\"action\":" ALL
     ",\"resource\":" ALL ",\"condition\":[],\"conditions\":[]}",
     "no key \"condition\""},
    {"{\"effect\":\"permit\",\"principal\":" ALL ",\"action\":" ALL
     ",\"resource\":" ALL ",\"conditions\":[{\"kind\":\"if\",\"body\":{"
     "\"Value\":true}}]}",
     "\"when\" or \"unless\""},
    {"{\"effect\":\"permit\",\"principal\":" ALL ",\"action\":" ALL
     ",\"resource\":" ALL ",\"conditions\":[],\"annotations\":{\"a b\":\"\"}}",
     "name of an annotation"},
    {"{\"effect\":\"permit\",\"principal\":" ALL ",\"action\":" ALL
     ",\"resource\":" ALL ",\"conditions\":[],\"annotations\":{\"a\":1}}",
     "must be a string"},
    {"[]", "must be an object"},
    {"{}", "needs the key \"effect\""},
    {"{\"staticPolicies\":[]}", "an object of policies"},
    {"{\"staticPolicies\":{},\"links\":[]}", "no key \"links\""},
    {"{\"templates\":{\"t\":" SCOPES(ALL, ALL, ALL) "}}",
     "expected a template"},
    {"{\"staticPolicies\":{\"t\":" SCOPES(
         "{\"op\":\"==\",\"slot\":\"?principal\"}", ALL, ALL) "}}",
     "expected a static policy"},
};

static void parse_json_bad_heads_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bad_heads); i++) {
        struct cedar_ast *a = NULL;

        if (parse(bad_heads[i].json, &a) != TS_E_FORMAT)
            fail_msg("accepted: %s", bad_heads[i].json);
        assert_null(a);
        assert_int_equal(diags.errors, 1);
        if (strstr(diags.list[0].text, bad_heads[i].says) == NULL)
            fail_msg("%s: %s", bad_heads[i].json, diags.list[0].text);
    }
}

static void parse_json_unknown_words_are_explained(void **state)
{
    char json[512];
    struct cedar_ast *a = NULL;

    (void)state;
    with_body("{\"containsal\":{}}", json, sizeof(json));
    assert_int_equal(parse(json, &a), TS_E_FORMAT);
    assert_string_equal(diags.list[0].hint, "did you mean `containsAll`?");
    with_body("{\"is\":{\"left\":{\"Var\":\"action\"},\"entity_typ\":\"T\"}}",
              json, sizeof(json));
    assert_int_equal(parse(json, &a), TS_E_FORMAT);
    assert_string_equal(diags.list[0].hint, "did you mean `entity_type`?");
    assert_int_equal(diags.list[0].span.line, 1);
}

/* "All" with an entity beside it permits everything; the engine that we follow
 * does not look, so we follow and say so. */
static void parse_json_ignored_keys_warn(void **state)
{
    struct cedar_ast *a = NULL;

    (void)state;
    assert_int_equal(
        parse(SCOPES("{\"op\":\"All\",\"entity\":" UA "}", ALL,
                     "{\"op\":\"in\",\"entity\":" UA ",\"type\":\"R\"}"),
              &a),
        TS_OK);
    assert_int_equal(diags.errors, 0);
    assert_int_equal(diags.warnings, 2);
    assert_string_equal(diags.list[0].code, "ignored_key");
    cedar_ast_free(a);
}

static void parse_json_all_mistakes_are_named(void **state)
{
    struct cedar_ast *a = NULL;

    (void)state;
    assert_int_equal(
        parse("{\"staticPolicies\":{\"a\":{\"effect\":1,\"principal\":1,"
              "\"action\":" ALL ",\"resource\":1,\"conditions\":[{\"kind\":1,"
              "\"body\":1},{\"kind\":\"when\",\"body\":1}]},\"b\":{}}}",
              &a),
        TS_E_FORMAT);
    assert_int_equal(diags.errors, 6);
    assert_null(a);
}

static void parse_json_names_follow_the_options(void **state)
{
    static const char noted[] =
        "{\"effect\":\"permit\",\"principal\":" ALL ",\"action\":" ALL
        ",\"resource\":" ALL ",\"conditions\":[],\"annotations\":{\"id\":"
        "\"n\"}}";
    struct cedar_source src[2] = {
        {.name = "a",
         .text = TS_STR_LIT("{\"staticPolicies\":{\"\":" SCOPES(
             ALL, ALL, ALL) ",\"x\":" SCOPES(ALL, ALL, ALL) "}}")},
        {.name = "b", .text = ts_str_of(noted)}};
    struct cedar_options o = cedar_options_default;
    struct cedar_ast *a = NULL;

    (void)state;
    assert_int_equal(cedar_ast_parse_json(src, 2, &o, &a, &diags), TS_OK);
    assert_int_equal(cedar_ast_info(a, 0).id.len, 0);
    assert_memory_equal(cedar_ast_info(a, 1).id.ptr, "x", 2);
    assert_memory_equal(cedar_ast_info(a, 2).id.ptr, "n", 2);
    cedar_ast_free(a);
    a = NULL;
    o.require_id = false;
    assert_int_equal(cedar_ast_parse_json(src, 2, &o, &a, &diags), TS_OK);
    assert_memory_equal(cedar_ast_info(a, 2).id.ptr, "policy2", 8);
    cedar_ast_free(a);
    a = NULL;
    src[1] = src[0];
    assert_int_equal(cedar_ast_parse_json(src, 2, &o, &a, &diags), TS_E_FORMAT);
    assert_string_equal(diags.list[0].code, "duplicate_id");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(print_json_bodies_as_the_official_engine),
        cmocka_unit_test(print_json_heads_as_the_official_engine),
        cmocka_unit_test(print_json_condition_kinds_stay),
        cmocka_unit_test(parse_json_other_ways_mean_the_same),
        cmocka_unit_test(parse_json_bad_bodies_refused),
        cmocka_unit_test(parse_json_bad_heads_refused),
        cmocka_unit_test(parse_json_unknown_words_are_explained),
        cmocka_unit_test(parse_json_ignored_keys_warn),
        cmocka_unit_test(parse_json_all_mistakes_are_named),
        cmocka_unit_test(parse_json_names_follow_the_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
