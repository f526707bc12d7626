/* Entities: where they are found, `in`, `is`, and scopes. */
#include "policy/core/uid.h"
#include "policy/core/value.h"
#include "policy/eval/eval_priv.h"

/* Above this many ancestors bisection beats comparing hashes in a row. */
#define LINEAR_MAX 16

static void find(const struct ev *ev, const struct cedar_uid *uid,
                 struct ev_entity *ret)
{
    const struct cedar_request *req = ev->req;
    const struct entity *ent;

    *ret = (struct ev_entity){.looked_up = true};
    for (size_t i = 0; i < req->overlay_count; i++) {
        const struct cedar_overlay *o = &req->overlay[i];

        if (!cedar_uid_same(&o->uid, uid))
            continue;
        ret->known = true;
        if (o->attrs.kind == CEDAR_RECORD)
            ret->attrs = o->attrs.as.record;
        ret->overlay_ancestors = o->ancestors;
        ret->overlay_count = o->ancestor_count;
        return;
    }
    ent = ev->store != NULL ? cedar_entity_find(ev->store, uid) : NULL;
    if (ent == NULL)
        return;
    ret->known = true;
    ret->attrs = ent->attrs;
    ret->tags = ent->tags;
    ret->ancestors = ent->ancestors;
    ret->ancestor_count = ent->ancestor_count;
}

const struct ev_entity *ev_var_entity(struct ev *ev, enum ev_var var)
{
    struct ev_entity *ent = &ev->vars[var];

    if (!ent->looked_up) {
        const struct cedar_uid *uid = &ev->req->principal;

        if (var == EV_ACTION)
            uid = &ev->req->action;
        else if (var == EV_RESOURCE)
            uid = &ev->req->resource;
        find(ev, uid, ent);
    }
    return ent;
}

const struct ev_entity *ev_find(struct ev *ev, const struct cedar_uid *uid,
                                struct ev_entity *scratch)
{
    if (uid == &ev->req->principal)
        return ev_var_entity(ev, EV_PRINCIPAL);
    if (uid == &ev->req->resource)
        return ev_var_entity(ev, EV_RESOURCE);
    if (uid == &ev->req->action)
        return ev_var_entity(ev, EV_ACTION);
    find(ev, uid, scratch);
    return scratch;
}

/* "in [...] true if the left operand is the right one or its descendant": so
 * every entity is in itself, known or not. */
bool ev_entity_below(const struct ev_entity *ent, const struct cedar_uid *uid,
                     const struct cedar_uid *ancestor)
{
    size_t lo = 0, hi = ent->ancestor_count;

    if (cedar_uid_same(uid, ancestor))
        return true;
    for (size_t i = 0; i < ent->overlay_count; i++)
        if (cedar_uid_same(&ent->overlay_ancestors[i], ancestor))
            return true;
    while (hi - lo > LINEAR_MAX) {
        size_t mid = lo + (hi - lo) / 2;
        int c = cedar_uid_cmp(ent->ancestors[mid], ancestor);

        if (c == 0)
            return true;
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < hi; lo++)
        if (cedar_uid_same(ent->ancestors[lo], ancestor))
            return true;
    return false;
}

/* Left of `in`, right of it: an entity, or a set of entities only. Entities
 * stand together in a sorted set, so its two ends tell. */
