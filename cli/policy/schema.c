/* tipstaff policy schema: the schema that fits the tools, and what another one
 * lacks. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/policy/inputs.h"
#include "cli/policy/json_out.h"
#include "cli/policy/policy.h"
#include "cli/policy/report.h"
#include "cli/policy/schema_tools.h"
#include "cli/schema/schema.h"

#define SCHEMA_MAX   ((size_t)16 << 20) /* bytes of the text */
#define FINDINGS_MAX 8192
#define WHERE_SHOWN  3 /* places that are named of one finding */

struct finding {
    enum schema_finding kind;
    const char *where, *text;
};

struct schema_cmd {
    const char *config, *tools, *people, *merge, *check;
    struct cli_list grant_attrs;
    bool json;
    struct pol_inputs in;
    struct manifests *manifests;
    struct directory_snapshot snapshot;
    struct ts_str attrs[CLI_LIST_MAX];
    struct cedar_schema *given; /* of --merge or --check */
    struct finding *list;
    size_t count;
    bool overflow;
};

static void note(void *ctx, const char *text)
{
    const struct schema_cmd *c = ctx;

    cli_error("note: %s: %s", c->merge, text);
}

static void take(void *ctx, enum schema_finding kind, const char *where,
                 const char *text)
{
    struct schema_cmd *c = ctx;
    struct finding f = {.kind = kind};

    if (c->count == FINDINGS_MAX ||
        ts_arena_strndup(&c->in.arena, where, strlen(where), &f.where) !=
            TS_OK ||
        ts_arena_strndup(&c->in.arena, text, strlen(text), &f.text) != TS_OK)
        c->overflow = true;
    else
        c->list[c->count++] = f;
}

static bool load(struct schema_cmd *c)
{
    char dir[PATH_MAX];
    const char *given = c->merge != NULL ? c->merge : c->check;
    struct pol_options o = {.schema = {.count = given != NULL}};
    int n = snprintf(dir, sizeof(dir), "%s/tools",
                     c->config != NULL ? c->config : ".");

    if (n < 0 || (size_t)n >= sizeof(dir)) {
        cli_error("--config: the name is too long");
        return false;
    }
    if (!schema_tools_load(c->tools != NULL ? c->tools : dir, &c->in.arena,
                           &c->manifests))
        return false;
    if (c->people != NULL &&
        !schema_people_load(c->people, &c->in.arena, &c->snapshot))
        return false;
    o.schema.items[0] = given;
    if (given != NULL && !pol_load_schema(&c->in, &o, true))
        return false;
    c->given = c->in.schema;
    return true;
}

static bool write_schema(struct schema_cmd *c, struct ts_buf *out)
{
    struct schema_request r = {.manifests = c->manifests,
                               .people =
                                   c->people != NULL ? &c->snapshot : NULL,
                               .grant_attrs = schema_grant_attrs,
                               .merge = c->merge != NULL ? c->given : NULL,
                               .note = note,
                               .ctx = c};
    char text[1024];

    for (size_t i = 0; i < c->grant_attrs.count; i++)
        c->attrs[i] = ts_str_of(c->grant_attrs.items[i]);
    if (c->grant_attrs.count > 0)
        r.grant_attrs = (struct schema_names){c->attrs, c->grant_attrs.count};
    if (schema_write(&r, out, text, sizeof(text)) == TS_OK)
        return true;
    cli_error("%s", text);
    return false;
}

/* The same mistake in the contexts of several actions, which often have one
 * type, stands together. */
static int by_text(const void *a, const void *b)
{
    const struct finding *x = a, *y = b;
    int order = (int)x->kind - (int)y->kind;

    if (order == 0)
        order = strcmp(x->text, y->text);
    return order != 0 ? order : strcmp(x->where, y->where);
}

static size_t same(const struct schema_cmd *c, size_t at)
{
    size_t n = 1;

    while (strncmp(c->list[at].text, "context", 7) == 0 && at + n < c->count &&
           c->list[at + n].kind == c->list[at].kind &&
           strcmp(c->list[at + n].text, c->list[at].text) == 0)
        n++;
    return n;
}

static const char *kind_name(enum schema_finding k)
{
    if (k == SCHEMA_LACKS)
        return "lacks";
    return k == SCHEMA_WRONG ? "wrong" : "more";
}

static size_t errors_of(const struct schema_cmd *c)
{
    size_t n = 0;

    for (size_t i = 0; i < c->count; i += same(c, i))
        n += c->list[i].kind != SCHEMA_MORE;
    return n;
}

static void print_text(const struct schema_cmd *c)
{
    const struct term t = term_stdout();
    size_t more = 0, errors = errors_of(c);

    for (size_t i = 0, n; i < c->count; i += n) {
        const struct finding *f = &c->list[i];

        n = same(c, i);
        more += f->kind == SCHEMA_MORE;
        (void)printf("%s%-5s%s  ", f->kind == SCHEMA_MORE ? t.yellow : t.red,
                     kind_name(f->kind), t.reset);
        for (size_t k = 0; k < n && k < WHERE_SHOWN; k++)
            (void)printf("%s%s", k > 0 ? ", " : "", f[k].where);
        if (n > WHERE_SHOWN)
            (void)printf(" and %zu more", n - WHERE_SHOWN);
        (void)printf(": %s\n", f->text);
    }
    (void)printf("%s%s: %s, %s%s%s\n", t.bold, c->check,
                 pol_count(c->manifests->count, "tool").s,
                 errors > 0 ? t.red : t.green, pol_count(errors, "error").s,
                 t.reset);
    if (more > 0)
        (void)printf("%swhat is more does no harm%s\n", t.dim, t.reset);
}

