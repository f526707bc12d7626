#include "cli/delegation/block_policy.h"

#include <stdio.h>

#include "cli/cmd.h"
#include "cli/files.h"
#include "cli/policy/inputs.h"
#include "cli/policy/report.h"
#include "cli/term.h"
#include "policy/cedar_lint.h"
#include "proto/wire/limits.h"
#include "sidecar/gate/people/approval_rule.h"

#define DIAG_SIZE 4096 /* bytes of one diagnostic as it is shown */

static void complain(const struct cedar_diags *diags,
                     const struct cedar_source *source)
{
    bool colour = term_of(2).red[0] != '\0';
    char text[DIAG_SIZE];

    for (uint32_t i = 0; i < diags->count && i < CEDAR_DIAGS_MAX; i++) {
        (void)cedar_diag_format(&diags->list[i], source->name, source->text,
                                colour, text, sizeof(text));
        (void)fprintf(stderr, "%s\n", text);
    }
}

/* What the gate would refuse a session for. */
static bool has_bad_demand(const struct cedar_ast *ast,
                           struct cedar_diags *diags)
{
    const struct cedar_lint_options options = {
        .off = ~(1u << CEDAR_LINT_SANDBOX_ON_FORBID |
                 1u << CEDAR_LINT_ENDORSE_WITHOUT_APPROVAL |
                 1u << CEDAR_LINT_ANNOTATION_VALUE),
        .value_fault = annotation_value_fault};

    return cedar_lint(ast, &options, diags) != TS_OK;
}

static bool has_template(const struct cedar_ast *ast, const char *name)
{
    for (size_t i = 0; i < cedar_ast_count(ast); i++) {
        if (cedar_ast_info(ast, i).kind == CEDAR_STATIC)
            continue;
        cli_error("%s:%u: a block cannot hold templates; name the entity "
                  "itself",
                  name, cedar_ast_info(ast, i).span.line);
        return true;
    }
    return false;
}

/* diags: memory for it. */
static bool check(const struct cedar_source *source,
                  const struct cedar_schema *schema, struct cedar_diags *diags)
{
    struct cedar_ast *ast = NULL;
    ts_err e = cedar_ast_parse(source, 1, &cedar_options_block, &ast, diags);
    bool ok = e == TS_OK && !has_template(ast, source->name) &&
              !has_bad_demand(ast, diags);

    if (ok && schema != NULL)
        ok = cedar_validate(ast, schema, &cedar_validate_default, diags) ==
             TS_OK;
    cedar_ast_free(ast);
    complain(diags, source);
    if (e != TS_OK && diags->count == 0)
        cli_error("%s: %s", source->name, ts_err_text(e));
    return ok;
}

bool cli_block_policy(const char *path, const char *schema,
                      struct ts_arena *arena, struct ts_str *ret)
{
    struct pol_options o = {0};
    struct pol_inputs in;
    struct ts_bytes bytes;
    bool ok;

    if (!cli_read(path, TS_BLOCK_POLICY_MAX, arena, &bytes) ||
        !pol_inputs_init(&in))
        return false;
    if (schema != NULL)
        o.schema.items[o.schema.count++] = schema;
    *ret = (struct ts_str){.ptr = (const char *)bytes.ptr, .len = bytes.len};
    ok = (schema == NULL || pol_load_schema(&in, &o, true)) &&
         check(&(struct cedar_source){.name = path, .text = *ret}, in.schema,
               pol_diags(&in));
    pol_inputs_done(&in);
    return ok;
}
