/*
 * Types in JSON: {"type": "Long"}, {"type": "Set", "element": T}, {"type":
 * "Record", "attributes": {...}}, {"type": "Entity" | "EntityOrCommon" |
 * "Extension", "name": N}, and {"type": N} for a common type. The recursion
 * follows the JSON text, whose nesting the reader has bounded.
 */
#include "policy/core/diag.h"
#include "policy/core/lit.h"
#include "policy/core/name.h"
#include "policy/schema/json_priv.h"

static const struct {
    struct ts_str name;
    enum decl_kind kind;
} known[] = {
    {CEDAR_LIT("Boolean"), DECL_BOOL},
    {CEDAR_LIT("Long"), DECL_LONG},
    {CEDAR_LIT("String"), DECL_STRING},
    {CEDAR_LIT("Set"), DECL_SET},
    {CEDAR_LIT("Record"), DECL_RECORD},
    {CEDAR_LIT("Entity"), DECL_ENTITY},
    {CEDAR_LIT("EntityOrCommon"), DECL_EITHER},
    {CEDAR_LIT("Extension"), DECL_EXTENSION},
};

static enum decl_kind kind_of(struct ts_str type)
{
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (ts_str_eq(type, known[i].name))
            return known[i].kind;
    return DECL_COMMON;
}

/* The fields that a type of this kind has; "type" is always first. */
static ts_err check_fields(struct schema_json *j, const struct json *v,
                           enum decl_kind kind, enum json_place place)
{
    static const struct ts_str annotations = CEDAR_LIT("annotations");
    static const struct ts_str required = CEDAR_LIT("required");
    struct ts_str names[6] = {TS_STR_LIT("type")};
    size_t n = 1;

    if (kind == DECL_SET) {
        names[n++] = TS_STR_LIT("element");
    } else if (kind == DECL_RECORD) {
        names[n++] = TS_STR_LIT("attributes");
        names[n++] = TS_STR_LIT("additionalAttributes");
    } else if (kind == DECL_ENTITY || kind == DECL_EITHER ||
               kind == DECL_EXTENSION) {
        names[n++] = TS_STR_LIT("name");
    }
    if (place != JSON_TYPE_ALONE)
        names[n++] = annotations;
    if (place == JSON_TYPE_ATTR)
        names[n++] = required;
    return json_fields(j, v, "this type", names, n);
}

static ts_err attribute(struct schema_json *j, const struct json *v,
                        struct decl_attr **ret)
{
    struct decl_attr a = {.required = true, .name = {.span = v->span}}, *kept;
    const struct json *required;
    ts_err e;

    if ((e = json_type(j, v, JSON_TYPE_ATTR, &a.type)) != TS_OK ||
        (e = json_notes(j, v, &a.notes)) != TS_OK)
        return e;
    required = cedar_json_get(v, TS_STR_LIT("required"));
    if (required != NULL) {
        if ((e = json_want(j, required, JSON_BOOL, "\"required\"")) != TS_OK)
            return e;
        a.required = required->boolean;
    }
    if ((e = json_keep(j, v->key, &a.name.text)) != TS_OK ||
        (e = json_alloc(j, sizeof(a), &kept)) != TS_OK)
        return e;
    *kept = a;
    *ret = kept;
    return TS_OK;
}

static ts_err record(struct schema_json *j, const struct json *v,
                     struct decl_type *t)
{
    const struct json *attrs, *more;
    struct decl_attr *first = NULL, **end = &first;
    ts_err e, all = TS_OK;

    more = cedar_json_get(v, TS_STR_LIT("additionalAttributes"));
    if (more != NULL && (e = json_want(j, more, JSON_BOOL,
                                       "\"additionalAttributes\"")) != TS_OK)
        return e;
    if (more != NULL && more->boolean)
        return json_fail(j, more, "open_record", NULL,
                         "declare every attribute, optional ones with "
                         "\"required\": false",
                         "records with attributes that are not declared do not "
                         "exist in Cedar");
    if ((e = json_need(j, v, "a record type", "attributes", &attrs)) != TS_OK ||
        (e = json_want(j, attrs, JSON_OBJECT, "\"attributes\"")) != TS_OK)
        return e;
    for (const struct json *m = attrs->first; m != NULL; m = m->next) {
        e = attribute(j, m, end);
        if (e == TS_OK) {
            end = &(*end)->next;
            t->attr_count++;
        } else if (e != TS_E_FORMAT) {
            return e;
        } else {
            all = e;
        }
    }
    t->attrs = first;
    return all;
}

static ts_err named(struct schema_json *j, const struct json *v,
                    struct decl_type *t)
{
    const struct json *name;
    ts_err e;

    if ((e = json_need(j, v, "this type", "name", &name)) != TS_OK ||
        (e = json_want(j, name, JSON_STRING, "\"name\"")) != TS_OK)
        return e;
    if (t->kind == DECL_EXTENSION ? !cedar_ident_ok(name->str)
                                  : !decl_ref_ok(name->str))
        return json_fail(j, name, "bad_name", NULL,
                         "names are identifiers with `::` between them",
                         "`%s` is not the name of a type",
                         cedar_quote(name->str).s);
    t->span = name->span;
    return json_keep(j, name->str, &t->name);
}

static ts_err by_kind(struct schema_json *j, const struct json *v,
                      const struct json *type, struct decl_type *t)
{
    const struct json *element;
    ts_err e;

    switch (t->kind) {
    case DECL_SET:
        if ((e = json_need(j, v, "a set type", "element", &element)) != TS_OK)
            return e;
        return json_type(j, element, JSON_TYPE_ALONE, &t->elem);
    case DECL_RECORD:
        return record(j, v, t);
    case DECL_ENTITY:
    case DECL_EITHER:
    case DECL_EXTENSION:
        return named(j, v, t);
    case DECL_COMMON:
        if (!decl_ref_ok(type->str))
            return json_fail(j, type, "bad_name", NULL, NULL,
                             "`%s` is not the name of a type",
                             cedar_quote(type->str).s);
        t->span = type->span;
        return json_keep(j, type->str, &t->name);
    case DECL_NONE:
    case DECL_BOOL:
    case DECL_LONG:
    case DECL_STRING:
        break;
    }
    return TS_OK;
}

ts_err json_type(struct schema_json *j, const struct json *v,
                 enum json_place place, const struct decl_type **ret)
{
    struct decl_type t = {.span = v->span}, *kept;
    const struct json *type;
    ts_err e;

    if ((e = json_want(j, v, JSON_OBJECT, "a type")) != TS_OK ||
        (e = json_need(j, v, "a type", "type", &type)) != TS_OK ||
        (e = json_want(j, type, JSON_STRING, "\"type\"")) != TS_OK)
        return e;
    t.kind = kind_of(type->str);
    if ((e = check_fields(j, v, t.kind, place)) != TS_OK ||
        (e = by_kind(j, v, type, &t)) != TS_OK ||
        (e = json_alloc(j, sizeof(t), &kept)) != TS_OK)
        return e;
    *kept = t;
    *ret = kept;
    return TS_OK;
}
