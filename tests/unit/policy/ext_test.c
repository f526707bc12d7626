/* Extension values as text: decimals, durations, instants and addresses. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "policy/cedar.h"
#include "policy/core/ext.h"
#include "policy/core/value.h"

static struct ts_arena arena;

static int setup(void **state)
{
    (void)state;
    ts_arena_init(&arena, 16 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ts_arena_done(&arena);
    return 0;
}

/* Days are counted one by one over all years that datetime() can spell. */
static void datetime_parse_agrees_with_a_calendar(void **state)
{
    int64_t day = -719528; /* 0000-01-01 */

    (void)state;
    for (int y = 0; y < 10000; y++) {
        for (int m = 1; m <= 12; m++) {
            static const int lens[] = {31, 28, 31, 30, 31, 30,
                                       31, 31, 30, 31, 30, 31};
            bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
            int len = lens[m - 1] + (m == 2 && leap ? 1 : 0);
            char text[24];
            const char *why;
            int64_t ms;
            int n = snprintf(text, sizeof(text), "%04d-%02d-01", y, m);

            assert_true(cedar_datetime_parse((struct ts_str){text, (size_t)n},
                                             &ms, &why));
            assert_int_equal(ms, day * 86400000);
            n = snprintf(text, sizeof(text), "%04d-%02d-%02d", y, m, len + 1);
            assert_false(cedar_datetime_parse((struct ts_str){text, (size_t)n},
                                              &ms, &why));
            day += len;
        }
    }
}

struct text_row {
    const char *text;
    bool ok;
    int64_t value;
};

