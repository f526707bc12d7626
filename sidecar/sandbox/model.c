/* The meaning of a filter, without a filter. */
#include "sidecar/sandbox/model.h"

#include <string.h>

bool sandbox_cond_holds(const struct sandbox_cond *c,
                        const uint64_t args[SANDBOX_ARGS])
{
    uint64_t v = args[c->arg];

    if (c->is32)
        v &= UINT32_MAX;
    v &= c->mask;
    for (uint32_t i = 0; i < c->count; i++) {
        if (v == c->values[i])
            return !c->differs;
    }
    return c->differs;
}

uint32_t sandbox_call_eval(const struct sandbox_call *c,
                           const uint64_t args[SANDBOX_ARGS])
{
    for (uint32_t i = 0; i < c->count; i++) {
        const struct sandbox_clause *k = &c->clauses[i];
        uint32_t held = 0;

        while (held < k->count && sandbox_cond_holds(&k->conds[held], args))
            held++;
        if (held == k->count)
            return k->action;
    }
    return c->action;
}

uint32_t sandbox_model_eval(const struct sandbox_model *m, uint32_t audit,
                            uint32_t nr, const uint64_t args[SANDBOX_ARGS])
{
    if (audit != sandbox_arch_audit(m->arch))
        return SANDBOX_KILL;
    if (m->arch == SANDBOX_X86_64 && nr >= SANDBOX_X32_BIT && nr != UINT32_MAX)
        return SANDBOX_KILL;
    if (nr >= SANDBOX_NR_END || m->by_nr[nr] == NULL)
        return SANDBOX_ABSENT;
    return sandbox_call_eval(m->by_nr[nr], args);
}

ts_err sandbox_model_prepend(struct sandbox_model *m, uint32_t nr,
                             const struct sandbox_clause *clause,
                             struct ts_arena *arena)
{
    static const struct sandbox_call absent = {.action = SANDBOX_ABSENT};
    const struct sandbox_call *old;
    struct sandbox_call *call;
    struct sandbox_clause *list;
    void *room;
    ts_err e;

    if (nr >= SANDBOX_NR_END)
        return TS_E_INVALID;
    old = m->by_nr[nr] != NULL ? m->by_nr[nr] : &absent;
    if ((e = ts_arena_array(arena, old->count + 1u, sizeof(*list), &room)) !=
        TS_OK)
        return e;
    list = room;
    list[0] = *clause;
    if (old->count > 0)
        memcpy(list + 1, old->clauses, old->count * sizeof(*list));
    if ((e = ts_arena_alloc(arena, sizeof(*call), &room)) != TS_OK)
        return e;
    call = room;
    *call = (struct sandbox_call){
        .clauses = list, .count = old->count + 1u, .action = old->action};
    m->by_nr[nr] = call;
    return TS_OK;
}

static bool cond_equal(const struct sandbox_cond *a,
                       const struct sandbox_cond *b)
{
    return a->arg == b->arg && a->is32 == b->is32 && a->differs == b->differs &&
           a->mask == b->mask && a->count == b->count &&
           memcmp(a->values, b->values, a->count * sizeof(a->values[0])) == 0;
}

bool sandbox_call_equal(const struct sandbox_call *a,
                        const struct sandbox_call *b)
{
    if (a == b)
        return true;
    if (a == NULL || b == NULL || a->action != b->action ||
        a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++) {
        const struct sandbox_clause *x = &a->clauses[i], *y = &b->clauses[i];

        if (x->action != y->action || x->count != y->count)
            return false;
        for (uint32_t j = 0; j < x->count; j++) {
            if (!cond_equal(&x->conds[j], &y->conds[j]))
                return false;
        }
    }
    return true;
}
