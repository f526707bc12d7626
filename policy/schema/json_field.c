/* Members of JSON objects: which there may be, and of what kind. */
#include <stdio.h>
#include <string.h>

#include "policy/core/diag.h"
#include "policy/core/limits.h"
#include "policy/core/name.h"
#include "policy/core/uid.h"
#include "policy/schema/json_priv.h"

ts_err json_fail(struct schema_json *j, const struct json *at, const char *code,
                 const char *label, const char *hint, const char *fmt, ...)
{
    struct cedar_diag_about about = {.label = label, .hint = hint};
    va_list ap;

    va_start(ap, fmt);
    cedar_diag_vput(j->diags, CEDAR_ERROR, code, at->span, &about, fmt, ap);
    va_end(ap);
    return TS_E_FORMAT;
}

ts_err json_want(struct schema_json *j, const struct json *v,
                 enum json_kind kind, const char *what)
{
    char label[64];

    if (v->kind == kind)
        return TS_OK;
    (void)snprintf(label, sizeof(label), "expected %s",
                   cedar_json_kind_name(kind));
    return json_fail(j, v, "bad_schema", label, NULL, "%s is %s, not %s", what,
                     cedar_json_kind_name(kind), cedar_json_kind_name(v->kind));
}

static bool among(struct ts_str s, const struct ts_str *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (ts_str_eq(s, names[i]))
            return true;
    return false;
}

ts_err json_fields(struct schema_json *j, const struct json *v,
                   const char *what, const struct ts_str *names, size_t count)
{
    ts_err all = json_want(j, v, JSON_OBJECT, what);

    for (const struct json *m = all == TS_OK ? v->first : NULL; m != NULL;
         m = m->next) {
        struct ts_str near;
        char hint[120];

        if (among(m->key, names, count))
            continue;
        near = cedar_did_you_mean(m->key, names, count);
        if (near.len > 0)
            (void)snprintf(hint, sizeof(hint), "did you mean \"%s\"?",
                           cedar_quote(near).s);
        all = json_fail(j, m, "unknown_field", "of an unknown field",
                        near.len > 0 ? hint : NULL, "%s has no field \"%s\"",
                        what, cedar_quote(m->key).s);
    }
    return all;
}

ts_err json_need(struct schema_json *j, const struct json *v, const char *what,
                 const char *key, const struct json **ret)
{
    const struct json *m = cedar_json_get(v, ts_str_of(key));

    if (m == NULL)
        return json_fail(j, v, "missing_field", NULL, NULL,
                         "%s needs the field \"%s\"", what, key);
    *ret = m;
    return TS_OK;
}

/* Strings without escapes borrow from the text already. */
ts_err json_keep(struct schema_json *j, struct ts_str s, struct ts_str *ret)
{
    uintptr_t p = (uintptr_t)s.ptr, from = (uintptr_t)j->text.ptr;

    if (p >= from && p < from + j->text.len) {
        *ret = s;
        return TS_OK;
    }
    return cedar_str_copy(j->arena, s, ret);
}

ts_err json_alloc(struct schema_json *j, size_t n, void *ret)
{
    void *p;
    ts_err e = ts_arena_alloc(j->arena, n, &p);

    if (e == TS_OK)
        *(void **)ret = p;
    return e;
}

static ts_err one_note(struct schema_json *j, const struct json *m,
                       struct decl_note *ret)
{
    struct decl_note n = {.span = m->span, .has_value = m->kind == JSON_STRING};
    ts_err e;

    if (!cedar_is_ident(m->key)) /* reserved words are fine */
        return json_fail(j, m, "bad_name", NULL, NULL,
                         "`%s` cannot be the name of an annotation",
                         cedar_quote(m->key).s);
    if (m->kind != JSON_NULL &&
        (e = json_want(j, m, JSON_STRING, "the value of an annotation")) !=
            TS_OK)
        return e;
    if ((e = json_keep(j, m->key, &n.key)) != TS_OK ||
        (n.has_value && (e = json_keep(j, m->str, &n.value)) != TS_OK))
        return e;
    *ret = n;
    return TS_OK;
}

ts_err json_notes(struct schema_json *j, const struct json *v,
                  const struct decl_note **ret)
{
    const struct json *all = cedar_json_get(v, TS_STR_LIT("annotations"));
    const struct decl_note *first = NULL, **end = &first;
    ts_err e;

    *ret = NULL;
    if (all == NULL)
        return TS_OK;
    if ((e = json_want(j, all, JSON_OBJECT, "\"annotations\"")) != TS_OK)
        return e;
    if (all->count > CEDAR_SCHEMA_NOTES)
        return json_fail(j, all, "limit", NULL, NULL,
                         "more than %d annotations in one place",
                         CEDAR_SCHEMA_NOTES);
    for (const struct json *m = all->first; m != NULL; m = m->next) {
        struct decl_note *n;

        if ((e = json_alloc(j, sizeof(*n), &n)) != TS_OK ||
            (e = one_note(j, m, n)) != TS_OK)
            return e;
        *end = n;
        end = &n->next;
    }
    *ret = first;
    return TS_OK;
}

ts_err json_names(struct schema_json *j, const struct json *v, const char *what,
                  const struct decl_name **ret)
{
    const struct decl_name *first = NULL, **end = &first;
    ts_err e = json_want(j, v, JSON_ARRAY, what);

    if (e != TS_OK)
        return e;
    for (const struct json *m = v->first; m != NULL; m = m->next) {
        struct decl_name *n;

        if ((e = json_want(j, m, JSON_STRING, "the name of a type")) != TS_OK)
            return e;
        if (!decl_ref_ok(m->str))
            return json_fail(j, m, "bad_name", NULL,
                             "names are identifiers with `::` between them",
                             "`%s` is not the name of a type",
                             cedar_quote(m->str).s);
        if ((e = json_alloc(j, sizeof(*n), &n)) != TS_OK ||
            (e = json_keep(j, m->str, &n->text)) != TS_OK)
            return e;
        n->span = m->span;
        *end = n;
        end = &n->next;
    }
    *ret = first;
    return TS_OK;
}
