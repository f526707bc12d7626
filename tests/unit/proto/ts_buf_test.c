#include "tests/lib/ts_test.h"

#include <string.h>

#include "proto/base/ts_buf.h"

static void reserve_over_max_is_a_limit(void **state)
{
    struct ts_buf b;
    uint8_t *p = NULL;

    (void)state;
    ts_buf_init(&b, 1000);
    assert_int_equal(ts_buf_append(&b, "abc", 3), TS_OK);
    assert_int_equal(ts_buf_reserve(&b, 998, &p), TS_E_LIMIT);
    assert_null(p);
    assert_int_equal(ts_buf_reserve(&b, 997, &p), TS_OK);
    ts_buf_done(&b);
}

static void consume_and_append_keep_order(void **state)
{
    struct ts_buf b;
    uint8_t next_in = 0, next_out = 0;

    (void)state;
    ts_buf_init(&b, 600);
    for (int round = 0; round < 5000; round++) {
        for (int i = 0; i < 1 + round % 7; i++) {
            if (ts_buf_append(&b, &next_in, 1) == TS_OK)
                next_in++;
        }
        for (int i = 0; i < 1 + round % 5 && b.len > 0; i++) {
            assert_int_equal(ts_buf_bytes(&b)[0], next_out++);
            ts_buf_consume(&b, 1);
        }
    }
    ts_buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reserve_over_max_is_a_limit),
        cmocka_unit_test(consume_and_append_keep_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
