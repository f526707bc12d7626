/* What is left of an offer when the canary has been everywhere. */
#include <stdio.h>
#include <string.h>

#include "sidecar/common/layer.h"
#include "sidecar/launcher/canary/trial.h"
#include "tests/lib/ts_test.h"

static const char good[] = "0000000000000000";

static struct trial judge(bool in_time, int code, const char *out,
                          uint32_t layers, uint64_t gives)
{
    const struct trial_report r = {.in_time = in_time,
                                   .exit_code = code,
                                   .out = ts_str_of(out),
                                   .layers = layers,
                                   .gives = gives};

    return trial_judge(&r);
}

static void trial_judge_knows_every_end(void **s)
{
    struct trial t;

    (void)s;
    assert_int_equal(judge(true, 0, good, LAYER_BITS_ALL, 0).end, TRIAL_GOOD);
    assert_int_equal(judge(false, 0, good, LAYER_BITS_ALL, 0).end, TRIAL_TIME);
    assert_int_equal(judge(true, 1, good, LAYER_BITS_ALL, 0).end,
                     TRIAL_NOT_UNDERSTOOD);
    assert_int_equal(judge(true, -1, good, LAYER_BITS_ALL, 0).end,
                     TRIAL_NOT_UNDERSTOOD);
    assert_int_equal(judge(true, 0, "", LAYER_BITS_ALL, 0).end,
                     TRIAL_NOT_UNDERSTOOD);
    assert_int_equal(judge(true, 0, "0000000000000000\n", LAYER_FLOOR, 0).end,
                     TRIAL_NOT_UNDERSTOOD);
    t = judge(true, 0, "0000000000000001", LAYER_FLOOR, 0);
    assert_int_equal(t.end, TRIAL_HOLE);
    assert_int_equal(t.holes, CANARY(READ_OUTSIDE));
    assert_false(t.is_expected);
}

static void only_a_profile_with_sockets_is_expected_to_lead_out(void **s)
{
    const uint64_t out = CANARY(REACH_NETWORK), given = CANARY(SOCKET_INET);
    char text[CANARY_DIGITS + 1];

    (void)s;
    (void)snprintf(text, sizeof(text), "%016llx",
                   (unsigned long long)(out | given));
    assert_true(judge(true, 0, text, LAYER_FLOOR, given).is_expected);
    assert_int_equal(judge(true, 0, text, LAYER_FLOOR, given).end, TRIAL_HOLE);
    assert_false(judge(true, 0, text, LAYER_FLOOR, 0).is_expected);
    assert_false(
        judge(true, 0, text, LAYER_FLOOR | (uint32_t)LAYER_NET_NS, given)
            .is_expected);
}

static void a_step_names_each_hole_and_every_other_end(void **s)
{
    char want[64];

    (void)s;
    for (unsigned b = 0; b < CANARY_BITS; b++) {
        /* the first one is named, whatever else is open */
        const struct trial t = {.end = TRIAL_HOLE,
                                .holes = ~UINT64_C(0) << b &
                                         ((UINT64_C(1) << CANARY_BITS) - 1)};

        assert_memory_equal(trial_step(&t), "canary:", 7);
        for (unsigned c = 0; c < b; c++) {
            const struct trial u = {.end = TRIAL_HOLE,
                                    .holes = UINT64_C(1) << c};

            assert_string_not_equal(trial_step(&t), trial_step(&u));
        }
    }
    (void)snprintf(want, sizeof(want), "canary:READ_OUTSIDE");
    assert_string_equal(
        trial_step(&(struct trial){.end = TRIAL_HOLE, .holes = 1}), want);
    assert_null(trial_step(&(struct trial){.end = TRIAL_GOOD}));
    assert_string_equal(trial_step(&(struct trial){.end = TRIAL_NO_START}),
                        "canary:start");
    assert_string_equal(trial_step(&(struct trial){.end = TRIAL_NONE}),
                        "canary:start");
    assert_string_equal(trial_step(&(struct trial){.end = TRIAL_TIME}),
                        "canary:time");
    assert_string_equal(
        trial_step(&(struct trial){.end = TRIAL_NOT_UNDERSTOOD}),
        "canary:output");
}

