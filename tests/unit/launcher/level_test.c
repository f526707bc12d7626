/* Every offer of a host, every demand, every limit: what a launch gets. */
#include "tests/lib/ts_test.h"

#include "sidecar/common/layer.h"
#include "sidecar/launcher/tools/level.h"

/* given: bit i for level i. Layers as level_layers says, the uid too. */
static struct level_offer offer_of(unsigned given, bool uid_in_full)
{
    struct level_offer o = {0};

    for (int i = BOX_BARE; i < LEVEL_COUNT; i++) {
        o.given[i] = (given >> i & 1u) != 0;
        if (!o.given[i])
            continue;
        o.layers[i] = level_layers((enum box_level)i);
        if (i >= BOX_FULL && uid_in_full)
            o.layers[i] |= LAYER_UID;
    }
    return o;
}

static void check(const struct level_offer *o, const struct level_want *w)
{
    enum box_level got = BOX_ANY, least;
    uint32_t missing = 0;
    bool possible = false;
    ts_err e = level_choose(o, w, &got, &missing);

    least = w->least[0] > w->least[1] ? w->least[0] : w->least[1];
    for (int i = BOX_BARE; i < LEVEL_COUNT; i++)
        possible |= o->given[i] && i >= (int)least &&
                    (w->most == BOX_ANY || i <= (int)w->most) &&
                    (w->require & ~o->layers[i]) == 0;
    if (!possible) {
        assert_int_equal(e, TS_E_UNSUPPORTED);
        assert_int_equal(got, BOX_ANY);
        assert_true(missing != 0 && (missing & (missing - 1)) == 0);
        assert_string_not_equal(layer_name(missing), "unknown");
        return;
    }
    assert_int_equal(e, TS_OK);
    assert_true(o->given[got]);
    assert_true(got >= least);
    assert_true(w->most == BOX_ANY || got <= w->most);
    assert_int_equal(w->require & ~o->layers[got], 0);
    /* nothing better would have done, but "strict" for no reason */
    for (int i = (int)got + 1; i <= BOX_FULL; i++)
        assert_false(o->given[i] && (w->most == BOX_ANY || i <= (int)w->most) &&
                     (w->require & ~o->layers[i]) == 0);
    if (got == BOX_STRICT && least != BOX_STRICT) {
        for (int i = BOX_BARE; i <= BOX_FULL; i++)
            assert_false(o->given[i] && i >= (int)least &&
                         (w->require & ~o->layers[i]) == 0 &&
                         (w->most == BOX_ANY || i <= (int)w->most));
    }
}

static void every_offer_and_demand_is_met_or_refused(void **state)
{
    static const uint32_t require[] = {
        0,
        LAYER_UID,
        LAYER_NAMESPACES,
        LAYER_NO_WX,
        LAYER_CGROUP,
        (uint32_t)LAYER_UID | (uint32_t)LAYER_NET_NS};

    (void)state;
    for (unsigned given = 0; given < 32; given += 2)
        for (int a = 0; a < LEVEL_COUNT; a++)
            for (int b = 0; b < LEVEL_COUNT; b++)
                for (int most = 0; most < LEVEL_COUNT; most++)
                    for (size_t r = 0; r < 12; r++) {
                        const struct level_offer o =
                            offer_of(given, r % 2 == 0);
                        const struct level_want w = {
                            {(enum box_level)a, (enum box_level)b},
                            (enum box_level)most,
                            require[r / 2]};

                        check(&o, &w);
                    }
}

/* Whatever is asked for, and however little: a box without them is none. */
static void what_the_profile_demands_holds_in_every_box(void **state)
{
    (void)state;
    for (unsigned given = 0; given < 32; given += 2)
        for (int least = 0; least < LEVEL_COUNT; least++) {
            struct level_offer o = offer_of(given, true);
            const struct level_want w = {
                {(enum box_level)least, BOX_ANY}, BOX_ANY, 0};
            enum box_level got = BOX_ANY;
            uint32_t missing = 0;
            bool has_full = (given & (1u << BOX_FULL | 1u << BOX_STRICT)) != 0;

            o.demands = LAYER_NET_NS;
            if (level_choose(&o, &w, &got, &missing) == TS_OK)
                assert_true((o.layers[got] & LAYER_NET_NS) != 0);
            else if (least < BOX_UID && given != 0)
                assert_int_equal(missing, LAYER_NET_NS);
            if (least < BOX_FULL)
                assert_int_equal(got != BOX_ANY, has_full);
        }
}

static void refusal_names_what_a_level_lacks(void **state)
{
    static const struct {
        unsigned given;
        enum box_level least;
        uint32_t missing;
    } cases[] = {
        {1u << BOX_BARE, BOX_UID, LAYER_UID},
        {1u << BOX_BARE, BOX_FULL, LAYER_NAMESPACES},
        {1u << BOX_BARE | 1u << BOX_UID, BOX_FULL, LAYER_NAMESPACES},
        {1u << BOX_BARE | 1u << BOX_FULL, BOX_STRICT, LAYER_NO_WX},
        {1u << BOX_BARE, BOX_STRICT, LAYER_NAMESPACES},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct level_offer o = offer_of(cases[i].given, false);
        const struct level_want w = {{cases[i].least, BOX_ANY}, BOX_ANY, 0};
        enum box_level got = BOX_ANY;
        uint32_t missing = 0;

        assert_int_equal(level_choose(&o, &w, &got, &missing),
                         TS_E_UNSUPPORTED);
        assert_int_equal(missing, cases[i].missing);
    }
}

static void strict_is_given_on_demand_only(void **state)
{
    const struct level_offer o = offer_of(30, true);
    struct level_want w = {{BOX_ANY, BOX_ANY}, BOX_ANY, 0};
    enum box_level got = BOX_ANY;
    uint32_t missing;

    (void)state;
    assert_int_equal(level_choose(&o, &w, &got, &missing), TS_OK);
    assert_int_equal(got, BOX_FULL);
    w.require = LAYER_OWN_FILTER;
    assert_int_equal(level_choose(&o, &w, &got, &missing), TS_OK);
    assert_int_equal(got, BOX_STRICT);
    w.require = 0;
    w.least[1] = BOX_STRICT;
    assert_int_equal(level_choose(&o, &w, &got, &missing), TS_OK);
    assert_int_equal(got, BOX_STRICT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_offer_and_demand_is_met_or_refused),
        cmocka_unit_test(what_the_profile_demands_holds_in_every_box),
        cmocka_unit_test(refusal_names_what_a_level_lacks),
        cmocka_unit_test(strict_is_given_on_demand_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
