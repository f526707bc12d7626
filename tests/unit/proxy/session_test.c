/* HTTP, CONNECT and SOCKS5 through the state machine, byte by byte and whole;
 * every state with every event; without memory. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "help.h"
#include "tests/lib/fault_mem.h"

#define HEAD_OK "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define GET_OPEN                                                               \
    "GET http://open.test/a?b=c HTTP/1.1\r\nHost: open.test\r\n\r\n"
#define WHOLE ((size_t)1 << 20)

static void say(struct help *h, const char *text, size_t step)
{
    help_tool(h, text, strlen(text), step);
}

static void answer(struct help *h, const char *text, size_t step)
{
    help_host(h, text, strlen(text), step);
}

static bool has(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

static int start(void **state)
{
    *state = help_new();
    return *state != NULL ? 0 : -1;
}

static int stop(void **state)
{
    help_free(*state);
    return 0;
}

static void forward_cut_anywhere_says_the_same(void **state)
{
    (void)state;
    for (size_t step = 1; step < 40; step++) {
        struct help *h = help_new();

        assert_non_null(h);
        say(h, GET_OPEN, step);
        assert_string_equal(help_to_host(h),
                            "GET /a?b=c HTTP/1.1\r\nHost: open.test\r\n\r\n");
        answer(h, HEAD_OK, step);
        assert_string_equal(help_to_tool(h), HEAD_OK);
        assert_int_equal(help_session(h)->state, PROXY_HEAD);
        help_free(h);
    }
}

static void
pipelined_requests_are_each_checked_and_share_a_connection(void **state)
{
    struct help *h = *state;

    say(h, GET_OPEN GET_OPEN, WHOLE);
    assert_string_equal(help_to_host(h),
                        "GET /a?b=c HTTP/1.1\r\nHost: open.test\r\n\r\n");
    answer(h, HEAD_OK, WHOLE);
    answer(h, HEAD_OK, WHOLE);
    assert_string_equal(help_to_tool(h), HEAD_OK HEAD_OK);
    assert_int_equal(help_dials(h), 1);
    say(h, "GET http://api.test/v2/x HTTP/1.1\r\nHost: api.test\r\n\r\n", 1);
    assert_true(has(help_to_tool(h), "403 Forbidden"));
    assert_true(has(help_to_tool(h), "path_denied"));
    assert_int_equal(help_dials(h), 2);
}

static void hop_fields_stay_and_nominated_ones_too(void **state)
{
    struct help *h = *state;

    say(h,
        "GET http://open.test/ HTTP/1.1\r\nHost: open.test\r\n"
        "Connection: keep-alive, X-Mine\r\nX-Mine: 1\r\nX-Other:  2 \r\n"
        "Proxy-Authorization: Basic eA==\r\nProxy-Connection: keep-alive\r\n"
        "TE: trailers\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n",
        WHOLE);
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
        say(h, heads[i], WHOLE);
        if (help_dials(h) != 0 || help_session(h)->state != PROXY_CLOSED)
            fail_msg("head %zu was let through: %s", i, help_to_host(h));
        assert_true(has(help_to_tool(h), "HTTP/1.1 4"));
        assert_int_equal(help_denials(h), 1);
        help_free(h);
    }
}

static void smuggling_a_nul_is_refused(void **state)
{
    static const char head[] =
        "GET http://open.test/ HTTP/1.1\r\nHost: open.test\r\nA: \0b\r\n\r\n";
    struct help *h = *state;

    help_tool(h, head, sizeof(head) - 1, WHOLE);
    assert_int_equal(help_dials(h), 0);
    assert_true(has(help_to_tool(h), "a NUL byte"));
}

static void chunked_both_ways_is_framed_anew(void **state)
{
    (void)state;
    for (size_t step = 1; step < 60; step++) {
        struct help *h = help_new();

        say(h,
            "POST http://open.test/ HTTP/1.1\r\nHost: open.test\r\n"
            "Transfer-Encoding: chunked\r\n\r\n"
            "3;ext=1\r\nabc\r\n0\r\nTrailer: x\r\n\r\n",
            step);
        assert_true(has(help_to_host(h), "Transfer-Encoding: chunked"));
        assert_false(has(help_to_host(h), "ext"));
        assert_false(has(help_to_host(h), "Trailer"));
        assert_true(has(help_to_host(h), "0\r\n\r\n"));
        answer(h,
               "HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n\r\n"
               "4;q\r\nwxyz\r\n0\r\nT: 1\r\n\r\n",
               step);
        assert_false(has(help_to_tool(h), "T: 1"));
        assert_true(has(help_to_tool(h), "0\r\n\r\n"));
        assert_int_equal(help_session(h)->state, PROXY_HEAD);
        help_free(h);
    }
}

static void answers_without_a_body_have_none(void **state)
{
    struct help *h = *state;

    say(h, "HEAD http://open.test/ HTTP/1.1\r\nHost: open.test\r\n\r\n", WHOLE);
    answer(h, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", WHOLE);
    assert_int_equal(help_session(h)->state, PROXY_HEAD);
    assert_true(has(help_to_tool(h), "Content-Length: 500\r\n"));
    say(h, GET_OPEN, WHOLE);
    answer(h, "HTTP/1.1 304 Not\r\nContent-Length: 70\r\n\r\n", WHOLE);
    assert_int_equal(help_session(h)->state, PROXY_HEAD);
    say(h, GET_OPEN, WHOLE);
    answer(h, "HTTP/1.1 204 No\r\n\r\n", WHOLE);
    assert_int_equal(help_session(h)->state, PROXY_HEAD);
    assert_int_equal(help_dials(h), 1);
}

static void old_tools_and_old_hosts_get_along(void **state)
{
    struct help *h = *state;

    say(h, "GET http://open.test/ HTTP/1.0\r\n\r\n", WHOLE);
    assert_string_equal(help_to_host(h),
                        "GET / HTTP/1.1\r\nHost: open.test\r\n\r\n");
    answer(h,
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
           WHOLE);
    answer(h, "0\r\n\r\n", WHOLE);
    assert_string_equal(help_to_tool(h),
                        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nab");
    assert_int_equal(help_session(h)->state, PROXY_CLOSED);
    assert_false(help_session(h)->cut);
}

static void an_answer_to_the_end_of_the_stream_is_chunked(void **state)
{
    struct help *h = *state;

    say(h, GET_OPEN, WHOLE);
    answer(h, "HTTP/1.0 200 OK\r\n\r\nabc", WHOLE);
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

    say(h, GET_OPEN, WHOLE);
    answer(h, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", WHOLE);
    proxy_host_end(help_session(h), false);
    help_serve(h);
    assert_int_equal(help_session(h)->state, PROXY_CLOSED);
    assert_true(help_session(h)->cut);
}

static void an_idle_connection_that_was_closed_is_dialled_again(void **state)
{
    struct help *h = *state;

    say(h, GET_OPEN, WHOLE);
    answer(h, HEAD_OK, WHOLE);
    say(h, GET_OPEN, WHOLE); /* crosses the end of the host */
    proxy_host_end(help_session(h), true);
    help_serve(h);
    assert_int_equal(help_dials(h), 2);
    answer(h, HEAD_OK, WHOLE);
    assert_string_equal(help_to_tool(h), HEAD_OK HEAD_OK);
}

