/* tipstaff break-glass request: what people are then asked to sign. */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/breakglass/breakglass.h"
#include "cli/cmd.h"
#include "cli/files.h"
#include "cli/opts.h"
#include "proto/trust/id.h"
#include "sidecar/gate/people/escalation_policies.h"

#define VALID_S 1800u
#define USES    10u

struct request {
    const char *tenant, *user, *agent, *task, *policies, *reason, *incident;
    const char *out;
    struct cli_list lifts;
    uint64_t valid_s, uses;
};

static int by_text(const void *a, const void *b)
{
    const struct ts_str *x = a, *y = b;

    return ts_str_cmp(*x, *y);
}

static bool id_ok(const char *option, const char *id)
{
    if (trust_id_valid(ts_str_of(id)))
        return true;
    cli_error("%s: not an id, which is 1 to 128 of [A-Za-z0-9._@:+=-], "
              "segments joined by /",
              option);
    return false;
}

static bool text_ok(const char *option, const char *text, size_t min,
                    size_t max)
{
    size_t n = strlen(text);

    if (n >= min && n <= max && ts_utf8_valid(text, n))
        return true;
    cli_error("%s: %zu to %zu bytes of UTF-8", option, min, max);
    return false;
}

/* What is wrong without a look at any file. */
static bool options_ok(const struct request *r)
{
    if (r->uses > ESCALATION_USES_MAX || r->uses == 0) {
        cli_error("--uses is 1 to %u", ESCALATION_USES_MAX);
        return false;
    }
    if (r->valid_s == 0 || r->valid_s > ESCALATION_TTL_HARD_S) {
        cli_error("--for is at most 8h; a tenant allows 1h unless its "
                  "breakglass_max_s says otherwise");
        return false;
    }
    if (r->lifts.count > ESCALATION_LIFTS_MAX) {
        cli_error("--lift: at most %u policies", ESCALATION_LIFTS_MAX);
        return false;
    }
    if (r->policies == NULL && r->lifts.count == 0) {
        cli_error("--policies or --lift: what is to be permitted?");
        return false;
    }
    return id_ok("--tenant", r->tenant) && id_ok("--user", r->user) &&
           id_ok("--agent", r->agent) && id_ok("--task", r->task) &&
           text_ok("--reason", r->reason, ESCALATION_REASON_MIN,
                   ESCALATION_REASON_MAX) &&
           text_ok("--incident", r->incident, 0, ESCALATION_INCIDENT_MAX);
}

/* Sorted, as they are signed. */
static void lifts_of(const struct request *r, struct escalation *e)
{
    for (size_t i = 0; i < r->lifts.count; i++)
        e->lifts[i] = ts_str_of(r->lifts.items[i]);
    e->lift_count = (uint32_t)r->lifts.count;
    qsort(e->lifts, e->lift_count, sizeof(e->lifts[0]), by_text);
}

/* People would sign in vain what the service then refuses. */
static bool policies_of(const struct request *r, struct ts_arena *arena,
                        struct ts_str *ret)
{
    char why[512], shown[1024];
    struct ts_bytes text;

    *ret = (struct ts_str){.ptr = NULL};
    if (r->policies == NULL)
        return true;
    if (!cli_read(r->policies, ESCALATION_POLICIES_MAX, arena, &text))
        return false;
    *ret = (struct ts_str){.ptr = (const char *)text.ptr, .len = text.len};
    if (escalation_policies_check(r->policies, *ret, why, sizeof(why)) == TS_OK)
        return true;
    if (why[0] == '\0') {
        cli_error("out of memory");
        return false;
    }
    (void)ts_str_show(shown, sizeof(shown), why, strlen(why));
    cli_error("%s", shown); /* it quotes the file */
    return false;
}

static bool fill(const struct request *r, struct ts_arena *arena,
                 struct escalation *e)
{
    struct ts_str text;
    time_t now = time(NULL);

