/* Rendering of diagnostics, suggestions, and the spans of trees. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "policy/core/columns.h"
#include "policy/core/diag.h"
#include "policy/syntax/parse.h"

static char out[8192];

/* What stands between the bars, with the span on text[from, from + len). */
static const char *render(const char *text, size_t from, size_t len,
                          const char *label)
{
    struct cedar_diag d = {.code = "c", .span = {.line = 1, .column = 1}};

    for (size_t i = 0; i < from; i++) {
        if (text[i] == '\n')
            d.span.line++;
    }
    d.span.offset = (uint32_t)from;
    d.span.len = (uint32_t)len;
    (void)snprintf(d.text, sizeof(d.text), "t");
    (void)snprintf(d.label, sizeof(d.label), "%s", label);
    (void)cedar_diag_format(&d, "f", ts_str_of(text), false, out, sizeof(out));
    return strstr(out, "   |\n");
}

static void format_underlines_the_span(void **state)
{
    (void)state;
    assert_string_equal(render("one two three\n", 4, 3, "this"),
                        "   |\n 1 | one two three\n   |     ^^^ this\n");
    assert_string_equal(render("a\n\tb c\r\nd", 5, 1, ""),
                        "   |\n 2 |     b c\n   |       ^\n");
    assert_string_equal(render("x", 1, 0, "end"),
                        "   |\n 1 | x\n   |  ^ end\n");
    assert_string_equal(render("", 0, 0, ""), "   |\n 1 | \n   | ^\n");
    /* wide characters take two columns, combining marks none */
    assert_string_equal(
        render("\xe6\x97\xa5\xe6\x9c\xac = e\xcc\x81 x", 13, 1, ""),
        "   |\n 1 | \xe6\x97\xa5\xe6\x9c\xac = e\xcc\x81 x\n"
        "   |          ^\n");
    assert_string_equal(render("\xe6\x97\xa5", 0, 3, ""),
                        "   |\n 1 | \xe6\x97\xa5\n   | ^^\n");
}

static void format_shows_both_ends_of_a_long_span(void **state)
{
    (void)state;
    assert_string_equal(render("a {\n b\n c\n }", 2, 10, "here"),
                        "   |\n 1 | a {\n   |   ^ here\n...\n"
                        " 4 |  }\n   |  ^\n");
    assert_string_equal(render("a {\n}", 2, 3, ""),
                        "   |\n 1 | a {\n   |   ^\n 2 | }\n   | ^\n");
    /* the end of the first line belongs to the span, nothing after it */
    assert_string_equal(render("a b\nc", 2, 2, ""),
                        "   |\n 1 | a b\n   |   ^\n");
}

static void format_whole_with_help_note_and_warning(void **state)
{
    struct cedar_diag d = {
        .code = "w",
        .severity = CEDAR_WARNING,
        .span = {.offset = 0, .len = 1, .line = 9999, .column = 7},
        .text = "sentence",
        .label = "label",
        .hint = "do this",
        .policy = "p1"};

    (void)state;
    (void)cedar_diag_format(&d, "a.cedar", TS_STR_LIT("x"), false, out,
                            sizeof(out));
    assert_string_equal(out, "warning[w]: sentence\n"
                             "     --> a.cedar:9999:7\n"
                             "      |\n"
                             " 9999 | x\n"
                             "      | ^ label\n"
                             "      = note: in policy p1\n"
                             "      = help: do this\n");
    (void)cedar_diag_format(&d, "a.cedar", (struct ts_str){0}, false, out,
                            sizeof(out));
    assert_null(strstr(out, "|"));
    (void)cedar_diag_format(&d, "a.cedar", TS_STR_LIT("x"), true, out,
                            sizeof(out));
    assert_non_null(strstr(out, "\x1b[1;33m"));
    assert_non_null(strstr(out, "\x1b[0m"));
}

/* Any bytes, any span, any capacity: inside the buffer, one line each, valid
 * UTF-8, nothing that moves a cursor. */
