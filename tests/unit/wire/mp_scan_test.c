#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/wire/limits.h"
#include "proto/wire/mp_read.h"
#include "proto/wire/mp_write.h"

/* One of everything that is allowed. */
static size_t sample(uint8_t *out, size_t cap)
{
    struct mp_writer w;
    size_t len = 0;

    mp_writer_init(&w, out, cap);
    mp_write_map(&w, 6);
    mp_write_cstr(&w, "numbers");
    mp_write_array(&w, 4);
    mp_write_uint(&w, 300);
    mp_write_int(&w, -5);
    mp_write_int(&w, -70000);
    mp_write_uint(&w, UINT64_MAX);
    mp_write_cstr(&w, "text");
    mp_write_cstr(&w, "gr\xc3\xbc\xc3\x9f"
                      "e, \xe2\x82\xac, \xf0\x9f\x98\x80");
    mp_write_cstr(&w, "yes");
    mp_write_bool(&w, true);
    mp_write_cstr(&w, "nil");
    mp_write_nil(&w);
    mp_write_cstr(&w, "bytes");
    mp_write_bin(&w, "\xff\x00\x01", 3);
    mp_write_cstr(&w, "map");
    mp_write_map(&w, 2);
    mp_write_cstr(&w, "b");
    mp_write_raw(&w, "\xcb\x3f\xf0\0\0\0\0\0\0", 9);
    mp_write_cstr(&w, "a");
    mp_write_map(&w, 0);
    assert_int_equal(mp_written(&w, &len), TS_OK);
    return len;
}

static void every_truncation_is_refused(void **state)
{
    uint8_t buf[256];
    size_t len = sample(buf, sizeof(buf));

    (void)state;
    assert_int_equal(mp_scan(buf, len), TS_OK);
    for (size_t cut = 0; cut < len; cut++) {
        uint8_t *exact = ts_mem_alloc(cut > 0 ? cut : 1);

        assert_non_null(exact);
        memcpy(exact, buf, cut); /* exact size: a sanitizer sees any overrun */
        assert_int_equal(mp_scan(exact, cut), TS_E_TRUNCATED);
        ts_mem_free(exact);
    }
    buf[len] = 0;
    assert_int_equal(mp_scan(buf, len + 1), TS_E_FORMAT);
}

/* A flipped bit gives another value or an error, and never the same bytes
 * for something else: what is accepted is read and written back identically
 * (differential test); here it must only stay inside its bounds. */
