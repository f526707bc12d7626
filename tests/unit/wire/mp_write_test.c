#include "tests/lib/ts_test.h"

#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/wire/mp_read.h"
#include "proto/wire/mp_write.h"

static void write_all(struct mp_writer *w)
{
    mp_write_array(w, 10);
    mp_write_float(w, -12.75);
    mp_write_uint(w, 70000);
    mp_write_int(w, -200);
    mp_write_bool(w, false);
    mp_write_nil(w);
    mp_write_str(w, "a string of more than thirty-one bytes", 38);
    mp_write_cstr(w, "short");
    mp_write_bin(w, "\x00\xff", 2);
    mp_write_map(w, 1);
    mp_write_cstr(w, "k");
    mp_write_raw(w, "\x90", 1);
    mp_write_str(w, "", 0);
}

/* Exactly full works; every smaller room fails, stays failed and is not
 * written past. */
static void every_room_that_is_too_small_is_a_limit(void **state)
{
    uint8_t big[128];
    struct mp_writer w;
    size_t len = 0, other = 77;

    (void)state;
    mp_writer_init(&w, big, sizeof(big));
    write_all(&w);
    assert_int_equal(mp_written(&w, &len), TS_OK);
    assert_int_equal(mp_scan(big, len), TS_OK);
    for (size_t cap = 0; cap <= len; cap++) {
        uint8_t *exact = ts_mem_alloc(cap > 0 ? cap : 1);

        assert_non_null(exact);
        mp_writer_init(&w, exact, cap);
        write_all(&w);
        if (cap == len) {
            assert_int_equal(mp_written(&w, &other), TS_OK);
            assert_int_equal(other, len);
            assert_memory_equal(exact, big, len);
            other = 77;
        } else {
            assert_int_equal(mp_written(&w, &other), TS_E_LIMIT);
            assert_int_equal(other, 77);
            mp_write_nil(&w); /* would fit, but the error is sticky */
            assert_int_equal(mp_written(&w, &other), TS_E_LIMIT);
        }
        ts_mem_free(exact);
    }
}

static void floats_read_back_as_they_were(void **state)
{
    static const double values[] = {0.0,    -0.0,  0.1,     -1.5,
                                    5e-324, 1e308, 1.0 / 3, 4503599627370497.5};
    uint8_t bytes[9];

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct mp_writer w;
        struct mp_reader r;
        size_t len = 0;
        double back;

        mp_writer_init(&w, bytes, sizeof(bytes));
        mp_write_float(&w, values[i]);
        assert_int_equal(mp_written(&w, &len), TS_OK);
        mp_reader_init(&r, bytes, len);
        back = mp_read_float(&r);
        assert_int_equal(mp_done(&r), TS_OK);
        assert_memory_equal(&back, &values[i], sizeof(back));
    }
}

static void floats_that_are_not_finite_are_refused(void **state)
{
    static const double values[] = {__builtin_inf(), -__builtin_inf(),
                                    __builtin_nan("")};

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        uint8_t bytes[9];
        struct mp_writer w;
        size_t len = 77;

        mp_writer_init(&w, bytes, sizeof(bytes));
        mp_write_float(&w, values[i]);
        assert_int_equal(mp_written(&w, &len), TS_E_INVALID);
        assert_int_equal(len, 77);
    }
}

/* Lengths around each header width, for str, bin, array and map. */
static void headers_are_shortest(void **state)
{
    static const struct {
        uint32_t n;
        size_t str, bin, array;
    } cases[] = {
        {0, 1, 2, 1},   {15, 1, 2, 1},    {16, 1, 2, 3},
        {31, 1, 2, 3},  {32, 2, 2, 3},    {255, 2, 2, 3},
        {256, 3, 3, 3}, {65535, 3, 3, 3}, {65536, 5, 5, 5},
    };
    static uint8_t data[65536], out[65600];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mp_writer w;
        size_t len = 0;

        mp_writer_init(&w, out, sizeof(out));
        mp_write_str(&w, (const char *)data, cases[i].n);
        assert_int_equal(mp_written(&w, &len), TS_OK);
        assert_int_equal(len, cases[i].str + cases[i].n);
        assert_int_equal(mp_scan(out, len), TS_OK);
        mp_writer_init(&w, out, sizeof(out));
        mp_write_bin(&w, data, cases[i].n);
        assert_int_equal(mp_written(&w, &len), TS_OK);
        assert_int_equal(len, cases[i].bin + cases[i].n);
        assert_int_equal(mp_scan(out, len), TS_OK);
        mp_writer_init(&w, out, sizeof(out));
        mp_write_array(&w, cases[i].n);
        assert_int_equal(mp_written(&w, &len), TS_OK);
        assert_int_equal(len, cases[i].array);
        memset(out + len, 0, cases[i].n);
        assert_int_equal(mp_scan(out, len + cases[i].n), TS_OK);
        mp_writer_init(&w, out, sizeof(out));
        mp_write_map(&w, cases[i].n);
        assert_int_equal(mp_written(&w, &len), TS_OK);
        assert_int_equal(len, cases[i].array);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_room_that_is_too_small_is_a_limit),
        cmocka_unit_test(floats_read_back_as_they_were),
        cmocka_unit_test(floats_that_are_not_finite_are_refused),
        cmocka_unit_test(headers_are_shortest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
