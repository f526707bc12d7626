/* Every byte that others wrote stays inside its frame. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "sidecar/question/screen.h"
#include "tests/lib/fault_mem.h"

static struct ts_buf out;
static const struct screen_codes plain = {"", "", "", "", "", "", ""};

static int setup(void **state)
{
    (void)state;
    ts_buf_init(&out, SCREEN_OUT_MAX);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fault_mem_disarm();
    ts_buf_done(&out);
    return 0;
}

static const char *shown(struct ts_str v, bool utf8, bool quoted, size_t max)
{
    struct screen s;

    ts_buf_clear(&out);
    screen_init(&s, &out, 160, utf8, &plain);
    screen_open(&s, 0, 0, false);
    (void)screen_value(&s, v, max, quoted);
    assert_false(s.failed);
    assert_int_equal(ts_buf_append(&out, "", 1), TS_OK);
    return (const char *)ts_buf_bytes(&out);
}

static size_t encode(uint32_t c, char *p)
{
    if (c < 0x80) {
        p[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        p[0] = (char)(0xC0 | c >> 6);
        p[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        p[0] = (char)(0xE0 | c >> 12);
        p[1] = (char)(0x80 | (c >> 6 & 0x3F));
        p[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    p[0] = (char)(0xF0 | c >> 18);
    p[1] = (char)(0x80 | (c >> 12 & 0x3F));
    p[2] = (char)(0x80 | (c >> 6 & 0x3F));
    p[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

/* All of Unicode: as itself, or as printable ASCII. */
static void every_character_is_itself_or_ascii(void **state)
{
    unsigned themselves = 0;

    (void)state;
    for (uint32_t c = 0; c <= 0x10FFFF; c++) {
        char in[4];
        size_t n;
        const char *text;

        if (c >= 0xD800 && c <= 0xDFFF)
            continue;
        n = encode(c, in);
        text = shown((struct ts_str){in, n}, true, true, SIZE_MAX);
        if (strlen(text) == n && memcmp(text, in, n) == 0) {
            themselves += c >= 0x80 ? 1 : 0;
            assert_true(c >= 0x20 && c != 0x7F && c != '"' && c != '\\');
            assert_true(c < 0x80 || c > 0xA0);
            continue;
        }
        for (const char *p = text; *p != '\0'; p++)
            assert_true(*p >= 0x20 && *p < 0x7F);
    }
    assert_in_range(themselves, 30000, 40000);
}

static void what_deceives_is_named(void **state)
{
    static const struct {
        const char *in, *want;
    } rows[] = {
        {"\x1b[31m", "\\x1b[31m"},
        {"a\nb\r\t", "a\\nb\\r\\t"},
        {"\xc2\x9b"
         "2J",
         "\\u{9b}2J"},
        {"\xe2\x80\xae"
         "fdp",
         "\\u{202e}fdp"},
        {"a\xe2\x80\x8b"
         "b",
         "a\\u{200b}b"},
        {"\xcc\x81", "\\u{301}"},
        {"\xd7\xa9", "\\u{5e9}"},
        {"\xf0\x9f\x98\x80", "\\u{1f600}"},
        {"\xff\xfe", "\\xff\\xfe"},
        {"\xe2\x94\x82", "\\u{2502}"},
        {"say \"no\"", "say \\\"no\\\""},
        {"\\n", "\\\\n"},
        {"\xef\xbc\xa1", "\\u{ff21}"},
        {"\x7f", "\\x7f"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_string_equal(shown(ts_str_of(rows[i].in), true, true, SIZE_MAX),
                            rows[i].want);
    assert_string_equal(
        shown(ts_str_of("gr\xc3\xbc\xc3\x9f"), true, true, SIZE_MAX),
        "gr\xc3\xbc\xc3\x9f");
    assert_string_equal(
        shown(ts_str_of("gr\xc3\xbc\xc3\x9f"), false, true, SIZE_MAX),
        "gr\\u{fc}\\u{df}");
}

static void a_cut_leaves_whole_characters_and_counts_the_rest(void **state)
{
    struct screen s;

    (void)state;
    for (size_t max = 0; max <= 6; max++) {
        ts_buf_clear(&out);
        screen_init(&s, &out, 80, true, &plain);
        screen_open(&s, 0, 0, false);
        assert_int_equal(
            screen_value(&s, ts_str_of("\xc3\xa9\xc3\xa9\xc3\xa9"), max, false),
            6 - max / 2 * 2);
        assert_int_equal(out.len, max / 2 * 2);
    }
}

/* Columns that a line takes, by what is in it here: 1 for each character but
 * for Han, which takes 2. */
static unsigned columns(const char *line, size_t len)
{
    unsigned n = 0;

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)line[i];

        if ((c & 0xC0) != 0x80)
            n += c >= 0xE4 && c <= 0xE9 ? 2 : 1;
    }
    return n;
}

