/* Recursion here follows the JSON tree, which the reader has bounded. */
#include "policy/json/value_json.h"

#include "policy/core/diag.h"
#include "policy/core/ext.h"
#include "policy/core/limits.h"
#include "policy/core/name.h"
#include "policy/core/uid.h"
#include "proto/base/ts_num.h"

static ts_err refuse(const struct json *v, struct cedar_diags *diags,
                     const char *hint, const char *text)
{
    cedar_diag_add(diags, "bad_value", v->span, hint, "%s", text);
    return TS_E_FORMAT;
}

/* The only member of an object, if it has this name. */
static const struct json *alone(const struct json *v, struct ts_str key)
{
    return v->kind == JSON_OBJECT && v->count == 1 &&
                   ts_str_eq(v->first->key, key)
               ? v->first
               : NULL;
}

ts_err cedar_uid_from_json(struct ts_arena *arena, const struct json *v,
                           const char *what, struct cedar_diags *diags,
                           const struct cedar_uid **ret)
{
    const struct json *inner = cedar_json_get(v, TS_STR_LIT("__entity"));
    const struct json *type, *id;

    if (inner != NULL)
        v = inner;
    type = cedar_json_get(v, TS_STR_LIT("type"));
    id = cedar_json_get(v, TS_STR_LIT("id"));
    if (type == NULL || id == NULL || type->kind != JSON_STRING ||
        id->kind != JSON_STRING) {
        cedar_diag_add(diags, "bad_entity", v->span,
                       "write {\"type\": \"T\", \"id\": \"x\"}",
                       "%s is not an entity reference but %s", what,
                       cedar_json_kind_name(v->kind));
        return TS_E_FORMAT;
    }
    if (!cedar_name_ok(type->str)) {
        cedar_diag_add(diags, "bad_entity", type->span,
                       "identifiers joined by ::, without white space",
                       "\"%s\" is not the name of an entity type",
                       cedar_quote(type->str).s);
        return TS_E_FORMAT;
    }
    return cedar_uid_copy(arena, type->str, id->str, ret);
}

static bool is_extension(enum cedar_kind k)
{
    return k == CEDAR_DECIMAL || k == CEDAR_IPADDR || k == CEDAR_DATETIME ||
           k == CEDAR_DURATION;
}

/* {"fn": name, "arg": x} or {"fn": name, "args": [x, ...]} */
static ts_err from_extn(struct ts_arena *arena, const struct json *call,
                        struct cedar_diags *diags, struct cedar_value *ret)
{
    const struct json *fn = cedar_json_get(call, TS_STR_LIT("fn"));
    const struct json *arg = cedar_json_get(call, TS_STR_LIT("arg"));
    const struct json *args = cedar_json_get(call, TS_STR_LIT("args"));
    struct cedar_value values[CEDAR_EXT_ARGS_MAX], v;
    struct cedar_fault fault;
    enum cedar_ext which;
    uint32_t n = 1;

    if (fn == NULL || fn->kind != JSON_STRING ||
        (arg == NULL) == (args == NULL))
        return refuse(call, diags, "write {\"fn\": \"ip\", \"arg\": \"::1\"}",
                      "`__extn` needs `fn` and either `arg` or `args`");
    if (!cedar_ext_find(fn->str, &which)) {
        cedar_diag_add(diags, "bad_value", fn->span, NULL,
                       "extension function `%s` does not exist",
                       cedar_quote(fn->str).s);
        return TS_E_FORMAT;
    }
    if (args != NULL) {
        if (args->kind != JSON_ARRAY || args->count > CEDAR_EXT_ARGS_MAX)
            return refuse(args, diags, NULL,
                          "`args` must be an array of the arguments");
        n = args->count;
        arg = args->first;
    }
    for (uint32_t i = 0; i < n; i++, arg = arg->next) {
        ts_err e = cedar_value_from_json(arena, arg, diags, &values[i]);

        if (e != TS_OK)
            return e;
    }
    if (!cedar_ext_call(which, values, n, &v, &fault)) {
        cedar_diag_add(diags, "bad_value", call->span, NULL, "%s", fault.text);
        return TS_E_FORMAT;
    }
    if (!is_extension(v.kind))
        return refuse(fn, diags, NULL,
                      "this function does not make an extension value");
    *ret = v;
    return TS_OK;
}

