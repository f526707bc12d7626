#ifndef CLI_POLICY_DIFF_LOG_H
#define CLI_POLICY_DIFF_LOG_H

#include <stdbool.h>
#include <stddef.h>

/*
 * tipstaff policy diff --log: which decisions of the service's own log would
 * fall differently under another configuration.
 */
struct diff_log_options {
    const char *old_config; /* NULL: as it was recorded */
    const char *new_config;
    char **logs; /* files and directories; none: the service's directory */
    size_t log_count;
    bool json;
};

/* As diff(1): 0 nothing flips, 1 something does, 2 it could not be told. */
int policy_diff_log(const struct diff_log_options *o);

#endif