static void bytes_that_no_request_asked_for_end_the_host(void **state)
{
    struct help *h = *state;

    say(h, GET_OPEN, WHOLE);
    answer(h, HEAD_OK "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
           WHOLE);
    assert_null(help_session(h)->rule);
    say(h, GET_OPEN, WHOLE);
    assert_int_equal(help_dials(h), 2);
    assert_false(has(help_to_tool(h), "evil"));
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

        say(h, GET_OPEN, WHOLE);
        answer(h, answers[i], WHOLE);
        if (!has(help_to_tool(h), "HTTP/1.1 502 Bad Gateway"))
            fail_msg("answer %zu: %s", i, help_to_tool(h));
        assert_int_equal(help_session(h)->state, PROXY_CLOSED);
        help_free(h);
    }
}

static void expect_is_asked_of_the_host(void **state)
{
    struct help *h = *state;

    say(h,
        "POST http://open.test/ HTTP/1.1\r\nHost: open.test\r\n"
        "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n",
        WHOLE);
    assert_true(has(help_to_host(h), "Expect: 100-continue\r\n"));
    answer(h, "HTTP/1.1 100 Continue\r\n\r\n", 1);
    assert_string_equal(help_to_tool(h), "HTTP/1.1 100 Continue\r\n\r\n");
    say(h, "ab", WHOLE);
    answer(h, HEAD_OK, WHOLE);
    assert_true(has(help_to_tool(h), "hello"));
    assert_int_equal(help_session(h)->state, PROXY_HEAD);
}

