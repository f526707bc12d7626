/* Every allocation of what is made of records fails once: shapes of tools and
 * what is learned of them, delegations, what an agent may choose, what is said
 * of outputs, the configuration, and a session that cannot begin. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/replay/config.h"
#include "cli/replay/outputs.h"
#include "cli/replay/plan.h"
#include "cli/replay/reach.h"
#include "cli/replay/session.h"
#include "proto/base/ts_fd.h"
#include "tests/lib/fault_mem.h"
#include "tests/lib/ts_test.h"

#define ARENA_MAX ((size_t)16 << 20)

static const char folder[] = "/tmp/tipstaff-oom-plan.XXXXXX";
struct world {
    struct traces traces;
    char dir[sizeof(folder)], policies[64], outputs[64];
    struct replay_keys keys;
};
static struct world w;

static void put(const char *name, const char *text)
{
    char path[128];
    int fd;

    (void)snprintf(path, sizeof(path), "%s/%s", w.dir, name);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ts_fd_write_all(fd, text, strlen(text)), TS_OK);
    ts_fd_close(&fd);
}

static const char *const names[] = {
    "x_tools.jsonl",
    "x_user_tasks.jsonl",
    "x_delegations.jsonl",
    "outputs.yaml",
    "p/hard/a.cedar",
    "p/hard",
    "p",
};

static int make(void **state)
{
    char path[128];

    (void)state;
    memcpy(w.dir, folder, sizeof(folder));
    assert_non_null(mkdtemp(w.dir));
    (void)snprintf(w.policies, sizeof(w.policies), "%s/p", w.dir);
    (void)snprintf(w.outputs, sizeof(w.outputs), "%s/outputs.yaml", w.dir);
    assert_int_equal(mkdir(w.policies, 0700), 0);
    (void)snprintf(path, sizeof(path), "%s/p/hard", w.dir);
    assert_int_equal(mkdir(path, 0700), 0);
    put("p/hard/a.cedar", "@id(\"a\") permit (principal, action, resource);\n");
    put("outputs.yaml", "look: {selectors: {email: [\"/*/from\"]}, vouches: "
                        "[\"/0\"], ids: [\"/*/id\"]}\n");
    put("x_tools.jsonl",
        "{\"suite\":\"s\",\"tool\":\"look\",\"effect\":\"R\",\"parameters\":{},"
        "\"authority_args\":[],\"content_args\":[],\"untrusted_F_patterns\":"
        "[\"*/body\"]}\n"
        "{\"suite\":\"s\",\"tool\":\"send\",\"effect\":\"X\",\"parameters\":{"
        "\"to\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"
        "\"body\":{\"type\":\"string\"}},\"authority_args\":[\"to\"],"
        "\"content_args\":[\"body\"],\"required\":[\"to\",\"body\"]}\n");
    put("x_user_tasks.jsonl",
        "{\"suite\":\"s\",\"task_id\":\"t\",\"user_task\":\"Tell "
        "Ann@x.example \\\"hello\\\".\",\"calls\":[{\"tool\":\"look\","
        "\"args\":{},\"output\":[{\"id\":7,\"from\":\"bob@x.example\","
        "\"body\":\"x\"}],\"untrusted_F\":[\"/0/body\"]},{\"tool\":\"send\","
        "\"args\":{\"to\":[\"ann@X.example\"],\"body\":\"hello\"},"
        "\"output\":{}}]}\n");
    put("x_delegations.jsonl",
        "{\"suite\":\"s\",\"task_id\":\"t\",\"labels\":\"F\",\"capabilities\":"
        "[{\"tool\":\"send\",\"max_calls\":1,\"args\":{\"to\":[{\"in\":["
        "\"ann@x.example\"]},{\"from\":[[\"look\",\"/*/from\"]]}]}}]}\n");
    if (!traces_load(w.dir, &w.traces) || trust_init() != TS_OK ||
        !replay_keys_make(&w.keys))
        return -1;
    /* Each refusal is printed. */
    return freopen("/dev/null", "w", stderr) != NULL ? 0 : -1;
}

static int unmake(void **state)
{
    char path[128];

    (void)state;
    traces_done(&w.traces);
    replay_keys_done(&w.keys);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", w.dir, names[i]);
        (void)remove(path);
    }
    return rmdir(w.dir);
}

struct shaped {
    struct ts_arena arena;
    struct shape shape;
    struct plan plan;
};

static bool shaped(struct shaped *s)
{
    ts_arena_init(&s->arena, ARENA_MAX);
    s->shape = (struct shape){.count = 0};
    s->plan = (struct plan){.traces = &w.traces,
                            .shape = &s->shape,
                            .has_provenance = true,
                            .has_uses = true};
    if (shape_of(&w.traces, "s", TRACES_F, &s->arena, &s->shape))
        return true;
    ts_arena_done(&s->arena);
    return false;
}

