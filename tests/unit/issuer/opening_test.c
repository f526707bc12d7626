#include "tests/lib/ts_test.h"

#include <string.h>

#include "cli/issuer/opening.h"

static struct opening sample(void)
{
    struct opening o = {.task = "t-1", .aud = "sidecar/local"};

    assert_int_equal(
        ts_hex_decode("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68"
                      "f707511a",
                      64, o.holder, sizeof(o.holder)),
        TS_OK);
    for (size_t i = 0; i < sizeof(o.random); i++)
        o.random[i] = (uint8_t)i;
    return o;
}

/* The value was computed with Python's hashlib:
 * BLAKE2b-256 of PAE("tipstaff/1/idp-nonce", holder, task, aud, random). */
static void nonce_is_the_commitment_of_the_format(void **state)
{
    struct opening o = sample();
    char nonce[OPENING_NONCE_LEN + 1];

    (void)state;
    opening_nonce(&o, nonce);
    assert_string_equal(nonce, "MbqJSjoPO60bViyTCBiY8HNdrXp837kpAmL-qHQ24LE");
}

static void nonce_of_another_holder_task_aud_or_random_differs(void **state)
{
    struct opening o = sample();
    char first[OPENING_NONCE_LEN + 1], other[OPENING_NONCE_LEN + 1];

    (void)state;
    opening_nonce(&o, first);
    for (int i = 0; i < 5; i++) {
        o = sample();
        if (i == 0)
            o.holder[0] ^= 1;
        else if (i == 1)
            o.task[0] = 'u';
        else if (i == 2)
            o.aud[0] = 'S';
        else if (i == 3)
            o.random[15] ^= 1;
        else { /* the border between two parts is part of the hash */
            memcpy(o.task, "t-1sidecar/loca", 16);
            memcpy(o.aud, "l", 2);
        }
        opening_nonce(&o, other);
        assert_string_not_equal(first, other);
    }
}

static void file_survives_the_round_trip(void **state)
{
    struct opening o = sample(), back;
    char text[OPENING_MAX];
    size_t len;

    (void)state;
    assert_int_equal(opening_write(&o, text, sizeof(text), &len), TS_OK);
    assert_int_equal(opening_read((struct ts_str){text, len}, &back), TS_OK);
    assert_memory_equal(&o, &back, sizeof(o));
    for (size_t cap = 0; cap <= len; cap++)
        assert_int_equal(opening_write(&o, text, cap, &len), TS_E_LIMIT);
}

static void no_truncation_is_read(void **state)
{
    struct opening o = sample(), back;
    char text[OPENING_MAX];
    size_t len;

    (void)state;
    assert_int_equal(opening_write(&o, text, sizeof(text), &len), TS_OK);
    for (size_t n = 0; n < len; n++)
        assert_int_equal(opening_read((struct ts_str){text, n}, &back),
                         TS_E_FORMAT);
    text[len] = '\n';
    assert_int_equal(opening_read((struct ts_str){text, len + 1}, &back),
                     TS_E_FORMAT);
}

/* A flipped bit is refused, or gives another nonce: never the same login.
 * Upper-case digits are the same bytes and may. */
static void no_bit_flip_opens_the_same_nonce(void **state)
{
    struct opening o = sample(), back;
    char text[OPENING_MAX], nonce[OPENING_NONCE_LEN + 1],
        other[OPENING_NONCE_LEN + 1];
    size_t len;

    (void)state;
    opening_nonce(&o, nonce);
    assert_int_equal(opening_write(&o, text, sizeof(text), &len), TS_OK);
    for (size_t i = 0; i < len; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            text[i] = (char)((unsigned char)text[i] ^ (1u << bit));
            if (opening_read((struct ts_str){text, len}, &back) == TS_OK) {
                opening_nonce(&back, other);
                assert_int_equal(strcmp(nonce, other) == 0,
                                 memcmp(&o, &back, sizeof(o)) == 0);
                if (memcmp(&o, &back, sizeof(o)) == 0)
                    assert_true(bit == 5 && text[i] >= 'A' && text[i] <= 'F');
            }
            text[i] = (char)((unsigned char)text[i] ^ (1u << bit));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nonce_is_the_commitment_of_the_format),
        cmocka_unit_test(nonce_of_another_holder_task_aud_or_random_differs),
        cmocka_unit_test(file_survives_the_round_trip),
        cmocka_unit_test(no_truncation_is_read),
        cmocka_unit_test(no_bit_flip_opens_the_same_nonce),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
