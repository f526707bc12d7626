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
#include "proto/base/ts_require.h"

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

/* ---- the entities of the texts ----------------------------------------- */

struct entity_loaded {
    struct entity entity;
    struct cedar_span span;
};

/* Runs double, so entity i is at (i / FIRST + 1) without its highest bit. */
static struct entity_loaded *loaded_at(const struct entity_loader *l,
                                       uint32_t i)
{
    uint32_t group = i / ENTITY_RUN_FIRST + 1, run = 0;

    while (group >> run > 1)
        run++;
    return &l->runs[run][i - ENTITY_RUN_FIRST * (((uint32_t)1 << run) - 1)];
}

/* Room for one more. */
static ts_err load_one(struct entity_loader *l, struct entity_loaded **ret)
{
    uint32_t run = 0;
    void *mem;
    ts_err e;

    if (l->count >= CEDAR_ENTITIES) {
        cedar_diag_add(l->diags, "limit",
                       (struct cedar_span){.line = 1, .column = 1}, NULL,
                       "more than %u entities", CEDAR_ENTITIES);
        return TS_E_LIMIT;
    }
    while ((l->count / ENTITY_RUN_FIRST + 1) >> run > 1)
        run++;
    TS_REQUIRE(run < ENTITY_RUNS);
    if (l->runs[run] == NULL) {
        e = ts_arena_array(&l->temp, (size_t)ENTITY_RUN_FIRST << run,
                           sizeof(**ret), &mem);
        if (e != TS_OK)
            return e;
        l->runs[run] = mem;
    }
    *ret = loaded_at(l, l->count++);
    return TS_OK;
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

    if ((e = ts_arena_array(&l->temp, l->count, sizeof(*by_uid), &mem)) !=
        TS_OK)
        return e;
    by_uid = mem;
    if ((e = ts_arena_array(&l->temp, l->count, sizeof(*spans), &mem)) != TS_OK)
        return e;
    spans = mem;
    if ((e = ts_arena_array(&s->arena, l->count, sizeof(*kept), &mem)) != TS_OK)
        return e;
    kept = mem;
    for (uint32_t i = 0; i < l->count; i++)
        by_uid[i] = (struct cedar_uidmap_entry){
            .uid = loaded_at(l, i)->entity.uid, .value = i};
    cedar_uidmap_sort(by_uid, l->count);
    for (uint32_t i = 0; i < l->count; i++) {
        const struct entity_loaded *at = loaded_at(l, by_uid[i].value);
        const struct entity *ent = &at->entity;

        if (n > 0 && cedar_uid_eq(kept[n - 1].uid, ent->uid)) {
            if (same_entity(&kept[n - 1], ent))
                continue;
            cedar_diag_add(
                l->diags, "duplicate_entity", at->span, "merge the two",
                "duplicate entity entry `%.80s::\"%.80s\"`",
                cedar_quote(ent->uid->type).s, cedar_quote(ent->uid->id).s);
            return TS_E_FORMAT;
        }
        spans[n] = at->span;
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

static ts_err open_text(struct entity_loader *l)
{
    struct ts_str text = l->sources[l->source].text;
    const struct json *v;
    ts_err e = cedar_json_list_open(&l->list, text, l->source, l->diags);

    l->open = e == TS_OK;
    if (e != TS_E_INVALID)
        return e;
    e = cedar_json_parse(&l->one, text, l->source, l->diags, &v);
    if (e != TS_OK)
        return e;
    cedar_diag_add(l->diags, "bad_entity", v->span, NULL,
                   "an entity file is an array of entities");
    return TS_E_FORMAT;
}

/* The next of the text at hand; NULL at its end. */
static ts_err read_next(struct entity_loader *l, const struct json **ret)
{
    ts_err e;

    ts_arena_reset(&l->one);
    e = cedar_json_list_next(&l->list, &l->one, ret);
    if (e == TS_OK && *ret == NULL) {
        l->open = false;
        l->source++;
    }
    return e;
}

/* A text that is no list in JSON says that alone, and nothing of the entities
 * that were met before: it is read again. */
static ts_err say_alone(struct entity_loader *l)
{
    const struct json *v;
    ts_err e;

    cedar_diags_clear(l->diags);
    e = open_text(l);
    while (e == TS_OK && l->open)
        e = read_next(l, &v);
    return e;
}

ts_err entity_loader_begin(struct entity_loader *l,
                           const struct cedar_source *sources, size_t count,
                           size_t extra, struct cedar_diags *diags)
{
    size_t bytes = cedar_sources_bytes(sources, count);
    size_t budget = cedar_load_budget(bytes);

    *l = (struct entity_loader){.diags = diags, .sources = sources};
    cedar_diags_clear(diags);
    if (bytes > CEDAR_JSON_BYTES || count > UINT32_MAX) {
        cedar_diag_add(diags, "limit",
                       (struct cedar_span){.line = 1, .column = 1},
                       "leave out what no policy asks about",
                       "the entity files have %zu bytes together; the limit is "
                       "%zu",
                       bytes, CEDAR_JSON_BYTES);
        return TS_E_LIMIT;
    }
    l->source_count = (uint32_t)count;
    l->store = ts_mem_alloc(sizeof(*l->store));
    if (l->store == NULL)
        return TS_E_NOMEM;
    ts_arena_init(&l->one, budget);
    ts_arena_init(&l->temp, budget + CEDAR_ANCESTORS * sizeof(uint32_t));
    budget += CEDAR_ANCESTORS * sizeof(void *);
    if (ts_ckd_add(&budget, budget, extra))
        return TS_E_LIMIT;
    ts_arena_init(&l->store->arena, budget);
    if (bytes >= LARGE_TEXT) {
        l->temp.chunk = LARGE_TEMP;
        l->store->arena.chunk = LARGE_CHUNK;
    }
    return TS_OK;
}

const struct json *entity_loader_next(struct entity_loader *l,
                                      struct entity **ret)
{
    const struct json *v = NULL;
    struct entity_loaded *to;
    ts_err e = TS_OK;

    while (e == TS_OK && v == NULL && l->source < l->source_count)
        e = l->open ? read_next(l, &v) : open_text(l);
    if (e == TS_E_FORMAT)
        e = say_alone(l);
    else if (e == TS_OK && v != NULL && (e = load_one(l, &to)) == TS_OK) {
        to->span = v->span;
        *ret = &to->entity;
        return v;
    }
    l->err = e;
    return NULL;
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

    if (l->err != TS_OK)
        return l->err;
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
    ts_arena_done(&l->one);
    ts_arena_done(&l->temp);
    if (e != TS_OK)
        cedar_entities_free(l->store);
    else
        *ret = l->store;
    return e;
}
