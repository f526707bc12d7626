/* Policies as trees: names, links, and the sets that they compile to. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "policy/cedar_text.h"
#include "tests/lib/fault_mem.h"

static struct cedar_diags diags;

static struct cedar_ast *tree(const char *text, bool require_id)
{
    struct cedar_options o = cedar_options_default;
    struct cedar_source src = {.name = "p.cedar", .text = ts_str_of(text)};
    struct cedar_ast *a = NULL;
    ts_err e;

    o.require_id = require_id;
    e = cedar_ast_parse(&src, 1, &o, &a, &diags);
    if (e != TS_OK)
        print_error("%s: %s\n", text, diags.list[0].text);
    assert_int_equal(e, TS_OK);
    return a;
}

static ts_err fails(const char *text, bool require_id)
{
    struct cedar_options o = cedar_options_default;
    struct cedar_source src = {.name = "p.cedar", .text = ts_str_of(text)};
    struct cedar_ast *a = NULL;
    ts_err e;

    o.require_id = require_id;
    e = cedar_ast_parse(&src, 1, &o, &a, &diags);
    assert_null(a);
    return e;
}

static struct cedar_uid user(const char *id)
{
    return cedar_uid_make(TS_STR_LIT("U"), ts_str_of(id));
}

static void assert_id(const struct cedar_ast *a, size_t i, const char *id)
{
    struct ts_str got = cedar_ast_info(a, i).id;

    assert_int_equal(got.len, strlen(id));
    assert_memory_equal(got.ptr, id, got.len);
}

/* Ids of the reasons for U::"a" doing Action::"v" to R::"r". */
static void ask(const struct cedar_policies *p, const char *principal,
                char *out, size_t cap)
{
    struct cedar_source es = {.name = "e", .text = TS_STR_LIT("[]")};
    struct cedar_request req = {
        .principal = user(principal),
        .action = cedar_uid_make(TS_STR_LIT("Action"), TS_STR_LIT("v")),
        .resource = cedar_uid_make(TS_STR_LIT("R"), TS_STR_LIT("r"))};
    struct cedar_entities *e = NULL;
    struct cedar_answer answer;
    struct ts_arena arena;
    size_t n = 0;

    ts_arena_init(&arena, 1 << 20);
    assert_int_equal(cedar_record_make(&arena, NULL, 0, &req.context), TS_OK);
    assert_int_equal(cedar_entities_parse(&es, 1, &e, &diags), TS_OK);
    assert_int_equal(cedar_authorize(p, e, &req, &arena, &answer), TS_OK);
    out[0] = '\0';
    for (uint32_t i = 0; i < answer.reason_count; i++) {
        struct ts_str id = cedar_policies_info(p, answer.reasons[i]).id;

        n += (size_t)snprintf(out + n, cap - n, "%s%.*s", i > 0 ? " " : "",
                              (int)id.len, id.ptr);
    }
    cedar_entities_free(e);
    ts_arena_done(&arena);
}

static void ast_parse_names_by_place_templates_counted(void **state)
{
    struct cedar_ast *a = tree("permit(principal,action,resource);"
                               "permit(principal==?principal,action,resource);"
                               "@id(\"x\")forbid(principal,action,resource);",
                               false);

    (void)state;
    assert_int_equal(cedar_ast_count(a), 3);
    assert_id(a, 0, "policy0");
    assert_id(a, 1, "policy1");
    assert_id(a, 2, "policy2");
    assert_int_equal(cedar_ast_info(a, 0).kind, CEDAR_STATIC);
    assert_int_equal(cedar_ast_info(a, 1).kind, CEDAR_TEMPLATE);
    assert_true(cedar_ast_info(a, 1).slot_principal);
    assert_false(cedar_ast_info(a, 1).slot_resource);
    assert_int_equal(cedar_ast_info(a, 2).effect, CEDAR_FORBID);
    cedar_ast_free(a);
}

static void ast_parse_names_by_annotation(void **state)
{
    struct cedar_ast *a =
        tree("@id(\"t\")@n permit(principal in ?principal,action,resource);"
             "@id(\"s\")permit(principal,action,resource);",
             true);
    struct ts_str v;

    (void)state;
    assert_id(a, 0, "t");
    assert_id(a, 1, "s");
    assert_true(cedar_ast_annotation(a, 0, "n", &v));
    assert_int_equal(v.len, 0);
    assert_false(cedar_ast_annotation(a, 1, "n", &v));
    cedar_ast_free(a);
}

