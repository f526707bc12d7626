/* Policies and schemas of a case, in any of their forms. */
#include "inputs.h"

#include "worker.h"

static ts_err add_links(struct cedar_ast *ast, const json_t *links,
                        struct cedar_diags *diags)
{
    size_t i;
    const json_t *l;

    json_array_foreach(links, i, l)
    {
        const json_t *p = json_object_get(l, "p"), *r = json_object_get(l, "r");
        struct cedar_uid principal = {0}, resource = {0};
        ts_err e;

        if (p != NULL)
            principal = diff_uid(p);
        if (r != NULL)
            resource = diff_uid(r);
        e = cedar_ast_link(ast, diff_str(json_object_get(l, "t")),
                           diff_str(json_object_get(l, "id")),
                           p == NULL ? NULL : &principal,
                           r == NULL ? NULL : &resource, diags);
        if (e != TS_OK)
            return e;
    }
    return TS_OK;
}

ts_err diff_load_ast(const json_t *set, struct cedar_ast **ret,
                     struct cedar_diags *diags)
{
    const json_t *json = json_object_get(set, "json");
    struct cedar_source source = diff_source(
        json != NULL ? json : json_object_get(set, "text"), "policies");
    struct cedar_ast *ast = NULL;
    ts_err e =
        json != NULL
            ? cedar_ast_parse_json(&source, 1, &diff_options, &ast, diags)
            : cedar_ast_parse(&source, 1, &diff_options, &ast, diags);

    if (e != TS_OK)
        return e;
    e = add_links(ast, json_object_get(set, "links"), diags);
    if (e != TS_OK) {
        cedar_ast_free(ast);
        return e;
    }
    *ret = ast;
    return TS_OK;
}

ts_err diff_load_policies(const json_t *set, struct cedar_policies **ret,
                          struct cedar_diags *diags)
{
    struct cedar_source source =
        diff_source(json_object_get(set, "text"), "policies");
    struct cedar_ast *ast = NULL;
    ts_err e;

    if (json_object_get(set, "json") == NULL &&
        json_object_get(set, "links") == NULL &&
        json_object_get(set, "via") == NULL)
        return cedar_policies_parse(&source, 1, &diff_options, ret, diags);
    e = diff_load_ast(set, &ast, diags);
    if (e != TS_OK)
        return e;
    e = cedar_ast_compile(ast, ret, diags);
    cedar_ast_free(ast);
    return e;
}

ts_err diff_load_schema(const json_t *schema, struct cedar_schema **ret,
                        struct cedar_diags *diags)
{
    const json_t *json = json_object_get(schema, "json");
    struct cedar_source source = diff_source(
        json != NULL ? json : json_object_get(schema, "text"), "schema");

    return json != NULL ? cedar_schema_parse_json(&source, 1, ret, diags)
                        : cedar_schema_parse(&source, 1, ret, diags);
}
