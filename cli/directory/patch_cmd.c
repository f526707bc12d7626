/* tipstaff directory patch: changes to the state in force. */
#include "cli/cmd.h"
#include "cli/directory/directory.h"
#include "cli/directory/patch.h"
#include "cli/directory/publish.h"
#include "cli/files.h"

static bool read_patch(struct dir_publish *d, const char *path,
                       struct directory_snapshot *ret)
{
    char text[768] = "out of memory", shown[768];
    struct ts_bytes json;

    if (!d->has_installed || d->installed.by == NULL) {
        cli_error("tenant %s has no directory that could be trusted and "
                  "changed; apply a source",
                  d->place.tenant);
        return false;
    }
    if (!cli_read(path, DIRECTORY_PATCH_MAX, &d->arena, &json))
        return false;
    if (directory_patch(json, &d->installed.s, &d->arena, ret, text,
                        sizeof(text)) == TS_OK)
        return true;
    (void)ts_str_show(shown, sizeof(shown), text, ts_str_of(text).len);
    cli_error("%s: %s; nothing was changed", path, shown);
    return false;
}

int cmd_directory_patch(int argc, char **argv)
{
    struct dir_publish d = {.ttl_s = DIR_PUBLISH_TTL_S, .wait_s = 30};
    const struct cli_option options[] = {DIR_PUBLISH_OPTIONS(d)};
    const struct cli_usage usage = {
        .name = "tipstaff directory patch",
        .operands = "PATCH.json",
        .about = "Changes the directory in force as a PatchOp message of SCIM "
                 "says (RFC 7644, 3.5.2;\ntipstaff-directory(1) has the part "
                 "of it that is known), signs the result and puts it\nin "
                 "force. All operations or none: a mistake names the "
                 "operation and the field.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .operands_min = 1,
        .operands_max = 1,
        .examples = "  tipstaff directory patch bob-leaves.json --config "
                    "/etc/tipstaff\n"
                    "  tipstaff directory patch - --config /etc/tipstaff "
                    "--tenant acme <patch.json\n",
    };
    struct directory_snapshot next = {.seq = 0};
    char **operand;
    size_t count;
    int code;

    if (!cli_parse(&usage, argc, argv, &operand, &count, &code))
        return code;
    code = dir_publish_begin(&d);
    if (code == CLI_OK)
        code = read_patch(&d, operand[0], &next) ? dir_publish(&d, &next)
                                                 : CLI_FAILED;
    dir_publish_done(&d);
    return code;
}
