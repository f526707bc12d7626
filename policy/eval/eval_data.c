/* Attributes, tags and `like`, on values. */
#include "policy/core/diag.h"
#include "policy/eval/eval_priv.h"

static const struct cedar_value *missing_attr(struct ev *ev,
                                              const struct cedar_value *base,
                                              struct ts_str name,
                                              const char *what)
{
    struct cedar_quoted q = cedar_quote(name), id;

    if (base->kind == CEDAR_RECORD) {
        cedar_fault_set(&ev->fault, "missing_attribute",
                        "record does not have the attribute `%s`", q.s);
        return NULL;
    }
    id = cedar_quote(base->as.uid->id);
    cedar_fault_set(&ev->fault, "missing_attribute",
                    "`%.40s::\"%.40s\"` does not have the %s `%.40s`",
                    cedar_quote(base->as.uid->type).s, id.s, what, q.s);
    return NULL;
}

static const struct cedar_value *missing_entity(struct ev *ev,
                                                const struct cedar_uid *uid)
{
    cedar_fault_set(&ev->fault, "missing_entity",
                    "entity `%.60s::\"%.60s\"` does not exist",
                    cedar_quote(uid->type).s, cedar_quote(uid->id).s);
    return NULL;
}

/* "." and "[]": "If the attribute does not exist, evaluation is an error." */
static const struct cedar_value *
attr_fault(struct ev *ev, const struct cedar_value *base, struct ts_str name)
{
    if (base->kind == CEDAR_ENTITY && !ev_known(ev_find(ev, base->as.uid)))
        return missing_entity(ev, base->as.uid);
    if (base->kind == CEDAR_ENTITY || base->kind == CEDAR_RECORD)
        return missing_attr(ev, base, name, "attribute");
    cedar_fault_type(&ev->fault, "one of [record, entity]", base);
    return NULL;
}

const struct cedar_value *ev_attr(struct ev *ev, const struct cedar_value *base,
                                  struct ts_str name)
{
    const struct cedar_record *attrs = NULL;
    const struct cedar_value *v = NULL;

    if (base->kind == CEDAR_RECORD)
        attrs = base->as.record;
    else if (base->kind == CEDAR_ENTITY)
        attrs = ev_attrs(ev_find(ev, base->as.uid));
    if (attrs != NULL)
        v = cedar_record_find(attrs, name);
    return v != NULL ? v : attr_fault(ev, base, name);
}

/* Recursion follows the path, which is no longer than an expression is high. A
 * failure is not remembered: it is rare, and made again with its fault. */
const struct cedar_value *ev_path_walk(struct ev *ev, uint32_t path)
{
    const struct ev_path *p = &ev->p->paths[path];
    const struct cedar_value *base, *v = NULL;

    if (!ev_charge(ev, 1))
        return NULL;
    base = p->parent >= EV_PATH_VAR ? &ev->vars[p->parent - EV_PATH_VAR]
                                    : ev_path(ev, p->parent);
    if (base == NULL)
        return NULL;
    /* what most paths do, and ev_attr() would do after a call */
    if (base->kind == CEDAR_RECORD)
        v = cedar_record_find(base->as.record, p->attr);
    if (v == NULL && (v = ev_attr(ev, base, p->attr)) == NULL)
        return NULL;
    if (path < EV_PATHS_SHARED) {
        ev->paths[path] = v;
        ev->resolved |= (uint64_t)1 << path;
    }
    return v;
}

/* "has [...] evaluates to true if the operand has the attribute"; false for an
 * entity that does not exist. `has a.b.c` is
 * (x has a && x.a has b) && x.a.b has c. */
enum ev_truth ev_has(struct ev *ev, const struct cedar_value *base,
                     const struct ts_str *names, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct cedar_record *attrs;

        if (base->kind == CEDAR_RECORD)
            attrs = base->as.record;
        else if (base->kind == CEDAR_ENTITY)
            attrs = ev_attrs(ev_find(ev, base->as.uid));
        else
            return ev_type_fault(ev, "one of [record, entity]", base);
        base = attrs != NULL ? cedar_record_find(attrs, names[i]) : NULL;
        if (base == NULL)
            return EV_FALSE;
    }
    return EV_TRUE;
}

/* Both operands of hasTag and getTag: an entity and a string, in that order. */
static bool tag_operands(struct ev *ev, const struct cedar_value *ent,
                         const struct cedar_value *tag)
{
    if (ent->kind != CEDAR_ENTITY) {
        cedar_fault_type(&ev->fault, "entity", ent);
        return false;
    }
    if (tag->kind != CEDAR_STRING) {
        cedar_fault_type(&ev->fault, "string", tag);
        return false;
    }
    return true;
}

/* "hasTag() [...] false if the entity does not exist". Tags and attributes are
 * separate name spaces. */
enum ev_truth ev_has_tag(struct ev *ev, const struct cedar_value *ent,
                         const struct cedar_value *tag)
{
    const struct cedar_record *tags;

    if (!tag_operands(ev, ent, tag))
        return EV_FAIL;
    tags = ev_tags(ev_find(ev, ent->as.uid));
    return tags != NULL && cedar_record_find(tags, tag->as.string) != NULL
               ? EV_TRUE
               : EV_FALSE;
}

/* "getTag() [...] evaluation is an error if the tag does not exist". */
const struct cedar_value *ev_get_tag(struct ev *ev,
                                     const struct cedar_value *ent,
                                     const struct cedar_value *tag)
{
    const struct cedar_value *v = NULL;
    struct ev_entity found;

    if (!tag_operands(ev, ent, tag))
        return NULL;
    found = ev_find(ev, ent->as.uid);
    if (!ev_known(found))
        return missing_entity(ev, ent->as.uid);
    if (ev_tags(found) != NULL)
        v = cedar_record_find(ev_tags(found), tag->as.string);
    return v != NULL ? v : missing_attr(ev, ent, tag->as.string, "tag");
}

/* "like [...] * stands for any number of characters". */
enum ev_truth ev_like(struct ev *ev, const struct cedar_value *v,
                      const struct cedar_pattern *p)
{
    if (v->kind != CEDAR_STRING)
        return ev_type_fault(ev, "string", v);
    if (!ev_charge(ev, cedar_value_cost(v)))
        return EV_FAIL;
    return cedar_pattern_match(p, v->as.string) ? EV_TRUE : EV_FALSE;
}
