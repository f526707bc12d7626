#include "sidecar/gate/steps/mark_journal.h"

#include <string.h>

#include "proto/wire/limits.h"
#include "tests/lib/ts_test.h"

static struct mark_entry entry(uint64_t seq)
{
    struct mark_entry m = {.tenant = TS_STR_LIT("acme"), .seq = seq};

    for (size_t i = 0; i < sizeof(m.hash); i++)
        m.hash[i] = (uint8_t)i;
    return m;
}

static void mark_entry_round_trips(void **state)
{
    static const uint64_t seqs[] = {1, 127, 128, 65536, UINT64_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof(seqs) / sizeof(seqs[0]); i++) {
        struct mark_entry in = entry(seqs[i]), out;
        uint8_t buf[MARK_PAYLOAD_MAX];
        const char *what;
        size_t n;

        assert_int_equal(mark_entry_encode(&in, buf, sizeof(buf), &n), TS_OK);
        assert_int_equal(mark_entry_decode(buf, n, &out, &what), TS_OK);
        assert_int_equal(out.seq, in.seq);
        assert_true(ts_str_eq(out.tenant, in.tenant));
        assert_memory_equal(out.hash, in.hash, sizeof(in.hash));
    }
}

static void mark_entry_bad_values_are_refused(void **state)
{
    static char longest[TS_ID_MAX + 1];
    struct mark_entry m = entry(0);
    uint8_t buf[MARK_PAYLOAD_MAX];
    size_t n = 4711;

    (void)state;
    memset(longest, 'x', sizeof(longest));
    assert_int_equal(mark_entry_encode(&m, buf, sizeof(buf), &n), TS_E_INVALID);
    m = entry(1);
    m.tenant.len = 0;
    assert_int_equal(mark_entry_encode(&m, buf, sizeof(buf), &n), TS_E_INVALID);
    m.tenant = (struct ts_str){longest, TS_ID_MAX + 1};
    assert_int_equal(mark_entry_encode(&m, buf, sizeof(buf), &n), TS_E_INVALID);
    assert_int_equal(n, 4711);
    m.tenant.len--;
    m.seq = UINT64_MAX;
    assert_int_equal(mark_entry_encode(&m, buf, sizeof(buf), &n), TS_OK);
}

/* Every truncation is refused; a flipped bit is refused or another value that
 * encodes to exactly these bytes. */
static void entries_have_one_encoding(void **state)
{
    struct mark_entry in = entry(300), out;
    uint8_t buf[MARK_PAYLOAD_MAX], again[MARK_PAYLOAD_MAX];
    const char *what = NULL;
    uint64_t ms = 4711;
    size_t n, m;

    (void)state;
    assert_int_equal(mark_entry_encode(&in, buf, sizeof(buf), &n), TS_OK);
    for (size_t len = 0; len < n; len++)
        assert_int_not_equal(mark_entry_decode(buf, len, &out, &what), TS_OK);
    for (size_t bit = 0; bit < n * 8; bit++) {
        buf[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        if (mark_entry_decode(buf, n, &out, &what) == TS_OK) {
            assert_int_equal(mark_entry_encode(&out, again, sizeof(again), &m),
                             TS_OK);
            assert_int_equal(m, n);
            assert_memory_equal(again, buf, n);
        }
        buf[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    assert_int_equal(
        clock_entry_encode(UINT64_C(1795000000000), buf, sizeof(buf), &n),
        TS_OK);
    for (size_t len = 0; len < n; len++)
        assert_int_not_equal(clock_entry_decode(buf, len, &ms, &what), TS_OK);
    assert_int_equal(ms, 4711);
    for (size_t bit = 0; bit < n * 8; bit++) {
        buf[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        if (clock_entry_decode(buf, n, &ms, &what) == TS_OK) {
            assert_int_equal(clock_entry_encode(ms, again, sizeof(again), &m),
                             TS_OK);
            assert_int_equal(m, n);
            assert_memory_equal(again, buf, n);
        }
        buf[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    assert_int_equal(clock_entry_decode(buf, n, &ms, &what), TS_OK);
    assert_int_equal(ms, UINT64_C(1795000000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mark_entry_round_trips),
        cmocka_unit_test(mark_entry_bad_values_are_refused),
        cmocka_unit_test(entries_have_one_encoding),
    };

    return cmocka_run_group_tests_name("mark_journal", tests, NULL, NULL);
}
