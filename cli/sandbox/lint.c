/* tipstaff sandbox lint: what a profile opens, and why that matters. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/opts.h"
#include "cli/sandbox/sandbox.h"
#include "cli/term.h"
#include "sidecar/launcher/layers/filter_own.h"

struct finding {
    const struct sandbox_hole *hole;
    bool on[SANDBOX_ARCHS];
    const struct sandbox_accept *accepted; /* NULL: it is not */
    uint32_t line;                         /* 0: inherited */
};

struct lint {
    const struct sandbox_loaded *loaded;
    struct sandbox_model models[SANDBOX_ARCHS];
    uint32_t found, escapes; /* escapes: not accepted */
    struct term term;
    json_t *list; /* with --json */
};

static const struct sandbox_accept *accept_of(const struct sandbox_profile *p,
                                              const char *hole)
{
    for (uint32_t i = 0; i < p->accept_count; i++) {
        if (strcmp(p->accepts[i].hole, hole) == 0)
            return &p->accepts[i];
    }
    return NULL;
}

static bool look(const struct lint *l, const struct sandbox_hole *h,
                 struct finding *ret)
{
    const struct sandbox_profile *p = l->loaded->p;
    int i = sandbox_calls_find(&p->calls, ts_str_of(h->call));

    *ret = (struct finding){.hole = h, .accepted = accept_of(p, h->name)};
    for (int a = 0; a < SANDBOX_ARCHS; a++)
        ret->on[a] = sandbox_hole_is_open(h, &p->calls, &l->models[a]);
    if (i >= 0)
        ret->line = p->lines[i];
    return ret->on[SANDBOX_X86_64] || ret->on[SANDBOX_ARM64];
}

static const char *colour(const struct lint *l, const struct finding *f)
{
    if (f->accepted != NULL)
        return l->term.dim;
    return f->hole->severity == SANDBOX_ESCAPE   ? l->term.red
           : f->hole->severity == SANDBOX_WEAKER ? l->term.yellow
                                                 : l->term.dim;
}

static void print(const struct lint *l, const struct finding *f)
{
    const char *only = f->on[0] && f->on[1] ? ""
                       : f->on[0]           ? " (x86-64)"
                                            : " (arm64)";

    (void)printf("%s:%u: %s%s%s: %s: %s%s: %s [%s]\n", l->loaded->source.file,
                 f->line > 0 ? f->line : 1, colour(l, f),
                 sandbox_severity_name(f->hole->severity), l->term.reset,
                 f->hole->name, f->hole->call, only, f->hole->why,
                 f->hole->source);
    if (f->accepted != NULL) {
        (void)printf("    accepted: ");
        term_print(ts_str_of(f->accepted->reason));
        (void)putchar('\n');
    }
}

static bool add_json(struct lint *l, const struct finding *f)
{
    json_t *o = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:I, s:s?}", "hole", f->hole->name,
        "severity", sandbox_severity_name(f->hole->severity), "call",
        f->hole->call, "why", f->hole->why, "source", f->hole->source, "x86_64",
        f->on[SANDBOX_X86_64], "arm64", f->on[SANDBOX_ARM64], "line",
        (json_int_t)f->line, "accepted",
        f->accepted != NULL ? f->accepted->reason : NULL);

    return o != NULL && json_array_append_new(l->list, o) == 0;
}

/* The worst first. */
static bool all(struct lint *l)
{
    for (int severity = SANDBOX_ESCAPE; severity >= SANDBOX_SURFACE;
         severity--) {
        for (const struct sandbox_hole *h = sandbox_holes; h->name != NULL;
             h++) {
            struct finding f;

            if ((int)h->severity != severity || !look(l, h, &f))
                continue;
            l->found++;
            if (h->severity == SANDBOX_ESCAPE && f.accepted == NULL)
                l->escapes++;
            if (l->list == NULL)
                print(l, &f);
            else if (!add_json(l, &f))
                return false;
        }
    }
    return true;
}

static int finish(struct lint *l)
{
    if (l->list != NULL) {
        bool ok = json_dumpf(l->list, stdout, JSON_INDENT(2)) == 0 &&
                  putchar('\n') != EOF;

        return ok && l->escapes == 0 ? CLI_OK : CLI_FAILED;
    }
    if (l->found == 0)
        (void)printf("%s: nothing to remark\n", l->loaded->source.file);
    if (l->escapes > 0)
        (void)printf("%u of severity escape without accept: this profile does "
                     "not load\n",
                     l->escapes);
    return l->escapes == 0 ? CLI_OK : CLI_FAILED;
}

/* What the launcher itself must keep: no hole, but a reason not to load. */
static bool serves(const struct lint *l)
{
    const struct sandbox_loaded *x = l->loaded;
    char text[1024] = "";
    ts_err e = filter_own_check(x->p, x->source.file, text, sizeof(text));

    if (e != TS_OK)
        cli_error("%s", text[0] != '\0' ? text : ts_err_text(e));
    return e == TS_OK;
}

static int lint_it(const char *operand, bool json)
{
    struct sandbox_loaded loaded;
    struct lint *l;
    struct ts_arena arena;
    void *room;
    int code = CLI_FAILED;

    ts_arena_init(&arena, SANDBOX_ARENA_BYTES);
    if (!sandbox_load(operand, &arena, &loaded))
        goto out;
    if (ts_arena_alloc(&arena, sizeof(*l), &room) != TS_OK) {
        cli_error("out of memory");
        goto out;
    }
    l = room;
    l->loaded = &loaded;
    l->term = term_stdout();
    l->list = json ? json_array() : NULL;
    if ((!json || l->list != NULL) &&
        sandbox_profile_model(loaded.p, SANDBOX_X86_64, &arena,
                              &l->models[SANDBOX_X86_64]) == TS_OK &&
        sandbox_profile_model(loaded.p, SANDBOX_ARM64, &arena,
                              &l->models[SANDBOX_ARM64]) == TS_OK &&
        all(l))
        code = finish(l) == CLI_OK && serves(l) ? CLI_OK : CLI_FAILED;
    else
        cli_error("out of memory");
    json_decref(l->list);
out:
    ts_arena_done(&arena);
    return code;
}

int sandbox_lint(int argc, char **argv)
{
    bool json = false;
    const struct cli_option options[] = {
        {"--json", NULL, "a list of objects", CLI_FLAG, &json, false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff sandbox lint",
        .operands = "FILE|NAME",
        .about = "Says what a seccomp profile lets through that tools are "
                 "better without, with the reason. A hole of severity escape "
                 "keeps the profile from loading unless it accepts it by name, "
                 "and so does a call that the launcher needs itself.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .operands_min = 1,
        .operands_max = 1,
        .examples = "  tipstaff sandbox lint /etc/tipstaff/sandbox/mine.yaml\n"
                    "  tipstaff sandbox lint net\n",
    };
    char **operands;
    size_t count;
    int code;

    if (!cli_parse(&usage, argc, argv, &operands, &count, &code))
        return code;
    return lint_it(operands[0], json);
}
