/* tipstaff replay: recorded calls through a real gate, and what came of them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/opts.h"
#include "cli/replay/drive.h"
#include "cli/replay/outputs.h"
#include "cli/replay/progress.h"
#include "cli/replay/reach.h"
#include "cli/replay/replay.h"
#include "cli/replay/score.h"
#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"

#define ARENA_MAX ((size_t)256 << 20)

struct options {
    const char *dir, *labels, *policies, *task, *reference, *lines;
    const char *outputs, *sources, *people;
    uint64_t limit;
    bool json, calls, rubber_stamp, quick;
    enum traces_label label;
    enum plan_sources named;
    enum drive_people who;
};

struct replay {
    const struct options *o;
    struct traces traces;
    struct score *score;         /* owned */
    struct drive_result *result; /* owned */
    struct progress progress;
    FILE *lines; /* owned: disagreements; NULL: not wanted */
    uint64_t sessions;
};

/* Two gates of one suite: with provenance, and without. */
struct pair {
    struct replay_keys keys;
    struct ts_arena arena;
    struct shape shape;
    struct replay_gate gate, plain_gate;
    struct drive drive, plain;
};

static bool wanted(const struct replay *r, const struct traces_record *t)
{
    return (r->o->task == NULL || strcmp(t->id, r->o->task) == 0) &&
           (r->o->limit == 0 || r->sessions < r->o->limit);
}

