/*
 * Grants, wishes and dials of mode broker, whole: who is granted what, who is
 * told what, and what is recorded.
 */
#include "tests/lib/ts_test.h"

#include <sys/socket.h>
#include <unistd.h>

#include "grants_rig.h"
#include "proto/base/ts_fd.h"

static void a_wish_is_recorded_before_it_is_granted(void **state)
{
    struct rig *r = *state;
    struct egress_closed closed;
    struct asked a;
    uint64_t id;
    char buf[8];

    assert_int_equal(rig_add(r, 1), TS_OK);
    a = rig_ask(r, "127.0.0.1", r->ports[0]);
    id = hears_opened(r);
    for (int i = 0; i < 20; i++)
        rig_turn(r);
    assert_int_equal(recv(a.answer, buf, 1, MSG_DONTWAIT), -1);
    gate_answers(r, id, EGRESS_OK);
    assert_int_equal(rig_told(r, &a), EGRESS_OK);
    r->host = accept4(r->listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(r->host >= 0);
    assert_int_equal(send(a.stream, "to", 2, 0), 2);
    assert_int_equal(rig_hear(r, r->host, buf, sizeof(buf)), 2);
    assert_int_equal(send(r->host, "fro", 3, 0), 3);
    assert_int_equal(rig_hear(r, a.stream, buf, sizeof(buf)), 3);
    rig_hang_up(&a);
    closed = hears_closed(r);
    assert_int_equal(closed.conn_id, id);
    assert_int_equal(closed.bytes_out, 2);
    assert_int_equal(closed.bytes_in, 3);
    assert_int_equal(closed.requests, 0);
}

static void what_is_refused_is_told_and_recorded(void **state)
{
    static const struct {
        const char *host;
        int port; /* -1 to -3: of the rig */
        enum egress_code code;
    } rows[] = {
        {"127.0.0.1", 9, EGRESS_PORT_DENIED},
        {"127.0.0.1", 0, EGRESS_PORT_DENIED},
        {"127.0.0.1", -3, EGRESS_REFUSED},
        {"127.0.0.2", -1, EGRESS_HOST_DENIED},
        {"localhost", -1, EGRESS_HOST_DENIED},
        {"fe80::1%lo", -1, EGRESS_NAME_INVALID},
        {"127.1", -1, EGRESS_NAME_INVALID},
        {"sl\xc3\xb6w.test", -1, EGRESS_NAME_INVALID},
        {"slow.test.evil.test", -1, EGRESS_HOST_DENIED},
        {"xn--slw-tna.test", -1, EGRESS_HOST_DENIED},
        {"", -1, EGRESS_NAME_INVALID},
    };
    struct rig *r = *state;

    assert_int_equal(rig_add(r, 1), TS_OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint16_t port = rows[i].port >= 0 ? (uint16_t)rows[i].port
                                          : r->ports[-rows[i].port - 1];
        struct asked a = rig_ask(r, rows[i].host, port);
        uint64_t count;

        assert_int_equal(rig_told(r, &a), rows[i].code);
        assert_int_equal(hears_denied(r, &count), rows[i].code);
        rig_hang_up(&a);
    }
}

static void a_tool_that_goes_on_asking_fills_no_log(void **state)
{
    struct rig *r = *state;
    uint64_t count = 0;

    assert_int_equal(rig_add(r, 1), TS_OK);
    for (int i = 0; i < 100; i++) {
        struct asked a = rig_ask(r, "evil.test", 80);

        assert_int_equal(rig_told(r, &a), EGRESS_HOST_DENIED);
        rig_hang_up(&a);
    }
    for (int i = 0; i < 64; i++) {
        (void)hears_denied(r, &count);
        assert_int_equal(count, 1);
    }
    grants_end(&r->b, 0, 1, END_EXITED);
    (void)hears_denied(r, &count);
    assert_int_equal(count, 36);
}

static void
a_message_that_cannot_be_read_ends_the_channel_and_leaks_nothing(void **state)
{
    struct rig *r = *state;
    int pair[2], before, tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    uint64_t count;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair),
                     0);
    before = rig_count_fds();
    for (uint64_t i = 0; i < 6; i++) {
        /* a whole wish, so that descriptors alone are wrong */
        const int sets[6][4] = {{0},
                                {pair[0]},
                                {pair[0], pair[0], pair[0]},
                                {pair[0], tcp},
                                {null, null},
                                {tcp, pair[0]}};
        static const size_t n[6] = {0, 1, 3, 2, 2, 2};
        const struct egress_ask m = {.host = TS_STR_LIT("127.0.0.1"),
                                     .port = r->ports[0]};
        uint8_t buf[512] = {EGRESS_ASK};
        size_t len = 0;

        assert_int_equal(rig_add(r, 10 + i), TS_OK);
        assert_int_equal(egress_ask_encode(&m, buf + 1, sizeof(buf) - 1, &len),
                         TS_OK);
        send_fds(r->channel, buf, len + 1, sets[i], n[i]);
        assert_int_equal(hears_denied(r, &count), EGRESS_MALFORMED);
        assert_true(rig_hear(r, r->channel, buf, sizeof(buf)) < 0);
        grants_end(&r->b, 0, 10 + i, END_EXITED);
        ts_fd_close(&r->channel);
        for (int t = 0; t < 5; t++)
            rig_turn(r);
        assert_int_equal(rig_count_fds(), before);
    }
    ts_fd_close(&pair[0]);
    ts_fd_close(&pair[1]);
    ts_fd_close(&tcp);
    ts_fd_close(&null);
}

