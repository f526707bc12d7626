/* tipstaff policy diff: which requests two policy sets answer differently. */
#include <stdio.h>

#include "cli/cmd.h"
#include "cli/policy/answer.h"
#include "cli/policy/diff_log.h"
#include "cli/policy/policy.h"
#include "cli/policy/report.h"
#include "cli/policy/request.h"
#include "sidecar/common/layer.h"
#include "sidecar/gate/people/box_demand.h"

struct diff {
    struct pol_options old_set, new_set, o; /* o: schema and entities */
    const char *requests;
    struct cli_list logs;
    bool json, quiet;

    struct pol_inputs in;
    struct pol_set was, now;
    struct term t;
    struct json_out out;
    struct ts_arena demands;                    /* holds the two lists */
    const struct box_demand *was_box, *now_box; /* NULL: nothing is demanded */
    size_t flips, to_deny, to_allow, boxes, other;
};

struct both {
    const struct pol_request *r;
    size_t number; /* from 1 */
    struct cedar_answer was, now;
    struct box_demand was_box, now_box; /* of what is permitted */
};

static bool same_reasons(const struct diff *d, const struct both *b)
{
    if (b->was.reason_count != b->now.reason_count)
        return false;
    for (uint32_t i = 0; i < b->was.reason_count; i++) {
        struct ts_str id =
            cedar_policies_info(d->was.compiled, b->was.reasons[i]).id;
        uint32_t j = 0;

        while (
            j < b->now.reason_count &&
            !ts_str_eq(
                id, cedar_policies_info(d->now.compiled, b->now.reasons[j]).id))
            j++;
        if (j == b->now.reason_count)
            return false;
    }
    return true;
}

/* Permitted before and after, in another box. */
static bool same_box(const struct both *b)
{
    return b->was_box.box == b->now_box.box &&
           b->was_box.require == b->now_box.require;
}

static void put_box(const struct box_demand *d)
{
    (void)printf("box at least %s", box_level_name(d->box));
    for (uint32_t left = d->require; left != 0; left &= left - 1)
        (void)printf("%s%s", left == d->require ? ", with " : ", ",
                     layer_first(left));
}

static void print_box(const struct diff *d, const struct both *b)
{
    pol_put_decision(stdout, &d->t, b->now.decision);
    (void)printf("  ");
    pol_put_request(stdout, &b->r->req);
    (void)printf("    %srequest %zu, line %u%s\n    %sold:%s ", d->t.dim,
                 b->number, b->r->span.line, d->t.reset, d->t.dim, d->t.reset);
    put_box(&b->was_box);
    (void)printf("\n    %snew:%s ", d->t.dim, d->t.reset);
    put_box(&b->now_box);
    (void)printf("\n\n");
}

static void box_json(struct diff *d, const struct box_demand *b)
{
    json_out_str(&d->out, "box", ts_str_of(box_level_name(b->box)));
    json_out_array(&d->out, "require");
    for (uint32_t left = b->require; left != 0; left &= left - 1)
        json_out_str(&d->out, NULL, ts_str_of(layer_first(left)));
    json_out_end(&d->out);
}

static void put_side(const struct diff *d, const char *name,
                     const struct pol_set *set, const struct cedar_answer *a)
{
    (void)printf("    %s%s:%s ", d->t.dim, name, d->t.reset);
    if (a->reason_count == 0) {
        (void)printf("no permit is satisfied");
    } else {
        (void)printf("%s ", a->decision == CEDAR_ALLOW ? "permit" : "forbid");
        pol_put_ids(stdout, set->compiled, a->reasons, a->reason_count);
    }
    for (uint32_t i = 0; i < a->error_count; i++) {
        (void)printf("; %serror%s in ", d->t.yellow, d->t.reset);
        pol_put_id(stdout, set->compiled, a->errors[i].policy);
    }
    (void)fputc('\n', stdout);
}

static void print_flip(const struct diff *d, const struct both *b)
{
    pol_put_decision(stdout, &d->t, b->was.decision);
    (void)printf(" -> ");
    pol_put_decision(stdout, &d->t, b->now.decision);
    (void)printf("  ");
    pol_put_request(stdout, &b->r->req);
    (void)printf("    %srequest %zu, line %u%s\n", d->t.dim, b->number,
                 b->r->span.line, d->t.reset);
    put_side(d, "old", &d->was, &b->was);
    put_side(d, "new", &d->now, &b->now);
    (void)fputc('\n', stdout);
}

