#include "proto/trust/handshake.h"

#include <sodium.h>
#include <string.h>

#include "proto/base/ts_require.h"
#include "proto/trust/pae.h"
#include "proto/wire/limits.h"

#define T_PARTS 6
/* context, T, proof, session id, and their length heads */
#define HS_SIGNED_MAX 512

struct parts {
    struct ts_bytes p[PAE_PARTS_MAX];
    uint8_t ids[8];
};

static void gather(struct parts *x, const struct handshake_transcript *t)
{
    TS_REQUIRE(t->sidecar_id.len <= TS_ID_MAX);
    pae_le32(x->ids, t->uid);
    pae_le32(x->ids + 4, t->gid);
    x->p[0] = (struct ts_bytes){t->challenge, sizeof(t->challenge)};
    x->p[1] = (struct ts_bytes){t->client_nonce, sizeof(t->client_nonce)};
    x->p[2] = (struct ts_bytes){t->sidecar_pk, sizeof(t->sidecar_pk)};
    x->p[3] = (struct ts_bytes){(const uint8_t *)t->sidecar_id.ptr,
                                t->sidecar_id.len};
    x->p[4] = (struct ts_bytes){t->chain_hash, sizeof(t->chain_hash)};
    x->p[5] = (struct ts_bytes){x->ids, sizeof(x->ids)};
}

static size_t client_message(const struct handshake_transcript *t, uint8_t *out)
{
    struct parts x;

    gather(&x, t);
    return pae_encode(out, HS_SIGNED_MAX, PAE_PREFIX "hs-client", x.p, T_PARTS);
}

static size_t server_message(const struct handshake_transcript *t,
                             const uint8_t *proof, const uint8_t *session_id,
                             uint8_t *out)
{
    struct parts x;

    gather(&x, t);
    x.p[T_PARTS] = (struct ts_bytes){proof, TRUST_SIG_LEN};
    x.p[T_PARTS + 1] = (struct ts_bytes){session_id, HANDSHAKE_SESSION_LEN};
    return pae_encode(out, HS_SIGNED_MAX, PAE_PREFIX "hs-server", x.p,
                      T_PARTS + 2);
}

static void session_of(const struct handshake_transcript *t,
                       const uint8_t *proof, uint8_t *ret)
{
    struct parts x;

    gather(&x, t);
    x.p[T_PARTS] = (struct ts_bytes){proof, TRUST_SIG_LEN};
    pae_hash(ret, HANDSHAKE_SESSION_LEN, PAE_PREFIX "session", x.p,
             T_PARTS + 1);
}

void handshake_client_proof(const struct handshake_transcript *t,
                            const struct trust_secret *holder,
                            uint8_t ret_proof[TRUST_SIG_LEN])
{
    uint8_t msg[HS_SIGNED_MAX];
    size_t n = client_message(t, msg);

    (void)crypto_sign_detached(ret_proof, NULL, msg, n,
                               holder->sk); /* cannot fail */
}

ts_err handshake_verify_client(const struct handshake_transcript *t,
                               const uint8_t holder_pk[TRUST_PK_LEN],
                               const uint8_t proof[TRUST_SIG_LEN])
{
    uint8_t msg[HS_SIGNED_MAX];
    size_t n = client_message(t, msg);

    return crypto_sign_verify_detached(proof, msg, n, holder_pk) == 0
               ? TS_OK
               : TS_E_AUTH;
}

void handshake_server_proof(const struct handshake_transcript *t,
                            const uint8_t proof[TRUST_SIG_LEN],
                            const struct trust_secret *sidecar,
                            uint8_t ret_session_id[HANDSHAKE_SESSION_LEN],
                            uint8_t ret_server_proof[TRUST_SIG_LEN])
{
    uint8_t msg[HS_SIGNED_MAX];
    size_t n;

    session_of(t, proof, ret_session_id);
    n = server_message(t, proof, ret_session_id, msg);
    (void)crypto_sign_detached(ret_server_proof, NULL, msg, n,
                               sidecar->sk); /* cannot fail */
}

ts_err handshake_verify_server(const struct handshake_transcript *t,
                               const uint8_t proof[TRUST_SIG_LEN],
                               const uint8_t session_id[HANDSHAKE_SESSION_LEN],
                               const uint8_t server_proof[TRUST_SIG_LEN])
{
    uint8_t want[HANDSHAKE_SESSION_LEN], msg[HS_SIGNED_MAX];
    size_t n;

    if (trust_pk_check(t->sidecar_pk) != TS_OK) /* it came from the wire */
        return TS_E_AUTH;
    session_of(t, proof, want);
    if (sodium_memcmp(want, session_id, sizeof(want)) != 0)
        return TS_E_AUTH;
    n = server_message(t, proof, session_id, msg);
    return crypto_sign_verify_detached(server_proof, msg, n, t->sidecar_pk) == 0
               ? TS_OK
               : TS_E_AUTH;
}
