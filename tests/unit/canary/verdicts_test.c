/* What the canary may say, and what of it is a hole. */
#include <string.h>

#include "proto/msg/order.h"
#include "sidecar/launcher/canary/verdicts.h"
#include "tests/lib/ts_test.h"

static const uint64_t everything = (UINT64_C(1) << CANARY_BITS) - 1;

static void every_probe_is_a_hole_under_all_layers_but_what_tmp_gives(void **s)
{
    /* where nothing of the host is there its output is still its launcher's */
    const uint64_t all = everything & ~CANARY(CHANGE_MODE);

    (void)s;
    assert_int_equal(canary_holes(everything, LAYER_BITS_ALL, 0),
                     all & ~CANARY(WRITE_OUTSIDE));
    assert_int_equal(canary_holes(everything,
                                  LAYER_BITS_ALL & ~(uint32_t)LAYER_PRIVATE_TMP,
                                  0),
                     all);
    assert_int_equal(canary_holes(everything, LAYER_METADATA, 0),
                     CANARY(CHANGE_MODE) | CANARY(FOREIGN_CPUS) |
                         CANARY(CAPABILITY));
}

static void without_layers_only_a_capability_is_a_hole(void **s)
{
    (void)s;
    assert_int_equal(canary_holes(everything, 0, 0), 0);
    assert_int_equal(canary_holes(everything, LAYER_SESSION, 0),
                     CANARY(TERMINAL) | CANARY(CAPABILITY));
}

static void each_layer_alone_is_missed_by_some_probe(void **s)
{
    static const uint32_t seen =
        (uint32_t)(LAYER_NO_NEW_PRIVS | LAYER_SECCOMP | LAYER_LANDLOCK |
                   LAYER_FDS_CLOSED | LAYER_CLEAN_ENV | LAYER_SESSION |
                   LAYER_UID | LAYER_NAMESPACES | LAYER_NET_NS |
                   LAYER_OWN_PROC | LAYER_NO_WX | LAYER_LANDLOCK_SCOPE |
                   LAYER_METADATA);

    (void)s;
    for (uint32_t b = 1; b < LAYER_BITS_ALL; b <<= 1) {
        if ((seen & b) != 0)
            assert_int_not_equal(
                canary_holes(everything, b, 0) & ~CANARY(CAPABILITY), 0);
    }
}

static void a_profile_cannot_allow_a_way_out(void **s)
{
    const uint64_t given = everything;

    (void)s;
    assert_int_equal(
        canary_holes(everything, LAYER_BITS_ALL, given) & ~CANARY(IS_ROOT),
        CANARY(REACH_NETWORK) | CANARY(CAPABILITY) | CANARY(NEW_PRIVS));
    assert_int_equal(
        canary_holes(CANARY(SOCKET_INET), LAYER_SECCOMP, CANARY(SOCKET_INET)),
        0);
}

static void what_is_printed_is_read_back_strictly(void **s)
{
    static const char *const wrong[] = {
        "",
        "000000000000000",
        "00000000000000000",
        "000000000000000G",
        "000000000000000A",
        "0000000200000000", /* one bit beyond the last */
        "ffffffffffffffff",
        "0x00000000000000",
        "00000000 0000000",
    };
    uint64_t v = 7;

    (void)s;
    assert_true(canary_parse(ts_str_of("000000003f3fffff"), &v));
    assert_int_equal(v, 0x3f3fffff);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        v = 7;
        assert_false(canary_parse(ts_str_of(wrong[i]), &v));
        assert_int_equal(v, 7);
    }
}

static void every_probe_has_a_name_and_a_sentence(void **s)
{
    (void)s;
    for (unsigned b = 0; b < CANARY_BITS; b++) {
        assert_true(strlen(canary_name((enum canary_bit)b)) > 2);
        assert_true(strlen(canary_what((enum canary_bit)b)) > 4);
    }
    assert_string_equal(canary_name(CANARY_BITS), "UNKNOWN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            every_probe_is_a_hole_under_all_layers_but_what_tmp_gives),
        cmocka_unit_test(without_layers_only_a_capability_is_a_hole),
        cmocka_unit_test(each_layer_alone_is_missed_by_some_probe),
        cmocka_unit_test(a_profile_cannot_allow_a_way_out),
        cmocka_unit_test(what_is_printed_is_read_back_strictly),
        cmocka_unit_test(every_probe_has_a_name_and_a_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
