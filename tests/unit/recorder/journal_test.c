/* The bytes of the journal: every cut, every flip, every record taken away, and
 * windows of a file against the whole. */
#include "tests/lib/ts_test.h"

#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "journal_rig.h"
#include "sidecar/recorder/journal_read.h"

#define RECORDS 6

static uint8_t key[JOURNAL_KEY] = {7, 7, 7};
static uint8_t bytes[8192];
static size_t ends[RECORDS + 1]; /* where the base and each record end */
static const size_t pads[RECORDS] = {0, 1, 40, 300, 17, 3};

static size_t build(void)
{
    struct journal_walk w = {.key = key};
    uint8_t body[512];
    size_t at = JOURNAL_BASE_LEN;

    journal_encode_base(&w, bytes);
    ends[0] = at;
    for (uint32_t i = 0; i < RECORDS; i++) {
        size_t len =
            jrig_body(body, sizeof(body), JOURNAL_REVOCATION, i, 9, 1, pads[i]);

        journal_encode(&w, 1 + 3 * i, (struct ts_bytes){body, len}, bytes + at);
        at += JOURNAL_HEAD + len + JOURNAL_MAC;
        ends[i + 1] = at;
    }
    return at;
}

/* How many records are good, and how the walk ended. */
static size_t walk(const uint8_t *p, size_t len, ts_err *ret, size_t *ret_at)
{
    struct journal_walk w = {.bytes = p, .len = len, .key = key, .last = true};
    struct journal_entry e;
    size_t n = 0;

    while ((*ret = journal_next(&w, &e)) == TS_OK) {
        n++;
        assert_true(e.body.ptr >= p && e.body.ptr + e.body.len <= p + len);
        assert_int_equal(e.seq, 3 * n - 2);
    }
    *ret_at = w.at;
    return n;
}

static void journal_next_torn_at_every_byte_keeps_what_is_whole(void **state)
{
    size_t len = build(), at, n;
    ts_err e;

    (void)state;
    for (size_t cut = 0; cut <= len; cut++) {
        size_t whole = 0;

        while (whole < RECORDS && ends[whole + 1] <= cut)
            whole++;
        n = walk(bytes, cut, &e, &at);
        assert_int_equal(n, whole);
        assert_int_equal(at, cut < ends[0] ? 0 : ends[whole]);
        assert_int_equal(e, cut == ends[whole] ? TS_E_AGAIN : TS_E_TRUNCATED);
    }
}

/* Never taken for a torn end, which would silently forget a revocation. */
static void journal_next_flip_anywhere_is_an_error(void **state)
{
    size_t len = build(), at;
    ts_err e;

    (void)state;
    for (size_t bit = 0; bit < len * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        (void)walk(bytes, len, &e, &at);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (e == TS_E_AGAIN || e == TS_E_TRUNCATED)
            fail_msg("bit %zu: %s", bit, ts_err_text(e));
    }
}

/* A damaged length of every value, in every record: the same. */
static void journal_next_any_length_is_an_error(void **state)
{
    size_t len = build(), at;
    ts_err e;

    (void)state;
    for (size_t r = 0; r < RECORDS; r++) {
        uint8_t *p = bytes + ends[r], b0 = p[0], b1 = p[1];

        for (uint32_t v = 0; v < 65536; v += 7) {
            if (v == (uint32_t)(b0 | b1 << 8))
                continue;
            p[0] = (uint8_t)v;
            p[1] = (uint8_t)(v >> 8);
            (void)walk(bytes, len, &e, &at);
            assert_true(e != TS_E_AGAIN && e != TS_E_TRUNCATED);
        }
        p[0] = b0;
        p[1] = b1;
    }
}

