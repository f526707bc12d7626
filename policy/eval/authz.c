/*
 * "Cedar evaluates every policy": no short circuit, so that reasons and errors
 * are complete. A policy in error is skipped and recorded; a forbid that is
 * satisfied denies; else a permit that is satisfied allows; else deny.
 */
#include "policy/eval/authz.h"

#include <string.h>

#include "policy/core/sort.h"

static ts_err list_add(struct ts_arena *arena, struct ev_list *l, size_t size,
                       void **ret)
{
    if (l->count == l->cap) {
        uint32_t cap = l->cap == 0 ? 4 : l->cap * 2;
        void *mem;
        ts_err e = ts_arena_array(arena, cap, size, &mem);

        if (e != TS_OK)
            return e;
        if (l->count > 0)
            memcpy(mem, l->items, l->count * size);
        l->items = mem;
        l->cap = cap;
    }
    *ret = (char *)l->items + l->count++ * size;
    return TS_OK;
}

static ts_err add_index(struct ev_authz *az, struct ev_list *l, uint32_t policy)
{
    void *slot;
    ts_err e = list_add(az->ev.arena, l, sizeof(uint32_t), &slot);

    if (e == TS_OK)
        memcpy(slot, &policy, sizeof(policy));
    return e;
}

static ts_err add_error(struct ev_authz *az, uint32_t policy)
{
    struct cedar_error *err;
    void *slot;
    ts_err e = list_add(az->ev.arena, &az->errors, sizeof(*err), &slot);

    if (e != TS_OK)
        return e;
    err = slot;
    err->policy = policy;
    err->code = az->ev.fault.code;
    memcpy(err->text, az->ev.fault.text, sizeof(err->text));
    if (az->ev.p->policies[policy].effect == CEDAR_FORBID)
        az->forbid_error = true;
    return TS_OK;
}

ts_err ev_authz_note(struct ev_authz *az, uint32_t policy, enum ev_truth t)
{
    if (t == EV_FALSE)
        return TS_OK;
    if (t == EV_FAIL)
        return az->ev.fatal != TS_OK ? az->ev.fatal : add_error(az, policy);
    return add_index(az,
                     az->ev.p->policies[policy].effect == CEDAR_PERMIT
                         ? &az->permits
                         : &az->forbids,
                     policy);
}

static ts_err judge(struct ev_authz *az, uint32_t policy, uint32_t cond)
{
    enum ev_truth t =
        cond == EV_NO_COND ? EV_TRUE : ev_condition(&az->ev, cond);

    return t == EV_FALSE ? TS_OK : ev_authz_note(az, policy, t);
}

static ts_err judge_all(struct ev_authz *az)
{
    ts_err e = TS_OK;

    for (uint32_t i = 0; e == TS_OK && i < az->ev.p->count; i++) {
        const struct ev_policy *p = &az->ev.p->policies[i];

        if (ev_scope_matches(&az->ev, p))
            e = judge(az, i, p->cond);
    }
    return e;
}

/* ---- candidates -------------------------------------------------------- */

/* The request in the numbers of the index. */
struct asked {
    uint64_t actions;
    uint32_t types[2]; /* principal, resource; CEDAR_UIDMAP_NONE: no scope
                          asks for this type */
};

/* What filing left open about a candidate whose actions overlap. */
static inline bool still_matches(const struct ev *ev, const struct asked *q,
                                 const struct ev_entry *x)
{
    unsigned left = (x->flags & EV_FILED_LEFT_PRINCIPAL) != 0 ? 0 : 1;
    enum ev_var var = left == 0 ? EV_PRINCIPAL : EV_RESOURCE;
    const struct cedar_uid *uid = ev->vars[var].as.uid;

    if ((x->flags & EV_FILED_MANY) != 0 &&
        __builtin_ctzll(x->actions & q->actions) != x->under)
        return false;
    if ((x->flags & EV_FILED_WHOLE) != 0)
        return ev_scope_matches(ev, &ev->p->policies[x->policy]);
    if ((x->flags & EV_FILED_OTHER_IS) != 0 && q->types[left] != x->type)
        return false;
    if ((x->flags & EV_FILED_OTHER_EQ) != 0)
        return cedar_uid_same(uid, x->other);
    if ((x->flags & EV_FILED_OTHER_IN) != 0)
        return ev_entity_below(ev->entities[var], uid, x->other);
    return true;
}

