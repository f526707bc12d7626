#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "policy/cedar.h"
#include "policy/data/entity.h"
#include "policy/json/reader.h"

static struct cedar_diags diags;
static struct ts_arena arena;

static int setup(void **state)
{
    (void)state;
    ts_arena_init(&arena, 64 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ts_arena_done(&arena);
    return 0;
}

static ts_err read_json(const char *text, size_t len, const struct json **ret)
{
    diags.count = 0;
    return cedar_json_parse(&arena, (struct ts_str){text, len}, 0, &diags, ret);
}

static const struct {
    const char *text;
    bool ok;
} json_rows[] = {
    {"0", true},
    {" [1 , 2] ", true},
    {"{}", true},
    {"[]", true},
    {"\"\\u0000\\ud83d\\ude00\\/\"", true},
    {"-9223372036854775808", true},
    {"9223372036854775807", true},
    {"9223372036854775808", false},
    {"-9223372036854775809", false},
    {"01", false},
    {"-", false},
    {"+1", false},
    {"-0", false},
    {"1.0", false},
    {"1e2", false},
    {".5", false},
    {"", false},
    {" ", false},
    {"[1,]", false},
    {"[,1]", false},
    {"[1 2]", false},
    {"{\"a\":1,}", false},
    {"{\"a\" 1}", false},
    {"{a:1}", false},
    {"{\"a\":1,\"a\":2}", false},
    {"{\"a\":1,\"\\u0061\":2}", false},
    {"\"\\ud800\"", false},
    {"\"\\udc00\"", false},
    {"\"\\ud800\\u0041\"", false},
    {"\"\\x41\"", false},
    {"\"\\u12g4\"", false},
    {"\"a\nb\"", false},
    {"\"abc", false},
    {"'a'", false},
    {"nul", false},
    {"nullx", false},
    {"true false", false},
    {"// c\n1", false},
    {"\xef\xbb\xbf"
     "1",
     false},
    {"\"\xff\"", false},
    {"\"\xed\xa0\x80\"", false},
    {"NaN", false},
};

static void json_parse_accepts_only_strict_json(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(json_rows) / sizeof(json_rows[0]); i++) {
        const struct json *v = NULL;
        ts_err e = read_json(json_rows[i].text, strlen(json_rows[i].text), &v);

        if ((e == TS_OK) != json_rows[i].ok)
            fail_msg("%s: %s", json_rows[i].text, ts_err_text(e));
        assert_int_equal(e != TS_OK, diags.count > 0);
        assert_int_equal(v != NULL, json_rows[i].ok);
    }
}

static void json_parse_keeps_nul_and_finds_keys(void **state)
{
    static const char text[] =
        "{\"b\":1,\"a\\u0000\":2,\"\":3,\"aa\":\"x\0y\"}";
    const struct json *v = NULL;

    (void)state;
    assert_int_equal(read_json(text, sizeof(text) - 1, &v), TS_E_FORMAT);
    assert_int_equal(read_json("{\"b\":1,\"a\\u0000\":2,\"\":3}", 24, &v),
                     TS_OK);
    assert_int_equal(cedar_json_get(v, TS_STR_LIT("b"))->integer, 1);
    assert_int_equal(cedar_json_get(v, TS_STR_LIT("a\0"))->integer, 2);
    assert_int_equal(cedar_json_get(v, TS_STR_LIT(""))->integer, 3);
    assert_null(cedar_json_get(v, TS_STR_LIT("a")));
}

static void json_parse_says_where(void **state)
{
    const struct json *v = NULL;

    (void)state;
    assert_int_equal(read_json("{\n \"\xc3\xa9\": nope}", 13, &v), TS_E_FORMAT);
    assert_int_equal(diags.list[0].span.line, 2);
    assert_int_equal(diags.list[0].span.column, 7);
}

