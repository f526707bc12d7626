/* tipstaff replay: recorded calls through a real gate, and what came of them.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/opts.h"
#include "cli/replay/drive.h"
#include "cli/replay/replay.h"
#include "cli/replay/score.h"
#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"

#define ARENA_MAX ((size_t)256 << 20)
#define SUITES    64

struct options {
    const char *dir, *labels, *policies, *task, *reference;
    uint64_t limit;
    bool json, calls, rubber_stamp;
    enum traces_label label;
};

struct replay {
    const struct options *o;
    struct traces traces;
    const char *suites[SUITES];
    size_t suite_count;
    struct score *score;         /* owned */
    struct drive_result *result; /* owned */
    bool shows_progress;
};

static bool wanted(const struct replay *r, size_t i)
{
    const struct traces_record *t = &r->traces.records[i];

    return (r->o->task == NULL || strcmp(t->id, r->o->task) == 0) &&
           (r->o->limit == 0 || r->score->sessions < r->o->limit);
}

static void progress(const struct replay *r, size_t i)
{
    if (r->shows_progress && i % 16 == 0)
        (void)fprintf(stderr, "\r%zu of %zu", i, r->traces.count);
}

static void say_calls(const struct traces_record *t,
                      const struct drive_result *d)
{
    char verdicts[DRIVE_CALLS_MAX + 1];
    json_t *line;

    drive_string(d, verdicts);
    line = json_pack("{s:s, s:s, s:s}", "suite", t->suite, "task_id", t->id,
                     "decisions", verdicts);
    (void)json_dumpf(line, stdout, JSON_COMPACT);
    (void)fputc('\n', stdout);
    json_decref(line);
}

static bool records(struct replay *r, const struct drive *d, const char *suite)
{
    for (size_t i = 0; i < r->traces.count; i++) {
        const struct traces_record *t = &r->traces.records[i];

        if (strcmp(t->suite, suite) != 0 || !wanted(r, i))
            continue;
        progress(r, i);
        if (!drive_record(d, t, r->result)) {
            cli_error("%s, %s: stopped here", t->suite, t->id);
            return false;
        }
        if (r->result->is_long)
            cli_error("%s, %s: only the first %d calls count", t->suite, t->id,
                      DRIVE_CALLS_MAX);
        if (r->o->calls)
            say_calls(t, r->result);
        /* Runs carry the id of their task, and are not what was judged. */
        score_add(r->score, t, r->result,
                  t->kind == TRACES_RUN
                      ? NULL
                      : traces_reference(&r->traces, r->o->reference,
                                         r->o->label, t));
    }
    return true;
}

static bool suite(struct replay *r, const char *name)
{
    struct replay_keys keys;
    struct replay_gate gate;
    struct ts_arena arena;
    struct shape shape = {.count = 0};
    struct drive d = {.plan = {.traces = &r->traces,
                               .shape = &shape,
                               .has_provenance = true,
                               .label = r->o->label},
                      .gate = &gate,
                      .people_say_yes = r->o->rubber_stamp,
                      .keys = &keys};
    int bundle TS_CLEANUP(ts_fd_close) = -1;
    bool ok;

    if (!replay_keys_make(&keys))
        return false;
    ts_arena_init(&arena, ARENA_MAX);
    ok = shape_of(&r->traces, name, r->o->label, &arena, &shape);
    if (ok) {
        bundle =
            replay_bundle(&shape, &r->traces, &keys, r->o->policies, &arena);
        ok = bundle >= 0;
    }
    if (ok) {
        ok = replay_gate_start(&gate, &keys, bundle) && records(r, &d, name);
        replay_gate_stop(&gate);
    }
    shape_done(&shape);
    ts_arena_done(&arena);
    replay_keys_done(&keys);
    return ok;
}

static bool find_suites(struct replay *r)
{
    for (size_t i = 0; i < r->traces.count; i++) {
        const char *name = r->traces.records[i].suite;
        size_t k = 0;

        while (k < r->suite_count && strcmp(r->suites[k], name) != 0)
            k++;
        if (k < r->suite_count)
            continue;
        if (k == SUITES) {
            cli_error("%s: more than %d suites", r->o->dir, SUITES);
            return false;
        }
        r->suites[r->suite_count++] = name;
    }
    return true;
}