static ts_err walk(struct ev_authz *az, const struct asked *q, uint32_t at,
                   bool self)
{
    const struct ev_entry *x = &az->ev.p->index->entries[at];

    for (;; x++) {
        if ((x->actions & q->actions) != 0 &&
            (self || (x->flags & EV_FILED_SELF) == 0) &&
            still_matches(&az->ev, q, x)) {
            ts_err e = judge(az, x->policy, x->cond);

            if (e != TS_OK)
                return e;
        }
        if (x->last)
            return TS_OK;
    }
}

static ts_err probe(struct ev_authz *az, const struct asked *q,
                    enum ev_role role, const struct cedar_uid *uid, bool self)
{
    uint32_t at = cedar_uidmap_find(&az->ev.p->index->by[role], uid);

    return at == CEDAR_UIDMAP_NONE ? TS_OK : walk(az, q, at, self);
}

static ts_err probe_entity(struct ev_authz *az, const struct asked *q,
                           enum ev_role role, enum ev_var var)
{
    const struct cedar_uidmap *map = &az->ev.p->index->by[role];
    struct ev_entity ent = az->ev.entities[var];
    ts_err e;

    if (map->count == 0)
        return TS_OK;
    e = probe(az, q, role, az->ev.vars[var].as.uid, true);
    if (ent.overlay != NULL) {
        for (size_t i = 0; e == TS_OK && i < ent.overlay->ancestor_count; i++)
            e = probe(az, q, role, &ent.overlay->ancestors[i], false);
    } else if (ent.stored != NULL) {
        for (uint32_t i = 0; e == TS_OK && i < ent.stored->ancestor_count; i++)
            if (cedar_uidmap_may_hold(map, ent.stored->hashes[i]))
                e = probe(az, q, role, ent.stored->ancestors[i], false);
    }
    return e;
}

static uint64_t number_action(const struct cedar_uidmap *m,
                              const struct cedar_uid *uid, bool self)
{
    uint32_t n = cedar_uidmap_find(m, uid);

    if (n == CEDAR_UIDMAP_NONE)
        return 0;
    return (uint64_t)1 << (n >> 8) | (self ? (uint64_t)1 << (n & 0xff) : 0);
}

static uint64_t number_actions(const struct ev *ev)
{
    const struct cedar_uidmap *m = &ev->p->index->actions;
    struct ev_entity ent = ev->entities[EV_ACTION];
    uint64_t actions = (uint64_t)1 << EV_ACTION_ANY;

    actions |= number_action(m, ev->vars[EV_ACTION].as.uid, true);
    if (ent.overlay != NULL) {
        for (size_t i = 0; i < ent.overlay->ancestor_count; i++)
            actions |= number_action(m, &ent.overlay->ancestors[i], false);
    } else if (ent.stored != NULL) {
        for (uint32_t i = 0; i < ent.stored->ancestor_count; i++)
            if (cedar_uidmap_may_hold(m, ent.stored->hashes[i]))
                actions |= number_action(m, ent.stored->ancestors[i], false);
    }
    return actions;
}

static uint32_t number_type(const struct ev *ev, enum ev_var var,
                            struct cedar_uid *ret)
{
    const struct cedar_uidmap *m = &ev->p->index->types;

    if (m->count == 0)
        return CEDAR_UIDMAP_NONE;
    *ret = cedar_uid_make(ev->vars[var].as.uid->type, TS_STR_LIT(""));
    return cedar_uidmap_find(m, ret);
}

static ts_err judge_indexed(struct ev_authz *az)
{
    const struct ev_index *ix = az->ev.p->index;
    struct cedar_uid types[2];
    struct asked q = {.actions = number_actions(&az->ev),
                      .types = {number_type(&az->ev, EV_PRINCIPAL, &types[0]),
                                number_type(&az->ev, EV_RESOURCE, &types[1])}};
    ts_err e =
        ix->any != CEDAR_UIDMAP_NONE ? walk(az, &q, ix->any, true) : TS_OK;

    if (e != TS_OK ||
        (e = probe_entity(az, &q, EV_BY_PRINCIPAL, EV_PRINCIPAL)) != TS_OK ||
        (e = probe_entity(az, &q, EV_BY_RESOURCE, EV_RESOURCE)) != TS_OK ||
        (e = probe_entity(az, &q, EV_BY_ACTION, EV_ACTION)) != TS_OK)
        return e;
    for (unsigned i = 0; i < 2; i++)
        if (q.types[i] != CEDAR_UIDMAP_NONE &&
            (e = probe(az, &q,
                       i == 0 ? EV_BY_PRINCIPAL_TYPE : EV_BY_RESOURCE_TYPE,
                       &types[i], true)) != TS_OK)
            return e;
    return TS_OK;
}