static ts_err from_array(struct ts_arena *arena, const struct json *v,
                         struct cedar_diags *diags, struct cedar_value *ret)
{
    const struct json *m = v->first;
    struct cedar_value *items;
    void *mem;
    ts_err e = ts_arena_array(arena, v->count, sizeof(*items), &mem);

    if (e != TS_OK)
        return e;
    items = mem;
    for (uint32_t i = 0; i < v->count; i++, m = m->next)
        if ((e = cedar_value_from_json(arena, m, diags, &items[i])) != TS_OK)
            return e;
    return cedar_set_make(arena, items, v->count, ret);
}

ts_err cedar_record_from_json(struct ts_arena *arena, const struct json *v,
                              struct cedar_diags *diags,
                              struct cedar_value *ret)
{
    struct cedar_field *fields;
    void *mem;
    ts_err e;

    if (v->kind != JSON_OBJECT)
        return refuse(v, diags, NULL, "expected an object");
    e = ts_arena_array(arena, v->count, sizeof(*fields), &mem);
    if (e != TS_OK)
        return e;
    fields = mem;
    for (uint32_t i = 0; i < v->count; i++) {
        const struct json *m = v->by_key[i];

        if ((e = cedar_str_copy(arena, m->key, &fields[i].key)) != TS_OK ||
            (e = cedar_value_from_json(arena, m, diags, &fields[i].value)) !=
                TS_OK)
            return e;
    }
    return cedar_record_make(arena, fields, v->count, ret);
}

static ts_err from_object(struct ts_arena *arena, const struct json *v,
                          struct cedar_diags *diags, struct cedar_value *ret)
{
    const struct json *inner = alone(v, TS_STR_LIT("__entity"));
    const struct cedar_uid *uid;
    ts_err e;

    if (inner != NULL) {
        e = cedar_uid_from_json(arena, inner, "`__entity`", diags, &uid);
        if (e == TS_OK)
            *ret = cedar_entity(uid);
        return e;
    }
    inner = alone(v, TS_STR_LIT("__extn"));
    if (inner != NULL)
        return from_extn(arena, inner, diags, ret);
    if (alone(v, TS_STR_LIT("__expr")) != NULL)
        return refuse(v, diags, "use __entity or __extn",
                      "the `__expr` escape is no longer supported");
    return cedar_record_from_json(arena, v, diags, ret);
}

ts_err cedar_value_from_json(struct ts_arena *arena, const struct json *v,
                             struct cedar_diags *diags, struct cedar_value *ret)
{
    struct ts_str s;
    ts_err e;

    switch (v->kind) {
    case JSON_NULL:
        return refuse(v, diags, "leave the attribute out",
                      "JSON `null`s are not allowed in Cedar");
    case JSON_BOOL:
        *ret = cedar_bool(v->boolean);
        return TS_OK;
    case JSON_INT:
        *ret = cedar_long(v->integer);
        return TS_OK;
    case JSON_STRING:
        if ((e = cedar_str_copy(arena, v->str, &s)) == TS_OK)
            *ret = cedar_string(s);
        return e;
    case JSON_ARRAY:
        return from_array(arena, v, diags, ret);
    case JSON_OBJECT:
        return from_object(arena, v, diags, ret);
    }
    return TS_E_STATE;
}

ts_err cedar_value_parse(struct ts_arena *arena,
                         const struct cedar_source *source,
                         struct cedar_value *ret, struct cedar_diags *diags)
{
    const struct json *v;
    struct ts_arena temp;
    size_t budget;
    ts_err e;

    if (diags != NULL)
        diags->count = diags->errors = diags->warnings = 0;
    if (source->text.len > CEDAR_JSON_BYTES ||
        ts_ckd_mul(&budget, source->text.len, CEDAR_LOAD_PER_BYTE) ||
        ts_ckd_add(&budget, budget, CEDAR_LOAD_BASE))
        return TS_E_LIMIT;
    ts_arena_init(&temp, budget);
    e = cedar_json_parse(&temp, source->text, 0, diags, &v);
    if (e == TS_OK)
        e = cedar_value_from_json(arena, v, diags, ret);
    ts_arena_done(&temp);
    return e;
}
