#include "tests/lib/ts_test.h"

#include <string.h>

#include "policy/cedar.h"
#include "tests/lib/fault_mem.h"

static const char policies[] =
    "permit(principal in U::\"g\", action in [Action::\"v\"], "
    "resource is R) when { context.s.contains(principal) && {a: [resource]}.a "
    "== [resource] && \"x\" like \"*x\" };"
    "forbid(principal,action,resource) when { context.none };";
static const char entities[] =
    "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"x\":[1,{\"y\":2}]},"
    "\"parents\":[{\"type\":\"U\",\"id\":\"g\"}],\"tags\":{\"t\":\"\\u0041\"}},"
    "{\"uid\":{\"type\":\"U\",\"id\":\"g\"},\"attrs\":{},\"parents\":[]}]";
static const char context[] = "{\"s\":[{\"__entity\":{\"type\":\"U\",\"id\":"
                              "\"a\"}}],\"n\":1}";

/* Enough copies that every stage needs several chunks of its arena, and that
 * the set is indexed. */
#define COPIES 30

static ts_err scenario(const void *arg)
{
    static char text[COPIES * sizeof(policies)];
    struct cedar_options options = cedar_options_default;
    struct cedar_source ps = {.name = "p"};
    struct cedar_source es = {.name = "e", .text = ts_str_of(entities)};
    struct cedar_source cs = {.name = "c", .text = ts_str_of(context)};
    struct cedar_request req = {
        .principal = cedar_uid_make(TS_STR_LIT("U"), TS_STR_LIT("a")),
        .action = cedar_uid_make(TS_STR_LIT("Action"), TS_STR_LIT("v")),
        .resource = cedar_uid_make(TS_STR_LIT("R"), TS_STR_LIT("r"))};
    struct cedar_policies *p = NULL;
    struct cedar_entities *e = NULL;
    struct cedar_answer a = {0};
    struct ts_arena arena;
    ts_err err;

    (void)arg;
    for (size_t i = 0; i < COPIES; i++)
        memcpy(text + i * (sizeof(policies) - 1), policies,
               sizeof(policies) - 1);
    ps.text = (struct ts_str){text, COPIES * (sizeof(policies) - 1)};
    options.require_id = false;
    ts_arena_init(&arena, 1 << 20);
    if ((err = cedar_policies_parse(&ps, 1, &options, &p, NULL)) == TS_OK &&
        (err = cedar_entities_parse(&es, 1, &e, NULL)) == TS_OK &&
        (err = cedar_value_parse(&arena, &cs, &req.context, NULL)) == TS_OK &&
        (err = cedar_authorize(p, e, &req, &arena, &a)) == TS_OK) {
        assert_int_equal(a.decision, CEDAR_ALLOW);
        assert_int_equal(a.error_count, COPIES);
    }
    cedar_policies_free(p);
    cedar_entities_free(e);
    ts_arena_done(&arena);
    return err;
}

static void engine_any_allocation_failing_leaks_nothing(void **state)
{
    (void)state;
    fault_mem_sweep(scenario, NULL, TS_OK, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(engine_any_allocation_failing_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
