/* tipstaff log verify|show: the decision log as files. */
#include "cli/cmd.h"
#include "cli/commands.h"
#include "cli/log/log_cmds.h"

int cmd_log(int argc, char **argv)
{
    static const struct cli_command table[] = {
        {"verify", "check the chain and that no outcome is missing",
         log_verify},
        {"show", "show one decision and its outcome", log_show},
        {NULL, NULL, NULL},
    };

    return cli_dispatch(table, "tipstaff log", NULL, argc, argv);
}
