#include "tests/lib/ts_test.h"

#include <string.h>

#include "proto/base/ts_str.h"

static void escape(const char *in, size_t len, const char *want)
{
    char out[256];

    assert_int_equal(ts_str_escape(out, sizeof(out), in, len), strlen(want));
    assert_string_equal(out, want);
}

static void what_could_deceive_is_made_visible(void **state)
{
    (void)state;
    escape("plain text", 10, "plain text");
    escape("gr\xc3\xbc\xc3\x9f"
           "e \xe2\x82\xac \xf0\x9f\x98\x80",
           16,
           "gr\xc3\xbc\xc3\x9f"
           "e \xe2\x82\xac \xf0\x9f\x98\x80");
    escape("a\nb\rc\td", 7, "a\\nb\\rc\\td");
    escape("\"\\", 2, "\\\"\\\\");
    escape("\x1b[2J", 4, "\\x1b[2J");  /* ESC */
    escape("\0\x7f", 2, "\\x00\\x7f"); /* NUL, DEL */
    escape("\xc2\x9b"
           "2J",
           4, "\\u{9b}2J"); /* C1: CSI */
    escape("\xe2\x80\xae"
           "abc",
           6, "\\u{202e}abc");                    /* right-to-left override */
    escape("\xe2\x81\xa6", 3, "\\u{2066}");       /* isolate */
    escape("\xe2\x80\x8b", 3, "\\u{200b}");       /* zero width space */
    escape("\xef\xbb\xbf", 3, "\\u{feff}");       /* byte order mark */
    escape("\xc2\xad", 2, "\\u{ad}");             /* soft hyphen */
    escape("\xe2\x80\xa8", 3, "\\u{2028}");       /* line separator */
    escape("\xf3\xa0\x81\x81", 4, "\\u{e0041}");  /* tag letter */
    escape("\xff\xc3", 2, "\\xff\\xc3");          /* not UTF-8 */
    escape("\xc0\x80", 2, "\\xc0\\x80");          /* overlong NUL */
    escape("\xed\xa0\x80", 3, "\\xed\\xa0\\x80"); /* surrogate */
    escape("", 0, "");
}

/* Every code point below U+11000: controls never come through raw. */
static void no_control_character_comes_through(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x11000; c++) {
        char in[4], out[32];
        size_t n;

        if (c < 0x80) {
            in[0] = (char)c;
            n = 1;
        } else if (c < 0x800) {
            in[0] = (char)(0xC0 | c >> 6);
            in[1] = (char)(0x80 | (c & 63));
            n = 2;
        } else {
            in[0] = (char)(0xE0 | c >> 12);
            in[1] = (char)(0x80 | (c >> 6 & 63));
            in[2] = (char)(0x80 | (c & 63));
            n = 3;
        }
        if (c >= 0x10000)
            break;
        (void)ts_str_escape(out, sizeof(out), in, n);
        for (const char *p = out; *p != '\0'; p++)
            assert_true((unsigned char)*p >= 0x20 && *p != 0x7f);
        assert_true(ts_utf8_valid(out, strlen(out)));
        if (c >= 0x80 && c < 0xA0)
            assert_int_equal(out[0], '\\');
    }
}

/* Every cap: terminated, never longer, never half an escape; complete when it
 * fits and marked with dots when it does not. */
static void every_cap_cuts_cleanly(void **state)
{
    static const char in[] = "ab\x1b"
                             "c\xe2\x80\xae\xc3\xbc\nz";
    static const char full[] = "ab\\x1bc\\u{202e}\xc3\xbc\\nz";
    static const size_t ends[] = {0, 1, 2, 6, 7, 15, 17, 19, 20};
    char out[64];

    (void)state;
    for (size_t cap = 0; cap <= sizeof(full) + 3; cap++) {
        size_t n, text;
        bool at_end = false;

        memset(out, '#', sizeof(out));
        n = ts_str_escape(out, cap, in, sizeof(in) - 1);
        assert_int_equal(out[cap], '#');
        if (cap == 0) {
            assert_int_equal(n, 0);
            continue;
        }
        assert_true(n < cap);
        assert_int_equal(out[n], '\0');
        assert_int_equal(strlen(out), n);
        if (cap > sizeof(full) - 1) {
            assert_string_equal(out, full);
            continue;
        }
        text = n >= 3 && strcmp(out + n - 3, "...") == 0 ? n - 3 : n;
        assert_true(text < n || cap <= 4);
        assert_memory_equal(out, full, text);
        for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
            at_end |= ends[i] == text;
        assert_true(at_end);
    }
}