static void json_parse_depth_is_limited(void **state)
{
    char text[4000];
    const struct json *v = NULL;

    (void)state;
    for (size_t n = 60; n < 2000; n += n < 70 ? 1 : 500) {
        memset(text, '[', n);
        memset(text + n, ']', n);
        assert_int_equal(read_json(text, 2 * n, &v),
                         n <= 64 ? TS_OK : TS_E_FORMAT);
    }
}

static ts_err load(const char *text, struct cedar_entities **ret)
{
    struct cedar_source src = {.name = "e", .text = ts_str_of(text)};

    return cedar_entities_parse(&src, 1, ret, &diags);
}

static struct cedar_uid uid(const char *type, const char *id)
{
    return cedar_uid_make(ts_str_of(type), ts_str_of(id));
}

#define E(id, parents)                                                         \
    "{\"uid\":{\"type\":\"N\",\"id\":\"" id                                    \
    "\"},\"attrs\":{},\"parents\":[" parents "]}"
#define P(id) "{\"type\":\"N\",\"id\":\"" id "\"}"

static void entities_parse_computes_all_ancestors(void **state)
{
    struct cedar_entities *e = NULL;
    const struct cedar_uid *const *list;
    struct cedar_uid a = uid("N", "a"), d = uid("N", "d");

    (void)state;
    /* a diamond with a parent that is not in the set */
    assert_int_equal(
        load("[" E("a", P("b") "," P("c")) "," E("b", P("d")) "," E(
                 "c", P("d") "," P("gone")) "," E("d", "") "]",
             &e),
        TS_OK);
    assert_int_equal(cedar_entity_ancestors(e, &a, &list), 4);
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < i; j++)
            assert_false(cedar_uid_eq(list[i], list[j]));
    assert_int_equal(cedar_entity_ancestors(e, &d, &list), 0);
    a = uid("N", "gone");
    assert_null(cedar_entity_attrs(e, &a));
    cedar_entities_free(e);
}

static void entities_parse_long_chain_needs_no_stack(void **state)
{
    struct cedar_entities *e = NULL;
    const struct cedar_uid *const *list;
    struct cedar_uid first = uid("N", "0");
    static char text[1 << 18];
    size_t at = 1;

    (void)state;
    text[0] = '[';
    for (unsigned i = 0; i < 2000; i++)
        at += (size_t)snprintf(
            text + at, sizeof(text) - at,
            "%s{\"uid\":{\"type\":\"N\",\"id\":\"%u\"},\"attrs\":{},"
            "\"parents\":[{\"type\":\"N\",\"id\":\"%u\"}]}",
            i > 0 ? "," : "", i, i + 1);
    (void)snprintf(text + at, sizeof(text) - at, "]");
    assert_int_equal(load(text, &e), TS_OK);
    assert_int_equal(cedar_entity_ancestors(e, &first, &list), 2000);
    cedar_entities_free(e);
}