static void an_early_answer_is_the_last(void **state)
{
    struct help *h = *state;

    say(h,
        "POST http://open.test/ HTTP/1.1\r\nHost: open.test\r\n"
        "Content-Length: 200\r\n\r\nsome",
        WHOLE);
    answer(h, "HTTP/1.1 413 Too\r\nContent-Length: 0\r\n\r\n", WHOLE);
    assert_true(has(help_to_tool(h), "Connection: close\r\n"));
    assert_int_equal(help_session(h)->state, PROXY_CLOSED);
}

static void tunnels_are_for_rules_without_conditions(void **state)
{
    struct help *h = *state;
    struct help *other = help_new();

    say(h, "CONNECT open.test:8080 HTTP/1.1\r\nHost: open.test:8080\r\n\r\nabc",
        3);
    assert_int_equal(help_session(h)->state, PROXY_TUNNEL);
    assert_string_equal(help_to_tool(h),
                        "HTTP/1.1 200 Connection established\r\n\r\n");
    say(other, "CONNECT api.test:80 HTTP/1.1\r\nHost: api.test:80\r\n\r\n",
        WHOLE);
    assert_true(has(help_to_tool(other), "cannot be checked inside"));
    assert_true(has(help_to_tool(other), "http://HOST/"));
    help_free(other);
}

static void secrets_are_added_for_their_host_only(void **state)
{
    struct help *h = *state;

    say(h,
        "GET http://safe.test/x HTTP/1.1\r\nHost: safe.test\r\n"
        "authorization: Bearer mine\r\nAccept-Encoding: gzip\r\n"
        "Range: bytes=0-3\r\n\r\n",
        1);
    assert_string_equal(help_to_host(h),
                        "GET /x HTTP/1.1\r\nHost: safe.test\r\n"
                        "Accept-Encoding: identity\r\n"
                        "Authorization: Bearer " HELP_SECRET "\r\n\r\n");
    assert_int_equal(help_session(h)->port, 443);
    answer(h, HEAD_OK, 1);
    help_forget(h);
    say(h, GET_OPEN, WHOLE);
    assert_false(has(help_to_host(h), HELP_SECRET));
    answer(h, HEAD_OK, 1);
    help_forget(h);
    say(h, "GET http://plain.test/ HTTP/1.1\r\nHost: plain.test\r\n\r\n", 1);
    assert_string_equal(help_to_host(h), "");
    assert_true(has(help_to_tool(h), "tls: true"));
}

static void an_echo_of_a_secret_does_not_reach_the_tool(void **state)
{
    static const char echo[] =
        "HTTP/1.1 200 OK\r\nX-Echo: " HELP_SECRET "\r\nContent-Length: 47\r\n"
        "\r\nyou: " HELP_SECRET " and more, a good deal";

    (void)state;
    for (size_t step = 1; step < 100; step++) {
        struct help *h = help_new();

        say(h, "GET http://safe.test/ HTTP/1.1\r\nHost: safe.test\r\n\r\n",
            WHOLE);
        answer(h, echo, step);
        assert_false(has(help_to_tool(h), HELP_SECRET));
        assert_true(has(help_to_tool(h), "X-Echo: [redacted]\r\n"));
        assert_true(has(help_to_tool(h), "0\r\n\r\n"));
        help_free(h);
    }
}

static void an_encoded_answer_to_a_secret_is_refused(void **state)
{
    struct help *h = *state;

    say(h, "GET http://safe.test/ HTTP/1.1\r\nHost: safe.test\r\n\r\n", WHOLE);
    answer(h,
           "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
           "Content-Length: 3\r\n\r\nabc",
           WHOLE);
    assert_true(has(help_to_tool(h), "502 Bad Gateway"));
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
    help_tool(other, bad, sizeof(bad) - 1, WHOLE);
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
        say(h, head, WHOLE);
        if (!has(help_to_tool(h), "403") || help_to_host_len(h) > 0)
            fail_msg("%s: %s", paths[i], help_to_host(h));
        help_free(h);
    }
}

