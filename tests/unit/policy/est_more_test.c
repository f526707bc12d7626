/* The JSON format under stress: links, depth, damage, want of memory. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/core/limits.h"
#include "policy/json/reader.h"
#include "policy/json/writer.h"
#include "proto/base/ts_mem.h"
#include "tests/lib/fault_mem.h"
#include "tests/unit/policy/est_help.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct cedar_diags diags;

#define STATIC_P                                                               \
    "{\"effect\":\"permit\",\"principal\":{\"op\":\"is\",\"entity_type\":"     \
    "\"U\"},\"action\":{\"op\":\"in\",\"entities\":[{\"type\":\"Action\","     \
    "\"id\":\"v\"},{\"type\":\"Action\",\"id\":\"w\"}]},\"resource\":{\"op\":" \
    "\"All\"},\"conditions\":[{\"kind\":\"when\",\"body\":{\"&&\":{\"left\":{" \
    "\"&&\":{\"left\":{\"has\":{\"left\":{\"Var\":\"context\"},\"attr\":["     \
    "\"a\",\"b\"]}},\"right\":{\"like\":{\"left\":{\"Value\":\"x\"},"          \
    "\"pattern\":[{\"Literal\":\"a\"},\"Wildcard\"]}}}},\"right\":{\"is\":{"   \
    "\"left\":{\"Var\":\"principal\"},\"entity_type\":\"U\",\"in\":{\"Set\":[" \
    "]}}}}}},{\"kind\":\"unless\",\"body\":{\"ip\":[{\"Value\":\"::1\"}]}}],"  \
    "\"annotations\":{\"a\":null,\"b\":\"\\n\"}}"
#define TEMPLATE_T                                                             \
    "{\"effect\":\"forbid\",\"principal\":{\"op\":\"==\",\"slot\":"            \
    "\"?principal\"},\"action\":{\"op\":\"All\"},\"resource\":{\"op\":\"in\"," \
    "\"slot\":\"?resource\"},\"conditions\":[]}"
#define LINK_L                                                                 \
    "{\"templateId\":\"t\",\"newId\":\"l\",\"values\":{\"?principal\":{"       \
    "\"type\":\"U\",\"id\":\"a\"},\"?resource\":{\"type\":\"R\",\"id\":\"r\"}" \
    "}}"
#define SET(links)                                                             \
    "{\"staticPolicies\":{\"p\":" STATIC_P                                     \
    "},\"templates\":{\"t\":" TEMPLATE_T "},\"templateLinks\":[" links "]}"

static ts_err parse(const char *json, struct cedar_ast **ret)
{
    struct cedar_source src = {.name = "p.json", .text = ts_str_of(json)};

    return cedar_ast_parse_json(&src, 1, &cedar_options_default, ret, &diags);
}

static ts_err link_file(struct cedar_ast *a, const char *json)
{
    struct cedar_source src = {.name = "l.json", .text = ts_str_of(json)};

    return cedar_ast_link_json(a, &src, &diags);
}

static void parse_json_set_with_links_comes_back(void **state)
{
    struct cedar_ast *a = NULL, *b;
    char *json;

    (void)state;
    assert_int_equal(parse(SET(LINK_L), &a), TS_OK);
    assert_int_equal(cedar_ast_count(a), 3);
    assert_int_equal(cedar_ast_info(a, 2).kind, CEDAR_LINK);
    assert_memory_equal(cedar_ast_info(a, 2).template_id.ptr, "t", 2);
    json = est_to_json(a);
    assert_string_equal(json, SET(LINK_L));
    b = est_from_json(ts_str_of(json));
    assert_non_null(b);
    assert_true(est_same(a, b));
    ts_mem_free(json);
    cedar_ast_free(a);
    cedar_ast_free(b);
}

static void print_json_of_a_link_refused(void **state)
{
    struct cedar_ast *a = NULL;
    struct ts_buf out;

    (void)state;
    ts_buf_init(&out, 1 << 20);
    assert_int_equal(parse(SET(LINK_L), &a), TS_OK);
    assert_int_equal(cedar_ast_print_json(a, 2, &out), TS_E_INVALID);
    assert_int_equal(out.len, 0);
    cedar_ast_free(a);
    ts_buf_done(&out);
}

#define VALUES(v) "{\"templateId\":\"t\",\"newId\":\"l\",\"values\":{" v "}}"
#define P_A       "\"?principal\":{\"__entity\":{\"type\":\"U\",\"id\":\"a\"}}"
#define R_R       "\"?resource\":{\"type\":\"R\",\"id\":\"r\"}"

static void parse_json_bad_links_refused(void **state)
{
    static const struct {
        const char *json, *code;
    } rows[] = {
        {SET(VALUES(P_A)), "missing_slot"},
        {SET(VALUES("")), "missing_slot"},
        {SET(VALUES(P_A "," R_R ",\"?x\":1")), "bad_policy_json"},
        {SET(VALUES(P_A ",\"?resource\":\"R::r\"")), "bad_entity"},
        {SET("{\"templateId\":\"p\",\"newId\":\"l\",\"values\":{}}"),
         "unknown_template"},
        {SET("{\"templateId\":\"q\",\"newId\":\"l\",\"values\":{}}"),
         "unknown_template"},
        {SET("{\"templateId\":\"t\",\"newId\":\"p\",\"values\":{" P_A "," R_R
             "}}"),
         "duplicate_id"},
        {SET(LINK_L "," LINK_L), "duplicate_id"},
        {SET("{\"templateId\":\"t\",\"newId\":\"l\"}"), "bad_policy_json"},
        {SET("{\"templateId\":1,\"newId\":\"l\",\"values\":{}}"),
         "bad_policy_json"},
        {SET("{\"templateId\":\"t\",\"newId\":\"l\",\"values\":{},\"x\":1}"),
         "bad_policy_json"},
        {SET("1"), "bad_policy_json"},
        {"{\"templateLinks\":{}}", "bad_policy_json"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cedar_ast *a = NULL;

        if (parse(rows[i].json, &a) != TS_E_FORMAT)
            fail_msg("accepted: %s", rows[i].json);
        assert_null(a);
        assert_int_equal(diags.errors, 1);
        assert_string_equal(diags.list[0].code, rows[i].code);
    }
}

static void link_json_reads_the_command_lines_format(void **state)
{
    struct cedar_ast *a = NULL;
    char *json;

    (void)state;
    assert_int_equal(parse(SET(""), &a), TS_OK);
    assert_int_equal(
        link_file(a, "[{\"template_id\":\"t\",\"link_id\":\"l\",\"args\":{"
                     "\"?principal\":\"U::\\\"a\\\"\",\"?resource\":"
                     "\"R::\\\"r\\\"\"}}]"),
        TS_OK);
    json = est_to_json(a);
    assert_string_equal(json, SET(LINK_L));
    ts_mem_free(json);
    cedar_ast_free(a);
}

static void link_json_bad_files_refused(void **state)
{
    static const char *const rows[] = {
        "{}",
        "[1]",
        "[{\"template_id\":\"t\",\"link_id\":\"l\"}]",
        "[{\"template_id\":\"t\",\"link_id\":\"l\",\"args\":{}}]",
        "[{\"template_id\":\"t\",\"link_id\":\"l\",\"args\":{\"?principal\":"
        "\"U::a\",\"?resource\":\"R::\\\"r\\\"\"}}]",
        "[{\"template_id\":\"t\",\"link_id\":\"l\",\"args\":{\"?principal\":"
        "\"U::\\\"a\\\" x\",\"?resource\":\"R::\\\"r\\\"\"}}]",
        "[{\"template_id\":\"t\",\"link_id\":\"l\",\"args\":{\"?principal\":{"
        "\"type\":\"U\",\"id\":\"a\"},\"?resource\":\"R::\\\"r\\\"\"}}]",
        "[{\"template_id\":\"x\",\"link_id\":\"l\",\"args\":{}}]",
    };
    struct cedar_ast *a = NULL;

    (void)state;
    assert_int_equal(parse(SET(""), &a), TS_OK);
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (link_file(a, rows[i]) != TS_E_FORMAT)
            fail_msg("accepted: %s", rows[i]);
        assert_int_equal(diags.errors, 1);
        assert_int_equal(cedar_ast_count(a), 2);
    }
    cedar_ast_free(a);
}

/* As long as a policy of 64 KiB can be; a reader or writer that recursed over
 * it would not come back. */
