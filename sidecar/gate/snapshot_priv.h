#ifndef SIDECAR_GATE_SNAPSHOT_PRIV_H
#define SIDECAR_GATE_SNAPSHOT_PRIV_H

#include "sidecar/gate/directory.h"
#include "sidecar/gate/meters.h"
#include "sidecar/gate/snapshot.h"

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

/* The trust store of all tenants; refuses a key that stands in it twice. */
TS_NODISCARD ts_err snapshot_trust(const struct tenant_files *files,
                                   size_t count, struct ts_arena *arena,
                                   const struct trust_store **ret,
                                   char *reterr_text, size_t reterr_cap);

/* Writes "NAME:line:column: text; hint" of the first error. */
void snapshot_diag_text(const struct cedar_diags *diags,
                        const struct cedar_source *sources, size_t count,
                        char *out, size_t cap);

#endif
