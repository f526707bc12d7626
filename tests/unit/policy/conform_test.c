/* Entities, contexts and requests against a schema. What is accepted and what
 * is refused was asked of the official engine, row by row. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "policy/cedar_schema.h"
#include "policy/core/value.h"
#include "tests/lib/fault_mem.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

static const char schema_text[] =
    "entity G in [G2];\n"
    "entity G2;\n"
    "entity E enum [\"a\", \"b\"];\n"
    "entity S in [S];\n"
    "type Addr = { zip: Long, street?: String };\n"
    "entity U in [G] { n: Long, b?: Bool, s?: String, ip?: ipaddr,\n"
    "  dt?: datetime, du?: duration, de?: decimal, u?: U, e?: E, act?: "
    "Action,\n"
    "  r?: { x: Long, y?: ipaddr }, addr?: { home: Addr, \"odd key\"?: Long "
    "},\n"
    "  set?: Set<Long>, us?: Set<U>, ips?: Set<ipaddr>, em?: {},\n"
    "  deep?: Set<{ a: Set<E> }> } tags ipaddr;\n"
    "entity T;\n"
    "action a in [b] appliesTo { principal: [U, E], resource: [T],\n"
    "  context: { u?: U, i?: ipaddr, e?: E, long?: Long, r?: Addr } };\n"
    "action b in [c];\n"
    "action c;\n"
    "action strict appliesTo { principal: U, resource: U,\n"
    "  context: { ok: Bool, addr: Addr, tags: Set<String> } };\n";

static struct cedar_schema *schema;
static struct ts_arena arena;
static struct cedar_diags diags;

static int setup_schema(void **state)
{
    struct cedar_source src = {.name = "schema",
                               .text = ts_str_of(schema_text)};

    (void)state;
    return cedar_schema_parse(&src, 1, &schema, &diags) == TS_OK ? 0 : -1;
}

static int teardown_schema(void **state)
{
    (void)state;
    cedar_schema_free(schema);
    schema = NULL;
    return 0;
}

static int setup(void **state)
{
    (void)state;
    ts_arena_init(&arena, (size_t)8 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ts_arena_done(&arena);
    return 0;
}

static ts_err load(const char *text, size_t len, struct cedar_entities **ret)
{
    struct cedar_source src = {.name = "e", .text = {text, len}};

    return cedar_entities_parse_schema(schema, &src, 1, ret, &diags);
}

static ts_err load_text(const char *text, struct cedar_entities **ret)
{
    return load(text, strlen(text), ret);
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

static struct cedar_uid uid(const char *type, const char *id)
{
    return cedar_uid_make(ts_str_of(type), ts_str_of(id));
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
        assert_int_equal(diags.errors, 0);
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
        assert_true(diags.errors > 0);
        assert_string_equal(diags.list[0].code, rows[i].code);
        assert_non_null(strstr(diags.list[0].text, rows[i].says));
        assert_int_equal(diags.list[0].span.line, 1);
        assert_true(diags.list[0].span.column > 1);
        if (rows[i].hint != NULL)
            assert_non_null(strstr(diags.list[0].hint, rows[i].hint));
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

#define ENT(type, id, attrs, parents)                                          \
    "{\"uid\":{\"type\":\"" type "\",\"id\":\"" id "\"},\"attrs\":{" attrs     \
    "},\"parents\":[" parents "]}"
#define REF(type, id) "{\"type\":\"" type "\",\"id\":\"" id "\"}"

static void entities_parse_schema_refuses_entities(void **state)
{
    static const struct refusal rows[] = {
        {"[" ENT("X", "t", "", "") "]", "unknown_type", "`X`", NULL},
        {"[" ENT("g2", "t", "", "") "]", "unknown_type", "`g2`",
         "did you mean `G2`"},
        {"[" ENT("U", "u", "", "") "]", "missing_attribute",
         "U::\"u\" has no attribute `n`", NULL},
        {"[" ENT("E", "q", "", "") "]", "unknown_enum_id", "\"q\"", NULL},
        {"[" ENT("E", "a", "", REF("G", "g")) "]", "wrong_parent",
         "E::\"a\" may not be in an entity of type `G`", NULL},
        {"[" ENT("U", "u", "\"n\":1", REF("U", "v")) "]", "wrong_parent", "`U`",
         "`G`"},
        {"[" ENT("U", "u", "\"n\":1", REF("XX", "v")) "]", "wrong_parent",
         "`XX`", NULL},
        {"[" ENT("U", "u", "\"n\":1", REF("Action", "a")) "]", "wrong_parent",
         "`Action`", NULL},
        {"[" ENT("G", "g", "", REF("G2", "1") "," REF("G", "2")) "]",
         "wrong_parent", "`G`", NULL},
        {"[" ENT("G", "g", "\"a\":1", "") "]", "unknown_attribute", ".a", NULL},
        {"[{\"uid\":" REF("T", "t") ",\"attrs\":{},\"parents\":[],\"tags\":"
                                    "{\"k\":1}}]",
         "unexpected_tag", "T::\"t\".getTag(\"k\")", NULL},
        {"[{\"uid\":" REF("U", "u") ",\"attrs\":{\"n\":1},\"parents\":[],"
                                    "\"tags\":{\"k\":1}}]",
         "wrong_type", "U::\"u\".getTag(\"k\") should be ipaddr", NULL},
        {"[{\"uid\":" REF("U", "u") ",\"attrs\":{\"n\":1},\"parents\":[],"
                                    "\"tags\":[]}]",
         "bad_entity", "tags", NULL},
        {"[{\"uid\":" REF("U", "u") ",\"attrs\":[],\"parents\":[]}]",
         "bad_entity", "attrs", NULL},
        {"[{\"uid\":" REF("U", "u") ",\"attrs\":{\"n\":1},\"parents\":{}}]",
         "bad_entity", "parents", NULL},
        {"[" ENT("Action", "q", "", "") "]", "unknown_action", "Action::\"q\"",
         NULL},
        {"[" ENT("X::Action", "a", "", "") "]", "unknown_action", "X::Action",
         NULL},
        {"[" ENT("Action", "a", "", "") "]", "action_differs", "Action::\"a\"",
         NULL},
        {"[" ENT("Action", "a", "", REF("Action", "b")) "]", "action_differs",
         "", NULL},
        {"[" ENT("Action", "c", "\"x\":1", "") "]", "action_differs", "", NULL},
        {"[" ENT("Action", "b", "", REF("Action", "a")) "]", "action_differs",
         "", NULL},
        {"[{\"uid\":" REF("Action", "c") ",\"attrs\":{},\"parents\":[],"
                                         "\"tags\":{\"x\":1}}]",
         "action_differs", "", NULL},
        {"[" ENT("Action", "c", "", REF("U", "a")) "]", "bad_entity",
         "which is none", NULL},
        {"[" ENT("U", "u", "\"n\":1", "") "," ENT("U", "u", "\"n\":2", "") "]",
         "duplicate_entity", "U::", NULL},
        {"[" ENT("S", "1", "", REF("S", "2")) "," ENT("S", "2", "",
                                                      REF("S", "1")) "]",
         "cycle", "S::", NULL},
    };

    (void)state;
    refuse_all(rows, N(rows), false);
}

static void entities_parse_schema_accepts_entities(void **state)
{
    static const char *const rows[] = {
        "[]",
        "[" ENT("S", "1", "", REF("S", "2")) "]",
        "[" ENT("U", "u", "\"n\":1", REF("G", "g") "," REF("G2", "h")) "]",
        "[" ENT("E", "a", "", "") "]",
        "[" ENT("Action", "c", "", "") "]",
        "[" ENT("Action", "a", "",
                REF("Action", "b") "," REF("Action", "c")) "]",
        "[" ENT("Action", "a", "", REF("Action", "b")) "," ENT(
            "Action", "b", "", REF("Action", "c")) "]",
        "[" ENT("U", "u", "\"n\":1,\"ip\":\"1.1.1.1\"", "") "," ENT(
            "U", "u", "\"ip\":{\"fn\":\"ip\",\"arg\":\"1.1.1.1/32\"},\"n\":1",
            "") "]",
        "[{\"uid\":" REF("T", "t") ",\"attrs\":{},\"parents\":[],\"tags\":{}}]",
        "[{\"uid\":" REF("U", "u") ",\"attrs\":{\"n\":1},\"parents\":[],"
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
    struct cedar_source src = {.name = "s", .text = ts_str_of(schema_text)};
    struct cedar_source none = {.name = "e", .text = TS_STR_LIT("[]")};
    const struct cedar_uid *const *up;
    struct cedar_entities *e = NULL;
    struct cedar_schema *own = NULL;
    struct cedar_uid a = uid("Action", "a"), b = uid("Action", "b");

    (void)state;
    assert_int_equal(cedar_schema_parse(&src, 1, &own, &diags), TS_OK);
    assert_int_equal(cedar_entities_parse_schema(own, &none, 1, &e, &diags),
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
        load_text("[" ENT("U", "1", "\"zz\":1,\"b\":1,\"r\":{}", "") ",\n" ENT(
                      "X", "2", "", "") ",\n" ENT("U", "3", "\"n\":1",
                                                  REF("T", "t")) "]",
                  &e),
        TS_E_FORMAT);
    /* U::"1": b, r.x, zz and n; X; the parent of U::"3" */
    assert_int_equal(diags.errors, 6);
    assert_int_equal(diags.list[4].span.line, 2);
    assert_int_equal(diags.list[5].span.line, 3);
    assert_null(e);
}

