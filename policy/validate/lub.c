/* Least upper bounds: the type of `if`, of a set's members, of a tag. */
#include "policy/core/uid.h"
#include "policy/validate/validate_priv.h"

/* Both lists, sorted, without duplicates. */
static const struct cedar_type *join_entities(struct validate *v,
                                              const struct cedar_entity_lub *x,
                                              const struct cedar_entity_lub *y)
{
    struct cedar_type *t = v_temp(v, 1, sizeof(*t));
    const struct schema_entity **list =
        v_temp(v, (size_t)x->count + y->count, sizeof(struct schema_entity *));
    uint32_t i = 0, j = 0, n = 0;

    if (t == NULL || list == NULL || !v_spend(v, (uint64_t)x->count + y->count))
        return NULL;
    while (i < x->count || j < y->count) {
        int order = i == x->count ? 1
                    : j == y->count
                        ? -1
                        : ts_str_cmp(x->list[i]->name, y->list[j]->name);

        list[n++] = order <= 0 ? x->list[i] : y->list[j];
        i += order <= 0;
        j += order >= 0;
    }
    *t = (struct cedar_type){.kind = TYPE_ENTITY,
                             .as.entities = {.count = n, .list = list}};
    return t;
}

static const struct cedar_type *lub_entities(struct validate *v,
                                             const struct cedar_type *a,
                                             const struct cedar_type *b,
                                             bool strict, enum lub_help *why)
{
    /* Equal types and, in permissive mode, whatever meets TYPE_ANY_ENTITY were
     * settled by the subtype test. */
    if (strict) {
        *why = LUB_ENTITY_TYPE;
        return NULL;
    }
    return join_entities(v, &a->as.entities, &b->as.entities);
}

/* One attribute that both records have; false drops it or fails. */
static bool lub_attr(struct validate *v, const struct cedar_attr *a,
                     const struct cedar_attr *b, bool strict,
                     enum lub_help *why, struct cedar_attr *ret)
{
    const struct cedar_type *t = v_lub(v, a->type, b->type, strict, why);

    if (t == NULL)
        return false;
    if (strict && a->required != b->required) {
        *why = LUB_QUALIFIER;
        return false;
    }
    *ret = (struct cedar_attr){
        .name = a->name, .type = t, .required = a->required && b->required};
    return true;
}

static bool same_keys(const struct cedar_attrs *a, const struct cedar_attrs *b)
{
    if (a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++)
        if (!ts_str_eq(a->list[i].name, b->list[i].name))
            return false;
    return true;
}

/* The attributes of both, as far as they agree. */
static bool lub_attrs(struct validate *v, const struct cedar_attrs *a,
                      const struct cedar_attrs *b, bool strict,
                      enum lub_help *why, struct cedar_attrs *ret)
{
    uint32_t most = a->count < b->count ? a->count : b->count, n = 0;
    struct cedar_attr *list = v_temp(v, most, sizeof(*list));

    if (list == NULL || !v_spend(v, (uint64_t)a->count + b->count))
        return false;
    if (strict && !same_keys(a, b)) {
        *why = LUB_RECORD_WIDTH;
        return false;
    }
    for (uint32_t i = 0, j = 0; i < a->count && j < b->count;) {
        int order = cedar_str_order(a->list[i].name, b->list[j].name);

        if (order == 0 &&
            lub_attr(v, &a->list[i], &b->list[j], strict, why, &list[n]))
            n++;
        else if (order == 0 && strict)
            return false;
        i += order <= 0;
        j += order >= 0;
    }
    *ret = (struct cedar_attrs){.count = n, .list = list};
    ret->open = a->open || b->open || n != a->count || n != b->count;
    return v->err == TS_OK;
}

static const struct cedar_type *lub_records(struct validate *v,
                                            const struct cedar_type *a,
                                            const struct cedar_type *b,
                                            bool strict, enum lub_help *why)
{
    struct cedar_attrs *attrs = v_temp(v, 1, sizeof(*attrs));
    struct cedar_type *t = v_temp(v, 1, sizeof(*t));

    if (attrs == NULL || t == NULL ||
        !lub_attrs(v, a->as.attrs, b->as.attrs, strict, why, attrs))
        return NULL;
    *t = (struct cedar_type){.kind = TYPE_RECORD, .as.attrs = attrs};
    return t;
}

static bool is_bool(enum cedar_type_kind k)
{
    return k == TYPE_TRUE || k == TYPE_FALSE || k == TYPE_BOOL;
}

static bool is_entity(enum cedar_type_kind k)
{
    return k == TYPE_ENTITY || k == TYPE_ANY_ENTITY;
}

static const struct cedar_type *unrelated(struct validate *v,
                                          const struct cedar_type *a,
                                          const struct cedar_type *b,
                                          bool strict, enum lub_help *why)
{
    const struct cedar_type *elem;

    if (is_bool(a->kind) && is_bool(b->kind))
        return &v_bool;
    if (is_entity(a->kind) && is_entity(b->kind))
        return lub_entities(v, a, b, strict, why);
    if (a->kind == TYPE_RECORD && b->kind == TYPE_RECORD)
        return lub_records(v, a, b, strict, why);
    if ((is_entity(a->kind) && b->kind == TYPE_RECORD) ||
        (a->kind == TYPE_RECORD && is_entity(b->kind)))
        *why = LUB_ENTITY_RECORD;
    if (a->kind != TYPE_SET || b->kind != TYPE_SET)
        return NULL;
    elem = v_lub(v, a->as.elem, b->as.elem, strict, why);
    return elem != NULL ? v_set_type(v, elem) : NULL;
}

const struct cedar_type *v_lub(struct validate *v, const struct cedar_type *a,
                               const struct cedar_type *b, bool strict,
                               enum lub_help *why)
{
    const struct cedar_type *t;

    *why = LUB_NONE;
    if (v_subtype(v, a, b, strict))
        return b;
    if (v_subtype(v, b, a, strict))
        return a;
    if (v->err != TS_OK || !v_enter(v))
        return NULL;
    t = unrelated(v, a, b, strict, why);
    v_leave(v);
    return t;
}
