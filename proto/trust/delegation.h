#ifndef PROTO_TRUST_DELEGATION_H
#define PROTO_TRUST_DELEGATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_arena.h"
#include "proto/base/ts_attr.h"
#include "proto/base/ts_str.h"
#include "proto/trust/code.h"
#include "proto/trust/keys.h"
#include "proto/trust/revocation.h"
#include "proto/wire/limits.h"

/*
 * Delegation chains (docs/DELEGATION.md; design: delegation format, section 5).
 *
 *     chain  = [ 1, kid bin16, [ block x 1..8 ] ]         <= TS_CHAIN_MAX bytes
 *     block  = [ payload bin, signature bin64 ]
 *
 * Block 0, the root, is signed by an issuer; each later block, a link, by the
 * holder of the block before it. A chain is not a secret and gives nothing by
 * itself: possession of the last holder's key is proved in the handshake.
 *
 *     first sight   delegation_decode_verify()   0.1 ms per block
 *     every call    delegation_check_now()       ~1 us
 */
struct trust_store;

/* What a chain is judged by. All borrowed; nothing is changed. */
struct trust_config {
    const struct trust_store *store;
    const struct revocations *revoked;         /* NULL: nothing is revoked */
    struct ts_str audiences[TS_AUDIENCES_MAX]; /* names of this sidecar */
    size_t audience_count;
    uint64_t skew_s; /* tolerated on iat and nbf, never on exp: TS_SKEW_S */
};

struct delegation_attr {
    struct ts_str key;
    struct ts_str value;
};

struct delegation_block {
    uint8_t id[TRUST_HASH_LEN]; /* of content and position, not signature */
    uint8_t holder[TRUST_PK_LEN];
    struct ts_str agent;
    uint64_t iat, nbf, exp;      /* unix seconds, exp exclusive, as signed */
    uint32_t depth;              /* links allowed below */
    struct ts_str policies;      /* Cedar text, 1..TS_BLOCK_POLICY_MAX, UTF-8 */
    struct ts_bytes cert;        /* agent certificate of a link, or empty */
    uint64_t cert_nbf, cert_exp; /* of cert, once verified; exp exclusive */
    uint8_t cert_kid[TRUST_KID_LEN];
};

/* All slices borrow from chain, which lives in the arena of the decode call. */
struct delegation {
    struct ts_bytes chain;
    uint8_t chain_hash[TRUST_HASH_LEN];
    uint8_t kid[TRUST_KID_LEN]; /* of the issuer's key */
    uint8_t grant_id[16];
    struct ts_str tenant, issuer, user, aud, task;
    uint64_t max_calls; /* 0 = unlimited */
    struct delegation_attr attrs[TS_ATTRS_MAX];
    size_t attr_count;
    struct delegation_block blocks[TS_BLOCKS_MAX]; /* root first, leaf last */
    size_t block_count;                            /* >= 1 */
    /* Effective: the largest iat and nbf and the smallest exp (exclusive) of
     * every block and, where they were verified, every certificate. */
    uint64_t not_before;
    uint64_t expires;
};

/*
 * Decodes and verifies a whole chain and, if all of that held, runs
 * delegation_check_now(). now is unix seconds. On TRUST_OK *ret is complete and
 * may be kept for as long as arena lives, under the key (chain_hash, generation
 * of the store); the arena gets one copy of the chain. On any other code *ret
 * is untouched (the arena may have grown). Not for negative caching.
 */
TS_NODISCARD enum trust_code
delegation_decode_verify(const struct trust_config *cfg, const uint8_t *chain,
                         size_t len, uint64_t now, struct ts_arena *arena,
                         struct delegation *ret);

/*
 * The part that changes with time, for every decision: effective window,
 * status of user and of every agent, revocations. Does not allocate. d must
 * come from delegation_decode_verify() with the same store, or with an older
 * generation of it when the issuer's key is still in the new one (a chain
 * whose issuer key is gone is TRUST_E_ISSUER; one whose certificate's signer is
 * gone, or whose certificate's time is up, is TRUST_E_AGENT).
 */
TS_NODISCARD enum trust_code
delegation_check_now(const struct trust_config *cfg, const struct delegation *d,
                     uint64_t now);

/* The first kind of revocation that hits d, for the log and the answer;
 * REVOCATION_NONE if none does. */
enum revocation_kind delegation_revoked_by(const struct trust_config *cfg,
                                           const struct delegation *d);

/*
 * Decodes a chain for showing it to a person (tipstaff delegation show): format
 * and limits; with issuer_pk also the signatures from that key down
 * (TRUST_E_ISSUER if the chain names another key), and then the block ids,
 * which are zero otherwise. Never decide on it: who may issue, for whom and
 * until when is not asked.
 */
TS_NODISCARD enum trust_code delegation_decode_to_show(const uint8_t *chain,
                                                       size_t len,
                                                       const uint8_t *issuer_pk,
                                                       struct ts_arena *arena,
                                                       struct delegation *ret);

/* True if the leaf agent, or its nearest registered ancestor, may run as uid.
 * Always false for 65534 (an unmapped uid). */
bool delegation_uid_allowed(const struct trust_config *cfg,
                            const struct delegation *d, uint32_t uid);

const struct delegation_block *delegation_leaf(const struct delegation *d);

/* chain_hash = BLAKE2b-256(PAE("tipstaff/1/chain", bytes)): the cache key, and
 * what the handshake transcript holds. */
void delegation_chain_hash(const uint8_t *chain, size_t len,
                           uint8_t ret[TRUST_HASH_LEN]);

#endif
