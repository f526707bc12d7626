/*
 * Every body that the broker says or hears: what is understood, encoded
 * again, is what came; everything cut off is refused. With TIPSTAFF_SEED_DIR
 * set, also writes the samples there (fuzz corpus, see tests/fuzz/egress).
 */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "tests/unit/egress/egress_recode.h"

static uint8_t sample[1024], out[EGRESS_MESSAGE_MAX];

/* In memory of exactly that length, so that ASan sees the end. */
static ts_err recode(size_t body, const uint8_t *p, size_t len)
{
    uint8_t *exact = ts_mem_alloc(len + 1);
    const char *what = NULL;
    size_t n = 0;
    ts_err e;

    assert_non_null(exact);
    memcpy(exact + 1, p, len);
    e = egress_recode(body, exact + 1, len, out, sizeof(out), &n, &what);
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
    for (size_t b = 0; b < EGRESS_BODY_COUNT; b++) {
        size_t len = egress_sample(b, sample, sizeof(sample));

        assert_true(len > 0);
        assert_int_equal(recode(b, sample, len), TS_OK);
    }
}

static void every_truncation_and_tail_is_refused(void **state)
{
    (void)state;
    for (size_t b = 0; b < EGRESS_BODY_COUNT; b++) {
        size_t len = egress_sample(b, sample, sizeof(sample));

        for (size_t cut = 0; cut < len; cut++)
            assert_int_not_equal(recode(b, sample, cut), TS_OK);
        sample[len] = 0xc0;
        assert_int_not_equal(recode(b, sample, len + 1), TS_OK);
    }
}

static void every_bit_flip_is_refused_or_another_value(void **state)
{
    (void)state;
    for (size_t b = 0; b < EGRESS_BODY_COUNT; b++) {
        size_t len = egress_sample(b, sample, sizeof(sample)), refused = 0;

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
    for (size_t b = 0; b < EGRESS_BODY_COUNT; b++) {
        size_t len = egress_sample(b, sample, sizeof(sample));

        for (size_t cap = 0; cap < len; cap++)
            assert_int_equal(egress_sample(b, out, cap), 0);
    }
}

static void no_body_is_taken_for_a_longer_or_shorter_one(void **state)
{
    (void)state;
    for (size_t b = 0; b < EGRESS_BODY_COUNT; b++) {
        size_t len = egress_sample(b, sample, sizeof(sample));

        /* one element less, one more: the array's head says so */
        sample[0]--;
        assert_int_not_equal(recode(b, sample, len), TS_OK);
        sample[0] = (uint8_t)(sample[0] + 2);
        assert_int_not_equal(recode(b, sample, len), TS_OK);
    }
}

/* A decoder that lets through what an encoder would refuse, or the other way
 * round, is a hole or a dead end: each of these is refused by its encoder. */
static void what_makes_no_sense_is_not_sent(void **state)
{
    static uint8_t b[256];
    struct egress_grant grant = {
        .order_id = 1, .tool = TS_STR_LIT("t"), .mode = EGRESS_BROKER};
    struct egress_opened opened = {.conn_id = 1,
                                   .what = {.order_id = 1,
                                            .tool = TS_STR_LIT("t"),
                                            .host = TS_STR_LIT("h"),
                                            .port = 1,
                                            .address_len = 4}};
    struct egress_reply reply = {.code = EGRESS_REFUSED};
    size_t n;

    (void)state;
    assert_int_equal(egress_grant_encode(&grant, b, sizeof(b), &n), TS_OK);
    grant.mode = (enum egress_mode)0;
    assert_int_equal(egress_grant_encode(&grant, b, sizeof(b), &n),
                     TS_E_INVALID);
    assert_int_equal(egress_opened_encode(&opened, b, sizeof(b), &n), TS_OK);
    opened.what.host = TS_STR_LIT("a\x1b[2J");
    assert_int_equal(egress_opened_encode(&opened, b, sizeof(b), &n),
                     TS_E_INVALID);
    opened.what.host = TS_STR_LIT("h");
    opened.what.address_len = 5;
    assert_int_equal(egress_opened_encode(&opened, b, sizeof(b), &n),
                     TS_E_INVALID);
    assert_int_equal(egress_reply_encode(&reply, b, sizeof(b), &n), TS_OK);
    reply.address_len = 4; /* a refusal with an address */
    assert_int_equal(egress_reply_encode(&reply, b, sizeof(b), &n),
                     TS_E_INVALID);
}

static void every_code_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int a = 0; a < EGRESS_CODE_COUNT_; a++) {
        for (int b = 0; b < a; b++)
            assert_string_not_equal(egress_code_name((enum egress_code)a),
                                    egress_code_name((enum egress_code)b));
    }
}

static void write_seeds(void **state)
{
    const char *dir = getenv("TIPSTAFF_SEED_DIR");

    (void)state;
    for (size_t b = 0; dir != NULL && b < EGRESS_BODY_COUNT; b++) {
        size_t len = egress_sample(b, sample, sizeof(sample));
        char path[512];
        FILE *f;

        (void)snprintf(path, sizeof(path), "%s/%s", dir, egress_body_name(b));
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
        cmocka_unit_test(what_makes_no_sense_is_not_sent),
        cmocka_unit_test(every_code_has_a_name_of_its_own),
        cmocka_unit_test(write_seeds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
