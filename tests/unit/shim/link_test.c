#include "tests/lib/ts_test.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/wire/limits.h"
#include "shim/link.h"
#include "tests/lib/fault_mem.h"

static void pair(struct link *l, int *peer)
{
    int fds[2];

    link_init(l, TS_FRAME_MAX);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds),
                     0);
    l->fd = fds[0];
    *peer = fds[1];
}

static void put(int fd, const void *p, size_t n)
{
    assert_int_equal(write(fd, p, n), (ssize_t)n);
}

/* Two frames, cut in two at every place. */
static void link_recv_of_split_frames_gives_them_whole(void **state)
{
    static const uint8_t bytes[] = {0,   0, 0, 3, 7, 'a', 'b',
                                    'c', 0, 0, 0, 1, 8,   'd'};

    (void)state;
    for (size_t cut = 0; cut <= sizeof(bytes); cut++) {
        struct link l;
        struct frame f;
        int peer;
        unsigned got = 0;

        pair(&l, &peer);
        if (cut > 0)
            put(peer, bytes, cut);
        while (link_recv(&l, link_deadline(0), &f) == TS_OK)
            assert_int_equal(f.type, 7 + got++);
        if (cut < sizeof(bytes))
            put(peer, bytes + cut, sizeof(bytes) - cut);
        while (link_recv(&l, link_deadline(0), &f) == TS_OK)
            assert_int_equal(f.type, 7 + got++);
        assert_int_equal(got, 2);
        link_done(&l);
        ts_fd_close(&peer);
    }
}

static void link_recv_over_the_limit_is_refused_on_the_head_alone(void **state)
{
    struct link l;
    struct frame f;
    int peer;

    (void)state;
    pair(&l, &peer);
    put(peer, "\x00\x04\x00\x01", 4); /* TS_FRAME_MAX + 1 */
    assert_int_equal(link_recv(&l, link_deadline(0), &f), TS_E_LIMIT);
    link_done(&l);
    ts_fd_close(&peer);
}

static void link_recv_gives_last_words_before_the_end(void **state)
{
    struct link l;
    struct frame f;
    int peer;

    (void)state;
    pair(&l, &peer);
    put(peer, "\x00\x00\x00\x01\x04x", 6);
    ts_fd_close(&peer);
    assert_int_equal(ts_buf_append(&l.out, "never read", 10), TS_OK);
    assert_int_equal(link_recv(&l, LINK_FOREVER, &f), TS_OK);
    assert_int_equal(f.type, 4);
    assert_int_equal(link_recv(&l, LINK_FOREVER, &f), TS_E_CLOSED);
    link_done(&l);
}

/* A frame as large as allowed goes out although the socket is smaller. */
static void link_flush_of_a_large_frame_needs_no_patience(void **state)
{
    static uint8_t body[TS_FRAME_MAX], sink[65536];
    struct link l;
    struct frame f;
    size_t got = 0;
    int peer;

    (void)state;
    pair(&l, &peer);
    assert_int_equal(frame_append(&l.out, 5, body, sizeof(body)), TS_OK);
    while (got < sizeof(body) + TS_FRAME_HEAD) {
        ssize_t n;

        assert_int_equal(link_recv(&l, link_deadline(0), &f), TS_E_AGAIN);
        n = recv(peer, sink, sizeof(sink), MSG_DONTWAIT);
        assert_true(n > 0);
        got += (size_t)n;
    }
    assert_int_equal(l.out.len, 0);
    link_done(&l);
    ts_fd_close(&peer);
}

static void link_connect_says_what_is_wrong(void **state)
{
    char long_path[200];
    struct link l;
    int err = 0;

    (void)state;
    memset(long_path, 'x', sizeof(long_path));
    long_path[sizeof(long_path) - 1] = '\0';
    link_init(&l, TS_FRAME_MAX);
    assert_int_equal(link_connect(&l, long_path, link_deadline(0), &err),
                     TS_E_LIMIT);
    assert_int_equal(link_connect(&l, "", link_deadline(0), &err), TS_E_LIMIT);
    assert_int_not_equal(
        link_connect(&l, "/nowhere/at/all", link_deadline(0), &err), TS_OK);
    assert_int_equal(err, ENOENT);
    assert_int_equal(l.fd, -1);
    link_done(&l);
}

static void link_recv_out_of_memory_leaks_nothing(void **state)
{
    (void)state;
    for (int nth = 0;; nth++) {
        struct link l;
        struct frame f;
        int peer;
        ts_err e;

        fault_mem_arm(nth, true);
        pair(&l, &peer);
        put(peer, "\x00\x00\x00\x01\x04x", 6);
        e = link_recv(&l, link_deadline(0), &f);
        link_done(&l);
        ts_fd_close(&peer);
        assert_int_equal(fault_mem_live(), 0);
        if (!fault_mem_fired())
            break;
        assert_int_equal(e, TS_E_NOMEM);
    }
    fault_mem_disarm();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(link_recv_of_split_frames_gives_them_whole),
        cmocka_unit_test(link_recv_over_the_limit_is_refused_on_the_head_alone),
        cmocka_unit_test(link_recv_gives_last_words_before_the_end),
        cmocka_unit_test(link_flush_of_a_large_frame_needs_no_patience),
        cmocka_unit_test(link_connect_says_what_is_wrong),
        cmocka_unit_test(link_recv_out_of_memory_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
