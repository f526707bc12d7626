/* HTTP through the state machine, byte by byte and whole: what is framed anew,
 * and what is not passed on. */
#include "tests/lib/ts_test.h"

#include <string.h>

#include "help.h"

static void forward_cut_anywhere_says_the_same(void **state)
{
    (void)state;
    for (size_t step = 1; step < 40; step++) {
        struct help *h = help_new();

        assert_non_null(h);
        help_say(h, HELP_GET, step);
        assert_string_equal(help_to_host(h),
                            "GET /a?b=c HTTP/1.1\r\nHost: open.test\r\n\r\n");
        help_answer(h, HELP_OK, step);
        assert_string_equal(help_to_tool(h), HELP_OK);
        assert_int_equal(help_session(h)->state, PROXY_HEAD);
        help_free(h);
    }
}

static void
pipelined_requests_are_each_checked_and_share_a_connection(void **state)
{
    struct help *h = *state;

    help_say(h, HELP_GET HELP_GET, HELP_WHOLE);
    assert_string_equal(help_to_host(h),
                        "GET /a?b=c HTTP/1.1\r\nHost: open.test\r\n\r\n");
    help_answer(h, HELP_OK, HELP_WHOLE);
    help_answer(h, HELP_OK, HELP_WHOLE);
    assert_string_equal(help_to_tool(h), HELP_OK HELP_OK);
    assert_int_equal(help_dials(h), 1);
    help_say(h, "GET http://api.test/v2/x HTTP/1.1\r\nHost: api.test\r\n\r\n",
             1);
    assert_true(help_has(help_to_tool(h), "403 Forbidden"));
    assert_true(help_has(help_to_tool(h), "path_denied"));
    assert_int_equal(help_dials(h), 2);
}

static void hop_fields_stay_and_nominated_ones_too(void **state)
{
    struct help *h = *state;

    help_say(
        h,
        "GET http://open.test/ HTTP/1.1\r\nHost: open.test\r\n"
        "Connection: keep-alive, X-Mine\r\nX-Mine: 1\r\nX-Other:  2 \r\n"
        "Proxy-Authorization: Basic eA==\r\nProxy-Connection: keep-alive\r\n"
        "TE: trailers\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n",
        HELP_WHOLE);
    assert_string_equal(
        help_to_host(h),
        "GET / HTTP/1.1\r\nHost: open.test\r\nX-Other: 2\r\n\r\n");
}

