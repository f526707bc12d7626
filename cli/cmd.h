#ifndef CLI_CMD_H
#define CLI_CMD_H

#include <stddef.h>

#include "proto/base/ts_attr.h"

/* Exit codes of every subcommand. */
enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1, /* it was tried and did not work, or the answer is no */
    CLI_USAGE = 2   /* the command line itself is wrong; nothing was tried */
};

/*
 * One subcommand. run() gets its own arguments: argv[0] is the subcommand's
 * name. It prints results to stdout and errors with cli_error(), and returns an
 * enum cli_exit.
 */
struct cli_command {
    const char *name;
    const char *summary; /* one line, no full stop; NULL: a second name, which
                            --help does not show */
    int (*run)(int argc, char **argv);
};

/* Ends with a zeroed entry. */
extern const struct cli_command cli_commands[];

/* Runs the entry of table (ends with a zeroed one) that argv[1] names; prints
 * the table for --help. name is what was typed so far, "tipstaff" or
 * "tipstaff key"; more is printed after the table by --help. */
int cli_dispatch(const struct cli_command *table, const char *name,
                 const char *more, int argc, char **argv);

/* "tipstaff: " and the sentence to stderr. Say what is wrong and what to do.
 * Anything from a file or a peer goes through ts_str_escape() first. */
TS_PRINTF(1, 2) void cli_error(const char *fmt, ...);

#endif
