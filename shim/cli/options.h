#ifndef SHIM_CLI_OPTIONS_H
#define SHIM_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/wire/limits.h"
#include "shim/tipstaff.h"

enum command {
    COMMAND_CALL,
    COMMAND_CHECK,
    COMMAND_TOOLS,
    COMMAND_PING,
    COMMAND_END,
    COMMAND_REVOKE
};

/* The command line. Everything borrows from argv. */
struct options {
    enum command command;
    struct tipstaff_config session;
    bool batch;
    bool input;            /* --stdin */
    bool as_json;          /* tools --json */
    const char *json_file; /* call, check: --json FILE */
    const char *tool;
    char **words; /* k=v and k:=JSON, word_count of them */
    int word_count;
    uint64_t deadline_ms;
    uint32_t hold_ms; /* for people; of a batch 0 unless it is said */
    bool hold_said;
    bool events; /* what happens to one call, as JSON on standard error */
    bool keep;   /* an output of more than inline_max bytes is not wanted */
    uint32_t inline_max;
    int timeout_ms; /* for handshake and each answer */
    const char *traceparent;
    const char *provenance[TS_PROVENANCE_MAX];
    size_t provenance_count;
    bool retry;
    uint8_t retry_id[16];
    struct tipstaff_revocation revocation; /* revoke */
};

/* The exit code to end with, after having printed why (or the help), or -1 to
 * go on. */
int options_parse(int argc, char **argv, struct options *ret);

#endif
