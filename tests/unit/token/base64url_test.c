#include "tests/lib/ts_test.h"

#include <sodium.h>
#include <string.h>

#include "proto/token/base64url.h"

static void every_length_and_last_byte_survives_the_round_trip(void **state)
{
    (void)state;
    for (size_t n = 0; n <= 40; n++) {
        for (unsigned last = 0; last < 256; last++) {
            uint8_t in[40], back[40];
            char text[64], other[64];
            size_t len, back_len;

            memset(in, 0xa5, sizeof(in));
            if (n > 0)
                in[n - 1] = (uint8_t)last;
            assert_int_equal(base64url_encode(in, n, text, sizeof(text), &len),
                             TS_OK);
            assert_int_equal(len, BASE64URL_LEN(n));
            assert_non_null(
                sodium_bin2base64(other, sizeof(other), in, n,
                                  sodium_base64_VARIANT_URLSAFE_NO_PADDING));
            assert_memory_equal(text, other, len);
            assert_int_equal(base64url_decode((struct ts_str){text, len}, back,
                                              n, &back_len),
                             TS_OK);
            assert_int_equal(back_len, n);
            assert_memory_equal(back, in, n);
        }
    }
}

/* Property: what is accepted is exactly what encoding gives back. */
static void any_two_to_four_characters_are_canonical_or_refused(void **state)
{
    size_t accepted = 0;

    (void)state;
    for (unsigned a = 0; a < 256; a++) {
        for (unsigned b = 0; b < 256; b++) {
            const char two[4] = {(char)a, (char)b, 'A', (char)b};

            for (size_t n = 1; n <= 4; n++) {
                uint8_t out[3];
                char again[4];
                size_t len, again_len;
                ts_err e = base64url_decode((struct ts_str){two, n}, out,
                                            sizeof(out), &len);

                if (e != TS_OK) {
                    assert_int_equal(e, TS_E_FORMAT);
                    continue;
                }
                accepted++;
                assert_int_equal(base64url_encode(out, len, again,
                                                  sizeof(again), &again_len),
                                 TS_OK);
                assert_int_equal(again_len, n);
                assert_memory_equal(again, two, n);
            }
        }
    }
    /* n=2: 64 * 4 last characters; n=3 ends in A: 64 * 64; n=4: 64 * 64 */
    assert_int_equal(accepted, 64 * 4 + 64 * 64 + 64 * 64);
}

static void padding_space_and_the_other_alphabet_are_refused(void **state)
{
    static const char *const bad[] = {"QQ==",     "QUI=", "QUJD ", " QUJD",
                                      "QU\nJD",   "+/+/", "QUJD=", "Q",
                                      "QR",       "QUJ",  "QUJDQ", ".",
                                      "QUJDRUZHS"};
    uint8_t out[16];
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(
            base64url_decode(ts_str_of(bad[i]), out, sizeof(out), &len),
            TS_E_FORMAT);
}

static void a_small_buffer_is_a_limit_not_an_overrun(void **state)
{
    uint8_t out[8];
    char text[8];
    size_t len;

    (void)state;
    memset(out, 0x77, sizeof(out));
    assert_int_equal(base64url_decode(TS_STR_LIT("QUJDREVG"), out, 5, &len),
                     TS_E_LIMIT);
    assert_int_equal(out[5], 0x77);
    assert_int_equal(base64url_encode(out, 4, text, 5, &len), TS_E_LIMIT);
    assert_int_equal(base64url_encode(out, 4, text, 6, &len), TS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_and_last_byte_survives_the_round_trip),
        cmocka_unit_test(any_two_to_four_characters_are_canonical_or_refused),
        cmocka_unit_test(padding_space_and_the_other_alphabet_are_refused),
        cmocka_unit_test(a_small_buffer_is_a_limit_not_an_overrun),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
