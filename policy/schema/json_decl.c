/* Declarations in JSON: members of "commonTypes", "entityTypes", "actions". */
#include "policy/core/diag.h"
#include "policy/core/lit.h"
#include "policy/core/name.h"
#include "policy/schema/json_priv.h"

/* The key under which something is declared, as an identifier. */
static ts_err declared(struct schema_json *j, const struct json *v,
                       struct decl_name *ret)
{
    if (cedar_is_internal(v->key))
        return json_fail(j, v, "reserved_name", NULL, NULL,
                         "`__cedar` is reserved for the language");
    if (!decl_ident_ok(v->key))
        return json_fail(j, v, "bad_name", NULL,
                         "names are declared without their namespace, as "
                         "identifiers; reserved words are none",
                         "`%s` cannot be the name of a type",
                         cedar_quote(v->key).s);
    ret->span = v->span;
    return json_keep(j, v->key, &ret->text);
}

ts_err json_common(struct schema_json *j, const struct json *v,
                   struct decl_space *space)
{
    struct decl_common d = {0}, *kept;
    ts_err e;

    if ((e = declared(j, v, &d.name)) != TS_OK)
        return e;
    if (decl_common_reserved(d.name.text))
        return json_fail(j, v, "reserved_name", NULL, "choose another name",
                         "a common type cannot be called `%s`",
                         cedar_quote(d.name.text).s);
    if ((e = json_type(j, v, JSON_TYPE_COMMON, &d.type)) != TS_OK ||
        (e = json_notes(j, v, &d.notes)) != TS_OK ||
        (e = json_alloc(j, sizeof(d), &kept)) != TS_OK)
        return e;
    *kept = d;
    *space->common_end = kept;
    space->common_end = &kept->next;
    return TS_OK;
}

static ts_err one_name(struct schema_json *j, struct decl_name name,
                       const struct decl_name **ret)
{
    struct decl_name *kept;
    ts_err e = json_alloc(j, sizeof(name), &kept);

    if (e != TS_OK)
        return e;
    *kept = name;
    *ret = kept;
    return TS_OK;
}

static ts_err choices(struct schema_json *j, const struct json *v,
                      struct decl_entity *d)
{
    const struct decl_name **end = &d->choices;
    ts_err e;

    if ((e = json_want(j, v, JSON_ARRAY, "\"enum\"")) != TS_OK)
        return e;
    if (v->count == 0)
        return json_fail(j, v, "bad_schema", NULL, NULL,
                         "an enumerated entity type has at least one id");
    for (const struct json *m = v->first; m != NULL; m = m->next) {
        struct decl_name *n;

        if ((e = json_want(j, m, JSON_STRING, "an id in \"enum\"")) != TS_OK ||
            (e = json_alloc(j, sizeof(*n), &n)) != TS_OK ||
            (e = json_keep(j, m->str, &n->text)) != TS_OK)
            return e;
        n->span = m->span;
        *end = n;
        end = &n->next;
    }
    d->is_enum = true;
    return TS_OK;
}

static ts_err standard(struct schema_json *j, const struct json *v,
                       struct decl_entity *d)
{
    const struct json *parents, *shape, *tags;
    ts_err e;

    parents = cedar_json_get(v, TS_STR_LIT("memberOfTypes"));
    shape = cedar_json_get(v, TS_STR_LIT("shape"));
    tags = cedar_json_get(v, TS_STR_LIT("tags"));
    if (parents != NULL &&
        (e = json_names(j, parents, "\"memberOfTypes\"", &d->parents)) != TS_OK)
        return e;
    if (shape != NULL &&
        (e = json_type(j, shape, JSON_TYPE_ALONE, &d->shape)) != TS_OK)
        return e;
    if (tags != NULL &&
        (e = json_type(j, tags, JSON_TYPE_ALONE, &d->tags)) != TS_OK)
        return e;
    return TS_OK;
}

ts_err json_entity(struct schema_json *j, const struct json *v,
                   struct decl_space *space)
{
    static const struct ts_str fields[] = {
        CEDAR_LIT("memberOfTypes"), CEDAR_LIT("shape"), CEDAR_LIT("tags"),
        CEDAR_LIT("annotations")};
    static const struct ts_str enum_fields[] = {CEDAR_LIT("enum"),
                                                CEDAR_LIT("annotations")};
    struct decl_entity d = {0}, *kept;
    struct decl_name name = {0};
    const struct json *list;
    ts_err e;

    if ((e = declared(j, v, &name)) != TS_OK ||
        (e = json_want(j, v, JSON_OBJECT, "an entity type")) != TS_OK)
        return e;
    list = cedar_json_get(v, TS_STR_LIT("enum"));
    if (list != NULL)
        e = json_fields(j, v, "an enumerated entity type", enum_fields, 2);
    else
        e = json_fields(j, v, "an entity type", fields, 4);
    if (e != TS_OK)
        return e;
    e = list != NULL ? choices(j, list, &d) : standard(j, v, &d);
    if (e != TS_OK || (e = json_notes(j, v, &d.notes)) != TS_OK ||
        (e = one_name(j, name, &d.names)) != TS_OK ||
        (e = json_alloc(j, sizeof(d), &kept)) != TS_OK)
        return e;
    *kept = d;
    *space->entity_end = kept;
    space->entity_end = &kept->next;
    return TS_OK;
}

