/*
 * The transitive closure of parents. Depth first with a stack of its own, so
 * that a long chain cannot exhaust ours; each entity's ancestors are its
 * parents and theirs, and a cycle is met as a parent still being worked on.
 */
#include "policy/core/diag.h"
#include "policy/core/limits.h"
#include "policy/core/sort.h"
#include "policy/core/uid.h"
#include "policy/data/entity_priv.h"

enum {
    NEW = 0,
    OPEN,
    DONE
};

/* Every uid that occurs has a number; numbers ascend with the uids' order, so
 * a sorted list of numbers is a sorted list of uids. */
struct graph {
    struct cedar_entities *store;
    struct ts_arena *temp;
    const struct cedar_uid **uids; /* by number */
    uint32_t *entity_of;           /* by number: place in the list, or NONE */
    uint32_t *parents;             /* numbers, entity after entity */
    uint32_t *parents_at;          /* by entity: start in parents */
    uint32_t *number_of;           /* by entity */
    uint32_t **ancestors;          /* by entity: numbers, sorted */
    uint8_t *state;                /* by entity */
    uint32_t *stack, *cursor;      /* entities under way */
    uint32_t *seen;                /* by number: entity that has it, plus 1 */
    uint32_t *scratch;
    uint64_t work, total;
    uint32_t count; /* of numbers */
};

static ts_err alloc_u32(struct ts_arena *arena, size_t n, uint32_t **ret)
{
    void *mem;
    ts_err e = ts_arena_array(arena, n, sizeof(uint32_t), &mem);

    if (e == TS_OK)
        *ret = mem;
    return e;
}

static ts_err make_room(struct graph *g, size_t mentions)
{
    uint32_t n = g->store->count;
    void *mem;
    ts_err e;

    if ((e = alloc_u32(g->temp, mentions, &g->entity_of)) != TS_OK ||
        (e = alloc_u32(g->temp, mentions, &g->parents)) != TS_OK ||
        (e = alloc_u32(g->temp, (size_t)n + 1, &g->parents_at)) != TS_OK ||
        (e = alloc_u32(g->temp, n, &g->number_of)) != TS_OK ||
        (e = alloc_u32(g->temp, n, &g->stack)) != TS_OK ||
        (e = alloc_u32(g->temp, n, &g->cursor)) != TS_OK ||
        (e = alloc_u32(g->temp, mentions, &g->seen)) != TS_OK ||
        (e = alloc_u32(g->temp, mentions, &g->scratch)) != TS_OK)
        return e;
    e = ts_arena_array(g->temp, mentions, sizeof(*g->uids), &mem);
    if (e != TS_OK)
        return e;
    g->uids = mem;
    e = ts_arena_array(g->temp, n, sizeof(*g->ancestors), &mem);
    if (e != TS_OK)
        return e;
    g->ancestors = mem;
    e = ts_arena_alloc(g->temp, n, &mem);
    if (e == TS_OK)
        g->state = mem;
    return e;
}

#define DIGIT 11u /* bits: 6 passes over a hash, counters that fit a cache */

/* One stable pass of a radix sort, by a digit of the hash. */
static void scatter(const struct cedar_uidmap_entry *from,
                    struct cedar_uidmap_entry *to, uint32_t n, unsigned shift)
{
    const uint64_t mask = (UINT64_C(1) << DIGIT) - 1;
    uint32_t at[1u << DIGIT] = {0}, sum = 0;

    for (uint32_t i = 0; i < n; i++)
        at[(from[i].uid->hash >> shift) & mask]++;
    for (size_t d = 0; d <= mask; d++) {
        uint32_t count = at[d];

        at[d] = sum;
        sum += count;
    }
    for (uint32_t i = 0; i < n; i++)
        to[at[(from[i].uid->hash >> shift) & mask]++] = from[i];
}

/*
 * As cedar_uidmap_sort(), in linear time: a directory mentions the same few
 * groups half a million times, and the sidecar waits. Entries come in the order
 * of their values and stay in it where hashes are equal; only different uids of
 * one hash are left to be sorted, which is n log2(n) again for crafted ones.
 */
static ts_err sort_mentions(struct ts_arena *temp, struct cedar_uidmap_entry *m,
                            uint32_t n)
{
    struct cedar_uidmap_entry *other;
    void *mem;
    ts_err e = ts_arena_array(temp, n, sizeof(*m), &mem);

    if (e != TS_OK)
        return e;
    other = mem;
    for (unsigned shift = 0; shift < 64; shift += 2 * DIGIT) {
        scatter(m, other, n, shift);
        scatter(other, m, n, shift + DIGIT);
    }
    for (uint32_t i = 0, end; i < n; i = end) {
        bool sorted = true;

        for (end = i + 1; end < n && m[end].uid->hash == m[i].uid->hash; end++)
            sorted = sorted && cedar_uid_eq(m[end - 1].uid, m[end].uid);
        if (!sorted)
            cedar_uidmap_sort(&m[i], end - i);
    }
    return TS_OK;
}

/* Numbers all uids: entries are sorted by uid, equal ones share a number. The
 * value of an entry says whose mention it is: entities first, then parents. */