static void ast_parse_prefers_an_id_where_there_is_one(void **state)
{
    struct cedar_options o = cedar_options_default;
    struct cedar_source src = {
        .name = "p.cedar",
        .text = TS_STR_LIT("@id(\"x\")permit(principal,action,resource);"
                           "permit(principal,action,resource);"
                           "@id permit(principal,action,resource);")};
    struct cedar_ast *a = NULL;

    (void)state;
    o.require_id = false;
    o.prefer_id = true;
    assert_int_equal(cedar_ast_parse(&src, 1, &o, &a, &diags), TS_OK);
    assert_id(a, 0, "x");
    assert_id(a, 1, "policy1");
    assert_id(a, 2, "");
    cedar_ast_free(a);
    a = NULL;
    src.text = TS_STR_LIT("@id(\"policy1\")permit(principal,action,resource);"
                          "permit(principal,action,resource);");
    assert_int_equal(cedar_ast_parse(&src, 1, &o, &a, &diags), TS_E_FORMAT);
    assert_null(a);
    assert_string_equal(diags.list[0].code, "duplicate_id");
}

static void ast_parse_missing_and_duplicate_ids_refused(void **state)
{
    (void)state;
    assert_int_equal(fails("permit(principal,action,resource);"
                           "@id(\"\")permit(principal,action,resource);",
                           true),
                     TS_E_FORMAT);
    assert_int_equal(diags.count, 2);
    assert_string_equal(diags.list[0].code, "missing_id");
    assert_int_equal(
        fails("@id(\"a\")permit(principal,action,resource);"
              "@id(\"b\")permit(principal,action,resource);\n"
              "@id(\"a\")permit(principal==?principal,action,resource);",
              true),
        TS_E_FORMAT);
    assert_int_equal(diags.count, 1);
    assert_string_equal(diags.list[0].code, "duplicate_id");
    assert_int_equal(diags.list[0].span.line, 2);
}

static void ast_parse_duplicate_key_refused_even_in_a_template(void **state)
{
    (void)state;
    assert_int_equal(fails("permit(principal==?principal,action,resource)when{"
                           "[{a:1,b:{c:1,\"c\":2},\"a\":3}].isEmpty()};",
                           false),
                     TS_E_FORMAT);
    assert_int_equal(diags.count, 2);
    assert_string_equal(diags.list[0].text,
                        "duplicate key `a` in record literal");
    assert_int_equal(diags.list[0].span.line, 1);
    assert_string_equal(diags.list[1].text,
                        "duplicate key `c` in record literal");
}

static void ast_outlives_its_text(void **state)
{
    char text[] = "@k(\"v\")permit(principal is U,action,resource)when{"
                  "{attr:1}.attr==1};";
    struct cedar_ast *a = tree(text, false);
    struct cedar_policies *p = NULL;
    struct ts_str v;
    char out[64];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    assert_true(cedar_ast_annotation(a, 0, "k", &v));
    assert_memory_equal(v.ptr, "v", 1);
    assert_int_equal(cedar_ast_compile(a, &p, &diags), TS_OK);
    cedar_ast_free(a); /* and the set outlives the tree */
    ask(p, "a", out, sizeof(out));
    assert_string_equal(out, "policy0");
    cedar_policies_free(p);
}

static void ast_compile_leaves_templates_behind(void **state)
{
    struct cedar_ast *a = tree("permit(principal==?principal,action,resource);"
                               "permit(principal==U::\"a\",action,resource);",
                               false);
    struct cedar_policies *p = NULL;
    char out[64];

    (void)state;
    assert_int_equal(cedar_ast_compile(a, &p, &diags), TS_OK);
    assert_int_equal(cedar_policies_count(p), 1);
    ask(p, "a", out, sizeof(out));
    assert_string_equal(out, "policy1");
    cedar_policies_free(p);
    cedar_ast_free(a);
}

