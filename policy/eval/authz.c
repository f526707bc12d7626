/*
 * "Cedar evaluates every policy": no short circuit, so that reasons and errors
 * are complete. A policy in error is skipped and recorded; a forbid that is
 * satisfied denies; else a permit that is satisfied allows; else deny.
 */
#include "policy/eval/eval_priv.h"

#include <string.h>

#include "policy/core/limits.h"
#include "policy/core/value.h"
#include "policy/eval/index.h"

/* Grows by doubling inside the arena; small answers take one small block. */
struct list {
    void *items;
    uint32_t count, cap;
};

struct authz {
    struct ev ev;
    struct list permits, forbids, errors;
    bool forbid_error;
};

static ts_err list_add(struct ts_arena *arena, struct list *l, size_t size,
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

static ts_err add_index(struct authz *az, struct list *l, uint32_t policy)
{
    void *slot;
    ts_err e = list_add(az->ev.arena, l, sizeof(uint32_t), &slot);

    if (e == TS_OK)
        memcpy(slot, &policy, sizeof(policy));
    return e;
}

static ts_err add_error(struct authz *az, uint32_t policy)
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

static ts_err judge(struct authz *az, uint32_t policy)
{
    const struct ev_policy *p = &az->ev.p->policies[policy];
    struct cedar_value v;

    if (!ev_scope_matches(&az->ev, p))
        return TS_OK;
    cedar_put_bool(&v, true);
    if (p->cond != EV_NO_COND &&
        !ev_eval_kind(&az->ev, p->cond, CEDAR_BOOL, &v)) {
        if (az->ev.fatal != TS_OK)
            return az->ev.fatal;
        return add_error(az, policy);
    }
    if (!v.as.boolean)
        return TS_OK;
    return add_index(
        az, p->effect == CEDAR_PERMIT ? &az->permits : &az->forbids, policy);
}

static ts_err judge_all(struct authz *az)
{
    ts_err e = TS_OK;

    for (uint32_t i = 0; e == TS_OK && i < az->ev.p->count; i++)
        e = judge(az, i);
    return e;
}

/* The same, for the candidates of the index, still in the order of the set. */
static ts_err judge_indexed(struct authz *az)
{
    size_t words = ((size_t)az->ev.p->count + 63) / 64;
    uint64_t few[4] = {0}, *bits = few;
    ts_err e = TS_OK;
    void *mem;

    if (words > sizeof(few) / sizeof(few[0])) {
        e = ts_arena_array(az->ev.arena, words, sizeof(*bits), &mem);
        if (e != TS_OK)
            return e;
        bits = mem;
    }
    ev_index_collect(az->ev.p->index, &az->ev, bits);
    for (size_t w = 0; w < words; w++) {
        uint64_t left = bits[w];

        for (; left != 0 && e == TS_OK; left &= left - 1)
            e = judge(az, (uint32_t)(w * 64) + (uint32_t)__builtin_ctzll(left));
        if (e != TS_OK)
            return e;
    }
    return TS_OK;
}

ts_err ev_authorize(const struct cedar_policies *p,
                    const struct cedar_entities *e,
                    const struct cedar_request *req, struct ts_arena *arena,
                    bool use_index, struct cedar_answer *ret)
{
    struct authz az = {
        .ev = {.p = p,
               .store = e,
               .req = req,
               .arena = arena,
               .work_max = CEDAR_WORK_BASE +
                           (uint64_t)p->count * CEDAR_WORK_PER_POLICY}};
    const struct list *reasons;
    ts_err err;

    if (req->context.kind != CEDAR_RECORD)
        return TS_E_INVALID;
    err = use_index && p->index != NULL ? judge_indexed(&az) : judge_all(&az);
    if (err != TS_OK)
        return err;
    reasons = az.forbids.count > 0 ? &az.forbids : &az.permits;
    *ret = (struct cedar_answer){
        .decision = az.forbids.count == 0 && az.permits.count > 0 ? CEDAR_ALLOW
                                                                  : CEDAR_DENY,
        .reasons = reasons->items,
        .reason_count = reasons->count,
        .satisfied_permits = az.permits.items,
        .permit_count = az.permits.count,
        .errors = az.errors.items,
        .error_count = az.errors.count,
        .forbid_error = az.forbid_error};
    return TS_OK;
}

ts_err cedar_authorize(const struct cedar_policies *p,
                       const struct cedar_entities *e,
                       const struct cedar_request *req, struct ts_arena *arena,
                       struct cedar_answer *ret)
{
    return ev_authorize(p, e, req, arena, true, ret);
}
