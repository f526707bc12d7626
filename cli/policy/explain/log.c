#include "cli/policy/explain/log.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/log/files.h"
#include "cli/log/line.h"
#include "cli/policy/config.h"
#include "cli/policy/explain/escalation.h"
#include "cli/policy/explain/view.h"
#include "cli/policy/recorded_call.h"
#include "cli/term.h"
#include "proto/base/ts_mem.h"

#define PATH_SIZE 4096
#define NO_MEMORY 3u

struct explain_log {
    const struct explain_log_options *o;
    struct snapshot *snapshot;
    struct pol_inputs in; /* the tenant's policies, with their text */
    struct recorded_call *call;
    struct explain_escalation under;
    struct ts_arena arena;
    json_t *line;
};

/* Ids of one start of the service begin alike: a prefix may be too short. */
static bool find(struct explain_log *x)
{
    struct ts_str id = ts_str_of(x->o->id), text;
    struct log_files files;
    struct log_place place;
    unsigned found = 0;

    if (!log_files_open(&files, x->o->logs->items, x->o->logs->count))
        return false;
    while (found < 2 && log_files_next(&files, &text, &place) == TS_OK) {
        json_t *j = log_line_parse(text);

        if (j != NULL && ts_str_eq_c(log_line_text(j, "kind"), "decision") &&
            ts_str_starts(log_line_text(j, "id"), id) && found++ == 0) {
            x->line = j;
            continue;
        }
        /* what was in force in front of it, not what came behind */
        if (j != NULL && found == 0 &&
            !recorded_escalations_take(&x->under.all, j))
            found = NO_MEMORY;
        json_decref(j);
    }
    log_files_close(&files);
    if (found == NO_MEMORY)
        cli_error("out of memory");
    else if (found != 1)
        cli_error(found == 0 ? "no decision %s in the log"
                             : "several decisions begin with %s; give more "
                               "digits",
                  x->o->id);
    return found == 1;
}

static bool understand(struct explain_log *x)
{
    switch (recorded_call_read(x->line, x->call)) {
    case RECORDED_CALL:
        return true;
    case RECORDED_WITHOUT:
        cli_error("the tool's manifest keeps the arguments of this call out of "
                  "the log, so it cannot be asked again");
        return false;
    case RECORDED_OTHER:
        cli_error("this call was decided before any policy was asked: %s",
                  log_line_text(x->line, "code").ptr);
        return false;
    case RECORDED_MALFORMED:
        break;
    }
    cli_error("the record is malformed; try: tipstaff log verify");
    return false;
}

static bool ends_in(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);

    return n > m && strcmp(name + n - m, end) == 0;
}

/* A tenant may have no policies of a kind: then there is nothing to read. */
static bool holds_policies(const char *dir)
{
    const struct dirent *d;
    bool some = false;
    DIR *list = opendir(dir);

    if (list == NULL)
        return false;
    while (!some && (d = readdir(list)) != NULL)
        some = ends_in(d->d_name, ".cedar") || ends_in(d->d_name, ".json");
    (void)closedir(list);
    return some;
}

/* The tenant's policies once more, since an explanation quotes their text. */
static bool load_text(struct explain_log *x)
{
    struct ts_str tenant = x->call->call.tenant;
    char hard[PATH_SIZE], approval[PATH_SIZE], links[PATH_SIZE];
    const char *const dirs[] = {hard, approval};
    struct pol_options o = {0};
    FILE *f;

    (void)snprintf(hard, sizeof(hard), "%s/tenants/%.*s/policies/hard",
                   x->o->config, (int)tenant.len, tenant.ptr);
    (void)snprintf(approval, sizeof(approval),
                   "%s/tenants/%.*s/policies/approval", x->o->config,
                   (int)tenant.len, tenant.ptr);
    (void)snprintf(links, sizeof(links), "%s/tenants/%.*s/policies/links.json",
                   x->o->config, (int)tenant.len, tenant.ptr);
    for (size_t i = 0; i < 2; i++)
        if (holds_policies(dirs[i]))
            o.policies.items[o.policies.count++] = dirs[i];
    if ((f = fopen(links, "re")) != NULL) {
        o.links = links;
        (void)fclose(f);
    }
    return pol_load_policies(&x->in, &o, true) &&
           pol_set_compile(&x->in, &x->in.policies);
}

