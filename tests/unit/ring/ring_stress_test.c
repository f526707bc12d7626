/* Two processes, all three kinds of waiting, millions of bytes: nothing is
 * lost, repeated or out of order, and no wake-up is missed (a missed one is a
 * poll that runs into its limit). */
#include "tests/lib/ts_test.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/wire/limits.h"
#include "sidecar/common/ring/ring.h"

#define ENTRIES 60000u

/* The same sequence on both sides: mostly small, sometimes near the limit. */
static size_t length_of(uint32_t i)
{
    uint32_t x = i * 2654435761u;

    if (x % 997 == 0)
        return 8 + x % (TS_RING_ENTRY_MAX - 8);
    return 8 + (x >> 8) % 600;
}

static _Noreturn void produce(int memfd, int wake)
{
    struct ring_writer w;

    (void)prctl(PR_SET_PDEATHSIG, 9);
    if (ring_writer_open(memfd, wake, &w) != TS_OK)
        _exit(1);
    for (uint32_t i = 0; i < ENTRIES; i++) {
        size_t len = length_of(i);
        uint8_t *at;

        while (ring_reserve(&w, len, &at) == TS_E_AGAIN) {
            ring_wake(&w); /* a napping reader would come by itself too */
            (void)sched_yield();
        }
        memcpy(at, &i, 4);
        memset(at + 4, (int)(i & 0xff), len - 4);
        ring_commit(&w, 1 + i % 5, len);
        if (i % 17 == 0)
            ring_wake(&w);
        if (i % 251 == 0)
            (void)sched_yield();
    }
    while (!ring_is_drained(&w))
        (void)sched_yield();
    _exit(0);
}

/* False when a wait for an entry ran into its limit. */
static bool wait_for_more(struct ring_reader *r, uint32_t i)
{
    struct pollfd f = {.fd = r->wake_fd, .events = POLLIN};
    bool nap = i % 3 == 0;
    int n;

    if (!ring_wait_begin(r, nap ? RING_NAP : RING_SLEEP))
        return true;
    n = poll(&f, 1, nap ? 1 : 20000);
    ring_busy(r);
    return nap || n == 1;
}

static void ring_two_processes_lose_nothing(void **state)
{
    static uint8_t buf[TS_RING_ENTRY_MAX];
    int memfd, wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), status;
    struct ring_reader r;
    pid_t pid;

    (void)state;
    assert_int_equal(ring_create(&memfd), TS_OK);
    pid = fork();
    if (pid == 0)
        produce(memfd, wake);
    assert_int_equal(ring_reader_open(memfd, wake, &r), TS_OK);
    for (uint32_t i = 0; i < ENTRIES;) {
        uint32_t kind = 0, tag = 0;
        size_t len = 0;
        ts_err e = ring_next(&r, buf, sizeof(buf), &kind, &len);

        if (e == TS_E_AGAIN) {
            ring_release(&r);
            assert_true(wait_for_more(&r, i));
            continue;
        }
        assert_int_equal(e, TS_OK);
        memcpy(&tag, buf, 4);
        assert_int_equal(tag, i);
        assert_int_equal(kind, 1 + i % 5);
        assert_int_equal(len, length_of(i));
        if (len > 4 &&
            (buf[4] != (i & 0xff) || memcmp(buf + 4, buf + 5, len - 5) != 0))
            fail_msg("entry %u was changed", i);
        i++;
        if (i % 64 == 0)
            ring_release(&r);
    }
    ring_release(&r);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    ring_reader_done(&r);
    (void)close(memfd);
}

/* What was committed outlives a producer that is killed in mid-entry. */
static void ring_killed_producer_leaves_what_it_committed(void **state)
{
    static uint8_t buf[TS_RING_ENTRY_MAX];
    int memfd, wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), status;
    struct ring_reader r;
    uint32_t kind, n = 0;
    size_t len;
    pid_t pid;

    (void)state;
    assert_int_equal(ring_create(&memfd), TS_OK);
    pid = fork();
    if (pid == 0) {
        struct ring_writer w;
        uint8_t *at;

        if (ring_writer_open(memfd, wake, &w) != TS_OK)
            _exit(1);
        for (uint32_t i = 0; i < 1000; i++) {
            if (ring_reserve(&w, 100, &at) != TS_OK)
                _exit(1);
            memset(at, 7, 100);
            ring_commit(&w, 1, 100);
        }
        if (ring_reserve(&w, 5000, &at) == TS_OK)
            memset(at, 9, 2500);
        (void)kill(getpid(), 9);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(ring_reader_open(memfd, wake, &r), TS_OK);
    while (ring_next(&r, buf, sizeof(buf), &kind, &len) == TS_OK)
        n++;
    assert_int_equal(n, 1000);
    ring_reader_done(&r);
    (void)close(memfd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ring_two_processes_lose_nothing),
        cmocka_unit_test(ring_killed_producer_leaves_what_it_committed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
