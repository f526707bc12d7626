#ifndef PROTO_TRUST_AGENT_CERT_H
#define PROTO_TRUST_AGENT_CERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/trust/code.h"
#include "proto/trust/signed.h"
#include "proto/trust/store.h"

/*
 * "This key speaks for this agent", signed by an issuer or directory key of the
 * tenant. It stands in field 9 of a link and takes the place of a key in the
 * directory (delegation design, section 5.4):
 *
 *     body = [ 1, tenant id, agent id, pk bin32, nbf uint, exp uint ]
 *
 * It vouches for a key, not for a status: the agent, or its nearest registered
 * ancestor, must be in the directory and active all the same.
 */
struct agent_cert { /* slices borrow from the body */
    struct ts_str tenant, agent;
    uint8_t pk[TRUST_PK_LEN];
    uint64_t nbf, exp; /* unix seconds; exp exclusive */
};

TS_NODISCARD enum trust_code agent_cert_decode(struct ts_bytes body,
                                               struct agent_cert *ret);
/* Signs and appends the whole object. TS_E_INVALID: nothing that the decoder
 * would accept. */
TS_NODISCARD ts_err agent_cert_make(const struct agent_cert *c,
                                    const struct trust_secret *key,
                                    struct ts_buf *out);
/* Form only, for showing it or passing it on; who signed it is not asked. */
TS_NODISCARD enum trust_code
agent_cert_decode_to_show(struct ts_bytes in, struct agent_cert *ret,
                          uint8_t ret_kid[TRUST_KID_LEN]);
/* Signature by an enabled issuer or directory key of that tenant, nbf inside
 * the key's window, a usable point. Not the time: that is asked at every
 * decision. TRUST_E_AGENT for every refusal, as of a link without one. */
TS_NODISCARD enum trust_code agent_cert_verify(const struct trust_store *store,
                                               struct ts_bytes in,
                                               struct agent_cert *ret,
                                               uint8_t ret_kid[TRUST_KID_LEN]);
/* What is asked again at every decision: may this key (NULL: gone) still vouch
 * for agents of that tenant with a certificate that begins at nbf? */
bool agent_cert_signer(const struct trust_key *key, struct ts_str tenant,
                       uint64_t nbf);

#endif