static bool show(struct explain_log *x, const struct replay_questions *all,
                 uint32_t i)
{
    const struct replay_question *q = &all->list[i];
    struct cedar_explanation why;
    struct cedar_answer answer;
    const struct pol_set *set = explain_escalation_is_own(q->set_name)
                                    ? &x->under.set
                                    : &x->in.policies;
    struct explain_view v = {.set = set,
                             .req = &q->request,
                             .answer = &answer,
                             .why = &why,
                             .masks = x->o->masks,
                             .arena = &x->arena,
                             .t = term_stdout(),
                             .marks = pol_marks(),
                             .all = x->o->all};
    ts_err e = cedar_explain(set->compiled, all->tenant->entities, &q->request,
                             &x->arena, &answer, &why);

    if (e != TS_OK) {
        cli_error("set %s: no decision: %s", q->set_name, ts_err_text(e));
        return false;
    }
    if (x->o->json) {
        (void)printf("%s\"%s\": ", i > 0 ? "," : "{", q->set_name);
        explain_json(&v);
    } else {
        (void)printf("%s%s%s\n", v.t.bold, q->set_name, v.t.reset);
        explain_print(&v);
        explain_escalation_lifted(&x->under, &v);
        (void)putchar('\n');
    }
    return true;
}

static struct ts_str text_of(const json_t *v)
{
    return (struct ts_str){.ptr = json_is_string(v) ? json_string_value(v) : "",
                           .len = json_string_length(v)};
}

/* What people let through with this call, for the rest of its task. */
static void print_endorses(const json_t *line)
{
    const json_t *one;
    size_t i;

    json_array_foreach(json_object_get(line, "endorses"), i, one)
    {
        (void)fputs("a yes lets through for the rest of the task: ", stdout);
        if (json_array_size(one) > 1) {
            (void)putchar('"');
            term_print(text_of(json_array_get(one, 1)));
            (void)fputs("\" as ", stdout);
        }
        term_print(text_of(json_array_get(one, 0)));
        (void)putchar('\n');
    }
}

/* What of its values people had let through before, and with which call. */
static void print_endorsed(json_t *line)
{
    const struct ts_str mark = TS_STR_LIT(RECORD_ENDORSED);
    json_t *args = json_object_get(
        json_object_get(json_object_get(line, "context"), "provenance"),
        "args");
    const json_t *places, *v;
    const char *name;
    size_t i;

    json_object_foreach(args, name, places)
    {
        json_array_foreach(places, i, v)
        {
            struct ts_str place = text_of(v);

            if (i == 0 || !ts_str_starts(place, mark))
                continue;
            place.ptr += sizeof("endorsed:") - 1;
            place.len -= sizeof("endorsed:") - 1;
            (void)fputs("people let it through before: ", stdout);
            term_print(ts_str_of(name));
            (void)fputs(", with ", stdout);
            term_print(place);
            (void)putchar('\n');
        }
    }
}

static void print_recorded(const struct explain_log *x,
                           const struct replay_answer *now)
{
    static const char *const verdicts[] = {"deny", "pending", "permit"};
    struct combined was = x->call->recorded;

    if (x->o->json)
        return;
    (void)printf("recorded: %s [%s]\n", verdicts[was.verdict],
                 call_code_name(was.code));
    if (x->call->blocks == VERDICT_DENY)
        (void)puts("a block of the delegation did not permit it; blocks are "
                   "not in the log");
    else if (was.verdict != now->result.verdict || was.code != now->result.code)
        (void)printf("with this configuration: %s [%s] %s\n",
                     verdicts[now->result.verdict],
                     call_code_name(now->result.code), now->why);
    print_endorses(x->line);
    print_endorsed(x->line);
    (void)putchar('\n');
}

static bool explain_all(struct explain_log *x)
{
    struct replay_questions q;
    struct replay_answer now;
    ts_err e = replay_ask(x->snapshot, &x->call->call, &x->arena, &now, &q);
    bool ok = true;

    if (e != TS_OK) {
        cli_error("no decision: %s", ts_err_text(e));
        return false;
    }
    print_recorded(x, &now);
    if (!x->o->json)
        explain_escalation_print(&x->under, now.has_escalation);
    for (uint32_t i = 0; ok && i < q.count; i++)
        ok = show(x, &q, i);
    if (x->o->json)
        explain_escalation_json(&x->under, now.has_escalation, q.count > 0);
    if (x->o->json)
        (void)puts("}");
    replay_done(&q);
    return ok;
}

int policy_explain_log(const struct explain_log_options *o)
{
    struct explain_log x = {.o = o};
    bool ok;

    x.call = ts_mem_alloc(sizeof(*x.call));
    ts_arena_init(&x.arena, POL_ANSWER_ARENA);
    ok = x.call != NULL && pol_inputs_init(&x.in) && find(&x) &&
         understand(&x) && pol_config_load(o->config, &x.snapshot) &&
         load_text(&x) &&
         explain_escalation_open(&x.under, x.line, x.call, x.snapshot, &x.in) &&
         explain_all(&x);
    explain_escalation_done(&x.under);
    pol_inputs_done(&x.in);
    ts_arena_done(&x.arena);
    snapshot_free(x.snapshot);
    json_decref(x.line);
    ts_mem_free(x.call);
    return ok ? CLI_OK : CLI_FAILED;
}
