#include <string.h>

#include "policy/core/uid.h"
#include "policy/validate/validate_priv.h"

static const struct cedar_attrs any_attrs = {.open = true};

const struct cedar_type v_never = {.kind = TYPE_NEVER};
const struct cedar_type v_true = {.kind = TYPE_TRUE};
const struct cedar_type v_false = {.kind = TYPE_FALSE};
const struct cedar_type v_bool = {.kind = TYPE_BOOL};
const struct cedar_type v_long = {.kind = TYPE_LONG};
const struct cedar_type v_string = {.kind = TYPE_STRING};
const struct cedar_type v_any_entity = {.kind = TYPE_ANY_ENTITY};
const struct cedar_type v_any_set = {.kind = TYPE_SET};
const struct cedar_type v_any_record = {.kind = TYPE_RECORD,
                                        .as.attrs = &any_attrs};
const struct cedar_type v_set_of_any_entity = {.kind = TYPE_SET,
                                               .as.elem = &v_any_entity};

const struct cedar_type *v_ext_type(enum cedar_kind kind)
{
    static const struct cedar_type decimal = {.kind = TYPE_EXT,
                                              .as.ext = CEDAR_DECIMAL},
                                   ip = {.kind = TYPE_EXT,
                                         .as.ext = CEDAR_IPADDR},
                                   datetime = {.kind = TYPE_EXT,
                                               .as.ext = CEDAR_DATETIME},
                                   duration = {.kind = TYPE_EXT,
                                               .as.ext = CEDAR_DURATION};

    if (kind == CEDAR_DECIMAL)
        return &decimal;
    if (kind == CEDAR_IPADDR)
        return &ip;
    return kind == CEDAR_DATETIME ? &datetime : &duration;
}

static bool is_bool(const struct cedar_type *t)
{
    return t->kind == TYPE_TRUE || t->kind == TYPE_FALSE ||
           t->kind == TYPE_BOOL;
}

static bool is_entity(const struct cedar_type *t)
{
    return t->kind == TYPE_ENTITY || t->kind == TYPE_ANY_ENTITY;
}

/* Whether the list a is in the list b; both are sorted by name. */
static bool lub_within(const struct cedar_entity_lub *a,
                       const struct cedar_entity_lub *b)
{
    uint32_t j = 0;

    for (uint32_t i = 0; i < a->count; i++) {
        while (j < b->count && b->list[j] != a->list[i])
            j++;
        if (j == b->count)
            return false;
    }
    return true;
}

static bool entity_below(struct validate *v, const struct cedar_type *a,
                         const struct cedar_type *b, bool strict)
{
    if (a->kind == TYPE_ANY_ENTITY || b->kind == TYPE_ANY_ENTITY)
        return b->kind == TYPE_ANY_ENTITY && (a->kind == b->kind || !strict);
    if (strict && a->as.entities.count != b->as.entities.count)
        return false;
    return v_spend(v, b->as.entities.count) &&
           lub_within(&a->as.entities, &b->as.entities);
}

static bool attr_below(struct validate *v, const struct cedar_attr *a,
                       const struct cedar_attr *b, bool strict)
{
    bool fits =
        strict ? a->required == b->required : a->required || !b->required;

    return fits && v_subtype(v, a->type, b->type, strict);
}

/* Every attribute of b is in a and above what a says; with `exact` a has no
 * other ones. */
static bool attrs_below(struct validate *v, const struct cedar_attrs *a,
                        const struct cedar_attrs *b, bool exact, bool strict)
{
    uint32_t i = 0;

    if (exact && a->count != b->count)
        return false;
    for (uint32_t j = 0; j < b->count; j++) {
        while (i < a->count &&
               cedar_str_order(a->list[i].name, b->list[j].name) < 0)
            i++;
        if (i == a->count || !ts_str_eq(a->list[i].name, b->list[j].name) ||
            !attr_below(v, &a->list[i], &b->list[j], strict))
            return false;
    }
    return v_spend(v, a->count);
}