/* ---- contexts ----------------------------------------------------------- */

static ts_err context(const char *action, const char *text,
                      struct cedar_value *ret)
{
    struct cedar_source src = {.name = "c", .text = ts_str_of(text)};
    struct cedar_uid act = uid("Action", action);

    return cedar_context_parse(&arena, schema, &act, &src, ret, &diags);
}

static void context_parse_coerces_and_refuses(void **state)
{
    static const struct {
        const char *action, *text, *code; /* NULL: accepted */
        const char *says;
    } rows[] = {
        {"a", "{}", NULL, ""},
        {"a", "{\"u\":{\"type\":\"U\",\"id\":\"x\"},\"i\":\"::1\"}", NULL, ""},
        {"a", "{\"r\":{\"zip\":5}}", NULL, ""},
        {"a", "{\"r\":{\"zip\":true}}", "wrong_type",
         "context.r.zip should be Long but is Bool"},
        {"a", "{\"e\":{\"type\":\"E\",\"id\":\"zz\"}}", "unknown_enum_id",
         "context.e"},
        {"a", "{\"x\":1}", "unknown_attribute", "context.x"},
        {"a", "[]", "wrong_type", "context should be"},
        {"a", "{\"i\":\"q\"}", "bad_value", "context.i: "},
        {"b", "{}", NULL, ""},
        {"b", "{\"x\":1}", "unknown_attribute", "context.x"},
        {"strict", "{}", "missing_attribute", "context has no attribute `ok`"},
        {"strict", "{\"ok\":true,\"addr\":{\"zip\":1},\"tags\":[\"a\"]}", NULL,
         ""},
        {"strict", "{\"ok\":true,\"addr\":{},\"tags\":[\"a\"]}",
         "missing_attribute", "context.addr has no attribute `zip`"},
        {"strict", "{\"ok\":true,\"addr\":{\"zip\":1},\"tags\":[\"a\",1]}",
         "wrong_type", "context.tags[1]"},
        {"strict", "{\"ok\":1", "bad_json", ""},
        {"nope", "{}", "unknown_action", "Action::\"nope\""},
    };

    (void)state;
    for (size_t i = 0; i < N(rows); i++) {
        struct cedar_value v = {0};
        ts_err e = context(rows[i].action, rows[i].text, &v);

        assert_int_equal(e == TS_OK, rows[i].code == NULL);
        assert_int_equal(v.kind, e == TS_OK ? CEDAR_RECORD : CEDAR_NONE);
        if (rows[i].code == NULL)
            continue;
        assert_string_equal(diags.list[0].code, rows[i].code);
        assert_non_null(strstr(diags.list[0].text, rows[i].says));
    }
}

