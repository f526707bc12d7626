/* tipstaff directory export: a snapshot as the source it could have come from.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/directory/directory.h"
#include "cli/directory/source.h"
#include "cli/directory/view.h"
#include "cli/files.h"
#include "cli/opts.h"

#define SOURCE_MAX ((size_t)32 << 20)

static bool write_out(const struct ts_buf *text, const char *out)
{
    if (out != NULL)
        return cli_write_new(out, 0644, ts_buf_bytes(text), text->len);
    if (text->len == 0 || fwrite(ts_buf_bytes(text), text->len, 1, stdout) == 1)
        return true;
    cli_error("standard output could not be written");
    return false;
}

static bool put(struct ts_buf *text, const char *s)
{
    return ts_buf_append(text, s, strlen(s)) == TS_OK;
}

static int export_to(const struct dir_view *v, const char *out)
{
    const struct directory_snapshot *s = &v->found.s;
    struct ts_buf text;
    char head[512];
    bool ok;

    /* The same state is to be signed again: not one that somebody forged. */
    if (v->has_trust && v->found.by == NULL) {
        cli_error("%s; it is not exported", v->found.why);
        return CLI_FAILED;
    }
    (void)snprintf(head, sizeof(head),
                   "# Directory of tenant %.*s, number %" PRIu64
                   ". \"tipstaff directory apply\" puts it in force.\n",
                   (int)s->tenant.len, s->tenant.ptr, s->seq);
    ts_buf_init(&text, SOURCE_MAX);
    ok = put(&text, head);
    if (ok && s->revocation_count > 0) {
        (void)snprintf(head, sizeof(head),
                       "# Its %u signed revocations are not in this text; "
                       "apply carries those of the\n# installed snapshot "
                       "on.\n",
                       (unsigned)s->revocation_count);
        ok = put(&text, head);
    }
    ok = ok && directory_source_write(s, &text) == TS_OK;
    if (!ok)
        cli_error("the text is too long or memory is short");
    ok = ok && write_out(&text, out);
    ts_buf_done(&text);
    return ok ? CLI_OK : CLI_FAILED;
}

int cmd_directory_export(int argc, char **argv)
{
    struct dir_view v = {.config = NULL};
    const char *out = NULL;
    const struct cli_option options[] = {
        {"--config", "DIR", "the configuration that holds tenants/", CLI_TEXT,
         &v.config, false},
        {"--tenant", "NAME", "whose directory (the only one there is)",
         CLI_TEXT, &v.tenant, false},
        {"-o", "FILE", "a new file instead of standard output", CLI_TEXT, &out,
         false},
        {"--out", "FILE", NULL, CLI_TEXT, &out, false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff directory export",
        .operands = "[FILE]",
        .about = "Writes the installed snapshot, or that in FILE, as YAML: the "
                 "source that makes the\nsame directory when it is applied.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .operands_min = 0,
        .operands_max = 1,
        .examples = "  tipstaff directory export --config /etc/tipstaff "
                    "--tenant acme\n"
                    "  tipstaff directory export directory.snapshot -o "
                    "acme.yaml\n",
    };
    char **operand;
    size_t count;
    int code;

    if (!cli_parse(&usage, argc, argv, &operand, &count, &code))
        return code;
    v.file = count > 0 ? operand[0] : NULL;
    code = v.file == NULL && v.config == NULL ? CLI_USAGE : CLI_FAILED;
    if (dir_view_open(&v))
        code = export_to(&v, out);
    dir_view_close(&v);
    return code;
}
