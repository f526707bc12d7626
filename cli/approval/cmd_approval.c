#include "cli/approval/approval.h"

#include "cli/cmd.h"
#include "cli/commands.h"
#include "proto/trust/keys.h"

int cmd_approval(int argc, char **argv)
{
    static const struct cli_command table[] = {
        {"ls", "which calls wait for people", approval_ls_run},
        {"show", "one of them, with all that is known", approval_show_run},
        {"watch", "show them as they come", approval_watch_run},
        {"approve", "say yes to one, signed", approval_approve_run},
        {"deny", "say no to one, signed", approval_deny_run},
        {"vectors", "run a file of test vectors", approval_vectors_run},
        {NULL, NULL, NULL},
    };

    if (trust_init() != TS_OK) {
        cli_error("this libsodium accepts known bad keys; install a fixed one");
        return CLI_FAILED;
    }
    return cli_dispatch(table, "tipstaff approvals", NULL, argc, argv);
}
