#include "cli/breakglass/breakglass.h"

#include <string.h>

#include "cli/admin_socket.h"
#include "cli/cmd.h"
#include "cli/commands.h"
#include "cli/opts.h"
#include "proto/trust/keys.h"

/* An escalation ends early as all authority does. */
static int revoke(char *id, const char *const given[4])
{
    static const char *const names[4] = {"--tenant", "--key", "--reason",
                                         "--socket"};
    static const char first[] = "revoke", second[] = "escalation";
    const char *args[11] = {first, second, id};
    char **argv;
    struct ts_arena arena;
    int n = 3, code = CLI_FAILED;
    void *p;

    for (int i = 0; i < 4; i++)
        if (given[i] != NULL) {
            args[n++] = names[i];
            args[n++] = given[i];
        }
    ts_arena_init(&arena, (size_t)1 << 20);
    if (ts_arena_array(&arena, (size_t)n + 1, sizeof(*argv), &p) == TS_OK) {
        argv = p;
        for (int i = 0; i < n; i++) { /* options are moved about there */
            const char *copy;

            if (ts_arena_strndup(&arena, args[i], strlen(args[i]), &copy) !=
                TS_OK)
                goto out;
            memcpy(&argv[i], &copy, sizeof(copy));
        }
        code = cmd_revoke(n, argv);
    }
out:
    ts_arena_done(&arena);
    return code;
}

int breakglass_end_run(int argc, char **argv)
{
    const char *given[4] = {NULL};
    const struct cli_option options[] = {
        {"--tenant", "ID", "whose it is", CLI_TEXT, &given[0], true},
        {"--key", "FILE", "seed of a revoker (TIPSTAFF_REVOKER_KEY)", CLI_TEXT,
         &given[1], false},
        {"--reason", "TEXT", "for the log", CLI_TEXT, &given[2], false},
        {"--socket", "PATH", "admin.sock (" ADMIN_SOCKET_DEFAULT ")", CLI_TEXT,
         &given[3], false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff break-glass end",
        .operands = "ID",
        .about = "Ends an escalation now, and kills what runs under it: "
                 "tipstaff revoke escalation ID.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .operands_min = 1,
        .operands_max = 1,
        .examples = "  tipstaff break-glass end 9f...02 --tenant acme --key "
                    "keys/revoker.seed\n",
    };
    char **operands;
    size_t count;
    int code;

    if (!cli_parse(&usage, argc, argv, &operands, &count, &code))
        return code;
    return revoke(operands[0], given);
}

int cmd_breakglass(int argc, char **argv)
{
    static const struct cli_command table[] = {
        {"request", "write down what is to be permitted, for how long",
         breakglass_request_run},
        {"show", "all that a file says, and who signed it",
         breakglass_show_run},
        {"sign", "add a person's signature, into a new file",
         breakglass_sign_run},
        {"activate", "bring it to the service", breakglass_activate_run},
        {"ls", "which ones there are, and what is left of them",
         breakglass_ls_run},
        {"end", "end one now, and what runs under it (tipstaff revoke)",
         breakglass_end_run},
        {NULL, NULL, NULL},
    };

    if (trust_init() != TS_OK) {
        cli_error("this libsodium accepts known bad keys; install a fixed one");
        return CLI_FAILED;
    }
    return cli_dispatch(table, "tipstaff break-glass", NULL, argc, argv);
}
