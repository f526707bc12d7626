/* Outputs to leaves, pointers to values, patterns. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "proto/base/ts_buf.h"
#include "proto/base/ts_mem.h"
#include "sidecar/gate/provenance/leaves.h"
#include "tests/lib/fault_mem.h"

static struct ts_buf got;

static int setup(void **state)
{
    (void)state;
    ts_buf_init(&got, 1u << 16);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fault_mem_disarm();
    ts_buf_done(&got);
    return 0;
}

/* "pointer=text" with a letter for the type, a line each. */
static ts_err note(void *ctx, const struct leaf *l)
{
    static const char letters[] = "?snbzk";
    char line[512];
    int n = snprintf(line, sizeof(line), "%c %.*s=%.*s\n", letters[l->type],
                     (int)l->pointer.len, l->pointer.ptr, (int)l->text.len,
                     l->text.ptr);

    (void)ctx;
    return ts_buf_append(&got, line, (size_t)n);
}

static void gives(const char *json, const char *want)
{
    ts_buf_clear(&got);
    assert_int_equal(leaves_walk(ts_str_of(json), note, NULL), TS_OK);
    assert_int_equal(ts_buf_append(&got, "", 1), TS_OK);
    assert_string_equal((const char *)ts_buf_bytes(&got), want);
}

static void leaves_come_in_order_with_their_pointers(void **state)
{
    (void)state;
    gives("\"x\"", "s =x\n");
    gives(" -0.5e+3 ", "n =-0.5e+3\n");
    gives("[]", "");
    gives("{}", "");
    gives("[1,[true,null],{}]", "n /0=1\nb /1/0=true\nz /1/1=null\n");
    gives("{\"a\":{\"b/c\":[\"\\u00e9\\n\"]},\"~\":2}",
          "k /a=a\nk /a/b~1c=b/c\ns /a/b~1c/0=\xc3\xa9\n\nk /~0=~\nn /~0=2\n");
    gives("{\"bob@example.com\":\"rw\"}",
          "k /bob@example.com=bob@example.com\ns /bob@example.com=rw\n");
    gives("\"\\ud83d\\ude00\"", "s =\xf0\x9f\x98\x80\n");
    gives("{\"a\":1}\n{\"a\":2}\n", "k /0/a=a\nn /0/a=1\nk /1/a=a\nn /1/a=2\n");
}

