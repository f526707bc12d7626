/* tipstaff sandbox show: the calls of a profile, as text, JSON or filter. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/opts.h"
#include "cli/sandbox/sandbox.h"
#include "cli/term.h"
#include "sidecar/sandbox/bpf.h"
#include "sidecar/sandbox/cond.h"

#define COLUMNS    78
#define ACTION_MAX 32
#define CLAUSE_MAX 2048
#define STEP_COUNT 463 /* numbers of Linux 6.8, for the figure */

struct show {
    struct sandbox_loaded loaded;
    struct sandbox_model model;
    struct ts_arena *arena;
    struct term term;
};

static const char *action_text(uint32_t action, char out[ACTION_MAX])
{
    const char *name;

    if (action == SANDBOX_ALLOW)
        return "allow";
    if (action == SANDBOX_KILL)
        return "kill";
    name = strerrorname_np((int)(action & 0xffff));
    if (name != NULL)
        return name;
    (void)snprintf(out, ACTION_MAX, "errno %u", action & 0xffff);
    return out;
}

static const struct sandbox_call *call_of(const struct show *s, uint32_t i)
{
    int nr = s->loaded.p->calls.list[i].nr[s->model.arch];

    return nr < 0 ? NULL : s->model.by_nr[nr];
}

/* The names of all calls that always end in this action. */
static void print_plain(const struct show *s, uint32_t action)
{
    const struct sandbox_calls *calls = &s->loaded.p->calls;
    size_t at = COLUMNS;
    char text[ACTION_MAX];
    bool any = false;

    for (uint32_t i = 0; i < calls->count; i++) {
        const struct sandbox_call *c = call_of(s, i);
        size_t len = strlen(calls->list[i].name);

        if (c == NULL || c->count > 0 || c->action != action)
            continue;
        if (!any)
            (void)printf("\n%s%s%s:", s->term.bold, action_text(action, text),
                         s->term.reset);
        any = true;
        if (at + 1 + len > COLUMNS) {
            (void)printf("\n ");
            at = 1;
        }
        (void)printf(" %s", calls->list[i].name);
        at += 1 + len;
    }
    if (any)
        (void)putchar('\n');
}

static void print_conditions(const struct show *s)
{
    const struct sandbox_calls *calls = &s->loaded.p->calls;
    char text[CLAUSE_MAX], action[ACTION_MAX];

    (void)printf("\n%sby arguments%s, the first that holds:\n", s->term.bold,
                 s->term.reset);
    for (uint32_t i = 0; i < calls->count; i++) {
        const struct sandbox_call *c = call_of(s, i);

        if (c == NULL || c->count == 0)
            continue;
        (void)printf("  %s\n", calls->list[i].name);
        for (uint32_t k = 0; k < c->count; k++) {
            (void)sandbox_clause_print(&c->clauses[k], text, sizeof(text));
            (void)printf("    %-7s if %s\n",
                         action_text(c->clauses[k].action, action), text);
        }
        (void)printf("    %-7s otherwise\n", action_text(c->action, action));
    }
}

static int show_text(const struct show *s)
{
    const struct sandbox_profile *p = s->loaded.p;
    uint32_t seen[64], count = 0;

    (void)printf("%s%s%s (%s): ", s->term.bold, p->name, s->term.reset,
                 sandbox_arch_name(s->model.arch));
    term_print(ts_str_of(p->description));
    (void)printf("\nextends %s\n", p->extends);
    print_plain(s, SANDBOX_ALLOW);
    print_conditions(s);
    for (uint32_t i = 0; i < p->calls.count; i++) {
        const struct sandbox_call *c = call_of(s, i);
        uint32_t k = 0;

        if (c == NULL || c->count > 0 || c->action == SANDBOX_ALLOW)
            continue;
        while (k < count && seen[k] != c->action)
            k++;
        if (k < count || count == 64)
            continue;
        seen[count++] = c->action;
        print_plain(s, c->action);
    }
    (void)printf("\nevery other call: ENOSYS; of another architecture: kill\n");
    return CLI_OK;
}