static bool report(const struct replay *r)
{
    const struct score_about about = {.labels = r->o->labels,
                                      .policies = r->o->policies,
                                      .reference = r->o->reference};
    json_t *o;

    if (!r->o->json) {
        score_print(r->score, &about, stdout);
        return true;
    }
    o = score_json(r->score, &about);
    if (o == NULL) {
        cli_error("out of memory");
        return false;
    }
    (void)json_dumpf(o, stdout, JSON_INDENT(2));
    (void)fputc('\n', stdout);
    json_decref(o);
    return true;
}

static bool all(struct replay *r)
{
    bool ok = traces_load(r->o->dir, &r->traces);

    if (!ok)
        return false;
    ok = find_suites(r);
    for (size_t i = 0; ok && i < r->suite_count; i++)
        ok = suite(r, r->suites[i]);
    if (r->shows_progress)
        (void)fprintf(stderr, "\r\033[K");
    ok = ok && report(r);
    traces_done(&r->traces);
    return ok;
}

static int run(struct options *o)
{
    struct replay r = {.o = o, .shows_progress = isatty(STDERR_FILENO) == 1};
    bool ok;

    if (strcmp(o->labels, "F") != 0 && strcmp(o->labels, "S") != 0 &&
        strcmp(o->labels, "C") != 0) {
        cli_error("--labels: F, S or C");
        return CLI_USAGE;
    }
    o->label = o->labels[0] == 'F'   ? TRACES_F
               : o->labels[0] == 'S' ? TRACES_S
                                     : TRACES_C;
    if (trust_init() != TS_OK) {
        cli_error("this libsodium accepts known bad keys; install a fixed one");
        return CLI_FAILED;
    }
    r.score = ts_mem_alloc(sizeof(*r.score));
    r.result = ts_mem_alloc(sizeof(*r.result));
    if (r.score == NULL || r.result == NULL)
        cli_error("out of memory");
    ok = r.score != NULL && r.result != NULL && all(&r);
    ts_mem_free(r.score);
    ts_mem_free(r.result);
    return ok ? CLI_OK : CLI_FAILED;
}

int cmd_replay(int argc, char **argv)
{
    struct options o = {.labels = "F", .reference = "P12"};
    const struct cli_option options[] = {
        {"--labels", "F|S|C", "which labels of the records count (F)", CLI_TEXT,
         &o.labels, false},
        {"--policies", "DIR", "a tenant's folder of policies: hard/, approval/",
         CLI_TEXT, &o.policies, true},
        {"--task", "ID", "only records of this task_id", CLI_TEXT, &o.task,
         false},
        {"--limit", "N", "no more than N sessions", CLI_NUMBER, &o.limit,
         false},
        {"--reference", "NAME",
         "which policy of the reference to compare with "
         "(P12)",
         CLI_TEXT, &o.reference, false},
        {"--rubber-stamp", NULL,
         "people say yes to everything, and what they let through runs",
         CLI_FLAG, &o.rubber_stamp, false},
        {"--calls", NULL, "one JSON line a session with its verdicts", CLI_FLAG,
         &o.calls, false},
        {"--json", NULL, "the score card as one JSON object", CLI_FLAG, &o.json,
         false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff replay",
        .operands = "TRACES_DIR",
        .about = "Replays recorded calls through a real gate: a session for "
                 "each task, outputs from the\nrecord, no tool and no model. "
                 "Prints what would have run, what people would have\nbeen "
                 "asked, and what would have been denied.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .operands_min = 1,
        .operands_max = 1,
        .examples = "  tipstaff replay traces/ --labels C --policies "
                    "tenants/acme/policies\n",
    };
    char **operand;
    size_t count;
    int code;

    if (!cli_parse(&usage, argc, argv, &operand, &count, &code))
        return code;
    o.dir = operand[0];
    return run(&o);
}
