/* {"Value": ...}: a literal in the format of entity data, as a tree. */
#include "policy/core/diag.h"
#include "policy/core/uid.h"
#include "policy/est/read.h"
#include "policy/json/value_json.h"

static const struct json *string_member(const struct json *v, struct ts_str key)
{
    const struct json *m = cedar_json_get(v, key);

    return m != NULL && m->kind == JSON_STRING ? m : NULL;
}

static ts_err from_array(struct est_reader *r, const struct json *v,
                         struct ast_expr **ret)
{
    struct ast_expr *set, *kid;
    ts_err e = est_node(r, AST_SET, v, &set);

    for (const struct json *m = v->first; e == TS_OK && m != NULL; m = m->next)
        if ((e = est_value(r, m, &kid)) == TS_OK)
            e = est_adopt(r, set, kid, m);
    *ret = set;
    return e;
}

static ts_err from_record(struct est_reader *r, const struct json *v,
                          struct ast_expr **ret)
{
    struct ast_expr *record, *field, *kid;
    ts_err e = est_node(r, AST_RECORD, v, &record);

    for (const struct json *m = v->first; e == TS_OK && m != NULL;
         m = m->next) {
        if ((e = est_node(r, AST_FIELD, m, &field)) != TS_OK ||
            (e = cedar_str_copy(r->arena, m->key, &field->str)) != TS_OK ||
            (e = est_value(r, m, &kid)) != TS_OK ||
            (e = est_adopt(r, field, kid, m)) != TS_OK)
            return e;
        e = est_adopt(r, record, field, m);
    }
    *ret = record;
    return e;
}

/* A wrong number of arguments is an error of evaluation here as in text. */
static ts_err from_call(struct est_reader *r, const struct json *v,
                        const struct cedar_json_call *call,
                        struct ast_expr **ret)
{
    const struct json *m = call->args;
    struct ast_expr *x, *kid;
    enum cedar_ext fn;
    ts_err e;

    if (!cedar_ext_find(call->fn->str, &fn))
        return est_fail(r, call->fn, NULL,
                        "extension function `%s` does not exist",
                        cedar_quote(call->fn->str).s);
    e = est_node(r, AST_EXT, v, &x);
    for (uint32_t i = 0; e == TS_OK && i < call->count; i++, m = m->next)
        if ((e = est_value(r, m, &kid)) == TS_OK)
            e = est_adopt(r, x, kid, m);
    if (e != TS_OK)
        return e;
    x->sub = (uint8_t)fn;
    *ret = x;
    return TS_OK;
}

/* An escape stands alone in its object and has the right shape; anything else
 * is a record. */
static ts_err from_object(struct est_reader *r, const struct json *v,
                          struct ast_expr **ret)
{
    const struct json *m = v->count == 1 ? v->first : NULL;
    struct cedar_json_call call;

    if (m != NULL && ts_str_eq(m->key, TS_STR_LIT("__expr")) &&
        m->kind == JSON_STRING)
        return cedar_json_refuse_expr(v, r->diags);
    if (m != NULL && ts_str_eq(m->key, TS_STR_LIT("__entity")) &&
        string_member(m, TS_STR_LIT("type")) != NULL &&
        string_member(m, TS_STR_LIT("id")) != NULL)
        return est_uid(r, v, ret);
    if (m != NULL && ts_str_eq(m->key, TS_STR_LIT("__extn")) &&
        cedar_json_call_find(m, &call))
        return from_call(r, v, &call, ret);
    return from_record(r, v, ret);
}

static ts_err from_leaf(struct est_reader *r, const struct json *v,
                        struct ast_expr **ret)
{
    static const enum ast_op ops[] = {
        [JSON_BOOL] = AST_BOOL, [JSON_INT] = AST_INT, [JSON_STRING] = AST_STR};
    struct ast_expr *x;
    ts_err e = est_node(r, ops[v->kind], v, &x);

    if (e != TS_OK)
        return e;
    if (v->kind == JSON_STRING) {
        if ((e = cedar_str_copy(r->arena, v->str, &x->str)) != TS_OK)
            return e;
    } else if (v->kind == JSON_INT) {
        x->num = v->integer;
        x->literal = v->integer >= 0;
    } else {
        x->num = v->boolean;
    }
    *ret = x;
    return TS_OK;
}

ts_err est_value(struct est_reader *r, const struct json *v,
                 struct ast_expr **ret)
{
    ts_err e;

    if (v->kind == JSON_NULL)
        return est_fail(r, v, NULL, "JSON `null`s are not allowed in Cedar");
    if (v->kind != JSON_ARRAY && v->kind != JSON_OBJECT)
        return from_leaf(r, v, ret);
    if ((e = est_enter(r, v)) != TS_OK)
        return e;
    e = v->kind == JSON_ARRAY ? from_array(r, v, ret) : from_object(r, v, ret);
    r->depth--;
    return e;
}
