#include "cli/policy/diff_log.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/cmd.h"
#include "cli/log/files.h"
#include "cli/log/line.h"
#include "cli/policy/config.h"
#include "cli/policy/recorded_call.h"
#include "cli/policy/recorded_escalation.h"
#include "cli/term.h"
#include "proto/base/ts_mem.h"
#include "sidecar/common/layer.h"

#define CALL_ARENA ((size_t)4 << 20)
/* Rows that are printed, and kept for --json; beyond it they are counted. */
#define ROWS_MAX 10000

enum {
    OLD,
    NEW
}; /* of recorded_escalation_open() */

struct diff_log {
    const struct diff_log_options *o;
    struct term term;
    struct snapshot *old, *new;
    struct recorded_call *call;
    struct recorded_escalations escalations;
    struct recorded_escalation *under; /* of the decision; NULL: none */
    struct ts_arena arena;
    json_t *flips, *boxes;
    uint64_t decisions, asked, without, malformed, unlike, flipped;
    uint64_t escalated, unknown; /* with an escalation; with one not told of */
    uint64_t from_to[3][3];      /* by verdict */
    uint64_t reboxed, weakened;  /* permitted before and after */
};

/* ---- one decision ------------------------------------------------------- */

static const char *verdict_name(enum verdict v)
{
    static const char *const names[] = {"deny", "pending", "permit"};

    return names[v];
}

static bool same(struct combined a, struct combined b)
{
    return a.verdict == b.verdict && a.code == b.code;
}

static json_t *result_json(struct combined r)
{
    return json_pack("{s:s, s:s}", "verdict", verdict_name(r.verdict), "code",
                     call_code_name(r.code));
}

static void print_policies(const struct replay_answer *a)
{
    for (uint32_t i = 0; i < a->policy_count; i++) {
        (void)fputs(i == 0 ? "  by " : ", ", stdout);
        term_print(a->policies[i]);
    }
    if (a->why[0] != '\0')
        (void)printf("  %s", a->why);
}

/* The same call, for people and as an object. */
static void print_call(const struct diff_log *d, const json_t *line)
{
    struct ts_str id = log_line_text(line, "id");

    (void)printf("%.8s  ", id.ptr);
    term_print(log_line_text(line, "user"));
    (void)fputs(" -> ", stdout);
    term_print(log_line_text(line, "agent"));
    (void)printf("  %s", d->term.bold);
    term_print(log_line_text(line, "tool"));
    (void)printf("%s ", d->term.reset);
    term_print(log_line_text(line, "resource"));
}

static json_t *call_json(const json_t *line)
{
    static const char *const keys[] = {"id",    "time", "user",
                                       "agent", "tool", "resource"};
    json_t *row = json_object();

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        json_t *v = json_object_get(line, keys[i]);

        if (v != NULL)
            (void)json_object_set(row, keys[i], v);
    }
    return row;
}

/* Under whose names it was decided, and whether they still open anything. */
static void print_under(const struct diff_log *d)
{
    const struct recorded_escalation *x = d->under;
    char id[33];

    if (x == NULL)
        return;
    ts_hex_encode(id, x->is.id, sizeof(x->is.id));
    (void)printf("    under break-glass %.8s of ", id);
    for (uint32_t i = 0; i < x->people_count; i++) {
        (void)fputs(i == 0 ? "" : ", ", stdout);
        term_print(x->people[i]);
    }
    if (!x->opened[NEW].fits)
        (void)printf(", which does not fit any more: %s", x->opened[NEW].why);
    (void)putchar('\n');
}

static void print_flip(const struct diff_log *d, const json_t *line,
                       struct combined was, const struct replay_answer *now)
{
    const struct term *t = &d->term;
    bool wider = now->result.verdict > was.verdict;

