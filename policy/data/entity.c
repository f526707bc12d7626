/* What callers ask of an entity store. */
#include "policy/data/entity.h"

#include "policy/core/uid.h"
#include "proto/base/ts_mem.h"

const struct entity *cedar_entity_find(const struct cedar_entities *e,
                                       const struct cedar_uid *uid)
{
    uint32_t i = cedar_uidmap_find(&e->map, uid);

    return i != CEDAR_UIDMAP_NONE ? &e->list[i] : NULL;
}

const struct cedar_record *cedar_entity_attrs(const struct cedar_entities *e,
                                              const struct cedar_uid *uid)
{
    const struct entity *ent = cedar_entity_find(e, uid);

    return ent != NULL ? ent->attrs : NULL;
}

size_t cedar_entity_ancestors(const struct cedar_entities *e,
                              const struct cedar_uid *uid,
                              const struct cedar_uid *const **ret)
{
    const struct entity *ent = cedar_entity_find(e, uid);

    if (ent == NULL)
        return 0;
    *ret = ent->ancestors;
    return ent->ancestor_count;
}

void cedar_entities_free(struct cedar_entities *e)
{
    if (e == NULL)
        return;
    ts_arena_done(&e->arena);
    ts_mem_free(e);
}
