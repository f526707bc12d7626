/*
 * Finished values against types: what every tool call passes through, so the
 * path without failures does not allocate, format or search. A record and its
 * type are sorted alike and walked side by side. Recursion follows the value,
 * whose depth was measured when it was made (CEDAR_VALUE_DEPTH).
 */
#include "policy/conform/conform.h"
#include "policy/core/uid.h"
#include "policy/core/value.h"

/* The kind that values of a type without members have. */
static enum cedar_kind plain_kind(const struct cedar_type *t)
{
    switch (t->kind) {
    case TYPE_BOOL:
        return CEDAR_BOOL;
    case TYPE_LONG:
        return CEDAR_LONG;
    case TYPE_STRING:
        return CEDAR_STRING;
    case TYPE_EXT:
        return t->as.ext;
    case TYPE_NONE:
    case TYPE_NEVER:
    case TYPE_TRUE:
    case TYPE_FALSE:
    case TYPE_ANY_ENTITY:
    case TYPE_ENTITY:
    case TYPE_SET:
    case TYPE_RECORD:
        break;
    }
    return CEDAR_NONE; /* no value has it */
}

bool conform_id(const struct conform *c, const struct schema_entity *t,
                const struct cedar_uid *uid, const struct conform_step *up)
{
    if (t->choice_count == 0 && !t->is_action)
        return true;
    if (t->is_action)
        return cedar_schema_action(c->schema, uid) != NULL ||
               conform_say_action(c, uid);
    return cedar_schema_id_ok(t, uid->id) || conform_say_enum(c, t, uid, up);
}

static bool entity_ok(const struct conform *c, const struct cedar_value *v,
                      const struct cedar_type *t, const struct conform_step *up)
{
    const struct schema_entity *type = t->as.entities.list[0];

    if (v->kind != CEDAR_ENTITY || !ts_str_eq(v->as.uid->type, type->name))
        return conform_say_type(c, up, t, v);
    return conform_id(c, type, v->as.uid, up);
}

static bool set_ok(const struct conform *c, const struct cedar_value *v,
                   const struct cedar_type *t, const struct conform_step *up)
{
    const struct cedar_set *s = v->as.set;
    enum cedar_kind kind = plain_kind(t->as.elem);
    bool ok = true;

    if (v->kind != CEDAR_SET)
        return conform_say_type(c, up, t, v);
    /* Sets are sorted by kind first: what the ends are, all are. */
    if (s->count == 0 ||
        (s->items[0].kind == kind && s->items[s->count - 1].kind == kind))
        return true;
    for (uint32_t i = 0; i < s->count; i++) {
        struct conform_step at = {.up = up, .kind = CONFORM_MEMBER, .index = i};

        if (conform_value(c, &s->items[i], t->as.elem, &at))
            continue;
        ok = false;
        if (conform_deaf(c))
            break;
    }
    return ok;
}

bool conform_value(const struct conform *c, const struct cedar_value *v,
                   const struct cedar_type *t, const struct conform_step *up)
{
    if (t->kind == TYPE_ENTITY)
        return entity_ok(c, v, t, up);
    if (t->kind == TYPE_SET)
        return set_ok(c, v, t, up);
    if (t->kind == TYPE_RECORD)
        return v->kind == CEDAR_RECORD
                   ? conform_record(c, v->as.record, t->as.attrs, up)
                   : conform_say_type(c, up, t, v);
    return v->kind == plain_kind(t) ? true : conform_say_type(c, up, t, v);
}

/* The attributes from *at on that stand before name: all must be optional. */
static bool skip_absent(const struct conform *c,
                        const struct cedar_attrs *attrs, uint32_t *at,
                        const struct ts_str *name,
                        const struct conform_step *up)
{
    bool ok = true;

    for (; *at < attrs->count; ++*at) {
        const struct cedar_attr *attr = &attrs->list[*at];

        if (name != NULL && cedar_str_order(attr->name, *name) >= 0)
            break;
        if (attr->required) {
            ok = conform_say_missing(c, up, attr);
            if (conform_deaf(c))
                break;
        }
    }
    return ok;
}

bool conform_record(const struct conform *c, const struct cedar_record *r,
                    const struct cedar_attrs *attrs,
                    const struct conform_step *up)
{
    uint32_t at = 0;
    bool ok = true;

    for (uint32_t i = 0; i < r->count && (ok || !conform_deaf(c)); i++) {
        const struct cedar_field *f = &r->fields[i];
        struct conform_step step = {
            .up = up, .kind = CONFORM_ATTR, .key = f->key};

        if (at >= attrs->count || !ts_str_eq(f->key, attrs->list[at].name)) {
            ok = skip_absent(c, attrs, &at, &f->key, up) && ok;
            if (at >= attrs->count ||
                !ts_str_eq(f->key, attrs->list[at].name)) {
                ok = conform_say_unknown(c, &step, attrs);
                continue;
            }
        }
        ok = conform_value(c, &f->value, attrs->list[at].type, &step) && ok;
        at++;
    }
    if (!ok && conform_deaf(c))
        return false;
    return skip_absent(c, attrs, &at, NULL, up) && ok;
}

bool conform_parent(const struct conform *c, const struct schema_entity *t,
                    const struct cedar_uid *parent)
{
    const struct schema_entity *type =
        cedar_schema_entity(c->schema, parent->type);
    uint32_t lo = 0, hi = t->ancestor_count;

    while (type != NULL && lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (t->ancestors[mid] == type->index)
            return conform_id(c, type, parent, NULL);
        if (t->ancestors[mid] < type->index)
            lo = mid + 1;
        else
            hi = mid;
    }
    return conform_say_parent(c, t, parent);
}

const struct schema_entity *conform_entity_type(const struct conform *c)
{
    const struct schema_entity *t =
        cedar_schema_entity(c->schema, c->uid->type);

    if (t != NULL && !t->is_action)
        return conform_id(c, t, c->uid, NULL) ? t : NULL;
    (void)conform_say_no_type(c, "entity", c->uid->type);
    return NULL;
}