static void nobody_takes_more_than_his_places(void **state)
{
    struct rig *r = *state;
    struct asked a[5];
    uint64_t count;

    assert_int_equal(rig_add(r, 1), TS_OK);
    for (int i = 0; i < 4; i++)
        a[i] = rig_ask(r, "127.0.0.1", r->ports[1]); /* they wait */
    assert_int_equal(rig_told(r, &a[3]), EGRESS_TOO_MANY);
    assert_int_equal(hears_denied(r, &count), EGRESS_TOO_MANY);
    for (int i = 0; i < 4; i++)
        rig_hang_up(&a[i]);
}

static void who_has_most_leaves_places_for_the_others(void **state)
{
    struct rig *r = *state;
    struct asked a[3];
    int channel;

    r->tool.network.max_connections = 1024;
    r->b.conns_max = 4; /* two for whoever comes first, then a share each */
    assert_int_equal(rig_add(r, 1), TS_OK);
    for (int i = 0; i < 3; i++)
        a[i] = rig_ask(r, "127.0.0.1", r->ports[1]);
    assert_int_equal(rig_told(r, &a[2]), EGRESS_TOO_MANY);
    channel = r->channel;
    r->channel = -1;
    assert_int_equal(rig_add(r, 2), TS_OK);
    rig_hang_up(&a[2]);
    a[2] = rig_ask(r, "127.0.0.1", r->ports[0]);
    r->host = -1;
    for (int i = 0; i < RIG_TURNS_MAX && r->b.conn_count < 3; i++)
        rig_turn(r);
    assert_int_equal(r->b.conn_count, 3);
    for (int i = 0; i < 3; i++)
        rig_hang_up(&a[i]);
    ts_fd_close(&channel);
}

static void grants_that_make_no_sense_are_refused(void **state)
{
    struct rig *r = *state;
    struct egress_grant m = {.order_id = 5,
                             .generation = 2, /* of no manifests */
                             .tool = TS_STR_LIT("t"),
                             .mode = EGRESS_BROKER,
                             .token = TS_STR_LIT("")};
    int before = rig_count_fds(), ends[2];

    assert_int_equal(rig_add(r, 5), TS_OK);
    ts_fd_close(&r->channel);
    assert_int_equal(rig_add(r, 5), TS_E_STATE); /* twice */
    ts_fd_close(&r->channel);
    grants_end(&r->b, 0, 5, END_EXITED);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(
            socketpair(AF_UNIX, i == 3 ? SOCK_STREAM : SOCK_SEQPACKET, 0, ends),
            0);
        m.generation = i == 0 ? 2 : 1;
        m.tool = i == 1 ? TS_STR_LIT("other") : TS_STR_LIT("t");
        m.mode = i == 2 ? EGRESS_PROXY : EGRESS_BROKER;
        assert_int_not_equal(grants_add(&r->b, 0, &m, ends[0]), TS_OK);
        (void)close(ends[1]);
    }
    for (int i = 0; i < 5; i++)
        rig_turn(r);
    assert_int_equal(rig_count_fds(), before);
    assert_int_equal(r->b.grant_count, 0);
}

#define ONE(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ONE(a_wish_is_recorded_before_it_is_granted),
        ONE(what_is_refused_is_told_and_recorded),
        ONE(a_tool_that_goes_on_asking_fills_no_log),
        ONE(a_message_that_cannot_be_read_ends_the_channel_and_leaks_nothing),
        ONE(nobody_takes_more_than_his_places),
        ONE(who_has_most_leaves_places_for_the_others),
        ONE(grants_that_make_no_sense_are_refused),
    };
    return cmocka_run_group_tests(tests, rig_keep_numbers, NULL);
}
