#ifndef SIDECAR_GATE_DECIDE_OBO_TOKEN_H
#define SIDECAR_GATE_DECIDE_OBO_TOKEN_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/trust/delegation.h"
#include "sidecar/common/manifest/manifest.h"

/*
 * The identity token of one permitted call (docs/IDENTITY.md): a JWT access
 * token (RFC 9068, typ at+jwt) signed with EdDSA, which says on whose behalf
 * which agents act (RFC 8693) towards the one service that the manifest names,
 * for at most a minute and never beyond the delegation. Its jti is the id of
 * the decision, so that a service's log and ours name the same call.
 *
 * Pure: no clock, no allocation; out holds TS_TOKEN_MAX bytes, which is enough
 * for the longest ids (tests/unit/gate_decide/obo_test.c makes that token).
 */
struct obo_input {
    struct ts_str issuer; /* the sidecar's id */
    const struct delegation *delegation;
    const struct manifest_token *want; /* ttl_s > 0 */
    uint8_t decision_id[16];
    uint64_t now_s; /* unix */
};

/* TS_E_STATE: the delegation has expired, or the manifest wants no token. */
TS_NODISCARD ts_err obo_token_mint(const struct obo_input *in,
                                   const struct trust_secret *key,
                                   char out[TS_TOKEN_MAX], size_t *ret_len);

#endif
