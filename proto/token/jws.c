#include "proto/token/jws.h"

#include <sodium.h>
#include <string.h>

/* Cuts s at the first dot; false if there is none. */
static bool cut(struct ts_str *s, struct ts_str *ret_head)
{
    const char *dot = s->len > 0 ? memchr(s->ptr, '.', s->len) : NULL;
    size_t n;

    if (dot == NULL)
        return false;
    n = (size_t)(dot - s->ptr);
    *ret_head = (struct ts_str){.ptr = s->ptr, .len = n};
    s->ptr += n + 1;
    s->len -= n + 1;
    return true;
}

static ts_err decode(struct ts_str part, struct ts_arena *arena,
                     struct ts_bytes *ret)
{
    size_t cap = part.len / 4 * 3 + 3, len = 0;
    void *p;
    ts_err e;

    if (part.len == 0)
        return TS_E_FORMAT;
    if ((e = ts_arena_alloc(arena, cap, &p)) != TS_OK ||
        (e = base64url_decode(part, p, cap, &len)) != TS_OK)
        return e;
    *ret = (struct ts_bytes){.ptr = p, .len = len};
    return TS_OK;
}

static size_t dots(struct ts_str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++)
        n += s.ptr[i] == '.';
    return n;
}

static struct ts_str as_text(struct ts_bytes b)
{
    return (struct ts_str){.ptr = (const char *)b.ptr, .len = b.len};
}

ts_err jws_split(struct ts_str token, struct ts_arena *arena, struct jws *ret)
{
    struct ts_str rest = token, header, payload;
    struct ts_bytes h = {0}, p = {0}, sig = {0};
    ts_err e;

    if (token.len > JWS_MAX)
        return TS_E_LIMIT;
    if (dots(token) == 4)
        return TS_E_UNSUPPORTED;
    if (dots(token) != 2 || !cut(&rest, &header) || !cut(&rest, &payload))
        return TS_E_FORMAT;
    if ((e = decode(header, arena, &h)) != TS_OK ||
        (e = decode(payload, arena, &p)) != TS_OK ||
        (e = decode(rest, arena, &sig)) != TS_OK)
        return e;
    if (sig.len > JWS_SIG_MAX)
        return TS_E_LIMIT;
    *ret = (struct jws){
        .token = token,
        .signing_input = {.ptr = token.ptr, .len = token.len - rest.len - 1},
        .header = as_text(h),
        .payload = as_text(p),
        .sig = sig};
    return TS_OK;
}

ts_err jws_verify(const struct jws *j, const uint8_t pk[TRUST_PK_LEN])
{
    if (j->sig.len != TRUST_SIG_LEN || trust_pk_check(pk) != TS_OK)
        return TS_E_AUTH;
    return crypto_sign_verify_detached(j->sig.ptr,
                                       (const uint8_t *)j->signing_input.ptr,
                                       j->signing_input.len, pk) == 0
               ? TS_OK
               : TS_E_AUTH;
}

ts_err jws_sign(struct ts_str header, struct ts_str payload,
                const struct trust_secret *key, char *out, size_t cap,
                size_t *ret_len)
{
    uint8_t sig[TRUST_SIG_LEN];
    size_t at = 0, n;

    if (header.len > JWS_MAX || payload.len > JWS_MAX ||
        JWS_LEN(header.len, payload.len) > cap)
        return TS_E_LIMIT;
    if (base64url_encode((const uint8_t *)header.ptr, header.len, out, cap,
                         &n) != TS_OK)
        return TS_E_LIMIT;
    at = n;
    out[at++] = '.';
    if (base64url_encode((const uint8_t *)payload.ptr, payload.len, out + at,
                         cap - at, &n) != TS_OK)
        return TS_E_LIMIT;
    at += n;
    if (crypto_sign_detached(sig, NULL, (const uint8_t *)out, at, key->sk) != 0)
        return TS_E_SYSTEM;
    out[at++] = '.';
    if (base64url_encode(sig, sizeof(sig), out + at, cap - at, &n) != TS_OK)
        return TS_E_LIMIT;
    *ret_len = at + n;
    return TS_OK;
}
