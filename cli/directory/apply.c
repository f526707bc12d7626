/* tipstaff directory apply: source text becomes the signed state in force. */
#include "cli/cmd.h"
#include "cli/directory/directory.h"
#include "cli/directory/publish.h"
#include "cli/files.h"
#include "sidecar/gate/people/directory_yaml.h"

#define SOURCE_MAX (8u << 20) /* bytes; signed, it may have 4 MiB */

static bool read_source(const char *path, struct ts_arena *arena,
                        struct directory_snapshot *ret)
{
    char text[1024] = "out of memory";
    struct bundle_file file = {.name = ts_str_of(path)};
    struct ts_bytes bytes;

    if (!cli_read(path, SOURCE_MAX, arena, &bytes))
        return false;
    file.content = (struct ts_str){(const char *)bytes.ptr, bytes.len};
    if (directory_yaml_read(&file, arena, ret, text, sizeof(text)) == TS_OK)
        return true;
    cli_error("%s", text);
    return false;
}

int dir_publish_source(struct dir_publish *d, const char *path)
{
    struct directory_snapshot next = {.seq = 0};
    int code = dir_publish_begin(d);

    if (code == CLI_OK)
        code = read_source(path, &d->arena, &next) ? dir_publish(d, &next)
                                                   : CLI_FAILED;
    dir_publish_done(d);
    return code;
}

int cmd_directory_apply(int argc, char **argv)
{
    struct dir_publish d = {.ttl_s = DIR_PUBLISH_TTL_S, .wait_s = 30};
    const struct cli_option options[] = {DIR_PUBLISH_OPTIONS(d)};
    const struct cli_usage usage = {
        .name = "tipstaff directory apply",
        .operands = "FILE.yaml",
        .about = "Signs the users, agents and approvers that FILE.yaml lists "
                 "(- is standard input)\nas the tenant's directory, and puts "
                 "it in force: in the running service first, then\nin "
                 "DIR/tenants/NAME/directory.snapshot. Who was in it and is "
                 "not, or is inactive,\nloses sessions and running tools at "
                 "once. A file with a mistake changes nothing.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .operands_min = 1,
        .operands_max = 1,
        .examples =
            "  tipstaff directory apply /etc/tipstaff/directory/acme.yaml "
            "--config /etc/tipstaff\n"
            "  tipstaff directory apply acme.yaml --config ./demo --dry-run\n",
    };
    char **operand;
    size_t count;
    int code;

    if (!cli_parse(&usage, argc, argv, &operand, &count, &code))
        return code;
    return dir_publish_source(&d, operand[0]);
}