static struct level_offer all_levels(void)
{
    struct level_offer o = {0};

    for (int i = BOX_BARE; i < LEVEL_COUNT; i++) {
        o.given[i] = true;
        o.layers[i] = level_layers((enum box_level)i);
    }
    return o;
}

/* Over every combination of levels and every end. */
static void exactly_the_levels_that_are_not_good_are_taken(void **s)
{
    static const enum trial_end ends[] = {TRIAL_NONE, TRIAL_HOLE,
                                          TRIAL_NO_START, TRIAL_TIME,
                                          TRIAL_NOT_UNDERSTOOD};

    (void)s;
    for (unsigned mask = 0; mask < 16; mask++) {
        for (size_t k = 0; k < sizeof(ends) / sizeof(ends[0]); k++) {
            struct trials t = {.before = all_levels()};
            struct level_offer o = t.before;

            for (unsigned i = 0; i < 4; i++)
                t.level[BOX_BARE + i].end =
                    (mask >> i & 1) != 0 ? TRIAL_GOOD : ends[k];
            trials_apply(&t, &o);
            for (unsigned i = 0; i < 4; i++) {
                bool stays = (mask >> i & 1) != 0;

                assert_int_equal(o.given[BOX_BARE + i], stays);
                assert_int_equal(o.layers[BOX_BARE + i],
                                 stays ? t.before.layers[BOX_BARE + i] : 0);
            }
        }
    }
}

static void nothing_is_explained_that_the_canary_did_not_take(void **s)
{
    struct manifest m = {.tool = TS_STR_LIT("t")};
    struct manifests all = {.list = &m, .count = 1, .generation = 3};
    const struct order_context c = {.current = &all, .most = BOX_ANY};
    struct order o = {.generation = 3, .tool = TS_STR_LIT("t")};
    struct trials t = {.before = all_levels()};
    struct order_refusal r = {.code = CODE_SANDBOX_UNAVAILABLE, .step = "uid"};

    (void)s;
    for (int i = 0; i < LEVEL_COUNT; i++)
        t.level[i].end = TRIAL_GOOD;
    trials_explain(&t, &c, &o, &r);
    assert_string_equal(r.step, "uid");
    t.level[BOX_FULL] =
        (struct trial){.end = TRIAL_HOLE, .holes = CANARY(MOUNT)};
    trials_explain(&t, &c, &o, &r);
    assert_string_equal(r.step, "canary:MOUNT");
    assert_non_null(strstr(r.text, "level full could mount"));
    r = (struct order_refusal){.code = CODE_SANDBOX_UNAVAILABLE, .step = "x"};
    o.require = LAYER_CGROUP; /* nobody had that anyway */
    trials_explain(&t, &c, &o, &r);
    assert_string_equal(r.step, "x");
    o.require = 0;
    o.tool = TS_STR_LIT("unknown");
    trials_explain(&t, &c, &o, &r);
    assert_string_equal(r.step, "x");
    o.tool = TS_STR_LIT("t");
    o.generation = 4;
    trials_explain(&t, &c, &o, &r);
    assert_string_equal(r.step, "x");
    r.code = CODE_BAD_ARGUMENTS;
    o.generation = 3;
    trials_explain(&t, &c, &o, &r);
    assert_string_equal(r.step, "x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trial_judge_knows_every_end),
        cmocka_unit_test(only_a_profile_with_sockets_is_expected_to_lead_out),
        cmocka_unit_test(a_step_names_each_hole_and_every_other_end),
        cmocka_unit_test(exactly_the_levels_that_are_not_good_are_taken),
        cmocka_unit_test(nothing_is_explained_that_the_canary_did_not_take),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
