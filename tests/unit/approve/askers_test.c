/* No tenant keeps the others from asking people by making grants. */
#include "tests/lib/ts_test.h"

#include <string.h>

#include "sidecar/gate/approve/askers.h"

#define NOW UINT64_C(1800000000)

static struct askers *a;

static int setup(void **state)
{
    (void)state;
    return askers_new(&a) == TS_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    askers_free(a);
    return 0;
}

static enum asker asks(const char *tenant, uint32_t grant, uint64_t now)
{
    struct ticket t = {.tenant = ts_str_of(tenant)};

    memcpy(t.grant_id, &grant, sizeof(grant));
    return askers_count(a, &t, now);
}

static void tenant_takes_no_more_than_half_of_the_places(void **state)
{
    const uint32_t half = TICKETS_ASKERS_MAX / 2;

    (void)state;
    for (uint32_t i = 0; i < half; i++)
        assert_int_equal(asks("evil", i, NOW), ASKER_FINE);
    assert_int_equal(asks("evil", half, NOW), ASKER_NO_ROOM);
    assert_int_equal(asks("evil", 0, NOW), ASKER_FINE); /* it has its place */
    for (uint32_t i = 0; i < half; i++)
        assert_int_equal(asks("acme", i, NOW), ASKER_FINE);
    assert_int_equal(asks("third", 0, NOW), ASKER_NO_ROOM);
    /* Whoever asks no more is forgotten. */
    assert_int_equal(asks("evil", half, NOW + 7200), ASKER_NO_ROOM);
    assert_int_equal(asks("evil", half, NOW + 7201), ASKER_FINE);
    assert_int_equal(asks("third", 0, NOW + 7201), ASKER_FINE);
}

static void looking_takes_no_place(void **state)
{
    (void)state;
    for (uint32_t i = 0; i <= TICKETS_ASKERS_MAX; i++) {
        struct ticket t = {.tenant = TS_STR_LIT("evil")};

        memcpy(t.grant_id, &i, sizeof(i));
        assert_int_equal(askers_sums(a, &t, NOW).hour, 0);
    }
    assert_int_equal(asks("evil", 0, NOW), ASKER_FINE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            tenant_takes_no_more_than_half_of_the_places, setup, teardown),
        cmocka_unit_test_setup_teardown(looking_takes_no_place, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
