/* Every state with every event; without memory; every truncation and bit flip.
 */
#include "tests/lib/ts_test.h"

#include <string.h>

#include "help.h"
#include "tests/lib/fault_mem.h"

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
                                     : HELP_GET;
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

static ts_err sweep(const void *arg)
{
    struct help *h = help_new();
    bool whole;

    (void)arg;
    if (h == NULL)
        return TS_E_NOMEM;
    help_say(h, "GET http://safe.test/ HTTP/1.1\r\nHost: safe.test\r\n\r\n", 7);
    help_answer(h, HELP_OK, 3);
    whole =
        help_has(help_to_tool(h) != NULL ? help_to_tool(h) : "", "0\r\n\r\n") &&
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
        help_tool(h, copy, sizeof(text) - 1, HELP_WHOLE);
        /* whatever it is now: nothing but what a rule allows goes out */
        if (help_to_host_len(h) > 0) {
            assert_true(help_has(help_to_host(h), "Host: api.test\r\n"));
            assert_true(strncmp(help_to_host(h), "POST /v1/", 9) == 0);
        }
        help_free(h);
    }
    for (size_t n = 0; n < sizeof(text) - 1; n++) {
        struct help *h = help_new();

        help_tool(h, text, n, HELP_WHOLE);
        proxy_tool_end(help_session(h));
        help_serve(h);
        assert_int_equal(help_session(h)->state, PROXY_CLOSED);
        help_free(h);
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, help_setup, help_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(every_event_in_every_state_is_listed),
        cmocka_unit_test(no_memory_ends_the_connection_and_leaks_nothing),
        T(every_truncation_and_bit_flip_is_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
