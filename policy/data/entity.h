#ifndef POLICY_DATA_ENTITY_H
#define POLICY_DATA_ENTITY_H

#include "policy/cedar.h"
#include "policy/core/uidmap.h"

struct entity {
    const struct cedar_uid *uid;
    const struct cedar_record *attrs;
    const struct cedar_record *tags;        /* NULL: none */
    const struct cedar_uid *const *parents; /* as written, for comparing */
    uint32_t parent_count;
    uint32_t ancestor_count;
    const struct cedar_uid *const *ancestors; /* all of them, sorted by uid */
    const uint64_t *hashes; /* of the ancestors, beside them */
};

struct cedar_entities {
    struct ts_arena arena;
    struct entity *list;
    uint32_t count;
    struct cedar_uidmap map; /* uid to place in list */
};

/* NULL when there is none. */
const struct entity *cedar_entity_find(const struct cedar_entities *e,
                                       const struct cedar_uid *uid);

#endif
