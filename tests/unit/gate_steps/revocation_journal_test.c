#include "sidecar/common/revocation_entry.h"

#include <string.h>

#include "proto/wire/limits.h"
#include "proto/wire/mp_write.h"
#include "sidecar/gate/steps/records.h"
#include "tests/lib/ts_test.h"

static const uint8_t bytes[32] = {1, 2, 3};

static struct revocation_entry entry_of(enum revocation_kind kind, size_t len)
{
    return (struct revocation_entry){.rev_seq = 300,
                                     .kind = kind,
                                     .tenant = TS_STR_LIT("acme"),
                                     .target = {.ptr = bytes, .len = len},
                                     .cutoff = UINT64_C(1795315512),
                                     .unix_ms = UINT64_C(1795315512000),
                                     .reason = TS_STR_LIT("laptop lost")};
}

static void revocation_entry_round_trips(void **state)
{
    static const struct {
        enum revocation_kind kind;
        size_t len;
    } all[] = {{REVOCATION_GRANT, 16},    {REVOCATION_BLOCK, 32},
               {REVOCATION_KEY, 32},      {REVOCATION_USER, 1},
               {REVOCATION_AGENT, 9},     {REVOCATION_TASK, 32},
               {REVOCATION_TENANT, 0},    {REVOCATION_ISSUER_KEY, 16},
               {REVOCATION_APPROVER, 5},  {REVOCATION_ESCALATION, 16},
               {REVOCATION_DECISION, 16}, {REVOCATION_SESSION, 16}};

    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct revocation_entry in = entry_of(all[i].kind, all[i].len), out;
        uint8_t buf[REVOCATION_PAYLOAD_MAX];
        const char *what = NULL;
        size_t n;

        assert_int_equal(revocation_entry_encode(&in, buf, sizeof(buf), &n),
                         TS_OK);
        assert_int_equal(revocation_entry_decode(buf, n, &out, &what), TS_OK);
        assert_int_equal(out.rev_seq, in.rev_seq);
        assert_int_equal(out.kind, in.kind);
        assert_true(ts_str_eq(out.tenant, in.tenant));
        assert_int_equal(out.target.len, in.target.len);
        assert_memory_equal(out.target.ptr, in.target.ptr, in.target.len);
        assert_int_equal(out.cutoff, in.cutoff);
        assert_int_equal(out.unix_ms, in.unix_ms);
        assert_true(ts_str_eq(out.reason, in.reason));
    }
}

static void revocation_entry_decode_every_truncation_is_refused(void **state)
{
    struct revocation_entry in = entry_of(REVOCATION_GRANT, 16);
    uint8_t buf[REVOCATION_PAYLOAD_MAX];
    size_t n;

    (void)state;
    assert_int_equal(revocation_entry_encode(&in, buf, sizeof(buf), &n), TS_OK);
    for (size_t len = 0; len < n; len++) {
        struct revocation_entry out = {0};
        const char *what = NULL;

        assert_int_not_equal(revocation_entry_decode(buf, len, &out, &what),
                             TS_OK);
        assert_non_null(what);
        assert_int_equal(out.rev_seq, 0);
    }
    buf[n] = 0; /* nor may anything follow */
    assert_int_not_equal(
        revocation_entry_decode(buf, n + 1, &in, &(const char *){NULL}), TS_OK);
}

/* One value has one encoding: what a flipped bit makes is refused, or is
 * another value that encodes to exactly these bytes. */