static bool in_value(struct ev *ev, const struct cedar_uid *uid,
                     const struct cedar_value *right, struct cedar_value *ret)
{
    const struct cedar_set *s;
    const struct ev_entity *ent;
    struct ev_entity scratch;
    bool found = false;

    if (right->kind == CEDAR_ENTITY) {
        if (cedar_uid_same(uid, right->as.uid))
            found = true;
        else
            found =
                ev_entity_below(ev_find(ev, uid, &scratch), uid, right->as.uid);
        cedar_put_bool(ret, found);
        return true;
    }
    if (right->kind != CEDAR_SET) {
        cedar_fault_type(&ev->fault, "one of [set, entity]", right);
        return false;
    }
    s = right->as.set;
    if (s->count > 0 && s->items[0].kind != CEDAR_ENTITY) {
        cedar_fault_type(&ev->fault, "entity", &s->items[0]);
        return false;
    }
    if (s->count > 0 && s->items[s->count - 1].kind != CEDAR_ENTITY) {
        cedar_fault_type(&ev->fault, "entity", &s->items[s->count - 1]);
        return false;
    }
    ent = ev_find(ev, uid, &scratch);
    if (!ev_charge(ev, s->count * (1 + ent->overlay_count / 8)))
        return false;
    for (uint32_t i = 0; i < s->count && !found; i++)
        found = ev_entity_below(ent, uid, s->items[i].as.uid);
    cedar_put_bool(ret, found);
    return true;
}

bool ev_op_in(struct ev *ev, const struct ev_node *n, struct cedar_value *ret)
{
    struct cedar_value left, right;

    if (!ev_eval(ev, n->a, &left) || !ev_eval(ev, n->b, &right))
        return false;
    if (left.kind != CEDAR_ENTITY) {
        cedar_fault_type(&ev->fault, "entity", &left);
        return false;
    }
    return in_value(ev, left.as.uid, &right, ret);
}

/* "is [...] true if the left operand has the named entity type". */
bool ev_op_is(struct ev *ev, const struct ev_node *n, struct cedar_value *ret)
{
    struct cedar_value v;

    if (!ev_eval_kind(ev, n->a, CEDAR_ENTITY, &v))
        return false;
    cedar_put_bool(ret, ts_str_eq(v.as.uid->type, ev->p->types[n->b]));
    return true;
}

/* "e is T in f" is "(e is T) && (e in f)". */
bool ev_op_is_in(struct ev *ev, const struct ev_node *n,
                 struct cedar_value *ret)
{
    struct cedar_value v, right;

    if (!ev_eval_kind(ev, n->a, CEDAR_ENTITY, &v))
        return false;
    if (!ts_str_eq(v.as.uid->type, ev->p->types[n->b])) {
        cedar_put_bool(ret, false);
        return true;
    }
    return ev_eval(ev, n->c, &right) && in_value(ev, v.as.uid, &right, ret);
}

static bool below_marked(struct ev *ev, enum ev_var var,
                         const struct cedar_uid *uid, const struct ev_scope *s,
                         uint32_t i)
{
    bool memorise = ev->p->marks <= EV_MARKS_MAX, below;
    uint32_t mark = s->marks[i];

    if (memorise && ev->marks[mark] != 0)
        return ev->marks[mark] == 2;
    below = ev_entity_below(ev_var_entity(ev, var), uid, s->uids[i]);
    if (memorise)
        ev->marks[mark] = below ? 2 : 1;
    return below;
}

/* In the loop over all policies, three times each: not worth a call. */
static inline __attribute__((always_inline)) bool
scope_one(struct ev *ev, enum ev_var var, const struct cedar_uid *uid,
          const struct ev_scope *s)
{
    if (s->op == EV_ANY)
        return true;
    if (s->op == EV_SCOPE_EQ)
        return cedar_uid_same(uid, s->uids[0]);
    if (s->op == EV_SCOPE_IS) {
        if (!ts_str_eq(uid->type, s->type))
            return false;
        if (s->count == 0)
            return true;
    }
    for (uint32_t i = 0; i < s->count; i++)
        if (below_marked(ev, var, uid, s, i))
            return true;
    return false;
}

bool ev_scope_matches(struct ev *ev, const struct ev_policy *p)
{
    return scope_one(ev, EV_ACTION, &ev->req->action, &p->action) &&
           scope_one(ev, EV_PRINCIPAL, &ev->req->principal, &p->principal) &&
           scope_one(ev, EV_RESOURCE, &ev->req->resource, &p->resource);
}