static void shaped_done(struct shaped *s)
{
    shape_done(&s->shape);
    ts_arena_done(&s->arena);
}

static ts_err shape(const void *arg)
{
    struct shaped s;

    (void)arg;
    if (!shaped(&s))
        return TS_E_NOMEM;
    shaped_done(&s);
    return TS_OK;
}

/* A block that there is no memory for is not one that is too large. */
static ts_err plan(const void *sources)
{
    const struct traces_record *task = traces_task(&w.traces, "s", "t");
    struct shaped s;
    struct text out;
    bool only_reads = false, ok;

    if (!shaped(&s))
        return TS_E_NOMEM;
    s.plan.sources = *(const enum plan_sources *)sources;
    text_init(&out, (size_t)4 * CAPABILITY_POLICY_MAX);
    ok = plan_policy(&s.plan, task, &out, &only_reads);
    if (ok && (only_reads || out.failed || out.buf.len == 0))
        fail_msg("a delegation without its verbs");
    text_done(&out);
    shaped_done(&s);
    return ok ? TS_OK : TS_E_NOMEM;
}

static ts_err pool(const void *arg)
{
    const struct traces_record *task = traces_task(&w.traces, "s", "t");
    const struct shape_tool *tool;
    struct shaped s;
    json_t *list;

    (void)arg;
    if (!shaped(&s))
        return TS_E_NOMEM;
    tool = shape_tool_of(&s.shape, "send");
    list = reach_pool(&s.plan, task, tool, &tool->args[0]);
    if (list != NULL && json_array_size(list) < 2)
        fail_msg("addresses are missing");
    json_decref(list);
    shaped_done(&s);
    return list != NULL ? TS_OK : TS_E_NOMEM;
}

static ts_err outputs(const void *arg)
{
    json_t *o = NULL;

    (void)arg;
    if (!outputs_load(w.outputs, w.traces.tools, &o))
        return TS_E_NOMEM;
    json_decref(o);
    return TS_OK;
}

static ts_err bundle(const void *arg)
{
    struct replay_config c = {.traces = &w.traces,
                              .keys = &w.keys,
                              .policies = w.policies,
                              .is_plain = *(const bool *)arg};
    struct shaped s;
    int fd;

    if (!shaped(&s))
        return TS_E_NOMEM;
    c.shape = &s.shape;
    fd = replay_bundle(&c, &s.arena);
    shaped_done(&s);
    if (fd < 0)
        return TS_E_NOMEM;
    ts_fd_close(&fd);
    return TS_OK;
}

/* Nobody listens there: it must not begin, and must leave nothing. */
static ts_err session(const void *arg)
{
    struct replay_gate gate = REPLAY_GATE_NONE;
    struct replay_session s;
    struct replay_task task = {.name = "t",
                               .policy = TS_STR_LIT("permit (principal, "
                                                    "action, resource);"),
                               .prompt = "Say hello."};
    struct shape none = {.count = 0};

    (void)arg;
    (void)snprintf(gate.dir, sizeof(gate.dir), "%s", w.dir);
    if (replay_session_open(&s, &gate, &w.keys, &none, &task))
        fail_msg("a session without a gate");
    return fault_mem_fired() ? TS_E_NOMEM : TS_OK;
}

static void shapes_of_tools(void **state)
{
    (void)state;
    fault_mem_sweep(shape, NULL, TS_OK, 1);
}

static void delegations(void **state)
{
    static const enum plan_sources all[] = {PLAN_NAMED, PLAN_NONE, PLAN_ANY};

    (void)state;
    for (size_t i = 0; i < 3; i++)
        fault_mem_sweep(plan, &all[i], TS_OK, 4);
}

static void what_an_agent_may_choose(void **state)
{
    (void)state;
    fault_mem_sweep(pool, NULL, TS_OK, 1);
}

static void what_is_said_of_outputs(void **state)
{
    (void)state;
    fault_mem_sweep(outputs, NULL, TS_OK, 2);
}

static void the_configuration(void **state)
{
    static const bool plain[] = {false, true};

    (void)state;
    for (size_t i = 0; i < 2; i++)
        fault_mem_sweep(bundle, &plain[i], TS_OK, 10);
}

static void a_session_that_cannot_begin(void **state)
{
    static const char *const left[] = {"chain", "chain.origin", "key"};
    char path[128];

    (void)state;
    fault_mem_sweep(session, NULL, TS_OK, 4);
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", w.dir, left[i]);
        (void)unlink(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_of_tools),
        cmocka_unit_test(delegations),
        cmocka_unit_test(what_an_agent_may_choose),
        cmocka_unit_test(what_is_said_of_outputs),
        cmocka_unit_test(the_configuration),
        cmocka_unit_test(a_session_that_cannot_begin),
    };

    return cmocka_run_group_tests(tests, make, unmake);
}