static void entities_parse_refusals_say_why(void **state)
{
    static const struct {
        const char *text, *code;
    } rows[] = {
        {"[" E("a", P("b")) "," E("b", P("c")) "," E("c", P("a")) "]", "cycle"},
        {"[" E("a", P("a")) "]", "cycle"},
        {"[" E("a", "") "," E("a", P("b")) "]", "duplicate_entity"},
        {"{}", "bad_entity"},
        {"[1]", "bad_entity"},
        {"[{}]", "bad_entity"},
        {"[{\"uid\":\"N::\\\"a\\\"\",\"attrs\":{},\"parents\":[]}]",
         "bad_entity"},
        {"[{\"uid\":" P("a") ",\"attrs\":[],\"parents\":[]}]", "bad_value"},
        {"[{\"uid\":" P("a") ",\"attrs\":{},\"parents\":{}}]", "bad_entity"},
        {"[{\"uid\":" P("a") ",\"attrs\":{\"x\":null},\"parents\":[]}]",
         "bad_value"},
        {"[{\"uid\":" P("a") ",\"attrs\":{\"x\":1.5},\"parents\":[]}]",
         "bad_json"},
        {"[{\"uid\":" P("a") ",\"attrs\":{\"x\":1,\"x\":1},\"parents\":[]}]",
         "duplicate_key"},
        {"[{\"uid\":" P("a") ",\"attrs\":{\"x\":{\"__extn\":{\"fn\":\"ip\","
                             "\"arg\":\"x\"}}},\"parents\":[]}]",
         "bad_value"},
        {"[{\"uid\":" P("a") ",\"attrs\":{\"x\":{\"__extn\":{\"fn\":"
                             "\"isIpv4\",\"arg\":\"::1\"}}},\"parents\":[]}]",
         "bad_value"},
        {"[{\"uid\":" P("a") ",\"attrs\":{\"x\":{\"__extn\":{\"fn\":"
                             "\"offset\",\"arg\":\"1s\"}}},\"parents\":[]}]",
         "bad_value"},
        {"[{\"uid\":" P("a") ",\"attrs\":{\"x\":{\"__extn\":{\"fn\":"
                             "\"unknown\",\"arg\":\"1s\"}}},\"parents\":[]}]",
         "bad_value"},
        {"[{\"uid\":{\"type\":\"Action\",\"id\":\"a\"},\"attrs\":{},"
         "\"parents\":[" P("b") "]}]",
         "bad_entity"},
        {"[{\"uid\":{\"__expr\":\"1\",\"type\":\"N\",\"id\":\"a\"},\"attrs\":"
         "{},\"parents\":[]}]",
         "bad_value"},
        {"[{\"uid\":" P("a") ",\"attrs\":{\"x\":{\"__expr\":\"1\"}},"
                             "\"parents\":[]}]",
         "bad_value"},
        {"[{\"uid\":{\"type\":\"if\",\"id\":\"\"},\"attrs\":{},\"parents\":[]"
         "}]",
         "bad_entity"},
        {"[{\"uid\":{\"type\":\"__cedar::X\",\"id\":\"\"},\"attrs\":{},"
         "\"parents\":[]}]",
         "bad_entity"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cedar_entities *e = NULL;

        assert_int_equal(load(rows[i].text, &e), TS_E_FORMAT);
        assert_null(e);
        assert_true(diags.count > 0);
        assert_string_equal(diags.list[0].code, rows[i].code);
    }
}

static void entities_parse_identical_duplicates_pass(void **state)
{
    struct cedar_entities *e = NULL;

    (void)state;
    assert_int_equal(load("[" E("a", P("b") "," P("c")) "," E(
                              "a", P("c") "," P("b") "," P("b")) "]",
                          &e),
                     TS_OK);
    cedar_entities_free(e);
}

static void entities_parse_reads_attributes(void **state)
{
    struct cedar_entities *e = NULL;
    struct cedar_uid a = uid("N", "a");
    const struct cedar_record *attrs;
    const struct cedar_value *v;

    (void)state;
    assert_int_equal(
        load("[{\"uid\":{\"__entity\":" P(
                 "a") "},\"zzz\":1,\"parents\":[],"
                      "\"attrs\":{\"e\":{\"__entity\":{\"type\":\"N\",\"id\":"
                      "\"b\","
                      "\"x\":1}},\"r\":{\"type\":\"N\",\"id\":\"b\"},\"o\":{"
                      "\"__entity\":" P(
                          "b") ",\"y\":1},\"t\":{\"__extn\":{\"fn\":"
                               "\"offset\",\"args\":[{\"__extn\":{\"fn\":"
                               "\"datetime\",\"arg\":"
                               "\"1970-01-01\"}},{\"__extn\":{\"fn\":"
                               "\"duration\",\"arg\":"
                               "\"1s\"}}]}}}}]",
             &e),
        TS_OK);
    attrs = cedar_entity_attrs(e, &a);
    assert_int_equal(cedar_record_get(attrs, TS_STR_LIT("e"))->kind,
                     CEDAR_ENTITY);
    assert_int_equal(cedar_record_get(attrs, TS_STR_LIT("r"))->kind,
                     CEDAR_RECORD);
    assert_int_equal(cedar_record_get(attrs, TS_STR_LIT("o"))->kind,
                     CEDAR_RECORD);
    v = cedar_record_get(attrs, TS_STR_LIT("t"));
    assert_int_equal(v->kind, CEDAR_DATETIME);
    assert_int_equal(v->as.integer, 1000);
    cedar_entities_free(e);
}

/* As the official engine has it: any extension function may be called, `arg`
 * goes before `args`, and an escape that lacks something is a record. */
static void entities_parse_reads_escapes_as_cedar_does(void **state)
{
    static const struct {
        const char *json;
        enum cedar_kind kind;
        uint32_t warnings;
    } rows[] = {
        {"{\"__extn\":{\"fn\":\"isIpv4\",\"arg\":{\"__extn\":{\"fn\":\"ip\","
         "\"arg\":\"::1\"}}}}",
         CEDAR_BOOL, 0},
        {"{\"__extn\":{\"fn\":\"ip\",\"arg\":\"::1\",\"args\":[1,2]}}",
         CEDAR_IPADDR, 0},
        {"{\"__extn\":{\"fn\":1,\"arg\":\"x\"}}", CEDAR_RECORD, 1},
        {"{\"__extn\":{\"fn\":\"ip\"}}", CEDAR_RECORD, 1},
        {"{\"__extn\":5}", CEDAR_RECORD, 1},
        {"{\"__entity\":5}", CEDAR_RECORD, 1},
        {"{\"__entity\":{\"type\":\"N\"}}", CEDAR_RECORD, 1},
        {"{\"__entity\":{\"__expr\":\"1\",\"type\":\"N\",\"id\":\"\"}}",
         CEDAR_ENTITY, 0},
        {"{\"__expr\":5}", CEDAR_RECORD, 0},
        {"{\"__expr\":\"5\",\"x\":1}", CEDAR_RECORD, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cedar_source src = {.name = "t",
                                   .text = ts_str_of(rows[i].json)};
        struct cedar_value v = {0};

        assert_int_equal(cedar_value_parse(&arena, &src, &v, &diags), TS_OK);
        assert_int_equal(v.kind, rows[i].kind);
        assert_int_equal(diags.warnings, rows[i].warnings);
        assert_int_equal(diags.errors, 0);
    }
}

/* What is wrong with several entities is said in one go. */
static void entities_parse_reports_all_bad_entities(void **state)
{
    struct cedar_entities *e = NULL;

    (void)state;
    assert_int_equal(load("[1," E("a", P("b")) ",{}," E("c", "2") "]", &e),
                     TS_E_FORMAT);
    assert_null(e);
    assert_int_equal(diags.errors, 3);
}

/* Entities are read as they come; what stands in a broken text is not judged.
 */
static void entities_parse_broken_text_says_that_alone(void **state)
{
    static const char *const broken[] = {"[1,", "{}", "[]]", "[\"\xFF\"]"};
    struct cedar_source src[2] = {
        {.name = "a", .text = ts_str_of("[" E("a", "2") ",{}]")},
        {.name = "b"}};
    struct cedar_entities *e = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        src[1].text = ts_str_of(broken[i]);
        assert_int_equal(cedar_entities_parse(src, 2, &e, &diags), TS_E_FORMAT);
        assert_null(e);
        assert_int_equal(diags.errors, 1);
        assert_int_equal(diags.count, 1);
        assert_int_equal(diags.list[0].span.source, 1);
    }
}

/* As many as fill several runs of the loader, and one more. */
static void entities_parse_keeps_all_of_many(void **state)
{
    enum {
        MANY = 16 * 127 + 1
    };
    static char text[MANY * 64];
    struct cedar_entities *e = NULL;
    size_t len = 1;
    char id[16];

    (void)state;
    text[0] = '[';
    for (int i = 0; i < MANY; i++) {
        int n = snprintf(text + len, sizeof(text) - len,
                         "%s{\"uid\":{\"type\":\"T\",\"id\":\"%d\"},"
                         "\"attrs\":{},\"parents\":[]}",
                         i > 0 ? "," : "", i);

        assert_true(n > 0);
        len += (size_t)n;
    }
    text[len++] = ']';
    text[len] = '\0';
    assert_int_equal(load(text, &e), TS_OK);
    for (int i = 0; i <= MANY; i++) {
        struct cedar_uid uid;

        (void)snprintf(id, sizeof(id), "%d", i);
        uid = cedar_uid_make(TS_STR_LIT("T"), ts_str_of(id));
        assert_int_equal(cedar_entity_find(e, &uid) != NULL, i < MANY);
    }
    cedar_entities_free(e);
}

static void entities_parse_truncation_and_flip_are_survived(void **state)
{
    static const char text[] =
        "[{\"uid\":" P("a") ",\"attrs\":{\"k\\u00e9\":[1,-2,true,{\"__extn\":{"
                            "\"fn\":\"ip\",\"arg\":\"::1\"}}]},\"parents\":[" P(
                                "b") "],\"tags\":{"
                                     "\"t\":\"\\ud83d\\ude00\"}}]";
    char copy[sizeof(text)];

    (void)state;
    for (size_t n = 0; n < sizeof(text) - 1; n++) {
        struct cedar_source src = {.name = "t", .text = {text, n}};
        struct cedar_entities *e = NULL;

        assert_int_equal(cedar_entities_parse(&src, 1, &e, &diags),
                         TS_E_FORMAT);
        assert_true(diags.count > 0);
    }
    for (size_t bit = 0; bit < (sizeof(text) - 1) * 8; bit++) {
        struct cedar_source src = {.name = "t",
                                   .text = {copy, sizeof(text) - 1}};
        struct cedar_entities *e = NULL;

        memcpy(copy, text, sizeof(text));
        copy[bit / 8] = (char)(copy[bit / 8] ^ (1 << (bit % 8)));
        if (cedar_entities_parse(&src, 1, &e, &diags) != TS_OK)
            assert_true(diags.count > 0);
        cedar_entities_free(e);
    }
}

/* A limit says which one it is. */
static void entities_parse_over_a_limit_names_it(void **state)
{
    static char blank[9 << 20];
    struct cedar_source src[2] = {
        {.name = "a", .text = {blank, sizeof(blank)}},
        {.name = "b", .text = {blank, sizeof(blank)}}};
    struct cedar_entities *e = NULL;

    (void)state;
    memset(blank, ' ', sizeof(blank));
    assert_int_equal(cedar_entities_parse(src, 2, &e, &diags), TS_E_LIMIT);
    assert_null(e);
    assert_int_equal(diags.errors, 1);
    assert_string_equal(diags.list[0].code, "limit");
    assert_non_null(strstr(diags.list[0].text, "the limit is 16777216"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(json_parse_accepts_only_strict_json),
        T(json_parse_keeps_nul_and_finds_keys),
        T(json_parse_says_where),
        T(json_parse_depth_is_limited),
        T(entities_parse_computes_all_ancestors),
        T(entities_parse_long_chain_needs_no_stack),
        T(entities_parse_refusals_say_why),
        T(entities_parse_over_a_limit_names_it),
        T(entities_parse_identical_duplicates_pass),
        T(entities_parse_reads_attributes),
        T(entities_parse_reads_escapes_as_cedar_does),
        T(entities_parse_reports_all_bad_entities),
        T(entities_parse_broken_text_says_that_alone),
        T(entities_parse_keeps_all_of_many),
        T(entities_parse_truncation_and_flip_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
