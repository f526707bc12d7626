/*
 * Finished values against types: what every tool call passes through, so the
 * path without failures does not allocate, format or search. A record and its
 * type are sorted alike and walked side by side. Recursion follows the value,
 * whose depth was measured when it was made (CEDAR_VALUE_DEPTH).
 */
#include "policy/conform/conform.h"
#include "policy/core/uid.h"
#include "policy/core/value.h"

#define NO_KIND (-1) /* which no value has, not even a zeroed one */

/* The kind that values of a type without members have. */
static inline int plain_kind(const struct cedar_type *t)
{
    static const signed char kinds[] = {
        [TYPE_NONE] = NO_KIND,        [TYPE_NEVER] = NO_KIND,
        [TYPE_TRUE] = NO_KIND,        [TYPE_FALSE] = NO_KIND,
        [TYPE_BOOL] = CEDAR_BOOL,     [TYPE_LONG] = CEDAR_LONG,
        [TYPE_STRING] = CEDAR_STRING, [TYPE_EXT] = NO_KIND,
        [TYPE_ANY_ENTITY] = NO_KIND,  [TYPE_ENTITY] = NO_KIND,
        [TYPE_SET] = NO_KIND,         [TYPE_RECORD] = NO_KIND,
    };

    return t->kind == TYPE_EXT ? (int)t->as.ext : kinds[t->kind];
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

    if (v->kind != CEDAR_ENTITY || !cedar_str_same(v->as.uid->type, type->name))
        return conform_say_type(c, up, t, v);
    return conform_id(c, type, v->as.uid, up);
}

static bool set_ok(const struct conform *c, const struct cedar_value *v,
                   const struct cedar_type *t, const struct conform_step *up)
{
    const struct cedar_set *s = v->as.set;
    int kind = plain_kind(t->as.elem);
    bool ok = true;

    if (v->kind != CEDAR_SET)
        return conform_say_type(c, up, t, v);
    /* Sets are sorted by kind first: what the ends are, all are. */
    if (s->count == 0 || ((int)s->items[0].kind == kind &&
                          (int)s->items[s->count - 1].kind == kind))
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
    return (int)v->kind == plain_kind(t) ? true : conform_say_type(c, up, t, v);
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

/* A field that is not plainly the next attribute of its type: another one, or
 * one whose value has to be looked into. */
static bool field_ok(const struct conform *c, const struct cedar_field *f,
                     const struct cedar_attrs *attrs, uint32_t *at,
                     const struct conform_step *up)
{
    struct conform_step step = {.up = up, .kind = CONFORM_ATTR, .key = f->key};
    bool ok = skip_absent(c, attrs, at, &f->key, up);

    if (!ok && conform_deaf(c))
        return false;
    if (*at >= attrs->count || !cedar_str_same(f->key, attrs->list[*at].name))
        return conform_say_unknown(c, &step, attrs);
    return conform_value(c, &f->value, attrs->list[(*at)++].type, &step) && ok;
}

bool conform_record(const struct conform *c, const struct cedar_record *r,
                    const struct cedar_attrs *attrs,
                    const struct conform_step *up)
{
    uint32_t at = 0;
    bool ok = true;

    for (uint32_t i = 0; i < r->count; i++) {
        const struct cedar_field *f = &r->fields[i];
        const struct cedar_attr *attr = &attrs->list[at];

        if (at < attrs->count && (int)f->value.kind == plain_kind(attr->type) &&
            cedar_str_same(f->key, attr->name)) {
            at++;
            continue;
        }
        if (field_ok(c, f, attrs, &at, up))
            continue;
        ok = false;
        if (conform_deaf(c))
            return false;
    }
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
