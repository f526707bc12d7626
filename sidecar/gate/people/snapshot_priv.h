#ifndef SIDECAR_GATE_PEOPLE_SNAPSHOT_PRIV_H
#define SIDECAR_GATE_PEOPLE_SNAPSHOT_PRIV_H

#include "sidecar/gate/people/box_demand.h"
#include "sidecar/gate/people/directory.h"
#include "sidecar/gate/people/meter_key.h"
#include "sidecar/gate/people/snapshot.h"
#include "sidecar/gate/people/tenant_yaml.h"

/* A constant text in an initialiser of static data. */
#define GATE_STR(s)                                                            \
    {                                                                          \
        .ptr = (s), .len = sizeof(s) - 1                                       \
    }

/* What a call of one tool needs and what no call changes. */
struct snapshot_tool {
    const struct manifest *manifest;
    struct cedar_uid action;     /* Action::"name" */
    struct cedar_uid uid;        /* Tool::"name" */
    struct ts_str resource_type; /* of the resource in Cedar */
    struct meter_key meter;
};

/* NULL when there is no such tool. */
const struct snapshot_tool *snapshot_tool_find(const struct snapshot *s,
                                               struct ts_str name);

/* Where an error is written. */
struct snapshot_err {
    char *text; /* borrowed */
    size_t cap;
};

/* ---- rules: snapshot_rules.c -------------------------------------------- */

struct rules_tenant {
    struct tenant_files files;
    struct cedar_schema *schema;
    struct cedar_policies *policies;
    const struct use_rules *uses;
    const struct box_demand *demands; /* of the policies; NULL: none */
    struct ts_str entities_json;      /* our copy; ptr NULL: no such file */
};

/* All that the operator's files say, immutable, shared by reference count. */
struct snapshot_rules {
    uint32_t users; /* snapshots that hold it */
    uint64_t generation;
    struct ts_arena arena;
    struct manifests *manifests;
    const struct snapshot_tool *tools;
    struct rules_tenant *tenants; /* sorted by name */
    uint32_t tenant_count;
    const struct trust_store *keys; /* of every trust.yaml */
    struct ts_str audiences[TS_AUDIENCES_MAX];
    uint32_t audience_count;
    struct snapshot_notes notes;
};

TS_NODISCARD ts_err snapshot_rules_load(const struct bundle *b,
                                        const struct control_start *settings,
                                        uint64_t generation,
                                        struct snapshot_rules **ret,
                                        const struct snapshot_err *err);
void snapshot_rules_hold(struct snapshot_rules *r);
void snapshot_rules_release(struct snapshot_rules *r); /* NULL is fine */

/* The policies of one tenant: hard/ and approval/ files parsed together,
 * strictly validated and linted, and the rules of docs/TENANTS.md on
 * annotations. prefix is "tenants/NAME/". */
TS_NODISCARD ts_err snapshot_policies(const struct bundle *b,
                                      const char *prefix,
                                      const struct cedar_schema *schema,
                                      struct snapshot_notes *notes,
                                      struct cedar_policies **ret,
                                      char *reterr_text, size_t reterr_cap);
/* schema.cedarschema or schema.json of a tenant; exactly one must be there. */
TS_NODISCARD ts_err snapshot_schema(const struct bundle *b, const char *prefix,
                                    struct cedar_schema **ret,
                                    char *reterr_text, size_t reterr_cap);

/* Writes "NAME:line:column: text; hint" of the first error. */
void snapshot_diag_text(const struct cedar_diags *diags,
                        const struct cedar_source *sources, size_t count,
                        char *out, size_t cap);

/* ---- joining both: snapshot.c ------------------------------------------- */

/* A snapshot with rules (a reference is taken), without people, for one holder;
 * snapshot_free() frees it at any stage. */
TS_NODISCARD ts_err snapshot_begin(struct snapshot_rules *r,
                                   struct snapshot **ret);
/* people of every tenant are there: makes the store and tells the tenants. */
TS_NODISCARD ts_err snapshot_end(struct snapshot *s,
                                 const struct snapshot_err *err);
/* For failures that did not say anything. */
void snapshot_err_default(const struct snapshot_err *err, ts_err e,
                          const char *what);

/* ---- people: snapshot_people.c ------------------------------------------ */

/* The people of one tenant as its rules see them, shared by reference count. */
struct snapshot_people {
    uint32_t users;              /* snapshots that hold it */
    struct directory *directory; /* one reference is ours; NULL: none */
    struct cedar_entities *entities;
};

/* directory may be NULL; a reference of its own is taken. TS_E_INVALID: the
 * directory does not fit the schema or entities.json; TS_E_FORMAT: the latter
 * is wrong by itself. */
TS_NODISCARD ts_err snapshot_people_make(const struct rules_tenant *rules,
                                         struct directory *directory,
                                         struct snapshot_people **ret,
                                         const struct snapshot_err *err);
void snapshot_people_hold(struct snapshot_people *p);
void snapshot_people_release(struct snapshot_people *p); /* NULL is fine */

/* ---- keys: snapshot_trust.c --------------------------------------------- */

struct key_table;

/* Room for the keys of the rules, which are in it at once, and more: how many.
 * TS_E_EXISTS: a key stands in two places of them. */
TS_NODISCARD ts_err key_table_make(const struct snapshot_rules *r, size_t more,
                                   struct ts_arena *arena,
                                   struct key_table **ret,
                                   const struct snapshot_err *err);
size_t key_table_count(const struct directory *d); /* keys of a directory */
/*
 * Enters the keys of a directory under its tenant's index. An earlier directory
 * of the same tenant may have them. TS_E_EXISTS: somebody else has one, or it
 * stands in this directory twice. d must live as long as the table, entered or
 * not.
 */
TS_NODISCARD ts_err key_table_add(struct key_table *k, uint32_t tenant,
                                  const struct directory *d,
                                  const struct snapshot_err *err);
/* Enters those of its keys that nobody has: another tenant cannot take them
 * while it is open whether the directory stays. */
void key_table_reserve(struct key_table *k, uint32_t tenant,
                       const struct directory *d);

/* The trust store of all tenants: keys of the rules, and (people not NULL,
 * beside r->tenants) users, agents and approvers. */
TS_NODISCARD ts_err snapshot_trust(const struct snapshot_rules *r,
                                   struct snapshot_people *const *people,
                                   struct ts_arena *arena,
                                   const struct trust_store **ret,
                                   const struct snapshot_err *err);

#endif
