#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/recode.h"

struct sample {
    uint8_t bytes[1024 + 1]; /* one more for a tail */
    size_t len;
};

static void sample_make(const struct recode_body *b, struct sample *s)
{
    s->len = 0;
    assert_int_equal(b->sample(s->bytes, sizeof(s->bytes) - 1, &s->len), TS_OK);
    assert_true(s->len > 0);
}

static void expect_refused(const struct recode_body *b, const uint8_t *p,
                           size_t len)
{
    assert_int_equal(recode_try(b, p, len), RECODE_REFUSED);
}

void every_body_round_trips(void **state)
{
    const struct recode_set *set = *state;
    struct sample s;

    for (size_t i = 0; i < set->count; i++) {
        sample_make(&set->bodies[i], &s);
        assert_int_equal(recode_try(&set->bodies[i], s.bytes, s.len),
                         RECODE_SAME);
    }
}

void every_truncation_and_tail_is_refused(void **state)
{
    const struct recode_set *set = *state;
    struct sample s;

    for (size_t i = 0; i < set->count; i++) {
        sample_make(&set->bodies[i], &s);
        for (size_t cut = 0; cut < s.len; cut++)
            expect_refused(&set->bodies[i], s.bytes, cut);
        s.bytes[s.len] = 0xc0;
        expect_refused(&set->bodies[i], s.bytes, s.len + 1);
    }
}

void every_bit_flip_is_refused_or_another_value(void **state)
{
    const struct recode_set *set = *state;
    struct sample s;

    for (size_t i = 0; i < set->count; i++) {
        size_t refused = 0;

        sample_make(&set->bodies[i], &s);
        for (size_t bit = 0; bit < 8 * s.len; bit++) {
            enum recode_outcome r;

            s.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            r = recode_try(&set->bodies[i], s.bytes, s.len);
            assert_int_not_equal(r, RECODE_WRONG);
            refused += r == RECODE_REFUSED;
            s.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        assert_true(refused > 0); /* at the very least the head's */
    }
}

void every_short_buffer_is_an_error(void **state)
{
    const struct recode_set *set = *state;
    struct sample s, shorter;

    for (size_t i = 0; i < set->count; i++) {
        sample_make(&set->bodies[i], &s);
        for (size_t cap = 0; cap < s.len; cap++)
            assert_int_not_equal(
                set->bodies[i].sample(shorter.bytes, cap, &shorter.len), TS_OK);
    }
}

void no_body_is_taken_for_a_longer_or_shorter_one(void **state)
{
    const struct recode_set *set = *state;
    struct sample s;

    for (size_t i = 0; i < set->count; i++) {
        sample_make(&set->bodies[i], &s);
        /* one element less, one more: the array's head says so */
        s.bytes[0]--;
        expect_refused(&set->bodies[i], s.bytes, s.len);
        s.bytes[0] = (uint8_t)(s.bytes[0] + 2);
        expect_refused(&set->bodies[i], s.bytes, s.len);
    }
}

void write_seeds(void **state)
{
    const struct recode_set *set = *state;
    const char *dir = getenv("TIPSTAFF_SEED_DIR");

    for (size_t i = 0; dir != NULL && i < set->count; i++) {
        struct sample s;
        char path[512];
        FILE *f;

        sample_make(&set->bodies[i], &s);
        (void)snprintf(path, sizeof(path), "%s/%s", dir, set->bodies[i].name);
        f = fopen(path, "wb");
        assert_non_null(f);
        assert_int_equal(fwrite(s.bytes, 1, s.len, f), s.len);
        assert_int_equal(fclose(f), 0);
    }
}
