#include "tests/lib/ts_test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "proto/wire/mp_read.h"
#include "proto/wire/mp_write.h"

#define READER(r, ...)                                                         \
    const uint8_t in_##r[] = {__VA_ARGS__};                                    \
    struct mp_reader r;                                                        \
    mp_reader_init(&r, in_##r, sizeof(in_##r))

/* Every value at a width boundary comes back, in the shortest form, and cut at
 * any byte it is truncated. */
static void uint_at_every_boundary_round_trips(void **state)
{
    static const struct {
        uint64_t v;
        size_t len;
    } cases[] = {
        {0, 1},          {0x7f, 1},      {0x80, 2},       {0xff, 2},
        {0x100, 3},      {0xffff, 3},    {0x10000, 5},    {UINT32_MAX, 5},
        {1ull << 32, 9}, {INT64_MAX, 9}, {UINT64_MAX, 9},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t buf[16];
        struct mp_writer w;
        struct mp_reader r;
        size_t len = 0;

        mp_writer_init(&w, buf, sizeof(buf));
        mp_write_uint(&w, cases[i].v);
        assert_int_equal(mp_written(&w, &len), TS_OK);
        assert_int_equal(len, cases[i].len);
        for (size_t cut = 0; cut < len; cut++) {
            mp_reader_init(&r, buf, cut);
            assert_true(mp_read_uint(&r, UINT64_MAX) == 0);
            assert_int_equal(mp_done(&r), TS_E_TRUNCATED);
        }
        mp_reader_init(&r, buf, len);
        assert_true(mp_read_uint(&r, cases[i].v) == cases[i].v);
        assert_int_equal(mp_done(&r), TS_OK);
        if (cases[i].v == 0)
            continue;
        mp_reader_init(&r, buf, len);
        assert_true(mp_read_uint(&r, cases[i].v - 1) == 0);
        assert_int_equal(mp_done(&r), TS_E_LIMIT);
    }
}

static void int_at_every_boundary_round_trips(void **state)
{
    static const struct {
        int64_t v;
        size_t len;
    } cases[] = {
        {0, 1},         {127, 1},       {128, 2},       {-1, 1},
        {-32, 1},       {-33, 2},       {INT8_MIN, 2},  {INT8_MIN - 1, 3},
        {INT16_MIN, 3}, {-32769, 5},    {INT32_MIN, 5}, {INT32_MIN - 1ll, 9},
        {INT64_MIN, 9}, {INT64_MAX, 9},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t buf[16];
        struct mp_writer w;
        struct mp_reader r;
        size_t len = 0;

        mp_writer_init(&w, buf, sizeof(buf));
        mp_write_int(&w, cases[i].v);
        assert_int_equal(mp_written(&w, &len), TS_OK);
        assert_int_equal(len, cases[i].len);
        mp_reader_init(&r, buf, len);
        assert_true(mp_read_int(&r) == cases[i].v);
        assert_int_equal(mp_done(&r), TS_OK);
        mp_reader_init(&r, buf, len);
        (void)mp_read_uint(&r, UINT64_MAX);
        assert_int_equal(mp_done(&r), cases[i].v < 0 ? TS_E_FORMAT : TS_OK);
    }
}

static void uint_over_int64_is_no_int(void **state)
{
    READER(r, 0xcf, 0x80, 0, 0, 0, 0, 0, 0, 0);

    (void)state;
    assert_true(mp_read_int(&r) == 0);
    assert_int_equal(mp_done(&r), TS_E_LIMIT);
}

/* The same value in every longer form is refused. */
static void longer_forms_are_refused(void **state)
{
    static const struct {
        uint8_t in[9];
        size_t len;
    } cases[] = {
        {{0xcc, 0x7f}, 2},
        {{0xcd, 0, 0xff}, 3},
        {{0xce, 0, 0, 0xff, 0xff}, 5},
        {{0xcf, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}, 9},
        {{0xd0, 0xe0}, 2},       /* -32 */
        {{0xd0, 0x01}, 2},       /* 1 as a signed number */
        {{0xd1, 0xff, 0x80}, 3}, /* -128 */
        {{0xd1, 0x00, 0x80}, 3},
        {{0xd2, 0xff, 0xff, 0x80, 0x00}, 5},
        {{0xd3, 0xff, 0xff, 0xff, 0xff, 0x80, 0, 0, 0}, 9},
        {{0xd3, 0x7f, 0, 0, 0, 0, 0, 0, 0}, 9},
        {{0xd9, 1, 'a'}, 3},
        {{0xd9, 0}, 2},
        {{0xda, 0, 1, 'a'}, 4},
        {{0xdb, 0, 0, 0, 1, 'a'}, 6},
        {{0xc5, 0, 1, 0}, 4},
        {{0xc6, 0, 0, 0, 1, 0}, 6},
        {{0xdc, 0, 1, 0}, 4},
        {{0xdd, 0, 0, 0, 1, 0}, 6},
        {{0xde, 0, 0}, 3},
        {{0xdf, 0, 0, 0, 1, 0xa1, 'a', 0}, 8},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(mp_scan(cases[i].in, cases[i].len), TS_E_FORMAT);
}

static void floats_are_finite_and_wide(void **state)
{
    READER(half, 0xca, 0x3f, 0x80, 0, 0);
    READER(one, 0xcb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0);
    READER(nan, 0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0);
    READER(inf, 0xcb, 0xff, 0xf0, 0, 0, 0, 0, 0, 0);

    (void)state;
    (void)mp_read_float(&half);
    assert_int_equal(mp_done(&half), TS_E_FORMAT);
    assert_true(fabs(mp_read_float(&one) - 1.0) < 1e-9);
    assert_int_equal(mp_done(&one), TS_OK);
    (void)mp_read_float(&nan);
    assert_int_equal(mp_done(&nan), TS_E_FORMAT);
    (void)mp_read_float(&inf);
    assert_int_equal(mp_done(&inf), TS_E_FORMAT);
}

/* After the first failure every read gives nothing and the first error stays.
 */
static void error_is_sticky(void **state)
{
    READER(r, 0x01, 0xa1, 'a', 0x02);
    uint8_t key[2] = {7, 7};

    (void)state;
    (void)mp_read_str(&r, 8);
    assert_int_equal(r.error, TS_E_FORMAT);
    assert_int_equal(mp_peek(&r), MP_NONE);
    assert_true(mp_read_uint(&r, 9) == 0);
    assert_true(mp_read_int(&r) == 0);
    assert_false(mp_read_bool(&r));
    mp_read_nil(&r);
    assert_int_equal(mp_read_str(&r, 8).len, 0);
    assert_non_null(mp_read_str(&r, 8).ptr);
    assert_int_equal(mp_read_bin(&r, 8).len, 0);
    mp_read_bin_exact(&r, key, sizeof(key));
    assert_int_equal(key[0] + key[1], 0);
    assert_int_equal(mp_read_array(&r, 8), 0);
    assert_int_equal(mp_read_map(&r, 8), 0);
    mp_read_tuple(&r, 0);
    assert_int_equal(mp_read_raw(&r, 8).len, 0);
    mp_fail(&r, TS_E_LIMIT, "later");
    assert_int_equal(mp_done(&r), TS_E_FORMAT);
    assert_string_not_equal(r.what, "later");
}

static void exact_lengths_are_exact(void **state)
{
    uint8_t out[4];

    (void)state;
    for (uint8_t n = 0; n < 8; n++) {
        uint8_t in[10] = {0xc4, n};
        struct mp_reader r;

        mp_reader_init(&r, in, 2u + n);
        mp_read_bin_exact(&r, out, sizeof(out));
        assert_int_equal(mp_done(&r), n == 4 ? TS_OK : TS_E_FORMAT);
        in[0] = (uint8_t)(0x90 + n);
        memset(in + 1, 0, 9);
        mp_reader_init(&r, in, 1u + n);
        mp_read_tuple(&r, 4);
        assert_int_equal(r.error, n == 4 ? TS_OK : TS_E_FORMAT);
    }
}

static void limits_are_inclusive(void **state)
{
    READER(r, 0xa3, 'a', 'b', 'c');
    READER(s, 0xa3, 'a', 'b', 'c');
    READER(raw, 0x92, 0x01, 0x02);

    (void)state;
    assert_int_equal(mp_read_str(&r, 3).len, 3);
    assert_int_equal(mp_done(&r), TS_OK);
    assert_int_equal(mp_read_str(&s, 2).len, 0);
    assert_int_equal(mp_done(&s), TS_E_LIMIT);
    assert_int_equal(mp_read_raw(&raw, 3).len, 3);
    assert_int_equal(mp_done(&raw), TS_OK);
    mp_reader_init(&raw, in_raw, sizeof(in_raw));
    assert_int_equal(mp_read_raw(&raw, 2).len, 0);
    assert_int_equal(mp_done(&raw), TS_E_LIMIT);
}

/* A map is known to be good before the caller reads any of it. */
static void read_map_checks_ahead(void **state)
{
    READER(twice, 0x82, 0xa1, 'a', 0x01, 0xa1, 'a', 0x02);
    READER(fine, 0x82, 0xa1, 'b', 0x01, 0xa1, 'a', 0x02);
    READER(deep, 0x81, 0xa1, 'a', 0x82, 0xa1, 'x', 0, 0xa1, 'x', 0);

    (void)state;
    assert_int_equal(mp_read_map(&twice, 8), 0);
    assert_int_equal(mp_done(&twice), TS_E_FORMAT);
    assert_int_equal(mp_read_map(&deep, 8), 0);
    assert_int_equal(mp_done(&deep), TS_E_FORMAT);
    assert_int_equal(mp_read_map(&fine, 2), 2);
    assert_true(ts_str_eq_c(mp_read_str(&fine, 8), "b"));
    assert_true(mp_read_uint(&fine, 9) == 1);
    assert_true(ts_str_eq_c(mp_read_str(&fine, 8), "a"));
    assert_true(mp_read_uint(&fine, 9) == 2);
    assert_int_equal(mp_done(&fine), TS_OK);
    mp_reader_init(&fine, in_fine, sizeof(in_fine));
    assert_int_equal(mp_read_map(&fine, 1), 0);
    assert_int_equal(mp_done(&fine), TS_E_LIMIT);
}

static void peek_names_every_first_byte(void **state)
{
    (void)state;
    for (unsigned b = 0; b < 256; b++) {
        uint8_t in[1] = {(uint8_t)b};
        struct mp_reader r;
        enum mp_type t;

        mp_reader_init(&r, in, 1);
        t = mp_peek(&r);
        if (b == 0xc1 || (b >= 0xc7 && b <= 0xc9) || (b >= 0xd4 && b <= 0xd8))
            assert_int_equal(t, MP_NONE);
        else
            assert_int_not_equal(t, MP_NONE);
    }
}

static void done_wants_every_byte(void **state)
{
    READER(r, 0x01, 0x02);
    struct mp_reader none;

    (void)state;
    assert_true(mp_read_uint(&r, 9) == 1);
    assert_int_equal(mp_done(&r), TS_E_FORMAT);
    mp_reader_init(&none, NULL, 0);
    assert_int_equal(mp_done(&none), TS_OK);
    assert_int_equal(mp_scan(NULL, 0), TS_E_TRUNCATED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uint_at_every_boundary_round_trips),
        cmocka_unit_test(int_at_every_boundary_round_trips),
        cmocka_unit_test(uint_over_int64_is_no_int),
        cmocka_unit_test(longer_forms_are_refused),
        cmocka_unit_test(floats_are_finite_and_wide),
        cmocka_unit_test(error_is_sticky),
        cmocka_unit_test(exact_lengths_are_exact),
        cmocka_unit_test(limits_are_inclusive),
        cmocka_unit_test(read_map_checks_ahead),
        cmocka_unit_test(peek_names_every_first_byte),
        cmocka_unit_test(done_wants_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
