#include <stdio.h>
#include <string.h>

#include "policy/core/unicode.h"
#include "policy/core/utf8.h"
#include "tests/lib/ts_test.h"

static void utf8_put_then_next_is_identity(void **state)
{
    char buf[4];

    (void)state;
    for (uint32_t c = 0; c < 0x110000; c++) {
        struct ts_str s = {.ptr = buf};
        size_t at = 0;

        if (c >= 0xD800 && c < 0xE000)
            continue;
        s.len = cedar_utf8_put(buf, c);
        assert_true(ts_utf8_valid(buf, s.len));
        assert_int_equal(cedar_utf8_next(s, &at), c);
        assert_int_equal(at, s.len);
    }
}

static void single_script_table(void **state)
{
    static const struct {
        const char *text;
        bool single;
    } rows[] = {
        {"", true},
        {"plain ASCII, 123 \t!", true},
        {"caf\u00e9 na\u00efve", true},
        {"\u043f\u0440\u0438\u0432\u0435\u0442", true}, /* Cyrillic */
        {"p\u0430ypal", false},                         /* Cyrillic a */
        {"say_\u04bbello", false},
        {"\u03b1\u03b2\u03b3 1", true}, /* Greek, digits are common */
        {"\u03b1b", false},
        {"\u65e5\u672c\u8a9e\u306e\u30c6\u30ad\u30b9\u30c8", true}, /* Jpan */
        {"\ud55c\uad6d\uc5b4\u6f22\u5b57", true},                   /* Kore */
        {"\u3105\u6f22", true},                                     /* Hanb */
        {"\u3042\ud55c", false},
        {"e\u0301", true}, /* a combining mark inherits */
        {"\u0661\u0662", true},
        {"\u2713 done \U0001F600", true}, /* symbols are common */
        {"\U00010400a", false},           /* Deseret */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (cedar_single_script(ts_str_of(rows[i].text)) != rows[i].single)
            fail_msg("row %zu: \"%s\"", i, rows[i].text);
}

static void bidi_finds_exactly_the_nine(void **state)
{
    unsigned found = 0;
    char buf[8] = "ab";

    (void)state;
    for (uint32_t c = 1; c < 0x110000; c++) {
        uint32_t seen = 0;
        size_t n;

        if (c >= 0xD800 && c < 0xE000)
            continue;
        n = 2 + cedar_utf8_put(buf + 2, c);
        if (!cedar_find_bidi((struct ts_str){.ptr = buf, .len = n}, &seen))
            continue;
        assert_int_equal(seen, c);
        found++;
    }
    assert_int_equal(found, 9);
}

static void odd_identifier_table(void **state)
{
    static const struct {
        const char *text;
        uint32_t odd;
    } rows[] = {
        {"", 0},
        {"has space ~", 0},
        {"caf\u00e9", 0},
        {"\u65e5\u672c", 0},
        {"\u043f\u0440", 0},
        {"x\ny", '\n'},
        {"x\x7fy", 0x7F},
        {"say\u200bhi", 0x200B},
        {"\u0430\u034f", 0x034F},
        {"\U0001F600", 0x1F600},
        {"\u2160", 0x2160}, /* a Roman numeral looks like I */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint32_t odd = 0;
        bool is = cedar_find_odd_identifier(ts_str_of(rows[i].text), &odd);

        if (is != (rows[i].odd != 0) || odd != rows[i].odd)
            fail_msg("row %zu: U+%04X, expected U+%04X", i, odd, rows[i].odd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_put_then_next_is_identity),
        cmocka_unit_test(single_script_table),
        cmocka_unit_test(bidi_finds_exactly_the_nine),
        cmocka_unit_test(odd_identifier_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
