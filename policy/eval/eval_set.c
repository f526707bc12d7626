/* Sets. Members are sorted, so membership is a bisection. */
#include "policy/core/value.h"
#include "policy/eval/eval_priv.h"

/* How many comparisons a search among n takes, at least 1. */
static uint32_t log2_of(uint32_t n)
{
    return 32 - (uint32_t)__builtin_clz(n | 1);
}

/* A set whose members are not all constant. */
bool ev_op_set(struct ev *ev, const struct ev_node *n, struct cedar_value *ret)
{
    struct cedar_value *items;
    void *mem;
    ts_err e = ts_arena_array(ev->arena, n->n, sizeof(*items), &mem);

    if (e != TS_OK)
        return ev_fatal(ev, e);
    items = mem;
    /* Sorting compares each member with about log2(n) others. */
    for (uint32_t i = 0; i < n->n; i++)
        if (!ev_eval(ev, ev->p->kids[n->a + i], &items[i]) ||
            !ev_charge(ev, cedar_value_cost(&items[i]) * log2_of(n->n)))
            return false;
    e = cedar_set_make(ev->arena, items, n->n, ret);
    return e == TS_OK || ev_fatal(ev, e);
}

/* "contains() [...] true if the receiver set has the argument as a member". */
bool ev_op_contains(struct ev *ev, const struct ev_node *n,
                    struct cedar_value *ret)
{
    struct cedar_value s, v;

    if (!ev_eval(ev, n->a, &s) || !ev_eval(ev, n->b, &v))
        return false;
    if (s.kind != CEDAR_SET) {
        cedar_fault_type(&ev->fault, "set", &s);
        return false;
    }
    if (!ev_charge(ev, cedar_value_cost(&v) * log2_of(s.as.set->count)))
        return false;
    cedar_put_bool(ret, cedar_set_has(s.as.set, &v));
    return true;
}

static bool two_sets(struct ev *ev, const struct ev_node *n,
                     const struct cedar_set **a, const struct cedar_set **b)
{
    struct cedar_value x, y;
    const struct cedar_value *bad;

    if (!ev_eval(ev, n->a, &x) || !ev_eval(ev, n->b, &y))
        return false;
    bad = x.kind != CEDAR_SET ? &x : &y;
    if (bad->kind != CEDAR_SET) {
        cedar_fault_type(&ev->fault, "set", bad);
        return false;
    }
    *a = x.as.set;
    *b = y.as.set;
    return true;
}

/* "containsAll() [...] true if every member of the argument is in the
 * receiver". */
bool ev_op_contains_all(struct ev *ev, const struct ev_node *n,
                        struct cedar_value *ret)
{
    const struct cedar_set *a, *b;
    uint32_t i = 0;

    if (!two_sets(ev, n, &a, &b) || !ev_charge(ev, b->cost * log2_of(a->count)))
        return false;
    while (i < b->count && cedar_set_has(a, &b->items[i]))
        i++;
    cedar_put_bool(ret, i == b->count);
    return true;
}

/* "containsAny() [...] true if the two sets have a member in common". */
bool ev_op_contains_any(struct ev *ev, const struct ev_node *n,
                        struct cedar_value *ret)
{
    const struct cedar_set *a, *b;
    uint32_t i = 0;

    if (!two_sets(ev, n, &a, &b))
        return false;
    if (a->count < b->count) { /* walk the smaller, search the larger */
        const struct cedar_set *t = a;

        a = b;
        b = t;
    }
    if (!ev_charge(ev, b->cost * log2_of(a->count)))
        return false;
    while (i < b->count && !cedar_set_has(a, &b->items[i]))
        i++;
    cedar_put_bool(ret, i < b->count);
    return true;
}

/* "isEmpty() [...] true if the set has no members". */
bool ev_op_is_empty(struct ev *ev, const struct ev_node *n,
                    struct cedar_value *ret)
{
    struct cedar_value s;

    if (!ev_eval_kind(ev, n->a, CEDAR_SET, &s))
        return false;
    cedar_put_bool(ret, s.as.set->count == 0);
    return true;
}
