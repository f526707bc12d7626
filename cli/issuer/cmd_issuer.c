#include "cli/cmd.h"
#include "cli/commands.h"
#include "cli/issuer/issuer_cmds.h"
#include "proto/trust/keys.h"

int cmd_issuer(int argc, char **argv)
{
    static const struct cli_command table[] = {
        {"nonce", "begin a login that is bound to one key", issuer_nonce_run},
        {"exchange", "turn an ID token into the first block of a delegation",
         issuer_exchange_run},
        {"jwks", "write the public keys that verify identity tokens",
         issuer_jwks_run},
        {NULL, NULL, NULL},
    };

    if (trust_init() != TS_OK) {
        cli_error("this libsodium accepts known bad keys; install a fixed one");
        return CLI_FAILED;
    }
    return cli_dispatch(table, "tipstaff issuer", NULL, argc, argv);
}
