#ifndef SIDECAR_GATE_PEOPLE_SNAPSHOT_H
#define SIDECAR_GATE_PEOPLE_SNAPSHOT_H

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
#include "proto/trust/directory_snapshot.h"
#include "sidecar/common/bundle/bundle.h"
#include "sidecar/common/control/control.h"
#include "sidecar/common/manifest/manifest.h"
#include "sidecar/gate/people/tenant_state.h"

struct box_demand; /* box_demand.h */
struct use_rules;  /* use_rule.h */

/*
 * Everything the gate decides from: the rules of one generation (manifests,
 * and for each tenant its schema, policies, settings and trusted keys) and the
 * people of each tenant (its signed directory). Immutable; built beside the
 * running one and swapped whole. A new directory makes a new snapshot that
 * shares the rules, and the people of the other tenants, with the old one.
 *
 * It has one holder: nothing that lives longer than a turn of the loop points
 * into it. An authority notes under which one it was judged.
 */
struct snapshot_tenant {
    struct ts_str name;
    struct cedar_schema *schema;      /* what the rest was checked against */
    struct cedar_policies *policies;  /* hard/ and approval/ together */
    const struct box_demand *demands; /* beside them; NULL: none of any */
    const struct use_rules *uses;     /* what they count; NULL: nothing */
    struct cedar_entities *entities;  /* people and entities.json */
    struct trust_config trust; /* revoked is NULL: copy it and set yours */
    bool require_call_signature;
    uint32_t
        default_sensitivity; /* of unlabelled resources, see sensitivity.h */
    const struct ts_str *trusted_provenance; /* labels that do not taint */
    uint32_t trusted_provenance_count;
    /* Attributes of a user in the directory that say who the user is: their
     * values are the user's own words in every task. */
    const struct ts_str *identity_attrs;
    uint32_t identity_attr_count;

    /* Without a directory the tenant is not ready: nobody is known, so nothing
     * is permitted. people (seq, hash, issued, not_after, revocations as signed
     * objects) is NULL exactly when directory is. */
    bool has_directory;
    const struct directory *directory; /* directory.h */
    const struct directory_snapshot *people;
    uint32_t max_staleness_s;   /* 0: `freshness: snapshot` */
    uint32_t approval_ttl_s;    /* how long a question to people stands */
    uint32_t breakglass_max_s;  /* how long an escalation may last */
    uint32_t breakglass_people; /* who must sign it */
    /* Only after a load, of the bundle: directory.heartbeat as found (verify
     * it; empty: none), and why the bundle's directory is not the one in force
     * ("tenants/NAME/directory.snapshot: what"; NULL: it is). */
    struct ts_bytes heartbeat;
    const char *note;
};

struct snapshot_tool;   /* prepared from a manifest, see snapshot_priv.h */
struct snapshot_rules;  /* shared by reference count, see snapshot_priv.h */
struct snapshot_people; /* of one tenant; the same */

/* Findings in policies that do not keep them from being used. */
struct snapshot_notes {
    uint32_t warnings;
    char first[400]; /* "FILE:LINE:COL: what [name]", escaped; "" for none */
};

/*
 * generation is that of the rules, what launchers compare orders with.
 * people_serial grows with every new directory under the same rules: together
 * they name a snapshot, and what was checked under one pair is checked again
 * under the next.
 */
struct snapshot {
    uint64_t generation;
    uint64_t people_serial;
    struct snapshot_notes notes;
    struct ts_arena arena;             /* holds tenants and store */
    struct snapshot_rules *rules;      /* one reference is ours */
    struct manifests *manifests;       /* of the rules */
    const struct snapshot_tool *tools; /* beside manifests->list */
    const struct trust_store *store;   /* of all tenants together */
    struct snapshot_tenant *tenants;   /* sorted by name */
    struct snapshot_people **people;   /* beside tenants; references are ours */
    uint32_t tenant_count;
};