static ts_err number_uids(struct graph *g, size_t mentions)
{
    const struct entity *list = g->store->list;
    uint32_t n = g->store->count, at = n, id = 0;
    struct cedar_uidmap_entry *m;
    void *mem;
    ts_err e = ts_arena_array(g->temp, mentions, sizeof(*m), &mem);

    if (e != TS_OK)
        return e;
    m = mem;
    for (uint32_t i = 0; i < n; i++) {
        m[i] = (struct cedar_uidmap_entry){.uid = list[i].uid, .value = i};
        g->parents_at[i] = at - n;
        for (uint32_t j = 0; j < list[i].parent_count; j++, at++)
            m[at] = (struct cedar_uidmap_entry){.uid = list[i].parents[j],
                                                .value = at};
    }
    g->parents_at[n] = at - n;
    e = sort_mentions(g->temp, m, at);
    if (e != TS_OK)
        return e;
    for (uint32_t i = 0; i < at; i++) {
        if (i > 0 && !cedar_uid_eq(m[i - 1].uid, m[i].uid))
            id++;
        if (i == 0 || !cedar_uid_eq(m[i - 1].uid, m[i].uid)) {
            g->uids[id] = m[i].uid;
            g->entity_of[id] = CEDAR_UIDMAP_NONE;
        }
        if (m[i].value < n) {
            g->entity_of[id] = m[i].value;
            g->number_of[m[i].value] = id;
        } else {
            g->parents[m[i].value - n] = id;
        }
    }
    g->count = at > 0 ? id + 1 : 0;
    return TS_OK;
}

static int number_order(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static void add(struct graph *g, uint32_t owner, uint32_t number, uint32_t *n)
{
    g->work++;
    if (g->seen[number] == owner + 1)
        return;
    g->seen[number] = owner + 1;
    g->scratch[(*n)++] = number;
}

/* All parents of ent are done: its ancestors are known. */
static ts_err finish(struct graph *g, uint32_t ent)
{
    struct entity *out = &g->store->list[ent];
    const struct cedar_uid **uids;
    uint64_t *hashes;
    uint32_t n = 0;
    void *mem;
    ts_err e;

    for (uint32_t i = g->parents_at[ent]; i < g->parents_at[ent + 1]; i++) {
        uint32_t parent = g->entity_of[g->parents[i]];

        add(g, ent, g->parents[i], &n);
        if (parent == CEDAR_UIDMAP_NONE)
            continue;
        for (uint32_t j = 0; j < g->store->list[parent].ancestor_count; j++)
            add(g, ent, g->ancestors[parent][j], &n);
        if (g->work > CEDAR_CLOSURE_WORK)
            return TS_E_LIMIT;
    }
    g->total += n;
    if (g->total > CEDAR_ANCESTORS)
        return TS_E_LIMIT;
    cedar_sort(g->scratch, n, sizeof(g->scratch[0]), number_order);
    if ((e = alloc_u32(g->temp, n, &g->ancestors[ent])) != TS_OK ||
        (e = ts_arena_array(&g->store->arena, n, sizeof(*uids), &mem)) != TS_OK)
        return e;
    uids = mem;
    e = ts_arena_array(&g->store->arena, n, sizeof(*hashes), &mem);
    if (e != TS_OK)
        return e;
    hashes = mem;
    for (uint32_t i = 0; i < n; i++) {
        g->ancestors[ent][i] = g->scratch[i];
        uids[i] = g->uids[g->scratch[i]];
        hashes[i] = uids[i]->hash;
    }
    out->ancestors = uids;
    out->hashes = hashes;
    out->ancestor_count = n;
    g->state[ent] = DONE;
    return TS_OK;
}

/* Visits everything above start. TS_E_FORMAT: *ret_bad lies on a cycle. */
static ts_err visit(struct graph *g, uint32_t start, uint32_t *ret_bad)
{
    uint32_t top = 0;
    ts_err e;

    g->stack[0] = start;
    g->cursor[0] = g->parents_at[start];
    g->state[start] = OPEN;
    for (;;) {
        uint32_t ent = g->stack[top], parent;

        if (g->cursor[top] == g->parents_at[ent + 1]) {
            if ((e = finish(g, ent)) != TS_OK)
                return e;
            if (top-- == 0)
                return TS_OK;
            continue;
        }
        parent = g->entity_of[g->parents[g->cursor[top]++]];
        if (parent == CEDAR_UIDMAP_NONE || g->state[parent] == DONE)
            continue;
        if (g->state[parent] == OPEN) {
            *ret_bad = parent;
            return TS_E_FORMAT;
        }
        top++;
        g->stack[top] = parent;
        g->cursor[top] = g->parents_at[parent];
        g->state[parent] = OPEN;
    }
}

ts_err cedar_closure(struct cedar_entities *store,
                     const struct cedar_span *spans, struct ts_arena *temp,
                     struct cedar_diags *diags)
{
    struct graph g = {.store = store, .temp = temp};
    size_t mentions = store->count;
    uint32_t bad = 0;
    ts_err e;

    for (uint32_t i = 0; i < store->count; i++)
        mentions += store->list[i].parent_count;
    if (mentions >= UINT32_MAX)
        return TS_E_LIMIT;
    if ((e = make_room(&g, mentions)) != TS_OK ||
        (e = number_uids(&g, mentions)) != TS_OK)
        return e;
    for (uint32_t i = 0; i < store->count; i++) {
        if (g.state[i] == DONE)
            continue;
        e = visit(&g, i, &bad);
        if (e == TS_E_FORMAT)
            cedar_diag_add(diags, "cycle", spans[bad], "remove a parent",
                           "the parents of `%.80s::\"%.80s\"` lead back to it",
                           cedar_quote(store->list[bad].uid->type).s,
                           cedar_quote(store->list[bad].uid->id).s);
        if (e == TS_E_LIMIT)
            cedar_diag_add(diags, "limit", spans[i],
                           "make the hierarchy flatter",
                           "the entities have too many ancestors: at most %u "
                           "of all together",
                           CEDAR_ANCESTORS);
        if (e != TS_OK)
            return e;
    }
    return TS_OK;
}
