#include "tests/lib/ts_test.h"

#include <sodium.h>
#include <string.h>

#include "proto/trust/keys.h"

static void seed_is_wiped_and_the_public_half_derived(void **state)
{
    uint8_t seed[TRUST_SEED_LEN], zero[TRUST_SEED_LEN] = {0};
    uint8_t pk[32], sk[64], sig[64];
    struct trust_secret s = {0};

    (void)state;
    assert_int_equal(trust_init(), TS_OK);
    memset(seed, 7, sizeof(seed));
    assert_int_equal(crypto_sign_seed_keypair(pk, sk, seed), 0);
    assert_int_equal(trust_secret_from_seed(seed, &s), TS_OK);
    assert_memory_equal(seed, zero, sizeof(seed));
    assert_memory_equal(s.pk, pk, sizeof(pk));
    assert_int_equal(
        crypto_sign_detached(sig, NULL, (const uint8_t *)"m", 1, s.sk), 0);
    assert_int_equal(
        crypto_sign_verify_detached(sig, (const uint8_t *)"m", 1, pk), 0);
    trust_secret_done(&s);
    assert_null(s.sk);
    trust_secret_done(&s); /* twice is fine */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seed_is_wiped_and_the_public_half_derived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
