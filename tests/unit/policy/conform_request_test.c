/* Contexts, requests and overlays against a schema. What is accepted and what
 * is refused was asked of the official engine, row by row. */
#include "tests/lib/ts_test.h"

#include <string.h>

#include "conform_help.h"
#include "policy/cedar_schema.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

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
        ts_err e = cf_context(rows[i].action, rows[i].text, &v);

        assert_int_equal(e == TS_OK, rows[i].code == NULL);
        assert_int_equal(v.kind, e == TS_OK ? CEDAR_RECORD : CEDAR_NONE);
        if (rows[i].code == NULL)
            continue;
        assert_string_equal(cf_diags.list[0].code, rows[i].code);
        assert_non_null(strstr(cf_diags.list[0].text, rows[i].says));
    }
}

static void context_parse_without_schema_coerces_nothing(void **state)
{
    struct cedar_source src = {.name = "c",
                               .text = TS_STR_LIT("{\"i\":\"::1\"}")};
    struct cedar_source bad = {.name = "c", .text = TS_STR_LIT("[1]")};
    struct cedar_uid act = cf_uid("Action", "whatever");
    struct cedar_value v = {0};

    (void)state;
    assert_int_equal(
        cedar_context_parse(&cf_arena, NULL, &act, &src, &v, &cf_diags), TS_OK);
    assert_int_equal(cedar_record_at(v.as.record, 0)->value.kind, CEDAR_STRING);
    assert_int_equal(
        cedar_context_parse(&cf_arena, NULL, &act, &bad, &v, &cf_diags),
        TS_E_FORMAT);
    assert_int_equal(cf_diags.errors, 1);
}

/* With and without somebody to tell, the answer is the same. */
static bool request_ok(const struct cedar_request *req)
{
    ts_err quiet = cedar_request_check(cf_schema, req, NULL);
    ts_err e = cedar_request_check(cf_schema, req, &cf_diags);

    assert_int_equal(quiet, e);
    assert_true(e == TS_OK || e == TS_E_INVALID);
    assert_int_equal(e == TS_OK, cf_diags.errors == 0);
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
            .principal = cf_uid(rows[i].principal, rows[i].id),
            .action = cf_uid("Action", rows[i].action),
            .resource = cf_uid(rows[i].resource, "r"),
            .context = cf_record(NULL, 0),
        };

        assert_int_equal(request_ok(&req), rows[i].code == NULL);
        if (rows[i].code != NULL)
            assert_string_equal(cf_diags.list[0].code, rows[i].code);
        req.context = cedar_long(1); /* not looked at */
        assert_int_equal(cedar_request_check_uids(cf_schema, &req, NULL),
                         rows[i].code == NULL ? TS_OK : TS_E_INVALID);
        assert_int_equal(cedar_request_check_uids(cf_schema, &req, &cf_diags),
                         rows[i].code == NULL ? TS_OK : TS_E_INVALID);
        if (rows[i].code != NULL)
            assert_string_equal(cf_diags.list[0].code, rows[i].code);
    }
}

static void request_check_context_must_be_a_record(void **state)
{
    struct cedar_request req = {.principal = cf_uid("U", "u"),
                                .action = cf_uid("Action", "a"),
                                .resource = cf_uid("T", "t")};

    (void)state;
    assert_false(request_ok(&req)); /* CEDAR_NONE */
    req.context = cedar_long(1);
    assert_false(request_ok(&req));
    req.context = cf_record(NULL, 0);
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
    struct cedar_request req = {.principal = cf_uid("U", "u"),
                                .action = cf_uid("Action", "strict"),
                                .resource = cf_uid("U", "t")};

    (void)state;
    assert_int_equal(cedar_set_make(&cf_arena, members, 2, &set), TS_OK);
    fields[2].value = set;
    req.context = cf_record(fields, 3);
    assert_false(request_ok(&req));
    assert_int_equal(cf_diags.errors, 4);
    assert_string_equal(cf_diags.list[0].code, "unknown_attribute");
    assert_string_equal(cf_diags.list[0].hint, "did you mean `ok`?");
    assert_string_equal(cf_diags.list[1].code, "missing_attribute");
    assert_string_equal(cf_diags.list[2].code, "wrong_type");
    assert_non_null(strstr(cf_diags.list[3].text, "context.tags["));
}

static struct cedar_value address(void)
{
    struct cedar_value v;

    assert_int_equal(cedar_ipaddr(TS_STR_LIT("10.0.0.1"), &v), TS_OK);
    return v;
}

static void overlay_check_is_like_an_entity(void **state)
{
    struct cedar_uid g = cf_uid("G", "g"), t = cf_uid("T", "t");
    struct cedar_field n = {TS_STR_LIT("n"), cedar_long(1)};
    struct cedar_field bad = {TS_STR_LIT("n"), cedar_bool(true)};
    struct cedar_field ip = {TS_STR_LIT("x"), address()};
    struct cedar_field no_ip = {TS_STR_LIT("x"), cedar_long(1)};
    const struct {
        struct cedar_overlay o;
        bool ok;
    } rows[] = {
        {{.uid = cf_uid("U", "u"), .attrs = cf_record(&n, 1)}, true},
        {{.uid = cf_uid("U", "u"),
          .attrs = cf_record(&n, 1),
          .ancestors = &g,
          .ancestor_count = 1},
         true},
        {{.uid = cf_uid("U", "u"),
          .attrs = cf_record(&n, 1),
          .ancestors = &t,
          .ancestor_count = 1},
         false},
        {{.uid = cf_uid("U", "u"), .attrs = cf_record(&bad, 1)}, false},
        {{.uid = cf_uid("U", "u"), .attrs = cedar_long(1)}, false},
        {{.uid = cf_uid("U", "u")}, false},
        {{.uid = cf_uid("T", "t")}, true},
        {{.uid = cf_uid("U", "u"),
          .attrs = cf_record(&n, 1),
          .tags = cf_record(&ip, 1)},
         true},
        {{.uid = cf_uid("U", "u"),
          .attrs = cf_record(&n, 1),
          .tags = cf_record(&no_ip, 1)},
         false},
        {{.uid = cf_uid("U", "u"),
          .attrs = cf_record(&n, 1),
          .tags = cedar_long(1)},
         false},
        {{.uid = cf_uid("T", "t"), .tags = cf_record(&ip, 1)}, false},
        {{.uid = cf_uid("E", "a")}, true},
        {{.uid = cf_uid("E", "c")}, false},
        {{.uid = cf_uid("X", "c")}, false},
        {{.uid = cf_uid("Action", "a")}, false},
    };

    (void)state;
    for (size_t i = 0; i < N(rows); i++) {
        ts_err e = cedar_overlay_check(cf_schema, &rows[i].o, &cf_diags);

        assert_int_equal(e, rows[i].ok ? TS_OK : TS_E_INVALID);
        assert_int_equal(cf_diags.errors > 0, !rows[i].ok);
        assert_int_equal(cedar_overlay_check(cf_schema, &rows[i].o, NULL), e);
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, cf_setup, cf_teardown)

#define T(f) cmocka_unit_test_setup_teardown(f, cf_setup, cf_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(context_parse_coerces_and_refuses),
        T(context_parse_without_schema_coerces_nothing),
        T(request_check_table_of_types),
        T(request_check_context_must_be_a_record),
        T(request_check_reports_every_attribute),
        T(overlay_check_is_like_an_entity),
    };

    return cmocka_run_group_tests(tests, cf_setup_schema, cf_teardown_schema);
}
