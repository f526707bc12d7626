/* The table of tipstaff directory. */
#include <stddef.h>

#include "cli/cmd.h"
#include "cli/directory/directory.h"

int cmd_directory(int argc, char **argv)
{
    static const struct cli_command table[] = {
        {"apply", "sign a directory's source and put it in force",
         cmd_directory_apply},
        {"patch", "change the one in force, as SCIM's PatchOp says",
         cmd_directory_patch},
        {"show", "who is in it, who signed it, how fresh it is",
         cmd_directory_show},
        {"export", "write it as a source that apply reads",
         cmd_directory_export},
        {"push", "hand over what was signed elsewhere", cmd_directory_push},
        {"heartbeat", "say again and again that it is the newest",
         cmd_directory_heartbeat},
        {NULL, NULL, NULL},
    };

    return cli_dispatch(table, "tipstaff directory", NULL, argc, argv);
}