static void utf8_is_strict(void **state)
{
    static const struct {
        const char *s;
        bool ok;
    } cases[] = {
        {"", true},
        {"\x7f", true},
        {"\x80", false},
        {"\xc1\xbf", false},
        {"\xc2\x80", true},
        {"\xdf\xbf", true},
        {"\xc2", false},
        {"\xc2\x7f", false},
        {"\xc2\xc0", false},
        {"\xe0\x9f\xbf", false},
        {"\xe0\xa0\x80", true},
        {"\xed\x9f\xbf", true},
        {"\xed\xa0\x80", false},
        {"\xed\xbf\xbf", false},
        {"\xee\x80\x80", true},
        {"\xef\xbf\xbf", true},
        {"\xe2\x82", false},
        {"\xf0\x8f\xbf\xbf", false},
        {"\xf0\x90\x80\x80", true},
        {"\xf4\x8f\xbf\xbf", true},
        {"\xf4\x90\x80\x80", false},
        {"\xf5\x80\x80\x80", false},
        {"\xf0\x90\x80", false},
        {"\xfe", false},
        {"\xff", false},
        {"ok\xc3\xbcok", true},
        {"ok\xc3ok", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(ts_utf8_valid(cases[i].s, strlen(cases[i].s)),
                         cases[i].ok);
    assert_true(ts_utf8_valid("a\0b", 3));
}

static void hex_round_trips_and_refuses_the_rest(void **state)
{
    uint8_t all[256], back[256];
    char hex[2 * sizeof(all) + 1];

    (void)state;
    for (size_t i = 0; i < sizeof(all); i++)
        all[i] = (uint8_t)i;
    ts_hex_encode(hex, all, sizeof(all));
    assert_int_equal(strlen(hex), 512);
    assert_int_equal(ts_hex_decode(hex, 512, back, 256), TS_OK);
    assert_memory_equal(all, back, sizeof(all));
    assert_int_equal(ts_hex_decode("aF", 2, back, 1), TS_OK);
    assert_int_equal(back[0], 0xAF);
    assert_int_equal(ts_hex_decode(hex, 511, back, 256), TS_E_FORMAT);
    assert_int_equal(ts_hex_decode(hex, 510, back, 256), TS_E_FORMAT);
    for (unsigned c = 0; c < 256; c++) {
        char two[2] = {'0', (char)c};
        bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
                     (c >= 'A' && c <= 'F');

        back[0] = 0x77;
        assert_int_equal(ts_hex_decode(two, 2, back, 1),
                         digit ? TS_OK : TS_E_FORMAT);
        if (!digit)
            assert_int_equal(back[0], 0x77); /* untouched */
    }
}

static void comparison_is_by_bytes_then_length(void **state)
{
    static const char *const sorted[] = {"",   "A", "a",       "a/",
                                         "aa", "b", "\xc3\xbc"};

    (void)state;
    for (int i = 0; i < 7; i++) {
        for (int k = 0; k < 7; k++) {
            struct ts_str a = ts_str_of(sorted[i]), b = ts_str_of(sorted[k]);
            int c = ts_str_cmp(a, b);

            assert_int_equal((c > 0) - (c < 0), (i > k) - (i < k));
            assert_int_equal(ts_str_eq(a, b), i == k);
        }
    }
    assert_true(ts_str_starts(TS_STR_LIT("abc"), TS_STR_LIT("ab")));
    assert_true(ts_str_starts(TS_STR_LIT("abc"), TS_STR_LIT("")));
    assert_false(ts_str_starts(TS_STR_LIT("ab"), TS_STR_LIT("abc")));
    assert_int_equal(ts_str_of(NULL).len, 0);
}

static void show_keeps_quotes_and_nothing_else(void **state)
{
    static const char in[] = "say \"hi\" \\ \x1b[31m";
    char out[64];

    (void)state;
    (void)ts_str_show(out, sizeof(out), in, sizeof(in) - 1);
    assert_string_equal(out, "say \"hi\" \\\\ \\x1b[31m");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(show_keeps_quotes_and_nothing_else),
        cmocka_unit_test(what_could_deceive_is_made_visible),
        cmocka_unit_test(no_control_character_comes_through),
        cmocka_unit_test(every_cap_cuts_cleanly),
        cmocka_unit_test(utf8_is_strict),
        cmocka_unit_test(hex_round_trips_and_refuses_the_rest),
        cmocka_unit_test(comparison_is_by_bytes_then_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
