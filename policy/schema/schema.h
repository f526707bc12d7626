#ifndef POLICY_SCHEMA_SCHEMA_H
#define POLICY_SCHEMA_SCHEMA_H

#include "policy/cedar_schema.h"
#include "policy/core/uidmap.h"
#include "policy/schema/type.h"

/*
 * A schema as it is used: names resolved, common types inlined, hierarchies
 * closed. Made by policy/schema, read by policy/validate, policy/conform and
 * policy/lint; immutable.
 */
struct schema_entity {  /* an entity type; also the type of actions */
    struct ts_str name; /* normal form, e.g. "App::User" */
    uint32_t index;     /* place in the schema's entities */
    bool is_action;     /* `Action` or `NS::Action` of a declared action; has
                           no attributes, tags, ancestors or descendants here */
    struct cedar_type type;          /* TYPE_ENTITY of just this one */
    const struct cedar_attrs *attrs; /* never NULL */
    const struct cedar_type *tags;   /* NULL: none allowed */
    const struct ts_str *choices;    /* of an enum, sorted by ts_str_cmp */
    uint32_t choice_count;           /* 0: not an enum */
    /* Types that entities of this type may be in, transitively, and those that
     * may be in it; neither holds the type itself unless declared so. By index,
     * ascending. */
    const uint32_t *ancestors, *descendants;
    uint32_t ancestor_count, descendant_count;
    struct cedar_span span;
};

struct schema_action {
    const struct cedar_uid *uid;
    const struct schema_entity *type;
    uint32_t index;
    const struct cedar_uid *const *parents; /* as declared */
    uint32_t parent_count;
    /* Actions, by index, ascending, transitively; not itself. */
    const uint32_t *ancestors, *descendants;
    uint32_t ancestor_count, descendant_count;
    /* Entity types by index, ascending; both empty for a mere group. */
    const uint32_t *principals, *resources;
    uint32_t principal_count, resource_count;
    const struct cedar_type *context; /* a RECORD; never NULL */
    struct cedar_span span;
};

struct schema_decls; /* what was written, for printing the other form */

struct cedar_schema {
    struct ts_arena arena;                /* everything below lives here */
    const struct schema_entity *entities; /* sorted by ts_str_cmp of names */
    uint32_t entity_count;
    const struct schema_action *actions; /* sorted by cedar_uid_cmp */
    uint32_t action_count;
    const struct schema_decls *decls;
};

/* NULL when the schema does not declare it. */
const struct schema_entity *cedar_schema_entity(const struct cedar_schema *s,
                                                struct ts_str name);
const struct schema_action *cedar_schema_action(const struct cedar_schema *s,
                                                const struct cedar_uid *uid);
/* Whether an entity of type `below` may be in one of type `above` (or is of the
 * same type). */
bool cedar_schema_may_be_in(const struct schema_entity *below,
                            const struct schema_entity *above);
/* Whether action `below` is `above` or in it. */
bool cedar_schema_action_in(const struct schema_action *below,
                            const struct schema_action *above);
/* Whether the id is one of an enum's choices; true when it is not an enum. */
bool cedar_schema_id_ok(const struct schema_entity *e, struct ts_str id);

#endif