static void what_is_not_json_is_refused(void **state)
{
    static const char *const bad[] = {"",
                                      " ",
                                      "[",
                                      "]",
                                      "[1,]",
                                      "[,1]",
                                      "[1 2]",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{\"a\":1,}",
                                      "{a:1}",
                                      "{1:1}",
                                      "01",
                                      "1.",
                                      ".5",
                                      "+1",
                                      "1e",
                                      "-",
                                      "NaN",
                                      "tru",
                                      "truex",
                                      "'a'",
                                      "\"a",
                                      "\"\t\"",
                                      "\"\\x\"",
                                      "\"\\u12\"",
                                      "\"\\ud800\"",
                                      "\"\\udc00\"",
                                      "\"\\ud800\\u0041\"",
                                      "\"\xff\"",
                                      "\"\xc0\x80\"",
                                      "[1]]",
                                      "{\"a\":1}}",
                                      "\xef\xbb\xbf[]",
                                      "1.2.3",
                                      "[\"a\":1]",
                                      "{\"a\",1}",
                                      "/**/1",
                                      "nul"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (leaves_check(ts_str_of(bad[i])) != TS_E_FORMAT)
            print_error("taken: %s\n", bad[i]);
        assert_int_equal(leaves_check(ts_str_of(bad[i])), TS_E_FORMAT);
    }
}

static const char sample[] =
    "{\"mails\":[{\"id\":\"1\",\"to\":[\"a@example.com\"]},{\"id\":\"2\"}],"
    "\"a/b\":{\"~\":\"\\u0041\"},\"n\":[1,2,3,4,5,6,7,8,9,10,11]}";

static void points(const char *json, const char *pointer, ts_err want,
                   const char *text)
{
    struct ts_str value;

    assert_int_equal(leaves_at(ts_str_of(json), ts_str_of(pointer), &value),
                     want);
    if (want == TS_OK)
        assert_true(ts_str_eq_c(value, text));
}

static void a_pointer_finds_its_value_or_nothing(void **state)
{
    (void)state;
    points(sample, "", TS_OK, sample);
    points(sample, "/mails/1", TS_OK, "{\"id\":\"2\"}");
    points(sample, "/mails/0/to/0", TS_OK, "\"a@example.com\"");
    points(sample, "/a~1b/~0", TS_OK, "\"\\u0041\"");
    points(sample, "/n/10", TS_OK, "11");
    points(sample, "/n/11", TS_E_NOT_FOUND, NULL);
    points(sample, "/n/01", TS_E_NOT_FOUND, NULL);
    points(sample, "/n/-1", TS_E_NOT_FOUND, NULL);
    points(sample, "/n/4294967296", TS_E_NOT_FOUND, NULL);
    points(sample, "/mails/0/to/0/x", TS_E_NOT_FOUND, NULL);
    points(sample, "mails", TS_E_NOT_FOUND, NULL);
    points(sample, "/", TS_E_NOT_FOUND, NULL);
    points(sample, "/a~2b", TS_E_NOT_FOUND, NULL);
    points(sample, "/a~", TS_E_NOT_FOUND, NULL);
    points("{\"a\":1,\"\\u0061\":2}", "/a", TS_E_EXISTS, NULL);
    points("1\n2\n", "/1", TS_OK, "2");
    points("1\n2\n", "/2", TS_E_NOT_FOUND, NULL);
    points("1\n2\n", "", TS_E_NOT_FOUND, NULL);
}

static void every_end_and_every_byte_of_a_text_is_looked_at(void **state)
{
    const size_t len = strlen(sample);
    uint8_t *copy;

    (void)state;
    for (size_t n = 0; n < len; n++) { /* in memory that ends with it */
        copy = ts_mem_alloc(n + 1);
        assert_non_null(copy);
        memcpy(copy, sample, n);
        assert_int_equal(leaves_check((struct ts_str){(const char *)copy, n}),
                         TS_E_FORMAT);
        ts_mem_free(copy);
    }
    copy = ts_mem_alloc(len + 1);
    assert_non_null(copy);
    for (size_t bit = 0; bit < len * 8; bit++) {
        const struct ts_str s = {(const char *)copy, len};
        struct ts_str value;

        memcpy(copy, sample, len);
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (leaves_check(s) == TS_OK) {
            const ts_err e = leaves_at(s, TS_STR_LIT("/n/3"), &value);

            assert_true(e == TS_OK || e == TS_E_NOT_FOUND || e == TS_E_EXISTS);
        }
    }
    ts_mem_free(copy);
}

static void limits_are_limits(void **state)
{
    static char text[3 * LEAVES_COUNT_MAX];
    const struct ts_str deep = {text, 2 * LEAVES_DEPTH_MAX};

    (void)state;
    memset(text, '[', LEAVES_DEPTH_MAX);
    memset(text + LEAVES_DEPTH_MAX, ']', LEAVES_DEPTH_MAX);
    assert_int_equal(leaves_check(deep), TS_OK);
    memset(text, '[', LEAVES_DEPTH_MAX + 1);
    memset(text + LEAVES_DEPTH_MAX + 1, ']', LEAVES_DEPTH_MAX + 1);
    assert_int_equal(leaves_check((struct ts_str){text, deep.len + 2}),
                     TS_E_LIMIT);
    for (size_t i = 0; i < LEAVES_COUNT_MAX; i++)
        memcpy(text + 1 + 2 * i, "1,", 2);
    text[0] = '[';
    text[2 * LEAVES_COUNT_MAX] = ']';
    assert_int_equal(
        leaves_check((struct ts_str){text, 2 * LEAVES_COUNT_MAX + 1}), TS_OK);
    memcpy(text + 2 * LEAVES_COUNT_MAX, ",1]", 3);
    assert_int_equal(
        leaves_check((struct ts_str){text, 2 * LEAVES_COUNT_MAX + 3}),
        TS_E_LIMIT);
    memset(text, 'k', LEAVES_POINTER_MAX + 8);
    memcpy(text, "{\"", 2);
    memcpy(text + LEAVES_POINTER_MAX + 1, "\":1}", 4);
    assert_int_equal(
        leaves_check((struct ts_str){text, LEAVES_POINTER_MAX + 5}), TS_OK);
    memset(text + 2, 'k', LEAVES_POINTER_MAX + 8);
    memcpy(text + LEAVES_POINTER_MAX + 2, "\":1}", 4);
    assert_int_equal(
        leaves_check((struct ts_str){text, LEAVES_POINTER_MAX + 6}),
        TS_E_LIMIT);
}

static void patterns_cover_what_lies_below_them(void **state)
{
    static const struct {
        const char *pattern, *pointer;
        bool covers;
    } all[] = {
        {"", "", true},
        {"", "/a/b", true},
        {"/*/body", "/0/body", true},
        {"/*/body", "/0/body/x", true},
        {"/*/body", "/0/bodyguard", false},
        {"/*/body", "/0", false},
        {"/*", "", false},
        {"/*", "/a", true},
        {"/a~1b", "/a~1b", true},
        {"/a~1b", "/a/b", false},
        {"/*/*/c", "/a/b/c", true},
        {"body", "/body", false},
        {"/", "/", true},
        {"/", "/a", false},
    };
    char out[LEAVES_POINTER_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        assert_int_equal(leaf_pattern_covers(ts_str_of(all[i].pattern),
                                             ts_str_of(all[i].pointer)),
                         all[i].covers);
    assert_true(ts_str_eq_c(
        (struct ts_str){out,
                        leaf_pattern_of(TS_STR_LIT("/12/sender/0x/007"), out)},
        "/*/sender/0x/*"));
    assert_int_equal(leaf_pattern_of(TS_STR_LIT(""), out), 0);
}

static ts_err walk(const void *arg)
{
    return leaves_check(ts_str_of(arg));
}

static void without_memory_nothing_is_told_as_good(void **state)
{
    (void)state;
    fault_mem_sweep(walk, "{\"\\u0061\":\"\\u0062\"}", TS_OK, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            leaves_come_in_order_with_their_pointers, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_json_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_pointer_finds_its_value_or_nothing,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            every_end_and_every_byte_of_a_text_is_looked_at, setup, teardown),
        cmocka_unit_test_setup_teardown(limits_are_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(patterns_cover_what_lies_below_them,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(without_memory_nothing_is_told_as_good,
                                        setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
