/* Names, rules, globs and classes of addresses: tables of what must be and what
 * must not, and properties over all bytes. */
#include "tests/lib/ts_test.h"

#include <arpa/inet.h>
#include <string.h>

#include "sidecar/broker/rules.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static enum egress_code read_name(const char *text, struct rules_name *n)
{
    return rules_name_read(ts_str_of(text), n);
}

static void name_read_takes_one_spelling(void **state)
{
    static const char *const same[][2] = {
        {"api.example.com", "api.example.com"},
        {"API.Example.COM", "api.example.com"},
        {"api.example.com.", "api.example.com"},
        {"xn--bcher-kva.example", "xn--bcher-kva.example"},
        {"localhost", "localhost"},
        {"a1.b-2.c", "a1.b-2.c"},
        {"192.0.2.1", "192.0.2.1"},
        {"[2001:DB8::1]", "2001:db8::1"},
        {"2001:db8:0:0:0:0:0:1", "2001:db8::1"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(same); i++) {
        struct rules_name n;

        assert_int_equal(read_name(same[i][0], &n), EGRESS_OK);
        assert_string_equal(n.text, same[i][1]);
        assert_int_equal(n.len, strlen(same[i][1]));
    }
}

static void name_read_refuses_what_two_readers_see_differently(void **state)
{
    static const char *const bad[] = {
        "",           ".",
        "..",         "a..b",
        ".a",         "a.b..",
        "-a.b",       "a-.b",
        "a_b.c",      "a b",
        "a/b",        "a@b",
        "a%00b",      "b\303\274cher.example",
        "*.a",        "127.1",
        "0x7f.0.0.1", "2130706433",
        "0177.0.0.1", "127.0.0.256",
        "1.2.3.4.5",  "a.0x7f",
        "[::1",       "::1]",
        "[]",         "fe80::1%eth0",
        ":::",        "[127.0.0.1]x",
        "a:80",       "\x7f.a",
        "a\n.b",
    };
    struct rules_name n = {.len = 7};

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(read_name(bad[i], &n), EGRESS_NAME_INVALID);
    assert_int_equal(n.len, 7); /* untouched */
}

static void name_read_refuses_every_byte_but_ldh(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        char text[] = "a?b.example";
        bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                    (c >= '0' && c <= '9') || c == '-' || c == '.';
        struct rules_name n;

        text[1] = (char)c;
        assert_int_equal(rules_name_read((struct ts_str){text, 11}, &n),
                         fine ? EGRESS_OK : EGRESS_NAME_INVALID);
    }
}

static void name_read_holds_the_lengths_of_dns(void **state)
{
    char text[300];
    struct rules_name n;

    (void)state;
    memset(text, 'a', sizeof(text));
    assert_int_equal(rules_name_read((struct ts_str){text, 63}, &n), EGRESS_OK);
    assert_int_equal(rules_name_read((struct ts_str){text, 64}, &n),
                     EGRESS_NAME_INVALID);
    for (size_t i = 1; i < sizeof(text); i += 2)
        text[i] = '.';
    assert_int_equal(rules_name_read((struct ts_str){text, 253}, &n),
                     EGRESS_OK);
    assert_int_equal(rules_name_read((struct ts_str){text, 255}, &n),
                     EGRESS_NAME_INVALID);
}

