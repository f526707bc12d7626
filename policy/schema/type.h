#ifndef POLICY_SCHEMA_TYPE_H
#define POLICY_SCHEMA_TYPE_H

#include "policy/cedar.h"

/*
 * Types as the schema declares them and as the validator infers them. Immutable
 * once made; they point into the schema's arena or into that of one validation.
 * A schema uses BOOL, LONG, STRING, EXT, ENTITY (of exactly one type), SET and
 * closed RECORD only; the rest exists for inference (Cedar's validator/types).
 *
 * Within one schema equal types are one object, so comparing two of them is
 * comparing pointers; whoever walks two types at once must do that first, since
 * common types that double (type B = {x: A, y: A}) make a tree whose size is
 * exponential in its height. The height is at most CEDAR_TYPE_HEIGHT.
 */
enum cedar_type_kind {
    TYPE_NONE = 0, /* never a type; a zeroed struct is not one by accident */
    TYPE_NEVER,    /* below every type */
    TYPE_TRUE,     /* the singleton types of boolean literals and of what can */
    TYPE_FALSE,    /* only be one of them */
    TYPE_BOOL,
    TYPE_LONG,
    TYPE_STRING,
    TYPE_EXT,        /* ext */
    TYPE_ANY_ENTITY, /* above every entity type */
    TYPE_ENTITY,     /* entities */
    TYPE_SET,        /* elem; NULL: a set of anything */
    TYPE_RECORD      /* attrs */
};

struct schema_entity;

/* A union of entity types: one in a schema and in strict mode, several as a
 * least upper bound in permissive mode. Sorted by name, without duplicates. */
struct cedar_entity_lub {
    uint32_t count;
    const struct schema_entity *const *list;
};

struct cedar_type {
    enum cedar_type_kind kind;
    union {
        enum cedar_kind ext; /* CEDAR_DECIMAL, IPADDR, DATETIME, DURATION */
        struct cedar_entity_lub entities;
        const struct cedar_type *elem;
        const struct cedar_attrs *attrs;
    } as;
};

struct cedar_attr {
    struct ts_str name;
    const struct cedar_type *type;
    bool required;
};

/* Sorted as records are (cedar_str_order: length, then bytes), so that a value
 * and its type can be walked side by side. */
struct cedar_attrs {
    uint32_t count;
    bool open; /* there may be more; never in a schema */
    const struct cedar_attr *list;
};

/* NULL when there is none. */
const struct cedar_attr *cedar_attrs_find(const struct cedar_attrs *a,
                                          struct ts_str name);
/* As people write it, `Set<User>`, `{ "a": Long, "b"?: String }`, escaped and
 * shortened with "..."; returns the length. */
size_t cedar_type_print(const struct cedar_type *t, char *out, size_t cap);

#endif
