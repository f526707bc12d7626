#ifndef PROTO_TOKEN_JWK_H
#define PROTO_TOKEN_JWK_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/trust/keys.h"

/*
 * Public keys as JSON Web Keys (RFC 7517, RFC 8037): kty OKP, crv Ed25519, alg
 * EdDSA (RFC 9864 calls it Ed25519; what verifies tokens today knows the older
 * name), use sig. The kid is the thumbprint of RFC 7638, which whoever has the
 * key can compute with a library he has already; the kids of delegations
 * (trust_kid()) never leave Tipstaff.
 */
#define JWK_KID_LEN   43  /* base64url of SHA-256 */
#define JWK_MAX       256 /* bytes of one key's JSON */
#define JWKS_KEYS_MAX 16

void jwk_kid(const uint8_t pk[TRUST_PK_LEN], char ret[JWK_KID_LEN + 1]);

struct jwk {
    uint8_t pk[TRUST_PK_LEN];
};

/* {"keys":[...]} and a line feed. TS_E_LIMIT: more than JWKS_KEYS_MAX, or it
 * does not fit (JWKS_KEYS_MAX * JWK_MAX is always enough). TS_E_EXISTS: a key
 * is given twice. */
TS_NODISCARD ts_err jwks_write(const struct jwk *keys, size_t count, char *out,
                               size_t cap, size_t *ret_len);

#endif
