/* Records of decisions and outcomes: their keys, order and limits. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "proto/wire/mp_read.h"
#include "sidecar/gate/decide/request.h"
#include "world.h"

static const char *const keys[] = {
    "kind",          "id",          "tenant",  "user",       "agent",
    "chain",         "grant",       "task",    "blocks",     "issuer",
    "session",       "peer",        "call",    "call_seq",   "tool",
    "tool_digest",   "args_digest", "args",    "action",     "resource",
    "resource_type", "sensitivity", "effect",  "code",       "text",
    "cedar",         "policies",    "context", "calls_1m",   "provenance",
    "trace",         "rev_seq",     "dir_seq", "generation", "us"};
#define KEYS (sizeof(keys) / sizeof(keys[0]))

static void check_keys(bool launches)
{
    struct mp_reader m;
    uint32_t n;
    size_t at = 0;

    assert_int_equal(mp_scan(world_result.record, world_result.record_len),
                     TS_OK);
    mp_reader_init(&m, world_result.record, world_result.record_len);
    n = mp_read_map(&m, 64);
    assert_int_equal(n, KEYS + launches);
    for (uint32_t i = 0; i < n; i++) {
        struct ts_str k = mp_read_str(&m, 64);

        (void)mp_read_raw(&m, TS_RECORD_MAX);
        if (launches && i == KEYS - 1)
            assert_true(ts_str_eq_c(k, "order"));
        else
            assert_true(ts_str_eq_c(k, keys[at++]));
    }
    assert_int_equal(mp_done(&m), TS_OK);
}

static void decide_record_has_every_key_in_order(void **state)
{
    struct authority *a = fix_authority(&world_fix, &fix_alice);
    const struct fix_call calls[] = {
        {.tool = "fs.read", .args = "path=x"},
        {.tool = "fs.read", .args = "path=x", .check_only = true},
        {.tool = "fs.read", .args = "path=../x"},
        {.tool = "no.tool", .args = ""},
        {.tool = "repo.open", .args = "repo=r;n:=-5;flag?=1;words@=b,a"},
        {.tool = "fs.read", .args = "path=x", .already_denied = CODE_REVOKED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        fix_decide(&world_fix, a, &calls[i], &world_result);
        assert_int_equal(world_result.e, TS_OK);
        check_keys(world_result.d.verdict == VERDICT_PERMIT &&
                   !calls[i].check_only);
    }
    authority_free(a);
}

static void decide_record_args_follow_the_log_setting(void **state)
{
    static const uint8_t lens[] = "\x84\xa4repo\x81\xa3len\x03\xa1n\x81\xa3len"
                                  "\x00\xa4"
                                  "flag\x81\xa3len\x00\xa5words\x81\xa3len\x02";
    static const uint8_t full[] = "\x81\xa4path\xa9/srv/ws/x";
    struct authority *a = fix_authority(&world_fix, &fix_alice);
    struct fix_call c = {.tool = "repo.open",
                         .args = "repo=abc;n:=-5;flag?=1;words@=b,a"};
    struct ts_bytes v;

    (void)state;
    fix_decide(&world_fix, a, &c, &world_result);
    v = fix_record_get(&world_result, "args");
    assert_int_equal(v.len, sizeof(lens) - 1);
    assert_memory_equal(v.ptr, lens, v.len);
    c = (struct fix_call){.tool = "fs.read", .args = "path=x"};
    fix_decide(&world_fix, a, &c, &world_result);
    v = fix_record_get(&world_result, "args");
    assert_int_equal(v.len, sizeof(full) - 1);
    assert_memory_equal(v.ptr, full, v.len);
    fix_edit(&world_fix, "tools/fs.read.yaml", "log: full", "log: digest");
    fix_load_ok(&world_fix);
    fix_decide(&world_fix, a, &c, &world_result);
    v = fix_record_get(&world_result, "args");
    assert_int_equal(v.len, 1);
    assert_int_equal(v.ptr[0], 0x80);
    authority_free(a);
}

static void decide_ids_are_unique(void **state)
{
    enum {
        N = 2000
    };
    static uint8_t ids[N][16];
    struct authority *a = fix_authority(&world_fix, &fix_alice);
    struct fix_call c = {.tool = "no.tool", .args = ""};

    (void)state;
    for (int i = 0; i < N; i++) {
        fix_decide(&world_fix, a, &c, &world_result);
        memcpy(ids[i], world_result.d.id, 16);
        for (int j = 0; j < i; j++)
            assert_memory_not_equal(ids[i], ids[j], 16);
    }
    authority_free(a);
}

/* A permit whose record does not fit is taken back: no record, no launch. */
static void decide_record_too_large_is_a_denial(void **state)
{
    struct authority *a = fix_authority(&world_fix, &fix_alice);
    static uint8_t record[TS_RECORD_MAX];
    uint8_t args[512];
    struct call_input call = {.tool = TS_STR_LIT("fs.read"),
                              .args = {args, fix_args("path=x", args, 512)},
                              .now = world_fix.now,
                              .already_denied = CODE_PERMITTED};
    struct decide_input in = {.snapshot = world_fix.snapshot,
                              .authority = a,
                              .call = &call,
                              .meters = world_fix.meters};
    size_t len = 0, whole = 0;
    struct decision d;

    (void)state;
    assert_int_equal(
        decide_call(&in, &world_fix.arena, record, sizeof(record), &whole, &d),
        TS_OK);
    assert_int_equal(d.verdict, VERDICT_PERMIT);
    for (size_t cap = 0; cap < whole; cap++) {
        ts_err e = decide_call(&in, &world_fix.arena, record, cap, &len, &d);

        assert_int_equal(d.verdict, VERDICT_DENY);
        assert_true(e == TS_OK || e == TS_E_LIMIT);
        if (e == TS_OK)
            assert_int_equal(mp_scan(record, len), TS_OK);
        ts_arena_reset(&world_fix.arena);
    }
    authority_free(a);
}

