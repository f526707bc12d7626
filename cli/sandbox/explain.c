/* tipstaff sandbox explain: what a call of a tool could do, in words. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/opts.h"
#include "cli/sandbox/explain.h"
#include "cli/sandbox/sandbox.h"
#include "proto/base/ts_fd.h"
#include "sidecar/common/bundle/bundle.h"
#include "sidecar/common/control/control.h"
#include "sidecar/common/layer.h"
#include "sidecar/launcher/layers/filter.h"
#include "sidecar/sandbox/calls.h"

struct job {
    const char *tool, *dir;
    enum box_level most;
    bool json, here;
    struct bundle b;
    struct manifests *all; /* owned */
    struct ts_arena arena;
    struct config settings; /* owned, if has_settings */
    bool has_settings;
    struct doctor_report report;
};

static bool load(struct job *j, int *ret_fd)
{
    struct manifest_facts facts;
    int dir TS_CLEANUP(ts_fd_close) =
        open(j->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    char text[CONTROL_TEXT_MAX] = "";
    ts_err e;

    if (dir < 0) {
        cli_error("%s: %s; --config names the configuration directory", j->dir,
                  strerror(errno));
        return false;
    }
    j->has_settings = doctor_config(dir, &j->settings, text);
    if (!j->has_settings) {
        cli_error("%s", text);
        return false;
    }
    if (j->most == BOX_ANY)
        j->most = j->settings.sandbox.most;
    e = bundle_collect(dir, ret_fd, text, sizeof(text));
    if (e == TS_OK)
        e = bundle_open(*ret_fd, &j->b);
    if (e == TS_OK) {
        facts =
            doctor_facts(&j->settings, j->most, manifest_profile_count(&j->b));
        e = manifests_load(&j->b, &facts, 1, &j->all, text, sizeof(text));
    }
    if (e != TS_OK)
        cli_error("%s", text[0] != '\0' ? text : ts_err_text(e));
    return e == TS_OK;
}

/* Which boxes launchers of this tool's profile give here. */
static void ask_host(struct job *j, int fd, struct explanation *x)
{
    const struct level_want want = {.least = {x->m->box, BOX_ANY},
                                    .most = j->most,
                                    .require = x->m->require | LAYER_FLOOR};
    const struct doctor_service d = {.config = &j->settings,
                                     .most = j->most,
                                     .bundle_fd = fd,
                                     .launchers =
                                         manifest_profile_count(&j->b)};

    doctor_boxes(&d, &j->report);
    x->has_boxes = j->report.box_count > 0;
    for (uint32_t i = 0; i < j->report.box_count; i++) {
        const struct box_said *b = &j->report.box[i];

        if (!ts_str_eq_c(x->m->seccomp, b->profile))
            continue;
        x->offer.given[b->level] = b->given;
        x->offer.layers[b->level] = b->given ? b->layers : 0;
        x->offer.weakened[b->level] = b->given ? b->weakened : 0;
    }
    x->is_served =
        level_choose(&x->offer, &want, &x->level, &x->missing) == TS_OK;
    if (x->is_served) {
        x->layers = x->offer.layers[x->level];
        x->weakened = x->offer.weakened[x->level];
    }
}

/* The tool that may have been meant; empty if none is near. */
static struct ts_str nearest(const struct job *j)
{
    struct ts_str best = {"", 0};
    uint32_t least = UINT32_MAX;

    for (uint32_t i = 0; i < j->all->count; i++) {
        struct ts_str name = j->all->list[i].tool;

        if (sandbox_is_near(ts_str_of(j->tool), name, &least))
            best = name;
    }
    for (uint32_t i = 0; i < j->all->refused_count; i++) {
        struct ts_str name = j->all->refused[i].tool;

        if (sandbox_is_near(ts_str_of(j->tool), name, &least))
            best = name;
    }
    return best;
}

/* Its own words, where there is no such tool that is served. */
static void say_unknown(const struct job *j)
{
    const struct manifest_refused *r =
        manifests_refused(j->all, ts_str_of(j->tool));
    struct ts_str near = nearest(j);
    char text[512], known[256];

    if (r != NULL) {
        (void)ts_str_escape(text, sizeof(text), r->text.ptr, r->text.len);
        cli_error("%s is refused: %s", j->tool, text);
        return;
    }
    (void)ts_str_escape(text, sizeof(text), j->tool, strlen(j->tool));
    (void)ts_str_escape(known, sizeof(known), near.ptr, near.len);
    if (near.len > 0)
        cli_error("there is no tool \"%s\" in %s/tools; did you mean %s?", text,
                  j->dir, known);
    else
        cli_error("there is no tool \"%s\" in %s/tools (%u are readable)", text,
                  j->dir, j->all->count);
}

static int explain(struct job *j)
{
    struct sandbox_profile *p = NULL;
    struct explanation x = {0};
    int fd TS_CLEANUP(ts_fd_close) = -1;
    char text[512] = "";

    if (!load(j, &fd))
        return CLI_FAILED;
    x.m = manifests_find(j->all, ts_str_of(j->tool));
    if (x.m == NULL) {
        say_unknown(j);
        return CLI_FAILED;
    }
    if (filter_profile_load(&j->b, x.m->launcher, &j->arena, &p, text,
                            sizeof(text)) != TS_OK) {
        cli_error("%s", text);
        return CLI_FAILED;
    }
    x.profile = p;
    if (j->here)
        ask_host(j, fd, &x);
    if (!j->json)
        call_print(&x);
    else if (!call_json(&x))
        return CLI_FAILED;
    return !j->here || x.is_served ? CLI_OK : CLI_FAILED;
}

int sandbox_explain(int argc, char **argv)
{
    static struct job j; /* the report is too large for the stack */
    const char *level = NULL;
    bool elsewhere = false;
    const struct cli_option options[] = {
        {"--config", "DIR", "configuration directory (/etc/tipstaff)", CLI_TEXT,
         &j.dir, false},
        {"--level", "LEVEL",
         "instead of `sandbox: {level: ...}` of tipstaff.yaml", CLI_TEXT,
         &level, false},
        {"--elsewhere", NULL, "not on this host: asks no launcher", CLI_FLAG,
         &elsewhere, false},
        {"--json", NULL, "one object", CLI_FLAG, &j.json, false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff sandbox explain",
        .operands = "TOOL",
        .about = "Says in words what a call of a tool could do: files, "
                 "network, processes, secrets, limits, and the box that it "
                 "gets on this host, with what remains possible.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .operands_min = 1,
        .operands_max = 1,
        .examples = "  tipstaff sandbox explain fs.read --config "
                    "/etc/tipstaff\n"
                    "  tipstaff sandbox explain fs.read --level bare --json\n",
    };
    char **operands;
    size_t count;
    int code;

    memset(&j, 0, sizeof(j));
    if (!cli_parse(&usage, argc, argv, &operands, &count, &code))
        return code;
    if (level != NULL && !box_level_parse(ts_str_of(level), &j.most)) {
        cli_error("--level is any, bare, uid, full or strict");
        return CLI_USAGE;
    }
    j.tool = operands[0];
    j.here = !elsewhere;
    if (j.dir == NULL)
        j.dir = "/etc/tipstaff";
    (void)fflush(stdout);
    ts_arena_init(&j.arena, SANDBOX_ARENA_BYTES);
    code = explain(&j);
    manifests_free(j.all);
    if (j.has_settings)
        config_done(&j.settings);
    bundle_done(&j.b);
    ts_arena_done(&j.arena);
    return code;
}