static void context_parse_without_schema_coerces_nothing(void **state)
{
    struct cedar_source src = {.name = "c",
                               .text = TS_STR_LIT("{\"i\":\"::1\"}")};
    struct cedar_source bad = {.name = "c", .text = TS_STR_LIT("[1]")};
    struct cedar_uid act = uid("Action", "whatever");
    struct cedar_value v = {0};

    (void)state;
    assert_int_equal(cedar_context_parse(&arena, NULL, &act, &src, &v, &diags),
                     TS_OK);
    assert_int_equal(cedar_record_at(v.as.record, 0)->value.kind, CEDAR_STRING);
    assert_int_equal(cedar_context_parse(&arena, NULL, &act, &bad, &v, &diags),
                     TS_E_FORMAT);
    assert_int_equal(diags.errors, 1);
}

/* ---- requests ----------------------------------------------------------- */

static struct cedar_value record(const struct cedar_field *fields, size_t n)
{
    struct cedar_value v = {0};

    assert_int_equal(cedar_record_make(&arena, fields, n, &v), TS_OK);
    return v;
}

/* With and without somebody to tell, the answer is the same. */
static bool request_ok(const struct cedar_request *req)
{
    ts_err quiet = cedar_request_check(schema, req, NULL);
    ts_err e = cedar_request_check(schema, req, &diags);

    assert_int_equal(quiet, e);
    assert_true(e == TS_OK || e == TS_E_INVALID);
    assert_int_equal(e == TS_OK, diags.errors == 0);
    return e == TS_OK;
}