    print_call(d, line);
    (void)printf("\n    %s [%s] -> %s%s [%s]%s", verdict_name(was.verdict),
                 call_code_name(was.code), wider ? t->yellow : t->red,
                 verdict_name(now->result.verdict),
                 call_code_name(now->result.code), t->reset);
    print_policies(now);
    (void)putchar('\n');
    print_under(d);
}

static void keep_flip(struct diff_log *d, const json_t *line,
                      struct combined was, const struct replay_answer *now)
{
    json_t *policies = json_array(), *row = call_json(line);

    for (uint32_t i = 0; i < now->policy_count; i++)
        (void)json_array_append_new(
            policies, json_stringn(now->policies[i].ptr, now->policies[i].len));
    (void)json_object_set_new(row, "old", result_json(was));
    (void)json_object_set_new(row, "new", result_json(now->result));
    (void)json_object_set_new(row, "policies", policies);
    if (d->under != NULL) {
        json_t *x = recorded_escalation_json(d->under);

        (void)json_object_set_new(x, "fits",
                                  json_boolean(d->under->opened[NEW].fits));
        (void)json_object_set_new(x, "why",
                                  json_string(d->under->opened[NEW].why));
        (void)json_object_set_new(row, "escalation", x);
    }
    (void)json_array_append_new(d->flips, row);
}

static void flip(struct diff_log *d, const json_t *line, struct combined was,
                 const struct replay_answer *now)
{
    d->from_to[was.verdict][now->result.verdict]++;
    if (d->flipped++ >= ROWS_MAX)
        return;
    if (d->o->json)
        keep_flip(d, line, was, now);
    else if (!d->o->quiet)
        print_flip(d, line, was, now);
}

/* ---- its box ------------------------------------------------------------- */

static struct box_demand recorded_box(const json_t *line)
{
    const json_t *list = json_object_get(line, "require");
    struct box_demand d = {.box = BOX_ANY};

    (void)!box_level_parse(log_line_text(line, "box"), &d.box);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *v = json_array_get(list, i);

        if (json_is_string(v))
            d.require |= layer_parse(
                (struct ts_str){json_string_value(v), json_string_length(v)});
    }
    return d;
}

static void print_box(struct box_demand b)
{
    (void)fputs(b.box == BOX_ANY ? "any box" : box_level_name(b.box), stdout);
    for (uint32_t left = b.require; left != 0; left &= left - 1)
        (void)printf("%s%s", left == b.require ? " with " : ", ",
                     layer_first(left));
}

static json_t *box_json(struct box_demand b)
{
    json_t *list = json_array();

    for (uint32_t left = b.require; left != 0; left &= left - 1)
        (void)json_array_append_new(list, json_string(layer_first(left)));
    return json_pack("{s:s, s:o}", "box", box_level_name(b.box), "require",
                     list);
}

/* A record holds the demands of the delegation's blocks too, which are not
 * asked again: then less than it is no weaker box for certain. */
static void compare_boxes(struct diff_log *d, const json_t *line,
                          struct box_demand was, struct box_demand now)
{
    bool weaker = now.box < was.box || (was.require & ~now.require) != 0;
    json_t *row;

    if (was.box == now.box && was.require == now.require)
        return;
    d->weakened += weaker;
    if (d->reboxed++ >= ROWS_MAX)
        return;
    if (d->o->json) {
        row = call_json(line);
        (void)json_object_set_new(row, "old", box_json(was));
        (void)json_object_set_new(row, "new", box_json(now));
        (void)json_object_set_new(row, "weaker", json_boolean(weaker));
        (void)json_array_append_new(d->boxes, row);
    } else if (!d->o->quiet) {
        print_call(d, line);
        (void)fputs("\n    box: ", stdout);
        print_box(was);
        (void)printf(" -> %s", weaker ? d->term.yellow : "");
        print_box(now);
        (void)printf("%s%s\n", weaker ? d->term.reset : "",
                     weaker && d->old == NULL
                         ? " (unless the delegation demands it)"
                         : "");
    }
}

