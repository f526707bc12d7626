#ifndef CLI_POLICY_EXPLAIN_LOG_H
#define CLI_POLICY_EXPLAIN_LOG_H

#include <stdbool.h>

#include "cli/opts.h"

/*
 * tipstaff policy explain --log: a decision of the service's own log, explained
 * set by set with the configuration it ran with. Values that a manifest keeps
 * out of the log are not known here either.
 */
struct explain_log_options {
    const char *id;     /* how the decision's begins */
    const char *config; /* configuration directory */
    const struct cli_list *logs, *masks;
    bool all, json;
};

int policy_explain_log(const struct explain_log_options *o);

#endif