static void side_json(struct diff *d, const char *key,
                      const struct pol_set *set, const struct cedar_answer *a,
                      const struct box_demand *box)
{
    json_out_object(&d->out, key);
    pol_answer_json(&d->out, set->compiled, a);
    if (box->box != BOX_ANY || box->require != 0)
        box_json(d, box);
    json_out_end(&d->out);
}

static void flip_json(struct diff *d, const struct both *b)
{
    json_out_object(&d->out, NULL);
    json_out_int(&d->out, "request", (int64_t)b->number);
    json_out_int(&d->out, "line", b->r->span.line);
    pol_request_json(&d->out, &b->r->req);
    side_json(d, "old", &d->was, &b->was, &b->was_box);
    side_json(d, "new", &d->now, &b->now, &b->now_box);
    json_out_end(&d->out);
}

static void look(struct diff *d, const struct both *b)
{
    if (b->was.decision == b->now.decision && !same_box(b)) {
        d->boxes++;
        if (d->json)
            flip_json(d, b);
        else if (!d->quiet)
            print_box(d, b);
        return;
    }
    if (b->was.decision == b->now.decision) {
        d->other += same_reasons(d, b) ? 0 : 1;
        return;
    }
    d->flips++;
    *(b->now.decision == CEDAR_ALLOW ? &d->to_allow : &d->to_deny) += 1;
    if (d->json)
        flip_json(d, b);
    else if (!d->quiet)
        print_flip(d, b);
}

static struct box_demand demand_of(const struct box_demand *list,
                                   const struct cedar_answer *a)
{
    struct box_demand r = {0};

    if (a->decision == CEDAR_ALLOW)
        box_demands_add(list, a, &r);
    return r;
}

static bool compare(struct diff *d, const struct pol_request_list *list)
{
    struct ts_arena arena;
    bool ok = true;

    ts_arena_init(&arena, POL_ANSWER_ARENA);
    for (size_t i = 0; i < list->count && ok; i++) {
        struct both b = {.r = &list->list[i], .number = i + 1};
        const struct cedar_entities *e = pol_request_entities(&d->in, b.r);

        ts_arena_reset(&arena);
        ok = cedar_authorize(d->was.compiled, e, &b.r->req, &arena, &b.was) ==
                 TS_OK &&
             cedar_authorize(d->now.compiled, e, &b.r->req, &arena, &b.now) ==
                 TS_OK;
        if (ok) {
            b.was_box = demand_of(d->was_box, &b.was);
            b.now_box = demand_of(d->now_box, &b.now);
            look(d, &b);
        } else {
            cli_error("request %zu, line %u: no decision", i + 1,
                      b.r->span.line);
        }
    }
    ts_arena_done(&arena);
    return ok;
}

static void summary(struct diff *d, size_t requests)
{
    if (d->json) {
        json_out_end(&d->out);
        json_out_int(&d->out, "requests", (int64_t)requests);
        json_out_int(&d->out, "flips", (int64_t)d->flips);
        json_out_int(&d->out, "allow_to_deny", (int64_t)d->to_deny);
        json_out_int(&d->out, "deny_to_allow", (int64_t)d->to_allow);
        json_out_int(&d->out, "other_boxes", (int64_t)d->boxes);
        json_out_int(&d->out, "other_reasons", (int64_t)d->other);
        json_out_end(&d->out);
        return;
    }
    if (d->boxes > 0)
        (void)printf("%s permitted in another box\n",
                     pol_count(d->boxes, "request").s);
    (void)printf("%s, %s%s%s (%zu to DENY, %zu to ALLOW), %zu with other "
                 "reasons for the same decision\n",
                 pol_count(requests, "request").s,
                 d->flips > 0 ? d->t.red : d->t.green,
                 pol_count(d->flips, "flip").s, d->t.reset, d->to_deny,
                 d->to_allow, d->other);
}

