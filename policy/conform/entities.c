/*
 * Entity files with a schema. What the schema says of entities is checked as
 * they are read, with their positions at hand; actions come from the schema and
 * are compared with those in the text once all ancestors are known.
 */
#include "policy/conform/conform.h"
#include "policy/core/diag.h"
#include "policy/core/limits.h"
#include "policy/core/uid.h"
#include "policy/core/value.h"
#include "policy/data/loader.h"
#include "policy/json/value_json.h"
#include "proto/base/ts_num.h"

struct reader {
    const struct cedar_schema *schema;
    struct entity_loader l;
};

static ts_err read_record(struct ts_arena *arena, const struct json *v,
                          struct cedar_diags *diags,
                          const struct cedar_record **ret)
{
    struct cedar_value rec;
    ts_err e = cedar_record_from_json(arena, v, diags, &rec);

    if (e == TS_OK)
        *ret = rec.as.record;
    return e;
}

/* The schema has no types for what an action in the text may hold; agree() asks
 * that there be nothing. */
static ts_err read_action(struct reader *r, const struct entity_fields *f,
                          struct entity *ent)
{
    struct ts_arena *arena = &r->l.store->arena;
    ts_err e = read_record(arena, f->attrs, r->l.diags, &ent->attrs);

    if (e == TS_OK && f->tags != NULL)
        e = read_record(arena, f->tags, r->l.diags, &ent->tags);
    if (e == TS_OK && ent->tags != NULL && ent->tags->count == 0)
        ent->tags = NULL;
    return e;
}

static ts_err read_members(struct reader *r, const struct entity_fields *f,
                           const struct schema_entity *t, struct entity *ent)
{
    struct coerce k = {
        .c = {.schema = r->schema, .diags = r->l.diags, .uid = ent->uid},
        .arena = &r->l.store->arena,
    };
    struct cedar_value attrs = {0}, tags = {0};
    ts_err e, all = TS_OK;

    if (f->attrs->kind == JSON_OBJECT) {
        e = coerce_record(&k, f->attrs, t->attrs, NULL, &attrs);
    } else {
        cedar_diag_add(r->l.diags, "bad_entity", f->attrs->span, NULL,
                       "`attrs` must be an object");
        e = TS_E_FORMAT;
    }
    if (e != TS_OK && (e != TS_E_FORMAT || conform_deaf(&k.c)))
        return e;
    if (f->tags != NULL)
        all = coerce_tags(&k, f->tags, t->tags, &tags);
    if (e != TS_OK || all != TS_OK)
        return e != TS_OK ? e : all;
    ent->attrs = attrs.as.record;
    if (f->tags != NULL && tags.as.record->count > 0)
        ent->tags = tags.as.record;
    return TS_OK;
}

/* Each direct parent; what stands above them is asked of them. */
static ts_err check_parents(struct reader *r, const struct json *v,
                            const struct schema_entity *t,
                            const struct cedar_uid *uid,
                            const struct cedar_uid *const *parents)
{
    struct conform c = {.schema = r->schema, .diags = r->l.diags, .uid = uid};
    const struct json *m = v->first;
    ts_err e = TS_OK;

    for (uint32_t i = 0; i < v->count; i++, m = m->next) {
        c.span = m->span;
        if (conform_parent(&c, t, parents[i]))
            continue;
        e = TS_E_FORMAT;
        if (conform_deaf(&c))
            break;
    }
    return e;
}

static ts_err read_entity(struct reader *r, const struct json *v,
                          struct entity *ent)
{
    struct conform c = {.schema = r->schema, .diags = r->l.diags};
    const struct schema_entity *t = NULL;
    const struct cedar_uid **parents;
    struct entity_fields f;
    ts_err e, more;

    if ((e = entity_fields(&r->l, v, &f)) != TS_OK ||
        (e = cedar_uid_from_json(&r->l.store->arena, f.uid, "`uid`", c.diags,
                                 &ent->uid)) != TS_OK)
        return e;
    c.uid = ent->uid;
    c.span = f.uid->span;
    if (entity_type_is_action(ent->uid->type))
        e = read_action(r, &f, ent);
    else if ((t = conform_entity_type(&c)) != NULL)
        e = read_members(r, &f, t, ent);
    else
        return TS_E_FORMAT;
    if (e != TS_OK && (e != TS_E_FORMAT || conform_deaf(&c)))
        return e;
    more = entity_read_parents(&r->l, f.parents, ent->uid, &parents);
    if (more == TS_OK && t != NULL)
        more = check_parents(r, f.parents, t, ent->uid, parents);
    if (more == TS_OK)
        entity_set_parents(ent, parents, f.parents->count);
    return e != TS_OK && more != TS_E_NOMEM ? e : more;
}

/* "Each action in the text must agree with the schema": no attributes, no tags,
 * the same ancestors. */
static bool agrees(const struct cedar_schema *s, const struct entity *ent,
                   const struct schema_action *a)
{
    if (ent->attrs->count > 0 || ent->tags != NULL ||
        ent->ancestor_count != a->ancestor_count)
        return false;
    for (uint32_t i = 0; i < ent->ancestor_count; i++) {
        const struct schema_action *up =
            cedar_schema_action(s, ent->ancestors[i]);

        /* both are sets of the same size without duplicates */
        if (up == NULL || up == a || !cedar_schema_action_in(a, up))
            return false;
    }
    return true;
}

static ts_err check_action(const struct reader *r, const struct entity *ent,
                           struct cedar_span span)
{
    struct conform c = {.schema = r->schema,
                        .diags = r->l.diags,
                        .uid = ent->uid,
                        .span = span};
    const struct schema_action *a = cedar_schema_action(r->schema, ent->uid);

