/* A producer that breaks the rules, and a consumer that does. */
#include "tests/lib/ts_test.h"

#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "proto/wire/limits.h"
#include "sidecar/common/ring/ring.h"

/* Where things are, as the header documents it. */
#define AT_HEAD  0
#define AT_TAIL  64
#define AT_STATE 128
#define AT_DATA  4096

struct pair {
    int memfd;
    struct ring_writer w;
    struct ring_reader r;
    uint8_t buf[TS_RING_ENTRY_MAX];
};

static int setup(void **state)
{
    static struct pair p;
    int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

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

static void poke64(struct pair *p, size_t at, uint64_t v)
{
    memcpy((uint8_t *)p->w.shared + at, &v, sizeof(v));
}

static void poke_entry(struct pair *p, uint64_t pos, uint32_t len,
                       uint32_t kind)
{
    size_t at = AT_DATA + (size_t)(pos % TS_RING_BYTES);

    memcpy((uint8_t *)p->w.shared + at, &len, 4);
    memcpy((uint8_t *)p->w.shared + at + 4, &kind, 4);
}

static ts_err next(struct pair *p)
{
    uint32_t kind = 0;
    size_t len = 0;

    return ring_next(&p->r, p->buf, sizeof(p->buf), &kind, &len);
}

static void ring_next_head_anywhere_wrong_is_format(void **state)
{
    static const uint64_t heads[] = {
        1,          4,
        12,         TS_RING_BYTES + 8,
        UINT64_MAX, UINT64_MAX - 7, /* behind the tail */
        1ull << 63};
    struct pair *p = *state;

    poke_entry(p, 0, 4, 1);
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        poke64(p, AT_HEAD, heads[i]);
        assert_int_equal(next(p), TS_E_FORMAT);
        assert_int_equal(p->r.tail, 0);
    }
    poke64(p, AT_HEAD, 16);
    assert_int_equal(next(p), TS_OK);
}

static void ring_next_entry_longer_than_committed_is_format(void **state)
{
    struct pair *p = *state;

    for (uint32_t len = 0; len < 4096; len++) {
        uint64_t need = 8 + (len + 7) / 8 * 8;

        poke_entry(p, 0, len, 1);
        for (uint64_t head = 8; head <= need; head += 8) {
            poke64(p, AT_HEAD, head);
            if (head == need)
                break;
            assert_int_equal(next(p), TS_E_FORMAT);
        }
        if (len % 512 != 0)
            continue;
        assert_int_equal(next(p), TS_OK);
        p->r.tail = 0; /* back for the next round */
    }
}

static void ring_next_impossible_lengths_are_format(void **state)
{
    static const uint32_t lens[] = {TS_RING_ENTRY_MAX + 1,
                                    TS_RING_BYTES,
                                    TS_RING_BYTES - 8,
                                    0x7fffffff,
                                    0x80000000,
                                    UINT32_MAX - 7,
                                    UINT32_MAX};
    struct pair *p = *state;

    poke64(p, AT_HEAD, TS_RING_BYTES);
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        poke_entry(p, 0, lens[i], 1);
        assert_int_equal(next(p), TS_E_FORMAT);
        poke_entry(p, 0, lens[i], 0); /* as a filler */
        assert_int_equal(next(p), TS_E_FORMAT);
    }
}

static void ring_next_entry_past_the_lap_is_format(void **state)
{
    struct pair *p = *state;

    for (uint32_t back = 8; back <= 512; back += 8) {
        uint64_t pos = TS_RING_BYTES - back;

        p->r.tail = pos;
        poke64(p, AT_HEAD, pos + TS_RING_BYTES);
        poke_entry(p, pos, back, 1); /* 8 bytes too many */
        assert_int_equal(next(p), TS_E_FORMAT);
        poke_entry(p, pos, back - 7, 1); /* 1 byte too many */
        assert_int_equal(next(p), TS_E_FORMAT);
        poke_entry(p, pos, back - 8, 1); /* exactly to the end */
        assert_int_equal(next(p), TS_OK);
    }
}