static void request_check_table_of_types(void **state)
{
    static const struct {
        const char *principal, *id, *action, *resource;
        const char *code; /* NULL: fits */
    } rows[] = {
        {"U", "x", "a", "T", NULL},
        {"E", "a", "a", "T", NULL},
        {"E", "z", "a", "T", "unknown_enum_id"},
        {"T", "x", "a", "T", "not_applicable"},
        {"X", "x", "a", "T", "unknown_type"},
        {"Action", "a", "a", "T", "unknown_type"},
        {"U", "x", "a", "U", "not_applicable"},
        {"U", "x", "a", "X", "unknown_type"},
        {"U", "x", "b", "T", "not_applicable"},
        {"U", "x", "q", "T", "unknown_action"},
    };

    (void)state;
    for (size_t i = 0; i < N(rows); i++) {
        struct cedar_request req = {
            .principal = uid(rows[i].principal, rows[i].id),
            .action = uid("Action", rows[i].action),
            .resource = uid(rows[i].resource, "r"),
            .context = record(NULL, 0),
        };

        assert_int_equal(request_ok(&req), rows[i].code == NULL);
        if (rows[i].code != NULL)
            assert_string_equal(diags.list[0].code, rows[i].code);
        req.context = cedar_long(1); /* not looked at */
        assert_int_equal(cedar_request_check_uids(schema, &req, NULL),
                         rows[i].code == NULL ? TS_OK : TS_E_INVALID);
        assert_int_equal(cedar_request_check_uids(schema, &req, &diags),
                         rows[i].code == NULL ? TS_OK : TS_E_INVALID);
        if (rows[i].code != NULL)
            assert_string_equal(diags.list[0].code, rows[i].code);
    }
}

static void request_check_context_must_be_a_record(void **state)
{
    struct cedar_request req = {.principal = uid("U", "u"),
                                .action = uid("Action", "a"),
                                .resource = uid("T", "t")};

    (void)state;
    assert_false(request_ok(&req)); /* CEDAR_NONE */
    req.context = cedar_long(1);
    assert_false(request_ok(&req));
    req.context = record(NULL, 0);
    assert_true(request_ok(&req));
}

