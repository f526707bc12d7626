#include "cli/breakglass/breakglass.h"

#include "cli/cmd.h"
#include "cli/commands.h"
#include "proto/trust/keys.h"

int cmd_breakglass(int argc, char **argv)
{
    static const struct cli_command table[] = {
        {"request", "write down what is to be permitted, for how long",
         breakglass_request_run},
        {"show", "all that a file says, and who signed it",
         breakglass_show_run},
        {"sign", "add a person's signature, into a new file",
         breakglass_sign_run},
        {"activate", "bring it to the service", breakglass_activate_run},
        {"ls", "which ones there are, and what is left of them",
         breakglass_ls_run},
        {"end", "end one now, and what runs under it", breakglass_end_run},
        {NULL, NULL, NULL},
    };

    if (trust_init() != TS_OK) {
        cli_error("this libsodium accepts known bad keys; install a fixed one");
        return CLI_FAILED;
    }
    return cli_dispatch(table, "tipstaff break-glass", NULL, argc, argv);
}