static ts_err parent(struct schema_json *j, const struct json *v,
                     struct decl_ref *ret)
{
    static const struct ts_str fields[] = {CEDAR_LIT("id"), CEDAR_LIT("type")};
    const struct json *id, *type;
    ts_err e;

    if ((e = json_fields(j, v, "an action in \"memberOf\"", fields, 2)) !=
            TS_OK ||
        (e = json_need(j, v, "an action in \"memberOf\"", "id", &id)) !=
            TS_OK ||
        (e = json_want(j, id, JSON_STRING, "\"id\"")) != TS_OK ||
        (e = json_keep(j, id->str, &ret->id)) != TS_OK)
        return e;
    ret->span = v->span;
    type = cedar_json_get(v, fields[1]);
    if (type == NULL || type->kind == JSON_NULL)
        return TS_OK;
    if ((e = json_want(j, type, JSON_STRING, "\"type\"")) != TS_OK)
        return e;
    if (!decl_ref_ok(type->str))
        return json_fail(j, type, "bad_name", NULL, NULL,
                         "`%s` is not the name of a type",
                         cedar_quote(type->str).s);
    return json_keep(j, type->str, &ret->type);
}

static ts_err parents(struct schema_json *j, const struct json *v,
                      struct decl_action *d)
{
    const struct decl_ref **end = &d->parents;
    ts_err e;

    if ((e = json_want(j, v, JSON_ARRAY, "\"memberOf\"")) != TS_OK)
        return e;
    for (const struct json *m = v->first; m != NULL; m = m->next) {
        struct decl_ref *r;

        if ((e = json_alloc(j, sizeof(*r), &r)) != TS_OK ||
            (e = parent(j, m, r)) != TS_OK)
            return e;
        *end = r;
        end = &r->next;
    }
    d->has_parents = true;
    return TS_OK;
}

static ts_err applies(struct schema_json *j, const struct json *v,
                      struct decl_action *d)
{
    static const struct ts_str fields[] = {CEDAR_LIT("principalTypes"),
                                           CEDAR_LIT("resourceTypes"),
                                           CEDAR_LIT("context")};
    const struct json *principals, *resources, *context;
    ts_err e;

    if ((e = json_fields(j, v, "\"appliesTo\"", fields, 3)) != TS_OK ||
        (e = json_need(j, v, "\"appliesTo\"", "principalTypes", &principals)) !=
            TS_OK ||
        (e = json_need(j, v, "\"appliesTo\"", "resourceTypes", &resources)) !=
            TS_OK ||
        (e = json_names(j, principals, "\"principalTypes\"", &d->principals)) !=
            TS_OK ||
        (e = json_names(j, resources, "\"resourceTypes\"", &d->resources)) !=
            TS_OK)
        return e;
    d->has_applies = true;
    context = cedar_json_get(v, fields[2]);
    if (context == NULL)
        return TS_OK;
    return json_type(j, context, JSON_TYPE_ALONE, &d->context);
}

/* A member that is null is as good as none. */
static const struct json *optional(const struct json *v, struct ts_str key)
{
    const struct json *m = cedar_json_get(v, key);

    return m != NULL && m->kind != JSON_NULL ? m : NULL;
}

ts_err json_action(struct schema_json *j, const struct json *v,
                   struct decl_space *space)
{
    static const struct ts_str fields[] = {
        CEDAR_LIT("attributes"), CEDAR_LIT("appliesTo"), CEDAR_LIT("memberOf"),
        CEDAR_LIT("annotations")};
    struct decl_action d = {0}, *kept;
    struct decl_name name = {.span = v->span};
    const struct json *m;
    ts_err e;

    if ((e = json_fields(j, v, "an action", fields, 4)) != TS_OK)
        return e;
    if ((m = optional(v, fields[0])) != NULL)
        return json_fail(j, m, "action_attributes", NULL, "leave them out",
                         "actions have no attributes");
    if ((m = optional(v, fields[1])) != NULL &&
        (e = applies(j, m, &d)) != TS_OK)
        return e;
    if ((m = optional(v, fields[2])) != NULL &&
        (e = parents(j, m, &d)) != TS_OK)
        return e;
    if ((e = json_notes(j, v, &d.notes)) != TS_OK ||
        (e = json_keep(j, v->key, &name.text)) != TS_OK ||
        (e = one_name(j, name, &d.names)) != TS_OK ||
        (e = json_alloc(j, sizeof(d), &kept)) != TS_OK)
        return e;
    *kept = d;
    *space->action_end = kept;
    space->action_end = &kept->next;
    return TS_OK;
}