/* A block that denied then denies now: other policies cannot widen it. */
static struct combined with_blocks(struct combined r, enum verdict blocks)
{
    if (blocks < r.verdict)
        return (struct combined){blocks, CODE_DENIED};
    return r;
}

static ts_err ask(struct diff_log *d, const struct snapshot *s, unsigned which,
                  struct replay_answer *ret)
{
    struct decide_escalation opened;
    ts_err e = TS_OK;

    d->call->call.escalation = NULL;
    if (d->under != NULL &&
        recorded_escalation_open(d->under, s, which, &opened, &e))
        d->call->call.escalation = &opened;
    if (e == TS_OK)
        e = replay_decide(s, &d->call->call, &d->arena, ret);
    d->call->call.escalation = NULL;
    if (e == TS_OK)
        ret->result = with_blocks(ret->result, d->call->blocks);
    return e;
}

static ts_err compare(struct diff_log *d, const json_t *line)
{
    struct combined was = d->call->recorded;
    struct box_demand box = recorded_box(line);
    struct replay_answer now, then;
    ts_err e;

    d->asked++;
    ts_arena_reset(&d->arena);
    if (d->old != NULL) {
        if ((e = ask(d, d->old, OLD, &then)) != TS_OK)
            return e;
        if (!same(was, then.result))
            d->unlike++;
        was = then.result;
        box = then.box;
    }
    if ((e = ask(d, d->new, NEW, &now)) != TS_OK)
        return e;
    if (was.verdict != now.result.verdict)
        flip(d, line, was, &now);
    else if (was.verdict == VERDICT_PERMIT)
        compare_boxes(d, line, box, now.box);
    return TS_OK;
}

/* With what stood behind it then, as far as the log tells. */
static ts_err take_call(struct diff_log *d, const json_t *line)
{
    d->under = NULL;
    switch (
        recorded_escalations_of(&d->escalations, line, d->call, &d->under)) {
    case RECORDED_UNDER_UNKNOWN:
        d->unknown++;
        return TS_OK;
    case RECORDED_UNDER_ONE:
        d->escalated++;
        break;
    case RECORDED_UNDER_NONE:
        break;
    }
    return compare(d, line);
}

static ts_err take_line(struct diff_log *d, struct ts_str text)
{
    json_t *line = log_line_parse(text);
    ts_err e = TS_OK;

    if (line == NULL) {
        d->malformed++;
        return TS_OK;
    }
    if (ts_str_eq_c(log_line_text(line, "kind"), "decision"))
        d->decisions++;
    switch (recorded_call_read(line, d->call)) {
    case RECORDED_CALL:
        e = take_call(d, line);
        break;
    case RECORDED_WITHOUT:
        d->without++;
        break;
    case RECORDED_MALFORMED:
        d->malformed++;
        break;
    case RECORDED_OTHER:
        break;
    }
    /* behind it: a decision is not counted as a use of its own */
    if (e == TS_OK && !recorded_escalations_take(&d->escalations, line))
        e = TS_E_NOMEM;
    json_decref(line);
    return e;
}

/* ---- all of them -------------------------------------------------------- */

static bool read_logs(struct diff_log *d)
{
    struct log_files files;
    struct log_place place;
    struct ts_str line;
    ts_err e;

    if (!log_files_open(&files, d->o->logs, d->o->log_count))
        return false;
    while ((e = log_files_next(&files, &line, &place)) == TS_OK) {
        e = take_line(d, line);
        if (e != TS_OK)
            break;
    }
    if (e != TS_E_AGAIN && e != TS_E_TRUNCATED)
        cli_error("%s:%" PRIu64 ": %s", place.path, place.line, ts_err_text(e));
    log_files_close(&files);
    return e == TS_E_AGAIN || e == TS_E_TRUNCATED;
}

