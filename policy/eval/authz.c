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
        err = use_index && p->index != NULL ? ev_judge_indexed(&az)
                                            : ev_judge_all(&az);
    return err == TS_OK ? ev_authz_answer(&az, ret) : err;
}

ts_err cedar_authorize(const struct cedar_policies *p,
                       const struct cedar_entities *e,
                       const struct cedar_request *req, struct ts_arena *arena,
                       struct cedar_answer *ret)
{
    return ev_authorize(p, e, req, arena, true, ret);
}
