/* tipstaff directory show: who is in it, who says so, and how fresh it is. */
#include <stdio.h>

#include "cli/cmd.h"
#include "cli/directory/directory.h"
#include "cli/directory/show_priv.h"
#include "cli/directory/source.h"
#include "cli/opts.h"

static int show(struct dir_view *v, bool as_json)
{
    struct dir_shown s = {.v = v};
    const char *what = "";
    uint32_t index = 0;

    if (directory_content_hash(&v->found.s, s.content, &what, &index) !=
        TS_OK) {
        cli_error("out of memory");
        return CLI_FAILED;
    }
    if (v->has_trust)
        s.beat = dir_view_heartbeat(v, &s.heartbeat);
    if (as_json)
        dir_show_json(&s);
    else
        dir_show_text(&s);
    if (v->has_trust && v->found.by == NULL)
        return CLI_FAILED;
    return v->now < v->found.s.not_after ? CLI_OK : CLI_FAILED;
}

int cmd_directory_show(int argc, char **argv)
{
    struct dir_view v = {.config = NULL};
    bool as_json = false;
    const struct cli_option options[] = {
        {"--config", "DIR", "the configuration that holds tenants/", CLI_TEXT,
         &v.config, false},
        {"--tenant", "NAME", "whose directory (the only one there is)",
         CLI_TEXT, &v.tenant, false},
        {"--json", NULL, "one JSON document", CLI_FLAG, &as_json, false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff directory show",
        .operands = "[FILE]",
        .about = "Shows the installed snapshot, or that in FILE: users, agents "
                 "and approvers, key ids,\nage, and whose signature it bears "
                 "(with --config). Exit code 0: it is signed by a\ndirectory "
                 "key and has not expired (FILE alone: it has not expired).",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .operands_min = 0,
        .operands_max = 1,
        .examples = "  tipstaff directory show --config /etc/tipstaff\n"
                    "  tipstaff directory show --json directory.snapshot | jq "
                    ".users\n",
    };
    char **operand;
    size_t count;
    int code;

    if (!cli_parse(&usage, argc, argv, &operand, &count, &code))
        return code;
    v.file = count > 0 ? operand[0] : NULL;
    code = v.file == NULL && v.config == NULL ? CLI_USAGE : CLI_FAILED;
    if (dir_view_open(&v))
        code = show(&v, as_json);
    dir_view_close(&v);
    return code;
}
