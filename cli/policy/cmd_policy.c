/* The table of tipstaff policy. */
#include <stddef.h>

#include "cli/cmd.h"
#include "cli/policy/policy.h"

int cmd_policy(int argc, char **argv)
{
    static const struct cli_command table[] = {
        {"check", "read, validate and lint policies", cmd_policy_check},
        {"fmt", "put policy text into one style", cmd_policy_fmt},
        {"eval", "answer one request, as cedar authorize does",
         cmd_policy_eval},
        {"explain", "why a request is answered as it is", cmd_policy_explain},
        {"test", "run cases with expected decisions; clause coverage",
         cmd_policy_test},
        {"diff", "which decisions two policy sets answer differently",
         cmd_policy_diff},
        {"bench", "how fast these policies decide", cmd_policy_bench},
        {"schema", "the schema that fits the tools; what another one lacks",
         cmd_policy_schema},
        {"translate", "text to JSON and back, policies and schemas",
         cmd_policy_translate},
        {"corpus", "run cases of the integration-test format",
         cmd_policy_corpus},
        {NULL, NULL, NULL},
    };

    return cli_dispatch(table, "tipstaff policy", NULL, argc, argv);
}
