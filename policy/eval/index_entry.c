/* What an entry of the index says: numbers of entities, actions and types, and
 * what is left to ask once a policy was found under its anchor. */
#include "policy/core/sort.h"
#include "policy/eval/index.h"

/* ---- numbers ----------------------------------------------------------- */

static const struct ev_scope *scope_of(const struct cedar_policies *p,
                                       uint32_t i, enum ev_role role)
{
    const struct ev_policy *pol = &p->policies[i];

    if (role == EV_BY_ACTION)
        return &pol->action;
    return role == EV_BY_PRINCIPAL ? &pol->principal : &pol->resource;
}

/* Sorted by uid, so equal ones stand together; n of them become kept. */
static ts_err make_map(struct ts_arena *arena, struct cedar_uidmap_entry *m,
                       uint32_t n, struct cedar_uidmap *ret)
{
    struct cedar_uidmap_entry *out;
    uint32_t kept = 0;
    void *mem;
    ts_err e;

    cedar_uidmap_sort(m, n);
    for (uint32_t i = 0; i < n; i++)
        if (i == 0 || !cedar_uid_eq(m[i].uid, m[kept - 1].uid))
            m[kept++].uid = m[i].uid;
    e = ts_arena_array(arena, kept, sizeof(*out), &mem);
    if (e != TS_OK)
        return e;
    out = mem;
    for (uint32_t i = 0; i < kept; i++)
        out[i] = (struct cedar_uidmap_entry){.uid = m[i].uid, .value = i};
    return cedar_uidmap_build(arena, out, kept, ret);
}

/* Everything that scopes of this role name, each once. */
static ts_err number_uids(struct cedar_policies *p, struct ts_arena *temp,
                          enum ev_role role, struct cedar_uidmap *ret)
{
    struct cedar_uidmap_entry *m;
    size_t n = 0;
    void *mem;
    ts_err e;

    for (uint32_t i = 0; i < p->count; i++)
        n += scope_of(p, i, role)->count;
    if (n >= UINT32_MAX)
        return TS_E_LIMIT;
    if ((e = ts_arena_array(temp, n, sizeof(*m), &mem)) != TS_OK)
        return e;
    m = mem;
    n = 0;
    for (uint32_t i = 0; i < p->count; i++) {
        const struct ev_scope *s = scope_of(p, i, role);

        for (uint32_t j = 0; j < s->count; j++)
            m[n++] = (struct cedar_uidmap_entry){.uid = s->uids[j]};
    }
    return make_map(&p->arena, m, (uint32_t)n, ret);
}

/* Types that scopes ask for, as uids without an id, each once. */
static ts_err number_types(struct cedar_policies *p, struct ts_arena *temp,
                           struct ev_index *ix)
{
    struct cedar_uidmap_entry *m;
    struct cedar_uid *uids;
    uint32_t n = 0;
    void *mem;
    ts_err e = ts_arena_array(temp, (size_t)p->count * 2, sizeof(*m), &mem);

    if (e != TS_OK)
        return e;
    m = mem;
    if ((e = ts_arena_array(temp, (size_t)p->count * 2, sizeof(*uids), &mem)) !=
        TS_OK)
        return e;
    uids = mem;
    for (uint32_t i = 0; i < p->count * 2; i++) {
        const struct ev_scope *s =
            scope_of(p, i / 2, i % 2 == 0 ? EV_BY_PRINCIPAL : EV_BY_RESOURCE);

        if (s->op != EV_SCOPE_IS)
            continue;
        uids[n] = cedar_uid_make(s->type, TS_STR_LIT(""));
        m[n] = (struct cedar_uidmap_entry){.uid = &uids[n]};
        n++;
    }
    if ((e = make_map(&p->arena, m, n, &ix->types)) != TS_OK ||
        (e = ts_arena_array(&p->arena, ix->types.count, sizeof(*uids), &mem)) !=
            TS_OK)
        return e;
    ix->type_uids = mem;
    cedar_uidmap_move(&ix->types, mem);
    return TS_OK;
}

/* A scope form of an action that wants a bit, most frequent first. */
struct wanted {
    uint32_t count;
    uint32_t place; /* number * 2, plus 1 for `in` */
};

