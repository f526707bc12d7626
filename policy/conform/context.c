/* A request's context in JSON, as its action declares it. */
#include "policy/conform/conform.h"
#include "policy/core/diag.h"
#include "policy/json/value_json.h"

ts_err conform_context(struct ts_arena *arena, const struct cedar_schema *s,
                       const struct cedar_uid *action, const struct json *v,
                       bool loose, struct cedar_value *ret,
                       struct cedar_diags *diags)
{
    const struct schema_action *a = cedar_schema_action(s, action);
    struct coerce k = {.c = {.schema = s, .diags = diags, .span = v->span},
                       .arena = arena,
                       .loose = loose};

    if (a == NULL) {
        (void)conform_say_action(&k.c, action);
        return TS_E_INVALID;
    }
    return coerce_value(&k, v, a->context, NULL, ret);
}

static ts_err plain_context(struct ts_arena *arena, const struct json *v,
                            struct cedar_value *ret, struct cedar_diags *diags)
{
    struct cedar_value out;
    ts_err e = cedar_value_from_json(arena, v, diags, &out);

    if (e != TS_OK)
        return e;
    if (out.kind != CEDAR_RECORD) {
        cedar_diag_add(diags, "bad_value", v->span, NULL,
                       "a context must be an object");
        return TS_E_FORMAT;
    }
    *ret = out;
    return TS_OK;
}

ts_err cedar_context_parse(struct ts_arena *arena, const struct cedar_schema *s,
                           const struct cedar_uid *action,
                           const struct cedar_source *source,
                           struct cedar_value *ret, struct cedar_diags *diags)
{
    const struct json *v;
    struct ts_arena temp;
    ts_err e = cedar_json_parse_source(source, &temp, diags, &v);

    if (e == TS_OK)
        e = s != NULL ? conform_context(arena, s, action, v, false, ret, diags)
                      : plain_context(arena, v, ret, diags);
    ts_arena_done(&temp);
    return e;
}
