/* What the rules let through: tunnels, SOCKS5, paths; and secrets, both ways.
 */
#include "tests/lib/ts_test.h"

#include <stdio.h>

#include "help.h"

static void tunnels_are_for_rules_without_conditions(void **state)
{
    struct help *h = *state;
    struct help *other = help_new();

    help_say(
        h, "CONNECT open.test:8080 HTTP/1.1\r\nHost: open.test:8080\r\n\r\nabc",
        3);
    assert_int_equal(help_session(h)->state, PROXY_TUNNEL);
    assert_string_equal(help_to_tool(h),
                        "HTTP/1.1 200 Connection established\r\n\r\n");
    help_say(other, "CONNECT api.test:80 HTTP/1.1\r\nHost: api.test:80\r\n\r\n",
             HELP_WHOLE);
    assert_true(help_has(help_to_tool(other), "cannot be checked inside"));
    assert_true(help_has(help_to_tool(other), "http://HOST/"));
    help_free(other);
}

static void secrets_are_added_for_their_host_only(void **state)
{
    struct help *h = *state;

    help_say(h,
             "GET http://safe.test/x HTTP/1.1\r\nHost: safe.test\r\n"
             "authorization: Bearer mine\r\nAccept-Encoding: gzip\r\n"
             "Range: bytes=0-3\r\n\r\n",
             1);
    assert_string_equal(help_to_host(h),
                        "GET /x HTTP/1.1\r\nHost: safe.test\r\n"
                        "Accept-Encoding: identity\r\n"
                        "Authorization: Bearer " HELP_SECRET "\r\n\r\n");
    assert_int_equal(help_session(h)->port, 443);
    help_answer(h, HELP_OK, 1);
    help_forget(h);
    help_say(h, HELP_GET, HELP_WHOLE);
    assert_false(help_has(help_to_host(h), HELP_SECRET));
    help_answer(h, HELP_OK, 1);
    help_forget(h);
    help_say(h, "GET http://plain.test/ HTTP/1.1\r\nHost: plain.test\r\n\r\n",
             1);
    assert_string_equal(help_to_host(h), "");
    assert_true(help_has(help_to_tool(h), "tls: true"));
}

static void an_echo_of_a_secret_does_not_reach_the_tool(void **state)
{
    static const char echo[] =
        "HTTP/1.1 200 OK\r\nX-Echo: " HELP_SECRET "\r\nContent-Length: 47\r\n"
        "\r\nyou: " HELP_SECRET " and more, a good deal";

    (void)state;
    for (size_t step = 1; step < 100; step++) {
        struct help *h = help_new();

        help_say(h, "GET http://safe.test/ HTTP/1.1\r\nHost: safe.test\r\n\r\n",
                 HELP_WHOLE);
        help_answer(h, echo, step);
        assert_false(help_has(help_to_tool(h), HELP_SECRET));
        assert_true(help_has(help_to_tool(h), "X-Echo: [redacted]\r\n"));
        assert_true(help_has(help_to_tool(h), "0\r\n\r\n"));
        help_free(h);
    }
}

static void an_encoded_answer_to_a_secret_is_refused(void **state)
{
    struct help *h = *state;

    help_say(h, "GET http://safe.test/ HTTP/1.1\r\nHost: safe.test\r\n\r\n",
             HELP_WHOLE);
    help_answer(h,
                "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
                "Content-Length: 3\r\n\r\nabc",
                HELP_WHOLE);
    assert_true(help_has(help_to_tool(h), "502 Bad Gateway"));
}

static void socks_names_with_a_nul_are_refused(void **state)
{
    static const char ask[] = "\x05\x01\x00"
                              "\x05\x01\x00\x03\x0eopen.test\0.bad\x00\x50";
    struct help *h = *state;

    help_tool(h, ask, sizeof(ask) - 1, 1);
    assert_int_equal(help_dials(h), 0);
    assert_int_equal(help_denials(h), 1);
    assert_memory_equal(help_to_tool(h), "\x05\x00\x05\x02", 4);
    assert_int_equal(help_session(h)->state, PROXY_CLOSED);
}

static void socks_is_served_and_refused_by_the_rules(void **state)
{
    static const char good[] =
        "\x05\x01\x00\x05\x01\x00\x03\x09open.test\x00\x50";
    static const char bad[] = "\x05\x01\x00\x05\x01\x00\x03\x08"
                              "api.test\x00\x50";
    struct help *h = *state;
    struct help *other = help_new();

    help_tool(h, good, sizeof(good) - 1, 1);
    assert_int_equal(help_session(h)->state, PROXY_TUNNEL);
    assert_memory_equal(help_to_tool(h), "\x05\x00\x05\x00\x00\x01\xc0\x00\x02",
                        9);
    help_tool(other, bad, sizeof(bad) - 1, HELP_WHOLE);
    assert_memory_equal(help_to_tool(other), "\x05\x00\x05\x02", 4);
    help_free(other);
}

static void ambiguous_paths_do_not_pass_path_rules(void **state)
{
    static const char *const paths[] = {"/v1/a%2f..%2f..%2fadmin",
                                        "/v1/%252e%252e/admin",
                                        "/v1/..;/admin",
                                        "/v1/../../v1/x",
                                        "/v1/a%5c..%5cadmin",
                                        "/v1/%c0%ae%c0%ae/x",
                                        "/v1/x%00",
                                        "/v1/a%3fb",
                                        "/v1/%2e%2e/admin",
                                        "/v1//../admin",
                                        "/V1/x",
                                        "/v1",
                                        "//v1x"};

    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct help *h = help_new();
        char head[256];

        (void)snprintf(head, sizeof(head),
                       "GET http://api.test%s HTTP/1.1\r\nHost: api.test\r\n"
                       "\r\n",
                       paths[i]);
        help_say(h, head, HELP_WHOLE);
        if (!help_has(help_to_tool(h), "403") || help_to_host_len(h) > 0)
            fail_msg("%s: %s", paths[i], help_to_host(h));
        help_free(h);
    }
}

static void a_path_is_sent_as_it_was_checked(void **state)
{
    struct help *h = *state;

    help_say(h,
             "GET http://api.test/v2/..//v1/./%41%7e%c3%A4?q=/../x HTTP/1.1\r\n"
             "Host: API.test.\r\n\r\n",
             HELP_WHOLE);
    assert_string_equal(help_to_host(h), "GET /v1/A~%C3%A4?q=/../x HTTP/1.1\r\n"
                                         "Host: api.test\r\n\r\n");
}

#define T(f) cmocka_unit_test_setup_teardown(f, help_setup, help_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(tunnels_are_for_rules_without_conditions),
        T(secrets_are_added_for_their_host_only),
        T(an_echo_of_a_secret_does_not_reach_the_tool),
        T(an_encoded_answer_to_a_secret_is_refused),
        T(socks_names_with_a_nul_are_refused),
        T(socks_is_served_and_refused_by_the_rules),
        T(ambiguous_paths_do_not_pass_path_rules),
        T(a_path_is_sent_as_it_was_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
