/* tipstaff policy eval: one request, answered as `cedar authorize` does. */
#include <stdio.h>
#include <time.h>

#include "cli/cmd.h"
#include "cli/policy/answer.h"
#include "cli/policy/policy.h"
#include "cli/policy/report.h"
#include "cli/policy/request.h"

/* Those of `cedar authorize`. A wrong command line is an error like any other,
 * so that 2 always means DENY. */
enum {
    EVAL_ALLOW = 0,
    EVAL_ERROR = 1,
    EVAL_DENY = 2
};

struct eval {
    struct pol_options o;
    struct pol_request_options r;
    bool verbose, timing, json;
};

static double now_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void print_text(const struct eval *c, const struct cedar_policies *p,
                       const struct cedar_answer *a)
{
    const struct term t = term_stdout();

    pol_put_decision(stdout, &t, a->decision);
    (void)printf("\n");
    for (uint32_t i = 0; i < a->error_count; i++) {
        (void)printf("%serror%s while evaluating policy ", t.yellow, t.reset);
        pol_put_id(stdout, p, a->errors[i].policy);
        (void)printf(": %s\n", a->errors[i].text);
    }
    if (!c->verbose)
        return;
    if (a->reason_count == 0)
        (void)printf("note: no policies applied to this request");
    else
        (void)printf("note: this decision was due to: ");
    pol_put_ids(stdout, p, a->reasons, a->reason_count);
    (void)printf("\n");
    if (a->decision == CEDAR_ALLOW || a->permit_count == 0)
        return;
    (void)printf("note: permits that are satisfied: ");
    pol_put_ids(stdout, p, a->satisfied_permits, a->permit_count);
    (void)printf("\n");
}

static void print_json(const struct eval *c, const struct cedar_policies *p,
                       const struct cedar_answer *a, double us)
{
    struct json_out j;

    json_out_init(&j, stdout);
    json_out_object(&j, NULL);
    pol_answer_json(&j, p, a);
    if (c->timing)
        json_out_decimal(&j, "us", us);
    json_out_end(&j);
}

static int answer(const struct eval *c, const struct pol_inputs *in,
                  const struct pol_request *r)
{
    const struct cedar_policies *p = in->policies.compiled;
    struct cedar_answer a;
    struct ts_arena arena;
    double us = now_us();
    ts_err e;

    ts_arena_init(&arena, POL_ANSWER_ARENA);
    e = cedar_authorize(p, pol_request_entities(in, r), &r->req, &arena, &a);
    us = now_us() - us;
    if (e != TS_OK) {
        cli_error("no decision: %s", ts_err_text(e));
        ts_arena_done(&arena);
        return EVAL_ERROR;
    }
    if (c->json)
        print_json(c, p, &a, us);
    else
        print_text(c, p, &a);
    if (c->timing && !c->json)
        (void)printf("time: %.3f us\n", us);
    ts_arena_done(&arena);
    return a.decision == CEDAR_ALLOW ? EVAL_ALLOW : EVAL_DENY;
}

static int eval(const struct eval *c)
{
    struct pol_inputs in;
    struct pol_request r;
    int code = EVAL_ERROR;

    if (!pol_inputs_init(&in))
        return EVAL_ERROR;
    if (pol_load(&in, &c->o) && pol_request_read(&in, &c->r, &r)) {
        code = answer(c, &in, &r);
        pol_request_done(&r);
    }
    pol_inputs_done(&in);
    return code;
}

int cmd_policy_eval(int argc, char **argv)
{
    struct eval c = {0};
    const struct cli_option options[] = {
        POL_OPT_REQUEST(&c.r),
        POL_OPT_POLICIES(&c.o),
        POL_OPT_SCHEMA(&c.o),
        POL_OPT_ENTITIES(&c.o),
        {"--verbose", NULL, "which policies decided", CLI_FLAG, &c.verbose,
         false},
        {"-v", NULL, NULL, CLI_FLAG, &c.verbose, false},
        {"--timing", NULL, "how long the decision took", CLI_FLAG, &c.timing,
         false},
        {"-t", NULL, NULL, CLI_FLAG, &c.timing, false},
        {"--json", NULL, "one JSON document instead of text", CLI_FLAG, &c.json,
         false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff policy eval",
        .operands = "",
        .about = "Answers one request: ALLOW or DENY. The options are those "
                 "of `cedar authorize`, and so are\nthe exit codes: 0 ALLOW, 2 "
                 "DENY, 1 no decision (also for a wrong command line).",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .examples =
            "  tipstaff policy eval --policies policies/ --entities e.json "
            "\\\n      --principal 'User::\"alice\"' --action "
            "'Action::\"view\"' --resource 'Photo::\"a.jpg\"'\n"
            "  tipstaff policy eval -p p.cedar --entities e.json -v "
            "--request-json request.json\n",
    };
    char **operands;
    size_t count;
    int code;

    if (!cli_parse(&usage, argc, argv, &operands, &count, &code))
        return code == CLI_OK ? CLI_OK : EVAL_ERROR;
    return eval(&c);
}