static json_t *clauses_json(const struct sandbox_call *c)
{
    json_t *list = json_array();
    char text[CLAUSE_MAX], action[ACTION_MAX];

    for (uint32_t k = 0; list != NULL && k < c->count; k++) {
        (void)sandbox_clause_print(&c->clauses[k], text, sizeof(text));
        if (json_array_append_new(
                list, json_pack("{s:s, s:s}", "if", text, "then",
                                action_text(c->clauses[k].action, action))) !=
            0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static int show_json(const struct show *s)
{
    const struct sandbox_profile *p = s->loaded.p;
    json_t *calls = json_object(), *root = NULL;
    char action[ACTION_MAX];
    bool ok = calls != NULL;

    for (uint32_t i = 0; i < p->calls.count && ok; i++) {
        const struct sandbox_call *c = call_of(s, i);
        int nr = p->calls.list[i].nr[s->model.arch];

        if (c == NULL)
            continue;
        ok =
            json_object_set_new(calls, p->calls.list[i].name,
                                json_pack("{s:i, s:o, s:s}", "number", nr,
                                          "rules", clauses_json(c), "else",
                                          action_text(c->action, action))) == 0;
    }
    if (ok)
        root = json_pack("{s:s, s:s, s:s, s:s, s:O, s:s}", "name", p->name,
                         "description", p->description, "extends", p->extends,
                         "arch", sandbox_arch_name(s->model.arch), "calls",
                         calls, "others", "ENOSYS");
    ok = root != NULL && json_dumpf(root, stdout, JSON_INDENT(2)) == 0 &&
         putchar('\n') != EOF;
    json_decref(root);
    json_decref(calls);
    if (!ok)
        cli_error("out of memory, or standard output does not take more");
    return ok ? CLI_OK : CLI_FAILED;
}

static void print_insn(uint32_t at, const struct sock_filter *i)
{
    char action[ACTION_MAX];

    (void)printf("%4u: ", at);
    switch (i->code) {
    case BPF_LD | BPF_W | BPF_ABS:
        (void)printf("load    [%u]\n", i->k);
        return;
    case BPF_ALU | BPF_AND | BPF_K:
        (void)printf("and     0x%x\n", i->k);
        return;
    case BPF_RET | BPF_K:
        (void)printf("return  %s\n", action_text(i->k, action));
        return;
    case BPF_JMP | BPF_JA:
        (void)printf("jump    %u\n", at + 1 + i->k);
        return;
    default:
        (void)printf("%s 0x%x, then %u, else %u\n",
                     BPF_OP(i->code) == BPF_JEQ   ? "equal  "
                     : BPF_OP(i->code) == BPF_JGE ? "atleast"
                                                  : "bits   ",
                     i->k, at + 1 + i->jt, at + 1 + i->jf);
    }
}

static int show_bpf(const struct show *s)
{
    struct sandbox_bpf b;
    ts_err e = sandbox_bpf_compile(&s->model, s->arena, &b);

    if (e != TS_OK) {
        cli_error("%s does not fit into a filter: %s", s->loaded.p->name,
                  ts_err_text(e));
        return CLI_FAILED;
    }
    (void)printf(
        "# %s, %s: %u instructions, %u steps to install; without the "
        "launcher's keyed calls\n",
        s->loaded.p->name, sandbox_arch_name(s->model.arch), b.count,
        sandbox_bpf_steps(&b, sandbox_arch_audit(s->model.arch), STEP_COUNT));
    for (uint32_t i = 0; i < b.count; i++)
        print_insn(i, &b.insns[i]);
    return CLI_OK;
}

static bool arch_of(const char *name, enum sandbox_arch *ret)
{
    *ret = sandbox_arch_native();
    if (name == NULL)
        return true;
    for (int i = 0; i < SANDBOX_ARCHS; i++) {
        if (strcmp(name, sandbox_arch_name((enum sandbox_arch)i)) == 0) {
            *ret = (enum sandbox_arch)i;
            return true;
        }
    }
    cli_error("--arch is x86-64 or arm64, not \"%s\"", name);
    return false;
}

int sandbox_show(int argc, char **argv)
{
    const char *arch_name = NULL;
    bool json = false, bpf = false, strict = false;
    const struct cli_option options[] = {
        {"--arch", "ARCH", "x86-64 or arm64 (this machine)", CLI_TEXT,
         &arch_name, false},
        {"--strict", NULL, "as it is at level strict", CLI_FLAG, &strict,
         false},
        {"--json", NULL, "one object", CLI_FLAG, &json, false},
        {"--bpf", NULL, "the instructions of the filter", CLI_FLAG, &bpf,
         false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff sandbox show",
        .operands = "FILE|NAME",
        .about = "Prints what a seccomp profile lets tools call, with sets and "
                 "restrictions resolved.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .operands_min = 1,
        .operands_max = 1,
        .examples = "  tipstaff sandbox show files\n"
                    "  tipstaff sandbox show pure --strict --arch arm64\n"
                    "  tipstaff sandbox show sandbox/mine.yaml --bpf\n",
    };
    struct show s = {0};
    struct ts_arena arena;
    enum sandbox_arch arch;
    char **operands;
    size_t count;
    int code;

    if (!cli_parse(&usage, argc, argv, &operands, &count, &code))
        return code;
    if (!arch_of(arch_name, &arch))
        return CLI_USAGE;
    if (json && bpf) {
        cli_error("--json or --bpf, not both");
        return CLI_USAGE;
    }
    ts_arena_init(&arena, SANDBOX_ARENA_BYTES);
    s.arena = &arena;
    s.term = term_stdout();
    code = CLI_FAILED;
    if (sandbox_load(operands[0], &arena, &s.loaded)) {
        ts_err e =
            strict ? sandbox_profile_strict(s.loaded.p, arch, &arena, &s.model)
                   : sandbox_profile_model(s.loaded.p, arch, &arena, &s.model);

        if (e != TS_OK)
            cli_error("%s", ts_err_text(e));
        else
            code = bpf ? show_bpf(&s) : json ? show_json(&s) : show_text(&s);
    }
    ts_arena_done(&arena);
    return code;
}
