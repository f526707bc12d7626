#ifndef PROTO_TRUST_HANDSHAKE_H
#define PROTO_TRUST_HANDSHAKE_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/trust/keys.h"

/*
 * The first three messages of a connection and what is signed in them (design:
 * delegation format, section 5.6). One msgpack array each:
 *
 *   gate to shim  HELLO    [1, challenge bin32, sidecar_id id, sidecar_pk
 * bin32, now uint, max_frame uint] shim to gate  AUTH     [1, chain bin,
 * client_nonce bin32, proof bin64] gate to shim  WELCOME  [1, session_id bin16,
 * ttl_s uint, server_proof bin64, rev_seq uint]
 *
 *   T            = challenge, client_nonce, sidecar_pk, sidecar_id, chain_hash,
 *                  le32(uid) || le32(gid)
 *   proof        = Sign(last holder, PAE("tipstaff/1/hs-client", T...))
 *   session_id   = BLAKE2b-128(PAE("tipstaff/1/session", T..., proof))
 *   server_proof = Sign(sidecar, PAE("tipstaff/1/hs-server", T..., proof,
 *                                    session_id))
 *
 * uid and gid are never sent: the shim takes geteuid/getegid, the gate what
 * SO_PEERCRED says. A relay of another uid makes the two transcripts differ.
 */
#define HANDSHAKE_CHALLENGE_LEN 32
#define HANDSHAKE_SESSION_LEN   16

struct handshake_hello { /* sidecar_id borrows from the decoded body */
    uint8_t challenge[HANDSHAKE_CHALLENGE_LEN]; /* random, one connection */
    struct ts_str sidecar_id;
    uint8_t sidecar_pk[TRUST_PK_LEN];
    uint64_t now;       /* unix seconds, the gate's clock */
    uint64_t max_frame; /* bytes of body that the gate accepts after WELCOME */
};

struct handshake_auth { /* chain borrows from the decoded body */
    struct ts_bytes chain;
    uint8_t client_nonce[HANDSHAKE_CHALLENGE_LEN];
    uint8_t proof[TRUST_SIG_LEN];
};

struct handshake_welcome {
    uint8_t session_id[HANDSHAKE_SESSION_LEN];
    uint64_t ttl_s; /* seconds until the delegation's effective expiry */
    uint8_t server_proof[TRUST_SIG_LEN];
    uint64_t rev_seq;
};

/* Decoders: TS_OK and *ret, or an error with *reterr_what (static text) and
 * *ret untouched. */
TS_NODISCARD ts_err handshake_hello_decode(const void *b, size_t n,
                                           struct handshake_hello *ret,
                                           const char **reterr_what);
TS_NODISCARD ts_err handshake_auth_decode(const void *b, size_t n,
                                          struct handshake_auth *ret,
                                          const char **reterr_what);
TS_NODISCARD ts_err handshake_welcome_decode(const void *b, size_t n,
                                             struct handshake_welcome *ret,
                                             const char **reterr_what);

/* Encoders append one whole frame; type is MSG_HELLO, MSG_AUTH, MSG_WELCOME of
 * proto/msg/client.h (which this folder stands below). */
struct ts_buf;
TS_NODISCARD ts_err handshake_hello_send(struct ts_buf *out, uint8_t type,
                                         const struct handshake_hello *m);
TS_NODISCARD ts_err handshake_auth_send(struct ts_buf *out, uint8_t type,
                                        const struct handshake_auth *m);
TS_NODISCARD ts_err handshake_welcome_send(struct ts_buf *out, uint8_t type,
                                           const struct handshake_welcome *m);

/* T, gathered by each side from its own sources. Borrows sidecar_id. */
struct handshake_transcript {
    uint8_t challenge[HANDSHAKE_CHALLENGE_LEN];
    uint8_t client_nonce[HANDSHAKE_CHALLENGE_LEN];
    uint8_t sidecar_pk[TRUST_PK_LEN];
    struct ts_str sidecar_id;           /* <= TS_ID_MAX bytes */
    uint8_t chain_hash[TRUST_HASH_LEN]; /* delegation_chain_hash() */
    uint32_t uid, gid;                  /* of the shim's process */
};

/* Shim: holder is the secret of the chain's last holder. */
void handshake_client_proof(const struct handshake_transcript *t,
                            const struct trust_secret *holder,
                            uint8_t ret_proof[TRUST_SIG_LEN]);

/* Gate: holder_pk is delegation_leaf(d)->holder. TS_E_AUTH if it fails. */
TS_NODISCARD ts_err handshake_verify_client(
    const struct handshake_transcript *t, const uint8_t holder_pk[TRUST_PK_LEN],
    const uint8_t proof[TRUST_SIG_LEN]);

/* Gate, after handshake_verify_client(). */
void handshake_server_proof(const struct handshake_transcript *t,
                            const uint8_t proof[TRUST_SIG_LEN],
                            const struct trust_secret *sidecar,
                            uint8_t ret_session_id[HANDSHAKE_SESSION_LEN],
                            uint8_t ret_server_proof[TRUST_SIG_LEN]);

/* Shim: t->sidecar_pk is the pinned key where one is given, else HELLO's.
 * Also checks that session_id is the one that follows. TS_E_AUTH otherwise. */
TS_NODISCARD ts_err handshake_verify_server(
    const struct handshake_transcript *t, const uint8_t proof[TRUST_SIG_LEN],
    const uint8_t session_id[HANDSHAKE_SESSION_LEN],
    const uint8_t server_proof[TRUST_SIG_LEN]);

#endif
