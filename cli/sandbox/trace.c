/* tipstaff sandbox trace: a run of a program, and the manifest it would need.
 */
#include "cli/sandbox/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/opts.h"
#include "cli/sandbox/sandbox.h"
#include "proto/base/ts_fd.h"
#include "sidecar/common/bundle/bundle.h"
#include "sidecar/common/control/control.h"
#include "sidecar/common/manifest/manifest.h"

#define ARENA_BYTES ((size_t)16 << 20)
#define WORDS_MAX   256

/* The program of a tool's manifest, with the words that follow its name on our
 * command line. */
static bool program_of(const char *config, const char *tool,
                       struct ts_arena *arena, const char **ret)
{
    struct manifest_facts facts = {.has_broker = true, .has_token_key = true};
    int dir TS_CLEANUP(ts_fd_close) =
        open(config, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int fd TS_CLEANUP(ts_fd_close) = -1;
    char text[CONTROL_TEXT_MAX] = "";
    struct manifests *all = NULL;
    const struct manifest *m = NULL;
    struct bundle b = {0};
    ts_err e = dir < 0 ? ts_err_from_errno(errno)
                       : bundle_collect(dir, &fd, text, sizeof(text));

    if (e == TS_OK)
        e = bundle_open(fd, &b);
    if (e == TS_OK) {
        facts.launchers = manifest_profile_count(&b);
        e = manifests_load(&b, &facts, 1, &all, text, sizeof(text));
    }
    if (e == TS_OK) {
        m = manifests_find(all, ts_str_of(tool));
        e = m == NULL ? TS_E_NOT_FOUND
                      : ts_arena_strndup(arena, m->exec.ptr, m->exec.len, ret);
    }
    if (m == NULL)
        cli_error("%s of %s: %s; a program is traced with: tipstaff sandbox "
                  "trace -- COMMAND",
                  tool, config, text[0] != '\0' ? text : ts_err_text(e));
    manifests_free(all);
    bundle_done(&b);
    return e == TS_OK;
}

static int trace_it(const char *config, char **words, size_t count)
{
    char *argv[WORDS_MAX + 1] = {NULL};
    struct ts_arena arena;
    struct trace *t;
    void *room;
    int code = CLI_FAILED;

    ts_arena_init(&arena, ARENA_BYTES);
    for (size_t i = 0; i < count; i++)
        argv[i] = words[i];
    if (config != NULL) {
        const char *program;

        if (!program_of(config, words[0], &arena, &program))
            goto out;
        memcpy(&argv[0], &program, sizeof(program));
    }
    if (ts_arena_alloc(&arena, sizeof(*t), &room) != TS_OK ||
        trace_init(room, &arena) != TS_OK) {
        cli_error("out of memory");
        goto out;
    }
    t = room;
    if (trace_run(t, argv)) {
        trace_propose(t, argv[0]);
        code = CLI_OK;
    }
out:
    ts_arena_done(&arena);
    return code;
}

int sandbox_trace(int argc, char **argv)
{
    const char *config = NULL;
    const struct cli_option options[] = {
        {"--config", "DIR", "the first word is a tool of this configuration",
         CLI_TEXT, &config, false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff sandbox trace",
        .operands = "-- COMMAND|TOOL [ARGUMENT...]",
        .about = "Runs a program, without a box, and proposes what a manifest "
                 "for it would say: the smallest seccomp profile, paths, "
                 "programs and hosts. Says what it saw and does not propose.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .operands_min = 1,
        .operands_max = WORDS_MAX,
        .examples =
            "  tipstaff sandbox trace -- /usr/bin/git -C /srv/repo log\n"
            "  tipstaff sandbox trace --config /etc/tipstaff -- "
            "fs.grep -n word /srv/work/notes.txt\n",
    };
    char **operands;
    size_t count;
    int code;

    if (!cli_parse(&usage, argc, argv, &operands, &count, &code))
        return code;
    (void)fflush(stdout);
    return trace_it(config, operands, count);
}
