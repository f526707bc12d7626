/* Properties that hold for every kind of message, over all cases. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/msg/client.h"
#include "proto/wire/frame.h"
#include "tests/lib/fault_mem.h"
#include "tests/unit/msg/msg_recode.h"

struct body {
    uint8_t *bytes; /* owned, exactly len of them, so that ASan sees the end */
    size_t len;
};

static struct body sample_body(enum msg_kind kind)
{
    struct ts_buf out;
    struct frame f;
    struct body b;
    size_t used = 0;

    ts_buf_init(&out, TS_FRAME_MAX);
    assert_int_equal(msg_sample(kind, &out), TS_OK);
    assert_int_equal(
        frame_parse(ts_buf_bytes(&out), out.len, TS_FRAME_MAX, &f, &used),
        TS_OK);
    assert_int_equal(used, out.len);
    b.len = f.len;
    b.bytes = ts_mem_alloc(f.len + 1);
    assert_non_null(b.bytes);
    memcpy(b.bytes, f.body, f.len);
    ts_buf_done(&out);
    return b;
}

/* What was understood, sent again, must be the bytes that came. */
static void recoded_is_same_or_refused(enum msg_kind kind, const uint8_t *p,
                                       size_t len, bool must_fail)
{
    const char *what = NULL;
    struct ts_buf out;
    ts_err e;

    ts_buf_init(&out, (size_t)2 * TS_FRAME_MAX);
    e = msg_recode(kind, p, len, &out, &what);
    if (e == TS_OK) {
        assert_false(must_fail);
        assert_int_equal(out.len, len + TS_FRAME_HEAD);
        assert_memory_equal(ts_buf_bytes(&out) + TS_FRAME_HEAD, p, len);
    } else {
        assert_non_null(what); /* a decoder names the field */
        assert_int_equal(out.len, 0);
    }
    ts_buf_done(&out);
}

static void sample_of_every_kind_round_trips(void **state)
{
    (void)state;
    for (int k = 0; k < KIND_COUNT; k++) {
        struct body b = sample_body((enum msg_kind)k);
        struct ts_buf out;
        const char *what = NULL;

        ts_buf_init(&out, TS_FRAME_MAX + 64);
        assert_int_equal(
            msg_recode((enum msg_kind)k, b.bytes, b.len, &out, &what), TS_OK);
        assert_int_equal(out.len, b.len + TS_FRAME_HEAD);
        assert_memory_equal(ts_buf_bytes(&out) + TS_FRAME_HEAD, b.bytes, b.len);
        ts_buf_done(&out);
        ts_mem_free(b.bytes);
    }
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    for (int k = 0; k < KIND_COUNT; k++) {
        struct body b = sample_body((enum msg_kind)k);

        for (size_t n = 0; n < b.len; n++) {
            uint8_t *exact = ts_mem_alloc(n > 0 ? n : 1);

            assert_non_null(exact);
            memcpy(exact, b.bytes, n);
            recoded_is_same_or_refused((enum msg_kind)k, exact, n, true);
            ts_mem_free(exact);
        }
        ts_mem_free(b.bytes);
    }
}

static void every_bit_flip_is_refused_or_means_itself(void **state)
{
    (void)state;
    for (int k = 0; k < KIND_COUNT; k++) {
        struct body b = sample_body((enum msg_kind)k);

        for (size_t bit = 0; bit < b.len * 8; bit++) {
            b.bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
            recoded_is_same_or_refused((enum msg_kind)k, b.bytes, b.len, false);
            b.bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        }
        ts_mem_free(b.bytes);
    }
}

/* All arities are at most 12, so the head is one byte. */
static void other_arity_version_or_tail_is_refused(void **state)
{
    (void)state;
    for (int k = 0; k < KIND_COUNT; k++) {
        struct body b = sample_body((enum msg_kind)k);
        uint8_t head = b.bytes[0], version = b.bytes[1];

        for (uint8_t n = 0; n < 16; n++) {
            if (n == (head & 0x0f))
                continue;
            b.bytes[0] = (uint8_t)(0x90 + n);
            recoded_is_same_or_refused((enum msg_kind)k, b.bytes, b.len, true);
        }
        b.bytes[0] = head;
        for (uint8_t v = 0; v < 8; v++) {
            b.bytes[1] = v;
            if (v != version)
                recoded_is_same_or_refused((enum msg_kind)k, b.bytes, b.len,
                                           true);
        }
        b.bytes[1] = version;
        b.bytes[b.len] = 0xc0; /* one element more, and one byte more */
        recoded_is_same_or_refused((enum msg_kind)k, b.bytes, b.len + 1, true);
        b.bytes[0] = (uint8_t)(head + 1);
        recoded_is_same_or_refused((enum msg_kind)k, b.bytes, b.len + 1, true);
        ts_mem_free(b.bytes);
    }
}

/* Each byte of every sample replaced by each other byte. */
static void every_byte_value_is_refused_or_means_itself(void **state)
{
    (void)state;
    for (int k = 0; k < KIND_COUNT; k++) {
        struct body b = sample_body((enum msg_kind)k);

        for (size_t i = 0; i < b.len; i++) {
            uint8_t was = b.bytes[i];

            for (unsigned v = 0; v < 256; v++) {
                b.bytes[i] = (uint8_t)v;
                recoded_is_same_or_refused((enum msg_kind)k, b.bytes, b.len,
                                           false);
            }
            b.bytes[i] = was;
        }
        ts_mem_free(b.bytes);
    }
}

static void send_out_of_memory_leaves_the_buffer_alone(void **state)
{
    (void)state;
    for (int k = 0; k < KIND_COUNT; k++) {
        for (int persistent = 0; persistent < 2; persistent++) {
            for (int nth = 0;; nth++) {
                struct ts_buf out;
                ts_err e;

                fault_mem_arm(nth, persistent != 0);
                ts_buf_init(&out, TS_FRAME_MAX);
                e = msg_sample((enum msg_kind)k, &out);
                if (e != TS_OK)
                    assert_int_equal(out.len, 0);
                ts_buf_done(&out);
                assert_int_equal(fault_mem_live(), 0);
                if (!fault_mem_fired())
                    break;
                assert_int_equal(e, TS_E_NOMEM);
            }
        }
    }
    fault_mem_disarm();
}

static void send_into_a_full_buffer_is_a_limit(void **state)
{
    (void)state;
    for (int k = 0; k < KIND_COUNT; k++) {
        struct body b = sample_body((enum msg_kind)k);
        struct ts_buf out;

        for (size_t max = 0; max < b.len + TS_FRAME_HEAD; max++) {
            ts_buf_init(&out, max);
            assert_int_equal(msg_sample((enum msg_kind)k, &out), TS_E_LIMIT);
            assert_int_equal(out.len, 0);
            ts_buf_done(&out);
        }
        ts_mem_free(b.bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sample_of_every_kind_round_trips),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(every_bit_flip_is_refused_or_means_itself),
        cmocka_unit_test(other_arity_version_or_tail_is_refused),
        cmocka_unit_test(every_byte_value_is_refused_or_means_itself),
        cmocka_unit_test(send_out_of_memory_leaves_the_buffer_alone),
        cmocka_unit_test(send_into_a_full_buffer_is_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
