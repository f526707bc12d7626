#ifndef PROTO_TRUST_STORE_H
#define PROTO_TRUST_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_arena.h"
#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/trust/keys.h"

/*
 * Whom this sidecar trusts and whom it knows: one immutable snapshot, built
 * from what the caller parsed out of its files and replaced whole. Tenant is
 * the first part of every look-up key. A public key stands in it once, for one
 * role, one tenant and one name; building fails otherwise.
 */
enum trust_role {
    TRUST_ROLE_ISSUER = 1, /* signs root blocks of its tenant */
    TRUST_ROLE_APPROVER,
    TRUST_ROLE_REVOKER,
    TRUST_ROLE_DIRECTORY,
    TRUST_ROLE_SIDECAR /* our own key; tenant is empty */
};

/* Unknown is not active: it is its own value, and denies. */
enum trust_status {
    TRUST_UNKNOWN = 0,
    TRUST_INACTIVE,
    TRUST_ACTIVE
};

#define TRUST_AGENT_KEYS_MAX  4
#define TRUST_AGENT_UIDS_MAX  8
#define TRUST_ISSUER_KEYS_MAX 4 /* of one (tenant, name), for rotation */

struct trust_tenant {
    struct ts_str id;
    uint64_t max_ttl_s; /* most that exp - iat of a root may be; 0 means
                           TS_TTL_DEFAULT_S; over TS_TTL_HARD_S is refused */
    bool any_user;      /* true: whom the issuer names is accepted; there is no
                           list of users. false: users[] decides */
};

struct trust_key {
    enum trust_role role;
    struct ts_str tenant;
    struct ts_str name; /* issuer id, sidecar id, or, of an approver, the
                           person: who has two keys is still one */
    uint8_t pk[TRUST_PK_LEN];
    uint64_t not_before; /* window of the signing time, unix seconds */
    uint64_t not_after;  /* inclusive; 0 = open */
    bool disabled;       /* known, so it can be nobody else's, but not used */
    uint8_t kid[TRUST_KID_LEN]; /* set by trust_store_build() */
};

struct trust_agent {
    struct ts_str tenant;
    struct ts_str id;
    enum trust_status status;
    uint8_t keys[TRUST_AGENT_KEYS_MAX][TRUST_PK_LEN];
    uint32_t key_count;
    uint32_t uids[TRUST_AGENT_UIDS_MAX]; /* of its processes, as we see them */
    uint32_t uid_count;
};

struct trust_user {
    struct ts_str tenant;
    struct ts_str id;
    enum trust_status status;
};

/* What trust_store_build() reads; borrowed during the call only. */
struct trust_input {
    const struct trust_tenant *tenants;
    size_t tenant_count;
    const struct trust_key *keys;
    size_t key_count;
    const struct trust_agent *agents;
    size_t agent_count;
    const struct trust_user *users;
    size_t user_count;
    /* Every key has passed trust_pk_check() in the caller's parser: it is not
     * asked again, which takes most of the time of a large store. */
    bool points_checked;
};

struct trust_store; /* lives in the arena given to trust_store_build() */

/*
 * Checks and indexes a snapshot; all of it, texts included, is copied into
 * arena. Refuses duplicate names, keys and kids, unusable points, bad ids,
 * unknown tenants and impossible limits: TS_E_EXISTS or TS_E_INVALID (or
 * TS_E_NOMEM, TS_E_LIMIT of the arena), and reterr_text (cap >= 1) names the
 * entry and says what to do.
 */
TS_NODISCARD ts_err trust_store_build(const struct trust_input *in,
                                      struct ts_arena *arena,
                                      const struct trust_store **ret,
                                      char *reterr_text, size_t reterr_cap);

/* NULL when there is none. Results live as long as the store's arena. */
const struct trust_tenant *trust_store_tenant(const struct trust_store *s,
                                              struct ts_str tenant);
const struct trust_key *trust_store_kid(const struct trust_store *s,
                                        const uint8_t kid[TRUST_KID_LEN]);
const struct trust_key *trust_store_key(const struct trust_store *s,
                                        const uint8_t pk[TRUST_PK_LEN]);
const struct trust_agent *trust_store_agent(const struct trust_store *s,
                                            struct ts_str tenant,
                                            struct ts_str id);
/* The agent whose registered key this is. */
const struct trust_agent *
trust_store_agent_of_key(const struct trust_store *s,
                         const uint8_t pk[TRUST_PK_LEN]);
/* id itself or its nearest registered ancestor: coder/tester, then coder. */
const struct trust_agent *
trust_store_agent_or_ancestor(const struct trust_store *s, struct ts_str tenant,
                              struct ts_str id);
enum trust_status trust_store_user(const struct trust_store *s,
                                   struct ts_str tenant, struct ts_str id);

#endif