static void smuggling_is_refused(void **state)
{
    static const char *const heads[] = {
        "POST http://open.test/ HTTP/1.1\r\nHost: open.test\r\n"
        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST http://open.test/ HTTP/1.1\r\nHost: open.test\r\n"
        "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        "POST http://open.test/ HTTP/1.1\r\nHost: open.test\r\n"
        "Content-Length: 3, 3\r\n\r\nabc",
        "POST http://open.test/ HTTP/1.1\r\nHost: open.test\r\n"
        "Content-Length: +3\r\n\r\nabc",
        "POST http://open.test/ HTTP/1.1\r\nHost: open.test\r\n"
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST http://open.test/ HTTP/1.1\r\nHost: open.test\r\n"
        "Transfer-Encoding: identity, chunked\r\n\r\n",
        "POST http://open.test/ HTTP/1.1\r\nHost: open.test\r\n"
        "Transfer-Encoding: xchunked\r\n\r\n",
        "POST http://open.test/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET http://open.test/ HTTP/1.1\r\nHost: open.test\r\nA: b\r\n "
        "c\r\n\r\n",
        "GET http://open.test/ HTTP/1.1\r\nHost: open.test\nA: b\r\n\r\n",
        "GET http://open.test/ HTTP/1.1\r\nHost: open.test\r\nA: b\rc\r\n\r\n",
        "GET http://open.test/ HTTP/1.1\r\nHost: open.test\r\nA : b\r\n\r\n",
        "GET http://open.test/ HTTP/1.1\r\nHost: api.test\r\n\r\n",
        "GET http://open.test/ HTTP/1.1\r\nHost: open.test:8080\r\n\r\n",
        "GET http://open.test/ HTTP/1.1\r\nHost: open.test\r\n"
        "Host: open.test\r\n\r\n",
        "GET http://open.test/ HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: open.test\r\n\r\n",
        "GET http://open.test/ HTTP/2.0\r\nHost: open.test\r\n\r\n",
        "GET http://open.test/\r\n\r\n",
        "GET http://a@open.test/ HTTP/1.1\r\nHost: open.test\r\n\r\n",
        "GET http://open.test:0/ HTTP/1.1\r\nHost: open.test\r\n\r\n",
        "GET http://open_test/ HTTP/1.1\r\nHost: open_test\r\n\r\n",
        "GET http://open.test/#x HTTP/1.1\r\nHost: open.test\r\n\r\n",
        "CONNECT open.test HTTP/1.1\r\nHost: open.test\r\n\r\n",
        "CONNECT open.test:80 HTTP/1.1\r\nHost: api.test:80\r\n\r\n",
        "CONNECT http://open.test:80/ HTTP/1.1\r\nHost: open.test:80\r\n\r\n",
        "TRACE http://open.test/ HTTP/1.1\r\nHost: open.test\r\n\r\n",
        "GET http://open.test/ HTTP/1.1\r\nHost: open.test\r\n"
        "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        "POST http://open.test/ HTTP/1.1\r\nHost: open.test\r\n"
        "Expect: 200-ok\r\nContent-Length: 1\r\n\r\n"};

    (void)state;
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        struct help *h = help_new();

        assert_non_null(h);
        help_say(h, heads[i], HELP_WHOLE);
        if (help_dials(h) != 0 || help_session(h)->state != PROXY_CLOSED)
            fail_msg("head %zu was let through: %s", i, help_to_host(h));
        assert_true(help_has(help_to_tool(h), "HTTP/1.1 4"));
        assert_int_equal(help_denials(h), 1);
        help_free(h);
    }
}

static void smuggling_a_nul_is_refused(void **state)
{
    static const char head[] =
        "GET http://open.test/ HTTP/1.1\r\nHost: open.test\r\nA: \0b\r\n\r\n";
    struct help *h = *state;

    help_tool(h, head, sizeof(head) - 1, HELP_WHOLE);
    assert_int_equal(help_dials(h), 0);
    assert_true(help_has(help_to_tool(h), "a NUL byte"));
}

static void chunked_both_ways_is_framed_anew(void **state)
{
    (void)state;
    for (size_t step = 1; step < 60; step++) {
        struct help *h = help_new();

        help_say(h,
                 "POST http://open.test/ HTTP/1.1\r\nHost: open.test\r\n"
                 "Transfer-Encoding: chunked\r\n\r\n"
                 "3;ext=1\r\nabc\r\n0\r\nTrailer: x\r\n\r\n",
                 step);
        assert_true(help_has(help_to_host(h), "Transfer-Encoding: chunked"));
        assert_false(help_has(help_to_host(h), "ext"));
        assert_false(help_has(help_to_host(h), "Trailer"));
        assert_true(help_has(help_to_host(h), "0\r\n\r\n"));
        help_answer(h,
                    "HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "4;q\r\nwxyz\r\n0\r\nT: 1\r\n\r\n",
                    step);
        assert_false(help_has(help_to_tool(h), "T: 1"));
        assert_true(help_has(help_to_tool(h), "0\r\n\r\n"));
        assert_int_equal(help_session(h)->state, PROXY_HEAD);
        help_free(h);
    }
}

