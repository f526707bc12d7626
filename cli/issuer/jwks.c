/* tipstaff issuer jwks: what a service needs to verify identity tokens. */
#include <stdio.h>

#include "cli/cmd.h"
#include "cli/files.h"
#include "cli/issuer/issuer_cmds.h"
#include "cli/opts.h"
#include "proto/token/jwk.h"

static int run(char *const *files, size_t count, const char *out)
{
    struct jwk keys[JWKS_KEYS_MAX];
    char text[JWKS_KEYS_MAX * JWK_MAX];
    size_t len = 0;
    ts_err e;

    for (size_t i = 0; i < count; i++)
        if (!cli_public_key("KEY", files[i], keys[i].pk))
            return CLI_FAILED;
    e = jwks_write(keys, count, text, sizeof(text), &len);
    if (e == TS_E_EXISTS)
        cli_error("a key is given twice");
    if (e != TS_OK)
        return CLI_FAILED;
    if (out != NULL)
        return cli_write_new(out, 0644, text, len) ? CLI_OK : CLI_FAILED;
    return fwrite(text, 1, len, stdout) == len ? CLI_OK : CLI_FAILED;
}

int issuer_jwks_run(int argc, char **argv)
{
    const char *out = NULL;
    const struct cli_option options[] = {
        {"-o", "FILE", "write to this new file, mode 0644 (printed)", CLI_TEXT,
         &out, false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff issuer jwks",
        .operands = "KEY...",
        .about = "Writes public keys as a JWKS (RFC 7517), with which a "
                 "service verifies the identity\ntokens that a sidecar mints. "
                 "While you change the key, give both: the new one first.\n"
                 "KEY is NAME.pub or 64 hex digits; the kid is the thumbprint "
                 "of RFC 7638.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .operands_min = 1,
        .operands_max = JWKS_KEYS_MAX,
        .examples = "  tipstaff issuer jwks token.pub -o jwks.json\n"
                    "  tipstaff issuer jwks token-2027.pub token-2026.pub\n",
    };
    char **operands;
    size_t count;
    int code;

    if (!cli_parse(&usage, argc, argv, &operands, &count, &code))
        return code;
    return run(operands, count, out);
}
