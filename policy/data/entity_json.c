/* Cedar's JSON entity format, without a schema. Each source is an array of
 * {"uid", "attrs", "parents", "tags"?}; other keys are ignored. */
#include "policy/core/diag.h"
#include "policy/core/limits.h"
#include "policy/core/sort.h"
#include "policy/core/uid.h"
#include "policy/core/value.h"
#include "policy/data/entity_priv.h"
#include "policy/json/value_json.h"
#include "proto/base/ts_mem.h"
#include "proto/base/ts_num.h"

struct loader {
    struct cedar_entities *store;
    struct cedar_span *spans; /* of the entities as they are read */
    struct ts_arena temp;
    struct cedar_diags *diags;
};

static ts_err missing(struct loader *l, const struct json *v, const char *key)
{
    cedar_diag_add(l->diags, "bad_entity", v->span,
                   "uid, attrs and parents are all required",
                   "this entity has no field `%s`", key);
    return TS_E_FORMAT;
}

static int uid_order(const void *a, const void *b)
{
    const struct cedar_uid *const *x = a, *const *y = b;

    return cedar_uid_cmp(*x, *y);
}

static ts_err read_parents(struct loader *l, const struct json *v,
                           struct entity *ent)
{
    const struct json *m = v->first;
    const struct cedar_uid **parents;
    uint32_t kept = 0;
    void *mem;
    ts_err e;

    if (v->kind != JSON_ARRAY) {
        cedar_diag_add(l->diags, "bad_entity", v->span, NULL,
                       "`parents` must be an array");
        return TS_E_FORMAT;
    }
    e = ts_arena_array(&l->store->arena, v->count, sizeof(*parents), &mem);
    if (e != TS_OK)
        return e;
    parents = mem;
    for (uint32_t i = 0; i < v->count; i++, m = m->next) {
        e = cedar_uid_from_json(&l->store->arena, m, "a parent", l->diags,
                                &parents[i]);
        if (e != TS_OK)
            return e;
    }
    cedar_sort(parents, v->count, sizeof(*parents), uid_order);
    for (uint32_t i = 0; i < v->count; i++)
        if (kept == 0 || !cedar_uid_eq(parents[kept - 1], parents[i]))
            parents[kept++] = parents[i];
    ent->parents = parents;
    ent->parent_count = kept;
    return TS_OK;
}

static ts_err read_entity(struct loader *l, const struct json *v,
                          struct entity *ent)
{
    const struct json *uid = cedar_json_get(v, TS_STR_LIT("uid"));
    const struct json *attrs = cedar_json_get(v, TS_STR_LIT("attrs"));
    const struct json *parents = cedar_json_get(v, TS_STR_LIT("parents"));
    const struct json *tags = cedar_json_get(v, TS_STR_LIT("tags"));
    struct ts_arena *arena = &l->store->arena;
    struct cedar_value rec;
    ts_err e;

    if (v->kind != JSON_OBJECT) {
        cedar_diag_add(l->diags, "bad_entity", v->span, NULL,
                       "an entity must be an object, not %s",
                       cedar_json_kind_name(v->kind));
        return TS_E_FORMAT;
    }
    if (uid == NULL || attrs == NULL || parents == NULL)
        return missing(
            l, v, uid == NULL ? "uid" : (attrs == NULL ? "attrs" : "parents"));
    if ((e = cedar_uid_from_json(arena, uid, "`uid`", l->diags, &ent->uid)) !=
            TS_OK ||
        (e = cedar_record_from_json(arena, attrs, l->diags, &rec)) != TS_OK)
        return e;
    ent->attrs = rec.as.record;
    if (tags != NULL) {
        e = cedar_record_from_json(arena, tags, l->diags, &rec);
        if (e != TS_OK)
            return e;
        if (rec.as.record->count > 0)
            ent->tags = rec.as.record;
    }
    return read_parents(l, parents, ent);
}

static bool same_record(const struct cedar_record *a,
                        const struct cedar_record *b)
{
    struct cedar_value x = {.kind = CEDAR_RECORD, .as.record = a};
    struct cedar_value y = {.kind = CEDAR_RECORD, .as.record = b};

    if (a == NULL || b == NULL)
        return a == b;
    return cedar_value_eq(&x, &y);
}

static bool same_entity(const struct entity *a, const struct entity *b)
{
    if (a->parent_count != b->parent_count ||
        !same_record(a->attrs, b->attrs) || !same_record(a->tags, b->tags))
        return false;
    for (uint32_t i = 0; i < a->parent_count; i++)
        if (!cedar_uid_eq(a->parents[i], b->parents[i]))
            return false;
    return true;
}

/* "Duplicate identical entities pass, differing ones error." Keeps the first of
 * each, in the order of their uids. */