static void chain_of_any_length_comes_back(void **state)
{
    static const char *const joins[] = {"&&", "||", "+", "-", "*"};
    static char text[70000];

    (void)state;
    for (size_t j = 0; j < COUNT(joins); j++) {
        struct cedar_ast *a, *b;
        size_t n = (size_t)snprintf(text, sizeof(text),
                                    "permit(principal,action,resource)when{1");
        char *json;

        while (n < 65000)
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%s1", joins[j]);
        (void)snprintf(text + n, sizeof(text) - n, "};");
        a = est_from_text(text);
        assert_non_null(a);
        json = est_to_json(a);
        assert_non_null(json);
        b = est_from_json(ts_str_of(json));
        assert_non_null(b);
        assert_true(est_same(a, b));
        ts_mem_free(json);
        cedar_ast_free(a);
        cedar_ast_free(b);
    }
}

/* A body of n operators, each inside the one before. */
static ts_err nested(size_t n, const char *open, const char *close,
                     struct cedar_ast **ret)
{
    static const char head[] =
        "{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{"
        "\"op\":\"All\"},\"resource\":{\"op\":\"All\"},\"conditions\":[{"
        "\"kind\":\"when\",\"body\":";
    size_t cap = sizeof(head) + n * (strlen(open) + strlen(close)) + 64, at;
    struct cedar_options o = cedar_options_default;
    struct cedar_source src = {.name = "p"};
    char *json = ts_mem_alloc(cap);
    ts_err e;

