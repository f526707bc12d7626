/* What a log tells of escalations: which one stood behind a decision, and what
 * it opens under another configuration. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "cli/log/line.h"
#include "cli/policy/recorded_escalation.h"
#include "fixture.h"
#include "proto/base/ts_mem.h"
#include "tests/lib/fault_mem.h"

#define ID   "e5000000000000000000000000000001"
#define ID_2 "e5000000000000000000000000000002"

static struct recorded_escalations t;
static struct recorded_call *call;

static int setup(void **state)
{
    (void)state;
    call = ts_mem_alloc(sizeof(*call));
    assert_non_null(call);
    call->recorded.verdict = VERDICT_PERMIT;
    call->call = (struct replay_call){.tenant = TS_STR_LIT("acme"),
                                      .user = TS_STR_LIT("alice"),
                                      .task = TS_STR_LIT("t1"),
                                      .agents = {TS_STR_LIT("coder")},
                                      .agent_count = 1,
                                      .now_ms = FIX_NOW_S * 1000};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fault_mem_disarm();
    recorded_escalations_done(&t);
    ts_mem_free(call);
    return 0;
}

static bool take(const char *text)
{
    json_t *line = log_line_parse(ts_str_of(text));
    bool ok;

    assert_non_null(line);
    ok = recorded_escalations_take(&t, line);
    json_decref(line);
    return ok;
}

static char *began(const char *id, const char *lift, unsigned used)
{
    static char text[2048];

    (void)snprintf(
        text, sizeof(text),
        "{\"kind\":\"escalation\",\"id\":\"%s\",\"tenant\":\"acme\",\"user\":"
        "\"alice\",\"agent\":\"coder\",\"task\":\"t1\",\"people\":[\"bob\","
        "\"carol\"],\"expires\":%llu,\"used\":%u,\"max_uses\":2,\"reason\":"
        "\"production is down\",\"incident\":\"INC-17\",\"policies\":\"permit "
        "(principal, action, resource);\",\"lifts\":[\"%s\"]}",
        id, (unsigned long long)FIX_NOW_S + 600, used, lift);
    return text;
}

static enum recorded_under of(const char *decision,
                              struct recorded_escalation **ret)
{
    json_t *line = log_line_parse(ts_str_of(decision));
    enum recorded_under u;

    assert_non_null(line);
    u = recorded_escalations_of(&t, line, call, ret);
    json_decref(line);
    return u;
}

#define PLAIN "{\"kind\":\"decision\",\"tenant\":\"acme\"}"
#define MADE                                                                   \
    "{\"kind\":\"decision\",\"tenant\":\"acme\",\"order\":1,\"escalation\":"   \
    "\"" ID "\"}"

static void a_decision_is_of_the_one_that_it_names(void **state)
{
    struct recorded_escalation *x = NULL;

    (void)state;
    assert_int_equal(of(MADE, &x), RECORDED_UNDER_UNKNOWN);
    assert_true(take(began(ID, "freeze", 0)));
    assert_int_equal(of(MADE, &x), RECORDED_UNDER_ONE);
    assert_true(ts_str_eq_c(x->is.lifts[0], "freeze"));
    assert_true(ts_str_eq_c(x->people[1], "carol"));
    assert_true(take("{\"kind\":\"escalation_review_due\",\"tenant\":\"acme\","
                     "\"id\":\"" ID "\"}"));
    assert_int_equal(of(MADE, &x), RECORDED_UNDER_ONE); /* it was, then */
    assert_int_equal(of("{\"kind\":\"decision\",\"tenant\":\"beta\","
                        "\"escalation\":\"" ID "\"}",
                        &x),
                     RECORDED_UNDER_UNKNOWN);
}

/* It was there for it, had it been needed. */
static void a_plain_permit_is_of_the_one_in_force(void **state)
{
    struct recorded_escalation *x = NULL;

    (void)state;
    assert_true(take(began(ID, "freeze", 0)));
    assert_int_equal(of(PLAIN, &x), RECORDED_UNDER_ONE);
    call->recorded.verdict = VERDICT_DENY; /* tried, and of no help */
    assert_int_equal(of(PLAIN, &x), RECORDED_UNDER_NONE);
    call->recorded.verdict = VERDICT_PERMIT;
    call->call.agents[0] = TS_STR_LIT("coder/sub");
    assert_int_equal(of(PLAIN, &x), RECORDED_UNDER_ONE);
    call->call.agents[0] = TS_STR_LIT("coderx");
    assert_int_equal(of(PLAIN, &x), RECORDED_UNDER_NONE);
    call->call.agents[0] = TS_STR_LIT("coder");
    call->call.task = TS_STR_LIT("t2");
    assert_int_equal(of(PLAIN, &x), RECORDED_UNDER_NONE);
    call->call.task = TS_STR_LIT("t1");
    call->call.user = TS_STR_LIT("bob");
    assert_int_equal(of(PLAIN, &x), RECORDED_UNDER_NONE);
    call->call.user = TS_STR_LIT("alice");
    call->call.now_ms = (FIX_NOW_S + 600) * 1000;
    assert_int_equal(of(PLAIN, &x), RECORDED_UNDER_NONE);
}

