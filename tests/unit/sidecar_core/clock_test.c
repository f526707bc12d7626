#include "tests/lib/ts_test.h"

#include <poll.h>
#include <time.h>

#include "proto/base/ts_fd.h"
#include "sidecar/common/clock.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MS       UINT64_C(1000000) /* of boot time */
#define T0       UINT64_C(1700000000000)

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

static void clock_now_is_what_the_two_clocks_say(void **state)
{
    struct clock_state c = {0};
    struct moment now = clock_now(&c);
    time_t real = time(NULL);

    (void)state;
    /* 2020-01-01: any machine that builds this is later. */
    assert_true(now.unix_ms > UINT64_C(1577836800000));
    assert_true(now.real_ms == now.unix_ms);
    assert_in_range(now.real_ms / 1000, (uint64_t)real - 2, (uint64_t)real + 2);
}

/* Readings one after another, and what is made of them. */
struct reading {
    uint64_t boot_ms, real_ms, unix_ms;
};

static void expect(const struct reading *rows, size_t count)
{
    struct clock_state c = {0};

    for (size_t i = 0; i < count; i++) {
        struct moment m =
            clock_derive(&c, rows[i].boot_ms * MS, rows[i].real_ms);

        assert_true(m.boot_ns == rows[i].boot_ms * MS);
        assert_true(m.real_ms == rows[i].real_ms); /* never adjusted */
        assert_true(m.unix_ms == rows[i].unix_ms);
    }
}

static void clock_derive_first_reading_is_the_real_time(void **state)
{
    static const struct reading rows[] = {{5, T0, T0}};

    (void)state;
    expect(rows, COUNT(rows));
}

/* T30: set back by an hour: the derived time goes on at its pace, and real time
 * is followed again once it has caught up. */
static void T30_clock_set_back_keeps_the_derived_time(void **state)
{
    static const struct reading rows[] = {
        {1000, T0, T0},
        {2000, T0 - 3600000 + 1000, T0 + 1000},
        {3000, T0 - 3600000 + 2000, T0 + 2000},
        {3600000, T0 - 1000, T0 + 3599000},
        {3601000 + 3600000, T0 + 7300000, T0 + 7300000},
        {3602000 + 3600000, T0 + 7301000, T0 + 7301000},
    };

    (void)state;
    expect(rows, COUNT(rows));
}

/* T30: set forward: it is followed, and stays when the step is undone. Whoever
 * judges the step has real_ms. */
static void T30_clock_set_forward_is_followed_and_never_taken_back(void **state)
{
    static const struct reading rows[] = {
        {1000, T0, T0},
        {2000, T0 + 86400000, T0 + 86400000},
        {3000, T0 + 2000, T0 + 86401000},
    };

    (void)state;
    expect(rows, COUNT(rows));
}

/* T30: suspended for a day: the boot clock counts it, so nothing gains time,
 * whether the real-time clock was restored or not. */
static void T30_clock_suspend_counts(void **state)
{
    static const struct reading restored[] = {
        {1000, T0, T0},
        {1000 + 86400000, T0 + 86400000, T0 + 86400000},
    };
    static const struct reading stood[] = {
        {1000, T0, T0},
        {1000 + 86400000, T0 + 10, T0 + 86400000},
    };

    (void)state;
    expect(restored, COUNT(restored));
    expect(stood, COUNT(stood));
}

/* Steps of less than a millisecond add up: none is lost to rounding. */
static void clock_derive_small_steps_lose_nothing(void **state)
{
    struct clock_state c = {0};
    struct moment m = clock_derive(&c, MS, T0);

    (void)state;
    for (uint64_t i = 1; i <= 10000; i++) {
        m = clock_derive(&c, MS + i * 100000, 0); /* a dead real-time clock */
        assert_true(m.unix_ms == T0 + i / 10);
    }
}

/* The step itself cannot be made on a machine that others use. */
static void clock_step_descriptor_is_quiet_while_no_step_comes(void **state)
{
    struct pollfd p = {.events = POLLIN};

    (void)state;
    assert_int_equal(clock_step_open(&p.fd), TS_OK);
    assert_int_equal(poll(&p, 1, 20), 0);
    assert_false(clock_step_take(p.fd));
    assert_int_equal(poll(&p, 1, 0), 0);
    ts_fd_close(&p.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clock_now_never_runs_backwards),
        cmocka_unit_test(clock_now_is_what_the_two_clocks_say),
        cmocka_unit_test(clock_derive_first_reading_is_the_real_time),
        cmocka_unit_test(T30_clock_set_back_keeps_the_derived_time),
        cmocka_unit_test(
            T30_clock_set_forward_is_followed_and_never_taken_back),
        cmocka_unit_test(T30_clock_suspend_counts),
        cmocka_unit_test(clock_derive_small_steps_lose_nothing),
        cmocka_unit_test(clock_step_descriptor_is_quiet_while_no_step_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
