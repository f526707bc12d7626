#ifndef SIDECAR_GATE_DIRECTORY_H
#define SIDECAR_GATE_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/cedar.h"
#include "proto/base/ts_arena.h"
#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/trust/store.h"
#include "proto/wire/limits.h"
#include "sidecar/common/bundle.h"

/*
 * What a tenant's three YAML files say (docs/TENANTS.md has every key), and the
 * look-up of users and agents that each decision makes. Status has three
 * values: whoever is not listed is unknown, and unknown is never active.
 */
/* A file holds at most YAML_TREE_NODES_MAX values beside this. */
#define TENANT_USERS_MAX   4096
#define TENANT_AGENTS_MAX  1024
#define TENANT_GROUPS_MAX  64 /* of one user */
#define TENANT_ATTRS_MAX   16
#define TENANT_ISSUERS_MAX 64
#define TENANT_LABELS_MAX  16 /* trusted_provenance */

struct place { /* of an entry, for messages about it */
    struct ts_str file;
    uint32_t line; /* from 1 */
};

struct tenant_attr {
    struct ts_str key; /* an identifier */
    struct ts_str value;
};

struct tenant_issuer {
    struct trust_key key;
    struct place at; /* of the key's digits */
};

struct tenant_user {
    struct trust_user user;
    struct place at;
    struct ts_str *groups;
    size_t group_count;
    struct tenant_attr *attrs;
    size_t attr_count;
};

struct tenant_agent {
    struct trust_agent agent;
    struct place at;
    struct place key_at[TRUST_AGENT_KEYS_MAX];
    struct ts_str owner; /* a user id, or empty */
    uint32_t max_depth;  /* links that may follow this agent in a chain */
    struct tenant_attr *attrs;
    size_t attr_count;
};

struct tenant_files { /* everything lives in the arena of the snapshot */
    struct ts_str name;
    uint64_t max_ttl_s;
    bool require_call_signature;
    uint32_t default_sensitivity;
    struct ts_str *labels;
    size_t label_count;
    struct tenant_issuer *issuers;
    size_t issuer_count;
    struct tenant_user *users;
    size_t user_count;
    struct tenant_agent *agents;
    size_t agent_count;
};

/* t->name must be set. Each reads one file; on failure reterr_text is
 * "FILE:LINE: what; what to do". */
TS_NODISCARD ts_err tenant_read_settings(const struct bundle_file *file,
                                         struct ts_arena *arena,
                                         struct tenant_files *t,
                                         char *reterr_text, size_t reterr_cap);
TS_NODISCARD ts_err tenant_read_trust(const struct bundle_file *file,
                                      struct ts_arena *arena,
                                      struct tenant_files *t, char *reterr_text,
                                      size_t reterr_cap);
TS_NODISCARD ts_err tenant_read_directory(const struct bundle_file *file,
                                          struct ts_arena *arena,
                                          struct tenant_files *t,
                                          char *reterr_text, size_t reterr_cap);

struct directory_entry {
    struct cedar_uid uid; /* User::"id" or Agent::"id" */
    enum trust_status status;
    uint32_t max_depth; /* agents */
};

struct directory; /* lives in the arena given to directory_build() */

/* Two entries of one id are TS_E_EXISTS, and reterr_text names both places. */
TS_NODISCARD ts_err directory_build(const struct tenant_files *t,
                                    struct ts_arena *arena,
                                    const struct directory **ret,
                                    char *reterr_text, size_t reterr_cap);
/* NULL: unknown, which denies. */
const struct directory_entry *directory_find(const struct directory *d,
                                             const struct cedar_uid *uid);

/* Appends the users and agents as Cedar entities in JSON: User::"alice" in its
 * groups, Agent::"a/b" in Agent::"a", attributes, and owner of an agent. */
TS_NODISCARD ts_err directory_entities(const struct tenant_files *t,
                                       struct ts_buf *out);

#endif