static void host_matches_labels_and_not_suffixes(void **state)
{
    static const struct {
        const char *rule, *host;
        bool is;
    } rows[] = {
        {"example.com", "example.com", true},
        {"example.com", "a.example.com", false},
        {"example.com", "example.com.evil.org", false},
        {"example.com", "notexample.com", false},
        {"*.example.com", "a.example.com", true},
        {"*.example.com", "a.b.example.com", true},
        {"*.example.com", "example.com", false},
        {"*.example.com", "notexample.com", false},
        {"*.example.com", "a.example.com.evil.org", false},
        {"*.0.2.1", "192.0.2.1", false},
        {"*", "example.com", false},
        {"*.", "example.com", false},
        {"", "example.com", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct rules_name n;

        assert_int_equal(read_name(rows[i].host, &n), EGRESS_OK);
        assert_int_equal(rules_host_matches(ts_str_of(rows[i].rule), &n),
                         rows[i].is);
    }
}

static void path_matches_by_stars_that_stop_at_a_slash(void **state)
{
    static const struct {
        const char *glob, *path;
        bool is;
    } rows[] = {
        {"/v1/items", "/v1/items", true},
        {"/v1/items", "/v1/items/", false},
        {"/v1/*", "/v1/items", true},
        {"/v1/*", "/v1/", true},
        {"/v1/*", "/v1/items/7", false},
        {"/v1/**", "/v1/items/7", true},
        {"/v1/**", "/v1", false},
        {"/*/items", "/v1/items", true},
        {"/*/items", "/v1/x/items", false},
        {"/**/items", "/v1/x/items", true},
        {"/**/a*c/d", "/x/abc/q/abbc/d", true},
        {"/**/a*c/d", "/x/ab/c/d", false},
        {"/a?c", "/abc", false},
        {"**", "", true},
        {"", "/", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(rules_path_matches(ts_str_of(rows[i].glob),
                                            ts_str_of(rows[i].path)),
                         rows[i].is);
}

/* By definition, in exponential time. */
static bool match_slowly(const char *g, const char *p)
{
    if (g[0] == '\0')
        return p[0] == '\0';
    if (g[0] == '*' && g[1] == '*') {
        for (;; p++) {
            if (match_slowly(g + 2, p))
                return true;
            if (*p == '\0')
                return false;
        }
    }
    if (g[0] == '*') {
        for (;; p++) {
            if (match_slowly(g + 1, p))
                return true;
            if (*p == '\0' || *p == '/')
                return false;
        }
    }
    return g[0] == p[0] && match_slowly(g + 1, p + 1);
}

static void path_matches_as_by_definition_on_all_short_texts(void **state)
{
    static const char of_glob[] = "a/*", of_path[] = "a/";
    char glob[7], path[7];
    unsigned wrong = 0;

    (void)state;
    for (unsigned g = 0; g < 729; g++) {
        for (unsigned i = 0, v = g; i < 6; i++, v /= 3)
            glob[i] = of_glob[v % 3];
        glob[6] = '\0';
        for (unsigned p = 0; p < 64 * 7; p++) {
            for (unsigned i = 0; i < 6; i++)
                path[i] = of_path[p / 7 >> i & 1];
            path[p % 7] = '\0';
            wrong += match_slowly(glob, path) !=
                     rules_path_matches(ts_str_of(glob), ts_str_of(path));
        }
    }
    assert_int_equal(wrong, 0);
}

static void address_of(const char *text, uint8_t ret[16])
{
    static const uint8_t head[12] = {[10] = 0xff, [11] = 0xff};

    memcpy(ret, head, sizeof(head));
    if (inet_pton(AF_INET, text, ret + 12) != 1)
        assert_int_equal(inet_pton(AF_INET6, text, ret), 1);
}

static void class_of_refuses_every_address_that_is_not_global(void **state)
{
    static const struct {
        const char *text;
        enum rules_class is;
    } rows[] = {
        {"8.8.8.8", CLASS_PUBLIC},
        {"1.1.1.1", CLASS_PUBLIC},
        {"223.255.255.255", CLASS_PUBLIC},
        {"2606:4700::1111", CLASS_PUBLIC},
        {"64:ff9b::8.8.8.8", CLASS_PUBLIC},
        {"0.0.0.0", CLASS_SPECIAL},
        {"10.255.255.255", CLASS_SPECIAL},
        {"100.64.0.1", CLASS_SPECIAL},
        {"100.127.255.255", CLASS_SPECIAL},
        {"100.128.0.0", CLASS_PUBLIC},
        {"127.0.0.1", CLASS_SPECIAL},
        {"127.255.255.254", CLASS_SPECIAL},
        {"169.254.1.1", CLASS_SPECIAL},
        {"172.15.255.255", CLASS_PUBLIC},
        {"172.16.0.0", CLASS_SPECIAL},
        {"172.31.255.255", CLASS_SPECIAL},
        {"172.32.0.0", CLASS_PUBLIC},
        {"192.168.0.1", CLASS_SPECIAL},
        {"198.18.0.1", CLASS_SPECIAL},
        {"198.19.255.255", CLASS_SPECIAL},
        {"224.0.0.1", CLASS_SPECIAL},
        {"240.0.0.1", CLASS_SPECIAL},
        {"255.255.255.255", CLASS_SPECIAL},
        {"169.254.169.254", CLASS_METADATA},
        {"100.100.100.200", CLASS_METADATA},
        {"168.63.129.16", CLASS_METADATA},
        {"fd00:ec2::254", CLASS_METADATA},
        {"::", CLASS_SPECIAL},
        {"::1", CLASS_SPECIAL},
        {"::7f00:1", CLASS_SPECIAL},
        {"fe80::1", CLASS_SPECIAL},
        {"fec0::1", CLASS_SPECIAL},
        {"fc00::1", CLASS_SPECIAL},
        {"fdff::1", CLASS_SPECIAL},
        {"ff02::1", CLASS_SPECIAL},
        {"2001:db8::1", CLASS_SPECIAL},
        {"64:ff9b::10.0.0.1", CLASS_EMBEDDED},
        {"64:ff9b::169.254.169.254", CLASS_EMBEDDED},
        {"64:ff9b:1::8.8.8.8", CLASS_EMBEDDED},
        {"2002:0a00:0001::1", CLASS_EMBEDDED},
        {"2001:0:4136:e378:8000:63bf:3fff:fdd2", CLASS_EMBEDDED},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint8_t a[16];

        address_of(rows[i].text, a);
        if (rules_class_of(a) != rows[i].is)
            fail_msg("%s", rows[i].text);
    }
}

static void excepts_metadata_by_its_whole_address_alone(void **state)
{
    struct manifest_cidr all = {.prefix = 96}, one = {.prefix = 128};
    struct manifest_host rule = {.addresses = &all, .address_count = 1};
    uint8_t loop[16];

    (void)state;
    address_of("0.0.0.0", all.address);
    address_of("169.254.169.254", one.address);
    address_of("127.0.0.1", loop);
    assert_true(rules_excepts(&rule, loop));
    assert_true(rules_address_ok(&rule, loop, true));
    assert_false(rules_excepts(&rule, one.address));
    rule.addresses = &one;
    assert_true(rules_excepts(&rule, one.address));
    assert_false(rules_excepts(&rule, loop));
}

static void address_ok_refuses_our_own_without_exception(void **state)
{
    const struct manifest_host rule = {.address_count = 0};
    uint8_t a[16];

    (void)state;
    address_of("8.8.8.8", a);
    assert_true(rules_address_ok(&rule, a, false));
    assert_false(rules_address_ok(&rule, a, true));
}

static const uint16_t web[] = {80, 443};
static const struct ts_str get[] = {{"GET", 3}}, v1[] = {{"/v1/*", 5}};
static const struct manifest_host hosts[] = {
    {.host = {"a.example", 9}, .ports = web, .port_count = 2},
    {.host = {"r.example", 9},
     .ports = web,
     .port_count = 1,
     .methods = get,
     .method_count = 1,
     .paths = v1,
     .path_count = 1},
    {.host = {"t.example", 9}, .ports = web, .port_count = 2, .tls = true},
    {.host = {"n.example", 9}},
    {.host = {"192.0.2.1", 9}, .ports = web, .port_count = 2},
};
static const struct manifest_network network = {
    .mode = NETWORK_BROKER, .allow = hosts, .allow_count = COUNT(hosts)};

static void find_says_how_far_the_nearest_rule_went(void **state)
{
    static const struct {
        const char *host;
        uint16_t port;
        bool opaque;
        const char *method, *path;
        enum egress_code is;
    } rows[] = {
        {"a.example", 443, true, "", "", EGRESS_OK},
        {"a.example", 22, true, "", "", EGRESS_PORT_DENIED},
        {"a.example", 0, true, "", "", EGRESS_PORT_DENIED},
        {"b.example", 443, true, "", "", EGRESS_HOST_DENIED},
        {"r.example", 80, true, "", "", EGRESS_METHOD_DENIED},
        {"r.example", 80, false, "GET", "/v1/a", EGRESS_OK},
        {"r.example", 80, false, "POST", "/v1/a", EGRESS_METHOD_DENIED},
        {"r.example", 80, false, "GET", "/v2/a", EGRESS_PATH_DENIED},
        {"r.example", 443, false, "GET", "/v1/a", EGRESS_PORT_DENIED},
        {"t.example", 443, true, "", "", EGRESS_METHOD_DENIED},
        {"t.example", 443, false, "PUT", "/", EGRESS_OK},
        {"n.example", 443, true, "", "", EGRESS_PORT_DENIED},
        {"192.0.2.1", 443, true, "", "", EGRESS_HOST_DENIED},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct manifest_host *rule = NULL;
        struct rules_name n;
        struct rules_want w = {.name = &n,
                               .port = rows[i].port,
                               .opaque = rows[i].opaque,
                               .method = ts_str_of(rows[i].method),
                               .path = ts_str_of(rows[i].path)};

        assert_int_equal(read_name(rows[i].host, &n), EGRESS_OK);
        assert_int_equal(rules_find(&network, &w, &rule), rows[i].is);
        assert_int_equal(rule != NULL, rows[i].is == EGRESS_OK);
    }
}

static void find_in_an_empty_list_allows_nothing(void **state)
{
    const struct manifest_network none = {.mode = NETWORK_BROKER};
    const struct manifest_host *rule = NULL;
    struct rules_name n;
    const struct rules_want w = {.name = &n, .port = 443, .opaque = true};

    (void)state;
    assert_int_equal(read_name("a.example", &n), EGRESS_OK);
    assert_int_equal(rules_find(&none, &w, &rule), EGRESS_HOST_DENIED);
    assert_null(rule);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(name_read_takes_one_spelling),
        cmocka_unit_test(name_read_refuses_what_two_readers_see_differently),
        cmocka_unit_test(name_read_refuses_every_byte_but_ldh),
        cmocka_unit_test(name_read_holds_the_lengths_of_dns),
        cmocka_unit_test(host_matches_labels_and_not_suffixes),
        cmocka_unit_test(path_matches_by_stars_that_stop_at_a_slash),
        cmocka_unit_test(path_matches_as_by_definition_on_all_short_texts),
        cmocka_unit_test(class_of_refuses_every_address_that_is_not_global),
        cmocka_unit_test(excepts_metadata_by_its_whole_address_alone),
        cmocka_unit_test(address_ok_refuses_our_own_without_exception),
        cmocka_unit_test(find_says_how_far_the_nearest_rule_went),
        cmocka_unit_test(find_in_an_empty_list_allows_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
