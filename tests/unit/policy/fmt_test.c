/* The formatter. cedar_format() itself refuses a text that would say something
 * else, change when formatted again, or lose a comment; so much of what is
 * tested here is that it answers TS_OK. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "policy/cedar_text.h"
#include "policy/fmt/format.h"
#include "tests/lib/fault_mem.h"

static struct cedar_diags diags;

static ts_err format(struct ts_str text, struct ts_buf *out)
{
    struct cedar_source src = {.name = "p.cedar", .text = text};

    ts_buf_init(out, 1 << 20);
    return cedar_format(&src, &cedar_format_default, out, &diags);
}

static struct ts_str text_of(const struct ts_buf *b)
{
    return (struct ts_str){(const char *)ts_buf_bytes(b), b->len};
}

static void must_format(struct ts_str text, const char *want)
{
    struct ts_buf once, twice;

    assert_int_equal(format(text, &once), TS_OK);
    if (want != NULL && !ts_str_eq_c(text_of(&once), want))
        fail_msg("got:\n%.*s", (int)once.len,
                 (const char *)ts_buf_bytes(&once));
    assert_int_equal(format(text_of(&once), &twice), TS_OK);
    if (!ts_str_eq(text_of(&once), text_of(&twice)))
        fail_msg("not stable:\n%.*s", (int)once.len,
                 (const char *)ts_buf_bytes(&once));
    assert_true(cedar_comments_equal(text, text_of(&once)));
    ts_buf_done(&once);
    ts_buf_done(&twice);
}

static void format_gives_the_known_style(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"", ""},
        {"  \n", ""},
        {"// only", "// only\n"},
        {"permit(principal,action,resource,);",
         "permit (principal, action, resource);\n"},
        {"@a@b(\"c\")permit(principal==U::\"a\",action in[A::Action::\"x\",],"
         "resource is R in ?resource)when{!(1<2)}unless{[1,002,]==[]};",
         "@a\n@b(\"c\")\npermit (\n  principal == U::\"a\",\n"
         "  action in [A::Action::\"x\"],\n  resource is R in ?resource\n)\n"
         "when { !(1 < 2) }\nunless { [1, 2] == [] };\n"},
        {"permit(principal,action,resource)when{"
         "context.aaaaaaaaaaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbbbb==1||"
         "context.cccccccccccccccccccccc has d.e.f&&"
         "{a:1,\"b c\":{}}[\"b c\"]==ip(\"::1\")};",
         "permit (principal, action, resource)\nwhen\n{\n"
         "  context.aaaaaaaaaaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbbbb == 1 ||\n"
         "  context.cccccccccccccccccccccc has d.e.f &&\n"
         "  { a: 1, \"b c\": {} }[\"b c\"] == ip(\"::1\")\n};\n"},
        {"permit(principal,action,resource)when{if - -1>2 then true else "
         "\"a*b\"like\"\\**\"};",
         "permit (principal, action, resource)\n"
         "when { if --1 > 2 then true else \"a*b\" like \"\\**\" };\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        must_format(ts_str_of(rows[i].text), rows[i].want);
}

static void format_keeps_comments_where_they_stood(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"// licence\n\n\n// about\npermit(principal,action,resource); // why\n"
         "// next\nforbid(principal,action,resource);\n\n\n// end\n",
         "// licence\n\n// about\npermit (principal, action, resource); // "
         "why\n"
         "\n// next\nforbid (principal, action, resource);\n\n// end\n"},
        {"permit(principal,action,resource)when{\n  // first\n"
         "  context.a // is a\n  // and b\n  && context.b\n};// tail",
         "permit (principal, action, resource)\nwhen\n{\n  // first\n"
         "  context.a && // is a\n  // and b\n  context.b\n}; // tail\n"},
        {"permit(principal, // who\n action, // what\n resource // where\n);",
         "permit (\n  principal, // who\n  action, // what\n"
         "  resource // where\n);\n"},
        {"permit(principal,action in [Action::\"a\", // one\n"
         "Action::\"b\", // two\n],resource);",
         "permit (\n  principal,\n  action in\n    [Action::\"a\", // one\n"
         "     Action::\"b\" // two\n    ],\n  resource\n);\n"},
        {"// a\r\npermit(principal,action,resource); // b  \t\r\n",
         "// a\npermit (principal, action, resource); // b\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        must_format(ts_str_of(rows[i].text), rows[i].want);
}

/* Every token of the grammar, in the pieces between which comments may stand.
 */
