/* What reading entities with and without a schema have in common: the texts,
 * duplicates, ancestors, the map. */
#include "policy/data/loader.h"

#include "policy/core/budget.h"
#include "policy/core/diag.h"
#include "policy/core/limits.h"
#include "policy/core/name.h"
#include "policy/core/sort.h"
#include "policy/core/uid.h"
#include "policy/core/value.h"
#include "policy/data/entity_priv.h"
#include "policy/json/value_json.h"
#include "proto/base/ts_mem.h"
#include "proto/base/ts_num.h"

/* Large files come in large pieces: few calls, no small holes left behind, and
 * what was only needed for loading can go back to the system whole. */
#define LARGE_TEXT  ((size_t)32 << 10)
#define LARGE_CHUNK ((size_t)256 << 10)
#define LARGE_TEMP  ((size_t)1 << 20) /* above what loading policies freed */

bool entity_type_is_action(struct ts_str type)
{
    return ts_str_eq(cedar_name_base(type), TS_STR_LIT("Action"));
}

ts_err entity_fields(struct entity_loader *l, const struct json *v,
                     struct entity_fields *ret)
{
    struct entity_fields f = {
        .uid = cedar_json_get(v, TS_STR_LIT("uid")),
        .attrs = cedar_json_get(v, TS_STR_LIT("attrs")),
        .parents = cedar_json_get(v, TS_STR_LIT("parents")),
        .tags = cedar_json_get(v, TS_STR_LIT("tags")),
    };

    if (v->kind != JSON_OBJECT) {
        cedar_diag_add(l->diags, "bad_entity", v->span, NULL,
                       "an entity must be an object, not %s",
                       cedar_json_kind_name(v->kind));
        return TS_E_FORMAT;
    }
    if (f.uid == NULL || f.attrs == NULL || f.parents == NULL) {
        cedar_diag_add(l->diags, "bad_entity", v->span,
                       "uid, attrs and parents are all required",
                       "this entity has no field `%s`",
                       f.uid == NULL ? "uid"
                                     : (f.attrs == NULL ? "attrs" : "parents"));
        return TS_E_FORMAT;
    }
    *ret = f;
    return TS_OK;
}

static int uid_order(const void *a, const void *b)
{
    const struct cedar_uid *const *x = a, *const *y = b;

    return cedar_uid_cmp(*x, *y);
}

void entity_set_parents(struct entity *ent, const struct cedar_uid **list,
                        uint32_t count)
{
    uint32_t kept = 0;

    cedar_sort(list, count, sizeof(*list), uid_order);
    for (uint32_t i = 0; i < count; i++)
        if (kept == 0 || !cedar_uid_eq(list[kept - 1], list[i]))
            list[kept++] = list[i];
    ent->parents = list;
    ent->parent_count = kept;
}

ts_err entity_read_parents(struct entity_loader *l, const struct json *v,
                           const struct cedar_uid *child,
                           const struct cedar_uid ***ret)
{
    bool action = entity_type_is_action(child->type);
    const struct json *m = v->first;
    const struct cedar_uid **parents;
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
        if (action && !entity_type_is_action(parents[i]->type)) {
            cedar_diag_add(l->diags, "bad_entity", m->span,
                           "only an action can be the parent of an action",
                           "the action has the parent `%s`, which is none",
                           cedar_quote(parents[i]->type).s);
            return TS_E_FORMAT;
        }
    }
    *ret = parents;
    return TS_OK;
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
static ts_err drop_duplicates(struct entity_loader *l)
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

/* Reads the texts; makes room for all their entities. */
static ts_err open_texts(struct entity_loader *l,
                         const struct cedar_source *sources, size_t count)
{
    size_t n = 0;
    void *mem;
    ts_err e = ts_arena_array(&l->temp, count, sizeof(*l->roots), &mem);

    if (e != TS_OK)
        return e;
    l->roots = mem;
    for (size_t i = 0; i < count; i++) {
        e = cedar_json_parse(&l->temp, sources[i].text, (uint32_t)i, l->diags,
                             &l->roots[i]);
        if (e != TS_OK)
            return e;
        if (l->roots[i]->kind != JSON_ARRAY) {
            cedar_diag_add(l->diags, "bad_entity", l->roots[i]->span, NULL,
                           "an entity file is an array of entities");
            return TS_E_FORMAT;
        }
        n += l->roots[i]->count;
    }
    l->root_count = count;
    if (n > CEDAR_ENTITIES)
        return TS_E_LIMIT;
    if ((e = ts_arena_array(&l->temp, n, sizeof(struct entity), &mem)) != TS_OK)
        return e;
    l->store->list = mem;
    e = ts_arena_array(&l->temp, n, sizeof(struct cedar_span), &mem);
    if (e == TS_OK)
        l->spans = mem;
    return e;
}

ts_err entity_loader_begin(struct entity_loader *l,
                           const struct cedar_source *sources, size_t count,
                           size_t extra, struct cedar_diags *diags)
{
    size_t bytes = cedar_sources_bytes(sources, count);
    size_t budget = cedar_load_budget(bytes);

    *l = (struct entity_loader){.diags = diags};
    cedar_diags_clear(diags);
    if (bytes > CEDAR_JSON_BYTES || count > UINT32_MAX)
        return TS_E_LIMIT;
    l->store = ts_mem_alloc(sizeof(*l->store));
    if (l->store == NULL)
        return TS_E_NOMEM;
    ts_arena_init(&l->temp, budget + CEDAR_ANCESTORS * sizeof(uint32_t));
    budget += CEDAR_ANCESTORS * sizeof(void *);
    if (ts_ckd_add(&budget, budget, extra))
        return TS_E_LIMIT;
    ts_arena_init(&l->store->arena, budget);
    if (bytes >= LARGE_TEXT) {
        l->temp.chunk = LARGE_TEMP;
        l->store->arena.chunk = LARGE_CHUNK;
    }
    return open_texts(l, sources, count);
}

const struct json *entity_loader_next(struct entity_loader *l,
                                      struct entity **ret)
{
    const struct json *v;

    while (l->next == NULL && l->root < l->root_count)
        l->next = l->roots[l->root++]->first;
    v = l->next;
    if (v == NULL)
        return NULL;
    l->next = v->next;
    l->spans[l->store->count] = v->span;
    *ret = &l->store->list[l->store->count++];
    return v;
}

ts_err entity_loader_put(struct entity_loader *l, ts_err e)
{
    if (e != TS_E_FORMAT)
        return e;
    l->bad = true;
    return l->diags != NULL && l->diags->errors < CEDAR_DIAGS_MAX ? TS_OK : e;
}

ts_err entity_loader_close(struct entity_loader *l)
{
    ts_err e;

    if (l->bad)
        return TS_E_FORMAT;
    if ((e = drop_duplicates(l)) != TS_OK)
        return e;
    return cedar_closure(l->store, l->spans, &l->temp, l->diags);
}

ts_err entity_loader_end(struct entity_loader *l, ts_err e,
                         struct cedar_entities **ret)
{
    if (e == TS_OK)
        e = build_map(l->store);
    ts_arena_done(&l->temp);
    if (e != TS_OK)
        cedar_entities_free(l->store);
    else
        *ret = l->store;
    return e;
}
