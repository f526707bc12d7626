/* validate and convert: what is done with text and never decides. */
#include <string.h>

#include "inputs.h"
#include "worker.h"

#define OUT_MAX ((size_t)16 << 20)

static json_t *one_verdict(const struct cedar_ast *ast, size_t index,
                           const struct cedar_schema *schema,
                           const struct cedar_validate_options *options,
                           struct cedar_diags *diags)
{
    json_t *errors = json_array(), *warnings = json_array();
    ts_err e;

    cedar_diags_clear(diags);
    e = cedar_validate_policy(ast, index, schema, options, diags);
    for (uint32_t i = 0; i < diags->count && i < CEDAR_DIAGS_MAX; i++) {
        const struct cedar_diag *d = &diags->list[i];

        json_array_append_new(d->severity == CEDAR_ERROR ? errors : warnings,
                              json_pack("[s,s]", d->code, d->text));
    }
    return json_pack("{s:o,s:b,s:s,s:o,s:o}", "id",
                     diff_string(cedar_ast_info(ast, index).id), "ok",
                     e == TS_OK, "err", e == TS_OK ? "" : ts_err_text(e),
                     "errors", errors, "warnings", warnings);
}

json_t *op_validate(const json_t *request)
{
    struct cedar_validate_options options = cedar_validate_default;
    const char *mode = json_string_value(json_object_get(request, "mode"));
    const json_t *level = json_object_get(request, "level");
    struct cedar_schema *schema = NULL;
    struct cedar_diags diags = {0};
    struct cedar_ast *ast = NULL;
    json_t *each, *out = NULL;
    ts_err e;

    if (mode != NULL && strcmp(mode, "permissive") == 0)
        options.mode = CEDAR_PERMISSIVE;
    if (level != NULL)
        options.level = (uint32_t)json_integer_value(level);
    e = diff_load_schema(json_object_get(request, "schema"), &schema, &diags);
    if (e != TS_OK)
        return diff_failure("schema", e, &diags);
    e = diff_load_ast(json_object_get(request, "policies"), &ast, &diags);
    if (e != TS_OK) {
        out = diff_failure("policies", e, &diags);
    } else {
        each = json_array();
        for (size_t i = 0; i < cedar_ast_count(ast); i++)
            json_array_append_new(
                each, one_verdict(ast, i, schema, &options, &diags));
        out = json_pack("{s:b,s:o}", "ok", 1, "each", each);
    }
    cedar_ast_free(ast);
    cedar_schema_free(schema);
    return out;
}

static void take(json_t *list, struct ts_buf *b)
{
    json_array_append_new(
        list, diff_string((struct ts_str){.ptr = (const char *)ts_buf_bytes(b),
                                          .len = b->len}));
    ts_buf_clear(b);
}

static ts_err write_set(const struct cedar_ast *ast, const char *to,
                        struct ts_buf *b, json_t *list)
{
    ts_err e = TS_OK;

    if (strcmp(to, "set") == 0) {
        e = cedar_ast_print_set_json(ast, b);
        if (e == TS_OK)
            take(list, b);
        return e;
    }
    for (size_t i = 0; e == TS_OK && i < cedar_ast_count(ast); i++) {
        if (cedar_ast_info(ast, i).kind == CEDAR_LINK)
            continue;
        e = strcmp(to, "json") == 0 ? cedar_ast_print_json(ast, i, b)
                                    : cedar_ast_print(ast, i, b);
        if (e == TS_OK)
            take(list, b);
    }
    return e;
}

static ts_err convert_policies(const json_t *set, const char *to,
                               struct ts_buf *b, json_t *list,
                               struct cedar_diags *diags)
{
    struct cedar_ast *ast = NULL;
    ts_err e;

    if (strcmp(to, "fmt") == 0) {
        struct cedar_source source =
            diff_source(json_object_get(set, "text"), "policies");

        e = cedar_format(&source, &cedar_format_default, b, diags);
        if (e == TS_OK)
            take(list, b);
        return e;
    }
    e = diff_load_ast(set, &ast, diags);
    if (e == TS_OK)
        e = write_set(ast, to, b, list);
    cedar_ast_free(ast);
    return e;
}

static ts_err convert_schema(const json_t *text, const char *to,
                             struct ts_buf *b, json_t *list,
                             struct cedar_diags *diags)
{
    struct cedar_schema *schema = NULL;
    ts_err e = diff_load_schema(text, &schema, diags);

    if (e != TS_OK)
        return e;
    e = strcmp(to, "json") == 0 ? cedar_schema_print_json(schema, b)
                                : cedar_schema_print(schema, b);
    if (e == TS_OK)
        take(list, b);
    cedar_schema_free(schema);
    return e;
}

json_t *op_convert(const json_t *request)
{
    const char *to = json_string_value(json_object_get(request, "to"));
    const json_t *schema = json_object_get(request, "schema");
    struct cedar_diags diags = {0};
    json_t *list = json_array();
    struct ts_buf b;
    ts_err e = TS_E_INVALID;

    ts_buf_init(&b, OUT_MAX);
    if (to != NULL && schema != NULL)
        e = convert_schema(schema, to, &b, list, &diags);
    else if (to != NULL)
        e = convert_policies(json_object_get(request, "policies"), to, &b, list,
                             &diags);
    ts_buf_done(&b);
    if (e == TS_OK)
        return json_pack("{s:b,s:o}", "ok", 1, "out", list);
    json_decref(list);
    return diff_failure("convert", e, &diags);
}
