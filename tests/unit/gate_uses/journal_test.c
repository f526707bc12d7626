#include "sidecar/gate/uses/journal.h"

#include <string.h>

#include "proto/wire/limits.h"
#include "tests/lib/ts_test.h"

static struct use_entry entry(void)
{
    return (struct use_entry){.tenant = TS_STR_LIT("acme"),
                              .grant_id = {1, 2, 3},
                              .expires_s = 1795300000};
}

static struct use_ledger filled(uint32_t n)
{
    struct use_ledger l = {.count = 0};

    for (uint32_t i = 0; i < n; i++) {
        l.places[i].id[0] = (uint8_t)(i + 1);
        l.places[i].total = i % 3 == 0 ? USE_TOTAL_MAX - i : i;
    }
    l.count = n;
    return l;
}

/* Whatever is in it comes back, but for what nothing is counted at. */
static void encode_decode_gives_the_same_totals(void **state)
{
    (void)state;
    for (uint32_t n = 0; n <= USE_PLACES_MAX; n++) {
        struct use_ledger l = filled(n), back;
        struct use_entry u = entry(), got;
        uint8_t buf[USE_PAYLOAD_MAX];
        const char *what = "";
        size_t len;

        assert_int_equal(use_entry_encode(&u, &l, buf, sizeof(buf), &len),
                         TS_OK);
        assert_int_equal(use_entry_decode(buf, len, &got, &back, &what), TS_OK);
        assert_true(ts_str_eq(got.tenant, u.tenant));
        assert_memory_equal(got.grant_id, u.grant_id, sizeof(u.grant_id));
        assert_int_equal(got.expires_s, u.expires_s);
        for (uint32_t i = 0; i < n; i++)
            assert_int_equal(use_ledger_total(&back, l.places[i].id),
                             l.places[i].total);
        assert_true(back.count <= n);
    }
}

static void encode_longest_fits_an_entry(void **state)
{
    char name[TS_ID_MAX];
    struct use_entry u = entry();
    struct use_ledger l = {.count = USE_PLACES_MAX};
    uint8_t buf[USE_PAYLOAD_MAX];
    size_t len;

    (void)state;
    memset(name, 'a', sizeof(name));
    u.tenant = (struct ts_str){.ptr = name, .len = sizeof(name)};
    u.expires_s = UINT64_MAX;
    for (uint32_t i = 0; i < l.count; i++) {
        l.places[i].id[0] = (uint8_t)i;
        l.places[i].total = USE_TOTAL_MAX;
    }
    assert_int_equal(use_entry_encode(&u, &l, buf, sizeof(buf), &len), TS_OK);
    u.tenant.len = 0;
    assert_int_equal(use_entry_encode(&u, &l, buf, sizeof(buf), &len),
                     TS_E_INVALID);
}

/* No truncation passes, and a flipped bit changes what is read or is refused:
 * never more places than there are, never a total out of range. */
static void decode_any_damage_stays_within_bounds(void **state)
{
    struct use_ledger l = filled(5), back;
    struct use_entry u = entry(), got;
    uint8_t buf[USE_PAYLOAD_MAX];
    const char *what = "";
    size_t len;

    (void)state;
    assert_int_equal(use_entry_encode(&u, &l, buf, sizeof(buf), &len), TS_OK);
    for (size_t i = 0; i < len; i++)
        assert_int_not_equal(use_entry_decode(buf, i, &got, &back, &what),
                             TS_OK);
    for (size_t bit = 0; bit < len * 8; bit++) {
        buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (use_entry_decode(buf, len, &got, &back, &what) == TS_OK) {
            assert_true(back.count <= USE_PLACES_MAX);
            for (uint32_t i = 0; i < back.count; i++)
                assert_true(back.places[i].total > 0 &&
                            back.places[i].total <= USE_TOTAL_MAX);
        } else {
            assert_true(what[0] != '\0');
        }
        buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void decode_a_counter_twice_is_refused(void **state)
{
    struct use_ledger l = filled(3), back;
    struct use_entry u = entry(), got;
    uint8_t buf[USE_PAYLOAD_MAX];
    const char *what = "";
    size_t len;

    (void)state;
    memcpy(l.places[2].id, l.places[1].id, USE_ID);
    assert_int_equal(use_entry_encode(&u, &l, buf, sizeof(buf), &len), TS_OK);
    assert_int_equal(use_entry_decode(buf, len, &got, &back, &what),
                     TS_E_INVALID);
    assert_string_equal(what, "a counter twice");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(encode_decode_gives_the_same_totals),
        cmocka_unit_test(encode_longest_fits_an_entry),
        cmocka_unit_test(decode_any_damage_stays_within_bounds),
        cmocka_unit_test(decode_a_counter_twice_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