static void a_path_is_sent_as_it_was_checked(void **state)
{
    struct help *h = *state;

    say(h,
        "GET http://api.test/v2/..//v1/./%41%7e%c3%A4?q=/../x HTTP/1.1\r\n"
        "Host: API.test.\r\n\r\n",
        WHOLE);
    assert_string_equal(help_to_host(h), "GET /v1/A~%C3%A4?q=/../x HTTP/1.1\r\n"
                                         "Host: api.test\r\n\r\n");
}

static void slow_readers_hold_the_host_back(void **state)
{
    struct help *h = *state;
    struct proxy_session *s = help_session(h);
    static uint8_t data[4096];
    size_t fed = 0;

    say(h, GET_OPEN, WHOLE);
    answer(h, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", WHOLE);
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
    assert_true(has(help_to_tool(h), "HTTP/1.1 431"));
}

/* ---- every state with every event -------------------------------------- */

enum event {
    EV_BYTES,
    EV_TOOL_END,
    EV_HOST_BYTES,
    EV_HOST_END,
    EV_HOST_BROKEN,
    EV_DIALLED,
    EV_REFUSED,
    EV_TIMEOUT,
    EV_ABORT,
    EV_STEP,
    EV_COUNT
};

/* Brings a new session to the state; false for those that are not reached. */
static struct help *in_state(enum proxy_state want)
{
    struct help *h = help_new();
    struct proxy_session *s = help_session(h);
    const char *first = NULL;
    size_t len = 0;

    switch (want) {
    case PROXY_FIRST:
    case PROXY_STATE_COUNT_:
        break;
    case PROXY_HELLO:
        first = "\x05";
        len = 1;
        break;
    case PROXY_REQUEST:
        first = "\x05\x01\x00";
        len = 3;
        break;
    case PROXY_HEAD:
        first = "GET ";
        len = 4;
        break;
    case PROXY_DIAL:
    case PROXY_EXCHANGE:
    case PROXY_TUNNEL:
    case PROXY_LAST:
    case PROXY_CLOSED:
        first = want == PROXY_TUNNEL
                    ? "CONNECT open.test:80 HTTP/1.1\r\nHost: open.test:80"
                      "\r\n\r\n"
                : want >= PROXY_LAST ? "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
                                     : GET_OPEN;
        len = strlen(first);
        break;
    }
    assert_int_equal(ts_buf_append(&s->tool_in, first, len), TS_OK);
    proxy_step(s);
    s->want = (struct proxy_want){0};
    if (want == PROXY_EXCHANGE || want == PROXY_TUNNEL) {
        s->want.dial = true; /* answered by the rules */
        help_serve(h);
    }
    if (want == PROXY_CLOSED)
        help_serve(h);
    assert_int_equal(s->state, want);
    return h;
}

static void happen(struct help *h, enum event e)
{
    static const struct manifest_host rule = {.host = {"open.test", 9}};
    static const uint8_t address[16] = {1};
    struct proxy_session *s = help_session(h);

    switch (e) {
    case EV_BYTES:
        (void)!ts_buf_append(&s->tool_in, "\x01\x02", 2);
        proxy_step(s);
        break;
    case EV_TOOL_END:
        proxy_tool_end(s);
        break;
    case EV_HOST_BYTES:
        (void)!ts_buf_append(&s->host_in, "nonsense\r\n\r\n", 12);
        proxy_step(s);
        break;
    case EV_HOST_END:
    case EV_HOST_BROKEN:
        proxy_host_end(s, e == EV_HOST_BROKEN);
        break;
    case EV_DIALLED:
        proxy_dialled(s, EGRESS_OK, "", &rule, address, 4);
        break;
    case EV_REFUSED:
        proxy_dialled(s, EGRESS_REFUSED, "", NULL, NULL, 0);
        break;
    case EV_TIMEOUT:
        proxy_timeout(s);
        break;
    case EV_ABORT:
        proxy_abort(s);
        break;
    case EV_STEP:
    case EV_COUNT:
        proxy_step(s);
        break;
    }
}

/* What each state comes to; F first, I hello, R request, H head, D dial,
 * E exchange, T tunnel, L last, C closed. */
static const char *const becomes[PROXY_STATE_COUNT_] = {
    /* bytes, tool's end, host bytes, host's end, broken, dialled, refused,
     * timeout, abort, step */
    [PROXY_FIRST] = "CCFFFFFCCF",   [PROXY_HELLO] = "LCIIIIICCI",
    [PROXY_REQUEST] = "LLRRRRRCCR", [PROXY_HEAD] = "HCHHHHHLCH",
    [PROXY_DIAL] = "DDDDDELLCD",    [PROXY_EXCHANGE] = "EELLLEELCE",
    [PROXY_TUNNEL] = "TTTTTTTCCT",  [PROXY_LAST] = "LLLLLLLCCL",
    [PROXY_CLOSED] = "CCCCCCCCCC",
};

static void every_event_in_every_state_is_listed(void **state)
{
    static const char letter[] = "FIRHDETLC";

    (void)state;
    for (int st = 0; st < PROXY_STATE_COUNT_; st++) {
        for (int e = 0; e < EV_COUNT; e++) {
            struct help *h = in_state((enum proxy_state)st);
            char got;

            happen(h, (enum event)e);
            got = letter[help_session(h)->state];
            if (got != becomes[st][e])
                fail_msg("state %c, event %d: %c, not %c", letter[st], e, got,
                         becomes[st][e]);
            help_serve(h); /* and it is still alive */
            help_free(h);
        }
    }
}

/* ---- without memory ---------------------------------------------------- */

static ts_err sweep(const void *arg)
{
    struct help *h = help_new();
    bool whole;

    (void)arg;
    if (h == NULL)
        return TS_E_NOMEM;
    say(h, "GET http://safe.test/ HTTP/1.1\r\nHost: safe.test\r\n\r\n", 7);
    answer(h, HEAD_OK, 3);
    whole = has(help_to_tool(h) != NULL ? help_to_tool(h) : "", "0\r\n\r\n") &&
            !help_session(h)->cut;
    help_free(h);
    return whole ? TS_OK : TS_E_NOMEM;
}

static void no_memory_ends_the_connection_and_leaks_nothing(void **state)
{
    (void)state;
    fault_mem_sweep(sweep, NULL, TS_OK, 10);
}

static void every_truncation_and_bit_flip_is_survived(void **state)
{
    static const char text[] =
        "POST http://api.test/v1/x HTTP/1.1\r\nHost: api.test\r\n"
        "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    char copy[sizeof(text)];

    (void)state;
    for (size_t bit = 0; bit < (sizeof(text) - 1) * 8; bit++) {
        struct help *h = help_new();

        memcpy(copy, text, sizeof(text));
        copy[bit / 8] = (char)(copy[bit / 8] ^ (1 << (bit % 8)));
        help_tool(h, copy, sizeof(text) - 1, WHOLE);
        /* whatever it is now: nothing but what a rule allows goes out */
        if (help_to_host_len(h) > 0) {
            assert_true(has(help_to_host(h), "Host: api.test\r\n"));
            assert_true(strncmp(help_to_host(h), "POST /v1/", 9) == 0);
        }
        help_free(h);
    }
    for (size_t n = 0; n < sizeof(text) - 1; n++) {
        struct help *h = help_new();

        help_tool(h, text, n, WHOLE);
        proxy_tool_end(help_session(h));
        help_serve(h);
        assert_int_equal(help_session(h)->state, PROXY_CLOSED);
        help_free(h);
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, start, stop)

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
        T(tunnels_are_for_rules_without_conditions),
        T(secrets_are_added_for_their_host_only),
        T(an_echo_of_a_secret_does_not_reach_the_tool),
        T(an_encoded_answer_to_a_secret_is_refused),
        T(socks_names_with_a_nul_are_refused),
        T(socks_is_served_and_refused_by_the_rules),
        T(ambiguous_paths_do_not_pass_path_rules),
        T(a_path_is_sent_as_it_was_checked),
        T(slow_readers_hold_the_host_back),
        T(heads_over_the_limit_are_refused),
        T(every_event_in_every_state_is_listed),
        cmocka_unit_test(no_memory_ends_the_connection_and_leaks_nothing),
        T(every_truncation_and_bit_flip_is_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
