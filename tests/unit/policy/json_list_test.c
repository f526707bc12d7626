/* Reading a list member by member says what reading it whole says. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "policy/core/limits.h"
#include "policy/json/reader.h"

static struct cedar_diags whole_diags, list_diags;

static bool same_span(struct cedar_span a, struct cedar_span b)
{
    return a.source == b.source && a.offset == b.offset && a.len == b.len &&
           a.line == b.line && a.column == b.column;
}

/* Texts here are nested a few levels deep, but for those that are refused. */
static bool same_json(const struct json *a, const struct json *b)
{
    const struct json *x = a->first, *y = b->first;

    if (a->kind != b->kind || a->boolean != b->boolean ||
        a->count != b->count || a->integer != b->integer ||
        !ts_str_eq(a->str, b->str) || !ts_str_eq(a->key, b->key) ||
        !same_span(a->span, b->span))
        return false;
    for (; x != NULL && y != NULL; x = x->next, y = y->next)
        if (!same_json(x, y))
            return false;
    return x == y;
}

static ts_err read_list(struct ts_arena *one, struct ts_str text,
                        const struct json *whole)
{
    const struct json *v, *expected = whole != NULL ? whole->first : NULL;
    struct cedar_json_list list;
    ts_err e;

    list_diags = (struct cedar_diags){0};
    e = cedar_json_list_open(&list, text, 0, &list_diags);
    while (e == TS_OK) {
        ts_arena_reset(one);
        e = cedar_json_list_next(&list, one, &v);
        if (e != TS_OK || v == NULL)
            break;
        if (whole == NULL)
            continue;
        assert_non_null(expected);
        assert_true(same_json(v, expected));
        expected = expected->next;
    }
    if (whole != NULL)
        assert_null(expected);
    if (e == TS_OK) { /* there is nothing after the end */
        assert_int_equal(cedar_json_list_next(&list, one, &v), TS_OK);
        assert_null(v);
    }
    return e;
}

static void check(const char *text, size_t len)
{
    struct ts_str s = {text, len};
    const struct json *whole = NULL;
    struct ts_arena all, one;
    ts_err e, f;

    ts_arena_init(&all, 1 << 20);
    ts_arena_init(&one, 1 << 20);
    whole_diags = (struct cedar_diags){0};
    e = cedar_json_parse(&all, s, 0, &whole_diags, &whole);
    f = read_list(&one, s,
                  e == TS_OK && whole->kind == JSON_ARRAY ? whole : NULL);
    if (f == TS_E_INVALID) {
        assert_true(e != TS_OK || whole->kind != JSON_ARRAY);
        assert_int_equal(list_diags.count, 0);
    } else {
        assert_int_equal(e, f);
        assert_int_equal(whole_diags.count, list_diags.count);
        for (size_t i = 0; i < list_diags.count; i++) {
            assert_string_equal(whole_diags.list[i].text,
                                list_diags.list[i].text);
            assert_string_equal(whole_diags.list[i].code,
                                list_diags.list[i].code);
            assert_true(
                same_span(whole_diags.list[i].span, list_diags.list[i].span));
        }
    }
    ts_arena_done(&all);
    ts_arena_done(&one);
}

static void json_list_agrees_with_the_whole(void **state)
{
    static const char *const texts[] = {
        "",
        " ",
        "[",
        "[]",
        " [ ] ",
        "[]]",
        "[] x",
        "[,]",
        "[1,]",
        "[1 2]",
        "[1,2]",
        "[1}",
        "{}",
        "{\"a\":[1]}",
        "1",
        "\"[\"",
        "[[]]",
        "[[],[[]]]",
        "\n[\n{\"a\":\n1},\n\"\xC3\xA9\",\n-7]\n",
        "[{\"a\":1,\"a\":2}]",
        "[1.5]",
        "[true,false,null]",
        "[tru]",
        "\xFF",
        "[\"\xFF\"]",
        "[\"\\ud83d\\ude00\\n\",{\"k\":{\"l\":[{},[]]}}]"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        check(texts[i], strlen(texts[i]));
}

static void json_list_agrees_when_cut_and_flipped(void **state)
{
    static const char text[] =
        " [ {\"uid\" : {\"type\":\"T\",\"id\":\"\\u00e9\"},\n\"attrs\":{}},"
        "[1,-2,[true]], \"x\\\"]\" , null ]\n";
    char copy[sizeof(text)];

    (void)state;
    for (size_t n = 0; n < sizeof(text); n++)
        check(text, n);
    for (size_t bit = 0; bit < (sizeof(text) - 1) * 8; bit++) {
        memcpy(copy, text, sizeof(text));
        copy[bit / 8] = (char)(copy[bit / 8] ^ (1 << (bit % 8)));
        check(copy, sizeof(text) - 1);
    }
}

static void json_list_counts_its_own_level(void **state)
{
    char text[2 * (CEDAR_JSON_DEPTH + 1)];

    (void)state;
    for (size_t n = CEDAR_JSON_DEPTH - 1; n <= CEDAR_JSON_DEPTH + 1; n++) {
        memset(text, '[', n);
        memset(text + n, ']', n);
        check(text, 2 * n);
        assert_int_equal(list_diags.count, n > CEDAR_JSON_DEPTH ? 1 : 0);
    }
}

/* The memory of a long list is that of its longest member. */
static void json_list_needs_memory_for_one_member(void **state)
{
    static char text[200000];
    struct cedar_json_list list;
    const struct json *v;
    struct ts_arena one;
    size_t len = 1, n = 0;

    (void)state;
    text[0] = '[';
    while (len + 32 < sizeof(text)) {
        int more = snprintf(text + len, sizeof(text) - len, "%s[%zu,{\"a\":2}]",
                            len > 1 ? "," : "", len);

        assert_true(more > 0);
        len += (size_t)more;
    }
    text[len++] = ']';
    ts_arena_init(&one, 4096);
    assert_int_equal(
        cedar_json_list_open(&list, (struct ts_str){text, len}, 0, NULL),
        TS_OK);
    for (;; n++) {
        ts_arena_reset(&one);
        assert_int_equal(cedar_json_list_next(&list, &one, &v), TS_OK);
        if (v == NULL)
            break;
        assert_int_equal(v->count, 2);
    }
    assert_true(n > 10000);
    ts_arena_done(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_list_agrees_with_the_whole),
        cmocka_unit_test(json_list_agrees_when_cut_and_flipped),
        cmocka_unit_test(json_list_counts_its_own_level),
        cmocka_unit_test(json_list_needs_memory_for_one_member),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
