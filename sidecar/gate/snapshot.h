#ifndef SIDECAR_GATE_SNAPSHOT_H
#define SIDECAR_GATE_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/cedar.h"
#include "policy/cedar_schema.h"
#include "proto/base/ts_arena.h"
#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/trust/delegation.h"
#include "sidecar/common/bundle.h"
#include "sidecar/common/control.h"
#include "sidecar/common/manifest.h"

/*
 * Everything the gate decides from, of one generation: manifests, and for each
 * tenant its policies, entities, issuers, users and agents. Immutable; built
 * beside the running one and swapped whole. A snapshot stays alive while calls
 * hold it (snapshot_hold/release count users of the pointer, nothing inside).
 */
struct snapshot_tenant {
    struct ts_str name;
    struct cedar_schema *schema;     /* what the rest was checked against */
    struct cedar_policies *policies; /* hard/ and approval/ together */
    struct cedar_entities *entities;
    struct trust_config trust; /* revoked is NULL: copy it and set yours */
    bool require_call_signature;
    uint32_t default_sensitivity; /* of unlabelled resources, see request.h */
    const struct ts_str *trusted_provenance; /* labels that do not taint */
    uint32_t trusted_provenance_count;
    const struct directory *directory; /* sidecar/gate/directory.h */
};

struct snapshot_tool; /* prepared from a manifest, see snapshot_priv.h */

/* Findings that do not keep a configuration from being used. */
struct snapshot_notes {
    uint32_t warnings;
    char first[400]; /* "FILE:LINE:COL: what [name]", escaped; "" for none */
};

struct snapshot {
    uint64_t generation;
    struct snapshot_notes notes;
    struct ts_arena arena; /* holds the tables below */
    struct manifests *manifests;
    const struct snapshot_tool *tools; /* beside manifests->list */
    const struct trust_store *store;   /* of all tenants together */
    struct snapshot_tenant *tenants;   /* sorted by name */
    uint32_t tenant_count;
    uint32_t users; /* holders of this pointer */
};

/* Annotations that the sidecar knows, NULL at the end; others are refused. */
extern const char *const snapshot_annotations[];

/* On failure reterr_text is "FILE:LINE:COL: what; what to do" (first error).
 * Load-time rules: policies and entities are strictly valid against the
 * tenant's schema; hard/ may not hold @approval, approval/ must; @id mandatory
 * and unique per tenant; unknown keys in YAML are errors. */
TS_NODISCARD ts_err snapshot_load(const struct bundle *b,
                                  const struct control_start *settings,
                                  uint64_t generation, struct snapshot **ret,
                                  char *reterr_text, size_t reterr_cap);
void snapshot_hold(struct snapshot *s);
void snapshot_release(struct snapshot *s); /* frees at the last release */

/* The tenant that an issuer key id belongs to; NULL when unknown. */
const struct snapshot_tenant *snapshot_by_kid(const struct snapshot *s,
                                              const uint8_t kid[16]);
const struct snapshot_tenant *snapshot_tenant_find(const struct snapshot *s,
                                                   struct ts_str name);

#endif
