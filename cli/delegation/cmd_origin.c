/* tipstaff origin: an issuer says who began a task, and in what words. */
#include <string.h>
#include <time.h>

#include "cli/cmd.h"
#include "cli/commands.h"
#include "cli/delegation/origin_file.h"
#include "cli/files.h"
#include "cli/opts.h"
#include "proto/trust/delegation.h"

struct origin_opts {
    const char *issuer_key, *chain, *kind, *prompt, *out;
};

/* Whose statement it is: that of the grant in the chain, as long as it lasts.
 * The strings live in arena. */
static bool from_chain(const struct origin_opts *o, struct ts_arena *arena,
                       struct origin *ret)
{
    struct ts_bytes chain;
    struct delegation d;
    time_t now = time(NULL);

    if (!cli_read(o->chain, TS_CHAIN_MAX, arena, &chain))
        return false;
    if (delegation_decode_to_show(chain.ptr, chain.len, NULL, arena, &d) !=
        TRUST_OK) {
        cli_error("%s is not a delegation chain", o->chain);
        return false;
    }
    if (now <= 0 || (uint64_t)now >= d.blocks[0].exp) {
        cli_error("%s has expired", o->chain);
        return false;
    }
    ret->tenant = d.tenant;
    memcpy(ret->grant_id, d.grant_id, sizeof(ret->grant_id));
    ret->iat = (uint64_t)now;
    ret->exp = d.blocks[0].exp;
    return true;
}

static int run(const struct origin_opts *o)
{
    struct origin origin = {.kind = ORIGIN_USER};
    struct ts_arena arena;
    struct ts_buf bytes;
    bool ok;

    if (!origin_kind_parse(ts_str_of(o->kind), &origin.kind)) {
        cli_error("--kind %s: user, schedule, webhook or agent", o->kind);
        return CLI_USAGE;
    }
    if (trust_init() != TS_OK) {
        cli_error("this libsodium accepts known bad keys; install a fixed one");
        return CLI_FAILED;
    }
    ts_arena_init(&arena, (size_t)16 * TS_CHAIN_MAX);
    ts_buf_init(&bytes, SIGNED_ORIGIN_MAX);
    ok = from_chain(o, &arena, &origin) &&
         cli_origin_make(o->issuer_key, o->prompt, &arena, &origin, &bytes) &&
         cli_origin_write(&origin, &bytes, o->out != NULL ? o->out : o->chain,
                          o->out == NULL);
    ts_buf_done(&bytes);
    ts_arena_done(&arena);
    return ok ? CLI_OK : CLI_FAILED;
}

int cmd_origin(int argc, char **argv)
{
    struct origin_opts o = {.kind = "user"};
    const struct cli_option options[] = {
        {"--issuer-key", "FILE", "the issuer's NAME.seed", CLI_TEXT,
         &o.issuer_key, true},
        {"--chain", "FILE", "the delegation whose task it is", CLI_TEXT,
         &o.chain, true},
        {"--kind", "WORD",
         "who began it: user, schedule, webhook or agent (user)", CLI_TEXT,
         &o.kind, false},
        {"--prompt", "FILE",
         "the user's own words, - for standard input (none)", CLI_TEXT,
         &o.prompt, false},
        {"-o", "FILE", "where it goes, a new file (CHAIN.origin)", CLI_TEXT,
         &o.out, false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff origin",
        .operands = "",
        .about = "Signs who began a task, and in what words. What stands in "
                 "the prompt counts as said by\nthe user, so put nothing into "
                 "it that came from elsewhere. tipstaff-shim sends\n"
                 "CHAIN.origin by itself.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .examples = "  tipstaff origin --issuer-key issuer.seed --chain "
                    "coder.chain \\\n"
                    "      --prompt request.txt\n"
                    "  tipstaff origin --issuer-key issuer.seed --chain "
                    "coder.chain \\\n"
                    "      --kind webhook\n",
    };
    char **operands;
    size_t count;
    int code;

    if (!cli_parse(&usage, argc, argv, &operands, &count, &code))
        return code;
    return run(&o);
}
