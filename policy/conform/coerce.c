/*
 * JSON text into values of the declared type: {"type", "id"} is an entity where
 * one is wanted, a string a constructor's argument where an extension value is
 * (coerce_ext.c), an object nothing but a record where a record is. Recursion
 * follows the JSON tree, which the reader has bounded.
 */
#include "policy/conform/conform.h"
#include "policy/core/diag.h"
#include "policy/core/uid.h"
#include "policy/json/value_json.h"

/* The value or one of its members could not be held: a limit or memory. */
static ts_err refused(struct coerce *k, const struct json *v, ts_err e)
{
    if (e == TS_E_LIMIT)
        cedar_diag_add(k->c.diags, "limit", v->span, NULL,
                       "this value is too large or nested too deeply");
    return e;
}

/* What to do next after one of several members: go on after a refusal, as long
 * as somebody listens. */
static bool is_over(const struct coerce *k, ts_err e, ts_err *all)
{
    if (e != TS_OK)
        *all = e;
    return e != TS_OK && (e != TS_E_FORMAT || conform_deaf(&k->c));
}

static ts_err entity_value(struct coerce *k, const struct json *v,
                           const struct cedar_type *t,
                           const struct conform_step *up,
                           struct cedar_value *ret)
{
    const struct cedar_uid *uid;
    struct cedar_value out;
    ts_err e;

    /* the path is better news than "not a reference" where it cannot be one */
    if (v->kind != JSON_OBJECT && !k->loose) {
        (void)conform_say_json(&k->c, up, t, v);
        return TS_E_FORMAT;
    }
    e = cedar_uid_from_json(k->arena, v, "this", k->c.diags, &uid);
    if (e != TS_OK)
        return e;
    out = cedar_entity(uid);
    if (!k->loose && !conform_value(&k->c, &out, t, up))
        return TS_E_FORMAT;
    *ret = out;
    return TS_OK;
}

static ts_err set_value(struct coerce *k, const struct json *v,
                        const struct cedar_type *t,
                        const struct conform_step *up, struct cedar_value *ret)
{
    const struct json *m = v->first;
    struct cedar_value *items;
    ts_err e, all = TS_OK;
    void *mem;

    if (v->kind != JSON_ARRAY) {
        (void)conform_say_json(&k->c, up, t, v);
        return TS_E_FORMAT;
    }
    e = ts_arena_array(k->arena, v->count, sizeof(*items), &mem);
    if (e != TS_OK)
        return e;
    items = mem;
    for (uint32_t i = 0; i < v->count; i++, m = m->next) {
        struct conform_step at = {.up = up, .kind = CONFORM_MEMBER, .index = i};

        e = coerce_value(k, m, t->as.elem, &at, &items[i]);
        if (is_over(k, e, &all))
            return e;
    }
    if (all != TS_OK)
        return all;
    return refused(k, v, cedar_set_make(k->arena, items, v->count, ret));
}

static ts_err plain_value(struct coerce *k, const struct json *v,
                          const struct cedar_type *t,
                          const struct conform_step *up,
                          struct cedar_value *ret)
{
    struct cedar_value out;
    ts_err e = cedar_value_from_json(k->arena, v, k->c.diags, &out);

    if (e != TS_OK)
        return refused(k, v, e);
    if (!k->loose && !conform_value(&k->c, &out, t, up))
        return TS_E_FORMAT;
    *ret = out;
    return TS_OK;
}

ts_err coerce_value(struct coerce *k, const struct json *v,
                    const struct cedar_type *t, const struct conform_step *up,
                    struct cedar_value *ret)
{
    k->c.span = v->span;
    switch (t->kind) {
    case TYPE_ENTITY:
        return entity_value(k, v, t, up, ret);
    case TYPE_EXT:
        return coerce_ext(k, v, t, up, ret);
    case TYPE_SET:
        return set_value(k, v, t, up, ret);
    case TYPE_RECORD:
        if (v->kind == JSON_OBJECT)
            return coerce_record(k, v, t->as.attrs, up, ret);
        (void)conform_say_json(&k->c, up, t, v);
        return TS_E_FORMAT;
    case TYPE_NONE:
    case TYPE_NEVER:
    case TYPE_TRUE:
    case TYPE_FALSE:
    case TYPE_BOOL:
    case TYPE_LONG:
    case TYPE_STRING:
    case TYPE_ANY_ENTITY:
        break;
    }
    return plain_value(k, v, t, up, ret);
}