static void format_any_source_is_harmless(void **state)
{
    char text[65];
    uint32_t seed = 7;

    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        struct cedar_diag d = {.code = "c", .span = {.line = 1, .column = 1}};
        struct ts_str src = {text, round % 64};
        size_t cap = round % 300, n;

        for (size_t i = 0; i < 64; i++) {
            seed = seed * 1664525u + 1013904223u;
            text[i] = (char)(seed >> 24);
        }
        text[64] = '\0';
        d.span.offset = seed % 80;
        d.span.len = (seed >> 8) % 80;
        (void)snprintf(d.text, sizeof(d.text), "\x1b[31m\xe2\x80");
        memset(out, 'x', sizeof(out));
        n = cedar_diag_format(&d, text + 60, src, false, out, cap);
        assert_true(cap == 0 ? out[0] == 'x' : n < cap && out[n] == '\0');
        assert_int_equal(out[cap], 'x');
        for (size_t i = 0; i < n; i++)
            assert_true((unsigned char)out[i] >= 0x20 || out[i] == '\n');
        if (cap > 250)
            assert_true(n == cap - 1 || ts_utf8_valid(out, n));
    }
}

static void format_long_line_is_cut_around_the_span(void **state)
{
    static char text[100001];

    (void)state;
    memset(text, 'a', sizeof(text) - 1);
    (void)render(text, 50000, 3, "");
    assert_true(strlen(out) < 400);
    assert_non_null(strstr(out, "...aaa"));
    assert_non_null(strstr(out, "aaa...\n"));
    assert_non_null(strstr(out, " ^^^\n"));
}

static void put_keeps_errors_before_warnings(void **state)
{
    static struct cedar_diags d;
    struct cedar_span at = {.line = 1, .column = 1};

    (void)state;
    d.count = 0;
    for (unsigned i = 0; i < CEDAR_DIAGS_MAX + 5; i++)
        cedar_diag_put(&d, CEDAR_WARNING, "w", at, NULL, "w %u", i);
    cedar_diag_add(&d, "e", at, NULL, "e");
    assert_int_equal(d.count, CEDAR_DIAGS_MAX + 6);
    assert_int_equal(d.errors, 1);
    assert_int_equal(d.list[CEDAR_DIAGS_MAX - 1].severity, CEDAR_ERROR);
}

static void did_you_mean_finds_what_is_near(void **state)
{
    static const struct ts_str words[] = {{"permit", 6},    {"forbid", 6},
                                          {"principal", 9}, {"contains", 8},
                                          {"isInRange", 9}, {"ip", 2}};
    static const struct {
        const char *name, *want;
    } rows[] = {
        {"permt", "permit"},
        {"Permit", "permit"},
        {"premit", "permit"},
        {"PERMIT", "permit"},
        {"principle", "principal"},
        {"contain", "contains"},
        {"isinrange", "isInRange"},
        {"IP", "ip"},
        {"xy", ""},
        {"allow", ""},
        {"", ""},
        {"p", ""},
        {"permit", ""},
        {"prn", ""},
    };
    char longer[200];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ts_str got =
            cedar_did_you_mean(ts_str_of(rows[i].name), words, 6);

        if (!ts_str_eq_c(got, rows[i].want))
            fail_msg("%s: %.*s", rows[i].name, (int)got.len, got.ptr);
    }
    memset(longer, 'a', sizeof(longer));
    assert_int_equal(
        cedar_did_you_mean((struct ts_str){longer, 200}, words, 6).len, 0);
}

static void columns_of_scripts(void **state)
{
    (void)state;
    assert_int_equal(cedar_columns_of(TS_STR_LIT("abc")), 3);
    assert_int_equal(cedar_columns_of(TS_STR_LIT("\xc3\xa9")), 1);
    assert_int_equal(cedar_columns_of(TS_STR_LIT("\xe6\x97\xa5")), 2);
    assert_int_equal(cedar_columns_of(TS_STR_LIT("\xf0\x9f\x98\x80")), 2);
    assert_int_equal(cedar_columns_of(TS_STR_LIT("e\xcc\x81")), 1);
    assert_int_equal(cedar_columns_of(TS_STR_LIT("\xe2\x80\xae")), 0);
}