static json_t *times_of(const struct drive_result *d)
{
    json_t *list = json_array();

    for (uint32_t i = 0; list != NULL && i < d->count; i++)
        if (json_array_append_new(list, json_integer(d->calls[i].us)) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static bool say_calls(const struct traces_record *t,
                      const struct drive_result *d)
{
    char verdicts[DRIVE_CALLS_MAX + 1];
    json_t *line;
    bool ok;

    drive_string(d, verdicts);
    line = json_pack("{s:s, s:s, s:s, s:s, s:o}", "suite", t->suite, "task_id",
                     t->id, "kind", traces_kind_name(t->kind), "decisions",
                     verdicts, "us", times_of(d));
    ok = line != NULL && json_dumpf(line, stdout, JSON_COMPACT) == 0 &&
         fputc('\n', stdout) != EOF;
    json_decref(line);
    return ok;
}

static bool compare(struct replay *r, const struct drive *d,
                    struct score_suite *suite, const struct traces_record *t)
{
    struct explain_in in = {
        .plan = &d->plan, .record = t, .ours = r->result, .lines = r->lines};
    struct explain_counts c;

    /* Runs carry the id of their task, and are not what was judged. */
    if (t->kind == TRACES_RUN)
        return t->is_attack ||
               !json_is_true(json_object_get(t->json, "utility")) ||
               explain_run(&in);
    in.theirs = traces_reference(&r->traces, r->o->reference, r->o->label, t);
    in.delegation =
        traces_delegation(&r->traces, t->suite, t->task, r->o->label);
    if (in.theirs == NULL)
        return true;
    if (!explain_sequence(&in, r->score->classes, &c))
        return false;
    suite->n[SCORE_COMPARED]++;
    suite->n[SCORE_AGREE] += c.all_agree;
    suite->n[SCORE_COMPARED_CALLS] += c.calls;
    suite->n[SCORE_AGREE_CALLS] += c.agree;
    suite->n[SCORE_UNEXPLAINED] += c.unexplained;
    return true;
}

/* What is asked of a task or an attack beside the recorded order. */
static bool search(struct replay *r, const struct drive *d,
                   struct score_suite *suite, const struct traces_record *t)
{
    struct reach_counts reach;
    uint32_t places;
    bool silent = score_is_silent(r->result);
    bool later = false;

    if (r->o->quick || t->kind == TRACES_RUN)
        return true;
    if (t->kind == TRACES_TASK) {
        if (!reach_task(d, t, r->lines, &reach))
            return false;
        suite->n[SCORE_REACHABLE] += reach.pairs;
        suite->n[SCORE_REACHED] += reach.reached;
        suite->n[SCORE_REACHED_HIGH] += reach.high;
        suite->n[SCORE_REACHED_QUANTITY] += reach.quantity;
        return true;
    }
    if (!score_has_attack(r->result))
        return true;
    if (!silent && !drive_places(d, t, r->result, &places, &later))
        return false;
    suite->n[SCORE_PLACED]++;
    suite->n[SCORE_WORST] += silent || later;
    return true;
}

static bool record(struct replay *r, const struct drive *d,
                   struct score_suite *suite, const struct traces_record *t)
{
    progress_at(&r->progress, t->suite);
    r->sessions++;
    if (!drive_record(d, t, r->result))
        return false;
    if (r->result->is_long)
        cli_error("%s, %s: only the first %d calls count", t->suite, t->id,
                  DRIVE_CALLS_MAX);
    if (r->o->calls && !say_calls(t, r->result))
        return false;
    score_add(r->score, suite, t, r->result);
    return compare(r, d, suite, t) && search(r, d, suite, t);
}

static bool records(struct replay *r, const struct drive *d, const char *name)
{
    struct score_suite *suite = score_suite_of(r->score, name);

    for (size_t i = 0; i < r->traces.count; i++) {
        const struct traces_record *t = &r->traces.records[i];

        if (strcmp(t->suite, name) != 0 || !wanted(r, t))
            continue;
        if (!record(r, d, suite, t)) {
            progress_end(&r->progress);
            cli_error("%s, %s: stopped here", t->suite, t->id);
            return false;
        }
    }
    return true;
}

static bool start(const struct replay *r, struct pair *p, bool is_plain,
                  struct replay_gate *gate)
{
    const struct replay_config c = {.shape = &p->shape,
                                    .traces = &r->traces,
                                    .keys = &p->keys,
                                    .policies = r->o->policies,
                                    .is_plain = is_plain};
    int bundle TS_CLEANUP(ts_fd_close) = replay_bundle(&c, &p->arena);

    return bundle >= 0 && replay_gate_start(gate, &p->keys, bundle);
}

static void make_drives(const struct replay *r, struct pair *p)
{
    p->drive =
        (struct drive){.plan = {.traces = &r->traces,
                                .shape = &p->shape,
                                .has_provenance = true,
                                .has_uses = true,
                                .sources = r->o->named,
                                .label = r->o->label},
                       .gate = &p->gate,
                       .keys = &p->keys,
                       .people = r->o->rubber_stamp ? DRIVE_ALL : r->o->who,
                       .plain = r->o->quick ? NULL : &p->plain};
    p->plain = p->drive;
    p->plain.plan.has_provenance = false;
    p->plain.gate = &p->plain_gate;
    p->plain.plain = NULL;
}

static bool suite(struct replay *r, const char *name)
{
    struct pair p = {.shape = {.count = 0},
                     .gate = REPLAY_GATE_NONE,
                     .plain_gate = REPLAY_GATE_NONE};
    bool ok;

    if (!replay_keys_make(&p.keys))
        return false;
    ts_arena_init(&p.arena, ARENA_MAX);
    make_drives(r, &p);
    ok = shape_of(&r->traces, name, r->o->label, &p.arena, &p.shape) &&
         start(r, &p, false, &p.gate) &&
         (r->o->quick || start(r, &p, true, &p.plain_gate)) &&
         records(r, &p.drive, name);
    if (!ok) {
        progress_end(&r->progress);
        replay_gate_say_log(&p.gate);
        replay_gate_say_log(&p.plain_gate);
    }
    replay_gate_stop(&p.gate);
    replay_gate_stop(&p.plain_gate);
    shape_done(&p.shape);
    ts_arena_done(&p.arena);
    replay_keys_done(&p.keys);
    return ok;
}

static bool find_suites(struct replay *r)
{
    for (size_t i = 0; i < r->traces.count; i++) {
        r->progress.total += wanted(r, &r->traces.records[i]);
        if (score_suite_of(r->score, r->traces.records[i].suite) != NULL)
            continue;
        cli_error("%s: more than %d suites", r->o->dir, SCORE_SUITES_MAX);
        return false;
    }
    if (r->progress.total > 0)
        return true;
    cli_error("--task: no record has the task_id %s", r->o->task);
    return false;
}

static bool report(const struct replay *r)
{
    struct score_about about = {.labels = r->o->labels,
                                .label = r->o->label,
                                .policies = r->o->policies,
                                .reference = r->o->reference,
                                .has_cost = !r->o->quick};
    json_t *o;

    missing_of(&r->traces, about.label, about.reference, about.missing);
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
    ok = (r->o->outputs == NULL ||
          outputs_load(r->o->outputs, r->traces.tools, &r->traces.outputs)) &&
         find_suites(r);
    for (uint32_t i = 0; ok && i < r->score->suite_count; i++)
        ok = suite(r, r->score->suites[i].name);
    progress_end(&r->progress);
    ok = ok && report(r);
    traces_done(&r->traces);
    return ok;
}

static bool open_lines(struct replay *r)
{
    if (r->o->lines == NULL)
        return true;
    r->lines = fopen(r->o->lines, "we");
    if (r->lines == NULL)
        cli_error("--disagreements %s: %s", r->o->lines, strerror(errno));
    return r->lines != NULL;
}

static bool close_lines(struct replay *r)
{
    bool ok = r->lines == NULL || fclose(r->lines) == 0;

    if (!ok)
        cli_error("--disagreements %s: %s", r->o->lines, strerror(errno));
    return ok;
}

/* Which of the words, which end with NULL; false: none, and said. */
static bool word(const char *option, const char *text, const char *const *words,
                 const char *expected, size_t *ret)
{
    for (size_t i = 0; words[i] != NULL; i++)
        if (strcmp(text, words[i]) == 0) {
            *ret = i;
            return true;
        }
    cli_error("%s: %s", option, expected);
    return false;
}

static bool read_words(struct options *o)
{
    static const char *const labels[] = {
        [TRACES_F] = "F", [TRACES_S] = "S", [TRACES_C] = "C", NULL};
    static const char *const sources[] = {
        [PLAN_NAMED] = "named", [PLAN_NONE] = "none", [PLAN_ANY] = "any", NULL};
    static const char *const people[] = {[DRIVE_NOBODY] = "nobody",
                                         [DRIVE_OF_TASK] = "task",
                                         [DRIVE_ALL] = "all",
                                         NULL};
    size_t label, named, who;

    if (!word("--people", o->people, people, "nobody, task or all", &who) ||
        !word("--labels", o->labels, labels, "F, S or C", &label) ||
        !word("--sources", o->sources, sources, "named, none or any", &named))
        return false;
    o->label = (enum traces_label)label;
    o->named = (enum plan_sources)named;
    o->who = (enum drive_people)who;
    return true;
}

static int run(struct options *o)
{
    struct replay r = {.o = o, .progress.shown = isatty(STDERR_FILENO) == 1};
    bool ok;

    if (!read_words(o))
        return CLI_USAGE;
    if (trust_init() != TS_OK) {
        cli_error("this libsodium accepts known bad keys; install a fixed one");
        return CLI_FAILED;
    }
    r.score = ts_mem_alloc(sizeof(*r.score));
    r.result = ts_mem_alloc(sizeof(*r.result));
    if (r.score == NULL || r.result == NULL)
        cli_error("out of memory");
    ok = r.score != NULL && r.result != NULL && open_lines(&r) && all(&r);
    ok = close_lines(&r) && ok;
    ts_mem_free(r.score);
    ts_mem_free(r.result);
    return ok ? CLI_OK : CLI_FAILED;
}

int cmd_replay(int argc, char **argv)
{
    struct options o = {.labels = "F",
                        .reference = "P12",
                        .sources = "named",
                        .people = "nobody"};
    const struct cli_option options[] = {
        {"--labels", "F|S|C", "which labels of the records count (F)", CLI_TEXT,
         &o.labels, false},
        {"--policies", "DIR", "a tenant's folder of policies: hard/, approval/",
         CLI_TEXT, &o.policies, true},
        {"--outputs", "FILE",
         "YAML: what `output:` of each tool's manifest says beside the labels",
         CLI_TEXT, &o.outputs, false},
        {"--sources", "named|none|any",
         "what becomes of `from` in the recorded delegations (named): taken "
         "out, or any value",
         CLI_TEXT, &o.sources, false},
        {"--task", "ID", "only records of this task_id", CLI_TEXT, &o.task,
         false},
        {"--limit", "N", "no more than N sessions", CLI_NUMBER, &o.limit,
         false},
        {"--reference", "NAME",
         "which policy of the reference to compare with "
         "(P12)",
         CLI_TEXT, &o.reference, false},
        {"--people", "nobody|task|all",
         "who says yes when people are asked (nobody): to the task's own "
         "calls, "
         "or to all",
         CLI_TEXT, &o.people, false},
        {"--rubber-stamp", NULL, "the same as --people all", CLI_FLAG,
         &o.rubber_stamp, false},
        {"--disagreements", "FILE",
         "every verdict that is not the reference's, and every call that an "
         "adaptive agent reaches, as lines of JSON",
         CLI_TEXT, &o.lines, false},
        {"--quick", NULL,
         "only the recorded order: no worst place, no adaptive agent, no "
         "second gate without provenance",
         CLI_FLAG, &o.quick, false},
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
                    "tenants/acme/policies\n"
                    "  tipstaff replay traces/ --policies policies/ --outputs "
                    "outputs.yaml\n",
    };
    char **operand;
    size_t count;
    int code;

    if (!cli_parse(&usage, argc, argv, &operand, &count, &code))
        return code;
    o.dir = operand[0];
    return run(&o);
}
