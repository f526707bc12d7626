/* DNS servers: text of tipstaff.yaml and of resolv.conf, to c-ares. */
#include "tests/lib/ts_test.h"

#include <stdlib.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "sidecar/common/dns_text.h"
#include "tests/unit/sidecar_core/dns_props.h"

static const char *const samples[] = {
    "1.2.3.4:5353,[::1]:53, ::2,10.0.0.1",
    ("# x\nnameserver 9.9.9.9\nsearch a\nnameserver ::1\n; y\n"
     "nameserver\t2001:db8::53 # yes\noptions edns0\n"),
    "[2001:db8:0:0:0:0:0:53]:65535",
    "nameserver 1.1.1.1\nnameserver 1.1.1.1",
    "\nnameserver\nnameserver \xc3\xa4\n",
};
#define SAMPLES (sizeof(samples) / sizeof(samples[0]))

static const char *servers_of(const char *list, const char *resolv, char *csv)
{
    return dns_servers(ts_str_of(list), ts_str_of(resolv), csv) == TS_OK
               ? csv
               : "none";
}

static void server_is_read_as_it_may_be_written(void **state)
{
    static const struct {
        const char *text, *want; /* NULL: no server */
    } cases[] = {
        {"1.2.3.4", "1.2.3.4:53"},
        {"1.2.3.4:1", "1.2.3.4:1"},
        {"1.2.3.4:65535", "1.2.3.4:65535"},
        {"1.2.3.4:00053", "1.2.3.4:53"},
        {"::1", "[::1]:53"},
        {"[::1]", "[::1]:53"},
        {"[::1]:5353", "[::1]:5353"},
        {"::ffff:1.2.3.4", "[::ffff:1.2.3.4]:53"},
        {"", NULL},
        {":", NULL},
        {"::", "[::]:53"},
        {":53", NULL},
        {"[", NULL},
        {"[]", NULL},
        {"[]:53", NULL},
        {"[::1", NULL},
        {"[::1]1", NULL},
        {"[::1]:", NULL},
        {"[1.2.3.4]:53", NULL},
        {"1.2.3.4:", NULL},
        {"1.2.3.4:0", NULL},
        {"1.2.3.4:65536", NULL},
        {"1.2.3.4:000053", NULL},
        {"1.2.3.4:+53", NULL},
        {"1.2.3.4:53 ", NULL},
        {"1.2.3", NULL},
        {"01.2.3.4", NULL},
        {"fe80::1%eth0", NULL},
        {"dns.example", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char one[DNS_SERVER_MAX] = "untouched";
        bool is = dns_server(ts_str_of(cases[i].text), one);

        if (is != (cases[i].want != NULL))
            fail_msg("%s", cases[i].text);
        assert_string_equal(one, is ? cases[i].want : "untouched");
    }
    assert_false(dns_server((struct ts_str){"1.2.3.4\0", 8}, (char[64]){0}));
}

static void servers_are_those_configured_else_those_of_the_host(void **state)
{
    char csv[DNS_CSV_MAX];

    (void)state;
    assert_string_equal(servers_of("1.2.3.4", "nameserver 9.9.9.9\n", csv),
                        "1.2.3.4:53");
    assert_string_equal(servers_of(samples[0], "", csv),
                        "1.2.3.4:5353,[::1]:53,[::2]:53,10.0.0.1:53");
    assert_string_equal(servers_of("", samples[1], csv),
                        "9.9.9.9:53,[::1]:53,[2001:db8::53]:53");
    assert_string_equal(servers_of("", "nameserver\t9.9.9.9 # yes", csv),
                        "9.9.9.9:53");
    assert_string_equal(servers_of("", "nameserver9.9.9.9\n", csv), "none");
}

static void servers_that_are_no_addresses_are_left_out(void **state)
{
    char csv[DNS_CSV_MAX];

    (void)state;
    assert_string_equal(servers_of("", "", csv), "none");
    assert_string_equal(servers_of("dns.example,1.2.3,,", "", csv), "none");
    assert_string_equal(servers_of("1.2.3.4:x,1.2.3.4:,[1.2.3.4", "", csv),
                        "none");
    assert_string_equal(servers_of("", "nameserver fe80::1%eth0\n", csv),
                        "none");
    assert_string_equal(servers_of("x,1.2.3.4:99999,5.6.7.8", "", csv),
                        "5.6.7.8:53");
}

static void servers_are_at_most_so_many(void **state)
{
    static const char longest[] =
        "[1111:2222:3333:4444:5555:6666:255.255.255.255]:65535,";
    char text[20 * sizeof(longest)] = "", csv[DNS_CSV_MAX];
    size_t commas = 0;

    (void)state;
    for (int i = 0; i < 20; i++)
        memcpy(text + (size_t)i * (sizeof(longest) - 1), longest,
               sizeof(longest));
    assert_string_not_equal(servers_of(text, "", csv), "none");
    for (const char *p = csv; *p != '\0'; p++)
        commas += *p == ',';
    assert_int_equal(commas, DNS_SERVERS_MAX - 1);
}

static void lines_are_whole_ones_of_nameservers(void **state)
{
    const char text[] = "search a b\nnameserver 1.1.1.1\noptions x\n"
                        "nameserver 2.2.2.2\nnameserver 3.3.3.3";
    char buf[64];
    struct ts_str s;

    (void)state;
    s = dns_lines(ts_str_of(text), buf, sizeof(buf));
    assert_true(ts_str_eq_c(s, "nameserver 1.1.1.1\nnameserver 2.2.2.2\n"));
    for (size_t cap = 0; cap < sizeof(buf); cap++) {
        s = dns_lines(ts_str_of(text), buf, cap);
        assert_true(s.len <= cap && (s.len == 0 || s.ptr[s.len - 1] == '\n'));
    }
}

/* In memory that ends where the text does: a read behind it is seen. */
static void check_exactly(const char *text, size_t len, size_t bit)
{
    char *copy = ts_mem_alloc(len > 0 ? len : 1);

    assert_non_null(copy);
    memcpy(copy, text, len);
    if (bit < 8 * len)
        copy[bit / 8] = (char)(copy[bit / 8] ^ (char)(1u << (bit % 8)));
    dns_props_check(copy, len);
    ts_mem_free(copy);
}

static void every_truncation_and_bit_flip_is_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) {
        size_t len = strlen(samples[i]);

        for (size_t n = 0; n <= len; n++)
            check_exactly(samples[i], n, SIZE_MAX);
        for (size_t bit = 0; bit < 8 * len; bit++)
            check_exactly(samples[i], len, bit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(server_is_read_as_it_may_be_written),
        cmocka_unit_test(servers_are_those_configured_else_those_of_the_host),
        cmocka_unit_test(servers_that_are_no_addresses_are_left_out),
        cmocka_unit_test(servers_are_at_most_so_many),
        cmocka_unit_test(lines_are_whole_ones_of_nameservers),
        cmocka_unit_test(every_truncation_and_bit_flip_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
