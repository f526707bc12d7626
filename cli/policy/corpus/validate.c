/* What is recorded of a case's validation: whether its policies validate, each
 * policy in both modes, each entity. */
#include "cli/policy/corpus/corpus.h"

static const struct {
    enum corpus_check check;
    enum cedar_validation mode;
    const char *key;
} modes[] = {{CORPUS_STRICT, CEDAR_STRICT, "strict"},
             {CORPUS_PERMISSIVE, CEDAR_PERMISSIVE, "permissive"}};

static const char *with(const struct corpus_case *k)
{
    return k->form == CORPUS_JSON ? " with the JSON schema" : "";
}

/* A result that says neither is a failure of its own; *ret is then false. */
static bool said(struct corpus *c, const char *what, ts_err e,
                 const struct cedar_diags *diags, bool *ret)
{
    *ret = e == TS_OK;
    if (e == TS_OK || e == TS_E_FORMAT)
        return true;
    corpus_fail_diags(c, what, e, diags);
    return false;
}

static void fail_valid(struct corpus *c, const struct corpus_case *k,
                       const char *what, bool valid,
                       const struct cedar_diags *diags)
{
    char text[160];

    (void)snprintf(text, sizeof(text), "%.80s%s: recorded as %s", what, with(k),
                   valid ? "not valid" : "valid");
    if (valid)
        corpus_fail(c, "%s", text);
    else
        corpus_fail_diags(c, text, TS_E_FORMAT, diags);
}

static void whole_set(struct corpus *c, const struct corpus_case *k)
{
    static struct cedar_diags diags;
    const struct json *want =
        cedar_json_get(k->spec, TS_STR_LIT("shouldValidate"));
    bool valid;

    if (want == NULL || want->kind != JSON_BOOL)
        return;
    cedar_diags_clear(&diags);
    if (said(c, "validation",
             cedar_validate(k->ast, k->schema, &cedar_validate_default, &diags),
             &diags, &valid) &&
        !corpus_count(c, k->form, CORPUS_VALIDATES, valid == want->boolean))
        fail_valid(c, k, "shouldValidate", valid, &diags);
}

static bool find_policy(const struct cedar_ast *a, struct ts_str id,
                        size_t *ret)
{
    for (size_t i = 0; i < cedar_ast_count(a); i++) {
        if (ts_str_eq(cedar_ast_info(a, i).id, id)) {
            *ret = i;
            return true;
        }
    }
    return false;
}

static void one_policy(struct corpus *c, const struct corpus_case *k,
                       const struct json *m)
{
    static struct cedar_diags diags;
    char id[64], what[100];
    size_t at;

    (void)ts_str_show(id, sizeof(id), m->key.ptr, m->key.len);
    if (!find_policy(k->ast, m->key, &at)) {
        corpus_fail(c, "recorded of %s, which does not exist", id);
        return;
    }
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        struct cedar_validate_options options = {.mode = modes[i].mode,
                                                 .level = CEDAR_ANY_LEVEL};
        const struct json *want = cedar_json_get(m, ts_str_of(modes[i].key));
        bool valid;

        if (want == NULL || want->kind != JSON_BOOL)
            continue;
        (void)snprintf(what, sizeof(what), "%s, %s", id, modes[i].key);
        cedar_diags_clear(&diags);
        if (said(c, what,
                 cedar_validate_policy(k->ast, at, k->schema, &options, &diags),
                 &diags, &valid) &&
            !corpus_count(c, k->form, modes[i].check, valid == want->boolean))
            fail_valid(c, k, what, valid, &diags);
    }
}

/* "T::id", neither part quoted: cut at each "::" until an entity has it. */
static bool in_store(const struct cedar_entities *store, struct ts_str name)
{
    for (size_t i = 1; i + 2 <= name.len; i++) {
        struct cedar_uid uid;

        if (name.ptr[i] != ':' || name.ptr[i + 1] != ':')
            continue;
        uid = cedar_uid_make(
            (struct ts_str){.ptr = name.ptr, .len = i},
            (struct ts_str){.ptr = name.ptr + i + 2, .len = name.len - i - 2});
        if (cedar_entity_attrs(store, &uid) != NULL)
            return true;
    }
    return false;
}

static bool has_errors(const struct json *m)
{
    const struct json *errors = cedar_json_get(m, TS_STR_LIT("errors"));

    return errors != NULL && errors->count > 0;
}

static const struct json *entity_list(const struct corpus_case *k)
{
    const struct json *v =
        k->recorded != NULL
            ? cedar_json_get(k->recorded, TS_STR_LIT("entityValidation"))
            : NULL;
    const struct json *list =
        v != NULL ? cedar_json_get(v, TS_STR_LIT("perEntity")) : NULL;

    return list != NULL && list->kind == JSON_OBJECT ? list : NULL;
}

bool corpus_has_bad_entities(const struct corpus_case *k)
{
    const struct json *list = entity_list(k);

    for (const struct json *m = list != NULL ? list->first : NULL; m != NULL;
         m = m->next)
        if (has_errors(m))
            return true;
    return false;
}

/* Entities are read as one file, so one that is recorded as bad is right when
 * the file was refused, and the good ones beside it cannot be told. */
static void entities(struct corpus *c, const struct corpus_case *k)
{
    const struct json *list = entity_list(k);
    bool any_bad = corpus_has_bad_entities(k);
    char id[100];

    for (const struct json *m = list != NULL ? list->first : NULL; m != NULL;
         m = m->next) {
        if (any_bad && !has_errors(m))
            continue;
        if (corpus_count(c, k->form, CORPUS_ENTITY,
                         any_bad ? k->entities == NULL
                                 : k->entities != NULL &&
                                       in_store(k->entities, m->key)))
            continue;
        (void)ts_str_show(id, sizeof(id), m->key.ptr, m->key.len);
        corpus_fail(c, "entity %s%s: recorded as %s", id, with(k),
                    any_bad ? "not valid" : "valid");
    }
}

void corpus_validation(struct corpus *c, const struct corpus_case *k)
{
    const struct json *v, *list;

    whole_set(c, k);
    entities(c, k);
    if (k->recorded == NULL)
        return;
    v = cedar_json_get(k->recorded, TS_STR_LIT("policyValidation"));
    list = v != NULL ? cedar_json_get(v, TS_STR_LIT("perPolicy")) : NULL;
    if (list != NULL && list->kind == JSON_OBJECT)
        for (const struct json *m = list->first; m != NULL; m = m->next)
            one_policy(c, k, m);
}
