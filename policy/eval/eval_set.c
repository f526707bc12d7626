/* Sets and records. Members are sorted, so membership is a bisection. */
#include "policy/eval/eval_priv.h"

/* How many comparisons a search among n takes, at least 1. */
static uint32_t log2_of(uint32_t n)
{
    return 32 - (uint32_t)__builtin_clz(n | 1);
}

struct cedar_value *ev_set_room(struct ev *ev, uint32_t n)
{
    void *mem;
    ts_err e = ts_arena_array(ev->arena, n, sizeof(struct cedar_value), &mem);

    if (e == TS_OK)
        return mem;
    (void)ev_fatal(ev, e); /* NULL says it */
    return NULL;
}

/* Sorting compares each member with about log2(n) others. */
bool ev_set_charge(struct ev *ev, const struct cedar_value *item, uint32_t n)
{
    return ev_charge(ev, cedar_value_cost(item) * log2_of(n));
}

bool ev_set_make(struct ev *ev, const struct cedar_value *items, uint32_t n,
                 struct cedar_value *ret)
{
    ts_err e = cedar_set_make(ev->arena, items, n, ret);

    return e == TS_OK || ev_fatal(ev, e);
}

struct cedar_field *ev_record_room(struct ev *ev, uint32_t n)
{
    void *mem;
    ts_err e = ts_arena_array(ev->arena, n, sizeof(struct cedar_field), &mem);

    if (e == TS_OK)
        return mem;
    (void)ev_fatal(ev, e); /* NULL says it */
    return NULL;
}

bool ev_record_make(struct ev *ev, const struct cedar_field *fields, uint32_t n,
                    struct cedar_value *ret)
{
    ts_err e = cedar_record_make(ev->arena, fields, n, ret);

    return e == TS_OK ? ev_charge(ev, n) : ev_fatal(ev, e);
}

/* "contains() [...] true if the receiver set has the argument as a member". */
enum ev_truth ev_contains(struct ev *ev, const struct cedar_value *s,
                          const struct cedar_value *v)
{
    if (s->kind != CEDAR_SET)
        return ev_type_fault(ev, "set", s);
    if (!ev_charge(ev, cedar_value_cost(v) * log2_of(s->as.set->count)))
        return EV_FAIL;
    return cedar_set_has(s->as.set, v) ? EV_TRUE : EV_FALSE;
}

static bool two_sets(struct ev *ev, const struct cedar_value *a,
                     const struct cedar_value *b)
{
    const struct cedar_value *bad = a->kind != CEDAR_SET ? a : b;

    if (bad->kind == CEDAR_SET)
        return true;
    cedar_fault_type(&ev->fault, "set", bad);
    return false;
}

/* "containsAll() [...] true if every member of the argument is in the
 * receiver". */
enum ev_truth ev_contains_all(struct ev *ev, const struct cedar_value *a,
                              const struct cedar_value *b)
{
    const struct cedar_set *x, *y;

    if (!two_sets(ev, a, b))
        return EV_FAIL;
    x = a->as.set;
    y = b->as.set;
    if (!ev_charge(ev, y->cost * log2_of(x->count)))
        return EV_FAIL;
    for (uint32_t i = 0; i < y->count; i++)
        if (!cedar_set_has(x, &y->items[i]))
            return EV_FALSE;
    return EV_TRUE;
}

/* "containsAny() [...] true if the two sets have a member in common". */
enum ev_truth ev_contains_any(struct ev *ev, const struct cedar_value *a,
                              const struct cedar_value *b)
{
    const struct cedar_set *x, *y;

    if (!two_sets(ev, a, b))
        return EV_FAIL;
    x = a->as.set;
    y = b->as.set;
    if (x->count < y->count) { /* walk the smaller, search the larger */
        x = b->as.set;
        y = a->as.set;
    }
    if (!ev_charge(ev, y->cost * log2_of(x->count)))
        return EV_FAIL;
    for (uint32_t i = 0; i < y->count; i++)
        if (cedar_set_has(x, &y->items[i]))
            return EV_TRUE;
    return EV_FALSE;
}

/* "isEmpty() [...] true if the set has no members". */
enum ev_truth ev_is_empty(struct ev *ev, const struct cedar_value *s)
{
    if (s->kind != CEDAR_SET)
        return ev_type_fault(ev, "set", s);
    return s->as.set->count == 0 ? EV_TRUE : EV_FALSE;
}
