/* tipstaff doctor: which sandbox layers this host gives, tried one by one. */
#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/commands.h"
#include "cli/opts.h"
#include "cli/term.h"
#include "sidecar/launcher/layers/probe.h"

static const char *ladder(int abi)
{
    static const char *const steps[] = {
        "none",
        "1: files",
        "2: files, moves between folders",
        "3: files, moves, truncation",
        "4: and TCP ports",
        "5: and device requests",
        "6: and abstract sockets and signals",
    };

    return steps[abi < 0 ? 0 : abi > 6 ? 6 : abi];
}

static const char *why(const struct layer_probe *p)
{
    const char *name = p->holds ? NULL : strerrorname_np(p->sys_errno);

    return p->holds ? "" : name != NULL ? name : "?";
}

static void print_text(const struct layers *l)
{
    const struct term t = term_stdout();

    (void)printf("%s%-15s %-6s %-10s %s%s\n", t.bold, "LAYER", "HOLDS",
                 "WHY NOT", "WHAT IT STOPS", t.reset);
    for (size_t i = 0; i < LAYER_COUNT; i++) {
        const struct layer_probe *p = &l->probe[i];
        bool is_floor = (p->bit & LAYER_FLOOR) != 0;

        (void)printf("%-15s %s%-6s%s %-10s %s%s\n", layer_name(p->bit),
                     p->holds   ? t.green
                     : is_floor ? t.red
                                : t.yellow,
                     p->holds ? "yes" : "no", t.reset, why(p), p->stops,
                     is_floor ? " (required)" : "");
    }
    (void)printf("\nLandlock ABI %d; %s\n", l->landlock_abi,
                 ladder(l->landlock_abi));
    if (!l->process_limit)
        (void)printf("%sThe limit on processes does not bind this user (uid 0 "
                     "never is); run the launcher as another.%s\n",
                     t.yellow, t.reset);
    if ((l->held & LAYER_FLOOR) == LAYER_FLOOR)
        (void)printf("%sEvery required layer holds: tools can run here.%s\n",
                     t.green, t.reset);
    else
        (void)printf("%sThe layer %s is missing: every call is refused with "
                     "sandbox_unavailable.%s\n",
                     t.red, layer_first(LAYER_FLOOR & ~l->held), t.reset);
}

static void print_json(const struct layers *l)
{
    (void)printf("{\"floor\":%s,\"landlock_abi\":%d,\"process_limit\":%s,"
                 "\"layers\":[",
                 (l->held & LAYER_FLOOR) == LAYER_FLOOR ? "true" : "false",
                 l->landlock_abi, l->process_limit ? "true" : "false");
    for (size_t i = 0; i < LAYER_COUNT; i++) {
        const struct layer_probe *p = &l->probe[i];

        (void)printf(
            "%s{\"name\":\"%s\",\"holds\":%s,\"required\":%s,"
            "\"errno\":\"%s\",\"stops\":\"%s\"}",
            i > 0 ? "," : "", layer_name(p->bit), p->holds ? "true" : "false",
            (p->bit & LAYER_FLOOR) != 0 ? "true" : "false", why(p), p->stops);
    }
    (void)printf("]}\n");
}

int cmd_doctor(int argc, char **argv)
{
    bool json = false;
    const struct cli_option options[] = {
        {"--json", NULL, "one JSON object instead of columns", CLI_FLAG, &json,
         false},
        {"-j", NULL, NULL, CLI_FLAG, &json, false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff doctor",
        .operands = "",
        .about =
            "Tries every sandbox layer in a throw-away child and says what "
            "this host gives.\nExit code 0 if every required layer holds.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .examples = "  tipstaff doctor\n"
                    "  tipstaff doctor --json | jq .layers\n",
    };
    struct layers l;
    char **operand;
    size_t count;
    int code;

    if (!cli_parse(&usage, argc, argv, &operand, &count, &code))
        return code;
    (void)fflush(stdout); /* the children must not print it again */
    layers_probe(&l);
    if (json)
        print_json(&l);
    else
        print_text(&l);
    return (l.held & LAYER_FLOOR) == LAYER_FLOOR ? CLI_OK : CLI_FAILED;
}