    assert_non_null(json);
    at = (size_t)snprintf(json, cap, "%s", head);
    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(json + at, cap - at, "%s", open);
    at += (size_t)snprintf(json + at, cap - at, "{\"Value\":true}");
    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(json + at, cap - at, "%s", close);
    at += (size_t)snprintf(json + at, cap - at, "}]}");
    o.require_id = false;
    src.text = (struct ts_str){json, at};
    e = cedar_ast_parse_json(&src, 1, &o, ret, &diags);
    ts_mem_free(json);
    return e;
}

static void parse_json_nesting_is_bounded(void **state)
{
    static const struct {
        const char *open, *close;
        size_t levels; /* of the tree that one repetition makes */
    } rows[] = {
        {"{\"!\":{\"arg\":", "}}", 1},
        {"{\"&&\":{\"left\":{\"Value\":true},\"right\":", "}}", 1},
        {"{\"Set\":[", "]}", 1},
        {"{\"Record\":{\"a\":", "}}", 2},
        {"{\".\":{\"attr\":\"a\",\"left\":", "}}", 1},
    };
    struct cedar_ast *a = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t fits = (CEDAR_HEIGHT_MAX - 1) / rows[i].levels;

        assert_int_equal(nested(fits, rows[i].open, rows[i].close, &a), TS_OK);
        cedar_ast_free(a);
        a = NULL;
        assert_int_equal(nested(fits + 1, rows[i].open, rows[i].close, &a),
                         TS_E_FORMAT);
        assert_non_null(strstr(diags.list[0].text, "nested too deeply"));
        assert_int_equal(nested(50000, rows[i].open, rows[i].close, &a),
                         TS_E_FORMAT);
        assert_null(a);
    }
    assert_int_equal(nested(200000, "{\"!\":{\"arg\":", "}}", &a), TS_E_FORMAT);
    assert_string_equal(diags.list[0].code, "bad_json");
}

