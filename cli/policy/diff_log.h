#ifndef CLI_POLICY_DIFF_LOG_H
#define CLI_POLICY_DIFF_LOG_H

#include <stdbool.h>
#include <stddef.h>

/*
 * tipstaff policy diff --log: which decisions of the service's own log would
 * fall differently under another configuration, and which permitted ones would
 * demand another box.
 */
struct diff_log_options {
    const char *old_config; /* NULL: as it was recorded */
    const char *new_config;
    const char *const
        *logs; /* files and directories; none: the service's directory */
    size_t log_count;
    bool json, quiet;
};

/* CLI_OK when nothing flips and no box is another. */
int policy_diff_log(const struct diff_log_options *o);

#endif