static void print_json(const struct schema_cmd *c)
{
    struct json_out j;

    json_out_init(&j, stdout);
    json_out_object(&j, NULL);
    json_out_bool(&j, "ok", errors_of(c) == 0);
    json_out_int(&j, "tools", c->manifests->count);
    json_out_array(&j, "findings");
    for (size_t i = 0; i < c->count; i++) {
        json_out_object(&j, NULL);
        json_out_text(&j, "kind", kind_name(c->list[i].kind));
        json_out_text(&j, "where", c->list[i].where);
        json_out_text(&j, "text", c->list[i].text);
        json_out_end(&j);
    }
    json_out_end(&j);
    json_out_end(&j);
}

static int compare(struct schema_cmd *c, const struct ts_buf *text)
{
    const struct cedar_source source = {
        "schema", {(const char *)ts_buf_bytes(text), text->len}};
    struct cedar_schema *made = NULL;
    void *mem;

    if (ts_arena_array(&c->in.arena, FINDINGS_MAX, sizeof(*c->list), &mem) !=
            TS_OK ||
        cedar_schema_parse(&source, 1, &made, pol_diags(&c->in)) != TS_OK) {
        cli_error("out of memory");
        return CLI_FAILED;
    }
    c->list = mem;
    schema_compare(made, c->given, take, c);
    cedar_schema_free(made);
    if (c->overflow) {
        cli_error("more than %d findings: this schema is for other tools",
                  FINDINGS_MAX);
        return CLI_FAILED;
    }
    qsort(c->list, c->count, sizeof(*c->list), by_text);
    if (c->json)
        print_json(c);
    else
        print_text(c);
    return errors_of(c) == 0 ? CLI_OK : CLI_FAILED;
}

static int run(struct schema_cmd *c)
{
    struct ts_buf text;
    int code = CLI_FAILED;

    if (!pol_inputs_init(&c->in))
        return CLI_FAILED;
    ts_buf_init(&text, SCHEMA_MAX);
    if (load(c) && write_schema(c, &text)) {
        code = CLI_OK;
        if (c->check != NULL)
            code = compare(c, &text);
        else if (fwrite(ts_buf_bytes(&text), 1, text.len, stdout) != text.len)
            code = CLI_FAILED;
    }
    ts_buf_done(&text);
    manifests_free(c->manifests);
    pol_inputs_done(&c->in);
    return code;
}

int cmd_policy_schema(int argc, char **argv)
{
    struct schema_cmd c = {0};
    const struct cli_option options[] = {
        {"--config", "DIR", "a configuration: its tools/ and sandbox/",
         CLI_TEXT, &c.config, false},
        {"--tools", "DIR", "instead: a folder of manifests", CLI_TEXT, &c.tools,
         false},
        {"--directory", "FILE",
         "whose attributes users and agents have: directory.snapshot, or its "
         "source",
         CLI_TEXT, &c.people, false},
        {"--grant-attr", "NAME",
         "a key of context.grant.attrs; repeat for more (default: acr, amr, "
         "auth_time, sid)",
         CLI_LIST, &c.grant_attrs, false},
        {"--merge", "FILE",
         "a schema whose groups of actions, types and attributes are kept",
         CLI_TEXT, &c.merge, false},
        {"--check", "FILE", "write nothing, and say what this schema lacks",
         CLI_TEXT, &c.check, false},
        {"--json", NULL, "with --check: one JSON document", CLI_FLAG, &c.json,
         false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff policy schema",
        .operands = "",
        .about =
            "Writes the Cedar schema that fits a set of tools: of each call "
            "that their manifests allow\nthe service makes a request that fits "
            "it. Or says what a schema that people wrote lacks.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .examples = "  tipstaff policy schema --config /etc/tipstaff > "
                    "new.cedarschema\n"
                    "  tipstaff policy schema --config /etc/tipstaff --merge "
                    "old.cedarschema > new.cedarschema\n"
                    "  tipstaff policy schema --tools tools --check "
                    "tenants/acme/schema.cedarschema\n",
    };
    char **operands;
    size_t count;
    int code;

    if (!cli_parse(&usage, argc, argv, &operands, &count, &code))
        return code;
    if ((c.config == NULL) == (c.tools == NULL)) {
        cli_error("which tools? Give --config DIR or --tools DIR");
        return CLI_USAGE;
    }
    if (c.merge != NULL && c.check != NULL) {
        cli_error("--merge and --check: one of them");
        return CLI_USAGE;
    }
    if (c.json && c.check == NULL) {
        cli_error("--json belongs to --check");
        return CLI_USAGE;
    }
    return run(&c);
}