/* Any prefix and any flipped bit is refused or read; what is read comes back
 * as it was printed. */
static void survives(const char *json, size_t len)
{
    struct cedar_options o = cedar_options_default;
    struct cedar_source src = {.name = "p", .text = {json, len}};
    struct cedar_ast *a = NULL, *b = NULL;
    char *first, *second;

    o.require_id = false;
    if (cedar_ast_parse_json(&src, 1, &o, &a, &diags) != TS_OK) {
        assert_null(a);
        assert_true(diags.errors > 0);
        return;
    }
    first = est_to_json(a);
    assert_non_null(first);
    b = est_from_json(ts_str_of(first));
    assert_non_null(b);
    second = est_to_json(b);
    assert_string_equal(first, second);
    assert_true(est_same(a, b));
    ts_mem_free(first);
    ts_mem_free(second);
    cedar_ast_free(a);
    cedar_ast_free(b);
}

static void parse_json_truncation_and_flip_are_survived(void **state)
{
    static const char json[] = SET(LINK_L);
    char copy[sizeof(json)];

    (void)state;
    for (size_t n = 0; n < sizeof(json) - 1; n++) {
        memcpy(copy, json, sizeof(json));
        survives(copy, n);
        for (unsigned bit = 0; bit < 8; bit++) {
            copy[n] = (char)(json[n] ^ (1 << bit));
            survives(copy, sizeof(json) - 1);
        }
    }
}

static ts_err scenario(const void *arg)
{
    struct cedar_ast *a = NULL, *b = NULL;
    struct cedar_policies *p = NULL;
    struct cedar_source src = {.name = "p"};
    struct ts_buf out;
    ts_err e;

    (void)arg;
    ts_buf_init(&out, 1 << 20);
    if ((e = parse(SET(""), &a)) == TS_OK &&
        (e = link_file(a, "[{\"template_id\":\"t\",\"link_id\":\"l\",\"args\":{"
                          "\"?principal\":\"U::\\\"a\\\"\",\"?resource\":"
                          "\"R::\\\"r\\\"\"}}]")) == TS_OK &&
        (e = cedar_ast_compile(a, &p, NULL)) == TS_OK &&
        (e = cedar_ast_print_set_json(a, &out)) == TS_OK &&
        (e = cedar_ast_print_json(a, 0, &out)) == TS_OK) {
        /* two texts in a row: an error of its own, never a tree */
        src.text = (struct ts_str){(const char *)ts_buf_bytes(&out), out.len};
        e = cedar_ast_parse_json(&src, 1, &cedar_options_default, &b, NULL);
        assert_null(b);
        e = e == TS_E_FORMAT ? TS_OK : e;
    }
    cedar_policies_free(p);
    cedar_ast_free(a);
    ts_buf_done(&out);
    return e;
}

static void json_any_allocation_failing_leaks_nothing(void **state)
{
    (void)state;
    fault_mem_sweep(scenario, NULL, TS_OK, 10);
}

static void print_json_full_buffer_takes_nothing(void **state)
{
    struct cedar_ast *a = NULL;
    struct ts_buf out;

    (void)state;
    assert_int_equal(parse(SET(LINK_L), &a), TS_OK);
    for (size_t max = 1; max < 1500; max += 37) {
        ts_buf_init(&out, max);
        assert_int_equal(ts_buf_append(&out, "x", 1), TS_OK);
        assert_int_equal(cedar_ast_print_set_json(a, &out), TS_E_LIMIT);
        assert_int_equal(out.len, 1);
        ts_buf_done(&out);
    }
    cedar_ast_free(a);
}