/* ---- the answer -------------------------------------------------------- */

/* Lists were walked in the order of anchors; answers are in that of the set. */
static int policy_order(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static int error_order(const void *a, const void *b)
{
    const struct cedar_error *const *x = a, *const *y = b;

    return policy_order(&(*x)->policy, &(*y)->policy);
}

/* Errors are large: their places are sorted, then they move once. */
static ts_err sort_errors(struct ev_authz *az)
{
    struct ev_list *l = &az->errors;
    const struct cedar_error *items = l->items, **by;
    struct cedar_error *out;
    uint32_t kept = 1;
    void *mem;
    ts_err e;

    if (l->count < 2)
        return TS_OK;
    if ((e = ts_arena_array(az->ev.arena, l->count, sizeof(*by), &mem)) !=
        TS_OK)
        return e;
    by = mem;
    if ((e = ts_arena_array(az->ev.arena, l->count, sizeof(*out), &mem)) !=
        TS_OK)
        return e;
    out = mem;
    for (uint32_t i = 0; i < l->count; i++)
        by[i] = &items[i];
    cedar_sort(by, l->count, sizeof(*by), error_order);
    out[0] = *by[0];
    for (uint32_t i = 1; i < l->count; i++)
        if (by[i]->policy != out[kept - 1].policy)
            out[kept++] = *by[i];
    l->items = out;
    l->count = kept;
    return TS_OK;
}

/* A policy stands twice where an overlay names one ancestor twice. */
static void sort_policies(struct ev_list *l)
{
    uint32_t *items = l->items, kept = 1;

    if (l->count < 2)
        return;
    cedar_sort(items, l->count, sizeof(*items), policy_order);
    for (uint32_t i = 1; i < l->count; i++)
        if (items[i] != items[kept - 1])
            items[kept++] = items[i];
    l->count = kept;
}

ts_err ev_authz_answer(struct ev_authz *az, struct cedar_answer *ret)
{
    const struct ev_list *reasons;
    ts_err e = sort_errors(az);

    if (e != TS_OK)
        return e;
    sort_policies(&az->permits);
    sort_policies(&az->forbids);
    reasons = az->forbids.count > 0 ? &az->forbids : &az->permits;
    *ret = (struct cedar_answer){.decision = az->forbids.count == 0 &&
                                                     az->permits.count > 0
                                                 ? CEDAR_ALLOW
                                                 : CEDAR_DENY,
                                 .reasons = reasons->items,
                                 .reason_count = reasons->count,
                                 .satisfied_permits = az->permits.items,
                                 .permit_count = az->permits.count,
                                 .errors = az->errors.items,
                                 .error_count = az->errors.count,
                                 .forbid_error = az->forbid_error};
    return TS_OK;
}

ts_err ev_authz_init(struct ev_authz *az, const struct cedar_policies *p,
                     const struct cedar_entities *e,
                     const struct cedar_request *req, struct ts_arena *arena)
{
    if (req->context.kind != CEDAR_RECORD)
        return TS_E_INVALID;
    ev_init(&az->ev, p, e, req, arena);
    az->permits = az->forbids = az->errors = (struct ev_list){0};
    az->forbid_error = false;
    return TS_OK;
}

ts_err ev_authorize(const struct cedar_policies *p,
                    const struct cedar_entities *e,
                    const struct cedar_request *req, struct ts_arena *arena,
                    bool use_index, struct cedar_answer *ret)
{
    EV_UNINIT struct ev_authz az;
    ts_err err = ev_authz_init(&az, p, e, req, arena);

    if (err == TS_OK)
        err =
            use_index && p->index != NULL ? judge_indexed(&az) : judge_all(&az);
    return err == TS_OK ? ev_authz_answer(&az, ret) : err;
}

ts_err cedar_authorize(const struct cedar_policies *p,
                       const struct cedar_entities *e,
                       const struct cedar_request *req, struct ts_arena *arena,
                       struct cedar_answer *ret)
{
    return ev_authorize(p, e, req, arena, true, ret);
}
