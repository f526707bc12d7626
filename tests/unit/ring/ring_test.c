/* The ring with both ends in one process: order, wrap, full, waiting. */
#include "tests/lib/ts_test.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proto/wire/limits.h"
#include "sidecar/common/ring/ring.h"

struct pair {
    int memfd;
    struct ring_writer w;
    struct ring_reader r;
    uint8_t *buf;
};

static int setup(void **state)
{
    static struct pair p;
    static uint8_t buf[TS_RING_ENTRY_MAX];
    int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    p = (struct pair){.memfd = -1, .buf = buf};
    if (ring_create(&p.memfd) != TS_OK ||
        ring_writer_open(p.memfd, wake, &p.w) != TS_OK ||
        ring_reader_open(p.memfd, dup(wake), &p.r) != TS_OK)
        return -1;
    *state = &p;
    return 0;
}

static int teardown(void **state)
{
    struct pair *p = *state;

    ring_writer_done(&p->w);
    ring_reader_done(&p->r);
    (void)close(p->memfd);
    return 0;
}

static ts_err put(struct pair *p, uint32_t kind, uint32_t tag, size_t len)
{
    uint8_t *at;
    ts_err e = ring_reserve(&p->w, len, &at);

    if (e != TS_OK)
        return e;
    memset(at, (int)(tag & 0xff), len);
    if (len >= 4)
        memcpy(at, &tag, 4);
    ring_commit(&p->w, kind, len);
    return TS_OK;
}

/* Reads one entry and checks that it is what put() wrote. */
static void expect(struct pair *p, uint32_t kind, uint32_t tag, size_t len)
{
    uint32_t got_kind = 0, got_tag = 0;
    size_t got_len = 0;

    assert_int_equal(
        ring_next(&p->r, p->buf, TS_RING_ENTRY_MAX, &got_kind, &got_len),
        TS_OK);
    assert_int_equal(got_kind, kind);
    assert_int_equal(got_len, len);
    if (len >= 4) {
        memcpy(&got_tag, p->buf, 4);
        assert_int_equal(got_tag, tag);
    }
    for (size_t i = 4; i < len; i++)
        if (p->buf[i] != (tag & 0xff))
            fail_msg("byte %zu of entry %u", i, tag);
}

static void expect_none(struct pair *p)
{
    uint32_t kind = 77;
    size_t len = 77;

    assert_int_equal(ring_next(&p->r, p->buf, TS_RING_ENTRY_MAX, &kind, &len),
                     TS_E_AGAIN);
    assert_int_equal(kind, 77); /* outputs stay untouched */
    assert_int_equal(len, 77);
}