static void used_up_ended_or_interrupted_it_is_there_for_nothing(void **state)
{
    static const char *const ends[] = {
        "{\"kind\":\"escalation_review_due\",\"tenant\":\"acme\",\"id\":\"" ID
        "\"}",
        "{\"kind\":\"start\",\"process\":\"gate\"}"};
    struct recorded_escalation *x = NULL;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_true(take(began(ID, "freeze", 0)));
        assert_int_equal(of(PLAIN, &x), RECORDED_UNDER_ONE);
        assert_true(take(ends[i]));
        assert_int_equal(of(PLAIN, &x), RECORDED_UNDER_NONE);
    }
    assert_true(take(began(ID, "freeze", 1))); /* again, one use is left */
    assert_int_equal(t.count, 1);
    assert_int_equal(of(PLAIN, &x), RECORDED_UNDER_ONE);
    assert_true(take("{\"kind\":\"decision\",\"tenant\":\"acme\","
                     "\"escalation\":\"" ID "\"}")); /* a check: no use */
    assert_int_equal(of(PLAIN, &x), RECORDED_UNDER_ONE);
    assert_true(take(MADE));
    assert_int_equal(of(PLAIN, &x), RECORDED_UNDER_NONE);
}

static void malformed_lines_say_nothing(void **state)
{
    static const char *const lines[] = {
        "{\"kind\":\"escalation\"}",
        "{\"kind\":\"escalation\",\"id\":\"e5\",\"tenant\":\"acme\"}",
        "{\"kind\":\"escalation_review_due\",\"id\":7}",
        "{\"kind\":\"decision\",\"order\":1,\"escalation\":[]}",
        "{\"kind\":\"decision\",\"escalation\":\"zz\"}"};
    static const char *const parts[] = {"\"people\"",  "\"lifts\"",
                                        "\"expires\"", "\"used\"",
                                        "\"tenant\"",  "\"id\""};
    struct recorded_escalation *x = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        assert_true(take(lines[i]));
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        char *text = began(ID, "freeze", 0), *at = strstr(text, parts[i]);

        assert_non_null(at);
        at[1] = 'X';
        assert_true(take(text));
    }
    assert_int_equal(t.count, 0);
    assert_int_equal(of(lines[4], &x), RECORDED_UNDER_UNKNOWN);
}

static void it_is_bounded_and_keeps_what_is_in_force(void **state)
{
    struct recorded_escalation *x = NULL;

    (void)state;
    assert_true(take(began(ID, "freeze", 0)));
    for (unsigned i = 0; i < 2 * RECORDED_ESCALATIONS_MAX; i++) {
        char id[33], end[128];

        (void)snprintf(id, sizeof(id), "a5%030u", i);
        assert_true(take(began(id, "freeze", 0)));
        (void)snprintf(end, sizeof(end),
                       "{\"kind\":\"escalation_review_due\",\"tenant\":"
                       "\"acme\",\"id\":\"%s\"}",
                       id);
        assert_true(take(end));
    }
    assert_int_equal(t.count, RECORDED_ESCALATIONS_MAX);
    assert_int_equal(of(MADE, &x), RECORDED_UNDER_ONE);
}

static void load(struct fixture *f, const char *policy)
{
    fix_init(f);
    fix_add_starter(f, "acme", KEY_ISSUER, KEY_CODER);
    if (policy != NULL)
        fix_set(f, "tenants/acme/policies/hard/90-freeze.cedar", policy);
    fix_load_ok(f);
}

static void what_it_opens_is_what_the_configuration_lets_it(void **state)
{
    struct recorded_escalation *x;
    struct decide_escalation opened;
    struct fixture with, without;
    ts_err e;

    (void)state;
    load(&with, "@id(\"freeze\")\n@breakglass(\"\")\nforbid (principal, "
                "action, resource) when { context.tool == \"x\" };\n");
    load(&without, NULL);
    assert_true(take(began(ID, "freeze", 0)));
    assert_true(take(began(ID_2, "freeze", 0)));
    x = t.list[0];
    assert_true(recorded_escalation_open(x, with.snapshot, 0, &opened, &e));
    assert_non_null(opened.policies);
    assert_int_equal(opened.lift_count, 1);
    assert_false(recorded_escalation_open(x, without.snapshot, 1, &opened, &e));
    assert_int_equal(e, TS_OK);
    assert_non_null(strstr(x->opened[1].why, "freeze"));
    assert_true(recorded_escalation_open(x, with.snapshot, 0, &opened, &e));
    fix_done(&with);
    fix_done(&without);
}

static const struct snapshot *oom_snapshot;

static ts_err take_and_open(const void *arg)
{
    struct recorded_escalations own = {.count = 0};
    struct decide_escalation opened;
    json_t *line = log_line_parse(ts_str_of(began(ID, "freeze", 0)));
    ts_err e = TS_OK;

    (void)arg;
    if (!recorded_escalations_take(&own, line))
        e = TS_E_NOMEM;
    else if (!recorded_escalation_open(own.list[0], oom_snapshot, 0, &opened,
                                       &e) &&
             e == TS_OK)
        e = TS_E_INVALID;
    json_decref(line);
    recorded_escalations_done(&own);
    return e;
}

static void without_memory_it_is_an_error(void **state)
{
    struct fixture f;

    (void)state;
    load(&f, "@id(\"freeze\")\n@breakglass(\"\")\nforbid (principal, action, "
             "resource) when { context.tool == \"x\" };\n");
    oom_snapshot = f.snapshot;
    fault_mem_sweep(take_and_open, NULL, TS_OK, 4);
    fix_done(&f);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_decision_is_of_the_one_that_it_names),
        T(a_plain_permit_is_of_the_one_in_force),
        T(used_up_ended_or_interrupted_it_is_there_for_nothing),
        T(malformed_lines_say_nothing),
        T(it_is_bounded_and_keeps_what_is_in_force),
        T(what_it_opens_is_what_the_configuration_lets_it),
        T(without_memory_it_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