/* Errors of both sides in one run. */
static bool load(struct diff *d)
{
    bool ok = pol_set_load(&d->in, &d->old_set, &d->was, true) &&
              pol_set_compile(&d->in, &d->was);

    ok = pol_set_load(&d->in, &d->new_set, &d->now, true) &&
         pol_set_compile(&d->in, &d->now) && ok;
    if (ok &&
        (box_demands_make(d->was.compiled, &d->demands, &d->was_box) != TS_OK ||
         box_demands_make(d->now.compiled, &d->demands, &d->now_box) !=
             TS_OK)) {
        cli_error("the annotations @sandbox and @require of one of the sets "
                  "mean nothing; tipstaff policy check says where");
        ok = false;
    }
    ok = pol_load_schema(&d->in, &d->o, true) && ok;
    return ok && pol_load_entities(&d->in, &d->o, true);
}

static int diff(struct diff *d)
{
    struct pol_request_list list = {0};
    bool ok;

    d->t = term_stdout();
    if (!pol_inputs_init(&d->in))
        return CLI_FAILED;
    ts_arena_init(&d->demands, POL_ANSWER_ARENA);
    ok = load(d) && pol_requests_read(&d->in, d->requests, true, &list);
    if (ok && d->json) {
        json_out_init(&d->out, stdout);
        json_out_object(&d->out, NULL);
        json_out_array(&d->out, "changes");
    }
    if (ok) {
        ok = compare(d, &list);
        summary(d, list.count);
    }
    pol_requests_done(&list);
    pol_set_done(&d->was);
    pol_set_done(&d->now);
    pol_inputs_done(&d->in);
    ts_arena_done(&d->demands);
    return ok && d->flips == 0 && d->boxes == 0 ? CLI_OK : CLI_FAILED;
}

/* With --log the sets are configurations of the service. */
static int diff_log(const struct diff *d)
{
    const struct cli_list *old = &d->old_set.policies;
    const struct diff_log_options o = {
        .old_config = old->count > 0 ? old->items[0] : NULL,
        .new_config = d->new_set.policies.items[0],
        .logs = d->logs.items,
        .log_count = d->logs.count,
        .json = d->json,
        .quiet = d->quiet};

    if (d->requests != NULL || old->count > 1 ||
        d->new_set.policies.count > 1) {
        cli_error("--log takes one --new CONFIG, at most one --old CONFIG, and "
                  "no --requests");
        return CLI_USAGE;
    }
    return policy_diff_log(&o);
}

static int either(struct diff *d)
{
    if (d->logs.count > 0)
        return diff_log(d);
    if (d->requests != NULL && d->old_set.policies.count > 0)
        return diff(d);
    cli_error("give --old and --requests, or --log; tipstaff policy diff "
              "--help has examples");
    return CLI_USAGE;
}

int cmd_policy_diff(int argc, char **argv)
{
    struct diff d = {0};
    const struct cli_option options[] = {
        {"--old", "FILE|DIR", "the policies of before; repeat for more",
         CLI_LIST, &d.old_set.policies, false},
        {"--new", "FILE|DIR", "the policies of after; repeat for more",
         CLI_LIST, &d.new_set.policies, true},
        {"--requests", "FILE", "requests as JSON lines or a JSON array",
         CLI_TEXT, &d.requests, false},
        {"--log", "FILE|DIR",
         "the service's decision log; --old and --new are "
         "its configuration directories then",
         CLI_LIST, &d.logs, false},
        POL_OPT_SCHEMA(&d.o),
        POL_OPT_ENTITIES(&d.o),
        {"--old-links", "FILE", "links of templates of before", CLI_TEXT,
         &d.old_set.links, false},
        {"--new-links", "FILE", "links of templates of after", CLI_TEXT,
         &d.new_set.links, false},
        {"--quiet", NULL, "counts only", CLI_FLAG, &d.quiet, false},
        {"-q", NULL, NULL, CLI_FLAG, &d.quiet, false},
        {"--json", NULL, "one JSON document instead of text", CLI_FLAG, &d.json,
         false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff policy diff",
        .operands = "",
        .about = "Answers recorded requests with two policy sets and prints "
                 "every decision that flips, with the\npolicies behind both "
                 "answers, and what is permitted in another box than\n"
                 "before. Exits 1 when there is one of either.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .examples = "  tipstaff policy diff --old main/policies --new "
                    "policies \\\n      --entities e.json --requests "
                    "requests.jsonl\n"
                    "  tipstaff policy diff --log /var/log/tipstaff --new "
                    "./etc-tipstaff\n",
    };
    char **operands;
    size_t count;
    int code;

    if (!cli_parse(&usage, argc, argv, &operands, &count, &code))
        return code;
    return either(&d);
}