static void answers_without_a_body_have_none(void **state)
{
    struct help *h = *state;

    help_say(h, "HEAD http://open.test/ HTTP/1.1\r\nHost: open.test\r\n\r\n",
             HELP_WHOLE);
    help_answer(h, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n",
                HELP_WHOLE);
    assert_int_equal(help_session(h)->state, PROXY_HEAD);
    assert_true(help_has(help_to_tool(h), "Content-Length: 500\r\n"));
    help_say(h, HELP_GET, HELP_WHOLE);
    help_answer(h, "HTTP/1.1 304 Not\r\nContent-Length: 70\r\n\r\n",
                HELP_WHOLE);
    assert_int_equal(help_session(h)->state, PROXY_HEAD);
    help_say(h, HELP_GET, HELP_WHOLE);
    help_answer(h, "HTTP/1.1 204 No\r\n\r\n", HELP_WHOLE);
    assert_int_equal(help_session(h)->state, PROXY_HEAD);
    assert_int_equal(help_dials(h), 1);
}

static void old_tools_and_old_hosts_get_along(void **state)
{
    struct help *h = *state;

    help_say(h, "GET http://open.test/ HTTP/1.0\r\n\r\n", HELP_WHOLE);
    assert_string_equal(help_to_host(h),
                        "GET / HTTP/1.1\r\nHost: open.test\r\n\r\n");
    help_answer(
        h, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
        HELP_WHOLE);
    help_answer(h, "0\r\n\r\n", HELP_WHOLE);
    assert_string_equal(help_to_tool(h),
                        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nab");
    assert_int_equal(help_session(h)->state, PROXY_CLOSED);
    assert_false(help_session(h)->cut);
}

static void an_answer_to_the_end_of_the_stream_is_chunked(void **state)
{
    struct help *h = *state;

    help_say(h, HELP_GET, HELP_WHOLE);
    help_answer(h, "HTTP/1.0 200 OK\r\n\r\nabc", HELP_WHOLE);
    proxy_host_end(help_session(h), false);
    help_serve(h);
    assert_string_equal(help_to_tool(h),
                        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "3\r\nabc\r\n0\r\n\r\n");
    assert_int_equal(help_session(h)->state, PROXY_HEAD);
}

static void an_answer_cut_short_does_not_look_whole(void **state)
{
    struct help *h = *state;

    help_say(h, HELP_GET, HELP_WHOLE);
    help_answer(h, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
                HELP_WHOLE);
    proxy_host_end(help_session(h), false);
    help_serve(h);
    assert_int_equal(help_session(h)->state, PROXY_CLOSED);
    assert_true(help_session(h)->cut);
}

static void an_idle_connection_that_was_closed_is_dialled_again(void **state)
{
    struct help *h = *state;

    help_say(h, HELP_GET, HELP_WHOLE);
    help_answer(h, HELP_OK, HELP_WHOLE);
    help_say(h, HELP_GET, HELP_WHOLE); /* crosses the end of the host */
    proxy_host_end(help_session(h), true);
    help_serve(h);
    assert_int_equal(help_dials(h), 2);
    help_answer(h, HELP_OK, HELP_WHOLE);
    assert_string_equal(help_to_tool(h), HELP_OK HELP_OK);
}

static void bytes_that_no_request_asked_for_end_the_host(void **state)
{
    struct help *h = *state;

    help_say(h, HELP_GET, HELP_WHOLE);
    help_answer(h, HELP_OK "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
                HELP_WHOLE);
    assert_null(help_session(h)->rule);
    help_say(h, HELP_GET, HELP_WHOLE);
    assert_int_equal(help_dials(h), 2);
    assert_false(help_has(help_to_tool(h), "evil"));
}

static void bad_answers_are_not_passed_on(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
         "Transfer-Encoding: chunked\r\n\r\n"),
        "HTTP/1.1 200 OK\nX: 1\r\n\r\n",
        "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        "HTTP/1.1 999 Odd\r\n\r\n",
        "SSH-2.0-OpenSSH\r\n\r\n",
        "HTTP/3.0 200 OK\r\n\r\n"};

    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        struct help *h = help_new();

        help_say(h, HELP_GET, HELP_WHOLE);
        help_answer(h, answers[i], HELP_WHOLE);
        if (!help_has(help_to_tool(h), "HTTP/1.1 502 Bad Gateway"))
            fail_msg("answer %zu: %s", i, help_to_tool(h));
        assert_int_equal(help_session(h)->state, PROXY_CLOSED);
        help_free(h);
    }
}

