#ifndef SIDECAR_GATE_PEOPLE_TENANT_YAML_H
#define SIDECAR_GATE_PEOPLE_TENANT_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_arena.h"
#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/trust/store.h"
#include "sidecar/common/bundle/bundle.h"

/*
 * What tenant.yaml and trust.yaml say (docs/TENANTS.md has every key). The
 * directory, which says who there is, is signed and has a header of its own.
 */
#define TENANT_KEYS_MAX          64 /* of one list of trust.yaml */
#define TENANT_LABELS_MAX        16 /* trusted_provenance */
#define TENANT_IDENTITY_MAX      16 /* identity_attrs */
#define TENANT_STALENESS_S       30 /* without max_staleness_s */
#define TENANT_STALENESS_MIN_S   5
#define TENANT_STALENESS_MAX_S   86400
#define TENANT_APPROVAL_S        600 /* without approval_ttl_s */
#define TENANT_APPROVAL_MIN_S    10
#define TENANT_APPROVAL_MAX_S    3600
#define TENANT_BREAKGLASS_S      3600 /* without breakglass_max_s */
#define TENANT_BREAKGLASS_PEOPLE 2    /* without breakglass_people */

struct place { /* of an entry, for messages about it */
    struct ts_str file;
    uint32_t line; /* from 1 */
};

struct tenant_key { /* an issuer, or a key of a directory or revoker */
    struct trust_key key;
    struct place at; /* of the key's digits */
};

struct tenant_files { /* everything lives in the arena of the readers */
    struct ts_str name;
    uint64_t max_ttl_s;
    bool require_call_signature;
    uint32_t default_sensitivity;
    uint32_t max_staleness_s;   /* 0: `freshness: snapshot` */
    uint32_t approval_ttl_s;    /* how long a question to people stands */
    uint32_t breakglass_max_s;  /* how long an escalation may last; 0: none may
                                   begin */
    uint32_t breakglass_people; /* who must sign it */
    struct ts_str *labels;
    size_t label_count;
    struct ts_str *identity_attrs;
    size_t identity_attr_count;
    struct tenant_key *keys; /* of all roles, list by list */
    size_t key_count;
};

/* t->name must be set. Each reads one file; on failure reterr_text is
 * "FILE:LINE: what; what to do". Needs trust_init(). */
TS_NODISCARD ts_err tenant_read_settings(const struct bundle_file *file,
                                         struct ts_arena *arena,
                                         struct tenant_files *t,
                                         char *reterr_text, size_t reterr_cap);
TS_NODISCARD ts_err tenant_read_trust(const struct bundle_file *file,
                                      struct ts_arena *arena,
                                      struct tenant_files *t, char *reterr_text,
                                      size_t reterr_cap);

#endif