    if (!policies_of(r, arena, &text))
        return false;
    if (now <= 0) {
        cli_error("this machine's clock is not set");
        return false;
    }
    *e = (struct escalation){.tenant = ts_str_of(r->tenant),
                             .user = ts_str_of(r->user),
                             .agent = ts_str_of(r->agent),
                             .task = ts_str_of(r->task),
                             .policies = text,
                             .nbf = (uint64_t)now,
                             .exp = (uint64_t)now + r->valid_s,
                             .max_uses = (uint32_t)r->uses,
                             .reason = ts_str_of(r->reason),
                             .incident = ts_str_of(r->incident)};
    randombytes_buf(e->id, sizeof(e->id));
    lifts_of(r, e);
    return true;
}

static bool write_out(const struct request *r, const struct escalation *e)
{
    struct escalation_object o = {.sig_count = 0};
    struct ts_buf body, object;
    bool ok = false;

    ts_buf_init(&body, ESCALATION_BODY_MAX);
    ts_buf_init(&object, ESCALATION_MAX);
    if (escalation_body(e, &body) != TS_OK) {
        cli_error("it cannot be written: each --lift is another @id of at most "
                  "%u bytes, --policies not empty",
                  ESCALATION_LIFT_MAX);
    } else {
        o.body = (struct ts_bytes){ts_buf_bytes(&body), body.len};
        if (escalation_join(&o, NULL, (struct ts_bytes){.ptr = NULL},
                            &object) != TS_OK)
            cli_error("out of memory");
        else
            ok = cli_write_new(r->out, 0644, ts_buf_bytes(&object), object.len);
    }
    ts_buf_done(&body);
    ts_buf_done(&object);
    return ok;
}

static int run(const struct request *r)
{
    struct ts_arena arena;
    struct escalation e;
    bool ok;

    ts_arena_init(&arena, (size_t)16 * ESCALATION_POLICIES_MAX);
    ok = fill(r, &arena, &e) && write_out(r, &e);
    ts_arena_done(&arena);
    if (ok)
        (void)printf("%s: valid from now; give it to the people who are to "
                     "sign it\n",
                     r->out);
    return ok ? CLI_OK : CLI_FAILED;
}

int breakglass_request_run(int argc, char **argv)
{
    struct request r = {.valid_s = VALID_S, .uses = USES, .incident = ""};
    const struct cli_option options[] = {
        {"--tenant", "ID", "whose rules it widens", CLI_TEXT, &r.tenant, true},
        {"--user", "ID", "for whom the agent acts", CLI_TEXT, &r.user, true},
        {"--agent", "ID", "the agent, and all below it", CLI_TEXT, &r.agent,
         true},
        {"--task", "ID", "the task of the delegation", CLI_TEXT, &r.task, true},
        {"--policies", "FILE", "permits in Cedar, 4 KiB; - for standard input",
         CLI_TEXT, &r.policies, false},
        {"--lift", "ID", "a forbid with @breakglass, by its @id (16 times)",
         CLI_LIST, &r.lifts, false},
        {"--for", "TIME", "how long, from now (30m)", CLI_SECONDS, &r.valid_s,
         false},
        {"--uses", "N", "how many calls, 1 to 1000 (10)", CLI_NUMBER, &r.uses,
         false},
        {"--reason", "TEXT", "why, for those who sign and those who review",
         CLI_TEXT, &r.reason, true},
        {"--incident", "REF", "of your incident system", CLI_TEXT, &r.incident,
         false},
        {"-o", "FILE", "where it goes (new file)", CLI_TEXT, &r.out, true},
    };
    const struct cli_usage usage = {
        .name = "tipstaff break-glass request",
        .operands = "",
        .about = "Writes down what an agent is to be permitted in one task, "
                 "beside what its tenant's\npolicies permit, for a while and a "
                 "number of calls. Nothing of it counts before enough\npeople "
                 "have signed it.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .examples =
            "  tipstaff break-glass request --tenant acme --user alice "
            "--agent coder \\\n"
            "      --task inc-17 --policies restart.cedar --lift freeze "
            "--for 30m --uses 5 \\\n"
            "      --reason \"production is down\" --incident INC-17 -o "
            "inc-17.bg\n",
    };
    char **operands;
    size_t count;
    int code;

    if (!cli_parse(&usage, argc, argv, &operands, &count, &code))
        return code;
    return options_ok(&r) ? run(&r) : CLI_USAGE;
}
