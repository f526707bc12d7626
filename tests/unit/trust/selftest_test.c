/* A libsodium that accepts one bad thing must keep the program from starting,
 * and one that cannot protect a key must not hold it. */
#include "tests/lib/ts_test.h"

#include <sodium.h>
#include <stdbool.h>
#include <string.h>

#include "proto/trust/keys.h"

int __real_crypto_core_ed25519_is_valid_point(const unsigned char *p);
int __wrap_crypto_core_ed25519_is_valid_point(const unsigned char *p);
int __real_crypto_sign_verify_detached(const unsigned char *sig,
                                       const unsigned char *m,
                                       unsigned long long n,
                                       const unsigned char *pk);
int __wrap_crypto_sign_verify_detached(const unsigned char *sig,
                                       const unsigned char *m,
                                       unsigned long long n,
                                       const unsigned char *pk);

int __real_sodium_init(void);
int __wrap_sodium_init(void);
void *__real_sodium_malloc(size_t n);
void *__wrap_sodium_malloc(size_t n);
int __real_sodium_mprotect_readonly(void *p);
int __wrap_sodium_mprotect_readonly(void *p);

static bool no_init, no_memory, no_protection;

int __wrap_sodium_init(void)
{
    return no_init ? -1 : __real_sodium_init();
}

void *__wrap_sodium_malloc(size_t n)
{
    return no_memory ? NULL : __real_sodium_malloc(n);
}

int __wrap_sodium_mprotect_readonly(void *p)
{
    return no_protection ? -1 : __real_sodium_mprotect_readonly(p);
}

static int lie_at = -1; /* which call gives the opposite answer */
static int calls;

int __wrap_crypto_core_ed25519_is_valid_point(const unsigned char *p)
{
    int r = __real_crypto_core_ed25519_is_valid_point(p);

    return calls++ == lie_at ? !r : r;
}

int __wrap_crypto_sign_verify_detached(const unsigned char *sig,
                                       const unsigned char *m,
                                       unsigned long long n,
                                       const unsigned char *pk)
{
    int r = __real_crypto_sign_verify_detached(sig, m, n, pk);

    return calls++ == lie_at ? (r == 0 ? -1 : 0) : r;
}

static void any_single_wrong_answer_refuses_to_start(void **state)
{
    int total;

    (void)state;
    lie_at = -1;
    calls = 0;
    assert_int_equal(trust_init(), TS_OK);
    total = calls;
    assert_int_equal(total, 12); /* 8 bad points, 1 good, 3 signatures */
    for (lie_at = 0; lie_at < total; lie_at++) {
        calls = 0;
        assert_int_equal(trust_init(), TS_E_SYSTEM);
    }
}

static void libsodium_that_does_not_start_refuses_to_start(void **state)
{
    (void)state;
    lie_at = -1;
    no_init = true;
    assert_int_equal(trust_init(), TS_E_SYSTEM);
    no_init = false;
    assert_int_equal(trust_init(), TS_OK);
}

/* Either way the seed is gone, and there is no secret. */
static void secret_that_cannot_be_protected_is_none(void **state)
{
    static const uint8_t zero[TRUST_SEED_LEN];
    uint8_t seed[TRUST_SEED_LEN];
    struct trust_secret s = {0};

    (void)state;
    for (int i = 0; i < 2; i++) {
        memset(seed, 7, sizeof(seed));
        no_memory = i == 0;
        no_protection = i == 1;
        assert_int_equal(trust_secret_from_seed(seed, &s),
                         i == 0 ? TS_E_NOMEM : TS_E_SYSTEM);
        assert_null(s.sk);
        assert_memory_equal(seed, zero, sizeof(seed));
    }
    no_protection = false;
    assert_int_equal(trust_secret_from_seed(seed, &s), TS_OK);
    trust_secret_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_single_wrong_answer_refuses_to_start),
        cmocka_unit_test(libsodium_that_does_not_start_refuses_to_start),
        cmocka_unit_test(secret_that_cannot_be_protected_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
