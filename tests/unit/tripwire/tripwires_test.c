/* Lists of tripwires: what they hold, what they do not, and what is refused. */
#include "tests/lib/ts_test.h"

#include <sodium.h>
#include <string.h>

#include "rig.h"
#include "sidecar/common/tripwire/tripwire_priv.h"
#include "tests/lib/fault_mem.h"

static void tripwires_add_wrong_length_is_refused(void **state)
{
    uint8_t secret[TRIPWIRE_SECRET_MAX + 1] = {0};
    struct ts_buf list;

    (void)state;
    ts_buf_init(&list, TS_TRIPWIRES_MAX);
    assert_int_equal(tripwires_add(&list, secret, 20), TS_E_STATE);
    assert_int_equal(tripwires_begin(&list), TS_OK);
    assert_int_equal(tripwires_begin(&list), TS_E_STATE);
    for (size_t len = 0; len < TRIPWIRE_SECRET_MIN; len++)
        assert_int_equal(tripwires_add(&list, secret, len), TS_E_INVALID);
    assert_int_equal(tripwires_add(&list, secret, sizeof(secret)), TS_E_LIMIT);
    assert_int_equal(list.len, TRIPWIRE_KEY);
    ts_buf_done(&list);
}

static void tripwires_add_more_than_fit_leaves_the_list(void **state)
{
    struct tripwires *set = NULL;
    uint8_t secret[32];
    struct ts_buf list;
    size_t before, added = 0;

    (void)state;
    ts_buf_init(&list, TS_TRIPWIRES_MAX);
    assert_int_equal(tripwires_begin(&list), TS_OK);
    for (;;) {
        randombytes_buf(secret, sizeof(secret));
        before = list.len;
        if (tripwires_add(&list, secret, sizeof(secret)) != TS_OK)
            break;
        added++;
    }
    assert_int_equal(list.len, before);
    assert_true(added >= 9); /* the most of a manifest, and a token */
    assert_int_equal(tripwires_new(ts_buf_bytes(&list), list.len, &set), TS_OK);
    tripwires_free(set);
    ts_buf_done(&list);
}

/* No run of four bytes of a secret, in any way of writing, is in its list. */
static void tripwires_list_does_not_hold_the_secret(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, "sk_live_51Hx9Qe7vT2LmPz8RkYw4BnC");
    for (size_t i = 0; i < w.naive.count; i++) {
        for (size_t k = 0; k + 4 <= w.naive.len[i]; k++)
            assert_null(memmem(ts_buf_bytes(&w.list), w.list.len,
                               w.naive.pattern[i] + k, 4));
    }
    world_done(&w);
}

static void tripwires_same_secret_gives_other_lists(void **state)
{
    struct world a, b;

    (void)state;
    world_init(&a, "sk_live_51Hx9Qe7vT2LmPz8RkYw4BnC");
    world_init(&b, "sk_live_51Hx9Qe7vT2LmPz8RkYw4BnC");
    assert_int_equal(a.list.len, b.list.len);
    for (size_t at = TRIPWIRE_KEY; at < a.list.len; at += TRIPWIRE_ENTRY) {
        assert_memory_not_equal(ts_buf_bytes(&a.list) + at,
                                ts_buf_bytes(&b.list) + at, 4);
        assert_memory_not_equal(ts_buf_bytes(&a.list) + at + 10,
                                ts_buf_bytes(&b.list) + at + 10,
                                TRIPWIRE_DIGEST);
    }
    world_done(&a);
    world_done(&b);
}

static void tripwires_new_truncated_list_is_refused(void **state)
{
    struct tripwires *set = NULL;
    struct world w;

    (void)state;
    world_init(&w, "tok-5f3a9c71e2");
    for (size_t n = 0; n < w.list.len; n++) {
        bool whole =
            n >= TRIPWIRE_KEY && (n - TRIPWIRE_KEY) % TRIPWIRE_ENTRY == 0;
        ts_err e = tripwires_new(ts_buf_bytes(&w.list), n, &set);

        assert_int_equal(e, whole ? TS_OK : TS_E_FORMAT);
        if (whole)
            tripwires_free(set);
        set = NULL;
    }
    world_done(&w);
}

/* Refused, or a list that finds something else: never a wrong access. */
static void tripwires_new_flipped_bit_anywhere_finds_less(void **state)
{
    uint8_t list[TRIPWIRE_KEY + TRIPWIRE_EACH_MAX * TRIPWIRE_ENTRY];
    static const char secret[] = "tok-5f3a9c71e2";
    struct world w;
    uint64_t refused = 0;
    size_t n;

    (void)state;
    world_init(&w, secret);
    append(w.in, "a tok-5f3a9c71e2 b", 18);
    n = TRIPWIRE_KEY + TRIPWIRE_ENTRY; /* the first: as it is */
    memcpy(list, ts_buf_bytes(&w.list), n);
    for (size_t bit = 0; bit < n * 8; bit++) {
        struct ts_buf out;
        ts_err e;

        list[bit / 8] ^= (uint8_t)(1u << bit % 8);
        tripwires_free(w.set);
        w.set = NULL;
        e = tripwires_new(list, n, &w.set);
        list[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (e != TS_OK) {
            assert_int_equal(e, TS_E_FORMAT);
            refused++;
            continue;
        }
        ts_buf_init(&out, TEXT_MAX);
        if (bit / 8 != TRIPWIRE_KEY + 8 && bit / 8 != TRIPWIRE_KEY + 9)
            assert_int_equal(redact(&w, 7, bit, &out), 0);
        ts_buf_done(&out);
    }
    assert_true(refused > 0);
    world_done(&w);
}

static ts_err scenario(const void *arg)
{
    static const uint8_t secret[] = "tok-5f3a9c71e2";
    struct tripwires *set = NULL;
    struct redactor *r = NULL;
    struct ts_buf list, out;
    ts_err e;

    (void)arg;
    ts_buf_init(&list, TS_TRIPWIRES_MAX);
    ts_buf_init(&out, 4096);
    if ((e = tripwires_begin(&list)) == TS_OK &&
        (e = tripwires_add(&list, secret, sizeof(secret) - 1)) == TS_OK &&
        (e = tripwires_new(ts_buf_bytes(&list), list.len, &set)) == TS_OK &&
        (e = redactor_new(set, &r)) == TS_OK &&
        (e = redactor_feed(r, secret, sizeof(secret) - 1, &out)) == TS_OK)
        e = redactor_finish(r, &out);
    redactor_free(r);
    tripwires_free(set);
    ts_buf_done(&list);
    ts_buf_done(&out);
    return e;
}

static void tripwire_without_memory_says_so_and_leaks_nothing(void **state)
{
    (void)state;
    fault_mem_sweep(scenario, NULL, TS_OK, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tripwires_add_wrong_length_is_refused),
        cmocka_unit_test(tripwires_add_more_than_fit_leaves_the_list),
        cmocka_unit_test(tripwires_list_does_not_hold_the_secret),
        cmocka_unit_test(tripwires_same_secret_gives_other_lists),
        cmocka_unit_test(tripwires_new_truncated_list_is_refused),
        cmocka_unit_test(tripwires_new_flipped_bit_anywhere_finds_less),
        cmocka_unit_test(tripwire_without_memory_says_so_and_leaks_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