static void print_summary(const struct diff_log *d)
{
    (void)printf("%s%" PRIu64 " decisions, %" PRIu64 " asked again, %" PRIu64
                 " flips%s\n",
                 d->term.bold, d->decisions, d->asked, d->flipped,
                 d->term.reset);
    for (int from = 0; from < 3; from++)
        for (int to = 0; to < 3; to++)
            if (from != to && d->from_to[from][to] > 0)
                (void)printf("  %-8s -> %-8s %" PRIu64 "\n",
                             verdict_name((enum verdict)from),
                             verdict_name((enum verdict)to),
                             d->from_to[from][to]);
    if (d->reboxed > 0)
        (void)printf("  %" PRIu64 " demand another box, %" PRIu64
                     " of them a weaker one\n",
                     d->reboxed, d->weakened);
    if (d->flipped > ROWS_MAX || d->reboxed > ROWS_MAX)
        (void)printf("  the first %d are shown\n", ROWS_MAX);
    if (d->escalated > 0)
        (void)printf("  %" PRIu64 " with break-glass in force, asked with it "
                     "again\n",
                     d->escalated);
    if (d->unknown > 0)
        (void)printf("  %" PRIu64 " could not be asked: what break-glass added "
                     "to them stands in an older log; give that, too\n",
                     d->unknown);
    if (d->without > 0)
        (void)printf("  %" PRIu64 " could not be asked: the tool's manifest "
                     "keeps arguments out of the log\n",
                     d->without);
    if (d->malformed > 0)
        (void)printf("  %" PRIu64 " lines are malformed; try: tipstaff log "
                     "verify\n",
                     d->malformed);
    if (d->unlike > 0)
        (void)printf("  %" PRIu64 " fall differently from the record under the "
                     "old configuration, too: it has changed since\n",
                     d->unlike);
}

static bool print_json(struct diff_log *d)
{
    json_t *all = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:O, s:I, s:I, s:O, s:I, s:I}",
        "decisions", (json_int_t)d->decisions, "asked", (json_int_t)d->asked,
        "flips", (json_int_t)d->flipped, "without_arguments",
        (json_int_t)d->without, "malformed", (json_int_t)d->malformed,
        "unlike_record", (json_int_t)d->unlike, "list", d->flips, "other_box",
        (json_int_t)d->reboxed, "weaker_box", (json_int_t)d->weakened, "boxes",
        d->boxes, "with_escalation", (json_int_t)d->escalated,
        "escalation_unknown", (json_int_t)d->unknown);
    bool ok = all != NULL && json_dumpf(all, stdout, JSON_INDENT(2)) == 0;

    (void)putchar('\n');
    json_decref(all);
    return ok;
}

static int run(struct diff_log *d)
{
    if ((d->o->old_config != NULL &&
         !pol_config_load(d->o->old_config, &d->old)) ||
        !pol_config_load(d->o->new_config, &d->new) || !read_logs(d))
        return CLI_FAILED;
    if (!d->o->json)
        print_summary(d);
    else if (!print_json(d))
        return CLI_FAILED;
    return d->flipped > 0 || d->reboxed > 0 ? CLI_FAILED : CLI_OK;
}

int policy_diff_log(const struct diff_log_options *o)
{
    struct diff_log d = {.o = o,
                         .term = term_stdout(),
                         .flips = json_array(),
                         .boxes = json_array()};
    int code = CLI_FAILED;

    d.call = ts_mem_alloc(sizeof(*d.call));
    ts_arena_init(&d.arena, CALL_ARENA);
    if (d.call != NULL && d.flips != NULL && d.boxes != NULL)
        code = run(&d);
    else
        cli_error("out of memory");
    recorded_escalations_done(&d.escalations);
    ts_arena_done(&d.arena);
    ts_mem_free(d.call);
    snapshot_free(d.old);
    snapshot_free(d.new);
    json_decref(d.flips);
    json_decref(d.boxes);
    return code;
}
