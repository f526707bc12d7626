#ifndef PROTO_TRUST_REVOCATION_H
#define PROTO_TRUST_REVOCATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"

/*
 * What has been revoked, in memory. A revocation is never taken back: a later
 * and wider one replaces a narrower one, and an entry goes only when the time
 * has passed until which it must be remembered (keep_until). Ids never seen
 * before are accepted and remembered.
 *
 * Two shapes: by id (dead for ever) and by cutoff (everything issued up to that
 * second). Entries are found by a keyed 128-bit SipHash of kind, tenant and
 * target; a collision would deny, never permit.
 */
enum revocation_kind {
    REVOCATION_NONE = 0,
    REVOCATION_GRANT = 1,       /* target: 16 bytes; by id */
    REVOCATION_BLOCK = 2,       /* target: 32 bytes; by id */
    REVOCATION_KEY = 3,         /* target: 32 bytes, holder key */
    REVOCATION_USER = 4,        /* target: id */
    REVOCATION_AGENT = 5,       /* target: id; also every id below it */
    REVOCATION_TASK = 6,        /* target: id */
    REVOCATION_TENANT = 7,      /* target: empty */
    REVOCATION_ISSUER_KEY = 8,  /* target: 16 bytes, kid */
    REVOCATION_APPROVER = 9,    /* target: id, the person */
    REVOCATION_ESCALATION = 10, /* target: 16 bytes; by id */
    REVOCATION_DECISION = 11,   /* target: 16 bytes, pending; by id */
    REVOCATION_SESSION = 12     /* target: 16 bytes; by id */
};
#define REVOCATION_KIND_COUNT (REVOCATION_SESSION + 1)

/* Most entries of a table. A slot takes 32 bytes and at most half of them are
 * used: 64 MiB with a million entries, 96 MiB for the moment in which the
 * table grows to that; 4 KiB for up to 64. */
#define REVOCATIONS_MAX (1u << 20)
/* The last thirty-second of the places of a table of at least this size is for
 * tenants that hold fewer than that many: no one of them can fill the table for
 * the others. */
#define REVOCATIONS_SHARED   (1u << 16)
#define REVOCATIONS_RESERVED 32u
#define REVOCATION_OWNERS    1024u /* counters, by a keyed hash of the tenant */

struct revocations {               /* zeroed is valid, empty and full (max 0) */
    struct revocation_slot *slots; /* owned */
    size_t cap;                    /* slots, a power of two, or 0 */
    size_t count;
    size_t max;        /* entries; beyond it revocations_add() fails */
    uint64_t epoch;    /* changes whenever more is revoked than before; compare
                          it to skip checks */
    uint64_t next_end; /* no entry may go before this second (unix) */
    uint8_t hash_key[16];
    uint32_t held[REVOCATION_OWNERS]; /* entries of each tenant */
};

/* max <= REVOCATIONS_MAX. The hash key comes from the system's randomness. */
void revocations_init(struct revocations *r, size_t max);
void revocations_done(struct revocations *r);

/*
 * The kinds that are revoked by id ignore cutoff. For the others everything
 * with iat <= cutoff is revoked; UINT64_MAX revokes for ever. The entry stays
 * at least until keep_until (unix seconds; UINT64_MAX for ever); the larger
 * cutoff and the larger keep_until of two entries count.
 *
 * Before the table grows or is full, expired entries are dropped, where now_s
 * (unix seconds of a clock that is trusted; 0: drop nothing) says that there
 * are some. TS_E_LIMIT: the table is full for the tenant, which must be denied
 * as stale, since dropping an entry would un-revoke; TS_E_INVALID: target of
 * the wrong length for the kind. On every failure nothing is revoked less or
 * more.
 */
TS_NODISCARD ts_err revocations_add(struct revocations *r,
                                    enum revocation_kind kind,
                                    struct ts_str tenant,
                                    struct ts_bytes target, uint64_t cutoff,
                                    uint64_t keep_until, uint64_t now_s);

/* True if authority over target that was issued at iat is revoked. */
bool revocations_hit(const struct revocations *r, enum revocation_kind kind,
                     struct ts_str tenant, struct ts_bytes target,
                     uint64_t iat);

/* The same of several targets of one tenant: the kind of the first that is
 * revoked, or REVOCATION_NONE. All slots are fetched before the first is looked
 * at: a table of a million entries is not in the cache, and the misses of a
 * chain's look-ups then overlap. */
#define REVOCATION_ASKS_MAX 32
struct revocation_ask {
    enum revocation_kind kind;
    struct ts_bytes target;
    uint64_t iat;
};
enum revocation_kind revocations_first_hit(const struct revocations *r,
                                           struct ts_str tenant,
                                           const struct revocation_ask *asks,
                                           size_t count);

/* What the table holds for a target, to merge with before writing it down. */
struct revocation_state {
    uint64_t cutoff; /* UINT64_MAX for the kinds that are revoked by id */
    uint64_t keep_until;
};
/* False: nothing, and *ret is untouched. */
bool revocations_get(const struct revocations *r, enum revocation_kind kind,
                     struct ts_str tenant, struct ts_bytes target,
                     struct revocation_state *ret);

/* Drops every entry with keep_until < now_s; how many. Does not allocate; takes
 * a few ms per million slots, and nothing when none can have expired. */
size_t revocations_purge(struct revocations *r, uint64_t now_s);

/* The name of a kind for people, files and logs: "grant", "block", ...; "none"
 * and "unknown" are names of no kind. */
const char *revocation_kind_name(enum revocation_kind kind);
/* The reverse; false when it is the name of none. */
bool revocation_kind_parse(struct ts_str name, enum revocation_kind *ret);

/* Shape of a kind: dead for ever, or up to a cutoff? */
bool revocation_by_id(enum revocation_kind kind);
/* Is its target text (an id, or "" for a tenant) or bytes? */
bool revocation_target_is_text(enum revocation_kind kind);
/* May a target of that kind have that many bytes? False for no kind at all. */
bool revocation_target_fits(enum revocation_kind kind, size_t len);

#endif
