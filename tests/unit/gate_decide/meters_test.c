#include <stdio.h>
#include <string.h>

#include "sidecar/gate/decide/meters.h"
#include "tests/lib/fault_mem.h"
#include "tests/lib/ts_test.h"

#define S      UINT64_C(1000000000)
#define MINUTE (60 * S)
#define HOUR   (60 * MINUTE)
#define START  (12345 * S + 678)
#define EVENTS 400

static struct meters *m;

static int setup(void **state)
{
    (void)state;
    return meters_new(&m) == TS_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    meters_free(m);
    m = NULL;
    return 0;
}

static struct meter_key key(const char *name)
{
    return meter_key_make(METER_AGENT, TS_STR_LIT("acme"), ts_str_of(name));
}

static int64_t counted(const uint64_t *at, unsigned n, uint64_t now,
                       uint64_t span)
{
    int64_t c = 0;

    for (unsigned i = 0; i < n; i++)
        c += now - at[i] < span;
    return c;
}

/* Never less than the true count of the window, never more than that of a
 * window one bucket longer. */
static void meter_count_is_between_the_window_and_one_bucket_more(void **state)
{
    uint64_t at[EVENTS], now = START;
    uint32_t seed = 3;

    (void)state;
    for (unsigned i = 0; i < EVENTS; i++) {
        struct meter_counts c;

        seed = seed * 1664525u + 1013904223u;
        now += (uint64_t)(seed >> 8) % (i % 7 == 0 ? 600 * S : 9 * S);
        c = meter_read(m, key("a"), now);
        assert_in_range(c.last_1m, counted(at, i, now, MINUTE),
                        counted(at, i, now, MINUTE + 4 * S));
        assert_in_range(c.last_1h, counted(at, i, now, HOUR),
                        counted(at, i, now, HOUR + 240 * S));
        meter_count(m, key("a"), now);
        at[i] = now;
    }
}

static void meter_count_after_the_window_is_zero(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        meter_count(m, key("a"), START);
    assert_int_equal(meter_read(m, key("a"), START).last_1m, 10);
    assert_int_equal(meter_read(m, key("a"), START + 59 * S).last_1m, 10);
    assert_int_equal(meter_read(m, key("a"), START + 64 * S).last_1m, 0);
    assert_int_equal(meter_read(m, key("a"), START + 64 * S).last_1h, 10);
    assert_int_equal(meter_read(m, key("a"), START + HOUR + 240 * S).last_1h,
                     0);
    assert_int_equal(meter_read(m, key("a"), UINT64_MAX).last_1h, 0);
}

static void meter_key_differs_by_kind_tenant_and_name(void **state)
{
    const struct meter_key k[] = {
        meter_key_make(METER_AGENT, TS_STR_LIT("a"), TS_STR_LIT("bc")),
        meter_key_make(METER_AGENT, TS_STR_LIT("ab"), TS_STR_LIT("c")),
        meter_key_make(METER_TASK, TS_STR_LIT("a"), TS_STR_LIT("bc")),
        meter_key_make(METER_DENIED, TS_STR_LIT("a"), TS_STR_LIT("bc")),
        meter_key_join(
            meter_key_make(METER_AGENT, TS_STR_LIT("a"), TS_STR_LIT("bc")),
            meter_key_make(METER_TOOL, TS_STR_LIT(""), TS_STR_LIT("t"))),
        meter_key_join(
            meter_key_make(METER_AGENT, TS_STR_LIT("a"), TS_STR_LIT("bc")),
            meter_key_make(METER_TOOL, TS_STR_LIT(""), TS_STR_LIT("u"))),
    };

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        meter_count(m, k[i], START);
        for (size_t j = i + 1; j < 6; j++)
            assert_int_equal(meter_read(m, k[j], START).last_1m, 0);
    }
}

/* A full table counts against whoever comes, never for them; and room comes
 * back when entries go idle. */
static void meter_full_table_reads_as_full(void **state)
{
    unsigned full = 0;
    char name[32];

    (void)state;
    for (unsigned i = 0; i < 3 * METERS_MAX; i++) {
        (void)snprintf(name, sizeof(name), "agent-%u", i);
        meter_count(m, key(name), START);
        full += meter_read(m, key(name), START).last_1m == METER_FULL;
        assert_true(meter_read(m, key(name), START).last_1m >= 1);
    }
    assert_true(full > METERS_MAX); /* 3 * 4096 do not fit into 4096 */
    for (unsigned i = 0; i < 3 * METERS_MAX; i++) {
        (void)snprintf(name, sizeof(name), "agent-%u", i);
        assert_int_equal(meter_read(m, key(name), START + 2 * HOUR).last_1h, 0);
    }
    meter_count(m, key("new"), START + 2 * HOUR);
    assert_int_equal(meter_read(m, key("new"), START + 2 * HOUR).last_1m, 1);
}

static void meters_serial_counts_from_one(void **state)
{
    (void)state;
    for (uint64_t i = 1; i < 1000; i++)
        assert_int_equal(meters_next_serial(m), i);
}

static void meters_new_out_of_memory_is_reported(void **state)
{
    struct meters *none = NULL;

    (void)state;
    fault_mem_arm(0, true);
    assert_int_equal(meters_new(&none), TS_E_NOMEM);
    assert_null(none);
    fault_mem_disarm();
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(meter_count_is_between_the_window_and_one_bucket_more),
        T(meter_count_after_the_window_is_zero),
        T(meter_key_differs_by_kind_tenant_and_name),
        T(meter_full_table_reads_as_full),
        T(meters_serial_counts_from_one),
        T(meters_new_out_of_memory_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
