/* A libsodium that accepts one bad thing must keep the program from starting.
 */
#include "tests/lib/ts_test.h"

#include <sodium.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_single_wrong_answer_refuses_to_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
