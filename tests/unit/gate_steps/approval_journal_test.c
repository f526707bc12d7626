#include "tests/lib/ts_test.h"

#include <string.h>

#include "proto/wire/mp_read.h"
#include "sidecar/gate/steps/approval_journal.h"
#include "sidecar/gate/steps/records.h"

static struct approval_entry sample(void)
{
    return (struct approval_entry){
        .tenant = TS_STR_LIT("acme"),
        .decision_id = {1, 2},
        .ticket_id = {3, 4},
        .launched = {5, 6},
        .unix_ms = 1763769600000,
        .people = {TS_STR_LIT("bob"), TS_STR_LIT("carol")},
        .people_count = 2};
}

static void entry_every_truncation_and_bit_flip_is_refused_or_itself(void **s)
{
    struct approval_entry in = sample(), out;
    uint8_t buf[APPROVAL_PAYLOAD_MAX], again[APPROVAL_PAYLOAD_MAX];
    const char *what = NULL;
    size_t n, m;

    (void)s;
    assert_int_equal(approval_entry_encode(&in, buf, sizeof(buf), &n), TS_OK);
    assert_int_equal(approval_entry_decode(buf, n, &out, &what), TS_OK);
    assert_memory_equal(out.launched, in.launched, sizeof(in.launched));
    assert_true(ts_str_eq_c(out.people[1], "carol"));
    for (size_t cut = 0; cut < n; cut++)
        assert_int_not_equal(approval_entry_decode(buf, cut, &out, &what),
                             TS_OK);
    for (size_t bit = 0; bit < 8 * n; bit++) {
        buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (approval_entry_decode(buf, n, &out, &what) == TS_OK) {
            assert_int_equal(
                approval_entry_encode(&out, again, sizeof(again), &m), TS_OK);
            assert_int_equal(m, n);
            assert_memory_equal(again, buf, n);
        }
        buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void entry_of_nobody_or_of_what_is_no_id_is_refused(void **s)
{
    struct approval_entry in = sample();
    uint8_t buf[APPROVAL_PAYLOAD_MAX];
    size_t n;

    (void)s;
    in.people_count = 0;
    assert_int_equal(approval_entry_encode(&in, buf, sizeof(buf), &n),
                     TS_E_INVALID);
    in = sample();
    in.people[0] = TS_STR_LIT("not an id");
    assert_int_equal(approval_entry_encode(&in, buf, sizeof(buf), &n),
                     TS_E_INVALID);
    in = sample();
    in.tenant = TS_STR_LIT("");
    assert_int_equal(approval_entry_encode(&in, buf, sizeof(buf), &n),
                     TS_E_INVALID);
}

/* As many of the longest names as the header promises. */
static void entry_of_the_longest_names_fits_or_is_a_limit(void **s)
{
    static char name[TS_ID_MAX];
    uint8_t buf[APPROVAL_PAYLOAD_MAX];
    struct approval_entry in = sample();
    size_t n;

    (void)s;
    memset(name, 'a', sizeof(name));
    in.tenant = (struct ts_str){name, sizeof(name)};
    for (uint32_t i = 0; i < TICKET_PEOPLE_MAX; i++)
        in.people[i] = (struct ts_str){name, sizeof(name)};
    for (uint32_t i = 1; i <= TICKET_PEOPLE_MAX; i++) {
        in.people_count = i;
        assert_int_equal(approval_entry_encode(&in, buf, sizeof(buf), &n),
                         i <= 29 ? TS_OK : TS_E_LIMIT);
    }
}

static void records_of_answers_and_ends_are_maps_of_their_keys(void **s)
{
    static const uint8_t id[16] = {7}, ticket[TRUST_HASH_LEN] = {8};
    const struct ts_str people[] = {TS_STR_LIT("bob")};
    const struct approval_record a = {.decision_id = id,
                                      .ticket_id = ticket,
                                      .tenant = TS_STR_LIT("acme"),
                                      .person = TS_STR_LIT("bob"),
                                      .verdict = TS_STR_LIT("yes"),
                                      .code = TS_STR_LIT("ok"),
                                      .state = TS_STR_LIT("granted"),
                                      .people = 1};
    const struct approval_end_record e = {.decision_id = id,
                                          .ticket_id = ticket,
                                          .tenant = TS_STR_LIT("acme"),
                                          .reason = TS_STR_LIT("taken"),
                                          .people = people,
                                          .people_count = 1};
    uint8_t buf[4096];
    size_t n[2];

    (void)s;
    for (int k = 0; k < 2; k++) {
        struct mp_reader r;
        uint32_t keys;

        assert_int_equal(k == 0
                             ? record_approval(&a, buf, sizeof(buf), &n[k])
                             : record_approval_end(&e, buf, sizeof(buf), &n[k]),
                         TS_OK);
        mp_reader_init(&r, buf, n[k]);
        keys = mp_read_map(&r, 32);
        assert_int_equal(keys, k == 0 ? 10 : 6);
        for (uint32_t i = 0; i < keys; i++) {
            (void)mp_read_str(&r, 64);
            (void)mp_read_raw(&r, 4096);
        }
        assert_int_equal(mp_done(&r), TS_OK);
    }
    for (size_t cap = 0; cap < n[0]; cap++)
        assert_int_equal(record_approval(&a, buf, cap, &n[1]), TS_E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            entry_every_truncation_and_bit_flip_is_refused_or_itself),
        cmocka_unit_test(entry_of_nobody_or_of_what_is_no_id_is_refused),
        cmocka_unit_test(entry_of_the_longest_names_fits_or_is_a_limit),
        cmocka_unit_test(records_of_answers_and_ends_are_maps_of_their_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
