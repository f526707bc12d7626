/* The keys of an identity provider, from the JWKS file that it publishes. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli/issuer/config.h"
#include "proto/token/base64url.h"

struct reader {
    struct ts_arena *arena;
    struct idp *idp;
    char *text;
    size_t cap;
    struct ts_str name;
};

static ts_err fail(const struct reader *r, const char *what)
{
    (void)snprintf(r->text, r->cap, "%.*s: %s", (int)r->name.len, r->name.ptr,
                   what);
    return TS_E_FORMAT;
}

static bool member_is(const json_t *key, const char *name, const char *value)
{
    const char *s = json_string_value(json_object_get(key, name));

    return s != NULL && strcmp(s, value) == 0;
}

/* A key of another kind, or for another use, is none of ours. */
static bool is_ours(const json_t *key)
{
    const json_t *use = json_object_get(key, "use");
    const json_t *alg = json_object_get(key, "alg");

    return member_is(key, "kty", "OKP") && member_is(key, "crv", "Ed25519") &&
           (use == NULL || member_is(key, "use", "sig")) &&
           (alg == NULL || member_is(key, "alg", "EdDSA") ||
            member_is(key, "alg", "Ed25519"));
}

static ts_err add(const struct reader *r, const json_t *key)
{
    const json_t *kid = json_object_get(key, "kid");
    const json_t *x = json_object_get(key, "x");
    struct idp_key k = {0};
    const char *copy;
    size_t len = 0;
    ts_err e;

    if (json_object_get(key, "d") != NULL)
        return fail(r, "member \"d\": this is a secret key; it must not be "
                       "here, and is not secret any more");
    if (!json_is_string(kid) || json_string_length(kid) == 0 ||
        json_string_length(kid) > IDP_KID_MAX)
        return fail(r, "member \"kid\" is missing in an Ed25519 key");
    if (!json_is_string(x) ||
        base64url_decode((struct ts_str){.ptr = json_string_value(x),
                                         .len = json_string_length(x)},
                         k.pk, sizeof(k.pk), &len) != TS_OK ||
        len != sizeof(k.pk) || trust_pk_check(k.pk) != TS_OK)
        return fail(r, "member \"x\" is not an Ed25519 public key");
    k.kid = (struct ts_str){.ptr = json_string_value(kid),
                            .len = json_string_length(kid)};
    if (idp_key_find(r->idp, k.kid) != NULL)
        return fail(r, "two keys have the same \"kid\"");
    if (r->idp->key_count == IDP_KEYS_MAX)
        return fail(r, "more than 16 Ed25519 keys");
    if ((e = ts_arena_strndup(r->arena, k.kid.ptr, k.kid.len, &copy)) != TS_OK)
        return e;
    k.kid.ptr = copy;
    r->idp->keys[r->idp->key_count++] = k;
    return TS_OK;
}

ts_err idp_jwks_read(struct ts_str name, struct ts_str text,
                     struct ts_arena *arena, struct idp *idp, char *reterr_text,
                     size_t reterr_cap)
{
    struct reader r = {
        .arena = arena, .idp = idp, .cap = reterr_cap, .name = name};
    size_t before = idp->key_count, i;
    json_t *root = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, NULL);
    const json_t *keys = json_object_get(root, "keys"), *key;
    ts_err e = TS_OK;

    r.text = reterr_text;
    if (!json_is_array(keys))
        e = fail(&r, "is not a JWKS: {\"keys\": [...]}");
    json_array_foreach(keys, i, key)
    {
        if (e == TS_OK && is_ours(key))
            e = add(&r, key);
    }
    if (e == TS_OK && idp->key_count == before)
        e = fail(&r, "has no Ed25519 key for signatures");
    json_decref(root);
    return e;
}