/* Each node's own text, in the order of a walk from the outside in. */
static void spans_of(const char *src, const struct ast_expr *x, char *buf,
                     size_t cap)
{
    size_t n = strlen(buf);

    (void)snprintf(buf + n, cap - n, "%.*s|", (int)x->span.len,
                   src + x->span.offset);
    for (const struct ast_expr *k = x->first; k != NULL; k = k->next)
        spans_of(src, k, buf, cap);
}

static void spans_cover_whole_expressions(void **state)
{
    static const char text[] =
        "permit(principal is A::B in A::B::\"x\" , action in [Action::\"v\"] "
        ",resource) when { (a_) } ;";
    static const struct {
        const char *expr, *want;
    } rows[] = {
        {"1 + (2 * 3) == - 4",
         "1 + (2 * 3) == - 4|1 + (2 * 3)|1|2 * 3|2|3|- 4|"},
        {"((context).a [ \"b\" ] ).contains( 1 , )",
         "((context).a [ \"b\" ] ).contains( 1 , )|(context).a [ \"b\" ]|"
         "(context).a|context|1|"},
        {"! !(true)|| {a : 1,}has b . c",
         "! !(true)|| {a : 1,}has b . c|! !(true)|!(true)|true|"
         "{a : 1,}has b . c|{a : 1,}|a : 1|1|b|c|"},
        {"if true then [ ] else U :: \"x\" is A::B in ip(\"1\")",
         "if true then [ ] else U :: \"x\" is A::B in ip(\"1\")|true|[ ]|"
         "U :: \"x\" is A::B in ip(\"1\")|U :: \"x\"|ip(\"1\")|\"1\"|"},
        {"\"x\" like \"a*\" && - -5 < 1",
         "\"x\" like \"a*\" && - -5 < 1|\"x\" like \"a*\"|\"x\"|\"a*\"|\"a*\"|"
         "- -5 < 1|- -5|-5|1|"},
    };
    struct cedar_options o = {.max_bytes = 4096,
                              .max_policies = 2,
                              .max_policy_bytes = 4096,
                              .max_depth = 64};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char buf[512], got[512] = "";
        struct cedar_source src = {.name = "s"};
        struct ts_arena arena;
        struct ast ast;

        (void)snprintf(buf, sizeof(buf), "%.*s%s%s",
                       (int)(strstr(text, "(a_)") - text), text, rows[i].expr,
                       " } ;");
        src.text = ts_str_of(buf);
        ts_arena_init(&arena, 1 << 20);
        assert_int_equal(cedar_parse(&arena, &src, 1, &o, NULL, &ast), TS_OK);
        spans_of(buf, ast.policies->conds->expr, got, sizeof(got));
        assert_string_equal(got, rows[i].want);
        (void)snprintf(got, sizeof(got), "%.*s|%.*s|%.*s",
                       (int)ast.policies->principal.span.len,
                       buf + ast.policies->principal.span.offset,
                       (int)ast.policies->action.span.len,
                       buf + ast.policies->action.span.offset,
                       (int)ast.policies->resource.span.len,
                       buf + ast.policies->resource.span.offset);
        assert_string_equal(got, "principal is A::B in A::B::\"x\"|action in "
                                 "[Action::\"v\"]|resource");
        assert_int_equal(buf[ast.policies->conds->span.offset], 'w');
        assert_int_equal(buf[ast.policies->conds->span.offset +
                             ast.policies->conds->span.len - 1],
                         '}');
        ts_arena_done(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(format_underlines_the_span),
        cmocka_unit_test(format_shows_both_ends_of_a_long_span),
        cmocka_unit_test(format_whole_with_help_note_and_warning),
        cmocka_unit_test(format_any_source_is_harmless),
        cmocka_unit_test(format_long_line_is_cut_around_the_span),
        cmocka_unit_test(put_keeps_errors_before_warnings),
        cmocka_unit_test(did_you_mean_finds_what_is_near),
        cmocka_unit_test(columns_of_scripts),
        cmocka_unit_test(spans_cover_whole_expressions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