static void decimal_parse_table(void **state)
{
    static const struct text_row rows[] = {
        {"0.0", true, 0},
        {"-0.5", true, -5000},
        {"12.34", true, 123400},
        {"922337203685477.5807", true, INT64_MAX},
        {"-922337203685477.5808", true, INT64_MIN},
        {"922337203685477.5808", false, 0},
        {"-922337203685477.5809", false, 0},
        {"00.1", true, 1000},
        {"-0.0", true, 0},
        {"1", false, 0},
        {"1.", false, 0},
        {".1", false, 0},
        {"-.1", false, 0},
        {"+1.0", false, 0},
        {"1.00000", false, 0},
        {"1.0 ", false, 0},
        {" 1.0", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {"1e1.0", false, 0},
        {"99999999999999999999.0", false, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cedar_value v = {0};
        ts_err e = cedar_decimal(ts_str_of(rows[i].text), &v);

        assert_int_equal(e, rows[i].ok ? TS_OK : TS_E_FORMAT);
        if (rows[i].ok)
            assert_true(v.as.integer == rows[i].value);
    }
}

static void duration_parse_table(void **state)
{
    static const struct text_row rows[] = {
        {"5ms", true, 5},
        {"5m", true, 300000},
        {"5m5ms", true, 300005},
        {"1d2h3m4s5ms", true, 93784005},
        {"-1d", true, -86400000},
        {"-0ms", true, 0},
        {"9223372036854775807ms", true, INT64_MAX},
        {"-9223372036854775808ms", true, INT64_MIN},
        {"9223372036854775808ms", false, 0},
        {"-9223372036854775809ms", false, 0},
        {"106751991167d", true, 106751991167 * INT64_C(86400000)},
        {"106751991168d", false, 0},
        {"99999999999999999999999d", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {"1", false, 0},
        {"d", false, 0},
        {"1s1m", false, 0},
        {"1d1d", false, 0},
        {"1ms1s", false, 0},
        {"+1d", false, 0},
        {"1 d", false, 0},
        {"1D", false, 0},
        {"1.5h", false, 0},
        {"--1d", false, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *why;
        int64_t v = 0;

        if (cedar_duration_parse(ts_str_of(rows[i].text), &v, &why) !=
                rows[i].ok ||
            v != rows[i].value)
            fail_msg("%s: %lld", rows[i].text, (long long)v);
    }
}

static void datetime_parse_table(void **state)
{
    static const struct text_row rows[] = {
        {"1970-01-01", true, 0},
        {"1970-01-01T00:00:00Z", true, 0},
        {"1970-01-01T00:00:00.001Z", true, 1},
        {"1970-01-01T01:00:00+0100", true, 0},
        {"1969-12-31T23:00:00-0100", true, 0},
        {"1970-01-01T00:00:00.5Z", false, 0},
        {"1970-01-01T00:00:00.Z", false, 0},
        {"1970-01-01T00:00:00.0001Z", false, 0},
        {"1970-01-01T00:00:00+01:00", false, 0},
        {"1970-01-01T00:00:00+2359", true, -86340000},
        {"1970-01-01T00:00:00+2400", false, 0},
        {"1970-01-01T00:00:00+0060", false, 0},
        {"1970-01-01T00:00:00z", false, 0},
        {"1970-01-01T00:00:00", false, 0},
        {"1970-01-01T00:00Z", false, 0},
        {"1970-01-01t00:00:00Z", false, 0},
        {"1970-01-01 00:00:00Z", false, 0},
        {"1970-01-01T24:00:00Z", false, 0},
        {"1970-01-01T23:60:00Z", false, 0},
        {"1970-01-01T23:59:60Z", false, 0},
        {"1970-13-01", false, 0},
        {"1970-00-01", false, 0},
        {"1970-01-00", false, 0},
        {"1900-02-29", false, 0},
        {"70-01-01", false, 0},
        {"-970-01-01", false, 0},
        {"1970-01-01Z", false, 0},
        {"1970-01-01T00:00:00Z ", false, 0},
        {"", false, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *why;
        int64_t v = 0;

        if (cedar_datetime_parse(ts_str_of(rows[i].text), &v, &why) !=
                rows[i].ok ||
            v != rows[i].value)
            fail_msg("%s: %lld", rows[i].text, (long long)v);
    }
}

static void ip_parse_table(void **state)
{
    static const struct {
        const char *text;
        bool ok;
    } rows[] = {
        {"1.2.3.4", true},
        {"1.2.3.4/0", true},
        {"1.2.3.4/32", true},
        {"1.2.3.4/33", false},
        {"1.2.3.4/", false},
        {"1.2.3.4/00", false},
        {"1.2.3.4/032", false},
        {"1.2.3", false},
        {"1.2.3.4.5", false},
        {"256.1.1.1", false},
        {"01.2.3.4", false},
        {"1.2.3.4 ", false},
        {"1..3.4", false},
        {"", false},
        {"::", true},
        {"::1", true},
        {"1::", true},
        {"::/0", true},
        {"::1/128", true},
        {"::1/129", false},
        {"1:2:3:4:5:6:7:8", true},
        {"1:2:3:4:5:6:7::", true},
        {"::2:3:4:5:6:7:8", true},
        {"1::3:4:5:6:7:8", true},
        {"1:2:3:4:5:6:7", false},
        {"1:2:3:4:5:6:7:8:9", false},
        {"1::2:3:4:5:6:7:8", false},
        {"::1:2:3:4:5:6:7:8", false},
        {"1:2:3:4:5:6:7:8::", false},
        {":1", false},
        {"1:", false},
        {":", false},
        {":::", false},
        {"1:::2", false},
        {"1::2::3", false},
        {"12345::", false},
        {"g::", false},
        {"::ffff:127.0.0.1", false},
        {"fe80::1%eth0", false},
        {"[::1]", false},
        {"FFFF::abcd", true},
        {"A::F", true},
        {"a::f", true},
        {"0::9", true},
        {"G::", false},
        {"@::", false},
        {"`::", false},
        {"::g", false},
        {"1::2:", false},
        {"1:2:3:4:5:6:7:8:9::", false},
        {"1::2:/64", false},
        {"1:2:3:4:5:6:7:", false},
        {"1:2:3:4:5:6:7:/64", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cedar_value v;

        if ((cedar_ipaddr(ts_str_of(rows[i].text), &v) == TS_OK) != rows[i].ok)
            fail_msg("%s", rows[i].text);
    }
}

static void ip_parse_groups_stand_in_their_place(void **state)
{
    static const char *const pairs[][2] = {
        {"1:2::7:8", "1:2:0:0:0:0:7:8"},
        {"::6:7:8", "0:0:0:0:0:6:7:8"},
        {"1:2:3::", "1:2:3:0:0:0:0:0"},
        {"1::3:4:5:6:7", "1:0:0:3:4:5:6:7"},
    };
    struct cedar_value a, b;

    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        assert_int_equal(cedar_ipaddr(ts_str_of(pairs[i][0]), &a), TS_OK);
        assert_int_equal(cedar_ipaddr(ts_str_of(pairs[i][1]), &b), TS_OK);
        assert_true(cedar_value_eq(&a, &b));
    }
    assert_int_equal(
        cedar_ipaddr(TS_STR_LIT("102:304:506:708:90a:b0c:d0e:f10"), &a), TS_OK);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(a.as.ip.addr[i], i + 1);
}

/* Every beginning of a text is read as if nothing followed it. */
static void parsers_never_look_past_their_text(void **state)
{
    static const char *const texts[] = {
        "-12.3456",           "-1d2h3m4s5ms",        "2024-02-29T12:34:56.789Z",
        "255.255.255.255/32", "1:2:3:4:5:6:7:8/128", "1::abcd/64",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        for (size_t n = 0; n <= strlen(texts[i]); n++) {
            struct ts_str in = {texts[i], n}, alone;
            char copy[64] = "";
            struct cedar_value a, b;
            const char *why;
            int64_t x = 0, y = 0;

            memcpy(copy, texts[i], n);
            alone = (struct ts_str){copy, n};
            assert_int_equal(cedar_decimal(in, &a), cedar_decimal(alone, &b));
            assert_int_equal(cedar_ipaddr(in, &a), cedar_ipaddr(alone, &b));
            assert_int_equal(cedar_duration_parse(in, &x, &why),
                             cedar_duration_parse(alone, &y, &why));
            assert_int_equal(x, y);
            assert_int_equal(cedar_datetime_parse(in, &x, &why),
                             cedar_datetime_parse(alone, &y, &why));
            assert_int_equal(x, y);
        }
}

/* Every digit in every place of a group, in either case. */
static void ip_parse_every_hex_digit_has_its_value(void **state)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";

    (void)state;
    for (unsigned place = 0; place < 4; place++)
        for (unsigned d = 0; d < sizeof(digits) - 1; d++) {
            char text[] = "::0000";
            struct cedar_value v;
            unsigned want = d % 16 << 4 * (3 - place);

            text[2 + place] = digits[d];
            assert_int_equal(cedar_ipaddr(ts_str_of(text), &v), TS_OK);
            assert_int_equal(v.as.ip.addr[14], want >> 8);
            assert_int_equal(v.as.ip.addr[15], want & 0xFF);
        }
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(datetime_parse_agrees_with_a_calendar),
        T(decimal_parse_table),
        T(duration_parse_table),
        T(datetime_parse_table),
        T(ip_parse_table),
        T(ip_parse_groups_stand_in_their_place),
        T(parsers_never_look_past_their_text),
        T(ip_parse_every_hex_digit_has_its_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
