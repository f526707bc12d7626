/* The frame of signed objects: what is signed, for what, by whom. */
#include "tests/lib/ts_test.h"

#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/trust/pae.h"
#include "proto/trust/signed.h"
#include "proto/wire/mp_write.h"
#include "tests/lib/fault_mem.h"
#include "trust_world.h"

static struct world w;
static struct ts_buf buf;

static const uint8_t body_bytes[] = "a body whose meaning is not asked here";
static const struct ts_bytes body = {body_bytes, sizeof(body_bytes)};

static int setup(void **state)
{
    (void)state;
    world_init(&w);
    ts_buf_init(&buf, 2 * SIGNED_SNAPSHOT_MAX);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fault_mem_disarm();
    ts_buf_done(&buf);
    world_done(&w);
    return 0;
}

static struct ts_bytes make(enum signed_kind kind, struct ts_bytes b)
{
    ts_buf_clear(&buf);
    assert_int_equal(signed_make(kind, b, &w.key[KEY_REVOKER], &buf), TS_OK);
    return world_bytes(&buf);
}

static enum trust_code judge(const void *ctx, struct ts_bytes in)
{
    const enum signed_kind *kind = ctx;
    struct signed_object o;
    enum trust_code c = signed_split(*kind, in, &o);

    if (c != TRUST_OK)
        return c;
    return signed_verify(*kind, &o, w.key[KEY_REVOKER].pk);
}

static void what_is_made_verifies_and_nothing_near_it(void **state)
{
    (void)state;
    for (int k = SIGNED_REVOCATION; k < SIGNED_KIND_COUNT_; k++) {
        enum signed_kind kind = (enum signed_kind)k;
        struct ts_bytes in = make(kind, body);
        struct signed_object o;

        assert_int_equal(signed_split(kind, in, &o), TRUST_OK);
        assert_int_equal(o.body.len, body.len);
        assert_memory_equal(o.body.ptr, body.ptr, body.len);
        assert_true(o.body.ptr > in.ptr && o.sig < in.ptr + in.len);
        assert_int_equal(world_sweep(in, judge, &kind), in.len * 9);
    }
}

static void T5_an_object_of_one_kind_is_none_of_another(void **state)
{
    (void)state;
    for (int k = SIGNED_REVOCATION; k < SIGNED_KIND_COUNT_; k++) {
        struct ts_bytes in = make((enum signed_kind)k, body);

        for (int j = SIGNED_REVOCATION; j < SIGNED_KIND_COUNT_; j++) {
            enum signed_kind as = (enum signed_kind)j;

            assert_int_equal(judge(&as, in), j == k ? TRUST_OK : TRUST_E_SIG);
        }
    }
}

/* kid is a hint that must be right: no other key is tried. */
static void T8_a_kid_of_another_key_is_not_tried(void **state)
{
    struct ts_bytes in = make(SIGNED_HEARTBEAT, body);
    struct signed_object o;

    (void)state;
    assert_int_equal(signed_split(SIGNED_HEARTBEAT, in, &o), TRUST_OK);
    assert_int_equal(
        signed_verify(SIGNED_HEARTBEAT, &o, w.key[KEY_DIRECTORY].pk),
        TRUST_E_ISSUER);
    trust_kid(w.key[KEY_DIRECTORY].pk, (uint8_t *)(uintptr_t)o.kid);
    assert_int_equal(
        signed_verify(SIGNED_HEARTBEAT, &o, w.key[KEY_DIRECTORY].pk),
        TRUST_E_SIG);
    assert_int_equal(signed_verify(SIGNED_HEARTBEAT, &o, w.key[KEY_REVOKER].pk),
                     TRUST_E_ISSUER);
}

/* The length of an object is bounded, to the byte, on both ways. */
static void the_limit_of_each_kind_is_sharp(void **state)
{
    static const size_t max[] = {[SIGNED_REVOCATION] = SIGNED_REVOCATION_MAX,
                                 [SIGNED_SNAPSHOT] = SIGNED_SNAPSHOT_MAX,
                                 [SIGNED_HEARTBEAT] = SIGNED_HEARTBEAT_MAX,
                                 [SIGNED_AGENT_CERT] = SIGNED_AGENT_CERT_MAX,
                                 [SIGNED_TICKET] = SIGNED_TICKET_MAX,
                                 [SIGNED_APPROVAL] = SIGNED_APPROVAL_MAX,
                                 [SIGNED_ORIGIN] = SIGNED_ORIGIN_MAX,
                                 [SIGNED_ESCALATION] = SIGNED_ESCALATION_MAX};

    (void)state;
    for (int k = SIGNED_REVOCATION; k < SIGNED_KIND_COUNT_; k++) {
        enum signed_kind kind = (enum signed_kind)k;
        size_t around = 1 + (kind == SIGNED_SNAPSHOT ? 5u : 3u) + 18 + 66;
        uint8_t *big = ts_mem_alloc(max[k]);
        struct signed_object o;
        struct ts_bytes in;

        assert_non_null(big);
        in = make(kind, (struct ts_bytes){big, max[k] - around});
        assert_int_equal(in.len, max[k]);
        assert_int_equal(judge(&kind, in), TRUST_OK);
        ts_buf_clear(&buf);
        for (size_t over = max[k] - around + 1; over <= max[k] + 1;
             over += around) {
            assert_int_equal(signed_make(kind, (struct ts_bytes){big, over},
                                         &w.key[KEY_REVOKER], &buf),
                             TS_E_LIMIT);
            assert_int_equal(buf.len, 0);
        }
        assert_int_equal(
            signed_split(kind, (struct ts_bytes){big, max[k] + 1}, &o),
            TRUST_E_LIMIT);
        ts_mem_free(big);
    }
}

