#ifndef PROTO_TRUST_DELEGATION_BUILD_H
#define PROTO_TRUST_DELEGATION_BUILD_H

#include "proto/base/ts_attr.h"
#include "proto/trust/delegation.h"

/*
 * Making chains: for the issuer's and the agents' command line and for tests.
 * Limits and ids are checked, so that what is made is not refused for its form;
 * whether a verifier trusts it is the verifier's business.
 */
struct delegation_root {
    uint8_t grant_id[16]; /* random */
    struct ts_str tenant, issuer, user, agent;
    uint8_t holder[TRUST_PK_LEN];
    struct ts_str aud, task;
    uint64_t iat, nbf, exp;
    uint32_t depth; /* 0..TS_DEPTH_MAX */
    uint64_t max_calls;
    struct ts_str policies;
    const struct delegation_attr *attrs; /* keys strictly ascending */
    size_t attr_count;
};

struct delegation_link {
    uint8_t nonce[16]; /* random */
    struct ts_str agent;
    uint8_t holder[TRUST_PK_LEN];
    uint64_t iat, nbf, exp;
    uint32_t depth;
    struct ts_str policies;
    struct ts_bytes cert; /* of the agent's key (agent_cert.h), or empty */
};

/* Writes a chain of one block to out (cap TS_CHAIN_MAX is always enough). */
TS_NODISCARD enum trust_code
delegation_sign_root(const struct delegation_root *root,
                     const struct trust_secret *issuer, uint8_t *out,
                     size_t cap, size_t *ret_len);

/*
 * Writes chain with one more block. holder must be the secret of the chain's
 * last holder (TRUST_E_KEY otherwise); issuer_pk is the key that signed the
 * root: the running hash starts from it. The given chain's own signatures are
 * verified first, so that nothing is appended to a forgery. A certificate must
 * be for this tenant, agent and key (TRUST_E_AGENT); its signature is the
 * verifier's business. out may not overlap chain.
 */
TS_NODISCARD enum trust_code delegation_append_link(
    const uint8_t *chain, size_t len, const struct delegation_link *link,
    const uint8_t issuer_pk[TRUST_PK_LEN], const struct trust_secret *holder,
    uint8_t *out, size_t cap, size_t *ret_len);

#endif
