/* What an entry of the index says: numbers of actions and types, and what is
 * left to ask once a policy was found under its anchor. */
#include "policy/core/sort.h"
#include "policy/eval/index.h"

/* ---- numbers ----------------------------------------------------------- */

struct mention {
    const struct cedar_uid *uid;
    uint32_t count[2]; /* by how many scopes, with == and with `in` */
    uint8_t number[2];
};

/* A mention that wants a number, most frequent first. */
struct wanted {
    uint32_t count;
    uint32_t place; /* mention * 2 + kind */
};

static int most_first(const void *a, const void *b)
{
    const struct wanted *x = a, *y = b;

    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

/* All actions that scopes name, each once; the value of an entry is whether
 * the scope says `in`. */
static ts_err mentions_of(const struct cedar_policies *p, struct ts_arena *temp,
                          struct mention **ret, uint32_t *ret_n)
{
    struct cedar_uidmap_entry *m;
    struct mention *out;
    size_t n = 0, kept = 0;
    void *mem;
    ts_err e;

    for (uint32_t i = 0; i < p->count; i++)
        n += p->policies[i].action.count;
    if ((e = ts_arena_array(temp, n, sizeof(*m), &mem)) != TS_OK)
        return e;
    m = mem;
    if ((e = ts_arena_array(temp, n, sizeof(*out), &mem)) != TS_OK)
        return e;
    out = mem;
    if (n >= UINT32_MAX)
        return TS_E_LIMIT;
    n = 0;
    for (uint32_t i = 0; i < p->count; i++) {
        const struct ev_scope *s = &p->policies[i].action;

        for (uint32_t j = 0; j < s->count; j++)
            m[n++] = (struct cedar_uidmap_entry){
                .uid = s->uids[j], .value = s->op == EV_SCOPE_EQ ? 0 : 1};
    }
    cedar_uidmap_sort(m, (uint32_t)n);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || !cedar_uid_eq(m[i - 1].uid, m[i].uid))
            out[kept++].uid = m[i].uid;
        out[kept - 1].count[m[i].value]++;
    }
    *ret = out;
    *ret_n = (uint32_t)kept;
    return TS_OK;
}

static ts_err number_mentions(struct mention *list, uint32_t n,
                              struct ts_arena *temp)
{
    struct wanted *w;
    uint32_t count = 0;
    void *mem;
    ts_err e = ts_arena_array(temp, (size_t)n * 2, sizeof(*w), &mem);

    if (e != TS_OK)
        return e;
    w = mem;
    for (uint32_t i = 0; i < n * 2; i++)
        if (list[i / 2].count[i % 2] > 0)
            w[count++] =
                (struct wanted){.count = list[i / 2].count[i % 2], .place = i};
    cedar_sort(w, count, sizeof(*w), most_first);
    for (uint32_t i = 0; i < count; i++)
        list[w[i].place / 2].number[w[i].place % 2] =
            (uint8_t)(i + 1 < EV_ACTION_REST ? i + 1 : EV_ACTION_REST);
    return TS_OK;
}

static ts_err number_actions(struct cedar_policies *p, struct ts_arena *temp,
                             struct ev_index *ix)
{
    struct cedar_uidmap_entry *out;
    struct mention *list;
    uint32_t n;
    void *mem;
    ts_err e;

    if ((e = mentions_of(p, temp, &list, &n)) != TS_OK ||
        (e = number_mentions(list, n, temp)) != TS_OK ||
        (e = ts_arena_array(&p->arena, n, sizeof(*out), &mem)) != TS_OK)
        return e;
    out = mem;
    for (uint32_t i = 0; i < n; i++)
        out[i] = (struct cedar_uidmap_entry){
            .uid = list[i].uid,
            .value = list[i].number[0] | (uint32_t)list[i].number[1] << 8};
    return cedar_uidmap_build(&p->arena, out, n, &ix->actions);
}

/* Types that scopes ask for, as uids without an id, each once. */
static ts_err number_types(struct cedar_policies *p, struct ts_arena *temp,
                           struct ev_index *ix)
{
    struct cedar_uidmap_entry *m, *out;
    struct cedar_uid *uids;
    uint32_t n = 0, kept = 0;
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
        const struct ev_policy *pol = &p->policies[i / 2];
        const struct ev_scope *s =
            i % 2 == 0 ? &pol->principal : &pol->resource;