/* One encoding only, and a 32-bit header where, and only where, it is due. */
static void T3_other_encodings_of_a_frame_are_refused(void **state)
{
    uint8_t raw[256];
    struct ts_bytes in = make(SIGNED_HEARTBEAT, body);
    struct signed_object o;
    struct mp_writer m;
    size_t n;

    (void)state;
    raw[0] = in.ptr[0];
    memcpy(raw + 1, "\xc5\0", 2); /* bin 16 where bin 8 will do */
    memcpy(raw + 3, in.ptr + 2, in.len - 2);
    assert_int_equal(
        signed_split(SIGNED_HEARTBEAT, (struct ts_bytes){raw, in.len + 1}, &o),
        TRUST_E_FORMAT);
    memcpy(raw + 1, "\xc6\0\0\0", 4); /* bin 32: not even in a snapshot */
    memcpy(raw + 5, in.ptr + 2, in.len - 2);
    for (int k = SIGNED_REVOCATION; k < SIGNED_KIND_COUNT_; k++)
        assert_int_equal(signed_split((enum signed_kind)k,
                                      (struct ts_bytes){raw, in.len + 3}, &o),
                         TRUST_E_FORMAT);
    for (uint32_t fields = 2; fields <= 4; fields++) {
        static const uint8_t zero[TRUST_SIG_LEN];

        mp_writer_init(&m, raw, sizeof(raw));
        mp_write_array(&m, fields);
        mp_write_bin(&m, zero, 8);
        mp_write_bin(&m, zero, TRUST_KID_LEN);
        for (uint32_t i = 2; i < fields; i++)
            mp_write_bin(&m, zero, TRUST_SIG_LEN);
        assert_int_equal(mp_written(&m, &n), TS_OK);
        assert_int_equal(
            signed_split(SIGNED_HEARTBEAT, (struct ts_bytes){raw, n}, &o),
            fields == 3 ? TRUST_OK : TRUST_E_FORMAT);
    }
    assert_int_equal(
        signed_split(SIGNED_HEARTBEAT, (struct ts_bytes){raw, 0}, &o),
        TRUST_E_FORMAT);
}

static void without_memory_nothing_is_made_and_nothing_verifies(void **state)
{
    static const uint8_t large[2 * SIGNED_REVOCATION_MAX];
    const struct ts_bytes b = {large, sizeof(large)};
    const enum signed_kind kind = SIGNED_SNAPSHOT;

    (void)state;
    for (int nth = 0;; nth++) {
        struct ts_buf out;
        ts_err e;

        fault_mem_arm(nth, false);
        ts_buf_init(&out, SIGNED_SNAPSHOT_MAX);
        e = signed_make(kind, b, &w.key[KEY_REVOKER], &out);
        assert_int_equal(e, fault_mem_fired() ? TS_E_NOMEM : TS_OK);
        assert_int_equal(e == TS_OK, out.len > 0);
        fault_mem_disarm();
        ts_buf_done(&out);
        if (e == TS_OK)
            break;
    }
    make(kind, b);
    fault_mem_arm(0, true);
    assert_int_equal(judge(&kind, world_bytes(&buf)), TRUST_E_INTERNAL);
    fault_mem_disarm();
    assert_int_equal(judge(&kind, world_bytes(&buf)), TRUST_OK);
}

/* A buffer that has no room takes nothing. */
static void a_full_buffer_stays_as_it_was(void **state)
{
    struct ts_buf small;

    (void)state;
    ts_buf_init(&small, 32);
    assert_int_equal(
        signed_make(SIGNED_AGENT_CERT, body, &w.key[KEY_REVOKER], &small),
        TS_E_LIMIT);
    assert_int_equal(small.len, 0);
    ts_buf_done(&small);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_is_made_verifies_and_nothing_near_it),
        T(T5_an_object_of_one_kind_is_none_of_another),
        T(T8_a_kid_of_another_key_is_not_tried),
        T(the_limit_of_each_kind_is_sharp),
        T(T3_other_encodings_of_a_frame_are_refused),
        T(without_memory_nothing_is_made_and_nothing_verifies),
        T(a_full_buffer_stays_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
