#include "tests/lib/ts_test.h"

#include "sidecar/common/clock.h"

static void clock_now_never_runs_backwards(void **state)
{
    struct clock_state c = {0};
    struct moment last = clock_now(&c);

    (void)state;
    for (int i = 0; i < 100000; i++) {
        struct moment now = clock_now(&c);

        assert_true(now.unix_ms >= last.unix_ms);
        assert_true(now.boot_ns >= last.boot_ns);
        last = now;
    }
}

static void clock_now_set_back_keeps_the_derived_time(void **state)
{
    struct clock_state c = {0};
    struct moment now = clock_now(&c);
    uint64_t ahead = now.unix_ms + 3600000;

    (void)state;
    c.last.unix_ms = ahead; /* as if CLOCK_REALTIME were set back an hour */
    c.last.boot_ns = now.boot_ns - 5000000;
    now = clock_now(&c);
    assert_true(now.unix_ms >= ahead + 5);
    assert_true(now.unix_ms < ahead + 60000);
}

static void clock_now_first_call_is_the_real_time(void **state)
{
    struct clock_state c = {0};

    (void)state;
    /* 2020-01-01: any machine that builds this is later. */
    assert_true(clock_now(&c).unix_ms > UINT64_C(1577836800000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clock_now_never_runs_backwards),
        cmocka_unit_test(clock_now_set_back_keeps_the_derived_time),
        cmocka_unit_test(clock_now_first_call_is_the_real_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