static void revocation_entry_decode_flipped_bits_stay_canonical(void **state)
{
    struct revocation_entry in = entry_of(REVOCATION_USER, 5);
    uint8_t buf[REVOCATION_PAYLOAD_MAX], again[REVOCATION_PAYLOAD_MAX];
    size_t n, m;

    (void)state;
    assert_int_equal(revocation_entry_encode(&in, buf, sizeof(buf), &n), TS_OK);
    for (size_t bit = 0; bit < n * 8; bit++) {
        struct revocation_entry out;
        const char *what;

        buf[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        if (revocation_entry_decode(buf, n, &out, &what) == TS_OK) {
            assert_int_equal(
                revocation_entry_encode(&out, again, sizeof(again), &m), TS_OK);
            assert_int_equal(m, n);
            assert_memory_equal(again, buf, n);
        }
        buf[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
}

static void refuse(struct revocation_entry in)
{
    uint8_t buf[REVOCATION_PAYLOAD_MAX];
    size_t n = 4711;

    assert_int_equal(revocation_entry_encode(&in, buf, sizeof(buf), &n),
                     TS_E_INVALID);
    assert_int_equal(n, 4711);
}

static void revocation_entry_encode_bad_values_are_refused(void **state)
{
    struct revocation_entry r;

    (void)state;
    for (size_t len = 0; len <= 32; len++) {
        if (len != 16)
            refuse(entry_of(REVOCATION_GRANT, len));
        if (len != 32) {
            refuse(entry_of(REVOCATION_BLOCK, len));
            refuse(entry_of(REVOCATION_KEY, len));
        }
    }
    refuse(entry_of(REVOCATION_USER, 0));
    refuse(entry_of(REVOCATION_NONE, 16));
    refuse(entry_of(REVOCATION_TENANT, 1));
    refuse(entry_of(REVOCATION_ISSUER_KEY, 32));
    refuse(entry_of(REVOCATION_SESSION, 32));
    refuse(entry_of((enum revocation_kind)REVOCATION_KIND_COUNT, 16));
    r = entry_of(REVOCATION_GRANT, 16);
    r.rev_seq = 0;
    refuse(r);
    r = entry_of(REVOCATION_GRANT, 16);
    r.tenant = TS_STR_LIT("");
    refuse(r);
    r = entry_of(REVOCATION_GRANT, 16);
    r.reason = TS_STR_LIT("\xff");
    refuse(r);
}

static void revocation_entry_largest_fits(void **state)
{
    static char text[REVOCATION_REASON_MAX];
    struct revocation_entry r = entry_of(REVOCATION_USER, 1);
    uint8_t buf[REVOCATION_PAYLOAD_MAX];
    size_t n;

    (void)state;
    memset(text, 'x', sizeof(text));
    r.rev_seq = r.cutoff = r.unix_ms = UINT64_MAX;
    r.tenant = (struct ts_str){.ptr = text, .len = TS_ID_MAX};
    r.target = (struct ts_bytes){.ptr = (uint8_t *)text, .len = TS_ID_MAX};
    r.reason = (struct ts_str){.ptr = text, .len = sizeof(text)};
    assert_int_equal(revocation_entry_encode(&r, buf, sizeof(buf), &n), TS_OK);
}

static void records_fit_or_say_so(void **state)
{
    struct revocation_entry r = entry_of(REVOCATION_USER, 3);
    uint8_t buf[2048];
    size_t n, full;

    (void)state;
    assert_int_equal(
        record_revocation(&r, "operator", 0, bytes, buf, sizeof(buf), &full),
        TS_OK);
    for (size_t cap = 0; cap < full; cap++)
        assert_int_equal(
            record_revocation(&r, "operator", 0, bytes, buf, cap, &n),
            TS_E_LIMIT);
    assert_int_equal(record_life("start", 1, 2, 3, buf, sizeof(buf), &n),
                     TS_OK);
    assert_int_equal(buf[0], 0x85); /* a map of five */
    assert_int_equal(record_policy("policy_rejected", 1, TS_STR_LIT("a:1: b"),
                                   buf, sizeof(buf), &n),
                     TS_OK);
    assert_int_equal(buf[0], 0x83);
    assert_int_equal(
        record_revocation(&r, "session", 0, NULL, buf, sizeof(buf), &n), TS_OK);
    assert_int_equal(buf[0], 0x89);
    assert_int_equal(record_directory_rejected(TS_STR_LIT("acme"),
                                               TS_STR_LIT("too old"), "file", 0,
                                               buf, sizeof(buf), &n),
                     TS_OK);
    assert_int_equal(buf[0], 0x85);
    assert_int_equal(record_directory_loaded(
                         &(struct directory_snapshot){
                             .tenant = TS_STR_LIT("acme"), .seq = 7},
                         0, "operator", 1000, buf, sizeof(buf), &n),
                     TS_OK);
    assert_int_equal(buf[0], 0x8b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(revocation_entry_round_trips),
        cmocka_unit_test(revocation_entry_decode_every_truncation_is_refused),
        cmocka_unit_test(revocation_entry_decode_flipped_bits_stay_canonical),
        cmocka_unit_test(revocation_entry_encode_bad_values_are_refused),
        cmocka_unit_test(revocation_entry_largest_fits),
        cmocka_unit_test(records_fit_or_say_so),
    };

    return cmocka_run_group_tests_name("revocation_journal", tests, NULL, NULL);
}