static void expect_is_asked_of_the_host(void **state)
{
    struct help *h = *state;

    help_say(h,
             "POST http://open.test/ HTTP/1.1\r\nHost: open.test\r\n"
             "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n",
             HELP_WHOLE);
    assert_true(help_has(help_to_host(h), "Expect: 100-continue\r\n"));
    help_answer(h, "HTTP/1.1 100 Continue\r\n\r\n", 1);
    assert_string_equal(help_to_tool(h), "HTTP/1.1 100 Continue\r\n\r\n");
    help_say(h, "ab", HELP_WHOLE);
    help_answer(h, HELP_OK, HELP_WHOLE);
    assert_true(help_has(help_to_tool(h), "hello"));
    assert_int_equal(help_session(h)->state, PROXY_HEAD);
}

static void an_early_answer_is_the_last(void **state)
{
    struct help *h = *state;

    help_say(h,
             "POST http://open.test/ HTTP/1.1\r\nHost: open.test\r\n"
             "Content-Length: 200\r\n\r\nsome",
             HELP_WHOLE);
    help_answer(h, "HTTP/1.1 413 Too\r\nContent-Length: 0\r\n\r\n", HELP_WHOLE);
    assert_true(help_has(help_to_tool(h), "Connection: close\r\n"));
    assert_int_equal(help_session(h)->state, PROXY_CLOSED);
}

static void slow_readers_hold_the_host_back(void **state)
{
    struct help *h = *state;
    struct proxy_session *s = help_session(h);
    static uint8_t data[4096];
    size_t fed = 0;

    help_say(h, HELP_GET, HELP_WHOLE);
    help_answer(h, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                HELP_WHOLE);
    memset(data, 'x', sizeof(data));
    memcpy(data, "ff6\r\n", 5);
    memcpy(data + sizeof(data) - 5, "x\r\n", 3);
    memcpy(data + 5 + 0xff6, "\r\n", 2);
    /* nobody takes out of tool_out */
    while (proxy_host_room(s) >= 5 + 0xff6 + 2 && fed < (1 << 24)) {
        assert_int_equal(ts_buf_append(&s->host_in, data, 5 + 0xff6 + 2),
                         TS_OK);
        proxy_step(s);
        fed += 5 + 0xff6 + 2;
    }
    assert_true(fed < PROXY_TOOL_OUT_MAX + PROXY_HOST_IN_MAX + 4096);
    assert_int_equal(s->state, PROXY_EXCHANGE);
    help_serve(h);
    assert_true(proxy_host_room(s) == PROXY_HOST_IN_MAX);
}

static void heads_over_the_limit_are_refused(void **state)
{
    struct help *h = *state;
    static char head[HTTP_HEAD_MAX + 1024];

    memset(head, 'a', sizeof(head));
    memcpy(head, "GET http://open.test/ HTTP/1.1\r\nX: ", 35);
    help_tool(h, head, sizeof(head), 1000);
    assert_true(help_has(help_to_tool(h), "HTTP/1.1 431"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, help_setup, help_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(forward_cut_anywhere_says_the_same),
        T(pipelined_requests_are_each_checked_and_share_a_connection),
        T(hop_fields_stay_and_nominated_ones_too),
        T(smuggling_is_refused),
        T(smuggling_a_nul_is_refused),
        T(chunked_both_ways_is_framed_anew),
        T(answers_without_a_body_have_none),
        T(old_tools_and_old_hosts_get_along),
        T(an_answer_to_the_end_of_the_stream_is_chunked),
        T(an_answer_cut_short_does_not_look_whole),
        T(an_idle_connection_that_was_closed_is_dialled_again),
        T(bytes_that_no_request_asked_for_end_the_host),
        T(bad_answers_are_not_passed_on),
        T(expect_is_asked_of_the_host),
        T(an_early_answer_is_the_last),
        T(slow_readers_hold_the_host_back),
        T(heads_over_the_limit_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
