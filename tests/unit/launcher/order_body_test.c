/*
 * Every body between gate, recorder and launcher: what is understood, encoded
 * again, is what came; everything cut off is refused. With TIPSTAFF_SEED_DIR
 * set, also writes the samples there (fuzz corpus, see tests/fuzz/manifest).
 */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "tests/unit/launcher/order_recode.h"

static uint8_t sample[1024], out[TS_ORDER_MAX + 64];

/* In memory of exactly that length, so that ASan sees the end. */
static ts_err recode(size_t body, const uint8_t *p, size_t len)
{
    uint8_t *exact = ts_mem_alloc(len + 1);
    const char *what = NULL;
    size_t n = 0;
    ts_err e;

    assert_non_null(exact);
    memcpy(exact + 1, p, len);
    e = order_recode(body, exact + 1, len, out, sizeof(out), &n, &what);
    if (e == TS_OK) {
        assert_int_equal(n, len);
        assert_memory_equal(out, p, len);
    } else {
        assert_non_null(what);
    }
    ts_mem_free(exact);
    return e;
}

static void every_body_round_trips(void **state)
{
    (void)state;
    for (size_t b = 0; b < ORDER_BODY_COUNT; b++) {
        size_t len = order_sample(b, sample, sizeof(sample));

        assert_true(len > 0);
        assert_int_equal(recode(b, sample, len), TS_OK);
    }
}

static void every_truncation_and_tail_is_refused(void **state)
{
    (void)state;
    for (size_t b = 0; b < ORDER_BODY_COUNT; b++) {
        size_t len = order_sample(b, sample, sizeof(sample));

        for (size_t cut = 0; cut < len; cut++)
            assert_int_not_equal(recode(b, sample, cut), TS_OK);
        sample[len] = 0xc0;
        assert_int_not_equal(recode(b, sample, len + 1), TS_OK);
    }
}

static void every_bit_flip_is_refused_or_another_value(void **state)
{
    (void)state;
    for (size_t b = 0; b < ORDER_BODY_COUNT; b++) {
        size_t len = order_sample(b, sample, sizeof(sample)), refused = 0;

        for (size_t bit = 0; bit < 8 * len; bit++) {
            sample[bit / 8] ^= (uint8_t)(1u << bit % 8);
            refused += recode(b, sample, len) != TS_OK;
            sample[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        assert_true(refused > 0); /* at the very least the head's */
    }
}

static void every_short_buffer_is_an_error(void **state)
{
    (void)state;
    for (size_t b = 0; b < ORDER_BODY_COUNT; b++) {
        size_t len = order_sample(b, sample, sizeof(sample));

        for (size_t cap = 0; cap < len; cap++)
            assert_int_equal(order_sample(b, out, cap), 0);
    }
}

static void no_body_is_taken_for_a_longer_or_shorter_one(void **state)
{
    (void)state;
    for (size_t b = 0; b < ORDER_BODY_COUNT; b++) {
        size_t len = order_sample(b, sample, sizeof(sample));

        /* one element less, one more: the array's head says so */
        sample[0]--;
        assert_int_not_equal(recode(b, sample, len), TS_OK);
        sample[0] = (uint8_t)(sample[0] + 2);
        assert_int_not_equal(recode(b, sample, len), TS_OK);
    }
}

static void write_seeds(void **state)
{
    const char *dir = getenv("TIPSTAFF_SEED_DIR");

    (void)state;
    for (size_t b = 0; dir != NULL && b < ORDER_BODY_COUNT; b++) {
        size_t len = order_sample(b, sample, sizeof(sample));
        char path[512];
        FILE *f;

        (void)snprintf(path, sizeof(path), "%s/%s", dir, order_body_name(b));
        f = fopen(path, "wb");
        assert_non_null(f);
        assert_int_equal(fwrite(sample, 1, len, f), len);
        assert_int_equal(fclose(f), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_body_round_trips),
        cmocka_unit_test(every_truncation_and_tail_is_refused),
        cmocka_unit_test(every_bit_flip_is_refused_or_another_value),
        cmocka_unit_test(every_short_buffer_is_an_error),
        cmocka_unit_test(no_body_is_taken_for_a_longer_or_shorter_one),
        cmocka_unit_test(write_seeds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
