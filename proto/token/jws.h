#ifndef PROTO_TOKEN_JWS_H
#define PROTO_TOKEN_JWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_arena.h"
#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/token/base64url.h"
#include "proto/trust/keys.h"

/*
 * Compact JWS (RFC 7515) with Ed25519 (RFC 8037). Which algorithm and which
 * key verify a token is the caller's configuration: nothing here reads the
 * token's header, so a token cannot choose (docs/IDENTITY.md). The header and
 * the payload are JSON, to be read by the caller, from the very bytes that
 * were signed and only after jws_verify() held.
 */
#define JWS_MAX     16384u /* bytes of a token that is read */
#define JWS_SIG_MAX 1024u  /* bytes of a signature: RSA of 8192 bits */

struct jws {
    struct ts_str token;         /* all of it; borrowed */
    struct ts_str signing_input; /* header.payload; borrows from token */
    struct ts_str header;        /* decoded, in the arena */
    struct ts_str payload;
    struct ts_bytes sig;
};

/* Exactly three parts, none of them empty. TS_E_LIMIT: too long; TS_E_FORMAT;
 * TS_E_UNSUPPORTED: five parts, an encrypted token. */
TS_NODISCARD ts_err jws_split(struct ts_str token, struct ts_arena *arena,
                              struct jws *ret);
/* TS_OK or TS_E_AUTH. */
TS_NODISCARD ts_err jws_verify(const struct jws *j,
                               const uint8_t pk[TRUST_PK_LEN]);
/* Signs header and payload, which are JSON texts, and writes the token (no
 * NUL). TS_E_LIMIT: cap is less than JWS_LEN of the two. Allocates nothing. */
#define JWS_LEN(header_len, payload_len)                                       \
    (BASE64URL_LEN(header_len) + BASE64URL_LEN(payload_len) +                  \
     BASE64URL_LEN((size_t)TRUST_SIG_LEN) + 2)
TS_NODISCARD ts_err jws_sign(struct ts_str header, struct ts_str payload,
                             const struct trust_secret *key, char *out,
                             size_t cap, size_t *ret_len);

#endif