static bool record_below(struct validate *v, const struct cedar_attrs *a,
                         const struct cedar_attrs *b, bool strict)
{
    if (a == b)
        return true;
    if (a->open && !b->open)
        return false;
    return attrs_below(v, a, b, strict || !b->open, strict);
}

static bool below(struct validate *v, const struct cedar_type *a,
                  const struct cedar_type *b, bool strict)
{
    if (a == b || a->kind == TYPE_NEVER)
        return true;
    if (is_bool(a))
        return a->kind == b->kind || b->kind == TYPE_BOOL;
    if (is_entity(a) && is_entity(b))
        return entity_below(v, a, b, strict);
    if (a->kind != b->kind)
        return false;
    if (a->kind == TYPE_EXT)
        return a->as.ext == b->as.ext;
    if (a->kind == TYPE_SET) {
        if (a->as.elem == NULL || b->as.elem == NULL)
            return b->as.elem == NULL;
        return v_subtype(v, a->as.elem, b->as.elem, strict);
    }
    return a->kind != TYPE_RECORD ||
           record_below(v, a->as.attrs, b->as.attrs, strict);
}

bool v_subtype(struct validate *v, const struct cedar_type *a,
               const struct cedar_type *b, bool strict)
{
    bool yes;

    if (!v_spend(v, 1) || !v_enter(v))
        return false;
    yes = below(v, a, b, strict);
    v_leave(v);
    return yes && v->err == TS_OK;
}

bool v_disjoint(struct validate *v, const struct cedar_type *a,
                const struct cedar_type *b)
{
    const struct cedar_entity_lub *x = &a->as.entities, *y = &b->as.entities;

    if (a->kind != TYPE_ENTITY || b->kind != TYPE_ENTITY)
        return false;
    if (!v_spend(v, (uint64_t)x->count + y->count))
        return false;
    for (uint32_t i = 0, j = 0; i < x->count && j < y->count;) {
        int order = ts_str_cmp(x->list[i]->name, y->list[j]->name);

        if (order == 0)
            return false;
        if (order < 0)
            i++;
        else
            j++;
    }
    return true;
}

const struct cedar_type *v_set_type(struct validate *v,
                                    const struct cedar_type *elem)
{
    struct cedar_type *t = v_temp(v, 1, sizeof(*t));

    if (t != NULL)
        *t = (struct cedar_type){.kind = TYPE_SET, .as.elem = elem};
    return t;
}

/* ---- attributes -----------------------------------------------------------
 */

static struct v_attr of_attrs(const struct cedar_attrs *attrs,
                              struct ts_str name)
{
    const struct cedar_attr *a = cedar_attrs_find(attrs, name);

    if (a == NULL)
        return (struct v_attr){.maybe = attrs->open};
    return (struct v_attr){
        .type = a->type, .required = a->required, .maybe = true};
}

/* Of a union: what all of them have, as the upper bound of what they say. */
static struct v_attr of_union(struct validate *v,
                              const struct cedar_entity_lub *u,
                              struct ts_str name)
{
    struct v_attr sum = of_attrs(u->list[0]->attrs, name);

    for (uint32_t i = 1; i < u->count && v_spend(v, 1); i++) {
        struct v_attr a = of_attrs(u->list[i]->attrs, name);
        enum lub_help why;

        sum.maybe |= a.maybe;
        if (sum.type != NULL)
            sum.type =
                a.type == NULL ? NULL : v_lub(v, sum.type, a.type, false, &why);
        sum.required &= a.required;
    }
    return sum;
}

struct v_attr v_attr_of(struct validate *v, const struct cedar_type *t,
                        struct ts_str name)
{
    if (t->kind == TYPE_RECORD)
        return of_attrs(t->as.attrs, name);
    if (t->kind == TYPE_ENTITY)
        return of_union(v, &t->as.entities, name);
    return (struct v_attr){.maybe = t->kind == TYPE_ANY_ENTITY ||
                                    t->kind == TYPE_NEVER};
}