    if (a == NULL)
        (void)conform_say_action(&c, ent->uid);
    else if (agrees(r->schema, ent, a))
        return TS_OK;
    else
        cedar_diag_add(c.diags, "action_differs", span,
                       "leave it out: actions come from the schema",
                       "`%.80s::\"%.80s\"` is not as the schema declares it",
                       cedar_quote(ent->uid->type).s,
                       cedar_quote(ent->uid->id).s);
    return TS_E_FORMAT;
}

/* Ancestors of an action are actions: by index into uids. */
static ts_err set_ancestors(struct ts_arena *arena,
                            const struct cedar_uid *uids,
                            const struct schema_action *a, struct entity *ent)
{
    const struct cedar_uid **list;
    uint64_t *hashes;
    void *mem;
    ts_err e = ts_arena_array(arena, a->ancestor_count, sizeof(*list), &mem);

    if (e != TS_OK)
        return e;
    list = mem;
    e = ts_arena_array(arena, a->ancestor_count, sizeof(*hashes), &mem);
    if (e != TS_OK)
        return e;
    hashes = mem;
    for (uint32_t i = 0; i < a->ancestor_count; i++) {
        list[i] = &uids[a->ancestors[i]];
        hashes[i] = list[i]->hash;
    }
    ent->ancestors = list;
    ent->hashes = hashes;
    ent->ancestor_count = a->ancestor_count;
    /* parents are kept for comparing duplicates only, and there are none */
    ent->parents = list;
    ent->parent_count = a->ancestor_count;
    return TS_OK;
}

static ts_err copy_uids(struct ts_arena *arena, const struct cedar_schema *s,
                        const struct cedar_uid **ret)
{
    struct cedar_uid *uids;
    struct ts_str type, id;
    void *mem;
    ts_err e = ts_arena_array(arena, s->action_count, sizeof(*uids), &mem);

    if (e != TS_OK)
        return e;
    uids = mem;
    for (uint32_t i = 0; i < s->action_count; i++) {
        const struct cedar_uid *from = s->actions[i].uid;

        if ((e = cedar_str_copy(arena, from->type, &type)) != TS_OK ||
            (e = cedar_str_copy(arena, from->id, &id)) != TS_OK)
            return e;
        uids[i] = cedar_uid_make(type, id);
    }
    *ret = uids;
    return TS_OK;
}

/* Appends the schema's actions to the list, which has room for them. */
static ts_err add_actions(struct reader *r, struct entity *list, uint32_t *n)
{
    struct ts_arena *arena = &r->l.store->arena;
    const struct cedar_schema *s = r->schema;
    const struct cedar_uid *uids;
    struct cedar_value none;
    ts_err e;

    if ((e = copy_uids(arena, s, &uids)) != TS_OK ||
        (e = cedar_record_make(arena, NULL, 0, &none)) != TS_OK)
        return e;
    for (uint32_t i = 0; i < s->action_count; i++) {
        const struct schema_action *a = &s->actions[i];
        struct entity *ent = &list[(*n)++];

        *ent = (struct entity){.uid = &uids[i], .attrs = none.as.record};
        if ((e = set_ancestors(arena, uids, a, ent)) != TS_OK)
            return e;
    }
    return TS_OK;
}

/* Replaces the actions of the text by those of the schema. */
static ts_err settle_actions(struct reader *r)
{
    struct cedar_entities *store = r->l.store;
    struct entity *list;
    uint32_t n = 0;
    bool bad = false;
    void *mem;
    ts_err e;

    if ((uint64_t)store->count + r->schema->action_count > CEDAR_ENTITIES)
        return TS_E_LIMIT;
    e = ts_arena_array(&store->arena,
                       (size_t)store->count + r->schema->action_count,
                       sizeof(*list), &mem);
    if (e != TS_OK)
        return e;
    list = mem;
    for (uint32_t i = 0; i < store->count; i++) {
        if (!entity_type_is_action(store->list[i].uid->type))
            list[n++] = store->list[i];
        else if (check_action(r, &store->list[i], r->l.spans[i]) != TS_OK)
            bad = true;
    }
    if (bad)
        return TS_E_FORMAT;
    if ((e = add_actions(r, list, &n)) != TS_OK)
        return e;
    store->list = list;
    store->count = n;
    return TS_OK;
}

/* Room for the schema's actions in the store, generously. */
static bool room_for_actions(const struct cedar_schema *s, size_t *ret)
{
    size_t n = 0;

    for (uint32_t i = 0; i < s->action_count; i++) {
        const struct schema_action *a = &s->actions[i];

        if (ts_ckd_add(&n, n, (size_t)512) ||
            ts_ckd_add(&n, n, a->uid->type.len) ||
            ts_ckd_add(&n, n, a->uid->id.len) ||
            ts_ckd_add(&n, n,
                       a->ancestor_count * (sizeof(void *) + sizeof(uint64_t))))
            return false;
    }
    *ret = n;
    return true;
}

ts_err cedar_entities_parse_schema(const struct cedar_schema *s,
                                   const struct cedar_source *sources,
                                   size_t count, struct cedar_entities **ret,
                                   struct cedar_diags *diags)
{
    struct reader r = {.schema = s};
    const struct json *v;
    struct entity *ent;
    size_t extra;
    ts_err e;

    if (!room_for_actions(s, &extra))
        return TS_E_LIMIT;
    e = entity_loader_begin(&r.l, sources, count, extra, diags);
    while (e == TS_OK && (v = entity_loader_next(&r.l, &ent)) != NULL)
        e = entity_loader_put(&r.l, read_entity(&r, v, ent));
    if (e == TS_OK)
        e = entity_loader_close(&r.l);
    if (e == TS_OK)
        e = settle_actions(&r);
    return entity_loader_end(&r.l, e, ret);
}