static void json_read_depth_is_the_callers(void **state)
{
    static char text[2 * 70000 + 1];
    const struct json *v;
    struct ts_arena arena;

    (void)state;
    for (size_t n = 1; n <= 70000; n += n < 100 ? 1 : 23300) {
        memset(text, '[', n);
        memset(text + n, ']', n);
        ts_arena_init(&arena, (size_t)256 << 20);
        assert_int_equal(
            cedar_json_parse(&arena, (struct ts_str){text, 2 * n}, 0, NULL, &v),
            n <= CEDAR_JSON_DEPTH ? TS_OK : TS_E_FORMAT);
        assert_int_equal(cedar_json_parse_depth(&arena,
                                                (struct ts_str){text, 2 * n}, 0,
                                                (uint32_t)n, NULL, &v),
                         TS_OK);
        assert_int_equal(v->span.len, 2 * n);
        assert_int_equal(cedar_json_parse_depth(&arena,
                                                (struct ts_str){text, 2 * n}, 0,
                                                (uint32_t)n - 1, NULL, &v),
                         TS_E_FORMAT);
        ts_arena_done(&arena);
    }
}

static void json_write_strings_are_read_back(void **state)
{
    struct json_writer w;
    struct ts_arena arena;
    const struct json *v;
    struct ts_buf out;
    char all[128 + 4];

    (void)state;
    for (size_t i = 0; i < 128; i++)
        all[i] = (char)i;
    memcpy(all + 128, "\xF0\x9F\x98\x80", 4);
    ts_buf_init(&out, 1 << 16);
    ts_arena_init(&arena, 1 << 20);
    cedar_json_write_init(&w, &out);
    cedar_json_write_begin(&w, '{');
    cedar_json_write_key(&w, (struct ts_str){all, sizeof(all)});
    cedar_json_write_str(&w, (struct ts_str){all, sizeof(all)});
    cedar_json_write_key(&w, TS_STR_LIT("n"));
    cedar_json_write_begin(&w, '[');
    cedar_json_write_int(&w, INT64_MIN);
    cedar_json_write_int(&w, INT64_MAX);
    cedar_json_write_bool(&w, true);
    cedar_json_write_null(&w);
    cedar_json_write_begin(&w, '{');
    cedar_json_write_end(&w, '}');
    cedar_json_write_end(&w, ']');
    cedar_json_write_end(&w, '}');
    assert_int_equal(cedar_json_write_done(&w), TS_OK);
    assert_int_equal(
        cedar_json_parse(
            &arena, (struct ts_str){(const char *)ts_buf_bytes(&out), out.len},
            0, NULL, &v),
        TS_OK);
    assert_int_equal(v->first->key.len, sizeof(all));
    assert_memory_equal(v->first->key.ptr, all, sizeof(all));
    assert_memory_equal(v->first->str.ptr, all, sizeof(all));
    v = v->first->next->first;
    assert_true(v->integer == INT64_MIN && v->next->integer == INT64_MAX);
    assert_int_equal(v->next->next->next->next->kind, JSON_OBJECT);
    ts_arena_done(&arena);
    ts_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_json_set_with_links_comes_back),
        cmocka_unit_test(print_json_of_a_link_refused),
        cmocka_unit_test(parse_json_bad_links_refused),
        cmocka_unit_test(link_json_reads_the_command_lines_format),
        cmocka_unit_test(link_json_bad_files_refused),
        cmocka_unit_test(chain_of_any_length_comes_back),
        cmocka_unit_test(parse_json_nesting_is_bounded),
        cmocka_unit_test(parse_json_truncation_and_flip_are_survived),
        cmocka_unit_test(json_any_allocation_failing_leaks_nothing),
        cmocka_unit_test(print_json_full_buffer_takes_nothing),
        cmocka_unit_test(json_read_depth_is_the_callers),
        cmocka_unit_test(json_write_strings_are_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
