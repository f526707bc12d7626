/* tipstaff drill revoke: does a revocation do what it says, here and now? */
#include <stdio.h>

#include "cli/cmd.h"
#include "cli/drill/drill.h"
#include "cli/opts.h"
#include "proto/base/ts_arena.h"
#include "proto/base/ts_mem.h"

#define ARENA_MAX ((size_t)1 << 20)

static int run_rounds(const struct drill_options *o, struct drill *d,
                      struct drill_round *rounds)
{
    for (uint64_t i = 0; i < o->rounds; i++) {
        drill_round(d, &rounds[i]);
        if (!o->json)
            drill_report_round(i + 1, &rounds[i]);
        else if (!rounds[i].pass)
            cli_error("round %llu: %s", (unsigned long long)i + 1,
                      rounds[i].why);
    }
    return drill_report(o, rounds, (size_t)o->rounds) ? CLI_OK : CLI_FAILED;
}

static int run(const struct drill_options *o)
{
    struct ts_arena arena;
    struct drill_round *rounds;
    struct drill d;
    int code = CLI_FAILED;

    if (o->rounds == 0 || o->rounds > DRILL_ROUNDS_MAX || o->wait_s == 0 ||
        o->wait_s > 3600) {
        cli_error("--rounds: 1 to %d; --wait: 1s to 1h", DRILL_ROUNDS_MAX);
        return CLI_USAGE;
    }
    if (trust_init() != TS_OK) {
        cli_error("this libsodium accepts known bad keys; install a fixed one");
        return CLI_FAILED;
    }
    rounds = ts_mem_alloc((size_t)o->rounds * sizeof(*rounds));
    if (rounds == NULL) {
        cli_error("out of memory");
        return CLI_FAILED;
    }
    ts_arena_init(&arena, ARENA_MAX);
    if (drill_setup(o, &arena, &d))
        code = run_rounds(o, &d, rounds);
    drill_done(&d);
    ts_arena_done(&arena);
    ts_mem_free(rounds);
    return code;
}

static const char about[] =
    "Rehearses a revocation on the running service: makes a grant for a "
    "sub-agent, starts\na tool on it, revokes the grant, and measures until "
    "the tool was signalled, was dead,\nand the next call was denied. Exit "
    "code 0 when all of it happened.";

int cmd_drill_revoke(int argc, char **argv)
{
    struct drill_options o = {.config = "/etc/tipstaff",
                              .aud = "sidecar/local",
                              .tool = "demo.sleep",
                              .arg = "seconds=3600",
                              .uid = UINT64_MAX,
                              .gid = UINT64_MAX,
                              .rounds = 1,
                              .wait_s = 30};
    const struct cli_option options[] = {
        {"--config", "DIR", "keys, directory, sockets (/etc/tipstaff)",
         CLI_TEXT, &o.config, false},
        {"--tenant", "NAME", "in which tenant (the only one there is)",
         CLI_TEXT, &o.tenant, false},
        {"--user", "ID", "on whose behalf (the first active one)", CLI_TEXT,
         &o.user, false},
        {"--agent", "ID", "the agent (the first active one with a key)",
         CLI_TEXT, &o.agent, false},
        {"--tool", "NAME", "what runs meanwhile (demo.sleep)", CLI_TEXT,
         &o.tool, false},
        {"--arg", "K=V", "its argument (seconds=3600)", CLI_TEXT, &o.arg,
         false},
        {"--aud", "ID", "the sidecar's name (sidecar/local)", CLI_TEXT, &o.aud,
         false},
        {"--issuer-key", "FILE", "(DIR/keys/issuer.seed)", CLI_TEXT,
         &o.issuer_key, false},
        {"--agent-key", "FILE", "(DIR/keys/agents/AGENT.seed)", CLI_TEXT,
         &o.agent_key, false},
        {"--revoker-key", "FILE",
         "($TIPSTAFF_REVOKER_KEY, DIR/keys/revoker.seed)", CLI_TEXT,
         &o.revoker_key, false},
        {"--socket", "PATH", "agent.sock (that of DIR/tipstaff.yaml)", CLI_TEXT,
         &o.socket, false},
        {"--admin-socket", "PATH", "admin.sock (the same)", CLI_TEXT, &o.admin,
         false},
        {"--uid", "UID", "of the agent's process (the agent's first)",
         CLI_NUMBER, &o.uid, false},
        {"--gid", "GID", "of the agent's process (all groups of that user)",
         CLI_NUMBER, &o.gid, false},
        {"--rounds", "N", "how often (1)", CLI_NUMBER, &o.rounds, false},
        {"--wait", "TIME", "how long to wait for each answer (30s)",
         CLI_SECONDS, &o.wait_s, false},
        {"--json", NULL, "one JSON object", CLI_FLAG, &o.json, false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff drill revoke",
        .operands = "",
        .about = about,
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .examples = "  tipstaff drill revoke --config /etc/tipstaff\n"
                    "  tipstaff drill revoke --rounds 100 --json\n",
    };
    char **operand;
    size_t count;
    int code;

    return cli_parse(&usage, argc, argv, &operand, &count, &code) ? run(&o)
                                                                  : code;
}
