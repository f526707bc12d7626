#include "sidecar/gate/steps/revoke_rate.h"

#include <string.h>

#include "tests/lib/ts_test.h"

#define S  UINT64_C(1000000000)
#define T0 (100 * S)

static const uint8_t key_a[32] = {1}, key_b[32] = {2};

static ts_err take(struct revoke_rate *r, const char *tenant,
                   const uint8_t key[32], uint64_t now)
{
    return revoke_rate_take(r, ts_str_of(tenant), key, now);
}

static void revoke_rate_burst_then_one_every_ten_seconds(void **state)
{
    static struct revoke_rate r;

    (void)state;
    for (int i = 0; i < REVOKE_RATE_BURST; i++)
        assert_int_equal(take(&r, "acme", key_a, T0), TS_OK);
    assert_int_equal(take(&r, "acme", key_a, T0), TS_E_LIMIT);
    assert_int_equal(take(&r, "acme", key_a, T0 + REVOKE_RATE_EVERY_S * S - 1),
                     TS_E_LIMIT);
    assert_int_equal(take(&r, "acme", key_a, T0 + REVOKE_RATE_EVERY_S * S),
                     TS_OK);
    assert_int_equal(take(&r, "acme", key_a, T0 + REVOKE_RATE_EVERY_S * S),
                     TS_E_LIMIT);
}

static void
T34_revoke_rate_of_one_tenant_or_key_is_not_another_ones(void **state)
{
    static struct revoke_rate r;

    (void)state;
    while (take(&r, "acme", key_a, T0) == TS_OK)
        ;
    assert_int_equal(take(&r, "acme", key_b, T0), TS_OK);
    assert_int_equal(take(&r, "beta", key_a, T0), TS_OK);
}

/* More signers at once than are remembered: refused, never forgotten. */
static void revoke_rate_full_table_refuses_newcomers(void **state)
{
    static struct revoke_rate r;
    uint8_t key[32] = {0};

    (void)state;
    for (unsigned i = 0; i < REVOKE_RATE_SLOTS; i++) {
        memcpy(key, &i, sizeof(i));
        for (int n = 0; n < REVOKE_RATE_BURST; n++)
            assert_int_equal(take(&r, "acme", key, T0), TS_OK);
    }
    memset(key, 0xff, sizeof(key));
    assert_int_equal(take(&r, "acme", key, T0), TS_E_LIMIT);
    /* when a bucket is full again its slot is anybody's */
    assert_int_equal(
        take(&r, "acme", key, T0 + REVOKE_RATE_BURST * REVOKE_RATE_EVERY_S * S),
        TS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(revoke_rate_burst_then_one_every_ten_seconds),
        cmocka_unit_test(
            T34_revoke_rate_of_one_tenant_or_key_is_not_another_ones),
        cmocka_unit_test(revoke_rate_full_table_refuses_newcomers),
    };

    return cmocka_run_group_tests_name("revoke_rate", tests, NULL, NULL);
}
