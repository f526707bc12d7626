/* The table of tipstaff drill. */
#include <stddef.h>

#include "cli/cmd.h"
#include "cli/commands.h"
#include "cli/drill/drill.h"

int cmd_drill(int argc, char **argv)
{
    static const struct cli_command table[] = {
        {"revoke", "give authority, use it, take it back, measure",
         cmd_drill_revoke},
        {NULL, NULL, NULL},
    };

    return cli_dispatch(table, "tipstaff drill", NULL, argc, argv);
}