static void request_check_reports_every_attribute(void **state)
{
    struct cedar_value set;
    struct cedar_value members[] = {cedar_long(1),
                                    cedar_string(TS_STR_LIT("a"))};
    struct cedar_field fields[] = {
        {TS_STR_LIT("oc"), cedar_bool(true)},
        {TS_STR_LIT("addr"), cedar_long(1)},
        {TS_STR_LIT("tags"), {0}},
    };
    struct cedar_request req = {.principal = uid("U", "u"),
                                .action = uid("Action", "strict"),
                                .resource = uid("U", "t")};

    (void)state;
    assert_int_equal(cedar_set_make(&arena, members, 2, &set), TS_OK);
    fields[2].value = set;
    req.context = record(fields, 3);
    assert_false(request_ok(&req));
    assert_int_equal(diags.errors, 4);
    assert_string_equal(diags.list[0].code, "unknown_attribute");
    assert_string_equal(diags.list[0].hint, "did you mean `ok`?");
    assert_string_equal(diags.list[1].code, "missing_attribute");
    assert_string_equal(diags.list[2].code, "wrong_type");
    assert_non_null(strstr(diags.list[3].text, "context.tags["));
}

static void overlay_check_is_like_an_entity(void **state)
{
    struct cedar_uid g = uid("G", "g"), t = uid("T", "t");
    struct cedar_field n = {TS_STR_LIT("n"), cedar_long(1)};
    struct cedar_field bad = {TS_STR_LIT("n"), cedar_bool(true)};
    const struct {
        struct cedar_overlay o;
        bool ok;
    } rows[] = {
        {{.uid = uid("U", "u"), .attrs = record(&n, 1)}, true},
        {{.uid = uid("U", "u"),
          .attrs = record(&n, 1),
          .ancestors = &g,
          .ancestor_count = 1},
         true},
        {{.uid = uid("U", "u"),
          .attrs = record(&n, 1),
          .ancestors = &t,
          .ancestor_count = 1},
         false},
        {{.uid = uid("U", "u"), .attrs = record(&bad, 1)}, false},
        {{.uid = uid("U", "u"), .attrs = cedar_long(1)}, false},
        {{.uid = uid("U", "u")}, false},
        {{.uid = uid("T", "t")}, true},
        {{.uid = uid("E", "a")}, true},
        {{.uid = uid("E", "c")}, false},
        {{.uid = uid("X", "c")}, false},
        {{.uid = uid("Action", "a")}, false},
    };

    (void)state;
    for (size_t i = 0; i < N(rows); i++) {
        ts_err e = cedar_overlay_check(schema, &rows[i].o, &diags);

        assert_int_equal(e, rows[i].ok ? TS_OK : TS_E_INVALID);
        assert_int_equal(diags.errors > 0, !rows[i].ok);
        assert_int_equal(cedar_overlay_check(schema, &rows[i].o, NULL), e);
    }
}

/* ---- properties ---------------------------------------------------------- */

static uint64_t seed;

static uint32_t next(uint32_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % below;
}

struct text {
    char s[8192];
    size_t len;
};

static void TS_PRINTF(2, 3) add(struct text *t, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(t->s + t->len, sizeof(t->s) - t->len, fmt, ap);
    va_end(ap);
    assert_true(n >= 0 && (size_t)n < sizeof(t->s) - t->len);
    t->len += (size_t)n;
}

/* An extension value in one of its four spellings. */
static void add_ext(struct text *t, const char *fn, const char *arg)
{
    switch (next(4)) {
    case 0:
        add(t, "\"%s\"", arg);
        break;
    case 1:
        add(t, "{\"fn\":\"%s\",\"arg\":\"%s\"}", fn, arg);
        break;
    case 2:
        add(t, "{\"fn\":\"%s\",\"args\":[\"%s\"]}", fn, arg);
        break;
    default:
        add(t, "{\"__extn\":{\"fn\":\"%s\",\"arg\":\"%s\"}}", fn, arg);
    }
}

static void add_entity(struct text *t, const char *type, const char *id)
{
    if (next(2) == 0)
        add(t, "{\"type\":\"%s\",\"id\":\"%s\"}", type, id);
    else
        add(t, "{\"__entity\":{\"type\":\"%s\",\"id\":\"%s\"}}", type, id);
}

