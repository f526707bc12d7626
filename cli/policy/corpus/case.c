/* One case: reads what it names, and runs it with each form of its schema. */
#include <string.h>

#include "cli/policy/corpus/corpus.h"
#include "cli/policy/files.h"

/* The folders that are tried upwards make long names; a case is known by the
 * end of its path. */
static const char *short_name(const char *path)
{
    const char *at = path + strlen(path);
    unsigned parts = 0;

    while (at > path && (at[-1] != '/' || ++parts < 3))
        at--;
    return at;
}

static bool is_case(const struct json *v)
{
    const struct json *requests = cedar_json_get(v, TS_STR_LIT("requests"));

    return v->kind == JSON_OBJECT && requests != NULL &&
           requests->kind == JSON_ARRAY &&
           cedar_json_get(v, TS_STR_LIT("policies")) != NULL &&
           cedar_json_get(v, TS_STR_LIT("entities")) != NULL &&
           cedar_json_get(v, TS_STR_LIT("schema")) != NULL;
}

static bool read_named(struct corpus *c, const char *path,
                       const struct corpus_case *k, const char *key,
                       struct cedar_source *ret)
{
    const struct json *name = cedar_json_get(k->spec, ts_str_of(key));
    char shown[200];
    ts_err e;

    if (name->kind != JSON_STRING) {
        corpus_fail(c, "%s: not the name of a file", key);
        return false;
    }
    e = corpus_read_named(k->arena, path, name->str, &ret->text);
    ret->name = key;
    if (e == TS_OK)
        return true;
    (void)ts_str_show(shown, sizeof(shown), name->str.ptr, name->str.len);
    corpus_fail(c, "%s: %s: %s", key, shown, ts_err_text(e));
    return false;
}

/* With this schema: the entities, and then everything that is compared. */
static void run_form(struct corpus *c, struct corpus_case *k,
                     const struct cedar_source *schema,
                     const struct cedar_source *entities)
{
    static struct cedar_diags diags;
    const char *form = k->form == CORPUS_JSON ? "JSON schema" : "schema";
    struct cedar_schema *s = NULL;
    struct cedar_entities *store = NULL;
    ts_err e = pol_is_json(schema->text)
                   ? cedar_schema_parse_json(schema, 1, &s, &diags)
                   : cedar_schema_parse(schema, 1, &s, &diags);

    if (e != TS_OK) {
        corpus_fail_diags(c, form, e, &diags);
        return;
    }
    k->schema = s;
    e = cedar_entities_parse_schema(s, entities, 1, &store, &diags);
    k->entities = store;
    if (e != TS_OK && !corpus_has_bad_entities(k))
        corpus_fail_diags(
            c, k->form == CORPUS_JSON ? "entities, JSON schema" : "entities", e,
            &diags);
    corpus_validation(c, k);
    if (e == TS_OK)
        corpus_requests(c, k);
    cedar_entities_free(store);
    cedar_schema_free(s);
}

/* What else was recorded of the case, if anything. */
static void read_recorded(struct corpus *c, const char *path,
                          struct corpus_case *k)
{
    static struct cedar_diags diags;
    struct ts_str text;
    ts_err e = corpus_read_beside(k->arena, path, "-validation",
                                  ".validation.json", &text);

    if (e == TS_E_NOT_FOUND)
        return;
    if (e == TS_OK)
        e = cedar_json_parse(k->arena, text, 0, &diags, &k->recorded);
    if (e != TS_OK)
        corpus_fail_diags(c, "recorded validation", e, &diags);
}

static void run_case(struct corpus *c, const char *path, struct corpus_case *k)
{
    static struct cedar_diags diags;
    struct cedar_options options = cedar_options_default;
    struct cedar_source policies, entities, schema, twin = {.name = "schema"};
    struct cedar_ast *ast = NULL;
    struct cedar_policies *set = NULL;
    ts_err e;

    options.require_id = false; /* policies are named by their place */
    read_recorded(c, path, k);
    if (!read_named(c, path, k, "policies", &policies) ||
        !read_named(c, path, k, "entities", &entities) ||
        !read_named(c, path, k, "schema", &schema))
        return;
    e = cedar_ast_parse(&policies, 1, &options, &ast, &diags);
    if (e == TS_OK)
        e = cedar_ast_compile(ast, &set, &diags);
    if (e != TS_OK) {
        corpus_fail_diags(c, "policies", e, &diags);
        goto out;
    }
    k->ast = ast;
    k->policies = set;
    run_form(c, k, &schema, &entities);
    k->form = CORPUS_JSON;
    e = corpus_read_beside(k->arena, path, "-json-schemas", ".cedarschema.json",
                           &twin.text);
    if (e == TS_OK)
        run_form(c, k, &twin, &entities);
    else if (e != TS_E_NOT_FOUND)
        corpus_fail(c, "JSON schema: %s", ts_err_text(e));
out:
    cedar_policies_free(set);
    cedar_ast_free(ast);
}

bool corpus_run(struct corpus *c, const char *path)
{
    static struct cedar_diags diags;
    struct corpus_case k = {0};
    struct ts_arena arena;
    struct ts_str text;
    bool is = true;
    ts_err e;

    ts_arena_init(&arena, CORPUS_CASE_ARENA);
    k.arena = &arena;
    c->file = short_name(path);
    c->bad = false;
    cedar_diags_clear(&diags);
    e = corpus_read(&arena, path, &text);
    if (e == TS_OK)
        e = cedar_json_parse(&arena, text, 0, &diags, &k.spec);
    if (e != TS_OK)
        corpus_fail_diags(c, "the case", e, &diags);
    else if (!is_case(k.spec))
        is = false;
    else
        run_case(c, path, &k);
    ts_arena_done(&arena);
    return is;
}
