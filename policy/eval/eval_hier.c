/* Entities: `in`, and scopes. */
#include "policy/eval/eval_priv.h"

/* Above this many ancestors bisection beats comparing hashes in a row. */
#define LINEAR_MAX 16

/* Equal hashes stand together; more than one of them only by malice. */
static bool among(const struct entity *ent, const struct cedar_uid *uid)
{
    uint32_t lo = 0, hi = ent->ancestor_count;

    while (hi - lo > LINEAR_MAX) {
        uint32_t mid = lo + (hi - lo) / 2;
        int c = cedar_uid_cmp(ent->ancestors[mid], uid);

        if (c == 0)
            return true;
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < hi; lo++)
        if (ent->hashes[lo] == uid->hash &&
            cedar_uid_same(ent->ancestors[lo], uid))
            return true;
    return false;
}

/* "in [...] true if the left operand is the right one or its descendant": so
 * every entity is in itself, known or not. */
bool ev_entity_below(struct ev_entity ent, const struct cedar_uid *uid,
                     const struct cedar_uid *ancestor)
{
    if (cedar_uid_same(uid, ancestor))
        return true;
    if (ent.overlay == NULL)
        return ent.stored != NULL && among(ent.stored, ancestor);
    for (size_t i = 0; i < ent.overlay->ancestor_count; i++)
        if (cedar_uid_same(&ent.overlay->ancestors[i], ancestor))
            return true;
    return false;
}

/* Left of `in`, right of it: an entity, or a set of entities only. Entities
 * stand together in a sorted set, so its two ends tell. */
enum ev_truth ev_in(struct ev *ev, const struct cedar_value *left,
                    const struct cedar_value *right)
{
    const struct cedar_uid *uid;
    const struct cedar_set *s;
    struct ev_entity ent;
    size_t cost;

    if (left->kind != CEDAR_ENTITY)
        return ev_type_fault(ev, "entity", left);
    uid = left->as.uid;
    if (right->kind == CEDAR_ENTITY)
        return cedar_uid_same(uid, right->as.uid) ||
                       ev_entity_below(ev_find(ev, uid), uid, right->as.uid)
                   ? EV_TRUE
                   : EV_FALSE;
    if (right->kind != CEDAR_SET)
        return ev_type_fault(ev, "one of [set, entity]", right);
    s = right->as.set;
    if (s->count > 0 && s->items[0].kind != CEDAR_ENTITY)
        return ev_type_fault(ev, "entity", &s->items[0]);
    if (s->count > 0 && s->items[s->count - 1].kind != CEDAR_ENTITY)
        return ev_type_fault(ev, "entity", &s->items[s->count - 1]);
    ent = ev_find(ev, uid);
    cost = ent.overlay != NULL ? ent.overlay->ancestor_count : 0;
    if (!ev_charge(ev, s->count * (1 + cost / 8)))
        return EV_FAIL;
    for (uint32_t i = 0; i < s->count; i++)
        if (ev_entity_below(ent, uid, s->items[i].as.uid))
            return EV_TRUE;
    return EV_FALSE;
}

bool ev_scope_one(const struct ev *ev, enum ev_var var,
                  const struct ev_scope *s)
{
    const struct cedar_uid *uid = ev->vars[var].as.uid;

    if (s->op == EV_ANY)
        return true;
    if (s->op == EV_SCOPE_EQ)
        return cedar_uid_same(uid, s->uids[0]);
    if (s->op == EV_SCOPE_IS) {
        if (!cedar_str_same(uid->type, s->type))
            return false;
        if (s->count == 0)
            return true;
    }
    for (uint32_t i = 0; i < s->count; i++)
        if (ev_entity_below(ev->entities[var], uid, s->uids[i]))
            return true;
    return false;
}

bool ev_scope_matches(const struct ev *ev, const struct ev_policy *p)
{
    return ev_scope_one(ev, EV_ACTION, &p->action) &&
           ev_scope_one(ev, EV_PRINCIPAL, &p->principal) &&
           ev_scope_one(ev, EV_RESOURCE, &p->resource);
}