        if (s->op != EV_SCOPE_IS)
            continue;
        uids[n] = cedar_uid_make(s->type, TS_STR_LIT(""));
        m[n] = (struct cedar_uidmap_entry){.uid = &uids[n], .value = n};
        n++;
    }
    cedar_uidmap_sort(m, n);
    for (uint32_t i = 0; i < n; i++)
        if (i == 0 || !cedar_uid_eq(m[i].uid, m[kept - 1].uid))
            m[kept++].uid = m[i].uid;
    if ((e = ts_arena_array(&p->arena, kept, sizeof(*uids), &mem)) != TS_OK)
        return e;
    uids = mem;
    if ((e = ts_arena_array(&p->arena, kept, sizeof(*ix->type_uids), &mem)) !=
        TS_OK)
        return e;
    ix->type_uids = mem;
    if ((e = ts_arena_array(&p->arena, kept, sizeof(*out), &mem)) != TS_OK)
        return e;
    out = mem;
    for (uint32_t i = 0; i < kept; i++) {
        uids[i] = *m[i].uid;
        ix->type_uids[i] = &uids[i];
        out[i] = (struct cedar_uidmap_entry){.uid = &uids[i], .value = i};
    }
    return cedar_uidmap_build(&p->arena, out, kept, &ix->types);
}

ts_err ev_index_numbers(struct cedar_policies *p, struct ts_arena *temp,
                        struct ev_index *ix)
{
    ts_err e = number_actions(p, temp, ix);

    return e != TS_OK ? e : number_types(p, temp, ix);
}

/* ---- entries ----------------------------------------------------------- */

uint64_t ev_index_actions(const struct ev_index *ix, const struct ev_policy *p)
{
    const struct ev_scope *s = &p->action;
    uint64_t actions = 0;

    if (s->op == EV_ANY)
        return (uint64_t)1 << EV_ACTION_ANY;
    for (uint32_t i = 0; i < s->count; i++) {
        uint32_t n = cedar_uidmap_find(&ix->actions, s->uids[i]);

        actions |= (uint64_t)1
                   << (s->op == EV_SCOPE_EQ ? n & 0xff : n >> 8 & 0xff);
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

static uint32_t number_of_type(const struct ev_index *ix,
                               const struct ev_scope *s)
{
    struct cedar_uid uid;

    if (s->op != EV_SCOPE_IS)
        return CEDAR_UIDMAP_NONE;
    uid = cedar_uid_make(s->type, TS_STR_LIT(""));
    return cedar_uidmap_find(&ix->types, &uid);
}

static bool filed_as_equal(const struct ev_policy *p, enum ev_role role)
{
    if (role == EV_BY_PRINCIPAL)
        return p->principal.op == EV_SCOPE_EQ;
    if (role == EV_BY_RESOURCE)
        return p->resource.op == EV_SCOPE_EQ;
    return role == EV_BY_ACTION && p->action.op == EV_SCOPE_EQ;
}

/* The action was found by its list, or is left to the bits. */
static void file_action(struct ev_entry *x, const struct ev_index *ix,
                        const struct ev_policy *p, enum ev_role role,
                        const struct cedar_uid *uid)
{
    x->actions = ev_index_actions(ix, p);
    if (role == EV_BY_ACTION && p->action.count == 1) {
        x->actions = (uint64_t)1 << EV_ACTION_ANY;
    } else if (role == EV_BY_ACTION) {
        x->flags |= EV_FILED_MANY;
        x->under = (uint8_t)(cedar_uidmap_find(&ix->actions, uid) >> 8);
    } else if ((x->actions >> EV_ACTION_REST & 1) != 0) {
        x->flags |= EV_FILED_WHOLE;
    }
}

struct ev_entry ev_index_entry(const struct cedar_policies *p,
                               const struct ev_index *ix, uint32_t i,
                               enum ev_role role, const struct cedar_uid *uid)
{
    const struct ev_policy *pol = &p->policies[i];
    struct ev_entry x = {.policy = i, .cond = pol->cond};
    uint8_t first = left_of(&pol->principal, role == EV_BY_PRINCIPAL,
                            role == EV_BY_PRINCIPAL_TYPE);
    uint8_t second = left_of(&pol->resource, role == EV_BY_RESOURCE,
                             role == EV_BY_RESOURCE_TYPE);
    const struct ev_scope *left = first != 0 ? &pol->principal : &pol->resource;

    file_action(&x, ix, pol, role, uid);
    if (filed_as_equal(pol, role))
        x.flags |= EV_FILED_SELF;
    if (first != 0 && second != 0) {
        x.flags |= EV_FILED_WHOLE;
        return x;
    }
    if (first != 0)
        x.flags |= EV_FILED_LEFT_PRINCIPAL;
    x.flags |= first | second;
    x.type = number_of_type(ix, left);
    x.other = left->count > 0 ? left->uids[0] : NULL;
    return x;
}
