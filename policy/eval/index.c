/* Files each policy under its rarest anchor: see index.h. */
#include "policy/eval/index.h"

/* Below this a scan of all scopes is as fast as the look-ups. */
#define INDEX_MIN 8

struct build {
    struct cedar_policies *p;
    struct ev_index *ix;
    uint32_t *counts[EV_ROLES]; /* by number: policies that name it; then the
                                   place of the next entry in its list */
    uint32_t *starts[EV_ROLES];
    uint32_t sizes[EV_ROLES]; /* how many numbers there are */
    uint8_t *chosen;          /* role of each policy */
    struct ev_entry *entries;
};

static const struct ev_scope *scope_of(const struct ev_policy *p,
                                       enum ev_role role)
{
    if (role == EV_BY_ACTION)
        return &p->action;
    return role == EV_BY_RESOURCE || role == EV_BY_RESOURCE_TYPE
               ? &p->resource
               : &p->principal;
}

/* A policy that names several actions is judged once, under the first of them
 * that the request has: their bits must tell them apart. */
static bool told_apart(const struct build *b, const struct ev_policy *p)
{
    uint64_t actions = ev_index_actions(b->ix, p);

    return p->action.count == 1 || (actions >> EV_ACTION_REST & 1) == 0;
}

/* How many anchors policy i offers in this role; 0: it cannot be filed so. An
 * empty list of actions matches nothing, and is left to "any". */
static uint32_t anchors(const struct build *b, uint32_t i, enum ev_role role)
{
    const struct ev_policy *p = &b->p->policies[i];
    const struct ev_scope *s = scope_of(p, role);

    if (role >= EV_BY_PRINCIPAL_TYPE)
        return s->op == EV_SCOPE_IS ? 1 : 0;
    if (s->op == EV_ANY || (role == EV_BY_ACTION && !told_apart(b, p)))
        return 0;
    return s->count;
}

static uint32_t number_of(const struct build *b, uint32_t i, enum ev_role role,
                          uint32_t anchor)
{
    const struct ev_scope *s = scope_of(&b->p->policies[i], role);

    if (role >= EV_BY_PRINCIPAL_TYPE)
        return ev_index_type(b->ix, s);
    return cedar_uidmap_find(&b->ix->by[role], s->uids[anchor]);
}

static void count_all(struct build *b)
{
    for (uint32_t i = 0; i < b->p->count; i++)
        for (unsigned r = 0; r < EV_ROLES; r++) {
            uint32_t n = anchors(b, i, (enum ev_role)r);

            for (uint32_t a = 0; a < n; a++)
                b->counts[r][number_of(b, i, (enum ev_role)r, a)]++;
        }
}

/* The anchor that the fewest policies share. */
static uint8_t rarest(const struct build *b, uint32_t i)
{
    uint64_t best = UINT64_MAX;
    uint8_t role = EV_BY_NOTHING;

    for (unsigned r = 0; r < EV_ROLES; r++) {
        uint32_t n = anchors(b, i, (enum ev_role)r);
        uint64_t cost = 0;

        for (uint32_t a = 0; a < n; a++)
            cost += b->counts[r][number_of(b, i, (enum ev_role)r, a)];
        if (n > 0 && cost < best) {
            best = cost;
            role = (uint8_t)r;
        }
    }
    return role;
}

/* Lists stand one after the other, in the order of roles and numbers; then
 * "any". Returns the number of entries. */
static uint32_t lay_out(struct build *b)
{
    uint32_t at = 0, n;

    for (unsigned r = 0; r < EV_ROLES; r++)
        for (n = 0; n < b->sizes[r]; n++)
            b->counts[r][n] = 0;
    for (uint32_t i = 0; i < b->p->count; i++) {
        enum ev_role r = (enum ev_role)b->chosen[i];

        n = r == EV_BY_NOTHING ? 0 : anchors(b, i, r);
        for (uint32_t a = 0; a < n; a++)
            b->counts[r][number_of(b, i, r, a)]++;
    }
    for (unsigned r = 0; r < EV_ROLES; r++)
        for (n = 0; n < b->sizes[r]; n++) {
            uint32_t count = b->counts[r][n];

            b->starts[r][n] = count > 0 ? at : EV_NO_LIST;
            b->counts[r][n] = at;
            at += count;
        }
    return at;
}

/* Policies come in order, so one that names an anchor twice meets itself. */
static void file(struct build *b, uint32_t i, enum ev_role role,
                 uint32_t number)
{
    uint32_t *at = &b->counts[role][number];
    bool first = *at == b->starts[role][number];

    if (!first && b->entries[*at - 1].policy == i)
        return;
    if (!first)
        b->entries[*at - 1].last = false;
    b->entries[*at] = ev_index_entry(b->p, b->ix, i, role, number);
    b->entries[(*at)++].last = true;
}

static ts_err file_all(struct build *b)
{
    uint32_t filed = lay_out(b), rest = filed;
    void *mem;
    ts_err e;

    if (filed > UINT32_MAX - b->p->count)
        return TS_E_LIMIT;
    e = ts_arena_array(&b->p->arena, (size_t)filed + b->p->count,
                       sizeof(*b->entries), &mem);
    if (e != TS_OK)
        return e;
    b->entries = mem;
    for (uint32_t i = 0; i < b->p->count; i++) {
        enum ev_role r = (enum ev_role)b->chosen[i];
        uint32_t n = r == EV_BY_NOTHING ? 0 : anchors(b, i, r);

        for (uint32_t a = 0; a < n; a++)
            file(b, i, r, number_of(b, i, r, a));
        if (r == EV_BY_NOTHING)
            b->entries[rest++] =
                ev_index_entry(b->p, b->ix, i, EV_BY_NOTHING, EV_NO_NUMBER);
    }
    if (rest > filed)
        b->entries[rest - 1].last = true;
    b->ix->any = rest > filed ? filed : EV_NO_LIST;
    b->ix->entries = b->entries;
    return TS_OK;
}

static ts_err make_room(struct build *b, struct ts_arena *temp)
{
    void *mem;
    ts_err e;

    for (unsigned r = 0; r < EV_ROLES; r++) {
        b->sizes[r] =
            r < EV_BY_PRINCIPAL_TYPE ? b->ix->by[r].count : b->ix->types.count;
        e = ts_arena_array(temp, b->sizes[r], sizeof(uint32_t), &mem);
        if (e != TS_OK)
            return e;
        b->counts[r] = mem;
        e = ts_arena_array(&b->p->arena, b->sizes[r], sizeof(uint32_t), &mem);
        if (e != TS_OK)
            return e;
        b->starts[r] = mem;
        b->ix->lists[r] = mem;
    }
    e = ts_arena_alloc(temp, b->p->count, &mem);
    if (e == TS_OK)
        b->chosen = mem;
    return e;
}

ts_err ev_index_build(struct cedar_policies *p, struct ts_arena *temp)
{
    struct build b = {.p = p};
    void *mem;
    ts_err e;

    if (p->count < INDEX_MIN)
        return TS_OK;
    if ((e = ts_arena_alloc(&p->arena, sizeof(*b.ix), &mem)) != TS_OK)
        return e;
    b.ix = mem;
    if ((e = ev_index_numbers(p, temp, b.ix)) != TS_OK ||
        (e = make_room(&b, temp)) != TS_OK)
        return e;
    count_all(&b);
    for (uint32_t i = 0; i < p->count; i++)
        b.chosen[i] = rarest(&b, i);
    if ((e = file_all(&b)) != TS_OK)
        return e;
    p->index = b.ix;
    return TS_OK;
}
