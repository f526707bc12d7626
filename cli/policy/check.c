/* tipstaff policy check: everything that can be said before a decision. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/policy/inputs.h"
#include "cli/policy/json_out.h"
#include "cli/policy/policy.h"
#include "cli/policy/report.h"
#include "policy/cedar_lint.h"
#include "sidecar/gate/people/approval_rule.h"
#include "sidecar/gate/people/snapshot.h"

#define SHOWN_MAX 500u /* diagnostics that are printed; more are counted */

struct finding {
    struct cedar_diag d;
    const struct pol_files *files;
};

struct check {
    struct pol_options o;
    struct cli_list allow;
    uint64_t level;
    bool permissive, no_lint, sidecar, deny_warnings, json;
    struct pol_inputs in;
    struct finding *list; /* SHOWN_MAX */
    size_t count;
    size_t errors, warnings;
    size_t unprinted; /* beyond what diags or the list can hold */
    bool broken;      /* something without a position, printed already */
};

/* The validator has said it in better words. */
static bool is_said(const struct check *c, const struct cedar_diag *d,
                    const struct pol_files *files)
{
    for (size_t i = 0; i < c->count; i++) {
        const struct finding *f = &c->list[i];

        if (f->files == files && f->d.span.source == d->span.source &&
            f->d.span.offset == d->span.offset &&
            f->d.severity == CEDAR_ERROR && d->severity == CEDAR_WARNING)
            return true;
    }
    return false;
}

static void take(struct check *c, const struct cedar_diags *diags,
                 const struct pol_files *files)
{
    uint32_t n =
        diags->count < CEDAR_DIAGS_MAX ? diags->count : CEDAR_DIAGS_MAX;

    c->errors += diags->errors;
    c->warnings += diags->warnings;
    c->unprinted += diags->count - n;
    for (uint32_t i = 0; i < n; i++) {
        if (is_said(c, &diags->list[i], files))
            c->warnings--;
        else if (c->count == SHOWN_MAX)
            c->unprinted++;
        else
            c->list[c->count++] =
                (struct finding){.d = diags->list[i], .files = files};
    }
}

static bool validate(struct check *c)
{
    const struct cedar_ast *ast = c->in.policies.ast;
    struct cedar_validate_options options = cedar_validate_default;
    size_t n = cedar_ast_count(ast);

    if (c->permissive)
        options.mode = CEDAR_PERMISSIVE;
    options.level = (uint32_t)c->level;
    options.slots_only = true;
    for (size_t i = 0; i < n; i++) {
        struct cedar_diags *d = pol_diags(&c->in);
        ts_err e = cedar_validate_policy(ast, i, c->in.schema, &options, d);

        take(c, d, &c->in.policies.files);
        if (e != TS_OK && d->errors == 0) {
            struct ts_str id = cedar_ast_info(ast, i).id;
            char name[128];

            (void)ts_str_show(name, sizeof(name), id.ptr, id.len);
            cli_error("policy %s could not be validated: %s", name,
                      ts_err_text(e));
            return false;
        }
    }
    return true;
}

static bool lint(struct check *c)
{
    struct cedar_lint_options options = {.value_fault = annotation_value_fault};
    struct cedar_diags *d = pol_diags(&c->in);
    enum cedar_lint_rule rule;
    ts_err e;

    if (c->sidecar)
        options.annotations = snapshot_annotations;
    for (size_t i = 0; i < c->allow.count; i++) {
        if (!cedar_lint_find(ts_str_of(c->allow.items[i]), &rule)) {
            cli_error("--allow %s: there is no such lint; docs/POLICY.md "
                      "lists them",
                      c->allow.items[i]);
            return false;
        }
        options.off |= 1u << rule;
    }
    if (c->no_lint)
        return true;
    e = cedar_lint(c->in.policies.ast, &options, d);
    take(c, d, &c->in.policies.files);
    if (e == TS_OK || d->errors > 0)
        return true;
    cli_error("the policies could not be linted: %s", ts_err_text(e));
    return false;
}

/* Takes what loading one of the three said; false when that is over. */
static bool step(struct check *c, bool ok, const struct pol_files *files)
{
    take(c, c->in.diags, files);
    c->broken = c->broken || (!ok && c->in.diags->errors == 0);
    return ok;
}

static void run(struct check *c)
{
    bool schema =
        step(c, pol_load_schema(&c->in, &c->o, false), &c->in.schema_files);
    bool policies =
        step(c, pol_load_policies(&c->in, &c->o, false), &c->in.policies.files);

    if (c->broken)
        return;
    if (policies && c->in.schema != NULL && !validate(c))
        c->broken = true;
    if (policies && !lint(c))
        c->broken = true;
    if (schema && c->o.entities.count > 0)
        (void)step(c, pol_load_entities(&c->in, &c->o, false),
                   &c->in.entity_files);
}

/* Policies before schema and entities, each by place. */
static int by_place(const void *a, const void *b)
{
    const struct finding *x = a, *y = b;
    const struct cedar_span *s = &x->d.span, *t = &y->d.span;

    if (x->files != y->files)
        return x->files < y->files ? -1 : 1;
    if (s->source != t->source)
        return s->source < t->source ? -1 : 1;
    if (s->offset != t->offset)
        return s->offset < t->offset ? -1 : 1;
    return (int)x->d.severity - (int)y->d.severity;
}

static size_t file_count(const struct check *c)
{
    return c->in.policies.files.count + c->in.schema_files.count +
           c->in.entity_files.count;
}

