/* What one validation may use, and the lists of what is known to be present. */
#include "policy/validate/validate_priv.h"

void v_fail(struct validate *v, ts_err e)
{
    if (v->err == TS_OK)
        v->err = e;
}

bool v_spend(struct validate *v, uint64_t steps)
{
    v->work += steps;
    if (v->work > v->work_max)
        v_fail(v, TS_E_LIMIT);
    return v->err == TS_OK;
}

bool v_enter(struct validate *v)
{
    if (v->depth >= CEDAR_VALIDATE_DEPTH)
        v_fail(v, TS_E_LIMIT);
    if (v->err != TS_OK)
        return false;
    v->depth++;
    return true;
}

void v_leave(struct validate *v)
{
    v->depth--;
}

static void *take(struct validate *v, struct ts_arena *a, size_t count,
                  size_t size)
{
    void *mem = NULL;
    ts_err e;

    if (v->err != TS_OK)
        return NULL;
    e = ts_arena_array(a, count == 0 ? 1 : count, size, &mem);
    if (e != TS_OK) {
        v_fail(v, e);
        return NULL;
    }
    return mem;
}

void *v_keep(struct validate *v, size_t count, size_t size)
{
    return take(v, &v->keep, count, size);
}

void *v_temp(struct validate *v, size_t count, size_t size)
{
    return take(v, &v->temp, count, size);
}

/* ---- capabilities ---------------------------------------------------------
 */

struct cap_list v_cap(struct validate *v, uint32_t cap)
{
    struct cap_node *n = v_temp(v, 1, sizeof(*n));

    if (n == NULL)
        return (struct cap_list){0};
    n->cap = cap;
    return (struct cap_list){n, n};
}

struct cap_list v_caps_join(struct cap_list a, struct cap_list b)
{
    if (a.head == NULL)
        return b;
    if (b.head == NULL)
        return a;
    a.tail->next = b.head;
    return (struct cap_list){a.head, b.tail};
}

/* Linear in both; since what is left is at most the shorter one, all meetings
 * of one policy together are linear in the accesses that it tests. */
struct cap_list v_caps_meet(struct validate *v, struct cap_list a,
                            struct cap_list b)
{
    struct cap_list out = {0};
    uint32_t mark = ++v->marks;

    if (a.head == NULL || b.head == NULL)
        return out;
    for (struct cap_node *n = a.head; n != NULL && v_spend(v, 1); n = n->next)
        v->mark[n->cap] = mark;
    for (struct cap_node *n = b.head, *next; n != NULL && v_spend(v, 1);
         n = next) {
        next = n->next;
        if (v->mark[n->cap] != mark)
            continue;
        v->mark[n->cap] = 0; /* each once */
        n->next = NULL;
        out = v_caps_join(out, (struct cap_list){n, n});
    }
    return out;
}

void v_prior_add(struct validate *v, struct cap_list l)
{
    for (struct cap_node *n = l.head; n != NULL && v_spend(v, 1); n = n->next)
        v->prior[n->cap]++;
}

/* Undoes v_prior_add(). After a failure the counts are wrong, and nothing looks
 * at them any more. */
void v_prior_drop(struct validate *v, struct cap_list l)
{
    for (struct cap_node *n = l.head; n != NULL && v_spend(v, 1); n = n->next)
        v->prior[n->cap]--;
}