static const char *const pieces[] = {
    "@",         "id",        "(",         "\"x\"", ")",       "forbid",
    "(",         "principal", "is",        "A",     "::",      "B",
    "in",        "G",         "::",        "\"g\"", ",",       "action",
    "in",        "[",         "Action",    "::",    "\"v\"",   ",",
    "Action",    "::",        "\"w\"",     ",",     "]",       ",",
    "resource",  "==",        "?resource", ",",     ")",       "when",
    "{",         "if",        "!",         "(",     "context", "has",
    "a",         ".",         "b",         ")",     "&&",      "\"s\"",
    "like",      "\"a*\"",    "then",      "[",     "1",       ",",
    "-",         "2",         ",",         "]",     ".",       "contains",
    "(",         "3",         "*",         "4",     "-",       "5",
    ",",         ")",         "else",      "{",     "a",       ":",
    "ip",        "(",         "\"::1\"",   ")",     ",",       "\"b\"",
    ":",         "2",         ",",         "}",     "[",       "\"a\"",
    "]",         ".",         "isIpv4",    "(",     ")",       "||",
    "R",         "::",        "\"r\"",     "is",    "D",       "in",
    "principal", "}",         "unless",    "{",     "1",       "<",
    "2",         "}",         ";"};
#define PIECES (sizeof(pieces) / sizeof(pieces[0]))

struct wedge { /* a comment with a number, and what stands around it */
    const char *before, *after;
};

/* The pieces with a wedge behind piece `at`, or behind all. */
static struct ts_str compose(char *buf, size_t cap, size_t at,
                             const struct wedge *w)
{
    size_t n = 0;

    for (size_t i = 0; i < PIECES; i++) {
        n += (size_t)snprintf(buf + n, cap - n, "%s ", pieces[i]);
        if (at == i || at == PIECES)
            n += (size_t)snprintf(buf + n, cap - n, "%s// c%zu%s", w->before, i,
                                  w->after);
    }
    return (struct ts_str){buf, n};
}

static const struct wedge plain = {.before = "", .after = "\n"};

static void format_comment_behind_any_token_is_kept(void **state)
{
    static const struct wedge wedges[] = {
        {"", "\n"},
        {"\n", "\n"},
        {"", "\n// e\n"},
        {"\n\n", "\n\n//\n"},
        {"//\r\n", "\"\xe2\x80\xae\n\n"},
    };
    static char buf[1 << 14];

    (void)state;
    for (size_t c = 0; c < sizeof(wedges) / sizeof(wedges[0]); c++)
        for (size_t at = 0; at <= PIECES; at++)
            must_format(compose(buf, sizeof(buf), at, &wedges[c]), NULL);
}

static void format_two_comments_anywhere_keep_their_order(void **state)
{
    static char buf[1 << 14];

    (void)state;
    for (size_t i = 0; i + 1 < PIECES; i++) {
        size_t n = 0;

        for (size_t k = 0; k < PIECES; k++) {
            n += (size_t)snprintf(buf + n, sizeof(buf) - n, "%s%s", pieces[k],
                                  k == i       ? " // one\n"
                                  : k == i + 1 ? "\n // two\n"
                                               : " ");
        }
        must_format((struct ts_str){buf, n}, NULL);
    }
}

