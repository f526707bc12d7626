#ifndef PROTO_TRUST_CHAIN_PRIV_H
#define PROTO_TRUST_CHAIN_PRIV_H

#include "proto/trust/delegation.h"

/*
 * Inside of the delegation code only: the wire form of a chain and the signing
 * inputs of its blocks, shared by those who verify and those who make chains.
 */
#define CHAIN_VERSION   1
#define CHAIN_ROOT      0  /* first field of a root payload */
#define CHAIN_LINK      1  /* first field of a link payload */
#define CHAIN_ROOT_LEN  16 /* fields */
#define CHAIN_LINK_LEN  10
#define CHAIN_GRANT_LEN 16 /* bytes of grant_id and of a link's nonce */

struct chain_block {
    struct ts_bytes payload;
    const uint8_t *sig; /* TRUST_SIG_LEN bytes */
};

struct chain_frame { /* borrows from the chain's bytes */
    const uint8_t *kid;
    struct chain_block blocks[TS_BLOCKS_MAX];
    size_t count;
};

/* Length, version, shape and the count of blocks; nothing inside a payload. */
TS_NODISCARD enum trust_code chain_split(struct ts_bytes chain,
                                         struct chain_frame *ret);

/* Decodes payload i of a chain into d (fields of the root, or one block of d).
 * Format and lengths only. */
TS_NODISCARD enum trust_code
chain_decode_payload(struct ts_bytes payload, size_t i, struct delegation *d);

/* prev of the root: BLAKE2b-256(PAE("anchor", issuer_pk)). */
void chain_anchor(const uint8_t issuer_pk[TRUST_PK_LEN],
                  uint8_t ret[TRUST_HASH_LEN]);
/* Id of a block, which is prev of the next one. */
void chain_block_id(const uint8_t prev[TRUST_HASH_LEN], struct ts_bytes payload,
                    uint8_t ret[TRUST_HASH_LEN]);

/* What is signed for block i; cap CHAIN_SIGNED_MAX is enough. */
#define CHAIN_SIGNED_MAX (TS_PAYLOAD_MAX + 128)
size_t chain_signed(uint8_t *out, size_t cap, size_t i,
                    const uint8_t prev[TRUST_HASH_LEN],
                    struct ts_bytes payload);

/* Where the payload begins in it: one may be encoded there beforehand. */
size_t chain_signed_head(size_t i);

/* Verifies and decodes all blocks, from issuer_pk down; sets the fields, block
 * ids, kid and count of d, nothing that follows from them. */
TS_NODISCARD enum trust_code chain_verify(const struct chain_frame *f,
                                          const uint8_t *issuer_pk,
                                          struct delegation *d);

/* From the largest iat and nbf to the smallest exp of the blocks alone. */
struct chain_window {
    uint64_t not_before, expires;
};
struct chain_window chain_window(const struct delegation *d);

#endif
