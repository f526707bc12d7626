#ifndef POLICY_DATA_LOADER_H
#define POLICY_DATA_LOADER_H

#include "policy/data/entity.h"
#include "policy/json/reader.h"

/*
 * How entity files become a store: the caller reads each entity in turn, with
 * or without a schema, and the loader does what both have in common. Only one
 * entity is there as JSON at a time.
 *
 *     e = entity_loader_begin(&l, ...);
 *     while (e == TS_OK && (v = entity_loader_next(&l, &ent)) != NULL)
 *         e = entity_loader_put(&l, read(v, ent));
 *     if (e == TS_OK)
 *         e = entity_loader_close(&l);     duplicates, ancestors
 *     e = entity_loader_end(&l, e, &store);
 */
#define ENTITY_RUN_FIRST 16u
#define ENTITY_RUNS      16u /* room for CEDAR_ENTITIES, and no fewer */
struct entity_loaded;        /* an entity and where it stood */

struct entity_loader {
    struct cedar_entities *store; /* owned until the end */
    struct cedar_span *spans;     /* by place in the store, once closed */
    struct ts_arena temp;
    struct ts_arena one;       /* the entity at hand, as JSON */
    struct cedar_diags *diags; /* may be NULL */
    const struct cedar_source *sources;
    uint32_t source_count, source; /* source: the one at hand */
    struct cedar_json_list list;   /* what is left of it, when open */
    bool open;
    bool bad; /* an entity was refused; later ones are read for their errors */
    ts_err err;                              /* why the texts did not go on */
    struct entity_loaded *runs[ENTITY_RUNS]; /* i: ENTITY_RUN_FIRST << i */
    uint32_t count;                          /* of entities in runs */
};

/* The fields that an entity is made of. */
struct entity_fields {
    const struct json *uid, *attrs, *parents, *tags; /* tags may be NULL */
};

/* extra: bytes of the store's arena beyond what the texts ask for. Needs
 * entity_loader_end() whatever it returns. */
TS_NODISCARD ts_err entity_loader_begin(struct entity_loader *l,
                                        const struct cedar_source *sources,
                                        size_t count, size_t extra,
                                        struct cedar_diags *diags);
/* The next entity of the texts, good until the next call, and where to put it.
 * NULL after the last, or when the texts do not go on: closing says which. */
const struct json *entity_loader_next(struct entity_loader *l,
                                      struct entity **ret);
/* Says how reading the last one went. After TS_E_FORMAT the rest is still read,
 * for as long as there is room for diagnostics. */
TS_NODISCARD ts_err entity_loader_put(struct entity_loader *l, ts_err e);
/* Drops entities that stand there twice; finds all ancestors. */
TS_NODISCARD ts_err entity_loader_close(struct entity_loader *l);
/* Gives the store when e is TS_OK and frees the rest; returns what became of
 * it. */
TS_NODISCARD ts_err entity_loader_end(struct entity_loader *l, ts_err e,
                                      struct cedar_entities **ret);

TS_NODISCARD ts_err entity_fields(struct entity_loader *l, const struct json *v,
                                  struct entity_fields *ret);
/* Reads the uids of child's parents: v->count of them, in the order of the
 * text. The parent of an action must be one. */
TS_NODISCARD ts_err entity_read_parents(struct entity_loader *l,
                                        const struct json *v,
                                        const struct cedar_uid *child,
                                        const struct cedar_uid ***ret);
/* Puts the list in order, each once, and keeps it. */
void entity_set_parents(struct entity *ent, const struct cedar_uid **list,
                        uint32_t count);
/* Whether this is the type of actions: `Action`, in any namespace. */
bool entity_type_is_action(struct ts_str type);

#endif
