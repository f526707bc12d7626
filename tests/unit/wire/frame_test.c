#include "tests/lib/ts_test.h"

#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/wire/frame.h"
#include "proto/wire/limits.h"
#include "tests/lib/fault_mem.h"

static void parse_sees_a_frame_only_when_it_is_whole(void **state)
{
    static const uint8_t in[] = {0, 0, 0, 3, 7, 'a', 'b', 'c', 0xEE};

    (void)state;
    for (size_t n = 0; n <= sizeof(in); n++) {
        uint8_t *exact = ts_mem_alloc(n > 0 ? n : 1);
        struct frame f = {0};
        size_t used = 77;
        ts_err e;

        assert_non_null(exact);
        memcpy(exact, in, n);
        e = frame_parse(exact, n, 3, &f, &used);
        if (n < 8) {
            assert_int_equal(e, TS_E_TRUNCATED);
            assert_null(f.body);
            assert_int_equal(used, 77);
        } else {
            assert_int_equal(e, TS_OK);
            assert_int_equal(f.type, 7);
            assert_int_equal(f.len, 3);
            assert_memory_equal(f.body, "abc", 3);
            assert_int_equal(used, 8);
        }
        ts_mem_free(exact);
    }
}

static void too_long_is_told_from_the_length_alone(void **state)
{
    static const uint8_t in[] = {0xff, 0xff, 0xff, 0xff};
    struct frame f = {0};
    size_t used = 0;

    (void)state;
    assert_int_equal(frame_parse(in, 4, TS_FRAME_MAX, &f, &used), TS_E_LIMIT);
    assert_int_equal(
        frame_parse((const uint8_t *)"\0\0\0\4\1", 5, 3, &f, &used),
        TS_E_LIMIT);
    assert_int_equal(
        frame_parse((const uint8_t *)"\0\0\0\0\1", 5, 0, &f, &used), TS_OK);
    assert_int_equal(f.len, 0);
    assert_int_equal(used, 5);
}

static void appended_frames_come_back_in_order(void **state)
{
    struct ts_buf b;
    uint8_t body[600];

    (void)state;
    ts_buf_init(&b, 4096);
    memset(body, 'x', sizeof(body));
    for (size_t round = 0; round < 50; round++) {
        size_t used = 0, len = round * 11 % sizeof(body);
        uint8_t *to = NULL;
        struct frame f = {0};

        assert_int_equal(frame_append(&b, (uint8_t)round, body, len), TS_OK);
        /* reserved large, ended small; and one given up without a trace */
        assert_int_equal(frame_begin(&b, 99, 500, &to), TS_OK);
        assert_int_equal(frame_begin(&b, 99, 500, &to), TS_OK);
        memcpy(to, "end", 3);
        frame_end(&b, 99, 3);
        assert_int_equal(frame_parse(ts_buf_bytes(&b), b.len, 600, &f, &used),
                         TS_OK);
        assert_int_equal(f.type, round);
        assert_int_equal(f.len, len);
        ts_buf_consume(&b, used);
        assert_int_equal(frame_parse(ts_buf_bytes(&b), b.len, 600, &f, &used),
                         TS_OK);
        assert_int_equal(f.type, 99);
        assert_memory_equal(f.body, "end", 3);
        ts_buf_consume(&b, used);
        assert_int_equal(b.len, 0);
    }
    ts_buf_done(&b);
}

static void a_full_buffer_takes_no_frame(void **state)
{
    struct ts_buf b;
    uint8_t *to = NULL;

    (void)state;
    ts_buf_init(&b, 10);
    assert_int_equal(frame_append(&b, 1, "abcdef", 6), TS_E_LIMIT);
    assert_int_equal(b.len, 0);
    assert_int_equal(frame_append(&b, 1, "abcde", 5), TS_OK);
    assert_int_equal(b.len, 10);
    assert_int_equal(frame_begin(&b, 1, SIZE_MAX, &to), TS_E_LIMIT);
    assert_null(to);
    ts_buf_done(&b);
}

static void append_without_memory_changes_nothing(void **state)
{
    (void)state;
    for (int persistent = 0; persistent < 2; persistent++) {
        for (int nth = 0;; nth++) {
            struct ts_buf b;
            ts_err e = TS_OK;
            size_t len = 0;

            fault_mem_arm(nth, persistent == 1);
            ts_buf_init(&b, 1 << 20);
            for (int i = 0; i < 40 && e == TS_OK; i++) {
                len = b.len;
                e = frame_append(&b, 1, "0123456789abcdef0123456789", 26);
            }
            if (e != TS_OK)
                assert_int_equal(b.len, len);
            ts_buf_done(&b);
            assert_int_equal(fault_mem_live(), 0);
            if (!fault_mem_fired())
                break;
            assert_int_equal(e, TS_E_NOMEM);
        }
    }
    fault_mem_disarm();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_sees_a_frame_only_when_it_is_whole),
        cmocka_unit_test(too_long_is_told_from_the_length_alone),
        cmocka_unit_test(appended_frames_come_back_in_order),
        cmocka_unit_test(a_full_buffer_takes_no_frame),
        cmocka_unit_test(append_without_memory_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
