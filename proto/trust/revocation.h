#ifndef PROTO_TRUST_REVOCATION_H
#define PROTO_TRUST_REVOCATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"

/*
 * What has been revoked, in memory. Only grows: a revocation is never taken
 * back, a later and wider one replaces a narrower one. Ids never seen before
 * are accepted and remembered.
 *
 * Two shapes: by id (grant, block: dead for ever) and by cutoff (everything
 * issued up to that second). Entries are found by a keyed 128-bit SipHash of
 * kind, tenant and target; a collision would deny, never permit.
 */
enum revocation_kind {
    REVOCATION_NONE = 0,
    REVOCATION_GRANT = 1,     /* target: 16 bytes */
    REVOCATION_BLOCK = 2,     /* target: 32 bytes */
    REVOCATION_KEY = 3,       /* target: 32 bytes, holder key */
    REVOCATION_USER = 4,      /* target: id */
    REVOCATION_AGENT = 5,     /* target: id; also every id below it */
    REVOCATION_TASK = 6,      /* target: id */
    REVOCATION_TENANT = 7,    /* target: empty */
    REVOCATION_ISSUER_KEY = 8 /* target: 16 bytes, kid */
};

#define REVOCATIONS_MAX (1u << 20)

struct revocations {               /* zeroed is valid, empty and full (max 0) */
    struct revocation_slot *slots; /* owned */
    size_t cap;                    /* slots, a power of two, or 0 */
    size_t count;
    size_t max;     /* entries; beyond it revocations_add() fails */
    uint64_t epoch; /* changes with every change; compare it to skip checks */
    uint8_t hash_key[16];
};

/* max <= REVOCATIONS_MAX. The hash key comes from the system's randomness. */
void revocations_init(struct revocations *r, size_t max);
void revocations_done(struct revocations *r);

/*
 * Grants and blocks ignore cutoff. For the others everything with
 * iat <= cutoff is revoked; UINT64_MAX revokes for ever. TS_E_LIMIT: the table
 * is full and the tenant must be denied as stale, since dropping an entry would
 * un-revoke; TS_E_INVALID: target of the wrong length for the kind. On every
 * failure the set is as before.
 */
TS_NODISCARD ts_err revocations_add(struct revocations *r,
                                    enum revocation_kind kind,
                                    struct ts_str tenant,
                                    struct ts_bytes target, uint64_t cutoff);

/* True if authority over target that was issued at iat is revoked. */
bool revocations_hit(const struct revocations *r, enum revocation_kind kind,
                     struct ts_str tenant, struct ts_bytes target,
                     uint64_t iat);

/* The name of a kind for people and logs: "grant", "block", ... */
const char *revocation_kind_name(enum revocation_kind kind);

#endif