static void ring_next_filler_not_to_the_end_is_format(void **state)
{
    struct pair *p = *state;
    uint64_t pos = TS_RING_BYTES - 256;

    p->r.tail = pos;
    poke64(p, AT_HEAD, pos + 4096);
    poke_entry(p, TS_RING_BYTES, 16, 1);
    for (uint32_t len = 0; len < 600; len++) {
        poke_entry(p, pos, len, 0);
        if (len != 248)
            assert_int_equal(next(p), TS_E_FORMAT);
    }
    poke_entry(p, pos, 248, 0);
    assert_int_equal(next(p), TS_OK);
    assert_int_equal(p->r.tail, TS_RING_BYTES + 24);
}

static void ring_next_fillers_in_a_row_are_format(void **state)
{
    struct pair *p = *state;
    uint64_t pos = TS_RING_BYTES - 64;

    p->r.tail = pos;
    poke64(p, AT_HEAD, pos + TS_RING_BYTES);
    poke_entry(p, pos, 56, 0);
    poke_entry(p, TS_RING_BYTES, TS_RING_BYTES - 8, 0);
    assert_int_equal(next(p), TS_E_FORMAT);
}

/* What was copied does not change when the producer changes its mind. */
static void ring_next_copy_survives_later_writes(void **state)
{
    struct pair *p = *state;
    uint8_t *at;
    uint32_t kind = 0;
    size_t len = 0;

    assert_int_equal(ring_reserve(&p->w, 32, &at), TS_OK);
    memset(at, 'a', 32);
    ring_commit(&p->w, 1, 32);
    assert_int_equal(ring_next(&p->r, p->buf, sizeof(p->buf), &kind, &len),
                     TS_OK);
    memset(at, 'b', 32);
    poke_entry(p, 0, UINT32_MAX, UINT32_MAX);
    poke64(p, AT_TAIL, 4242);
    assert_int_equal(len, 32);
    for (size_t i = 0; i < 32; i++)
        assert_int_equal(p->buf[i], 'a');
    assert_int_equal(next(p), TS_E_AGAIN); /* its place is its own */
    assert_int_equal(p->r.tail, 40);
}

static void ring_reserve_nonsense_tail_is_full(void **state)
{
    static const uint64_t tails[] = {8, TS_RING_BYTES, 1ull << 62, 1ull << 63,
                                     (uint64_t)0 - TS_RING_BYTES - 8};
    struct pair *p = *state;
    uint8_t *at = NULL;

    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        poke64(p, AT_TAIL, tails[i]);
        assert_int_equal(ring_reserve(&p->w, 16, &at), TS_E_AGAIN);
        assert_false(ring_is_drained(&p->w));
    }
    assert_null(at);
    poke64(p, AT_TAIL, 0);
    assert_int_equal(ring_reserve(&p->w, 16, &at), TS_OK);
}

static void ring_state_nonsense_is_stopped(void **state)
{
    struct pair *p = *state;

    for (uint64_t v = 3; v < 300; v++) {
        poke64(p, AT_STATE, v);
        assert_int_equal(ring_state_read(&p->w), RING_STOPPED);
    }
    poke64(p, AT_STATE, UINT64_MAX);
    assert_int_equal(ring_state_read(&p->w), RING_STOPPED);
}

static void ring_reader_open_bad_tail_is_refused(void **state)
{
    struct pair *p = *state;
    struct ring_reader r = {0};

    poke64(p, AT_TAIL, 4);
    assert_int_equal(ring_reader_open(p->memfd, -1, &r), TS_E_FORMAT);
    assert_null(r.shared);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(ring_next_head_anywhere_wrong_is_format),
        T(ring_next_entry_longer_than_committed_is_format),
        T(ring_next_impossible_lengths_are_format),
        T(ring_next_entry_past_the_lap_is_format),
        T(ring_next_filler_not_to_the_end_is_format),
        T(ring_next_fillers_in_a_row_are_format),
        T(ring_next_copy_survives_later_writes),
        T(ring_reserve_nonsense_tail_is_full),
        T(ring_state_nonsense_is_stopped),
        T(ring_reader_open_bad_tail_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
