/* parse: is this text one of what it claims to be? */
#include <string.h>

#include "inputs.h"
#include "proto/base/ts_arena.h"
#include "worker.h"

#define VALUE_BUDGET ((size_t)64 << 20)

static ts_err parse_entities(const json_t *request, struct cedar_source *text,
                             struct cedar_diags *diags)
{
    struct cedar_entities *entities = NULL;
    ts_err e;

    struct cedar_schema *schema = NULL;
    const json_t *s = json_object_get(request, "schema");

    if (s != NULL) {
        if ((e = diff_load_schema(s, &schema, diags)) != TS_OK)
            return e;
        e = cedar_entities_parse_schema(schema, text, 1, &entities, diags);
        cedar_schema_free(schema);
        cedar_entities_free(entities);
        return e;
    }
    e = cedar_entities_parse(text, 1, &entities, diags);
    cedar_entities_free(entities);
    return e;
}

static ts_err parse_context(const json_t *request, struct cedar_source *text,
                            struct cedar_diags *diags)
{
    struct cedar_value value = {0};
    struct ts_arena arena;
    ts_err e;

    ts_arena_init(&arena, VALUE_BUDGET);
    struct cedar_schema *schema = NULL;
    const json_t *s = json_object_get(request, "schema");
    struct cedar_uid action = diff_uid(json_object_get(request, "action"));

    if (s != NULL && (e = diff_load_schema(s, &schema, diags)) != TS_OK)
        return e;
    e = cedar_context_parse(&arena, schema, s == NULL ? NULL : &action, text,
                            &value, diags);
    cedar_schema_free(schema);
    if (e == TS_OK && value.kind != CEDAR_RECORD)
        e = TS_E_INVALID;
    ts_arena_done(&arena);
    return e;
}

static ts_err parse_policies(const json_t *request, struct cedar_source *text,
                             struct cedar_diags *diags)
{
    struct cedar_policies *policies = NULL;
    ts_err e;

    (void)request;
    e = cedar_policies_parse(text, 1, &diff_options, &policies, diags);
    cedar_policies_free(policies);
    return e;
}

static ts_err parse_ast(const json_t *request, struct cedar_source *text,
                        struct cedar_diags *diags)
{
    struct cedar_ast *ast = NULL;
    ts_err e;

    (void)request;
    e = cedar_ast_parse(text, 1, &diff_options, &ast, diags);
    cedar_ast_free(ast);
    return e;
}

static ts_err parse_est(const json_t *request, struct cedar_source *text,
                        struct cedar_diags *diags)
{
    struct cedar_ast *ast = NULL;
    ts_err e;

    (void)request;
    e = cedar_ast_parse_json(text, 1, &diff_options, &ast, diags);
    cedar_ast_free(ast);
    return e;
}

static ts_err parse_schema(const json_t *request, struct cedar_source *text,
                           struct cedar_diags *diags)
{
    struct cedar_schema *schema = NULL;
    ts_err e;

    (void)request;
    e = cedar_schema_parse(text, 1, &schema, diags);
    cedar_schema_free(schema);
    return e;
}

static ts_err parse_schema_json(const json_t *request,
                                struct cedar_source *text,
                                struct cedar_diags *diags)
{
    struct cedar_schema *schema = NULL;
    ts_err e;

    (void)request;
    e = cedar_schema_parse_json(text, 1, &schema, diags);
    cedar_schema_free(schema);
    return e;
}

json_t *op_parse(const json_t *request)
{
    static const struct {
        const char *what;
        ts_err (*parse)(const json_t *, struct cedar_source *,
                        struct cedar_diags *);
    } kinds[] = {
        {"entities", parse_entities},
        {"context", parse_context},
        {"static", parse_policies},
        {"policies", parse_ast},
        {"est", parse_est},
        {"schema", parse_schema},
        {"schema_json", parse_schema_json},
    };
    const char *what = json_string_value(json_object_get(request, "what"));
    json_t *answers = NULL;
    const json_t *text;
    size_t at;

    for (size_t i = 0; what != NULL && i < sizeof(kinds) / sizeof(kinds[0]);
         i++) {
        if (strcmp(what, kinds[i].what) != 0)
            continue;
        answers = json_array();
        json_array_foreach(json_object_get(request, "texts"), at, text)
        {
            struct cedar_diags diags = {0};
            struct cedar_source source = diff_source(text, "text");
            ts_err e = kinds[i].parse(request, &source, &diags);

            json_array_append_new(
                answers, e == TS_OK ? json_pack("{s:b}", "ok", 1)
                                    : diff_failure("parse", e, &diags));
        }
    }
    return answers == NULL
               ? NULL
               : json_pack("{s:b,s:o}", "ok", 1, "answers", answers);
}
