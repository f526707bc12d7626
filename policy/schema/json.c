/* A schema in JSON, docs.cedarpolicy.com/schema/json-schema.html: an object of
 * namespaces, the empty name for what stands outside any. */
#include "policy/core/diag.h"
#include "policy/core/limits.h"
#include "policy/core/lit.h"
#include "policy/core/name.h"
#include "policy/schema/json_priv.h"

/* A record within a record takes two levels of JSON. */
#define DEPTH (CEDAR_TYPE_NESTING * 2 + 16)

typedef ts_err (*member_fn)(struct schema_json *j, const struct json *v,
                            struct decl_space *space);

static ts_err members(struct schema_json *j, const struct json *v,
                      const char *what, member_fn each,
                      struct decl_space *space)
{
    ts_err e, all = json_want(j, v, JSON_OBJECT, what);

    if (all != TS_OK)
        return all;
    for (const struct json *m = v->first; m != NULL; m = m->next) {
        e = each(j, m, space);
        if (e != TS_OK && e != TS_E_FORMAT)
            return e;
        all = e != TS_OK ? e : all;
    }
    return all;
}

static ts_err space_name(struct schema_json *j, const struct json *v,
                         struct decl_name *ret)
{
    ret->span = v->span;
    if (v->key.len > 0 && !cedar_name_ok(v->key))
        return json_fail(j, v, "bad_name", NULL,
                         "use \"\" for what stands outside any namespace",
                         "`%s` is not the name of a namespace",
                         cedar_quote(v->key).s);
    return json_keep(j, v->key, &ret->text);
}

static ts_err parts(struct schema_json *j, const struct json *v,
                    struct decl_space *s)
{
    static const struct {
        const char *key;
        const char *what;
        member_fn each;
        bool needed;
    } all[] = {
        {"commonTypes", "\"commonTypes\"", json_common, false},
        {"entityTypes", "\"entityTypes\"", json_entity, true},
        {"actions", "\"actions\"", json_action, true},
    };
    ts_err e, worst = TS_OK;

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        const struct json *m = cedar_json_get(v, ts_str_of(all[i].key));

        e = TS_OK;
        if (m != NULL)
            e = members(j, m, all[i].what, all[i].each, s);
        else if (all[i].needed)
            e = json_need(j, v, "a namespace", all[i].key, &m);
        if (e != TS_OK && e != TS_E_FORMAT)
            return e;
        worst = e != TS_OK ? e : worst;
    }
    return worst;
}

static ts_err space(struct schema_json *j, const struct json *v)
{
    static const struct ts_str fields[] = {
        CEDAR_LIT("commonTypes"), CEDAR_LIT("entityTypes"),
        CEDAR_LIT("actions"), CEDAR_LIT("annotations")};
    struct decl_name name = {0};
    struct decl_space *s;
    ts_err e, known;

    if ((e = space_name(j, v, &name)) != TS_OK ||
        (e = json_want(j, v, JSON_OBJECT, "a namespace")) != TS_OK)
        return e;
    known = json_fields(j, v, "a namespace", fields, 4);
    if ((e = decl_space_add(j->decls, j->arena, name, &s)) != TS_OK ||
        (e = json_notes(j, v, &s->notes)) != TS_OK)
        return e;
    if (name.text.len == 0 && s->notes != NULL)
        return json_fail(j, v, "bad_schema", NULL, NULL,
                         "only a namespace with a name has annotations");
    e = parts(j, v, s);
    return e != TS_OK ? e : known;
}

static ts_err document(struct schema_json *j, const struct json *v)
{
    ts_err e, all = json_want(j, v, JSON_OBJECT, "a schema");

    if (all != TS_OK)
        return all;
    for (const struct json *m = v->first; m != NULL; m = m->next) {
        e = space(j, m);
        if (e != TS_OK && e != TS_E_FORMAT)
            return e;
        all = e != TS_OK ? e : all;
    }
    return all;
}

ts_err schema_parse_json(struct schema_decls *d, struct ts_arena *arena,
                         struct ts_str text, uint32_t source,
                         struct cedar_diags *diags)
{
    struct schema_json j = {
        .arena = arena, .text = text, .decls = d, .diags = diags};
    struct ts_arena scratch;
    const struct json *v;
    ts_err e;

    ts_arena_init(&scratch, CEDAR_LOAD_BASE + text.len * CEDAR_SCHEMA_PER_BYTE);
    e = cedar_json_parse_depth(&scratch, text, source, DEPTH, diags, &v);
    if (e == TS_OK)
        e = document(&j, v);
    ts_arena_done(&scratch);
    return e;
}
