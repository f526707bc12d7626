#ifndef POLICY_SCHEMA_DECL_H
#define POLICY_SCHEMA_DECL_H

#include "policy/cedar.h"
#include "policy/cedar_schema.h"

/*
 * A schema as it was written, the same for both syntaxes: names not yet
 * resolved, common types not yet inlined. Lists keep the order of the source.
 * Everything lives in the arena of its schema and is immutable once parsed.
 */
struct decl_name {
    struct ts_str text; /* normal form; may hold `__cedar` in a reference */
    struct cedar_span span;
    const struct decl_name *next;
};

struct decl_note { /* an annotation */
    struct ts_str key, value;
    bool has_value;
    struct cedar_span span;
    const struct decl_note *next;
};

enum decl_kind {
    DECL_NONE = 0,
    DECL_BOOL,
    DECL_LONG,
    DECL_STRING,
    DECL_SET,    /* elem */
    DECL_RECORD, /* attrs */
    DECL_ENTITY, /* name must be an entity type */
    DECL_COMMON, /* name must be a common type */
    DECL_EITHER, /* a common type if there is one, else an entity type */
    DECL_EXTENSION
};

struct decl_attr {
    struct decl_name name;
    const struct decl_type *type;
    const struct decl_note *notes;
    bool required;
    struct decl_attr *next;
};

struct decl_type {
    enum decl_kind kind;
    struct ts_str name;
    const struct decl_type *elem;
    const struct decl_attr *attrs; /* names differ */
    uint32_t attr_count;
    struct cedar_span span;
};

struct decl_common {
    struct decl_name name;
    const struct decl_type *type;
    const struct decl_note *notes;
    struct decl_common *next;
};

struct decl_entity { /* `entity A, B ...`: one body, several names */
    const struct decl_name *names;
    const struct decl_name *parents;
    const struct decl_type *shape; /* NULL: no attributes */
    const struct decl_type *tags;  /* NULL: none */
    const struct decl_name *choices;
    bool is_enum;
    const struct decl_note *notes;
    struct decl_entity *next;
};

struct decl_ref {       /* an action that is named as a parent */
    struct ts_str type; /* as written; empty: Action */
    struct ts_str id;
    struct cedar_span span;
    const struct decl_ref *next;
};

struct decl_action {
    const struct decl_name *names;
    const struct decl_ref *parents;
    bool has_parents; /* JSON: memberOf was there */
    bool has_applies; /* JSON: appliesTo was there; always in text */
    const struct decl_name *principals, *resources;
    const struct decl_type *context; /* NULL: an empty record */
    const struct decl_note *notes;
    struct decl_action *next;
};

struct decl_space {        /* a namespace of one source */
    struct decl_name name; /* "" for the declarations outside any */
    const struct decl_note *notes;
    struct decl_common *commons, **common_end;
    struct decl_entity *entities, **entity_end;
    struct decl_action *actions, **action_end;
    struct decl_space *next;
};

struct schema_decls {
    struct decl_space *spaces, **end;
};

void decl_init(struct schema_decls *d);
/* A new namespace at the end. */
TS_NODISCARD ts_err decl_space_add(struct schema_decls *d,
                                   struct ts_arena *arena,
                                   struct decl_name name,
                                   struct decl_space **ret);
/* Whether `Bool`, `Set`, ... which the JSON form keeps for itself. */
bool decl_common_reserved(struct ts_str name);
/* As cedar_name_ok(), with `__cedar` allowed. */
bool decl_ref_ok(struct ts_str name);
/* One identifier that is no reserved word. */
bool decl_ident_ok(struct ts_str name);

/* What cannot be a schema: TS_E_FORMAT with a diagnostic. */
TS_NODISCARD ts_err decl_fail(struct cedar_diags *diags, const char *code,
                              struct cedar_span span, const char *label,
                              const char *hint, const char *fmt, ...)
    TS_PRINTF(6, 7);

/* Both parsers: declarations of one source are added to d; several mistakes
 * are reported in one run. Names borrow from text, which must live as long as
 * arena. */
TS_NODISCARD ts_err schema_parse_text(struct schema_decls *d,
                                      struct ts_arena *arena,
                                      struct ts_str text, uint32_t source,
                                      struct cedar_diags *diags);
TS_NODISCARD ts_err schema_parse_json(struct schema_decls *d,
                                      struct ts_arena *arena,
                                      struct ts_str text, uint32_t source,
                                      struct cedar_diags *diags);
/* Fills s (entities, actions) from s->decls. TS_E_FORMAT with diagnostics,
 * TS_E_LIMIT, TS_E_NOMEM. */
TS_NODISCARD ts_err schema_resolve(struct cedar_schema *s, size_t source_bytes,
                                   struct cedar_diags *diags);

#endif
