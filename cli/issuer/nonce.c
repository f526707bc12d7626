/* tipstaff issuer nonce: the first half of a login. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/files.h"
#include "cli/issuer/issuer_cmds.h"
#include "cli/issuer/opening.h"
#include "cli/opts.h"
#include "proto/trust/id.h"

struct nonce_opts {
    const char *holder, *task, *aud, *out;
};

static bool take_id(const char *what, const char *id, char to[TS_ID_MAX + 1])
{
    if (!trust_id_valid(ts_str_of(id))) {
        cli_error("%s: 1 to %d of [A-Za-z0-9._@:+=-], segments joined by /",
                  what, TS_ID_MAX);
        return false;
    }
    memcpy(to, id, strlen(id) + 1);
    return true;
}

static int run(const struct nonce_opts *opts)
{
    char text[OPENING_MAX], nonce[OPENING_NONCE_LEN + 1];
    struct opening o;
    size_t len;

    if (!cli_public_key("--holder", opts->holder, o.holder) ||
        !take_id("--task", opts->task, o.task) ||
        !take_id("--aud", opts->aud, o.aud))
        return CLI_FAILED;
    randombytes_buf(o.random, sizeof(o.random));
    if (opening_write(&o, text, sizeof(text), &len) != TS_OK ||
        !cli_write_new(opts->out, 0600, text, len))
        return CLI_FAILED;
    opening_nonce(&o, nonce);
    (void)printf("%s\n", nonce);
    return CLI_OK;
}

int issuer_nonce_run(int argc, char **argv)
{
    struct nonce_opts o = {0};
    const struct cli_option options[] = {
        {"--holder", "KEY", "the agent's public key: 64 hex digits or NAME.pub",
         CLI_TEXT, &o.holder, true},
        {"--task", "ID", "what the login is for", CLI_TEXT, &o.task, true},
        {"--aud", "ID", "the sidecar that may accept it", CLI_TEXT, &o.aud,
         true},
        {"-o", "FILE", "where the opening goes (new file, mode 0600)", CLI_TEXT,
         &o.out, true},
    };
    const struct cli_usage usage = {
        .name = "tipstaff issuer nonce",
        .operands = "",
        .about = "Prints a nonce for a login at your identity provider. It "
                 "commits to one agent's key,\none task and one sidecar, so "
                 "that the ID token is of no use for another. The opening\n"
                 "is what tipstaff issuer exchange needs when the token is "
                 "there.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .examples = "  tipstaff issuer nonce --holder coder.pub --task t-1 \\\n"
                    "      --aud sidecar/local -o login.opening\n",
    };
    char **operands;
    size_t count;
    int code;

    if (!cli_parse(&usage, argc, argv, &operands, &count, &code))
        return code;
    return run(&o);
}