static void every_bit_flip_stays_inside(void **state)
{
    uint8_t buf[256];
    size_t len = sample(buf, sizeof(buf));
    size_t accepted = 0;

    (void)state;
    for (size_t bit = 0; bit < len * 8; bit++) {
        uint8_t *exact = ts_mem_alloc(len);
        ts_err e;

        assert_non_null(exact);
        memcpy(exact, buf, len);
        exact[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        e = mp_scan(exact, len);
        assert_true(e == TS_OK || e == TS_E_FORMAT || e == TS_E_TRUNCATED ||
                    e == TS_E_LIMIT);
        accepted += e == TS_OK;
        ts_mem_free(exact);
    }
    assert_true(accepted > 0 && accepted < len * 8);
}

static void declared_counts_cannot_exceed_the_input(void **state)
{
    static const struct {
        uint8_t in[8];
        size_t len;
    } bombs[] = {
        {{0xdd, 0x0f, 0xff, 0xff, 0xff}, 5}, /* msgpack-c #1013 */
        {{0xdd, 0xff, 0xff, 0xff, 0xff}, 5},
        {{0xdc, 0xff, 0xff, 0, 0}, 5},
        {{0x9f, 0, 0}, 3},
        {{0x82, 0xa1, 'a', 0}, 4},
        {{0xc6, 0xff, 0xff, 0xff, 0xff}, 5},
        {{0xdb, 0xff, 0xff, 0xff, 0xff, 'a'}, 6},
        {{0xbf, 'a'}, 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bombs) / sizeof(bombs[0]); i++)
        assert_int_equal(mp_scan(bombs[i].in, bombs[i].len), TS_E_TRUNCATED);
    assert_int_equal(mp_scan("\xdf\xff\xff\xff\xff", 5), TS_E_LIMIT);
}

static void depth_is_limited_exactly(void **state)
{
    uint8_t buf[4 * TS_MP_DEPTH_MAX];

    (void)state;
    for (size_t depth = 1; depth <= TS_MP_DEPTH_MAX + 4; depth++) {
        memset(buf, 0x91, depth);
        buf[depth] = 0x00;
        assert_int_equal(mp_scan(buf, depth + 1),
                         depth <= TS_MP_DEPTH_MAX ? TS_OK : TS_E_LIMIT);
        buf[depth - 1] = 0x90; /* an empty array nests as deep */
        assert_int_equal(mp_scan(buf, depth),
                         depth <= TS_MP_DEPTH_MAX ? TS_OK : TS_E_LIMIT);
    }
    /* a frame full of arrays: no recursion beyond the limit */
    {
        uint8_t *deep = ts_mem_alloc(TS_FRAME_MAX);

        assert_non_null(deep);
        memset(deep, 0x91, TS_FRAME_MAX);
        assert_int_equal(mp_scan(deep, TS_FRAME_MAX), TS_E_LIMIT);
        ts_mem_free(deep);
    }
}

static void types_outside_the_profile_are_refused(void **state)
{
    static const uint8_t firsts[] = {0xc1, 0xc7, 0xc8, 0xc9, 0xd4,
                                     0xd5, 0xd6, 0xd7, 0xd8};
    uint8_t in[20] = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(firsts); i++) {
        in[0] = firsts[i];
        assert_int_equal(mp_scan(in, sizeof(in)), TS_E_FORMAT);
    }
    assert_int_equal(mp_scan("\x81\x01\x02", 3), TS_E_FORMAT); /* int key */
    assert_int_equal(mp_scan("\x81\xc4\x01k\x02", 5), TS_E_FORMAT);
}