/* What is known beside the files; all borrowed during a call. */
struct snapshot_past {
    const struct snapshot *held;        /* in force now; NULL at the start */
    const struct tenant_states *states; /* marks; NULL: there are none */
    uint64_t now_s; /* unix; 0: whether directories are in time is not asked */
    bool strict;    /* for checking files: a note is an error */
};

/* Annotations that the sidecar knows, NULL at the end; others are refused. */
extern const char *const snapshot_annotations[];

/*
 * On failure reterr_text is "FILE:LINE:COL: what; what to do" (first error).
 * Load-time rules: policies and entities are strictly valid against the
 * tenant's schema; hard/ may not hold @approval, approval/ must; @id mandatory
 * and unique per tenant; unknown keys in YAML are errors.
 *
 * A tenant's directory is no reason to refuse the rest, since its file comes
 * from elsewhere: one that is malformed, not signed by a directory key of the
 * tenant, too old, from the future, rolled back, with somebody else's key in
 * it, or that does not fit the schema leaves the one that is held in force, and
 * at the start nothing (not ready); note says why. A held one that does not
 * fit new rules is an error: the rules are at fault. snapshot_load() is
 * without a past.
 */
TS_NODISCARD ts_err snapshot_load(const struct bundle *b,
                                  const struct control_start *settings,
                                  uint64_t generation, struct snapshot **ret,
                                  char *reterr_text, size_t reterr_cap);
TS_NODISCARD ts_err snapshot_load_past(const struct bundle *b,
                                       const struct control_start *settings,
                                       uint64_t generation,
                                       const struct snapshot_past *past,
                                       struct snapshot **ret, char *reterr_text,
                                       size_t reterr_cap);

/*
 * The same rules and a new directory of one tenant: object is a signed
 * directory snapshot as received. old stays as it is. past->held and strict
 * are not looked at. While a reload is prepared, offer the object to the
 * prepared snapshot first, and refuse it if that does.
 *
 *   TS_E_EXISTS     this very state is in force: acknowledge, do nothing
 *   TS_E_NOT_FOUND  no such tenant
 *   TS_E_STATE      lower than the mark, or another state under its number
 *   TS_E_AUTH       nobody signed it who may
 *   TS_E_DENIED     too old, or from the future
 *   TS_E_FORMAT     malformed
 *   TS_E_INVALID    does not fit: schema, entities.json, somebody else's key
 *
 * reterr_text names tenant, number and entry:
 * "tenants/acme/directory.snapshot (seq 7): users[3] \"bob\": what".
 */
TS_NODISCARD ts_err snapshot_with_directory(
    const struct snapshot *old, struct ts_str tenant, struct ts_bytes object,
    const struct snapshot_past *past, struct snapshot **ret, char *reterr_text,
    size_t reterr_cap);
/* The same in two steps: verified and compared with the mark, and put in. In
 * between are the revocations that stand in it; *ret is released by its new
 * owner with directory_release(). known: what an earlier call with the same old
 * and tenant gave, or NULL; the same bytes are not verified again. */
TS_NODISCARD ts_err snapshot_directory_open(
    const struct snapshot *old, struct ts_str tenant, struct ts_bytes object,
    const struct snapshot_past *past, struct directory *known,
    struct directory **ret, char *reterr_text, size_t reterr_cap);
TS_NODISCARD ts_err snapshot_with_opened(const struct snapshot *old,
                                         struct ts_str tenant,
                                         struct directory *d,
                                         struct snapshot **ret,
                                         char *reterr_text, size_t reterr_cap);
void snapshot_free(struct snapshot *s); /* NULL is fine */

/* The tenant that an issuer key id belongs to; NULL when unknown. */
const struct snapshot_tenant *snapshot_by_kid(const struct snapshot *s,
                                              const uint8_t kid[16]);
const struct snapshot_tenant *snapshot_tenant_find(const struct snapshot *s,
                                                   struct ts_str name);

#endif