static const char two_templates[] =
    "@owner(\"o\")permit(principal==?principal,action,resource in ?resource)"
    "when{context==context};"
    "permit(principal is U in ?principal,action,resource)unless{false};"
    "permit(principal==U::\"s\",action,resource);";

static void ast_link_decides_as_the_template_filled(void **state)
{
    struct cedar_ast *a = tree(two_templates, false);
    struct cedar_uid ua = user("a"), ub = user("b");
    struct cedar_uid r = cedar_uid_make(TS_STR_LIT("R"), TS_STR_LIT("r"));
    struct cedar_uid other = cedar_uid_make(TS_STR_LIT("R"), TS_STR_LIT("o"));
    struct cedar_policies *p = NULL;
    struct ts_str v;
    char out[64];

    (void)state;
    assert_int_equal(cedar_ast_link(a, TS_STR_LIT("policy0"), TS_STR_LIT("l1"),
                                    &ua, &r, &diags),
                     TS_OK);
    assert_int_equal(cedar_ast_link(a, TS_STR_LIT("policy0"), TS_STR_LIT("l2"),
                                    &ub, &other, &diags),
                     TS_OK);
    assert_int_equal(cedar_ast_link(a, TS_STR_LIT("policy1"), TS_STR_LIT("l3"),
                                    &ub, NULL, &diags),
                     TS_OK);
    assert_int_equal(cedar_ast_count(a), 6);
    assert_int_equal(cedar_ast_info(a, 3).kind, CEDAR_LINK);
    assert_id(a, 3, "l1");
    assert_memory_equal(cedar_ast_info(a, 5).template_id.ptr, "policy1", 7);
    assert_true(cedar_ast_annotation(a, 3, "owner", &v));
    assert_int_equal(cedar_ast_compile(a, &p, &diags), TS_OK);
    assert_int_equal(cedar_policies_count(p), 4);
    assert_true(cedar_policies_annotation(p, 1, "owner", &v));
    ask(p, "a", out, sizeof(out));
    assert_string_equal(out, "l1");
    ask(p, "b", out, sizeof(out));
    assert_string_equal(out, "l3");
    ask(p, "s", out, sizeof(out));
    assert_string_equal(out, "policy2");
    cedar_policies_free(p);
    cedar_ast_free(a);
}

static void ast_link_that_does_not_fit_refused(void **state)
{
    struct cedar_uid u = user("a");
    struct cedar_uid bad = cedar_uid_make(TS_STR_LIT("U x"), TS_STR_LIT("a"));
    const struct {
        const char *template_id, *id;
        const struct cedar_uid *principal, *resource;
        ts_err err;
        const char *code;
    } rows[] = {
        {"none", "l", &u, NULL, TS_E_NOT_FOUND, "unknown_template"},
        {"policy2", "l", NULL, NULL, TS_E_NOT_FOUND, "unknown_template"},
        {"link", "l", &u, NULL, TS_E_NOT_FOUND, "unknown_template"},
        {"policy1", "policy1", &u, NULL, TS_E_EXISTS, "duplicate_id"},
        {"policy1", "policy2", &u, NULL, TS_E_EXISTS, "duplicate_id"},
        {"policy1", "link", &u, NULL, TS_E_EXISTS, "duplicate_id"},
        {"policy1", "l", NULL, NULL, TS_E_INVALID, "missing_slot"},
        {"policy0", "l", &u, NULL, TS_E_INVALID, "missing_slot"},
        {"policy0", "l", NULL, &u, TS_E_INVALID, "missing_slot"},
        {"policy1", "l", &u, &u, TS_E_INVALID, "unknown_slot"},
        {"policy1", "l", &bad, NULL, TS_E_INVALID, "bad_entity"},
    };
    struct cedar_ast *a = tree(two_templates, false);

    (void)state;
    assert_int_equal(cedar_ast_link(a, TS_STR_LIT("policy1"),
                                    TS_STR_LIT("link"), &u, NULL, &diags),
                     TS_OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(cedar_ast_link(a, ts_str_of(rows[i].template_id),
                                        ts_str_of(rows[i].id),
                                        rows[i].principal, rows[i].resource,
                                        &diags),
                         rows[i].err);
        assert_int_equal(diags.errors, 1);
        assert_string_equal(diags.list[0].code, rows[i].code);
        assert_int_equal(cedar_ast_count(a), 4);
    }
    assert_int_equal(cedar_ast_link(a, TS_STR_LIT("polcy1"), TS_STR_LIT("l"),
                                    &u, NULL, &diags),
                     TS_E_NOT_FOUND);
    assert_string_equal(diags.list[0].hint, "did you mean \"policy1\"?");
    cedar_ast_free(a);
}

