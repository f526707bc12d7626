/* The small tools of the readers: members, strings, nodes. */
#include "policy/est/read.h"

#include <stdarg.h>
#include <stdio.h>

#include "policy/core/diag.h"
#include "policy/core/limits.h"
#include "policy/core/name.h"
#include "policy/core/uid.h"
#include "policy/json/value_json.h"
#include "policy/syntax/node.h"

ts_err est_fail(struct est_reader *r, const struct json *v, const char *hint,
                const char *fmt, ...)
{
    struct cedar_diag_about about = {.hint = hint};
    va_list ap;

    va_start(ap, fmt);
    cedar_diag_vput(r->diags, CEDAR_ERROR, "bad_policy_json", v->span, &about,
                    fmt, ap);
    va_end(ap);
    return TS_E_FORMAT;
}

/* "did you mean" or, failing that, nothing. */
static const char *suggest(const struct est_shape *shape, struct ts_str key,
                           char *out, size_t cap)
{
    struct ts_str near = cedar_did_you_mean(key, shape->keys, shape->count);

    if (near.len == 0)
        return NULL;
    (void)snprintf(out, cap, "did you mean `%s`?", cedar_quote(near).s);
    return out;
}

static ts_err unknown_key(struct est_reader *r, const struct json *m,
                          const struct est_shape *shape)
{
    char hint[112];
    struct cedar_diag_about about = {
        .hint = suggest(shape, m->key, hint, sizeof(hint))};

    if (!shape->lenient)
        return est_fail(r, m, about.hint, "%s has no key \"%s\"", shape->what,
                        cedar_quote(m->key).s);
    cedar_diag_put(r->diags, CEDAR_WARNING, "ignored_key", m->span, &about,
                   "the key \"%s\" means nothing in %s and is ignored",
                   cedar_quote(m->key).s, shape->what);
    return TS_OK;
}

ts_err est_members(struct est_reader *r, const struct json *v,
                   const struct est_shape *shape, const struct json **ret)
{
    ts_err e;

    if (v->kind != JSON_OBJECT)
        return est_fail(r, v, NULL, "%s must be an object, not %s", shape->what,
                        cedar_json_kind_name(v->kind));
    for (uint32_t i = 0; i < shape->count; i++)
        ret[i] = NULL;
    for (const struct json *m = v->first; m != NULL; m = m->next) {
        uint32_t i = 0;

        while (i < shape->count && !ts_str_eq(m->key, shape->keys[i]))
            i++;
        if (i < shape->count)
            ret[i] = m;
        else if ((e = unknown_key(r, m, shape)) != TS_OK)
            return e;
    }
    for (uint32_t i = 0; i < shape->count; i++)
        if (ret[i] == NULL && (shape->optional >> i & 1) == 0)
            return est_fail(r, v, NULL, "%s needs the key \"%s\"", shape->what,
                            shape->keys[i].ptr);
    return TS_OK;
}

ts_err est_string(struct est_reader *r, const struct json *v, const char *what,
                  struct ts_str *ret)
{
    if (v->kind != JSON_STRING)
        return est_fail(r, v, NULL, "%s must be a string, not %s", what,
                        cedar_json_kind_name(v->kind));
    return cedar_str_copy(r->arena, v->str, ret);
}

ts_err est_type(struct est_reader *r, const struct json *v, struct ts_str *ret)
{
    struct ts_str name;
    ts_err e = est_string(r, v, "an entity type", &name);

    if (e != TS_OK)
        return e;
    if (!cedar_name_ok(name))
        return est_fail(r, v, "identifiers joined by ::, without white space",
                        "\"%s\" is not the name of an entity type",
                        cedar_quote(name).s);
    *ret = name;
    return TS_OK;
}

ts_err est_node(struct est_reader *r, enum ast_op op, const struct json *at,
                struct ast_expr **ret)
{
    return ast_node_new(r->arena, r->nodes, op, at->span, ret);
}

static ts_err too_deep(struct est_reader *r, const struct json *v)
{
    return est_fail(r, v, "split the policy in two",
                    "this expression is nested too deeply");
}

ts_err est_adopt(struct est_reader *r, struct ast_expr *parent,
                 struct ast_expr *kid, const struct json *at)
{
    return ast_node_adopt(parent, kid) ? TS_OK : too_deep(r, at);
}

ts_err est_enter(struct est_reader *r, const struct json *v)
{
    if (r->depth >= CEDAR_HEIGHT_MAX)
        return too_deep(r, v);
    r->depth++;
    return TS_OK;
}

ts_err est_uid(struct est_reader *r, const struct json *v,
               struct ast_expr **ret)
{
    const struct cedar_uid *uid;
    struct ast_expr *x;
    ts_err e = cedar_uid_from_json(r->arena, v, "this", r->diags, &uid);

    if (e != TS_OK || (e = est_node(r, AST_UID, v, &x)) != TS_OK)
        return e;
    x->str = uid->type;
    x->id = uid->id;
    *ret = x;
    return TS_OK;
}
