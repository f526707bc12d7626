#include "sidecar/gate/obo_token.h"

#include <stdio.h>

#include "proto/token/json_write.h"
#include "proto/token/jwk.h"
#include "proto/token/jws.h"
#include "proto/token/on_behalf.h"

#define HEADER_MAX  128
#define PAYLOAD_MAX 2872 /* bytes; JWS_LEN of both stays below TS_TOKEN_MAX */
_Static_assert(JWS_LEN(HEADER_MAX, PAYLOAD_MAX) <= TS_TOKEN_MAX,
               "a token fits an order");

static void write_header(struct json_writer *w, const struct trust_secret *key)
{
    char kid[JWK_KID_LEN + 1];

    jwk_kid(key->pk, kid);
    json_member_text(
        w, "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":", ts_str_of(kid));
    json_raw(w, "}");
}

static void write_payload(struct json_writer *w, const struct obo_input *in)
{
    const struct delegation *d = in->delegation;
    uint64_t exp = in->now_s + in->want->ttl_s;
    char jti[2 * sizeof(in->decision_id) + 1];

    if (exp > d->expires)
        exp = d->expires;
    ts_hex_encode(jti, in->decision_id, sizeof(in->decision_id));
    json_member_text(w, "{\"iss\":", in->issuer);
    json_raw(w, ",");
    on_behalf_write(w, d);
    json_member_text(w, ",\"aud\":", in->want->audience);
    if (in->want->scope.len > 0)
        json_member_text(w, ",\"scope\":", in->want->scope);
    json_member_uint(w, ",\"iat\":", in->now_s);
    json_member_uint(w, ",\"nbf\":", in->now_s);
    json_member_uint(w, ",\"exp\":", exp);
    json_member_text(w, ",\"jti\":", ts_str_of(jti));
    json_raw(w, "}");
}

ts_err obo_token_mint(const struct obo_input *in,
                      const struct trust_secret *key, char out[TS_TOKEN_MAX],
                      size_t *ret_len)
{
    char header[HEADER_MAX], payload[PAYLOAD_MAX];
    struct json_writer h, p;

    if (in->want->ttl_s == 0 || in->want->ttl_s > MANIFEST_TOKEN_TTL_MAX ||
        in->now_s >= in->delegation->expires)
        return TS_E_STATE;
    json_writer_init(&h, header, sizeof(header));
    write_header(&h, key);
    json_writer_init(&p, payload, sizeof(payload));
    write_payload(&p, in);
    if (h.error != TS_OK)
        return h.error;
    if (p.error != TS_OK)
        return p.error;
    return jws_sign(json_written(&h), json_written(&p), key, out, TS_TOKEN_MAX,
                    ret_len);
}

ts_err obo_manifests_check(const struct manifests *m, bool has_token_key,
                           char *reterr_text, size_t reterr_cap)
{
    for (uint32_t i = 0; i < m->count && !has_token_key; i++) {
        const struct manifest *one = &m->list[i];

        if (one->token.ttl_s == 0)
            continue;
        (void)snprintf(reterr_text, reterr_cap,
                       "%.*s:1: identity_token: this sidecar has no key to "
                       "sign with; make one with `tipstaff key new` and name "
                       "it as token_key in tipstaff.yaml",
                       (int)one->file.len, one->file.ptr);
        return TS_E_STATE;
    }
    return TS_OK;
}