/* Ascending names are the worst case of a tree that does not balance. */
static void ast_link_many_names_stay_distinct(void **state)
{
    struct cedar_ast *a =
        tree("permit(principal==?principal,action,resource);", false);
    struct cedar_uid u = user("a");
    struct cedar_policies *p = NULL;
    char id[16];

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        (void)snprintf(id, sizeof(id), "link%08u", i);
        assert_int_equal(cedar_ast_link(a, TS_STR_LIT("policy0"), ts_str_of(id),
                                        &u, NULL, NULL),
                         TS_OK);
    }
    for (unsigned i = 0; i < 20000; i += 997) {
        (void)snprintf(id, sizeof(id), "link%08u", i);
        assert_id(a, 1 + i, id);
        assert_int_equal(cedar_ast_link(a, TS_STR_LIT("policy0"), ts_str_of(id),
                                        &u, NULL, NULL),
                         TS_E_EXISTS);
    }
    assert_int_equal(cedar_ast_compile(a, &p, &diags), TS_OK);
    assert_int_equal(cedar_policies_count(p), 20000);
    cedar_policies_free(p);
    cedar_ast_free(a);
}

static void policies_parse_template_refused(void **state)
{
    struct cedar_source src = {.name = "p", .text = ts_str_of(two_templates)};
    struct cedar_policies *p = NULL;

    (void)state;
    assert_int_equal(
        cedar_policies_parse(&src, 1, &cedar_options_block, &p, &diags),
        TS_E_FORMAT);
    assert_null(p);
    assert_int_equal(diags.count, 2);
    assert_string_equal(diags.list[0].code, "template_not_linked");
}

static ts_err scenario(const void *arg)
{
    struct cedar_source src[2] = {
        {.name = "p", .text = ts_str_of(two_templates)},
        {.name = "q",
         .text = TS_STR_LIT("permit(principal,action,resource)when{"
                            "{a:[1],b:\"x\"} has a.b && [] == [{}]};")}};
    struct cedar_options o = cedar_options_default;
    struct cedar_uid u = user("a"), r = user("r");
    struct cedar_ast *a = NULL;
    struct cedar_policies *p = NULL;
    ts_err e;

    (void)arg;
    o.require_id = false;
    if ((e = cedar_ast_parse(src, 2, &o, &a, NULL)) == TS_OK &&
        (e = cedar_ast_link(a, TS_STR_LIT("policy0"), TS_STR_LIT("l1"), &u, &r,
                            NULL)) == TS_OK &&
        (e = cedar_ast_link(a, TS_STR_LIT("policy1"), TS_STR_LIT("l2"), &u,
                            NULL, NULL)) == TS_OK)
        e = cedar_ast_compile(a, &p, NULL);
    cedar_policies_free(p);
    cedar_ast_free(a);
    return e;
}

static void ast_any_allocation_failing_leaks_nothing(void **state)
{
    (void)state;
    fault_mem_sweep(scenario, NULL, TS_OK, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ast_parse_names_by_place_templates_counted),
        cmocka_unit_test(ast_parse_names_by_annotation),
        cmocka_unit_test(ast_parse_prefers_an_id_where_there_is_one),
        cmocka_unit_test(ast_parse_missing_and_duplicate_ids_refused),
        cmocka_unit_test(ast_parse_duplicate_key_refused_even_in_a_template),
        cmocka_unit_test(ast_outlives_its_text),
        cmocka_unit_test(ast_compile_leaves_templates_behind),
        cmocka_unit_test(ast_link_decides_as_the_template_filled),
        cmocka_unit_test(ast_link_that_does_not_fit_refused),
        cmocka_unit_test(ast_link_many_names_stay_distinct),
        cmocka_unit_test(policies_parse_template_refused),
        cmocka_unit_test(ast_any_allocation_failing_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