/* No truncation and no flipped bit makes it fail at its own checks. */
static void format_every_truncation_and_flip_is_survived(void **state)
{
    static char buf[1 << 14], copy[1 << 14];
    struct ts_str text = compose(buf, sizeof(buf), 40, &plain);
    struct ts_buf out;
    ts_err e;

    (void)state;
    for (size_t n = 0; n < text.len; n++) {
        e = format((struct ts_str){buf, n}, &out);
        assert_true(e == TS_OK || (e == TS_E_FORMAT && diags.count > 0));
        ts_buf_done(&out);
    }
    for (size_t bit = 0; bit < text.len * 8; bit++) {
        memcpy(copy, buf, text.len);
        copy[bit / 8] = (char)(copy[bit / 8] ^ (1 << (bit % 8)));
        e = format((struct ts_str){copy, text.len}, &out);
        assert_true(e == TS_OK || (e == TS_E_FORMAT && diags.count > 0));
        assert_true(e == TS_OK || out.len == 0);
        ts_buf_done(&out);
    }
}

static void format_any_width_and_indent_says_the_same(void **state)
{
    static char buf[1 << 14];
    struct cedar_source src = {.name = "p",
                               .text = compose(buf, sizeof(buf), 7, &plain)};
    struct ts_buf out;

    (void)state;
    for (uint32_t width = 0; width < 200; width += 7) {
        struct cedar_format style = {.width = width, .indent = width % 9};

        ts_buf_init(&out, 1 << 20);
        assert_int_equal(cedar_format(&src, &style, &out, &diags), TS_OK);
        ts_buf_done(&out);
    }
    ts_buf_init(&out, 1 << 20);
    assert_int_equal(
        cedar_format(&src, &(struct cedar_format){.width = 80, .indent = 99},
                     &out, &diags),
        TS_E_INVALID);
    assert_string_equal(diags.list[0].code, "bad_style");
    assert_int_equal(out.len, 0);
    ts_buf_done(&out);
}

static void format_bad_text_is_refused_and_writes_nothing(void **state)
{
    struct cedar_source src = {
        .name = "p",
        .text =
            TS_STR_LIT("permit(principal,action,resource);\n"
                       "permit(principal,action,resource) when { 1 = 2 };")};
    struct ts_buf out;

    (void)state;
    ts_buf_init(&out, 1 << 20);
    assert_int_equal(ts_buf_append(&out, "kept", 4), TS_OK);
    assert_int_equal(cedar_format(&src, &cedar_format_default, &out, &diags),
                     TS_E_FORMAT);
    assert_int_equal(diags.list[0].span.line, 2);
    src.text.len = 35;
    out.max = 20;
    assert_int_equal(cedar_format(&src, &cedar_format_default, &out, &diags),
                     TS_E_LIMIT);
    assert_int_equal(diags.count, 1);
    assert_true(ts_str_eq_c(text_of(&out), "kept"));
    ts_buf_done(&out);
}

static ts_err format_once(const void *arg)
{
    struct ts_buf out;
    ts_err e = format(*(const struct ts_str *)arg, &out);

    ts_buf_done(&out);
    return e;
}

static void format_without_memory_fails_cleanly(void **state)
{
    static char buf[1 << 14];
    struct ts_str text = compose(buf, sizeof(buf), 9, &plain);

    (void)state;
    fault_mem_sweep(format_once, &text, TS_OK, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(format_gives_the_known_style),
        cmocka_unit_test(format_keeps_comments_where_they_stood),
        cmocka_unit_test(format_comment_behind_any_token_is_kept),
        cmocka_unit_test(format_two_comments_anywhere_keep_their_order),
        cmocka_unit_test(format_every_truncation_and_flip_is_survived),
        cmocka_unit_test(format_any_width_and_indent_says_the_same),
        cmocka_unit_test(format_bad_text_is_refused_and_writes_nothing),
        cmocka_unit_test(format_without_memory_fails_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