static void text_must_be_utf8(void **state)
{
    static const struct {
        const char *in;
        size_t len;
        bool ok;
    } cases[] = {
        {"\xa2\xc3\xbc", 3, true},
        {"\xa2\xc0\x80", 3, false},
        {"\xa1\xff", 2, false},
        {"\xa3\xed\xa0\x80", 4, false},
        {"\xa3\xe2\x82\xac", 4, true},
        {"\xa2\xe2\x82", 3, false},
        {"\xa4\xf4\x90\x80\x80", 5, false},
        {"\xa4\xf4\x8f\xbf\xbf", 5, true},
        {"\xa3\xe0\x80\x80", 4, false},
        {"\xa1\x00", 2, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(mp_scan(cases[i].in, cases[i].len),
                         cases[i].ok ? TS_OK : TS_E_FORMAT);
}

/* A map of n keys whose numbers are permuted; key `same` repeats key 0. */
static size_t big_map(uint8_t *out, size_t cap, uint32_t n, uint32_t same)
{
    struct mp_writer w;
    size_t len = 0;

    mp_writer_init(&w, out, cap);
    mp_write_map(&w, n);
    for (uint32_t i = 0; i < n; i++) {
        char key[16];
        uint32_t number = (i == same ? 0 : i) * 7919u % 104729u;

        (void)snprintf(key, sizeof(key), "k%u", number);
        mp_write_cstr(&w, key);
        mp_write_uint(&w, i);
    }
    assert_int_equal(mp_written(&w, &len), TS_OK);
    return len;
}

static void duplicate_key_at_any_distance_is_refused(void **state)
{
    static uint8_t buf[65536];
    static const uint32_t sizes[] = {2, 3, 15, 16, 17, 64, 1000, 1024};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        uint32_t n = sizes[i], step = n > 64 ? n / 16 : 1;
        size_t len = big_map(buf, sizeof(buf), n, 0);

        assert_int_equal(mp_scan(buf, len), TS_OK);
        for (uint32_t same = 1; same < n; same += step) {
            len = big_map(buf, sizeof(buf), n, same);
            assert_int_equal(mp_scan(buf, len), TS_E_FORMAT);
        }
        len = big_map(buf, sizeof(buf), n, n - 1);
        assert_int_equal(mp_scan(buf, len), TS_E_FORMAT);
    }
    assert_int_equal(
        mp_scan(buf, big_map(buf, sizeof(buf), TS_MP_MAP_KEYS_MAX + 1, 0)),
        TS_E_LIMIT);
}

static void keys_that_only_look_alike_are_different(void **state)
{
    (void)state;
    assert_int_equal(mp_scan("\x83\xa0\x01\xa1\x00\x02\xa2\x00\x00\x03", 10),
                     TS_OK);
    assert_int_equal(mp_scan("\x82\xa1"
                             "a\x01\xa1"
                             "A\x02",
                             7),
                     TS_OK);
    /* composed and decomposed: compared as bytes, so two keys */
    assert_int_equal(mp_scan("\x82\xa2\xc3\xa9\x01\xa3"
                             "e\xcc\x81\x02",
                             10),
                     TS_OK);
    assert_int_equal(mp_scan("\x82\xa0\x01\xa0\x02", 5), TS_E_FORMAT);
}

/* The same key again in another map, beside or inside, is no duplicate. */
static void keys_are_counted_per_map(void **state)
{
    static const char beside[] = "\x92\x81\xa1"
                                 "a\x01\x81\xa1"
                                 "a\x02";
    static const char inside[] = "\x82\xa1"
                                 "a\x81\xa1"
                                 "a\x01\xa1"
                                 "b\x81\xa1"
                                 "a\x02";
    static const char after[] = "\x82\xa1"
                                "a\x81\xa1"
                                "b\x01\xa1"
                                "a\x02";

    (void)state;
    assert_int_equal(mp_scan(beside, sizeof(beside) - 1), TS_OK);
    assert_int_equal(mp_scan(inside, sizeof(inside) - 1), TS_OK);
    assert_int_equal(mp_scan(after, sizeof(after) - 1), TS_E_FORMAT);
}

/* Every type of value between two equal keys is stepped over rightly. */
static void duplicates_are_found_behind_every_type(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } values[] = {
        {"\x05", 1},
        {"\xff", 1},
        {"\xcc\x80", 2},
        {"\xcd\x01\x00", 3},
        {"\xce\x00\x01\x00\x00", 5},
        {"\xcf\x01\0\0\0\0\0\0\0", 9},
        {"\xd0\x80", 2},
        {"\xd1\x80\x00", 3},
        {"\xd2\x80\0\0\0", 5},
        {"\xd3\x80\0\0\0\0\0\0\0", 9},
        {"\xcb\x3f\xf0\0\0\0\0\0\0", 9},
        {"\xc0", 1},
        {"\xc2", 1},
        {"\xc3", 1},
        {"\xa0", 1},
        {"\xa1z", 2},
        {"\xc4\x00", 2},
        {"\xc4\x02\xa1"
         "a",
         4},
        {"\x90", 1},
        {"\x92\xa1"
         "a\x01",
         4},
        {"\x80", 1},
        {"\x81\xa1"
         "a\x90",
         4},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        uint8_t buf[32];
        struct mp_writer w;
        size_t len = 0;

        for (unsigned same = 0; same < 2; same++) {
            mp_writer_init(&w, buf, sizeof(buf));
            mp_write_map(&w, 2);
            mp_write_cstr(&w, "k");
            mp_write_raw(&w, values[i].bytes, values[i].len);
            mp_write_cstr(&w, same == 1 ? "k" : "m");
            mp_write_nil(&w);
            assert_int_equal(mp_written(&w, &len), TS_OK);
            assert_int_equal(mp_scan(buf, len),
                             same == 1 ? TS_E_FORMAT : TS_OK);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(every_bit_flip_stays_inside),
        cmocka_unit_test(declared_counts_cannot_exceed_the_input),
        cmocka_unit_test(depth_is_limited_exactly),
        cmocka_unit_test(types_outside_the_profile_are_refused),
        cmocka_unit_test(text_must_be_utf8),
        cmocka_unit_test(duplicate_key_at_any_distance_is_refused),
        cmocka_unit_test(keys_that_only_look_alike_are_different),
        cmocka_unit_test(keys_are_counted_per_map),
        cmocka_unit_test(duplicates_are_found_behind_every_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
