#include "policy/eval/index.h"

#include <string.h>

#include "policy/core/uid.h"

/* Below this a scan of all scopes is as fast as the look-ups. */
#define INDEX_MIN 8

struct anchor {
    const struct cedar_uid *const *uids;
    uint32_t count;
    bool usable;
};

struct build {
    struct cedar_policies *p;
    struct ts_arena *temp;
    struct ev_index *ix;
    const struct cedar_uid **types[2]; /* of each policy, or NULL */
    uint8_t *chosen;                   /* role of each policy */
    struct ev_entry *entries;
    uint32_t count;
};

/* A policy that names several actions is judged once, under the first of them
 * that the request has: their numbers must tell them apart. */
static bool told_apart(const struct build *b, const struct ev_policy *p)
{
    uint64_t actions = ev_index_actions(b->ix, p);

    return p->action.count == 1 || (actions >> EV_ACTION_REST & 1) == 0;
}

static struct anchor anchor_of(const struct build *b, uint32_t policy,
                               enum ev_role role)
{
    const struct ev_policy *p = &b->p->policies[policy];
    const struct ev_scope *s = &p->principal;

    if (role == EV_BY_ACTION)
        s = &p->action;
    else if (role == EV_BY_RESOURCE)
        s = &p->resource;
    if (role >= EV_BY_PRINCIPAL_TYPE) {
        const struct cedar_uid **t =
            &b->types[role - EV_BY_PRINCIPAL_TYPE][policy];

        return (struct anchor){.uids = t, .count = 1, .usable = *t != NULL};
    }
    return (struct anchor){.uids = s->uids,
                           .count = s->count,
                           .usable =
                               (s->op == EV_SCOPE_EQ || s->op == EV_SCOPE_IN ||
                                (s->op == EV_SCOPE_IS && s->count > 0)) &&
                               (role != EV_BY_ACTION || told_apart(b, p))};
}

/* Every (uid, policy) of one role, of all policies or of those filed there. */
static ts_err entries_of(const struct build *b, enum ev_role role, bool chosen,
                         struct cedar_uidmap_entry **ret, uint32_t *ret_n)
{
    struct cedar_uidmap_entry *entries;
    size_t n = 0;
    void *mem;
    ts_err e;

    for (uint32_t i = 0; i < b->p->count; i++)
        if (!chosen || b->chosen[i] == role) {
            struct anchor a = anchor_of(b, i, role);

            n += a.usable ? a.count : 0;
        }
    e = ts_arena_array(b->temp, n, sizeof(*entries), &mem);
    if (e != TS_OK || n > UINT32_MAX)
        return e != TS_OK ? e : TS_E_LIMIT;
    entries = mem;
    n = 0;
    for (uint32_t i = 0; i < b->p->count; i++) {
        struct anchor a = anchor_of(b, i, role);

        if (!a.usable || (chosen && b->chosen[i] != role))
            continue;
        for (uint32_t j = 0; j < a.count; j++)
            entries[n++] =
                (struct cedar_uidmap_entry){.uid = a.uids[j], .value = i};
    }
    cedar_uidmap_sort(entries, (uint32_t)n);
    *ret = entries;
    *ret_n = (uint32_t)n;
    return TS_OK;
}

/* Leaves one entry per uid; its value becomes how many there were. */
static uint32_t unique(struct cedar_uidmap_entry *entries, uint32_t n)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < n;) {
        uint32_t j = i;

        while (j < n && cedar_uid_eq(entries[j].uid, entries[i].uid))
            j++;
        entries[kept].uid = entries[i].uid;
        entries[kept].value = j - i;
        kept++;
        i = j;
    }
    return kept;
}

/* File each policy under the anchor that the fewest policies share. */
static ts_err choose(struct build *b)
{
    struct cedar_uidmap counts[EV_ROLES];
    ts_err e;

    for (unsigned r = 0; r < EV_ROLES; r++) {
        struct cedar_uidmap_entry *entries;
        uint32_t n;

        e = entries_of(b, (enum ev_role)r, false, &entries, &n);
        if (e != TS_OK)
            return e;
        e = cedar_uidmap_build(b->temp, entries, unique(entries, n),
                               &counts[r]);
        if (e != TS_OK)
            return e;
    }
    for (uint32_t i = 0; i < b->p->count; i++) {
        uint64_t best = UINT64_MAX;

        b->chosen[i] = EV_BY_NOTHING;
        for (unsigned r = 0; r < EV_ROLES; r++) {
            struct anchor a = anchor_of(b, i, (enum ev_role)r);
            uint64_t cost = 0;

            if (!a.usable)
                continue;
            for (uint32_t j = 0; j < a.count; j++)
                cost += cedar_uidmap_find(&counts[r], a.uids[j]);
            if (cost < best) {
                best = cost;
                b->chosen[i] = (uint8_t)r;
            }
        }
    }
    return TS_OK;
}

