/* Launchers with a hole, and canaries that do not do their work: what is still
 * served then. */
#include "harness.h"

#include <string.h>
#include <unistd.h>

#include "sidecar/common/layer.h"
#include "tests/lib/ts_test.h"

static struct box box;

#define LEVELS 4
static const enum box_level levels[LEVELS] = {BOX_BARE, BOX_UID, BOX_FULL,
                                              BOX_STRICT};

/* One launcher that may give no more than this level (strict is on demand). */
static void run_at(enum box_level level, const struct box_parts *parts,
                   struct outcome *ret)
{
    const struct call c = {
        .tool = "plain", .what = "exit", .arg = "0", .box = level};

    box_open_with(&box, level == BOX_STRICT ? BOX_ANY : level, getuid() == 0,
                  parts);
    box_run(&box, &c, ret);
    box_close(&box);
}

static bool can_have(enum box_level level)
{
    const struct box_parts usual = {.launcher = NULL};
    struct outcome o;

    run_at(level, &usual, &o);
    if (!o.started)
        print_message("SKIPPED: %s is not given here\n", box_level_name(level));
    return o.started;
}

/* steps[i]: how level i is refused; NULL: it is served. */
static void expect(const struct box_parts *parts,
                   const char *const steps[LEVELS])
{
    for (int i = 0; i < LEVELS; i++) {
        struct outcome o;

        if (!can_have(levels[i]))
            continue;
        run_at(levels[i], parts, &o);
        if (o.started != (steps[i] == NULL))
            fail_msg("level %s: %s", box_level_name(levels[i]),
                     o.started ? "is served" : o.step);
        if (o.started) {
            assert_int_equal(o.on_start.box, levels[i]);
            continue;
        }
        assert_int_equal(o.code, CODE_SANDBOX_UNAVAILABLE);
        assert_string_equal(o.step, steps[i]);
        assert_non_null(strstr(o.text, box_level_name(levels[i])));
    }
}

static void
a_ruleset_that_grants_reading_costs_what_has_no_root_of_its_own(void **s)
{
    const struct box_parts p = {.launcher = LEAKY "files"};
    const char *const steps[LEVELS] = {"canary:READ_OUTSIDE",
                                       "canary:READ_OUTSIDE", NULL, NULL};

    (void)s;
    expect(&p, steps);
}

static void a_ruleset_that_grants_tmp_costs_what_has_none_of_its_own(void **s)
{
    const struct box_parts p = {.launcher = LEAKY "tmp"};
    const char *const steps[LEVELS] = {"canary:WRITE_OUTSIDE",
                                       "canary:WRITE_OUTSIDE", NULL, NULL};

    (void)s;
    expect(&p, steps);
}

static void namespaces_that_are_not_entered_cost_full_and_strict(void **s)
{
    const struct box_parts p = {.launcher = LEAKY "space"};
    const char *const steps[LEVELS] = {NULL, NULL, "canary:STAT_OUTSIDE",
                                       "canary:STAT_OUTSIDE"};

    (void)s;
    expect(&p, steps);
}

static void a_user_that_is_not_changed_costs_what_promises_one(void **s)
{
    const struct box_parts p = {.launcher = LEAKY "uid"};
    const char *const steps[LEVELS] = {
        NULL, "canary:SHARED_UID", "canary:SHARED_UID", "canary:SHARED_UID"};

    (void)s;
    if (getuid() == 0) /* others have no uids to give */
        expect(&p, steps);
    else
        print_message("SKIPPED: needs root\n");
}

static void without_its_filter_a_launcher_serves_nothing(void **s)
{
    const struct box_parts p = {.launcher = LEAKY "filter"};
    const char *const steps[LEVELS] = {"canary:SOCKET_INET",
                                       "canary:SOCKET_INET",
                                       "canary:SOCKET_INET", "canary:TRACE"};

    (void)s;
    expect(&p, steps);
}

static void a_canary_that_is_not_there_costs_everything(void **s)
{
    const struct box_parts p = {.canary = ""};
    const char *const steps[LEVELS] = {"canary:start", "canary:start",
                                       "canary:start", "canary:start"};

    (void)s;
    expect(&p, steps);
}

static void a_canary_that_talks_nonsense_costs_everything(void **s)
{
    static const char *const scripts[] = {
        "echo hello",
        "exit 0",
        "printf 0000000000000000; exit 3",
        "printf 0000000000000000; kill -9 $$",
        "printf ffffffffffffffff",
        "printf 00000000000000000",
    };
    const char *const steps[LEVELS] = {"canary:output", "canary:output",
                                       "canary:output", "canary:output"};

    (void)s;
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        const struct box_parts p = {.canary_script = scripts[i]};
        struct outcome o;

        if (i == 0) {
            expect(&p, steps);
            continue;
        }
        run_at(BOX_BARE, &p, &o);
        assert_false(o.started);
        assert_string_equal(o.step, "canary:output");
    }
}

static void a_canary_that_does_not_end_is_ended(void **s)
{
    const struct box_parts p = {.canary_script = "kill -STOP $$"};
    struct outcome o;

    (void)s;
    run_at(BOX_BARE, &p, &o);
    assert_false(o.started);
    assert_string_equal(o.step, "canary:time");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_ruleset_that_grants_reading_costs_what_has_no_root_of_its_own),
        cmocka_unit_test(
            a_ruleset_that_grants_tmp_costs_what_has_none_of_its_own),
        cmocka_unit_test(namespaces_that_are_not_entered_cost_full_and_strict),
        cmocka_unit_test(a_user_that_is_not_changed_costs_what_promises_one),
        cmocka_unit_test(without_its_filter_a_launcher_serves_nothing),
        cmocka_unit_test(a_canary_that_is_not_there_costs_everything),
        cmocka_unit_test(a_canary_that_talks_nonsense_costs_everything),
        cmocka_unit_test(a_canary_that_does_not_end_is_ended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