static void T23_journal_next_missing_or_swapped_record_is_an_error(void **state)
{
    static uint8_t other[8192];
    size_t len = build(), at;
    ts_err e;

    (void)state;
    for (size_t gone = 0; gone + 1 < RECORDS; gone++) {
        size_t from = ends[gone], to = ends[gone + 1];

        memcpy(other, bytes, from);
        memcpy(other + from, bytes + to, len - to);
        assert_int_equal(walk(other, len - (to - from), &e, &at), gone);
        assert_int_equal(e, TS_E_AUTH);
        /* twice the same one */
        memcpy(other, bytes, to);
        memcpy(other + to, bytes + from, len - from);
        assert_int_equal(walk(other, len + to - from, &e, &at), gone + 1);
        assert_int_equal(e, TS_E_STATE);
    }
    key[0] ^= 1; /* the wrong key */
    assert_int_equal(walk(bytes, len, &e, &at), 0);
    assert_int_equal(e, TS_E_AUTH);
    key[0] ^= 1;
}

static void journal_next_first_format_is_told(void **state)
{
    static const uint8_t old[64] = {1, 0, 0, 0, 1, 1};
    size_t at;
    ts_err e;

    (void)state;
    assert_int_equal(walk(old, sizeof(old), &e, &at), 0);
    assert_int_equal(e, TS_E_UNSUPPORTED);
}

/* Records of all lengths around a window's edge: what the reader gives is what
 * one walk over all bytes gives; also when the end only comes later. */
static void journal_reader_next_agrees_with_the_whole(void **state)
{
    static uint8_t file[4 * JOURNAL_WINDOW];
    struct journal_walk w = {.key = key};
    struct journal_reader r;
    struct journal_entry a, b;
    uint8_t body[JOURNAL_BODY_MAX];
    size_t at = JOURNAL_BASE_LEN, half = 0;
    int fd = memfd_create("journal", MFD_CLOEXEC);
    uint32_t n = 0;

    (void)state;
    journal_encode_base(&w, file);
    for (; at + JOURNAL_RECORD_MAX < sizeof(file); n++) {
        size_t len = jrig_body(body, sizeof(body), JOURNAL_CALLS, n, 9, 1,
                               (size_t)n * 37 % 3000);

        journal_encode(&w, n + 1, (struct ts_bytes){body, len}, file + at);
        at += JOURNAL_HEAD + len + JOURNAL_MAC;
        if (at < sizeof(file) / 2)
            half = at;
    }
    assert_int_equal(pwrite(fd, file, at, 0), (ssize_t)at);
    w = (struct journal_walk){
        .bytes = file, .len = at, .key = key, .last = true};
    assert_int_equal(journal_reader_init(&r, fd, key, half), TS_OK);
    for (uint32_t i = 0; i < n; i++) {
        ts_err e = journal_reader_next(&r, &b);

        if (e == TS_E_AGAIN) {
            assert_int_equal(journal_reader_at(&r), half);
            r.end = at;
            e = journal_reader_next(&r, &b);
        }
        assert_int_equal(e, TS_OK);
        assert_int_equal(journal_next(&w, &a), TS_OK);
        assert_int_equal(journal_reader_at(&r), w.at);
        assert_int_equal(a.seq, b.seq);
        assert_int_equal(a.body.len, b.body.len);
        assert_memory_equal(a.body.ptr, b.body.ptr, a.body.len);
    }
    assert_int_equal(journal_reader_next(&r, &b), TS_E_AGAIN);
    r.end = at + 1; /* more than there is */
    assert_int_equal(journal_reader_next(&r, &b), TS_E_STATE);
    journal_reader_done(&r);
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(journal_next_torn_at_every_byte_keeps_what_is_whole),
        cmocka_unit_test(journal_next_flip_anywhere_is_an_error),
        cmocka_unit_test(journal_next_any_length_is_an_error),
        cmocka_unit_test(
            T23_journal_next_missing_or_swapped_record_is_an_error),
        cmocka_unit_test(journal_next_first_format_is_told),
        cmocka_unit_test(journal_reader_next_agrees_with_the_whole),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