static int most_first(const void *a, const void *b)
{
    const struct wanted *x = a, *y = b;

    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

static ts_err give_bits(struct cedar_policies *p, struct ts_arena *temp,
                        struct ev_index *ix)
{
    uint32_t n = ix->by[EV_BY_ACTION].count;
    struct ev_action_bits *bits;
    struct wanted *w;
    void *mem;
    ts_err e = ts_arena_array(temp, (size_t)n * 2, sizeof(*w), &mem);

    if (e != TS_OK)
        return e;
    w = mem;
    if ((e = ts_arena_array(&p->arena, n, sizeof(*bits), &mem)) != TS_OK)
        return e;
    bits = mem;
    for (uint32_t i = 0; i < n * 2; i++)
        w[i].place = i;
    for (uint32_t i = 0; i < p->count; i++) {
        const struct ev_scope *s = &p->policies[i].action;

        for (uint32_t j = 0; j < s->count; j++)
            w[cedar_uidmap_find(&ix->by[EV_BY_ACTION], s->uids[j]) * 2 +
              (s->op == EV_SCOPE_EQ ? 0 : 1)]
                .count++;
    }
    cedar_sort(w, (size_t)n * 2, sizeof(*w), most_first);
    for (uint32_t i = 0; i < n * 2 && w[i].count > 0; i++) {
        uint8_t bit =
            (uint8_t)(i + 1 < EV_ACTION_REST ? i + 1 : EV_ACTION_REST);

        if (w[i].place % 2 == 0)
            bits[w[i].place / 2].equal = bit;
        else
            bits[w[i].place / 2].in = bit;
    }
    ix->action_bits = bits;
    return TS_OK;
}

ts_err ev_index_numbers(struct cedar_policies *p, struct ts_arena *temp,
                        struct ev_index *ix)
{
    ts_err e;

    for (unsigned r = 0; r < 3; r++)
        if ((e = number_uids(p, temp, (enum ev_role)r, &ix->by[r])) != TS_OK)
            return e;
    if ((e = give_bits(p, temp, ix)) != TS_OK)
        return e;
    return number_types(p, temp, ix);
}

uint32_t ev_index_type(const struct ev_index *ix, const struct ev_scope *s)
{
    struct cedar_uid uid;

    if (s->op != EV_SCOPE_IS)
        return EV_NO_NUMBER;
    uid = cedar_uid_make(s->type, TS_STR_LIT(""));
    return cedar_uidmap_find(&ix->types, &uid);
}

/* ---- entries ----------------------------------------------------------- */

uint64_t ev_index_actions(const struct ev_index *ix, const struct ev_policy *p)
{
    const struct ev_scope *s = &p->action;
    uint64_t actions = 0;

    if (s->op == EV_ANY)
        return (uint64_t)1 << EV_ACTION_ANY;
    for (uint32_t i = 0; i < s->count; i++) {
        struct ev_action_bits b = ix->action_bits[cedar_uidmap_find(
            &ix->by[EV_BY_ACTION], s->uids[i])];

        actions |= (uint64_t)1 << (s->op == EV_SCOPE_EQ ? b.equal : b.in);
    }
    return actions;
}

/* What a scope still asks for when its entity or its type is settled. */
static uint8_t left_of(const struct ev_scope *s, bool entity, bool type)
{
    uint8_t flags = 0;

    if (s->op == EV_SCOPE_IS && !type)
        flags |= EV_FILED_OTHER_IS;
    if (s->count > 0 && !entity)
        flags |= s->op == EV_SCOPE_EQ ? EV_FILED_OTHER_EQ : EV_FILED_OTHER_IN;
    return flags;
}

/* The action was found by its list, or is left to the bits. */
static void file_action(struct ev_entry *x, const struct ev_index *ix,
                        const struct ev_policy *p, enum ev_role role,
                        uint32_t number)
{
    x->actions = ev_index_actions(ix, p);
    if (role == EV_BY_ACTION && p->action.count == 1) {
        x->actions = (uint64_t)1 << EV_ACTION_ANY;
        if (p->action.op == EV_SCOPE_EQ)
            x->flags |= EV_FILED_SELF;
    } else if (role == EV_BY_ACTION) {
        x->flags |= EV_FILED_MANY;
        x->under = ix->action_bits[number].in;
    } else if ((x->actions >> EV_ACTION_REST & 1) != 0) {
        x->flags |= EV_FILED_WHOLE;
    }
}

struct ev_entry ev_index_entry(const struct cedar_policies *p,
                               const struct ev_index *ix, uint32_t i,
                               enum ev_role role, uint32_t number)
{
    const struct ev_policy *pol = &p->policies[i];
    struct ev_entry x = {.policy = i, .cond = pol->cond};
    uint8_t first = left_of(&pol->principal, role == EV_BY_PRINCIPAL,
                            role == EV_BY_PRINCIPAL_TYPE);
    uint8_t second = left_of(&pol->resource, role == EV_BY_RESOURCE,
                             role == EV_BY_RESOURCE_TYPE);
    const struct ev_scope *left = first != 0 ? &pol->principal : &pol->resource;
    enum ev_role by = first != 0 ? EV_BY_PRINCIPAL : EV_BY_RESOURCE;

    file_action(&x, ix, pol, role, number);
    if ((role == EV_BY_PRINCIPAL && pol->principal.op == EV_SCOPE_EQ) ||
        (role == EV_BY_RESOURCE && pol->resource.op == EV_SCOPE_EQ))
        x.flags |= EV_FILED_SELF;
    if (first != 0 && second != 0) {
        x.flags |= EV_FILED_WHOLE;
        return x;
    }
    if (first != 0)
        x.flags |= EV_FILED_LEFT_PRINCIPAL;
    x.flags |= first | second;
    x.type = ev_index_type(ix, left);
    x.other = left->count > 0 ? cedar_uidmap_find(&ix->by[by], left->uids[0])
                              : EV_NO_NUMBER;
    return x;
}
