#include "tests/lib/ts_test.h"

#include <string.h>

#include "proto/base/ts_json.h"
#include "proto/token/jwk.h"

static void rfc8037_a3_thumbprint_is_the_kid(void **state)
{
    uint8_t pk[TRUST_PK_LEN];
    char kid[JWK_KID_LEN + 1];

    (void)state;
    assert_int_equal(ts_hex_decode("d75a980182b10ab7d54bfed3c964073a0ee172f3daa"
                                   "62325af021a68f707511a",
                                   64, pk, sizeof(pk)),
                     TS_OK);
    jwk_kid(pk, kid);
    assert_string_equal(kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

static void a_set_has_every_key_once_and_nothing_secret(void **state)
{
    struct jwk keys[JWKS_KEYS_MAX + 1];
    static char out[JWKS_KEYS_MAX * JWK_MAX];
    size_t len;

    (void)state;
    for (size_t i = 0; i < JWKS_KEYS_MAX + 1; i++)
        memset(keys[i].pk, (int)i, TRUST_PK_LEN);
    assert_int_equal(jwks_write(keys, JWKS_KEYS_MAX, out, sizeof(out), &len),
                     TS_OK);
    out[len] = '\0';
    assert_null(strstr(out, "\"d\""));
    for (size_t i = 0; i < JWKS_KEYS_MAX; i++) {
        char kid[JWK_KID_LEN + 1];

        jwk_kid(keys[i].pk, kid);
        assert_non_null(strstr(out, kid));
    }
    assert_int_equal(
        jwks_write(keys, JWKS_KEYS_MAX + 1, out, sizeof(out), &len),
        TS_E_LIMIT);
    assert_int_equal(jwks_write(keys, 2, out, 100, &len), TS_E_LIMIT);
    keys[1] = keys[0];
    assert_int_equal(jwks_write(keys, 2, out, sizeof(out), &len), TS_E_EXISTS);
    assert_int_equal(jwks_write(keys, 0, out, sizeof(out), &len), TS_OK);
    assert_memory_equal(out, "{\"keys\":[]}\n", len);
}

static void text_is_escaped_so_that_it_cannot_end_the_string(void **state)
{
    char buf[64];
    struct ts_json w;

    (void)state;
    w = (struct ts_json){.buf = buf, .cap = sizeof(buf)};
    ts_json_member_text(&w, "", TS_STR_LIT("a\"b\\c\n\x01\x7f\xc3\xa9"));
    assert_false(w.full);
    assert_true(ts_str_eq_c((struct ts_str){w.buf, w.len},
                            "\"a\\\"b\\\\c\\n\\u0001\\u007f\xc3\xa9\""));
}

static void text_that_is_not_utf8_is_refused(void **state)
{
    char buf[64];
    struct ts_json w;

    (void)state;
    w = (struct ts_json){.buf = buf, .cap = sizeof(buf)};
    ts_json_member_text(&w, "", TS_STR_LIT("\xff"));
    assert_true(w.full);
    ts_json_cstr(&w, "more");
    assert_int_equal(w.len, 0);
}

static void a_full_buffer_sticks(void **state)
{
    char buf[8] = "xxxxxxx";

    (void)state;
    for (size_t cap = 0; cap < 7; cap++) {
        struct ts_json w;

        w = (struct ts_json){.buf = buf, .cap = cap};
        ts_json_member_text(&w, "{", TS_STR_LIT("abc"));
        ts_json_member_uint(&w, ",", 0);
        assert_true(w.full);
        assert_int_equal(buf[7], '\0');
        assert_true(w.len <= cap);
    }
}

static void numbers_are_decimal(void **state)
{
    char buf[64];
    struct ts_json w;

    (void)state;
    w = (struct ts_json){.buf = buf, .cap = sizeof(buf)};
    ts_json_uint(&w, 0);
    ts_json_cstr(&w, " ");
    ts_json_uint(&w, UINT64_MAX);
    assert_true(ts_str_eq_c((struct ts_str){w.buf, w.len},
                            "0 \"18446744073709551615\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc8037_a3_thumbprint_is_the_kid),
        cmocka_unit_test(a_set_has_every_key_once_and_nothing_secret),
        cmocka_unit_test(text_is_escaped_so_that_it_cannot_end_the_string),
        cmocka_unit_test(text_that_is_not_utf8_is_refused),
        cmocka_unit_test(a_full_buffer_sticks),
        cmocka_unit_test(numbers_are_decimal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