static size_t policy_count(const struct check *c)
{
    return c->in.policies.ast != NULL ? cedar_ast_count(c->in.policies.ast) : 0;
}

static bool is_good(const struct check *c)
{
    return !c->broken && c->errors == 0 &&
           (!c->deny_warnings || c->warnings == 0);
}

static void print_text(const struct check *c)
{
    const struct term t = term_stdout();
    const char *colour =
        c->errors > 0 ? t.red : (c->warnings > 0 ? t.yellow : t.green);

    for (size_t i = 0; i < c->count; i++)
        pol_print_diag(stdout, &t, &c->list[i].d, c->list[i].files);
    if (c->unprinted > 0)
        (void)printf("... and %zu more\n\n", c->unprinted);
    if (c->in.schema == NULL && c->o.schema.count == 0)
        (void)printf("%snote: without --schema the policies are read and "
                     "linted, not validated%s\n",
                     t.dim, t.reset);
    (void)printf("%s%s, ", t.bold, pol_count(file_count(c), "file").s);
    if (c->in.policies.ast != NULL)
        (void)printf("%s, ", pol_count(policy_count(c), "policy").s);
    (void)printf("%s%s, %s%s\n", colour, pol_count(c->errors, "error").s,
                 pol_count(c->warnings, "warning").s, t.reset);
}

static void print_json(const struct check *c)
{
    struct json_out j;

    json_out_init(&j, stdout);
    json_out_object(&j, NULL);
    json_out_bool(&j, "ok", is_good(c));
    json_out_int(&j, "files", (int64_t)file_count(c));
    json_out_int(&j, "policies", (int64_t)policy_count(c));
    json_out_bool(&j, "validated",
                  c->in.schema != NULL && c->in.policies.ast != NULL);
    json_out_int(&j, "errors", (int64_t)c->errors);
    json_out_int(&j, "warnings", (int64_t)c->warnings);
    json_out_array(&j, "diagnostics");
    for (size_t i = 0; i < c->count; i++)
        json_out_diag(&j, &c->list[i].d, c->list[i].files);
    json_out_end(&j);
    json_out_end(&j);
}

static int check(struct check *c)
{
    void *mem;

    if (!pol_inputs_init(&c->in))
        return CLI_FAILED;
    if (ts_arena_array(&c->in.arena, SHOWN_MAX, sizeof(*c->list), &mem) !=
        TS_OK) {
        cli_error("out of memory");
        pol_inputs_done(&c->in);
        return CLI_FAILED;
    }
    c->list = mem;
    run(c);
    if (c->count > 0)
        qsort(c->list, c->count, sizeof(*c->list), by_place);
    if (c->json)
        print_json(c);
    else if (!c->broken || c->count > 0)
        print_text(c);
    pol_inputs_done(&c->in);
    return is_good(c) ? CLI_OK : CLI_FAILED;
}

int cmd_policy_check(int argc, char **argv)
{
    struct check c = {.level = CEDAR_ANY_LEVEL};
    const struct cli_option options[] = {
        POL_OPT_POLICIES(&c.o),
        POL_OPT_SCHEMA(&c.o),
        POL_OPT_ENTITIES(&c.o),
        {"--level", "N", "at most N entity dereferences in a row", CLI_NUMBER,
         &c.level, false},
        {"--permissive", NULL, "the validator's permissive mode", CLI_FLAG,
         &c.permissive, false},
        {"--allow", "LINT", "do not check this lint; repeat for more", CLI_LIST,
         &c.allow, false},
        {"--no-lint", NULL, "no lints at all", CLI_FLAG, &c.no_lint, false},
        {"--sidecar", NULL,
         "hold them to the sidecar's rules: an @id each, no "
         "unknown annotations",
         CLI_FLAG, &c.sidecar, false},
        {"--deny-warnings", NULL, "exit 1 on warnings, too", CLI_FLAG,
         &c.deny_warnings, false},
        {"--json", NULL, "one JSON document instead of text", CLI_FLAG, &c.json,
         false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff policy check",
        .operands = "[FILE|DIR...]",
        .about = "Reads policies, validates them with the schema (strictly, "
                 "unless --permissive), lints\nthem, and reads the entities "
                 "with the schema. All errors in one run. A directory "
                 "stands\nfor the *.cedar and *.json files in it, links.json "
                 "left out.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .operands_max = CLI_LIST_MAX,
        .examples = "  tipstaff policy check --schema app.cedarschema "
                    "policies/\n"
                    "  tipstaff policy check --deny-warnings a.cedar b.cedar\n"
                    "  cat a.cedar | tipstaff policy check -\n",
    };
    char **operands;
    size_t count;
    int code;

    if (!cli_parse(&usage, argc, argv, &operands, &count, &code))
        return code;
    c.o.require_id = c.sidecar;
    if (c.level > CEDAR_ANY_LEVEL) {
        cli_error("--level %llu: too large", (unsigned long long)c.level);
        return CLI_USAGE;
    }
    for (size_t i = 0; i < count; i++) {
        if (c.o.policies.count == CLI_LIST_MAX) {
            cli_error("more than %d policy files; give their folder instead",
                      CLI_LIST_MAX);
            return CLI_USAGE;
        }
        c.o.policies.items[c.o.policies.count++] = operands[i];
    }
    if (c.o.policies.count == 0) {
        cli_error("no policies: tipstaff policy check FILE|DIR...");
        return CLI_USAGE;
    }
    return check(&c);
}
