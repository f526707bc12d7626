#include "sidecar/gate/decide/obo_token.h"

#include "proto/base/ts_json.h"
#include "proto/token/jwk.h"
#include "proto/token/jws.h"
#include "proto/token/on_behalf.h"

#define HEADER_MAX  128
#define PAYLOAD_MAX 2872 /* bytes; JWS_LEN of both stays below TS_TOKEN_MAX */
_Static_assert(JWS_LEN(HEADER_MAX, PAYLOAD_MAX) <= TS_TOKEN_MAX,
               "a token fits an order");

static void write_header(struct ts_json *w, const struct trust_secret *key)
{
    char kid[JWK_KID_LEN + 1];

    jwk_kid(key->pk, kid);
    ts_json_member_text(
        w, "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":", ts_str_of(kid));
    ts_json_cstr(w, "}");
}

static void write_payload(struct ts_json *w, const struct obo_input *in)
{
    const struct delegation *d = in->delegation;
    uint64_t exp = in->now_s + in->want->ttl_s;
    char jti[2 * sizeof(in->decision_id) + 1];

    if (exp > d->expires)
        exp = d->expires;
    ts_hex_encode(jti, in->decision_id, sizeof(in->decision_id));
    ts_json_member_text(w, "{\"iss\":", in->issuer);
    ts_json_cstr(w, ",");
    on_behalf_write(w, d);
    ts_json_member_text(w, ",\"aud\":", in->want->audience);
    if (in->want->scope.len > 0)
        ts_json_member_text(w, ",\"scope\":", in->want->scope);
    ts_json_member_uint(w, ",\"iat\":", in->now_s);
    ts_json_member_uint(w, ",\"nbf\":", in->now_s);
    ts_json_member_uint(w, ",\"exp\":", exp);
    ts_json_member_text(w, ",\"jti\":", ts_str_of(jti));
    ts_json_cstr(w, "}");
}

ts_err obo_token_mint(const struct obo_input *in,
                      const struct trust_secret *key, char out[TS_TOKEN_MAX],
                      size_t *ret_len)
{
    char header[HEADER_MAX], payload[PAYLOAD_MAX];
    struct ts_json h, p;

    if (in->want->ttl_s == 0 || in->want->ttl_s > MANIFEST_TOKEN_TTL_MAX ||
        in->now_s >= in->delegation->expires)
        return TS_E_STATE;
    h = (struct ts_json){.buf = header, .cap = sizeof(header)};
    write_header(&h, key);
    p = (struct ts_json){.buf = payload, .cap = sizeof(payload)};
    write_payload(&p, in);
    if (h.full || p.full)
        return TS_E_LIMIT;
    return jws_sign((struct ts_str){h.buf, h.len},
                    (struct ts_str){p.buf, p.len}, key, out, TS_TOKEN_MAX,
                    ret_len);
}