static ts_err drop_duplicates(struct loader *l)
{
    struct cedar_entities *s = l->store;
    struct cedar_uidmap_entry *by_uid;
    struct entity *kept;
    struct cedar_span *spans;
    uint32_t n = 0;
    void *mem;
    ts_err e;

    if ((e = ts_arena_array(&l->temp, s->count, sizeof(*by_uid), &mem)) !=
        TS_OK)
        return e;
    by_uid = mem;
    if ((e = ts_arena_array(&l->temp, s->count, sizeof(*spans), &mem)) != TS_OK)
        return e;
    spans = mem;
    if ((e = ts_arena_array(&s->arena, s->count, sizeof(*kept), &mem)) != TS_OK)
        return e;
    kept = mem;
    for (uint32_t i = 0; i < s->count; i++)
        by_uid[i] =
            (struct cedar_uidmap_entry){.uid = s->list[i].uid, .value = i};
    cedar_uidmap_sort(by_uid, s->count);
    for (uint32_t i = 0; i < s->count; i++) {
        const struct entity *ent = &s->list[by_uid[i].value];

        if (n > 0 && cedar_uid_eq(kept[n - 1].uid, ent->uid)) {
            if (same_entity(&kept[n - 1], ent))
                continue;
            cedar_diag_add(
                l->diags, "duplicate_entity", l->spans[by_uid[i].value],
                "merge the two", "duplicate entity entry `%.80s::\"%.80s\"`",
                cedar_quote(ent->uid->type).s, cedar_quote(ent->uid->id).s);
            return TS_E_FORMAT;
        }
        spans[n] = l->spans[by_uid[i].value];
        kept[n++] = *ent;
    }
    s->list = kept;
    s->count = n;
    l->spans = spans;
    return TS_OK;
}

static ts_err build_map(struct cedar_entities *s)
{
    struct cedar_uidmap_entry *entries;
    void *mem;
    ts_err e = ts_arena_array(&s->arena, s->count, sizeof(*entries), &mem);

    if (e != TS_OK)
        return e;
    entries = mem;
    for (uint32_t i = 0; i < s->count; i++)
        entries[i] =
            (struct cedar_uidmap_entry){.uid = s->list[i].uid, .value = i};
    return cedar_uidmap_build(&s->arena, entries, s->count, &s->map);
}

/* Reads the arrays of all sources into the store's list. */
static ts_err read_all(struct loader *l, const struct json *const *roots,
                       size_t count)
{
    struct cedar_entities *s = l->store;
    size_t n = 0;
    void *mem;
    ts_err e;

    for (size_t i = 0; i < count; i++)
        n += roots[i]->count;
    if (n > CEDAR_ENTITIES)
        return TS_E_LIMIT;
    if ((e = ts_arena_array(&l->temp, n, sizeof(struct entity), &mem)) != TS_OK)
        return e;
    s->list = mem;
    e = ts_arena_array(&l->temp, n, sizeof(struct cedar_span), &mem);
    if (e != TS_OK)
        return e;
    l->spans = mem;
    for (size_t i = 0; i < count; i++) {
        for (const struct json *m = roots[i]->first; m != NULL; m = m->next) {
            l->spans[s->count] = m->span;
            if ((e = read_entity(l, m, &s->list[s->count])) != TS_OK)
                return e;
            s->count++;
        }
    }
    return TS_OK;
}

static ts_err load(struct loader *l, const struct cedar_source *sources,
                   size_t count)
{
    const struct json **roots;
    void *mem;
    ts_err e = ts_arena_array(&l->temp, count, sizeof(*roots), &mem);

    if (e != TS_OK)
        return e;
    roots = mem;
    for (size_t i = 0; i < count; i++) {
        e = cedar_json_parse(&l->temp, sources[i].text, (uint32_t)i, l->diags,
                             &roots[i]);
        if (e != TS_OK)
            return e;
        if (roots[i]->kind != JSON_ARRAY) {
            cedar_diag_add(l->diags, "bad_entity", roots[i]->span, NULL,
                           "an entity file is an array of entities");
            return TS_E_FORMAT;
        }
    }
    if ((e = read_all(l, roots, count)) != TS_OK ||
        (e = drop_duplicates(l)) != TS_OK ||
        (e = cedar_closure(l->store, l->spans, &l->temp, l->diags)) != TS_OK)
        return e;
    return build_map(l->store);
}

ts_err cedar_entities_parse(const struct cedar_source *sources, size_t count,
                            struct cedar_entities **ret,
                            struct cedar_diags *diags)
{
    struct loader l = {.diags = diags};
    size_t bytes = 0, budget;
    ts_err e;

    if (diags != NULL)
        diags->count = diags->errors = diags->warnings = 0;
    for (size_t i = 0; i < count; i++)
        if (ts_ckd_add(&bytes, bytes, sources[i].text.len))
            return TS_E_LIMIT;
    if (bytes > CEDAR_JSON_BYTES || count > UINT32_MAX)
        return TS_E_LIMIT;
    budget = bytes * CEDAR_LOAD_PER_BYTE + CEDAR_LOAD_BASE;
    l.store = ts_mem_alloc(sizeof(*l.store));
    if (l.store == NULL)
        return TS_E_NOMEM;
    ts_arena_init(&l.temp, budget + CEDAR_ANCESTORS * sizeof(uint32_t));
    ts_arena_init(&l.store->arena, budget + CEDAR_ANCESTORS * sizeof(void *));
    e = load(&l, sources, count);
    ts_arena_done(&l.temp);
    if (e != TS_OK) {
        cedar_entities_free(l.store);
        return e;
    }
    *ret = l.store;
    return TS_OK;
}