static void ring_create_gives_sealed_empty_stopped_ring(void **state)
{
    struct pair *p = *state;

    assert_int_equal(fcntl(p->memfd, F_GET_SEALS) &
                         (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL),
                     F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    assert_int_equal(ring_state_read(&p->w), RING_STOPPED);
    assert_true(ring_is_drained(&p->w));
    expect_none(p);
}

static void ring_open_unsealed_or_wrong_size_is_refused(void **state)
{
    struct ring_reader r = {0};
    struct ring_writer w = {0};
    int fd = memfd_create("t", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    (void)state;
    assert_int_equal(ftruncate(fd, 4096 + TS_RING_BYTES), 0);
    assert_int_equal(ring_reader_open(fd, -1, &r), TS_E_INVALID);
    assert_int_equal(ring_writer_open(fd, -1, &w), TS_E_INVALID);
    assert_int_equal(ftruncate(fd, 4096), 0);
    assert_int_equal(
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
    assert_int_equal(ring_reader_open(fd, -1, &r), TS_E_INVALID);
    assert_int_equal(ring_writer_open(-1, -1, &w), TS_E_INVALID);
    assert_null(r.shared);
    assert_null(w.shared);
    (void)close(fd);
}

static void ring_entries_of_every_length_come_back_in_order(void **state)
{
    struct pair *p = *state;
    uint32_t tag = 0;

    for (size_t len = 0; len < 600; len++)
        assert_int_equal(put(p, 1 + (uint32_t)len % 5, tag++, len), TS_OK);
    tag = 0;
    for (size_t len = 0; len < 600; len++)
        expect(p, 1 + (uint32_t)len % 5, tag++, len);
    expect_none(p);
}

/* Entries of a length that no power of two is a multiple of meet the end of
 * the lap at ever new places. */
static void ring_wrap_anywhere_loses_nothing(void **state)
{
    static const size_t lens[] = {TS_RING_ENTRY_MAX, 100001, 65536 - 8, 40963};
    struct pair *p = *state;

    for (size_t k = 0; k < sizeof(lens) / sizeof(lens[0]); k++)
        for (uint32_t i = 0; i < 250; i++) {
            assert_int_equal(put(p, 1, i, lens[k] - i), TS_OK);
            assert_int_equal(put(p, 2, i, i), TS_OK);
            expect(p, 1, i, lens[k] - i);
            expect(p, 2, i, i);
            ring_release(&p->r);
            assert_true(ring_is_drained(&p->w));
        }
}

static void ring_reserve_full_again_and_freed_by_release(void **state)
{
    struct pair *p = *state;
    uint32_t written = 0, read = 0;

    while (put(p, 1, written, 1000) == TS_OK)
        written++;
    assert_int_equal(written, TS_RING_BYTES / 1008);
    expect(p, 1, read++, 1000);
    assert_int_equal(put(p, 1, written, 1000), TS_E_AGAIN); /* not released */
    for (; read < 100; read++)
        expect(p, 1, read, 1000);
    ring_release(&p->r);
    while (put(p, 1, written, 1000) == TS_OK)
        written++;
    for (; read < written; read++)
        expect(p, 1, read, 1000);
    expect_none(p);
    ring_release(&p->r);
    assert_true(ring_is_drained(&p->w));
}

static void ring_reserve_forgotten_leaves_nothing(void **state)
{
    struct pair *p = *state;
    uint8_t *at;

    for (int i = 0; i < 100; i++)
        assert_int_equal(ring_reserve(&p->w, 200000, &at), TS_OK);
    expect_none(p);
    assert_int_equal(put(p, 3, 9, 50), TS_OK);
    expect(p, 3, 9, 50);
}

static void ring_commit_shorter_than_reserved_is_fine(void **state)
{
    struct pair *p = *state;
    uint8_t *at;

    for (uint32_t i = 0; i < 200; i++) {
        assert_int_equal(ring_reserve(&p->w, TS_RING_ENTRY_MAX, &at), TS_OK);
        memset(at, (int)(i & 0xff), 40);
        memcpy(at, &i, 4);
        ring_commit(&p->w, 4, 40);
        expect(p, 4, i, 40);
        ring_release(&p->r);
    }
}

static void ring_reserve_over_the_limit_is_refused(void **state)
{
    struct pair *p = *state;
    uint8_t *at = NULL;

    assert_int_equal(ring_reserve(&p->w, TS_RING_ENTRY_MAX + 1, &at),
                     TS_E_LIMIT);
    assert_int_equal(ring_reserve(&p->w, SIZE_MAX, &at), TS_E_LIMIT);
    assert_null(at);
}

static void ring_next_into_small_buffer_keeps_the_entry(void **state)
{
    struct pair *p = *state;
    uint32_t kind;
    size_t len;

    assert_int_equal(put(p, 1, 5, 64), TS_OK);
    assert_int_equal(ring_next(&p->r, p->buf, 63, &kind, &len), TS_E_LIMIT);
    expect(p, 1, 5, 64);
}

static void ring_state_is_what_the_reader_says(void **state)
{
    struct pair *p = *state;

    ring_state_set(&p->r, RING_OK);
    assert_int_equal(ring_state_read(&p->w), RING_OK);
    ring_state_set(&p->r, RING_NO_SPACE);
    assert_int_equal(ring_state_read(&p->w), RING_NO_SPACE);
    ring_state_set(&p->r, RING_STOPPED);
    assert_int_equal(ring_state_read(&p->w), RING_STOPPED);
}

static bool is_woken(const struct pair *p)
{
    struct pollfd f = {.fd = p->r.wake_fd, .events = POLLIN};

    return poll(&f, 1, 0) == 1;
}

/* All (how the reader waits) x (what the writer does). */
static void ring_wake_depends_on_wait_and_action(void **state)
{
    static const bool woken[3][2] = {
        /* commit, ring_wake */
        [RING_BUSY] = {false, false},
        [RING_NAP] = {false, true},
        [RING_SLEEP] = {true, true},
    };
    struct pair *p = *state;

    for (int how = RING_BUSY; how <= RING_SLEEP; how++)
        for (int act = 0; act < 2; act++) {
            assert_true(ring_wait_begin(&p->r, (enum ring_wait)how));
            if (act == 0)
                assert_int_equal(put(p, 1, 1, 8), TS_OK);
            else
                ring_wake(&p->w);
            assert_int_equal(is_woken(p), woken[how][act]);
            ring_busy(&p->r);
            assert_false(is_woken(p));
            if (act == 0)
                expect(p, 1, 1, 8);
        }
}

static void ring_wait_with_entries_there_is_refused(void **state)
{
    struct pair *p = *state;

    assert_int_equal(put(p, 1, 1, 8), TS_OK);
    assert_false(ring_wait_begin(&p->r, RING_SLEEP));
    assert_int_equal(put(p, 1, 2, 8), TS_OK);
    assert_false(is_woken(p)); /* it was put back to busy */
    expect(p, 1, 1, 8);
    expect(p, 1, 2, 8);
    assert_true(ring_wait_begin(&p->r, RING_SLEEP));
}

static void ring_two_wakes_for_one_sleep_write_once(void **state)
{
    struct pair *p = *state;
    uint64_t count = 0;

    assert_true(ring_wait_begin(&p->r, RING_SLEEP));
    assert_int_equal(put(p, 1, 1, 8), TS_OK);
    ring_wake(&p->w);
    ring_wake(&p->w);
    assert_int_equal(read(p->r.wake_fd, &count, 8), 8);
    assert_int_equal(count, 1);
}

static void ring_reopened_reader_sees_what_was_not_released(void **state)
{
    struct pair *p = *state;
    int wake = dup(p->w.wake_fd);

    for (uint32_t i = 0; i < 10; i++)
        assert_int_equal(put(p, 1, i, 100), TS_OK);
    for (uint32_t i = 0; i < 4; i++)
        expect(p, 1, i, 100);
    ring_release(&p->r);
    expect(p, 1, 4, 100); /* read but not released */
    ring_reader_done(&p->r);
    assert_int_equal(ring_reader_open(p->memfd, wake, &p->r), TS_OK);
    for (uint32_t i = 4; i < 10; i++)
        expect(p, 1, i, 100);
    expect_none(p);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(ring_create_gives_sealed_empty_stopped_ring),
        T(ring_open_unsealed_or_wrong_size_is_refused),
        T(ring_entries_of_every_length_come_back_in_order),
        T(ring_wrap_anywhere_loses_nothing),
        T(ring_reserve_full_again_and_freed_by_release),
        T(ring_reserve_forgotten_leaves_nothing),
        T(ring_commit_shorter_than_reserved_is_fine),
        T(ring_reserve_over_the_limit_is_refused),
        T(ring_next_into_small_buffer_keeps_the_entry),
        T(ring_state_is_what_the_reader_says),
        T(ring_wake_depends_on_wait_and_action),
        T(ring_wait_with_entries_there_is_refused),
        T(ring_two_wakes_for_one_sleep_write_once),
        T(ring_reopened_reader_sees_what_was_not_released),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
