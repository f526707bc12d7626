/* DNS servers: from resolv.conf by the supervisor, to c-ares by the broker. */
#include "tests/lib/ts_test.h"

#include <string.h>

#include "sidecar/broker/resolve.h"
#include "sidecar/supervisor/resolv.h"

static const char *servers_of(const char *dns, const char *resolv, char *csv)
{
    return resolve_servers(ts_str_of(dns), ts_str_of(resolv), csv) == TS_OK
               ? csv
               : "none";
}

static void servers_are_those_configured_else_those_of_the_host(void **state)
{
    char csv[RESOLVE_CSV_MAX];

    (void)state;
    assert_string_equal(servers_of("1.2.3.4", "nameserver 9.9.9.9\n", csv),
                        "1.2.3.4");
    assert_string_equal(servers_of("1.2.3.4:5353,[::1]:53", "", csv),
                        "1.2.3.4:5353,[::1]:53");
    assert_string_equal(
        servers_of("", "# x\nnameserver 9.9.9.9\nsearch a\nnameserver ::1\n",
                   csv),
        "9.9.9.9,::1");
    assert_string_equal(servers_of("", "nameserver\t9.9.9.9 # yes", csv),
                        "9.9.9.9");
}

static void servers_that_are_no_addresses_are_left_out(void **state)
{
    char csv[RESOLVE_CSV_MAX];

    (void)state;
    assert_string_equal(servers_of("", "", csv), "none");
    assert_string_equal(servers_of("dns.example,1.2.3", "", csv), "none");
    assert_string_equal(servers_of("1.2.3.4:x,1.2.3.4:,[1.2.3.4", "", csv),
                        "none");
    assert_string_equal(servers_of("", "nameserver fe80::1%eth0\n", csv),
                        "none");
}

static void servers_are_at_most_so_many(void **state)
{
    char csv[RESOLVE_CSV_MAX];
    size_t commas = 0;

    (void)state;
    assert_string_not_equal(
        servers_of("1.1.1.1,1.1.1.2,1.1.1.3,1.1.1.4,1.1.1.5,1.1.1.6,1.1.1.7,"
                   "1.1.1.8,1.1.1.9,1.1.1.10",
                   "", csv),
        "none");
    for (const char *p = csv; *p != '\0'; p++)
        commas += *p == ',';
    assert_int_equal(commas, RESOLVE_SERVERS_MAX - 1);
}

static void resolv_keeps_whole_lines_of_nameservers(void **state)
{
    const char text[] = "search a b\nnameserver 1.1.1.1\noptions x\n"
                        "nameserver 2.2.2.2\nnameserver 3.3.3.3";
    char buf[64];
    struct ts_str s;

    (void)state;
    s = resolv_servers(ts_str_of(text), buf, sizeof(buf));
    assert_true(ts_str_eq_c(s, "nameserver 1.1.1.1\nnameserver 2.2.2.2\n"));
    for (size_t cap = 0; cap < sizeof(buf); cap++) {
        s = resolv_servers(ts_str_of(text), buf, cap);
        assert_true(s.len <= cap && (s.len == 0 || s.ptr[s.len - 1] == '\n'));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers_are_those_configured_else_those_of_the_host),
        cmocka_unit_test(servers_that_are_no_addresses_are_left_out),
        cmocka_unit_test(servers_are_at_most_so_many),
        cmocka_unit_test(resolv_keeps_whole_lines_of_nameservers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
