#include "policy/eval/index.h"

#include <string.h>

#include "policy/core/uid.h"

/* Below this a scan of all scopes is as fast as the look-ups. */
#define INDEX_MIN 16

/* What a policy can be filed under. The types are uids with an empty id. */
enum role {
    ROLE_PRINCIPAL,
    ROLE_RESOURCE,
    ROLE_ACTION,
    ROLE_PRINCIPAL_TYPE,
    ROLE_RESOURCE_TYPE,
    ROLE_COUNT
};
#define ROLE_ANY ROLE_COUNT

struct ev_index {
    struct cedar_uidmap by[ROLE_COUNT]; /* uid to bucket */
    const uint32_t
        *starts[ROLE_COUNT];          /* of each bucket in list, and the end */
    const uint32_t *list[ROLE_COUNT]; /* policies */
    const uint64_t *any;              /* bits of the unfiled */
    size_t words;
};

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
};

static struct anchor anchor_of(const struct build *b, uint32_t policy,
                               enum role role)
{
    const struct ev_policy *p = &b->p->policies[policy];
    const struct ev_scope *s = &p->principal;

    if (role == ROLE_ACTION)
        s = &p->action;
    else if (role == ROLE_RESOURCE)
        s = &p->resource;
    if (role >= ROLE_PRINCIPAL_TYPE) {
        const struct cedar_uid **t =
            &b->types[role - ROLE_PRINCIPAL_TYPE][policy];

        return (struct anchor){.uids = t, .count = 1, .usable = *t != NULL};
    }
    return (struct anchor){.uids = s->uids,
                           .count = s->count,
                           .usable = s->op == EV_SCOPE_EQ ||
                                     s->op == EV_SCOPE_IN ||
                                     (s->op == EV_SCOPE_IS && s->count > 0)};
}

/* Every (uid, policy) of one role, of all policies or of those filed there. */
static ts_err entries_of(const struct build *b, enum role role, bool chosen,
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
    e = ts_arena_array(chosen ? &b->p->arena : b->temp, n, sizeof(*entries),
                       &mem);
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

/* Leaves one entry per uid; its value becomes how many there were, or where its
 * run starts. */
static uint32_t unique(struct cedar_uidmap_entry *entries, uint32_t n,
                       uint32_t *starts)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < n;) {
        uint32_t j = i;

        while (j < n && cedar_uid_eq(entries[j].uid, entries[i].uid))
            j++;
        entries[kept].uid = entries[i].uid;
        entries[kept].value = starts != NULL ? kept : j - i;
        if (starts != NULL)
            starts[kept] = i;
        kept++;
        i = j;
    }
    if (starts != NULL)
        starts[kept] = n;
    return kept;
}

