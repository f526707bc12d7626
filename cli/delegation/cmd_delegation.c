#include "cli/cmd.h"
#include "cli/commands.h"
#include "cli/delegation/delegation_cmds.h"
#include "proto/trust/keys.h"

int cmd_delegation(int argc, char **argv)
{
    static const struct cli_command table[] = {
        {"show", "show what a chain file says", delegation_show_run},
        {"export", "describe a chain as RFC 8693 claims",
         delegation_export_run},
        {"cert", "vouch for an agent's key", delegation_cert_run},
        {"vectors", "run a file of test vectors", delegation_vectors_run},
        {NULL, NULL, NULL},
    };

    if (trust_init() != TS_OK) {
        cli_error("this libsodium accepts known bad keys; install a fixed one");
        return CLI_FAILED;
    }
    return cli_dispatch(table, "tipstaff delegation", NULL, argc, argv);
}