static void no_line_is_wider_and_each_has_its_bar(void **state)
{
    const char *const hostile =
        "\xe4\xb8\xad\xe4\xb8\xad\x1b[2J\x1b[H \n\n\n   x \xe2\x80\xae"
        "0123456789 0123456789 \xe4\xb8\xad\xc2\x85 end";

    (void)state;
    for (unsigned width = 40; width <= 160; width++) {
        for (unsigned hang = 0; hang <= 60; hang += 5) {
            const char *line, *end;
            struct screen s;

            ts_buf_clear(&out);
            screen_init(&s, &out, width, true, &plain);
            screen_open(&s, 4, hang, true);
            for (int i = 0; i < 9; i++)
                (void)screen_value(&s, ts_str_of(hostile), SIZE_MAX, true);
            screen_close(&s);
            line = (const char *)ts_buf_bytes(&out);
            for (end = line + out.len; line < end;) {
                const char *stop = memchr(line, '\n', (size_t)(end - line));

                assert_non_null(stop);
                assert_memory_equal(line, "\xe2\x94\x82 ", 4);
                assert_true(columns(line, (size_t)(stop - line)) <= width);
                line = stop + 1;
            }
        }
    }
}

static void words_break_at_spaces(void **state)
{
    struct screen s;
    const char *text;

    (void)state;
    ts_buf_clear(&out);
    screen_init(&s, &out, 40, true, &plain);
    screen_open(&s, 2, 4, false);
    screen_words(&s, "one two three four five six seven eight nine ten");
    screen_close(&s);
    assert_int_equal(ts_buf_append(&out, "", 1), TS_OK);
    text = (const char *)ts_buf_bytes(&out);
    assert_string_equal(text, "  one two three four five six seven\n"
                              "    eight nine ten\n");
}

static void alphabets_that_look_alike_are_seen(void **state)
{
    uint32_t c = 0;

    (void)state;
    assert_true(screen_mixes_alphabets(ts_str_of("b\xd0\xbe"
                                                 "b@example.com"),
                                       &c));
    assert_int_equal(c, 0x43e);
    assert_false(screen_mixes_alphabets(ts_str_of("bob@example.com"), &c));
    assert_false(screen_mixes_alphabets(ts_str_of("\xd0\xbe\xd0\xba 12"), &c));
    assert_false(screen_mixes_alphabets(ts_str_of("gr\xc3\xbcn"), &c));
}

static void without_memory_it_says_so(void **state)
{
    struct ts_buf b;
    struct screen s;

    (void)state;
    ts_buf_init(&b, SCREEN_OUT_MAX);
    screen_init(&s, &b, 80, true, &plain);
    fault_mem_arm(0, true);
    screen_open(&s, 4, 4, true);
    screen_words(&s, "x");
    screen_close(&s);
    fault_mem_disarm();
    assert_true(s.failed);
    ts_buf_done(&b);
    ts_buf_init(&b, 3);
    screen_init(&s, &b, 80, true, &plain);
    screen_open(&s, 4, 4, true);
    screen_words(&s, "xyz");
    assert_true(s.failed);
    ts_buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_character_is_itself_or_ascii),
        cmocka_unit_test(what_deceives_is_named),
        cmocka_unit_test(a_cut_leaves_whole_characters_and_counts_the_rest),
        cmocka_unit_test(no_line_is_wider_and_each_has_its_bar),
        cmocka_unit_test(words_break_at_spaces),
        cmocka_unit_test(alphabets_that_look_alike_are_seen),
        cmocka_unit_test(without_memory_it_says_so),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
