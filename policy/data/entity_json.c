/* Cedar's JSON entity format, without a schema. Each source is an array of
 * {"uid", "attrs", "parents", "tags"?}; other keys are ignored. */
#include "policy/data/loader.h"
#include "policy/json/value_json.h"

static ts_err read_entity(struct entity_loader *l, const struct json *v,
                          struct entity *ent)
{
    struct ts_arena *arena = &l->store->arena;
    struct entity_fields f;
    const struct cedar_uid **parents;
    struct cedar_value rec;
    ts_err e;

    if ((e = entity_fields(l, v, &f)) != TS_OK ||
        (e = cedar_uid_from_json(arena, f.uid, "`uid`", l->diags, &ent->uid)) !=
            TS_OK ||
        (e = cedar_record_from_json(arena, f.attrs, l->diags, &rec)) != TS_OK)
        return e;
    ent->attrs = rec.as.record;
    if (f.tags != NULL) {
        e = cedar_record_from_json(arena, f.tags, l->diags, &rec);
        if (e != TS_OK)
            return e;
        if (cedar_record_count(rec.as.record) > 0)
            ent->tags = rec.as.record;
    }
    if ((e = entity_read_parents(l, f.parents, ent->uid, &parents)) == TS_OK)
        entity_set_parents(ent, parents, f.parents->count);
    return e;
}

ts_err cedar_entities_parse(const struct cedar_source *sources, size_t count,
                            struct cedar_entities **ret,
                            struct cedar_diags *diags)
{
    struct entity_loader l;
    const struct json *v;
    struct entity *ent;
    ts_err e = entity_loader_begin(&l, sources, count, 0, diags);

    while (e == TS_OK && (v = entity_loader_next(&l, &ent)) != NULL)
        e = entity_loader_put(&l, read_entity(&l, v, ent));
    if (e == TS_OK)
        e = entity_loader_close(&l);
    return entity_loader_end(&l, e, ret);
}