/* File each policy under the anchor that the fewest policies share. */
static ts_err choose(struct build *b)
{
    struct cedar_uidmap counts[ROLE_COUNT];
    ts_err e;

    for (unsigned r = 0; r < ROLE_COUNT; r++) {
        struct cedar_uidmap_entry *entries;
        uint32_t n;

        e = entries_of(b, (enum role)r, false, &entries, &n);
        if (e != TS_OK)
            return e;
        e = cedar_uidmap_build(b->temp, entries, unique(entries, n, NULL),
                               &counts[r]);
        if (e != TS_OK)
            return e;
    }
    for (uint32_t i = 0; i < b->p->count; i++) {
        uint64_t best = UINT64_MAX;

        b->chosen[i] = ROLE_ANY;
        for (unsigned r = 0; r < ROLE_COUNT; r++) {
            struct anchor a = anchor_of(b, i, (enum role)r);
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

static ts_err file_role(struct build *b, enum role role)
{
    struct ts_arena *arena = &b->p->arena;
    struct cedar_uidmap_entry *entries;
    uint32_t n, *list, *starts;
    void *mem;
    ts_err e = entries_of(b, role, true, &entries, &n);

    if (e != TS_OK ||
        (e = ts_arena_array(arena, n, sizeof(*list), &mem)) != TS_OK)
        return e;
    list = mem;
    for (uint32_t i = 0; i < n; i++)
        list[i] = entries[i].value;
    if ((e = ts_arena_array(arena, (size_t)n + 1, sizeof(*starts), &mem)) !=
        TS_OK)
        return e;
    starts = mem;
    n = unique(entries, n, starts);
    b->ix->list[role] = list;
    b->ix->starts[role] = starts;
    return cedar_uidmap_build(arena, entries, n, &b->ix->by[role]);
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

            if (s->op != EV_SCOPE_IS)
                continue;
            e = ts_arena_alloc(&b->p->arena, sizeof(struct cedar_uid), &mem);
            if (e != TS_OK)
                return e;
            *(struct cedar_uid *)mem = cedar_uid_make(s->type, TS_STR_LIT(""));
            b->types[t][i] = mem;
        }
    }
    return TS_OK;
}

ts_err ev_index_build(struct cedar_policies *p, struct ts_arena *temp)
{
    struct build b = {.p = p, .temp = temp};
    uint64_t *any;
    void *mem;
    ts_err e;

    if (p->count < INDEX_MIN)
        return TS_OK;
    if ((e = ts_arena_alloc(&p->arena, sizeof(*b.ix), &mem)) != TS_OK)
        return e;
    b.ix = mem;
    b.ix->words = ((size_t)p->count + 63) / 64;
    if ((e = ts_arena_array(&p->arena, b.ix->words, sizeof(*any), &mem)) !=
        TS_OK)
        return e;
    any = mem;
    if ((e = ts_arena_alloc(temp, p->count, &mem)) != TS_OK)
        return e;
    b.chosen = mem;
    if ((e = type_anchors(&b)) != TS_OK || (e = choose(&b)) != TS_OK)
        return e;
    for (unsigned r = 0; r < ROLE_COUNT; r++)
        if ((e = file_role(&b, (enum role)r)) != TS_OK)
            return e;
    for (uint32_t i = 0; i < p->count; i++)
        if (b.chosen[i] == ROLE_ANY)
            any[i / 64] |= (uint64_t)1 << (i % 64);
    b.ix->any = any;
    p->index = b.ix;
    return TS_OK;
}

static void probe(const struct ev_index *ix, enum role role,
                  const struct cedar_uid *uid, uint64_t *words)
{
    uint32_t b = cedar_uidmap_find(&ix->by[role], uid);

    if (b == CEDAR_UIDMAP_NONE)
        return;
    for (uint32_t i = ix->starts[role][b]; i < ix->starts[role][b + 1]; i++) {
        uint32_t p = ix->list[role][i];

        words[p / 64] |= (uint64_t)1 << (p % 64);
    }
}

static void probe_entity(const struct ev_index *ix, struct ev *ev,
                         enum role role, enum ev_var var,
                         const struct cedar_uid *uid, uint64_t *words)
{
    const struct ev_entity *ent;

    if (ix->by[role].count == 0)
        return;
    probe(ix, role, uid, words);
    ent = ev_var_entity(ev, var);
    for (size_t i = 0; i < ent->ancestor_count; i++)
        probe(ix, role, ent->ancestors[i], words);
    for (size_t i = 0; i < ent->overlay_count; i++)
        probe(ix, role, &ent->overlay_ancestors[i], words);
}

static void probe_type(const struct ev_index *ix, enum role role,
                       const struct cedar_uid *uid, uint64_t *words)
{
    struct cedar_uid type;

    if (ix->by[role].count == 0)
        return;
    type = cedar_uid_make(uid->type, TS_STR_LIT(""));
    probe(ix, role, &type, words);
}

void ev_index_collect(const struct ev_index *ix, struct ev *ev, uint64_t *words)
{
    const struct cedar_request *req = ev->req;

    memcpy(words, ix->any, ix->words * sizeof(*words));
    probe_entity(ix, ev, ROLE_PRINCIPAL, EV_PRINCIPAL, &req->principal, words);
    probe_entity(ix, ev, ROLE_RESOURCE, EV_RESOURCE, &req->resource, words);
    probe_entity(ix, ev, ROLE_ACTION, EV_ACTION, &req->action, words);
    probe_type(ix, ROLE_PRINCIPAL_TYPE, &req->principal, words);
    probe_type(ix, ROLE_RESOURCE_TYPE, &req->resource, words);
}
