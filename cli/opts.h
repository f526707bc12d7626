#ifndef CLI_OPTS_H
#define CLI_OPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Options as a table: the same lines parse the command line and print --help.
 *
 *     const char *out = NULL;
 *     const struct cli_option options[] = {
 *         {"--out", "FILE", "where the chain goes", CLI_TEXT, &out, true},
 *     };
 *
 * Both "--out FILE" and "--out=FILE" are understood; "--" ends the options.
 * A single-value option given twice is an error.
 */
enum cli_kind {
    CLI_FLAG,    /* bool *; takes no value */
    CLI_TEXT,    /* const char ** */
    CLI_NUMBER,  /* uint64_t *, decimal */
    CLI_SECONDS, /* uint64_t *, "90", "90s", "15m", "1h", "1d" */
    CLI_LIST     /* struct cli_list *; may be repeated */
};

#define CLI_LIST_MAX    64
#define CLI_OPTIONS_MAX 32

struct cli_list {
    const char *items[CLI_LIST_MAX];
    size_t count;
};

struct cli_option {
    const char *name;  /* "--out"; a short form is an entry of its own */
    const char *value; /* what --help calls the value; NULL for a flag */
    const char *help;  /* NULL: a second name, not shown */
    enum cli_kind kind;
    void *to;
    bool required;
};

struct cli_usage {
    const char *name;     /* "tipstaff key new" */
    const char *operands; /* "NAME", or "" */
    const char *about;    /* a sentence or two */
    const struct cli_option *options;
    size_t option_count;
    size_t operands_min, operands_max;
    const char *examples; /* lines, each ending in a newline */
};

/*
 * Parses argv[1..]. Returns true when the command should go on: options are
 * set, *ret_operands points at *ret_count operands inside argv (which is
 * reordered). Returns false when it is over (--help, or an error that has been
 * printed) with the exit code in *ret_exit.
 */
bool cli_parse(const struct cli_usage *u, int argc, char **argv,
               char ***ret_operands, size_t *ret_count, int *ret_exit);

/* Decimal digits only, no sign, no overflow. */
bool cli_number(const char *s, uint64_t *ret);
bool cli_seconds(const char *s, uint64_t *ret);

#endif
