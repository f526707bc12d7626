/* Attributes, tags, strings, records and extension calls. */
#include "policy/core/diag.h"
#include "policy/core/ext.h"
#include "policy/core/value.h"
#include "policy/eval/eval_priv.h"

static bool missing_attr(struct ev *ev, const struct cedar_value *base,
                         struct ts_str name, const char *what)
{
    struct cedar_quoted q = cedar_quote(name), id;

    if (base->kind == CEDAR_RECORD) {
        cedar_fault_set(&ev->fault, "missing_attribute",
                        "record does not have the attribute `%s`", q.s);
        return false;
    }
    id = cedar_quote(base->as.uid->id);
    cedar_fault_set(&ev->fault, "missing_attribute",
                    "`%.40s::\"%.40s\"` does not have the %s `%.40s`",
                    cedar_quote(base->as.uid->type).s, id.s, what, q.s);
    return false;
}

static bool missing_entity(struct ev *ev, const struct cedar_uid *uid)
{
    cedar_fault_set(&ev->fault, "missing_entity",
                    "entity `%.60s::\"%.60s\"` does not exist",
                    cedar_quote(uid->type).s, cedar_quote(uid->id).s);
    return false;
}

/* "." and "[]": "If the attribute does not exist, evaluation is an error." */
bool ev_op_get(struct ev *ev, const struct ev_node *n, struct cedar_value *ret)
{
    struct ts_str name = ev->p->strs[n->b];
    const struct cedar_record *attrs;
    const struct cedar_value *v;
    const struct ev_entity *ent;
    struct ev_entity scratch;
    struct cedar_value base;

    if (!ev_eval(ev, n->a, &base))
        return false;
    if (base.kind == CEDAR_RECORD) {
        attrs = base.as.record;
    } else if (base.kind == CEDAR_ENTITY) {
        ent = ev_find(ev, base.as.uid, &scratch);
        if (!ent->known)
            return missing_entity(ev, base.as.uid);
        attrs = ent->attrs;
    } else {
        cedar_fault_type(&ev->fault, "one of [record, entity]", &base);
        return false;
    }
    v = attrs != NULL ? cedar_record_get(attrs, name) : NULL;
    if (v == NULL)
        return missing_attr(ev, &base, name, "attribute");
    *ret = *v;
    return true;
}

/* "has [...] evaluates to true if the operand has the attribute"; false for an
 * entity that does not exist. `has a.b.c` is
 * (x has a && x.a has b) && x.a.b has c. */
bool ev_op_has(struct ev *ev, const struct ev_node *n, struct cedar_value *ret)
{
    const struct cedar_value *v = NULL;
    struct cedar_value base;

    if (!ev_eval(ev, n->a, &base))
        return false;
    for (uint32_t i = 0; i < n->n; i++) {
        const struct cedar_record *attrs;
        struct ev_entity scratch;

        if (base.kind == CEDAR_RECORD) {
            attrs = base.as.record;
        } else if (base.kind == CEDAR_ENTITY) {
            attrs = ev_find(ev, base.as.uid, &scratch)->attrs;
        } else {
            cedar_fault_type(&ev->fault, "one of [record, entity]", &base);
            return false;
        }
        v = attrs != NULL ? cedar_record_get(attrs, ev->p->strs[n->b + i])
                          : NULL;
        if (v == NULL)
            break;
        base = *v;
    }
    cedar_put_bool(ret, v != NULL);
    return true;
}

/* Both operands of hasTag and getTag: an entity and a string, in that order. */
static bool tag_operands(struct ev *ev, const struct ev_node *n,
                         struct cedar_value *ent, struct cedar_value *tag)
{
    if (!ev_eval(ev, n->a, ent) || !ev_eval(ev, n->b, tag))
        return false;
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
bool ev_op_has_tag(struct ev *ev, const struct ev_node *n,
                   struct cedar_value *ret)
{
    struct cedar_value ent, tag;
    const struct cedar_record *tags;
    struct ev_entity scratch;

    if (!tag_operands(ev, n, &ent, &tag))
        return false;
    tags = ev_find(ev, ent.as.uid, &scratch)->tags;
    cedar_put_bool(ret, tags != NULL &&
                            cedar_record_get(tags, tag.as.string) != NULL);
    return true;
}

/* "getTag() [...] evaluation is an error if the tag does not exist". */
bool ev_op_get_tag(struct ev *ev, const struct ev_node *n,
                   struct cedar_value *ret)
{
    const struct cedar_value *v = NULL;
    const struct ev_entity *found;
    struct cedar_value ent, tag;
    struct ev_entity scratch;

    if (!tag_operands(ev, n, &ent, &tag))
        return false;
    found = ev_find(ev, ent.as.uid, &scratch);
    if (!found->known)
        return missing_entity(ev, ent.as.uid);
    if (found->tags != NULL)
        v = cedar_record_get(found->tags, tag.as.string);
    if (v == NULL)
        return missing_attr(ev, &ent, tag.as.string, "tag");
    *ret = *v;
    return true;
}

/* "like [...] * stands for any number of characters". */
bool ev_op_like(struct ev *ev, const struct ev_node *n, struct cedar_value *ret)
{
    struct cedar_value v;

    if (!ev_eval_kind(ev, n->a, CEDAR_STRING, &v) ||
        !ev_charge(ev, cedar_value_cost(&v)))
        return false;
    cedar_put_bool(ret,
                   cedar_pattern_match(&ev->p->patterns[n->b], v.as.string));
    return true;
}

/* A record whose fields are not all constant. Lowering has sorted the keys. */
bool ev_op_record(struct ev *ev, const struct ev_node *n,
                  struct cedar_value *ret)
{
    struct cedar_field *fields;
    void *mem;
    ts_err e = ts_arena_array(ev->arena, n->n, sizeof(*fields), &mem);

    if (e != TS_OK)
        return ev_fatal(ev, e);
    fields = mem;
    for (uint32_t i = 0; i < n->n; i++) {
        fields[i].key = ev->p->strs[n->b + i];
        if (!ev_eval(ev, ev->p->kids[n->a + i], &fields[i].value))
            return false;
    }
    e = cedar_record_make(ev->arena, fields, n->n, ret);
    return e == TS_OK ? ev_charge(ev, n->n) : ev_fatal(ev, e);
}

/* An extension function: all arguments have values before they are counted. */
bool ev_op_ext(struct ev *ev, const struct ev_node *n, struct cedar_value *ret)
{
    struct cedar_value args[CEDAR_EXT_ARGS_MAX], spare;

    for (uint32_t i = 0; i < n->n; i++)
        if (!ev_eval(ev, ev->p->kids[n->a + i],
                     i < CEDAR_EXT_ARGS_MAX ? &args[i] : &spare))
            return false;
    return cedar_ext_call((enum cedar_ext)n->sub, args, n->n, ret, &ev->fault);
}