/* One list for each uid; a policy that names a uid twice is in it once. */
static ts_err file_role(struct build *b, enum ev_role role)
{
    struct cedar_uidmap_entry *m, *kept;
    uint32_t n, lists = 0;
    void *mem;
    ts_err e = entries_of(b, role, true, &m, &n);

    if (e != TS_OK ||
        (e = ts_arena_array(b->temp, n, sizeof(*kept), &mem)) != TS_OK)
        return e;
    kept = mem;
    for (uint32_t i = 0; i < n; i++) {
        bool same = i > 0 && cedar_uid_eq(m[i - 1].uid, m[i].uid);

        if (same && m[i - 1].value == m[i].value)
            continue;
        if (!same) {
            if (i > 0)
                b->entries[b->count - 1].last = true;
            kept[lists++] =
                (struct cedar_uidmap_entry){.uid = m[i].uid, .value = b->count};
        }
        b->entries[b->count++] =
            ev_index_entry(b->p, b->ix, m[i].value, role, m[i].uid);
    }
    if (n > 0)
        b->entries[b->count - 1].last = true;
    if ((e = ts_arena_array(&b->p->arena, lists, sizeof(*kept), &mem)) != TS_OK)
        return e;
    if (lists > 0)
        memcpy(mem, kept, lists * sizeof(*kept));
    return cedar_uidmap_build(&b->p->arena, mem, lists, &b->ix->by[role]);
}

static void file_rest(struct build *b)
{
    b->ix->any = CEDAR_UIDMAP_NONE;
    for (uint32_t i = 0; i < b->p->count; i++) {
        if (b->chosen[i] != EV_BY_NOTHING)
            continue;
        if (b->ix->any == CEDAR_UIDMAP_NONE)
            b->ix->any = b->count;
        b->entries[b->count++] =
            ev_index_entry(b->p, b->ix, i, EV_BY_NOTHING, NULL);
    }
    if (b->ix->any != CEDAR_UIDMAP_NONE)
        b->entries[b->count - 1].last = true;
}

static ts_err type_anchors(struct build *b)
{
    for (unsigned t = 0; t < 2; t++) {
        void *mem;
        ts_err e =
            ts_arena_array(b->temp, b->p->count, sizeof(b->types[0][0]), &mem);

        if (e != TS_OK)
            return e;
        b->types[t] = mem;
        for (uint32_t i = 0; i < b->p->count; i++) {
            const struct ev_policy *p = &b->p->policies[i];
            const struct ev_scope *s = t == 0 ? &p->principal : &p->resource;
            struct cedar_uid uid;

            if (s->op != EV_SCOPE_IS)
                continue;
            uid = cedar_uid_make(s->type, TS_STR_LIT(""));
            b->types[t][i] =
                b->ix->type_uids[cedar_uidmap_find(&b->ix->types, &uid)];
        }
    }
    return TS_OK;
}

/* How many entries filing will make, at most. */
static size_t entries_needed(const struct build *b)
{
    size_t n = 0;

    for (uint32_t i = 0; i < b->p->count; i++)
        n += b->chosen[i] == EV_BY_NOTHING
                 ? 1
                 : anchor_of(b, i, (enum ev_role)b->chosen[i]).count;
    return n;
}

static ts_err file_all(struct build *b)
{
    size_t n = entries_needed(b);
    void *mem;
    ts_err e = ts_arena_array(&b->p->arena, n, sizeof(*b->entries), &mem);

    if (e != TS_OK || n >= UINT32_MAX)
        return e != TS_OK ? e : TS_E_LIMIT;
    b->entries = mem;
    b->ix->entries = mem;
    for (unsigned r = 0; r < EV_ROLES; r++)
        if ((e = file_role(b, (enum ev_role)r)) != TS_OK)
            return e;
    file_rest(b);
    return TS_OK;
}

ts_err ev_index_build(struct cedar_policies *p, struct ts_arena *temp)
{
    struct build b = {.p = p, .temp = temp};
    void *mem;
    ts_err e;

    if (p->count < INDEX_MIN)
        return TS_OK;
    if ((e = ts_arena_alloc(&p->arena, sizeof(*b.ix), &mem)) != TS_OK)
        return e;
    b.ix = mem;
    if ((e = ts_arena_alloc(temp, p->count, &mem)) != TS_OK)
        return e;
    b.chosen = mem;
    if ((e = ev_index_numbers(p, temp, b.ix)) != TS_OK ||
        (e = type_anchors(&b)) != TS_OK || (e = choose(&b)) != TS_OK ||
        (e = file_all(&b)) != TS_OK)
        return e;
    p->index = b.ix;
    return TS_OK;
}