/* Random attributes of U, as JSON and as the value they stand for. */
static struct cedar_value random_attrs(struct text *t)
{
    static const char *const ips[] = {"1.2.3.4", "10.0.0.0/8", "::1"};
    static const char *const decs[] = {"1.5", "-0.0001", "922337203685477.58"};
    struct cedar_field f[8], r[2];
    struct cedar_value v[3];
    struct cedar_uid *ids;
    size_t n = 0, m = next(3);
    uint32_t ip = next(3), dec = next(3);
    int64_t num = (int64_t)next(1000) - 500;
    void *mem;

    assert_int_equal(ts_arena_array(&arena, 2, sizeof(*ids), &mem), TS_OK);
    ids = mem;
    ids[0] = uid("U", "x");
    ids[1] = uid("E", next(2) == 0 ? "a" : "b");
    add(t, "{\"n\":%d", (int)num);
    f[n++] = (struct cedar_field){TS_STR_LIT("n"), cedar_long(num)};
    add(t, ",\"ip\":");
    add_ext(t, "ip", ips[ip]);
    f[n].key = TS_STR_LIT("ip");
    assert_int_equal(cedar_ipaddr(ts_str_of(ips[ip]), &f[n++].value), TS_OK);
    add(t, ",\"de\":");
    add_ext(t, "decimal", decs[dec]);
    f[n].key = TS_STR_LIT("de");
    assert_int_equal(cedar_decimal(ts_str_of(decs[dec]), &f[n++].value), TS_OK);
    add(t, ",\"u\":");
    add_entity(t, "U", "x");
    f[n++] = (struct cedar_field){TS_STR_LIT("u"), cedar_entity(&ids[0])};
    add(t, ",\"e\":");
    add_entity(t, "E", ids[1].id.ptr);
    f[n++] = (struct cedar_field){TS_STR_LIT("e"), cedar_entity(&ids[1])};
    add(t, ",\"r\":{\"x\":%u,\"y\":", ip);
    add_ext(t, "ip", ips[ip]);
    add(t, "},\"ips\":[");
    r[0] = (struct cedar_field){TS_STR_LIT("x"), cedar_long(ip)};
    r[1] = (struct cedar_field){TS_STR_LIT("y"), f[1].value};
    f[n++] = (struct cedar_field){TS_STR_LIT("r"), record(r, 2)};
    for (size_t i = 0; i < m; i++) {
        add(t, "%s", i > 0 ? "," : "");
        add_ext(t, "ip", ips[i]);
        assert_int_equal(cedar_ipaddr(ts_str_of(ips[i]), &v[i]), TS_OK);
    }
    add(t, "]}");
    f[n].key = TS_STR_LIT("ips");
    assert_int_equal(cedar_set_make(&arena, v, m, &f[n++].value), TS_OK);
    return record(f, n);
}

static void entities_parse_schema_gives_back_what_was_written(void **state)
{
    struct cedar_uid u = uid("U", "u");

    (void)state;
    for (seed = 1; seed < 4000;) {
        uint64_t round = seed;
        struct text t = {.len = 0};
        struct cedar_entities *e = NULL;
        struct cedar_value want, got = {.kind = CEDAR_RECORD};
        struct cedar_overlay o = {.uid = u};

        add(&t, "[{\"uid\":{\"type\":\"U\",\"id\":\"u\"},\"parents\":[],"
                "\"attrs\":");
        want = random_attrs(&t);
        add(&t, "}]");
        assert_int_equal(load(t.s, t.len, &e), TS_OK);
        got.as.record = cedar_entity_attrs(e, &u);
        assert_true(cedar_value_eq(&want, &got));
        /* what was read fits, as the other door sees it too */
        o.attrs = got;
        assert_int_equal(cedar_overlay_check(schema, &o, &diags), TS_OK);
        cedar_entities_free(e);
        ts_arena_reset(&arena);
        seed = round + 1;
    }
}

