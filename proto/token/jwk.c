#include "proto/token/jwk.h"

#include <sodium.h>
#include <string.h>

#include "proto/base/ts_json.h"
#include "proto/base/ts_require.h"
#include "proto/token/base64url.h"

#define X_LEN 43 /* base64url of 32 bytes */

static struct ts_str x_of(const uint8_t pk[TRUST_PK_LEN], char out[X_LEN])
{
    size_t n = 0;
    ts_err e = base64url_encode(pk, TRUST_PK_LEN, out, X_LEN, &n);

    TS_REQUIRE(e == TS_OK && n == X_LEN); /* only a small buffer fails */
    return (struct ts_str){.ptr = out, .len = n};
}

void jwk_kid(const uint8_t pk[TRUST_PK_LEN], char ret[JWK_KID_LEN + 1])
{
    uint8_t hash[crypto_hash_sha256_BYTES];
    char text[128], x[X_LEN];
    struct ts_json w;
    size_t n = 0;
    ts_err e;

    /* RFC 7638, section 3: required members alone, in this order. */
    w = (struct ts_json){.buf = text, .cap = sizeof(text)};
    ts_json_member_text(
        &w, "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":", x_of(pk, x));
    ts_json_cstr(&w, "}");
    TS_REQUIRE(!w.full);
    (void)crypto_hash_sha256(hash, (const uint8_t *)text, w.len); /* no fail */
    e = base64url_encode(hash, sizeof(hash), ret, JWK_KID_LEN, &n);
    TS_REQUIRE(e == TS_OK && n == JWK_KID_LEN);
    ret[JWK_KID_LEN] = '\0';
}

static void write_key(struct ts_json *w, const uint8_t pk[TRUST_PK_LEN])
{
    char x[X_LEN], kid[JWK_KID_LEN + 1];

    jwk_kid(pk, kid);
    ts_json_cstr(w, "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"use\":\"sig\","
                    "\"alg\":\"EdDSA\"");
    ts_json_member_text(w, ",\"kid\":", ts_str_of(kid));
    ts_json_member_text(w, ",\"x\":", x_of(pk, x));
    ts_json_cstr(w, "}");
}

ts_err jwks_write(const struct jwk *keys, size_t count, char *out, size_t cap,
                  size_t *ret_len)
{
    struct ts_json w;

    if (count > JWKS_KEYS_MAX)
        return TS_E_LIMIT;
    w = (struct ts_json){.buf = out, .cap = cap};
    ts_json_cstr(&w, "{\"keys\":[");
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++)
            if (memcmp(keys[i].pk, keys[j].pk, TRUST_PK_LEN) == 0)
                return TS_E_EXISTS;
        ts_json_cstr(&w, i > 0 ? ",\n " : "");
        write_key(&w, keys[i].pk);
    }
    ts_json_cstr(&w, "]}\n");
    if (w.full)
        return TS_E_LIMIT;
    *ret_len = w.len;
    return TS_OK;
}
