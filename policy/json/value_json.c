/* Recursion here follows the JSON tree, which the reader has bounded. */
#include "policy/json/value_json.h"

#include "policy/core/diag.h"
#include "policy/core/ext.h"
#include "policy/core/name.h"
#include "policy/core/uid.h"
#include "proto/base/ts_require.h"

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

static const struct json *get_string(const struct json *v, struct ts_str key)
{
    const struct json *m = cedar_json_get(v, key);

    return m != NULL && m->kind == JSON_STRING ? m : NULL;
}

/* An object with these two strings; other keys in it do not matter. */
static bool is_type_and_id(const struct json *v)
{
    return v != NULL && get_string(v, TS_STR_LIT("type")) != NULL &&
           get_string(v, TS_STR_LIT("id")) != NULL;
}

bool cedar_json_call_find(const struct json *v, struct cedar_json_call *ret)
{
    const struct json *fn = v != NULL ? get_string(v, TS_STR_LIT("fn")) : NULL;
    const struct json *arg, *args;

    if (fn == NULL)
        return false;
    arg = cedar_json_get(v, TS_STR_LIT("arg"));
    args = cedar_json_get(v, TS_STR_LIT("args"));
    if (arg != NULL)
        *ret = (struct cedar_json_call){.fn = fn, .args = arg, .count = 1};
    else if (args != NULL && args->kind == JSON_ARRAY)
        *ret = (struct cedar_json_call){
            .fn = fn, .args = args->first, .count = args->count};
    else
        return false;
    return true;
}

ts_err cedar_json_refuse_expr(const struct json *v, struct cedar_diags *diags)
{
    return refuse(v, diags, "use __entity or __extn",
                  "the `__expr` escape is no longer supported");
}

static ts_err from_type_and_id(struct ts_arena *arena, const struct json *v,
                               struct cedar_diags *diags,
                               const struct cedar_uid **ret)
{
    const struct json *type = get_string(v, TS_STR_LIT("type"));
    const struct json *id = get_string(v, TS_STR_LIT("id"));

    if (cedar_name_ok(type->str))
        return cedar_uid_copy(arena, type->str, id->str, ret);
    cedar_diag_add(diags, "bad_entity", type->span,
                   "identifiers joined by ::, without white space",
                   "\"%s\" is not the name of an entity type",
                   cedar_quote(type->str).s);
    return TS_E_FORMAT;
}

ts_err cedar_uid_from_json(struct ts_arena *arena, const struct json *v,
                           const char *what, struct cedar_diags *diags,
                           const struct cedar_uid **ret)
{
    const struct json *inner = cedar_json_get(v, TS_STR_LIT("__entity"));

    if (get_string(v, TS_STR_LIT("__expr")) != NULL)
        return cedar_json_refuse_expr(v, diags);
    if (is_type_and_id(inner))
        return from_type_and_id(arena, inner, diags, ret);
    /* The Rust engine takes ["T", "x"] for {"type": "T", "id": "x"}, which no
     * document promises; it is refused, and so is what it might stand beside.
     */
    if (is_type_and_id(v) && (inner == NULL || inner->kind != JSON_ARRAY))
        return from_type_and_id(arena, v, diags, ret);
    cedar_diag_add(diags, "bad_entity", v->span,
                   "write {\"type\": \"T\", \"id\": \"x\"}",
                   "%s is not an entity reference but %s", what,
                   cedar_json_kind_name(v->kind));
    return TS_E_FORMAT;
}

ts_err cedar_json_call_ext(const struct json *v,
                           const struct cedar_json_call *call,
                           struct cedar_diags *diags, enum cedar_ext *ret)
{
    struct cedar_quoted name = cedar_quote(call->fn->str);

    if (!cedar_ext_find(call->fn->str, ret)) {
        cedar_diag_add(diags, "bad_value", call->fn->span, NULL,
                       "extension function `%s` does not exist", name.s);
        return TS_E_FORMAT;
    }
    if (call->count == cedar_ext_info(*ret)->arity)
        return TS_OK;
    cedar_diag_add(diags, "bad_value", v->span, NULL,
                   "`%s` takes %u argument%s, not %u", name.s,
                   cedar_ext_info(*ret)->arity,
                   cedar_ext_info(*ret)->arity == 1 ? "" : "s", call->count);
    return TS_E_FORMAT;
}

/* {"fn": name, "arg": x} or {"fn": name, "args": [x, ...]} */
static ts_err from_extn(struct ts_arena *arena, const struct json *v,
                        const struct cedar_json_call *call,
                        struct cedar_diags *diags, struct cedar_value *ret)
{
    const struct json *arg = call->args;
    struct cedar_value values[CEDAR_EXT_ARGS_MAX] = {0};
    struct cedar_fault fault;
    enum cedar_ext which;
    ts_err e = cedar_json_call_ext(v, call, diags, &which);

    if (e != TS_OK)
        return e;
    TS_REQUIRE(call->count <= CEDAR_EXT_ARGS_MAX);
    for (uint32_t i = 0; i < call->count; i++, arg = arg->next)
        if ((e = cedar_value_from_json(arena, arg, diags, &values[i])) != TS_OK)
            return e;
    if (cedar_ext_call(which, values, call->count, ret, &fault))
        return TS_OK;
    cedar_diag_add(diags, "bad_value", v->span, NULL, "%s", fault.text);
    return TS_E_FORMAT;
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

/* An escape that lacks something is a record for Cedar, and hardly ever meant
 * to be one. */
static void warn_if_escape(const struct json *v, struct cedar_diags *diags)
{
    if (alone(v, TS_STR_LIT("__entity")) != NULL)
        cedar_diag_put(diags, CEDAR_WARNING, "escape_ignored", v->span, NULL,
                       "`__entity` without the strings `type` and `id` is an "
                       "ordinary record");
    if (alone(v, TS_STR_LIT("__extn")) != NULL)
        cedar_diag_put(diags, CEDAR_WARNING, "escape_ignored", v->span, NULL,
                       "`__extn` without `fn` and `arg` or `args` is an "
                       "ordinary record");
}

static ts_err from_object(struct ts_arena *arena, const struct json *v,
                          struct cedar_diags *diags, struct cedar_value *ret)
{
    const struct json *inner = alone(v, TS_STR_LIT("__entity"));
    const struct cedar_uid *uid;
    struct cedar_json_call call;
    ts_err e;

    if (is_type_and_id(inner)) {
        e = from_type_and_id(arena, inner, diags, &uid);
        if (e == TS_OK)
            *ret = cedar_entity(uid);
        return e;
    }
    inner = alone(v, TS_STR_LIT("__extn"));
    if (cedar_json_call_find(inner, &call))
        return from_extn(arena, inner, &call, diags, ret);
    inner = alone(v, TS_STR_LIT("__expr"));
    if (inner != NULL && inner->kind == JSON_STRING)
        return cedar_json_refuse_expr(v, diags);
    warn_if_escape(v, diags);
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
    ts_err e = cedar_json_parse_source(source, &temp, diags, &v);

    if (e == TS_OK)
        e = cedar_value_from_json(arena, v, diags, ret);
    ts_arena_done(&temp);
    return e;
}
