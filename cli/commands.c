#include "cli/commands.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/approval/approval.h"
#include "cli/breakglass/breakglass.h"
#include "cli/cmd.h"
#include "cli/directory/directory.h"
#include "cli/policy/policy.h"
#include "cli/replay/replay.h"
#include "cli/revocations/revocations.h"
#include "cli/sandbox/sandbox.h"

/* In the order of tipstaff --help. */
const struct cli_command cli_commands[] = {
    {"init", "write a complete configuration", cmd_init},
    {"doctor", "which sandbox layers this host gives", cmd_doctor},
    {"key", "make and show Ed25519 keys", cmd_key},
    {"delegate", "sign the first block of a delegation", cmd_delegate},
    {"issuer", "from a login to the first block of a delegation", cmd_issuer},
    {"attenuate", "hand a delegation on, narrowed", cmd_attenuate},
    {"origin", "sign who began a task, and in what words", cmd_origin},
    {"delegation", "show delegations, run test vectors", cmd_delegation},
    {"approvals", "calls that wait for people: ls, show, approve, deny",
     cmd_approval},
    {"approval", NULL, cmd_approval},
    {"break-glass", "permit more for a while, signed by several people",
     cmd_breakglass},
    {"directory", "who there is: sign, change, show, keep fresh",
     cmd_directory},
    {"revoke", "take authority away, kill what runs under it", cmd_revoke},
    {"revocations", "list what is revoked", cmd_revocations},
    {"drill", "rehearse a revocation, with figures", cmd_drill},
    {"status", "ask the running service how it is", cmd_status},
    {"tail", "show decisions as they are written", cmd_tail},
    {"policy", "check, format, ask, explain and test Cedar policies",
     cmd_policy},
    {"replay", "recorded calls through a real gate, with a score card",
     cmd_replay},
    {"sandbox", "what a seccomp profile lets tools call", cmd_sandbox},
    {"log", "verify the decision log, show one decision", cmd_log},
    {NULL, NULL, NULL},
};

void cli_error(const char *fmt, ...)
{
    va_list ap;

    (void)fputs("tipstaff: ", stderr);
    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
    (void)fputc('\n', stderr);
}

static void print_table(const struct cli_command *table, const char *name,
                        const char *more)
{
    (void)printf("usage: %s COMMAND [options]\n\n", name);
    for (const struct cli_command *c = table; c->name != NULL; c++)
        if (c->summary != NULL)
            (void)printf("  %-12s %s\n", c->name, c->summary);
    (void)printf("\n%s COMMAND --help tells the options.\n", name);
    if (more != NULL)
        (void)printf("\n%s", more);
}

int cli_dispatch(const struct cli_command *table, const char *name,
                 const char *more, int argc, char **argv)
{
    if (argc < 2) {
        cli_error("which command? %s --help lists them", name);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_table(table, name, more);
        return CLI_OK;
    }
    for (const struct cli_command *c = table; c->name != NULL; c++)
        if (strcmp(argv[1], c->name) == 0)
            return c->run(argc - 1, argv + 1);
    cli_error("there is no command \"%s %s\"; %s --help lists them", name,
              argv[1], name);
    return CLI_USAGE;
}
