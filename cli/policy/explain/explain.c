/* tipstaff policy explain: why a request is answered as it is. */
#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/policy/explain/log.h"
#include "cli/policy/explain/view.h"
#include "cli/policy/policy.h"
#include "cli/policy/request.h"

struct explain {
    struct pol_options o;
    struct pol_request_options r;
    struct cli_list masks, logs;
    const char *id, *config;
    bool all, json;
};

static bool is_path(const char *mask)
{
    static const char *const vars[] = {"principal", "action", "resource",
                                       "context"};
    size_t n = strcspn(mask, ".");

    for (size_t i = 0; i < sizeof(vars) / sizeof(vars[0]); i++)
        if (strlen(vars[i]) == n && strncmp(vars[i], mask, n) == 0)
            return mask[n] == '\0' || mask[n + 1] != '\0';
    return false;
}

static bool check_masks(const struct cli_list *masks)
{
    for (size_t i = 0; i < masks->count; i++) {
        if (is_path(masks->items[i]))
            continue;
        cli_error("--mask %s: a path begins with principal, action, resource "
                  "or context, e.g. context.args.token",
                  masks->items[i]);
        return false;
    }
    return true;
}

static bool show(const struct explain *c, const struct pol_inputs *in,
                 const struct pol_request *r)
{
    struct cedar_explanation why;
    struct cedar_answer a;
    struct ts_arena arena;
    ts_err e;

    ts_arena_init(&arena, POL_ANSWER_ARENA);
    e = cedar_explain(in->policies.compiled, pol_request_entities(in, r),
                      &r->req, &arena, &a, &why);
    if (e != TS_OK) {
        cli_error("no decision: %s", ts_err_text(e));
    } else {
        const struct explain_view v = {.set = &in->policies,
                                       .req = &r->req,
                                       .entities = pol_request_entities(in, r),
                                       .answer = &a,
                                       .why = &why,
                                       .masks = &c->masks,
                                       .arena = &arena,
                                       .t = term_stdout(),
                                       .marks = pol_marks(),
                                       .all = c->all};

        if (c->json)
            explain_json(&v);
        else
            explain_print(&v);
    }
    ts_arena_done(&arena);
    return e == TS_OK;
}

static int explain(const struct explain *c)
{
    struct pol_inputs in;
    struct pol_request r;
    bool ok = false;

    if (!pol_inputs_init(&in))
        return CLI_FAILED;
    if (pol_load(&in, &c->o) && pol_request_read(&in, &c->r, &r)) {
        pol_set_as_text(&in, &in.policies);
        ok = show(c, &in, &r);
        pol_request_done(&r);
    }
    pol_inputs_done(&in);
    return ok ? CLI_OK : CLI_FAILED;
}

/* A decision that the service has recorded. */
static int explain_recorded(const struct explain *c)
{
    const struct explain_log_options o = {.id = c->id,
                                          .config = c->config,
                                          .logs = &c->logs,
                                          .masks = &c->masks,
                                          .all = c->all,
                                          .json = c->json};

    if (c->config != NULL && c->o.policies.count == 0)
        return policy_explain_log(&o);
    cli_error("--id explains a recorded decision: it takes --config and "
              "perhaps --log, and no --policies");
    return CLI_USAGE;
}

int cmd_policy_explain(int argc, char **argv)
{
    struct explain c = {0};
    const struct cli_option options[] = {
        POL_OPT_REQUEST(&c.r),
        POL_OPT_POLICIES(&c.o),
        POL_OPT_SCHEMA(&c.o),
        POL_OPT_ENTITIES(&c.o),
        {"--id", "HEX", "of a decision of the service, to be explained",
         CLI_TEXT, &c.id, false},
        {"--config", "DIR", "the service's configuration, for --id", CLI_TEXT,
         &c.config, false},
        {"--log", "FILE|DIR", "where --id is looked for; repeat for more",
         CLI_LIST, &c.logs, false},
        {"--all", NULL, "policies of other actions, too", CLI_FLAG, &c.all,
         false},
        {"--mask", "PATH", "do not show this value; repeat for more", CLI_LIST,
         &c.masks, false},
        {"--json", NULL, "one JSON document instead of text", CLI_FLAG, &c.json,
         false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff policy explain",
        .operands = "",
        .about =
            "Answers one request and shows why: for each policy what every "
            "clause came to, the values it\nlooked at, and the clause that "
            "decided. The exit code is 0 whatever the decision is.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .examples =
            "  tipstaff policy explain -p policies/ --entities e.json "
            "\\\n      --request-json request.json --mask context.args.token\n"
            "  tipstaff policy explain --id 3f2a9c01 --config /etc/tipstaff\n",
    };
    char **operands;
    size_t count;
    int code;

    if (!cli_parse(&usage, argc, argv, &operands, &count, &code))
        return code;
    if (!check_masks(&c.masks))
        return CLI_USAGE;
    return c.id != NULL ? explain_recorded(&c) : explain(&c);
}
