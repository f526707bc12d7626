/* tipstaff policy translate: text to JSON and back, policies and schemas. */
#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/policy/inputs.h"
#include "cli/policy/policy.h"
#include "cli/policy/report.h"
#include "proto/base/ts_buf.h"

#define OUTPUT_MAX ((size_t)512 << 20) /* bytes */

/* The official JSON form has no names in text: @id annotations are kept, other
 * names of a JSON set are not. */
static ts_err print_policies(const struct pol_set *set, bool json,
                             struct ts_buf *out)
{
    size_t n = cedar_ast_count(set->ast);
    ts_err e = TS_OK;

    if (json)
        return cedar_ast_print_set_json(set->ast, out);
    for (size_t i = 0; i < n && e == TS_OK; i++) {
        size_t before = out->len;

        if (i > 0)
            e = ts_buf_append(out, "\n", 1);
        if (e == TS_OK)
            e = cedar_ast_print(set->ast, i, out);
        if (e == TS_OK && out->len > before &&
            ts_buf_bytes(out)[out->len - 1] != '\n')
            e = ts_buf_append(out, "\n", 1);
    }
    return e;
}

static bool has_link(const struct cedar_ast *a)
{
    for (size_t i = 0; i < cedar_ast_count(a); i++)
        if (cedar_ast_info(a, i).kind == CEDAR_LINK)
            return true;
    return false;
}

static bool policies(struct pol_inputs *in, const struct pol_options *o,
                     bool json, struct ts_buf *out)
{
    ts_err e;

    if (!pol_load_policies(in, o, true))
        return false;
    if (!json && has_link(in->policies.ast)) {
        cli_error("%s holds links of templates, which policy text cannot say",
                  in->policies.files.list[0].name);
        return false;
    }
    e = print_policies(&in->policies, json, out);
    if (e != TS_OK)
        cli_error("the policies could not be printed: %s", ts_err_text(e));
    return e == TS_OK;
}

static bool schema(struct pol_inputs *in, const struct pol_options *o,
                   bool json, struct ts_buf *out)
{
    ts_err e;

    if (!pol_load_schema(in, o, true))
        return false;
    e = json ? cedar_schema_print_json(in->schema, out)
             : cedar_schema_print(in->schema, out);
    if (e != TS_OK)
        cli_error("the schema could not be printed: %s", ts_err_text(e));
    return e == TS_OK;
}

static int translate(const struct pol_options *o, bool is_schema, bool json)
{
    struct pol_inputs in;
    struct ts_buf out;
    bool ok;

    ts_buf_init(&out, OUTPUT_MAX);
    ok = pol_inputs_init(&in) && (is_schema ? schema(&in, o, json, &out)
                                            : policies(&in, o, json, &out));
    if (ok && out.len > 0) {
        const uint8_t *p = ts_buf_bytes(&out);

        (void)fwrite(p, 1, out.len, stdout);
        if (p[out.len - 1] != '\n')
            (void)fputc('\n', stdout);
    }
    ts_buf_done(&out);
    pol_inputs_done(&in);
    return ok ? CLI_OK : CLI_FAILED;
}

int cmd_policy_translate(int argc, char **argv)
{
    struct pol_options o = {0};
    const char *to = NULL;
    bool is_schema = false;
    const struct cli_option options[] = {
        {"--to", "json|text", "the form that is wanted", CLI_TEXT, &to, true},
        {"--schema", NULL, "FILE is a schema, not policies", CLI_FLAG,
         &is_schema, false},
        {"--template-linked", "FILE", "links to add to the JSON set", CLI_TEXT,
         &o.links, false},
        {"-k", "FILE", NULL, CLI_TEXT, &o.links, false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff policy translate",
        .operands = "FILE|-",
        .about = "Prints policies or a schema in the other form: Cedar text "
                 "or Cedar's JSON. Either form\nis read; the result is that "
                 "of `cedar translate-policy` and `cedar translate-schema`.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .operands_min = 1,
        .operands_max = 1,
        .examples = "  tipstaff policy translate --to json policies.cedar\n"
                    "  tipstaff policy translate --to text --schema "
                    "app.cedarschema.json\n",
    };
    char **operands;
    size_t count;
    bool json;
    int code;

    if (!cli_parse(&usage, argc, argv, &operands, &count, &code))
        return code;
    json = strcmp(to, "json") == 0;
    if (!json && strcmp(to, "text") != 0) {
        cli_error("--to is json or text");
        return CLI_USAGE;
    }
    *(is_schema ? &o.schema : &o.policies) =
        (struct cli_list){.items = {operands[0]}, .count = 1};
    return translate(&o, is_schema, json);
}
