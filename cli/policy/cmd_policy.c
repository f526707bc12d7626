/* The table of tipstaff policy. */
#include <stddef.h>

#include "cli/cmd.h"
#include "cli/policy/policy.h"

int cmd_policy(int argc, char **argv)
{
    static const struct cli_command table[] = {
        {"corpus", "run cases of the integration-test format",
         cmd_policy_corpus},
        {NULL, NULL, NULL},
    };

    return cli_dispatch(table, "tipstaff policy", NULL, argc, argv);
}