static const char whole[] = "[" ENT(
    "U", "u",
    "\"n\":1,\"ip\":\"::1\",\"addr\":{\"home\":{\"zip\":1}},\"dt\":{\"fn\":"
    "\"offset\",\"args\":[\"2020-01-01\",\"1h\"]},\"us\":[{\"type\":\"U\","
    "\"id\":\"1\"}],\"e\":{\"__entity\":{\"type\":\"E\",\"id\":\"a\"}}",
    REF("G", "g")) "," ENT("Action", "b", "", REF("Action", "c")) "]";

static void entities_parse_schema_truncation_and_flip_are_survived(void **state)
{
    char copy[sizeof(whole)];

    (void)state;
    for (size_t n = 0; n < sizeof(whole) - 1; n++) {
        struct cedar_entities *e = NULL;

        assert_int_equal(load(whole, n, &e), TS_E_FORMAT);
        assert_true(diags.errors > 0);
        assert_null(e);
    }
    for (size_t bit = 0; bit < (sizeof(whole) - 1) * 8; bit++) {
        struct cedar_entities *e = NULL;

        memcpy(copy, whole, sizeof(whole));
        copy[bit / 8] = (char)(copy[bit / 8] ^ (1 << (bit % 8)));
        if (load(copy, sizeof(whole) - 1, &e) != TS_OK) {
            assert_true(diags.errors > 0);
            assert_null(e);
        }
        cedar_entities_free(e);
    }
}

static ts_err all_doors(const void *arg)
{
    static const char text[] =
        "{\"ok\":true,\"addr\":{\"zip\":1},\"tags\":[\"a\"]}";
    struct cedar_source src = {.name = "c", .text = {text, sizeof(text) - 1}};
    struct cedar_uid act = uid("Action", "strict");
    struct cedar_entities *e = NULL;
    struct cedar_value v;
    struct ts_arena a;
    ts_err err;

    (void)arg;
    ts_arena_init(&a, 1 << 20);
    err = load(whole, sizeof(whole) - 1, &e);
    if (err == TS_OK)
        err = cedar_context_parse(&a, schema, &act, &src, &v, &diags);
    cedar_entities_free(e);
    ts_arena_done(&a);
    return err;
}

static void parse_every_failed_allocation_is_reported(void **state)
{
    (void)state;
    fault_mem_sweep(all_doors, NULL, TS_OK, 5);
}

/* Many mistakes cost no more than they are worth: only so many are described.
 */
static void entities_parse_schema_many_mistakes_are_bounded(void **state)
{
    static char text[400000];
    struct cedar_entities *e = NULL;
    size_t len = 0;

    (void)state;
    len += (size_t)snprintf(text, sizeof(text),
                            "[{\"uid\":{\"type\":\"U\",\"id\":\"u\"},"
                            "\"parents\":[],\"attrs\":{\"n\":1");
    for (unsigned i = 0; i < 20000; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, ",\"k%u\":%u",
                                i, i);
    len += (size_t)snprintf(text + len, sizeof(text) - len, "}}]");
    assert_int_equal(load(text, len, &e), TS_E_FORMAT);
    assert_int_equal(diags.errors, CEDAR_DIAGS_MAX);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(entities_parse_schema_accepts_what_cedar_accepts),
        T(entities_parse_schema_refuses_attributes),
        T(entities_parse_schema_refuses_entities),
        T(entities_parse_schema_accepts_entities),
        T(entities_parse_schema_adds_all_actions),
        T(entities_parse_schema_says_all_that_is_wrong),
        T(context_parse_coerces_and_refuses),
        T(context_parse_without_schema_coerces_nothing),
        T(request_check_table_of_types),
        T(request_check_context_must_be_a_record),
        T(request_check_reports_every_attribute),
        T(overlay_check_is_like_an_entity),
        T(entities_parse_schema_gives_back_what_was_written),
        T(entities_parse_schema_truncation_and_flip_are_survived),
        T(parse_every_failed_allocation_is_reported),
        T(entities_parse_schema_many_mistakes_are_bounded),
    };
    return cmocka_run_group_tests(tests, setup_schema, teardown_schema);
}