/* Members and attributes are sorted alike: *at goes on to the attribute of this
 * name, past optional ones that are absent. NULL when the type has none. */
static const struct cedar_attr *
find_attr(struct coerce *k, const struct cedar_attrs *attrs,
          const struct json *parent, const struct ts_str *name,
          const struct conform_step *up, uint32_t *at, ts_err *all)
{
    for (; *at < attrs->count; ++*at) {
        const struct cedar_attr *attr = &attrs->list[*at];
        int c = name != NULL ? cedar_str_order(attr->name, *name) : -1;

        if (c == 0)
            return attr;
        if (c > 0)
            break;
        if (!attr->required)
            continue;
        k->c.span = parent->span;
        (void)conform_say_missing(&k->c, up, attr);
        *all = TS_E_FORMAT;
        if (conform_deaf(&k->c))
            break;
    }
    return NULL;
}

ts_err coerce_record(struct coerce *k, const struct json *v,
                     const struct cedar_attrs *attrs,
                     const struct conform_step *up, struct cedar_value *ret)
{
    struct cedar_field *fields;
    ts_err e, all = TS_OK;
    uint32_t at = 0;
    void *mem;

    e = ts_arena_array(k->arena, v->count, sizeof(*fields), &mem);
    if (e != TS_OK)
        return e;
    fields = mem;
    for (uint32_t i = 0; i < v->count; i++) {
        const struct json *m = v->by_key[i];
        struct conform_step step = {
            .up = up, .kind = CONFORM_ATTR, .key = m->key};
        const struct cedar_attr *attr =
            find_attr(k, attrs, v, &m->key, up, &at, &all);

        if (all != TS_OK && conform_deaf(&k->c))
            return all;
        k->c.span = m->span;
        e = TS_E_FORMAT;
        if (attr == NULL)
            (void)conform_say_unknown(&k->c, &step, attrs);
        else if ((e = cedar_str_copy(k->arena, m->key, &fields[i].key)) ==
                 TS_OK)
            e = coerce_value(k, m, attr->type, &step, &fields[i].value);
        if (is_over(k, e, &all))
            return e;
        at += attr != NULL ? 1 : 0;
    }
    (void)find_attr(k, attrs, v, NULL, up, &at, &all);
    if (all != TS_OK)
        return all;
    return refused(k, v, cedar_record_make(k->arena, fields, v->count, ret));
}

ts_err coerce_tags(struct coerce *k, const struct json *v,
                   const struct cedar_type *t, struct cedar_value *ret)
{
    struct cedar_field *fields;
    ts_err e, all = TS_OK;
    void *mem;

    if (v->kind != JSON_OBJECT) {
        cedar_diag_add(k->c.diags, "bad_entity", v->span, NULL,
                       "`tags` must be an object");
        return TS_E_FORMAT;
    }
    e = ts_arena_array(k->arena, v->count, sizeof(*fields), &mem);
    if (e != TS_OK)
        return e;
    fields = mem;
    for (uint32_t i = 0; i < v->count; i++) {
        const struct json *m = v->by_key[i];
        struct conform_step step = {.kind = CONFORM_TAG, .key = m->key};

        k->c.span = m->span;
        e = TS_E_FORMAT;
        if (t == NULL)
            (void)conform_say_tag(&k->c, &step);
        else if ((e = cedar_str_copy(k->arena, m->key, &fields[i].key)) ==
                 TS_OK)
            e = coerce_value(k, m, t, &step, &fields[i].value);
        if (is_over(k, e, &all))
            return e;
    }
    if (all != TS_OK)
        return all;
    return refused(k, v, cedar_record_make(k->arena, fields, v->count, ret));
}