static void decide_text_first_line_is_stable(void **state)
{
    struct authority *a = fix_authority(&world_fix, &fix_alice);
    struct fix_call c = {.tool = "no.tool", .args = ""};
    char line[128], hex[33];

    (void)state;
    fix_decide(&world_fix, a, &c, &world_result);
    ts_hex_encode(hex, world_result.d.id, 16);
    (void)snprintf(line, sizeof(line),
                   "DENIED [tool_unknown] decision %s: do not retry "
                   "unchanged\n",
                   hex);
    assert_int_equal(strncmp(world_result.d.text, line, strlen(line)), 0);
    authority_free(a);
}

static void outcome_record_is_one_strict_map(void **state)
{
    struct outcome o = {.tenant = TS_STR_LIT("acme"),
                        .reason = END_EXITED,
                        .code = CODE_PERMITTED,
                        .started = {.layers = 0xffffffff}};
    uint8_t buf[2048];
    size_t len = 0;

    (void)state;
    for (int reason = 0; reason < END_COUNT_; reason++) {
        o.reason = (enum end_reason)reason;
        o.text = TS_STR_LIT("landlock: not supported");
        assert_int_equal(outcome_record(&o, buf, sizeof(buf), &len), TS_OK);
        assert_int_equal(mp_scan(buf, len), TS_OK);
        assert_null(memmem(buf, len, "absent", 6)); /* it never ran */
        for (size_t cap = 0; cap < len; cap++) {
            size_t untouched = 99;

            assert_int_equal(outcome_record(&o, buf, cap, &untouched),
                             TS_E_LIMIT);
            assert_int_equal(untouched, 99);
        }
    }
}

/* What held, what did not, and what held less than its name says. */
static void outcome_record_says_how_the_tool_was_boxed(void **state)
{
    static const char want[] = "\xa3"
                               "box"
                               "\xa4"
                               "full"
                               "\xa6"
                               "layers"
                               "\x92\xa8"
                               "landlock"
                               "\xa6"
                               "net_ns"
                               "\xa6"
                               "absent"
                               "\xdc\x00\x13\xac"
                               "no_new_privs";
    static const char weak[] = "\xa8"
                               "weakened"
                               "\x91\xa8"
                               "landlock"
                               "\xac"
                               "landlock_abi"
                               "\x03";
    struct outcome o = {.tenant = TS_STR_LIT("acme"),
                        .reason = END_EXITED,
                        .code = CODE_PERMITTED,
                        .started = {.layers = LAYER_LANDLOCK | LAYER_NET_NS,
                                    .weakened = LAYER_LANDLOCK,
                                    .landlock_abi = 3,
                                    .box = BOX_FULL}};
    uint8_t buf[2048];
    size_t len = 0;

    (void)state;
    assert_int_equal(outcome_record(&o, buf, sizeof(buf), &len), TS_OK);
    assert_int_equal(mp_scan(buf, len), TS_OK);
    assert_non_null(memmem(buf, len, want, sizeof(want) - 1));
    assert_non_null(memmem(buf, len, weak, sizeof(weak) - 1));
}

#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(decide_record_has_every_key_in_order),
        T(decide_record_args_follow_the_log_setting),
        T(decide_ids_are_unique),
        T(decide_record_too_large_is_a_denial),
        T(decide_text_first_line_is_stable),
        T(outcome_record_is_one_strict_map),
        T(outcome_record_says_how_the_tool_was_boxed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
