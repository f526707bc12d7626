#ifndef POLICY_SCHEMA_RESOLVE_PRIV_H
#define POLICY_SCHEMA_RESOLVE_PRIV_H

#include "policy/schema/decl.h"
#include "policy/schema/schema.h"

/*
 * From declarations to a schema. Mistakes are noted in failed and the work goes
 * on with whatever can stand in, so that one run shows all of them; the schema
 * is thrown away afterwards.
 */
enum common_state {
    COMMON_NEW = 0,
    COMMON_BUSY, /* being resolved: to meet it again is a cycle */
    COMMON_DONE
};

struct res_common {
    struct ts_str name; /* full */
    const struct decl_space *space;
    const struct decl_common *decl;
    enum common_state state;
    uint32_t height; /* of the type, names of common types counted */
    const struct cedar_type *type;
};

struct res_entity { /* one name of a declaration; decl NULL: Action */
    struct ts_str name;
    const struct decl_space *space;
    const struct decl_entity *decl;
    const struct decl_name *at;
};

struct res_action {
    struct cedar_uid uid;
    const struct decl_space *space;
    const struct decl_action *decl;
    const struct decl_name *at;
};

struct interned {
    const struct cedar_type *type;
    uint64_t hash;
};

/* Types, equal ones once: run i is sorted and holds 2^i of them if bit i of
 * count is set, else none. */
#define INTERN_RUNS 32
struct intern {
    struct interned *runs[INTERN_RUNS]; /* NULL until first filled */
    uint32_t count;
};

#define BUILTINS 7 /* Bool Long String and the extension types */

struct resolver {
    struct cedar_schema *schema;
    struct ts_arena *arena;  /* of the schema */
    struct ts_arena scratch; /* dies with the resolver */
    struct cedar_diags *diags;
    bool failed;

    struct res_common *commons; /* all sorted by name, without duplicates */
    struct res_entity *entities;
    struct res_action *actions; /* sorted by uid */
    uint32_t common_count, entity_count, action_count;
    struct schema_entity *made; /* beside entities, in the schema */
    struct cedar_uid *uids;     /* beside actions, in the schema */
    const struct cedar_type *builtin[BUILTINS];
    bool hidden[BUILTINS]; /* the short name is declared by the schema */
    struct intern intern;
};

enum found_kind {
    FOUND_NONE = 0,
    FOUND_COMMON,
    FOUND_BUILTIN,
    FOUND_ENTITY
};
struct found {
    enum found_kind kind;
    uint32_t index;
};

/* ---- names.c ------------------------------------------------------------ */
/* Full names of all declarations, sorted; what is declared twice or hides
 * something of the empty namespace is reported. */
TS_NODISCARD ts_err res_collect(struct resolver *r);
/* `Action` of each namespace that has actions. */
TS_NODISCARD ts_err res_add_action_types(struct resolver *r);
/* Rules of RFC 70. */
void res_check_shadowing(struct resolver *r);

/* ---- lookup.c ----------------------------------------------------------- */
#define WANT_COMMON 1u
#define WANT_ENTITY 2u
/* A name as it is written in space: first there, then in the empty namespace;
 * in each a common type before an entity type (RFC 24). */
struct found res_find(const struct resolver *r, const struct decl_space *space,
                      struct ts_str name, unsigned want);
const struct res_action *res_find_action(const struct resolver *r,
                                         const struct decl_space *space,
                                         const struct decl_ref *ref);
/* UINT32_MAX when it is none. */
uint32_t res_builtin(struct ts_str name);
/* By full name: an index or UINT32_MAX. */
uint32_t res_common_at(const struct resolver *r, struct ts_str ns,
                       struct ts_str name);
uint32_t res_entity_at(const struct resolver *r, struct ts_str ns,
                       struct ts_str name);

/* ---- unknown.c ---------------------------------------------------------- */
void res_unknown_type(struct resolver *r, const struct decl_space *space,
                      struct ts_str name, struct cedar_span span,
                      unsigned want);
void res_unknown_action(struct resolver *r, const struct decl_space *space,
                        const struct decl_ref *ref);
void res_error(struct resolver *r, const char *code, struct cedar_span span,
               const char *label, const char *hint, const char *fmt, ...)
    TS_PRINTF(6, 7);

/* ---- types.c ------------------------------------------------------------ */
void res_types_init(struct resolver *r);
/* *ret is never NULL on TS_OK; after a mistake it is some type. */
TS_NODISCARD ts_err res_type(struct resolver *r, const struct decl_space *space,
                             const struct decl_type *t,
                             const struct cedar_type **ret);
TS_NODISCARD ts_err res_commons(struct resolver *r);

/* ---- intern.c ----------------------------------------------------------- */
/* The type equal to t that is there already, or a copy of t (whose parts must
 * be interned; a record keeps t's attributes). */
TS_NODISCARD ts_err intern_type(struct resolver *r, const struct cedar_type *t,
                                const struct cedar_type **ret);

/* ---- closure.c ---------------------------------------------------------- */
struct closure_node {
    const uint32_t *up; /* direct, may name a node twice */
    uint32_t up_count;
    const uint32_t *ancestors, *descendants; /* ascending */
    uint32_t ancestor_count, descendant_count;
};
/* Fills what is below up. TS_E_LIMIT: too many pairs or steps; *work goes on
 * over several closures. */
TS_NODISCARD ts_err closure_make(struct ts_arena *arena,
                                 struct ts_arena *scratch,
                                 struct closure_node *nodes, uint32_t count,
                                 uint32_t *pairs, uint32_t *work);

/* ---- build.c ------------------------------------------------------------ */
TS_NODISCARD ts_err res_build_entities(struct resolver *r,
                                       struct closure_node **ret);
TS_NODISCARD ts_err res_build_actions(struct resolver *r,
                                      struct schema_action **ret,
                                      struct closure_node **ret_nodes);

#endif
