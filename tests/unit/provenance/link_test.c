/* Whom links lead to, accounts in two forms, last names of hosts. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "sidecar/gate/provenance/iban.h"
#include "sidecar/gate/provenance/link_host.h"
#include "sidecar/gate/provenance/top_names.h"

static void host_of_a_link_is_whom_it_leads_to(void **state)
{
    static const struct {
        const char *link, *host;
    } rows[] = {
        {"https://evil.example/x", "evil.example"},
        {"HTTPS://Evil.Example:8080?x", "evil.example"},
        {"https://good.example@evil.example/", "evil.example"},
        {"https://a:b@c@evil.example:80#x@y", "evil.example"},
        {"https://good.example\\@evil.example", "good.example"},
        {"https:\\\\evil.example\\x", "evil.example"},
        {"https:/evil.example", "evil.example"},
        {"https://ev%69l%2Eexample%", "evil.example%"},
        {"https://%zz.example", "%zz.example"},
        {"evil[.]example/x", "evil.example"},
        {"evil.example:80/x", "evil.example"},
        {"ev\xc2\xadil\xe3\x80\x82"
         "example?x",
         "evil.example"},
        {"https://b\xc3\xbc"
         "cher/x",
         "b\xc3\xbc"
         "cher"},
        {"https://localhost/x", ""},
        {"https://", ""},
        {"https:///x.y", "x.y"},
        {"tel:112", ""},
        {"javascript:alert", ""},
        {"data:text/html,x.y", ""},
        {"[2001:db8::1]:80/x", ""},
        {"https://1.2.3.4:80", "1.2.3.4"},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct link_host h = {.len = 0};
        bool some = link_host_of(ts_str_of(rows[i].link), &h);

        if (some != (rows[i].host[0] != '\0') ||
            (some && (h.len != strlen(rows[i].host) ||
                      memcmp(h.text, rows[i].host, h.len) != 0)))
            fail_msg("%s: %.*s", rows[i].link, (int)h.len, h.text);
    }
}

static void host_of_a_long_link_is_none(void **state)
{
    char text[LINK_HOST_MAX + 10];
    struct link_host h;

    (void)state;
    memset(text, 'a', sizeof(text));
    text[5] = '.';
    assert_true(link_host_of((struct ts_str){text, LINK_HOST_MAX}, &h));
    assert_int_equal(h.len, LINK_HOST_MAX);
    assert_false(link_host_of((struct ts_str){text, LINK_HOST_MAX + 1}, &h));
    text[LINK_HOST_MAX] = '/';
    assert_true(link_host_of((struct ts_str){text, sizeof(text)}, &h));
}

static void host_is_a_part_of_longer_ones(void **state)
{
    static const struct {
        const char *host, *ups;
    } rows[] = {
        {"a.b.evil.example", "b.evil.example evil.example "},
        {"evil.example", ""},
        {"x.co.uk", ""},
        {"a.shop.co.uk", "shop.co.uk "},
        {"x.abc.com", ""},
        {"x.abcd.com", "abcd.com "},
        {"localhost", ""},
        {"..", ""},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ts_str h = ts_str_of(rows[i].host);
        char text[128] = "";
        size_t n = 0;

        while (link_host_up(&h))
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%.*s ",
                                  (int)h.len, h.ptr);
        assert_string_equal(text, rows[i].ups);
    }
}

static void account_is_the_same_in_both_forms(void **state)
{
    static const char *const whole[] = {
        "gb29nwbk60161331926819", "de89370400440532013000",
        "mt84malt011000012345mtlcast001s", "no9386011117947"};

    (void)state;
    for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
        struct iban_forms a, b;
        char wrong[64];

        assert_true(iban_forms(ts_str_of(whole[i]), &a));
        assert_true(ts_str_eq_c(a.forms[0], whole[i]));
        assert_true(iban_forms(a.forms[1], &b));
        assert_true(ts_str_eq_c(b.forms[0], whole[i]));
        assert_true(ts_str_eq(b.forms[1], a.forms[1]));
        assert_int_equal(iban_printed(a.forms[1]), a.forms[1].len);
        /* any other digit, and any other place of a space */
        for (size_t k = 0; k < a.forms[1].len; k++) {
            memcpy(wrong, a.forms[1].ptr, a.forms[1].len);
            wrong[k] = wrong[k] == ' ' ? 'x' : wrong[k] == '7' ? '3' : '7';
            assert_false(
                iban_forms((struct ts_str){wrong, a.forms[1].len}, &b));
        }
        for (size_t k = 0; k < strlen(whole[i]); k++) {
            (void)snprintf(wrong, sizeof(wrong), "%.*s %s", (int)k, whole[i],
                           whole[i] + k);
            assert_false(iban_forms(ts_str_of(wrong), &b));
            assert_false(iban_forms((struct ts_str){whole[i], k}, &b));
        }
    }
}

static void last_name_is_clear_vague_or_none(void **state)
{
    static const char *const clear[] = {"com",      "de",      "io",
                                        "xn--p1ai", "zw",      "accountant",
                                        "xyz",      "example", "ae"};
    static const char *const vague[] = {
        "md",  "py",   "aaa", "zuerich",
        "zip", "name", "tf",  "travelersinsurance"};
    static const char *const none[] = {
        "",     "c",    "js",  "docx",     "xn--",     "zz", "12", "COM",
        "co m", "comm", "om ", "\xc3\xbc", "examplee", "a",  "-b"};

    (void)state;
    for (size_t i = 0; i < sizeof(clear) / sizeof(clear[0]); i++)
        assert_int_equal(top_name_of(ts_str_of(clear[i])), TOP_CLEAR);
    for (size_t i = 0; i < sizeof(vague) / sizeof(vague[0]); i++)
        assert_int_equal(top_name_of(ts_str_of(vague[i])), TOP_VAGUE);
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        if (top_name_of(ts_str_of(none[i])) != TOP_NONE)
            fail_msg("%s", none[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_of_a_link_is_whom_it_leads_to),
        cmocka_unit_test(host_of_a_long_link_is_none),
        cmocka_unit_test(host_is_a_part_of_longer_ones),
        cmocka_unit_test(account_is_the_same_in_both_forms),
        cmocka_unit_test(last_name_is_clear_vague_or_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
