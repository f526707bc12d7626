#include "tests/lib/ts_test.h"

#include <string.h>

#include "proto/token/jws.h"
#include "tests/lib/fault_mem.h"

/* RFC 8037, appendix A.1 and A.4. */
static const char rfc_seed[] =
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
static const char rfc_token[] =
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7s"
    "VvpAr_MuM0KAg";

static struct trust_secret key, other;
static struct ts_arena arena;

static int setup(void **state)
{
    uint8_t seed[TRUST_SEED_LEN];

    (void)state;
    assert_int_equal(trust_init(), TS_OK);
    assert_int_equal(ts_hex_decode(rfc_seed, 64, seed, sizeof(seed)), TS_OK);
    assert_int_equal(trust_secret_from_seed(seed, &key), TS_OK);
    memset(seed, 7, sizeof(seed));
    assert_int_equal(trust_secret_from_seed(seed, &other), TS_OK);
    ts_arena_init(&arena, 1u << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ts_arena_done(&arena);
    trust_secret_done(&key);
    trust_secret_done(&other);
    return 0;
}

static void rfc8037_a4_is_made_byte_for_byte(void **state)
{
    char out[256];
    size_t len;

    (void)state;
    assert_int_equal(jws_sign(TS_STR_LIT("{\"alg\":\"EdDSA\"}"),
                              TS_STR_LIT("Example of Ed25519 signing"), &key,
                              out, sizeof(out), &len),
                     TS_OK);
    assert_int_equal(len, sizeof(rfc_token) - 1);
    assert_memory_equal(out, rfc_token, len);
}

static void rfc8037_a5_verifies_and_only_under_its_key(void **state)
{
    struct jws j;

    (void)state;
    assert_int_equal(jws_split(ts_str_of(rfc_token), &arena, &j), TS_OK);
    assert_true(ts_str_eq_c(j.header, "{\"alg\":\"EdDSA\"}"));
    assert_true(ts_str_eq_c(j.payload, "Example of Ed25519 signing"));
    assert_int_equal(jws_verify(&j, key.pk), TS_OK);
    assert_int_equal(jws_verify(&j, other.pk), TS_E_AUTH);
}

static ts_err judge(const char *t, size_t len)
{
    struct jws j;
    ts_err e = jws_split((struct ts_str){t, len}, &arena, &j);

    return e == TS_OK ? jws_verify(&j, key.pk) : e;
}

static void no_truncation_verifies(void **state)
{
    (void)state;
    for (size_t n = 0; n + 1 < sizeof(rfc_token); n++) {
        assert_int_not_equal(judge(rfc_token, n), TS_OK);
        ts_arena_reset(&arena);
    }
}

static void no_bit_flip_verifies(void **state)
{
    (void)state;
    for (size_t i = 0; i + 1 < sizeof(rfc_token); i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            char t[sizeof(rfc_token)];

            memcpy(t, rfc_token, sizeof(t));
            t[i] = (char)((unsigned char)t[i] ^ (1u << bit));
            assert_int_not_equal(judge(t, sizeof(t) - 1), TS_OK);
            ts_arena_reset(&arena);
        }
    }
}

static void what_is_not_three_parts_is_refused(void **state)
{
    static const struct {
        const char *token;
        ts_err want;
    } rows[] = {
        {"", TS_E_FORMAT},
        {".", TS_E_FORMAT},
        {"..", TS_E_FORMAT},
        {"QQ.QQ", TS_E_FORMAT},
        {"QQ.QQ.", TS_E_FORMAT},
        {".QQ.QQ", TS_E_FORMAT},
        {"QQ..QQ", TS_E_FORMAT},
        {"QQ.QQ.QQ.QQ", TS_E_FORMAT},
        {"QQ.QQ.QQ.QQ.QQ", TS_E_UNSUPPORTED},
        {"QR.QQ.QQ", TS_E_FORMAT},
        {"QQ.QR.QQ", TS_E_FORMAT},
        {"QQ.QQ.QR", TS_E_FORMAT},
        {"QQ.QQ.QQ\n", TS_E_FORMAT},
    };
    struct jws j;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(jws_split(ts_str_of(rows[i].token), &arena, &j),
                         rows[i].want);
}

static void a_token_that_is_too_long_is_refused_unread(void **state)
{
    static char big[JWS_MAX + 2];
    struct jws j;

    (void)state;
    memset(big, 'A', sizeof(big));
    big[4] = big[9] = '.';
    assert_int_equal(jws_split((struct ts_str){big, JWS_MAX + 1}, &arena, &j),
                     TS_E_LIMIT);
    /* signatures have a limit of their own */
    assert_int_equal(jws_split((struct ts_str){big, 2000}, &arena, &j),
                     TS_E_LIMIT);
}

/* T1: Ed25519 has 64 bytes of signature, whatever a header says. */
static void T1_a_signature_of_another_length_is_refused(void **state)
{
    char t[600];

    (void)state;
    for (size_t sig = 2; sig < 180; sig++) {
        size_t n = 0;

        if (sig % 4 == 1)
            continue;
        memcpy(t, rfc_token, n = 57);
        assert_int_equal(t[n - 1], '.');
        memset(t + n, 'A', sig);
        assert_int_equal(judge(t, n + sig), TS_E_AUTH);
        ts_arena_reset(&arena);
    }
}

static void a_small_buffer_is_refused_before_anything_is_signed(void **state)
{
    char out[JWS_LEN(15, 26)];
    struct ts_str h = TS_STR_LIT("{\"alg\":\"EdDSA\"}");
    struct ts_str p = TS_STR_LIT("Example of Ed25519 signing");
    size_t len;

    (void)state;
    assert_int_equal(jws_sign(h, p, &key, out, sizeof(out), &len), TS_OK);
    assert_int_equal(len, sizeof(out));
    for (size_t cap = 0; cap < sizeof(out); cap++)
        assert_int_equal(jws_sign(h, p, &key, out, cap, &len), TS_E_LIMIT);
}

static ts_err split_once(const void *arg)
{
    struct ts_arena a;
    struct jws j;
    ts_err e;

    ts_arena_init(&a, 1u << 20);
    e = jws_split(ts_str_of(arg), &a, &j);
    ts_arena_done(&a);
    return e;
}

static void splitting_without_memory_says_so(void **state)
{
    (void)state;
    fault_mem_sweep(split_once, rfc_token, TS_OK, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc8037_a4_is_made_byte_for_byte),
        cmocka_unit_test(rfc8037_a5_verifies_and_only_under_its_key),
        cmocka_unit_test(no_truncation_verifies),
        cmocka_unit_test(no_bit_flip_verifies),
        cmocka_unit_test(what_is_not_three_parts_is_refused),
        cmocka_unit_test(a_token_that_is_too_long_is_refused_unread),
        cmocka_unit_test(T1_a_signature_of_another_length_is_refused),
        cmocka_unit_test(a_small_buffer_is_refused_before_anything_is_signed),
        cmocka_unit_test(splitting_without_memory_says_so),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
