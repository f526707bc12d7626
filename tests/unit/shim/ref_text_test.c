/* A handle as a word: what is one, what is none, and that nothing that begins
 * like one passes as a text. */
#include "tests/lib/ts_test.h"

#include "shim/cli/ref_text.h"

static void word_that_is_a_handle_is_read(void **state)
{
    static const struct {
        const char *word, *call, *path;
    } rows[] = {
        {"$ref:call-3#/0/sender", "call-3", "/0/sender"},
        {"$ref:call-3", "call-3", ""},
        {"$ref:call-3#", "call-3", ""},
        {"$ref:call-4294967295#/", "call-4294967295", "/"},
        {"$ref:call-1#/a#b/~0~1", "call-1", "/a#b/~0~1"},
        {"$ref:call-1#/a b\xc3\xa9", "call-1", "/a b\xc3\xa9"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ref_text r;

        assert_true(ref_text_is(ts_str_of(rows[i].word)));
        assert_int_equal(ref_text_parse(ts_str_of(rows[i].word), &r), TS_OK);
        assert_true(ts_str_eq_c(r.call, rows[i].call));
        assert_true(ts_str_eq_c(r.path, rows[i].path));
    }
}

static void word_that_is_no_handle_is_refused(void **state)
{
    static const char *const words[] = {"$ref:",
                                        "$ref:#",
                                        "$ref:call-",
                                        "$ref:call-0",
                                        "$ref:call-01",
                                        "$ref:call-1x",
                                        "$ref:call--1",
                                        "$ref:CALL-1",
                                        "$ref:call-1 ",
                                        "$ref: call-1",
                                        "$ref:call-1#x",
                                        "$ref:call-1#0/a",
                                        "$ref:call-1#/~",
                                        "$ref:call-1#/~2",
                                        "$ref:$ref:call-1",
                                        "$ref:call-99999999999999999999"};
    struct ref_text r;

    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        assert_true(ref_text_is(ts_str_of(words[i])));
        assert_int_equal(ref_text_parse(ts_str_of(words[i]), &r), TS_E_INVALID);
    }
}

static void word_of_another_kind_is_a_text(void **state)
{
    static const char *const words[] = {
        "", "$", "$ref", "$REF:call-1", " $ref:", "call-1", "x$ref:call-1"};
    struct ref_text r;

    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        assert_false(ref_text_is(ts_str_of(words[i])));
        assert_int_equal(ref_text_parse(ts_str_of(words[i]), &r), TS_E_INVALID);
    }
}

static void truncation_of_a_handle_is_a_handle_of_less_or_none(void **state)
{
    const struct ts_str whole = TS_STR_LIT("$ref:call-31#/0/a~1b");

    (void)state;
    for (size_t n = 0; n < whole.len; n++) {
        struct ts_str cut = {.ptr = whole.ptr, .len = n};
        struct ref_text r;

        if (ref_text_parse(cut, &r) != TS_OK)
            continue;
        assert_true(r.call.ptr == whole.ptr + 5);
        assert_true(r.call.len + r.path.len <= n - 5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(word_that_is_a_handle_is_read),
        cmocka_unit_test(word_that_is_no_handle_is_refused),
        cmocka_unit_test(word_of_another_kind_is_a_text),
        cmocka_unit_test(truncation_of_a_handle_is_a_handle_of_less_or_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
