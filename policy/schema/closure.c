/*
 * Transitive closures of entity types and of actions. Every node is walked
 * upward once with an explicit stack; pairs and steps are counted against one
 * budget, since a short text can declare many of both.
 */
#include "policy/core/limits.h"
#include "policy/schema/resolve_priv.h"

struct closing {
    struct closure_node *nodes;
    uint32_t count;
    uint32_t *stack; /* nodes reached; each once */
    uint32_t *seen;  /* by node: 1 + the last start that reached it */
    uint32_t *counts, *work;
    uint32_t **lists; /* being filled, by node */
};

/* What start reaches in at least one step: *ret of them, in c->stack. */
static ts_err reach(struct closing *c, uint32_t start, uint32_t *ret)
{
    uint32_t top = 0, at = start, next = 0;

    for (;;) {
        const struct closure_node *n = &c->nodes[at];

        *c->work += n->up_count + 1;
        if (*c->work > CEDAR_SCHEMA_WORK)
            return TS_E_LIMIT;
        for (uint32_t i = 0; i < n->up_count; i++) {
            uint32_t up = n->up[i];

            if (c->seen[up] != start + 1) {
                c->seen[up] = start + 1;
                c->stack[top++] = up;
            }
        }
        if (next == top)
            break;
        at = c->stack[next++];
    }
    *ret = top;
    return TS_OK;
}

static ts_err numbers(struct ts_arena *a, uint32_t n, uint32_t **ret)
{
    void *p;
    ts_err e = ts_arena_array(a, (size_t)n + 1, sizeof(**ret), &p);

    if (e == TS_OK)
        *ret = p;
    return e;
}

static ts_err count_pairs(struct closing *c, uint32_t *pairs)
{
    uint32_t n;
    ts_err e;

    for (uint32_t i = 0; i < c->count; i++) {
        if ((e = reach(c, i, &n)) != TS_OK)
            return e;
        *pairs += n; /* fits: n is at most the count, checked each time */
        if (*pairs > CEDAR_SCHEMA_PAIRS)
            return TS_E_LIMIT;
        c->nodes[i].ancestor_count = n;
        for (uint32_t k = 0; k < n; k++)
            c->nodes[c->stack[k]].descendant_count++;
    }
    return TS_OK;
}

/* Descendants are met in the order of their index, so their lists come
 * sorted. */
static ts_err list_descendants(struct closing *c, struct ts_arena *arena)
{
    uint32_t n;
    ts_err e;

    for (uint32_t i = 0; i < c->count; i++) {
        e = numbers(arena, c->nodes[i].descendant_count, &c->lists[i]);
        if (e != TS_OK)
            return e;
        c->nodes[i].descendants = c->lists[i];
        c->seen[i] = c->counts[i] = 0;
    }
    for (uint32_t i = 0; i < c->count; i++) {
        if ((e = reach(c, i, &n)) != TS_OK)
            return e;
        for (uint32_t k = 0; k < n; k++) {
            uint32_t up = c->stack[k];

            c->lists[up][c->counts[up]++] = i;
        }
    }
    return TS_OK;
}

/* And ancestors from descendants for the same reason. */
static ts_err list_ancestors(struct closing *c, struct ts_arena *arena)
{
    ts_err e;

    for (uint32_t i = 0; i < c->count; i++) {
        e = numbers(arena, c->nodes[i].ancestor_count, &c->lists[i]);
        if (e != TS_OK)
            return e;
        c->nodes[i].ancestors = c->lists[i];
        c->counts[i] = 0;
    }
    for (uint32_t i = 0; i < c->count; i++) {
        const struct closure_node *n = &c->nodes[i];

        for (uint32_t k = 0; k < n->descendant_count; k++) {
            uint32_t below = n->descendants[k];

            c->lists[below][c->counts[below]++] = i;
        }
    }
    return TS_OK;
}

ts_err closure_make(struct ts_arena *arena, struct ts_arena *scratch,
                    struct closure_node *nodes, uint32_t count, uint32_t *pairs,
                    uint32_t *work)
{
    struct closing c = {.nodes = nodes, .count = count, .work = work};
    void *lists;
    ts_err e;

    if ((e = numbers(scratch, count, &c.stack)) != TS_OK ||
        (e = numbers(scratch, count, &c.seen)) != TS_OK ||
        (e = numbers(scratch, count, &c.counts)) != TS_OK ||
        (e = ts_arena_array(scratch, (size_t)count + 1, sizeof(*c.lists),
                            &lists)) != TS_OK)
        return e;
    c.lists = lists;
    if ((e = count_pairs(&c, pairs)) != TS_OK ||
        (e = list_descendants(&c, arena)) != TS_OK)
        return e;
    return list_ancestors(&c, arena);
}
