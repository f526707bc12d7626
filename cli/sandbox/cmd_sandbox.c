#include <string.h>

#include "cli/cmd.h"
#include "cli/files.h"
#include "cli/sandbox/sandbox.h"

static const struct cli_command commands[] = {
    {"lint", "what a profile lets through that it should not", sandbox_lint},
    {"show", "the calls of a profile, its filter", sandbox_show},
    {"trace", "a run of a program, and the manifest for it", sandbox_trace},
    {"explain", "what a call of a tool could do", sandbox_explain},
    {NULL, NULL, NULL},
};

int cmd_sandbox(int argc, char **argv)
{
    return cli_dispatch(commands, "tipstaff sandbox",
                        "A profile is a built-in one (pure, files, build, net, "
                        "jit) or a file,\n"
                        "sandbox/NAME.yaml of the configuration.\n\n"
                        "  tipstaff sandbox lint sandbox/mine.yaml\n"
                        "  tipstaff sandbox show files --arch arm64\n"
                        "  tipstaff sandbox explain fs.read\n",
                        argc, argv);
}

bool sandbox_load(const char *operand, struct ts_arena *arena,
                  struct sandbox_loaded *ret)
{
    struct sandbox_loaded l = {.source = {.file = operand}};
    const struct sandbox_source *s =
        strcmp(operand, "strict") == 0
            ? NULL
            : sandbox_builtin_source(ts_str_of(operand));
    struct ts_bytes bytes;
    char text[512] = "";
    ts_err e;

    if (s != NULL) {
        l.source = *s;
    } else {
        if (strchr(operand, '/') == NULL && strchr(operand, '.') == NULL) {
            cli_error("there is no built-in profile \"%s\"; it is pure, files, "
                      "build, net, jit or the path of a file",
                      operand);
            return false;
        }
        if (!cli_read(operand, SANDBOX_PROFILE_BYTES_MAX, arena, &bytes))
            return false;
        l.source.text = (struct ts_str){(const char *)bytes.ptr, bytes.len};
    }
    e = sandbox_profile_read(&l.source, arena, &l.p, text, sizeof(text));
    if (e != TS_OK) {
        cli_error("%s", text[0] != '\0' ? text : ts_err_text(e));
        return false;
    }
    *ret = l;
    return true;
}
