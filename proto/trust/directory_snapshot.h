#ifndef PROTO_TRUST_DIRECTORY_SNAPSHOT_H
#define PROTO_TRUST_DIRECTORY_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_arena.h"
#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/trust/code.h"
#include "proto/trust/signed.h"
#include "proto/trust/store.h"

/*
 * Who there is in a tenant, as one signed state (delegation design, section 7):
 *
 *     body     = [ 1, tenant id, seq uint, issued uint, not_after uint,
 *                  [ user .. ], [ agent .. ], [ approver .. ],
 *                  [ revocation bin .. ] ]
 *     user     = [ id, status 0|1, [ group id .. ], [ attr .. ] ]
 *     agent    = [ id, status 0|1, owner id or "", [ key bin32 .. ],
 *                  [ uid uint .. ], max_depth uint, [ attr .. ] ]
 *     approver = [ person id, status 0|1, kid bin16, pk bin32,
 *                  [ class id .. ], [ role id .. ] ]
 *     attr     = [ key str, value str ]
 *
 * users and agents ascend strictly by id, attrs by key, approvers by kid; so
 * nothing can be in it twice. Groups, keys, uids, classes and roles stand in
 * any order and none repeats. status 1 is active. A revocation is a whole
 * signed object (revocation_record.h): each stands on its own signature, which
 * is not asked here; its tenant is this one and its kind not that of a session.
 * person and owner must be users of this snapshot (TRUST_E_USER).
 *
 * seq only grows: a verifier keeps the highest it has accepted, with the hash,
 * in its journal, and refuses anything lower, and another state under the same
 * number.
 */
#define DIRECTORY_USERS_MAX       16384
#define DIRECTORY_AGENTS_MAX      4096
#define DIRECTORY_APPROVERS_MAX   1024
#define DIRECTORY_REVOCATIONS_MAX 4096
#define DIRECTORY_GROUPS_MAX      64  /* of one user */
#define DIRECTORY_ATTRS_MAX       16  /* of one user or agent */
#define DIRECTORY_ATTR_KEY_MAX    64  /* bytes: an identifier [a-z][a-z0-9_]* */
#define DIRECTORY_ATTR_VALUE_MAX  256 /* bytes of UTF-8 */
#define DIRECTORY_CLASSES_MAX     8   /* and roles, of one approver */

struct directory_attr {
    struct ts_str key, value;
};
struct directory_user {
    struct ts_str id;
    bool active;
    const struct ts_str *groups;
    uint32_t group_count;
    const struct directory_attr *attrs;
    uint32_t attr_count;
};
struct directory_agent {
    struct ts_str id;
    bool active;
    struct ts_str owner; /* a user id, or empty */
    uint8_t keys[TRUST_AGENT_KEYS_MAX][TRUST_PK_LEN];
    uint32_t key_count;
    uint32_t uids[TRUST_AGENT_UIDS_MAX];
    uint32_t uid_count;
    uint32_t max_depth; /* links that may follow this agent; <= TS_DEPTH_MAX */
    const struct directory_attr *attrs;
    uint32_t attr_count;
};
struct directory_approver {
    struct ts_str person; /* a user id */
    bool active;
    uint8_t kid[TRUST_KID_LEN];
    uint8_t pk[TRUST_PK_LEN];
    const struct ts_str *classes;
    uint32_t class_count;
    const struct ts_str *roles;
    uint32_t role_count;
};

/* Slices and arrays live in the arena or in the body. */
struct directory_snapshot {
    struct ts_str tenant;
    uint64_t seq;               /* >= 1 */
    uint64_t issued, not_after; /* unix seconds; not_after exclusive */
    const struct directory_user *users;
    uint32_t user_count;
    const struct directory_agent *agents;
    uint32_t agent_count;
    const struct directory_approver *approvers;
    uint32_t approver_count;
    const struct ts_bytes *revocations;
    uint32_t revocation_count;
    uint8_t hash[TRUST_HASH_LEN]; /* BLAKE2b-256(PAE("snapshot-hash", body)) */
};

/*
 * Format, limits, order, ids and points; nothing about who signed. On failure
 * reterr_what (static text; may be NULL for none wanted) names the field and
 * *reterr_index its position in its list.
 */
TS_NODISCARD enum trust_code
directory_snapshot_decode(struct ts_bytes body, struct ts_arena *arena,
                          struct directory_snapshot *ret,
                          const char **reterr_what, uint32_t *reterr_index);
/* Appends the body. Lists must be in order already. TS_E_INVALID: the decoder
 * would refuse it; reterr_what and reterr_index as above. hash is ignored. */
TS_NODISCARD ts_err directory_snapshot_encode(
    const struct directory_snapshot *s, struct ts_buf *out,
    const char **reterr_what, uint32_t *reterr_index);
/*
 * A received object: an enabled directory key of the tenant that is expected,
 * issued inside the key's window, signature, body (tenant equal), issued at
 * most TS_SKEW_S ahead of now (TRUST_E_TIME), now < not_after
 * (TRUST_E_EXPIRED). store needs the directory keys only; keys of the directory
 * that stand in it, under whatever role, were checked when it was made, and are
 * not again. Sequence numbers are the caller's.
 */
TS_NODISCARD enum trust_code directory_snapshot_verify(
    const struct trust_store *store, struct ts_str tenant, struct ts_bytes in,
    uint64_t now, struct ts_arena *arena, struct directory_snapshot *ret,
    const char **reterr_what, uint32_t *reterr_index);

#endif
