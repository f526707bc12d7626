/* One policy or template: effect, scopes, conditions, annotations. */
#include "policy/core/diag.h"
#include "policy/core/limits.h"
#include "policy/core/lit.h"
#include "policy/core/name.h"
#include "policy/core/uid.h"
#include "policy/est/read.h"

static ts_err read_effect(struct est_reader *r, const struct json *v,
                          struct ast_policy *p)
{
    if (v->kind == JSON_STRING && ts_str_eq(v->str, TS_STR_LIT("permit")))
        p->effect = CEDAR_PERMIT;
    else if (v->kind == JSON_STRING && ts_str_eq(v->str, TS_STR_LIT("forbid")))
        p->effect = CEDAR_FORBID;
    else
        return est_fail(r, v, NULL,
                        "the effect is \"permit\" or \"forbid\", nothing else");
    return TS_OK;
}

static ts_err read_annotation(struct est_reader *r, const struct json *m,
                              struct ast_annotation *ret)
{
    ts_err e;

    if (!cedar_is_ident(m->key))
        return est_fail(r, m, "letters, digits and _, as in Cedar text",
                        "\"%s\" cannot be the name of an annotation",
                        cedar_quote(m->key).s);
    *ret = (struct ast_annotation){
        .value = TS_STR_LIT(""), .bare = m->kind == JSON_NULL, .span = m->span};
    if ((e = cedar_str_copy(r->arena, m->key, &ret->key)) != TS_OK)
        return e;
    return ret->bare
               ? TS_OK
               : est_string(r, m, "the value of an annotation", &ret->value);
}

static ts_err read_annotations(struct est_reader *r, const struct json *v,
                               struct ast_policy *p)
{
    struct ast_annotation *a;
    void *mem;
    ts_err e;

    if (v == NULL)
        return TS_OK;
    if (v->kind != JSON_OBJECT)
        return est_fail(r, v, NULL, "`annotations` is an object, not %s",
                        cedar_json_kind_name(v->kind));
    if (v->count > CEDAR_ANNOTATIONS)
        return est_fail(r, v, NULL, "too many annotations");
    if ((e = ts_arena_array(r->arena, v->count, sizeof(*a), &mem)) != TS_OK)
        return e;
    a = mem;
    for (const struct json *m = v->first; m != NULL; m = m->next, a++) {
        if ((e = read_annotation(r, m, a)) != TS_OK)
            return e;
        if (m->next != NULL)
            a->next = a + 1;
    }
    p->annotations = v->count > 0 ? mem : NULL;
    p->annotation_count = v->count;
    return TS_OK;
}

static ts_err read_cond(struct est_reader *r, const struct json *v,
                        struct ast_cond *ret)
{
    static const struct est_shape shape = {
        .what = "a condition",
        .count = 2,
        .keys = {CEDAR_LIT("kind"), CEDAR_LIT("body")}};
    const struct json *m[2];
    ts_err e = est_members(r, v, &shape, m);

    if (e != TS_OK)
        return e;
    ret->unless =
        m[0]->kind == JSON_STRING && ts_str_eq(m[0]->str, TS_STR_LIT("unless"));
    if (!ret->unless && (m[0]->kind != JSON_STRING ||
                         !ts_str_eq(m[0]->str, TS_STR_LIT("when"))))
        return est_fail(r, m[0], NULL,
                        "the kind of a condition is \"when\" or \"unless\"");
    ret->span = v->span;
    r->depth = 0;
    return est_expr(r, m[1], &ret->expr);
}

/* Goes on after a mistake, so that one does not hide the others. */
static ts_err read_conds(struct est_reader *r, const struct json *v,
                         struct ast_policy *p)
{
    ts_err first = TS_OK, e;
    struct ast_cond *c;
    void *mem;

    if (v->kind != JSON_ARRAY)
        return est_fail(r, v, NULL, "`conditions` is an array, not %s",
                        cedar_json_kind_name(v->kind));
    if ((e = ts_arena_array(r->arena, v->count, sizeof(*c), &mem)) != TS_OK)
        return e;
    c = mem;
    for (const struct json *m = v->first; m != NULL; m = m->next, c++) {
        e = read_cond(r, m, c);
        if (e != TS_OK && e != TS_E_FORMAT)
            return e;
        first = first != TS_OK ? first : e;
        if (m->next != NULL)
            c->next = c + 1;
    }
    p->conds = v->count > 0 ? mem : NULL;
    p->cond_count = v->count;
    r->conds += v->count;
    return first;
}

ts_err est_policy(struct est_reader *r, const struct json *v,
                  struct ast_policy **ret)
{
    static const struct est_shape shape = {
        .what = "a policy",
        .count = 6,
        .optional = 1u << 5,
        .keys = {CEDAR_LIT("effect"), CEDAR_LIT("principal"),
                 CEDAR_LIT("action"), CEDAR_LIT("resource"),
                 CEDAR_LIT("conditions"), CEDAR_LIT("annotations")}};
    const struct json *m[6];
    struct ast_policy *p;
    ts_err e, first;
    void *mem;

    if ((first = est_members(r, v, &shape, m)) != TS_OK ||
        (first = ts_arena_alloc(r->arena, sizeof(*p), &mem)) != TS_OK)
        return first;
    p = mem;
    p->span = v->span;
    first = read_effect(r, m[0], p);
    e = est_scopes(r, m[1], m[2], m[3], p);
    if (e == TS_OK || e == TS_E_FORMAT) {
        first = first != TS_OK ? first : e;
        e = read_conds(r, m[4], p);
    }
    if (e == TS_OK || e == TS_E_FORMAT) {
        first = first != TS_OK ? first : e;
        e = read_annotations(r, m[5], p);
    }
    if (e != TS_OK || first != TS_OK)
        return e != TS_OK ? e : first;
    *ret = p;
    return TS_OK;
}
