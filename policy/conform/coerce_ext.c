/* Extension values: {"__extn": call}, the bare call, or a string that is the
 * argument of the type's constructor. Arguments are read by the types that the
 * function declares, so a call inside a call may be as short. */
#include "policy/conform/conform.h"
#include "policy/json/value_json.h"
#include "proto/base/ts_require.h"

static enum cedar_ext constructor(enum cedar_kind kind)
{
    if (kind == CEDAR_DECIMAL)
        return CEDAR_EXT_DECIMAL;
    if (kind == CEDAR_IPADDR)
        return CEDAR_EXT_IP;
    return kind == CEDAR_DATETIME ? CEDAR_EXT_DATETIME : CEDAR_EXT_DURATION;
}

/* The extension type of an argument; CEDAR_STRING for the constructors'. */
static enum cedar_kind arg_kind(enum cedar_ext fn, uint32_t nth)
{
    if (fn == CEDAR_EXT_IP || fn == CEDAR_EXT_DECIMAL ||
        fn == CEDAR_EXT_DATETIME || fn == CEDAR_EXT_DURATION)
        return CEDAR_STRING;
    if (fn <= CEDAR_EXT_IS_IN_RANGE)
        return CEDAR_IPADDR;
    if (fn <= CEDAR_EXT_GREATER_EQ)
        return CEDAR_DECIMAL;
    if (fn <= CEDAR_EXT_TO_TIME)
        return fn == CEDAR_EXT_OFFSET && nth == 1 ? CEDAR_DURATION
                                                  : CEDAR_DATETIME;
    return CEDAR_DURATION;
}

static ts_err call_value(struct coerce *k, const struct json *v,
                         const struct conform_step *up, enum cedar_ext fn,
                         const struct cedar_value *args, uint32_t count,
                         struct cedar_value *ret)
{
    struct cedar_fault fault;

    if (cedar_ext_call(fn, args, count, ret, &fault))
        return TS_OK;
    k->c.span = v->span;
    (void)conform_say_fault(&k->c, up, fault.text);
    return TS_E_FORMAT;
}

static ts_err read_call(struct coerce *k, const struct json *v,
                        const struct cedar_json_call *call,
                        const struct conform_step *up, struct cedar_value *ret)
{
    struct cedar_value values[CEDAR_EXT_ARGS_MAX] = {0};
    const struct json *arg = call->args;
    bool loose = k->loose;
    enum cedar_ext fn;
    ts_err e = cedar_json_call_ext(v, call, k->c.diags, &fn);

    if (e != TS_OK)
        return e;
    TS_REQUIRE(call->count <= CEDAR_EXT_ARGS_MAX);
    k->loose = true; /* the call itself says what is wrong with an argument */
    for (uint32_t i = 0; i < call->count && e == TS_OK; i++, arg = arg->next) {
        struct cedar_type t = {.kind = TYPE_EXT, .as.ext = arg_kind(fn, i)};

        e = t.as.ext == CEDAR_STRING
                ? cedar_value_from_json(k->arena, arg, k->c.diags, &values[i])
                : coerce_ext(k, arg, &t, up, &values[i]);
    }
    k->loose = loose;
    if (e != TS_OK)
        return e;
    return call_value(k, v, up, fn, values, call->count, ret);
}

ts_err coerce_ext(struct coerce *k, const struct json *v,
                  const struct cedar_type *t, const struct conform_step *up,
                  struct cedar_value *ret)
{
    const struct json *expr = cedar_json_get(v, TS_STR_LIT("__expr"));
    struct cedar_value out, text;
    struct cedar_json_call call;
    ts_err e;

    if (expr != NULL && expr->kind == JSON_STRING)
        return cedar_json_refuse_expr(v, k->c.diags);
    if (cedar_json_call_find(cedar_json_get(v, TS_STR_LIT("__extn")), &call) ||
        cedar_json_call_find(v, &call)) {
        e = read_call(k, v, &call, up, &out);
    } else if (v->kind == JSON_STRING) {
        text = cedar_string(v->str);
        e = call_value(k, v, up, constructor(t->as.ext), &text, 1, &out);
    } else {
        (void)conform_say_json(&k->c, up, t, v);
        return TS_E_FORMAT;
    }
    if (e != TS_OK)
        return e;
    k->c.span = v->span;
    if (!k->loose && !conform_value(&k->c, &out, t, up))
        return TS_E_FORMAT;
    *ret = out;
    return TS_OK;
}
