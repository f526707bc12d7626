#include "cli/issuer/claims.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/wire/limits.h"

#define SHOWN 160 /* bytes of a foreign value in a sentence */

TS_PRINTF(2, 3) static ts_err refuse(char *why, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(why, CLAIMS_WHY_MAX, fmt, ap);
    va_end(ap);
    return TS_E_AUTH;
}

static bool text_of(const json_t *v, struct ts_str *ret)
{
    if (!json_is_string(v) || json_string_length(v) == 0)
        return false;
    *ret = (struct ts_str){.ptr = json_string_value(v),
                           .len = json_string_length(v)};
    return true;
}

static const char *shown(struct ts_str s, char out[SHOWN])
{
    (void)ts_str_escape(out, SHOWN, s.ptr, s.len);
    return out;
}

/* ---- header ---------------------------------------------------------------
 */

ts_err claims_check_header(const json_t *header, const struct idp *idp,
                           struct ts_str *ret_kid, char *reterr)
{
    static const char *const forbidden[] = {"crit", "jku", "jwk", "x5u", "x5c",
                                            "b64",  "zip", "enc", "cty"};
    struct ts_str alg = {0}, typ = {0}, kid = {0};
    char a[SHOWN];

    if (!json_is_object(header))
        return refuse(reterr, "the header is not a JSON object");
    if (!text_of(json_object_get(header, "alg"), &alg))
        return refuse(reterr, "header alg: is missing");
    if (!ts_str_eq_c(alg, idp_alg_name(idp->alg)))
        return refuse(reterr,
                      "header alg: the token says \"%s\", and %s is what is "
                      "configured for this issuer",
                      shown(alg, a), idp_alg_name(idp->alg));
    for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++)
        if (json_object_get(header, forbidden[i]) != NULL)
            return refuse(reterr,
                          "header %s: a token may not bring its own keys or "
                          "rules",
                          forbidden[i]);
    if (json_object_get(header, "typ") != NULL &&
        (!text_of(json_object_get(header, "typ"), &typ) ||
         !ts_str_eq_c(typ, "JWT")))
        return refuse(reterr,
                      "header typ: an ID token has none, or JWT; this is "
                      "another kind of token");
    if (!text_of(json_object_get(header, "kid"), &kid))
        return refuse(reterr, "header kid: is missing");
    if (!idp_alg_is_external(idp->alg) && idp_key_find(idp, kid) == NULL)
        return refuse(reterr,
                      "header kid: \"%s\" is not among the configured keys of "
                      "this issuer",
                      shown(kid, a));
    *ret_kid = kid;
    return TS_OK;
}

/* ---- claims ----------------------------------------------------------------
 */

struct checking {
    const json_t *claims;
    const struct idp *idp;
    uint64_t now;
    struct ts_arena *arena;
    struct login *login;
    char *why;
};

static ts_err need_text(const struct checking *c, const char *name,
                        struct ts_str *ret)
{
    const json_t *v = json_object_get(c->claims, name);

    if (v == NULL)
        return refuse(c->why, "claim %s: is missing", name);
    if (!text_of(v, ret))
        return refuse(c->why, "claim %s: is not a text", name);
    return TS_OK;
}

/* Whole seconds; *ret_has tells whether it is there at all. */
static ts_err time_of(const struct checking *c, const char *name, uint64_t *ret,
                      bool *ret_has)
{
    const json_t *v = json_object_get(c->claims, name);

    *ret_has = v != NULL;
    if (v == NULL)
        return TS_OK;
    if (!json_is_integer(v) || json_integer_value(v) < 0)
        return refuse(c->why, "claim %s: is not a whole number of seconds",
                      name);
    *ret = (uint64_t)json_integer_value(v);
    return TS_OK;
}

static ts_err need_time(const struct checking *c, const char *name,
                        uint64_t *ret)
{
    bool has = false;
    ts_err e = time_of(c, name, ret, &has);

    if (e == TS_OK && !has)
        return refuse(c->why, "claim %s: is missing", name);
    return e;
}

bool claims_issuer(const json_t *payload, struct ts_str *ret, char *reterr)
{
    const struct checking c = {.claims = payload, .why = reterr};

    if (!json_is_object(payload)) {
        (void)refuse(reterr, "the payload is not a JSON object");
        return false;
    }
    return need_text(&c, "iss", ret) == TS_OK;
}

static ts_err check_iss(const struct checking *c)
{
    struct ts_str iss = {0};
    char a[SHOWN];
    ts_err e = need_text(c, "iss", &iss);

    if (e == TS_OK && !ts_str_eq(iss, c->idp->iss))
        return refuse(c->why, "claim iss: \"%s\" is not the configured issuer",
                      shown(iss, a));
    return e;
}

/* How many audiences there are, and whether we are one. */
static ts_err read_aud(const struct checking *c, size_t *ret_count,
                       bool *ret_ours)
{
    const json_t *aud = json_object_get(c->claims, "aud"), *v;
    struct ts_str s = {0};
    size_t i;

    *ret_ours = false;
    if (text_of(aud, &s)) {
        *ret_count = 1;
        *ret_ours = ts_str_eq(s, c->idp->client_id);
        return TS_OK;
    }
    if (!json_is_array(aud) || json_array_size(aud) == 0)
        return refuse(c->why, "claim aud: is %s",
                      aud == NULL ? "missing"
                                  : "not a text or a list of texts");
    json_array_foreach(aud, i, v)
    {
        if (!text_of(v, &s))
            return refuse(c->why, "claim aud: is not a list of texts");
        *ret_ours = *ret_ours || ts_str_eq(s, c->idp->client_id);
    }
    *ret_count = json_array_size(aud);
    return TS_OK;
}

static ts_err check_aud(const struct checking *c)
{
    const json_t *azp = json_object_get(c->claims, "azp");
    struct ts_str s = {0};
    size_t count = 0;
    bool ours = false;
    ts_err e = read_aud(c, &count, &ours);

    if (e != TS_OK)
        return e;
    if (!ours)
        return refuse(c->why, "claim aud: the token is not for the configured "
                              "client_id");
    if (azp == NULL && count > 1)
        return refuse(c->why,
                      "claim azp: is missing, and the token has several "
                      "audiences");
    if (azp != NULL && (!text_of(azp, &s) || !ts_str_eq(s, c->idp->client_id)))
        return refuse(c->why,
                      "claim azp: the token was issued to another client");
    return TS_OK;
}

static ts_err check_times(const struct checking *c)
{
    uint64_t iat = 0, exp = 0, nbf = 0, now = c->now;
    bool has_nbf = false;
    ts_err e;

    if ((e = need_time(c, "iat", &iat)) != TS_OK ||
        (e = need_time(c, "exp", &exp)) != TS_OK ||
        (e = time_of(c, "nbf", &nbf, &has_nbf)) != TS_OK)
        return e;
    if (iat > now && iat - now > CLAIMS_SKEW_S)
        return refuse(c->why,
                      "claim iat: lies %llu s in the future; compare the "
                      "clocks",
                      (unsigned long long)(iat - now));
    if (now > iat && now - iat > CLAIMS_AGE_MAX_S)
        return refuse(c->why,
                      "claim iat: the token is %llu s old, more than %d; log "
                      "in again",
                      (unsigned long long)(now - iat), CLAIMS_AGE_MAX_S);
    if (now >= exp && now - exp >= CLAIMS_SKEW_S)
        return refuse(c->why, "claim exp: the token has expired; log in again");
    if (has_nbf && nbf > now && nbf - now > CLAIMS_SKEW_S)
        return refuse(c->why, "claim nbf: the token is not valid yet");
    return TS_OK;
}

static ts_err check_nonce(const struct checking *c, struct ts_str want)
{
    struct ts_str nonce = {0};
    ts_err e = need_text(c, "nonce", &nonce);

    if (e == TS_OK && !ts_str_eq(nonce, want))
        return refuse(c->why,
                      "claim nonce: the login was not made for this key, task "
                      "and sidecar");
    return e;
}

static ts_err check_require(const struct checking *c)
{
    for (size_t i = 0; i < c->idp->require_count; i++) {
        const struct idp_pair *p = &c->idp->require[i];
        struct ts_str v = {0};
        ts_err e = need_text(c, p->key.ptr, &v);

        if (e != TS_OK)
            return e;
        if (!ts_str_eq(v, p->value))
            return refuse(c->why,
                          "claim %s: is not the value that the configuration "
                          "requires",
                          p->key.ptr);
    }
    return TS_OK;
}

/* (iss, sub) names the user, and nothing else does. */
static ts_err find_user(const struct checking *c)
{
    struct ts_str sub = {0};
    char a[SHOWN];
    ts_err e = need_text(c, "sub", &sub);

    if (e != TS_OK)
        return e;
    for (size_t i = 0; i < c->idp->user_count; i++) {
        if (ts_str_eq(c->idp->users[i].key, sub)) {
            c->login->user = c->idp->users[i].value;
            return TS_OK;
        }
    }
    return refuse(c->why,
                  "claim sub: \"%s\" is not in the map of users; an address "
                  "or a name is never used instead",
                  shown(sub, a));
}

static ts_err add_attr(const struct checking *c, const char *name,
                       struct ts_str value)
{
    const char *copy;
    ts_err e;

    if (value.len > TS_ATTR_VALUE_MAX)
        return refuse(c->why, "claim %s: is longer than %d bytes", name,
                      TS_ATTR_VALUE_MAX);
    e = ts_arena_strndup(c->arena, value.ptr, value.len, &copy);
    if (e != TS_OK)
        return e;
    c->login->attrs[c->login->attr_count++] = (struct delegation_attr){
        .key = ts_str_of(name), .value = {.ptr = copy, .len = value.len}};
    return TS_OK;
}

static ts_err take_acr(const struct checking *c)
{
    const json_t *v = json_object_get(c->claims, "acr");
    struct ts_str acr = {0};
    bool found = c->idp->acr_count == 0;

    if (v == NULL && found)
        return TS_OK;
    if (v == NULL)
        return refuse(c->why, "claim acr: is missing, and one is required");
    if (!text_of(v, &acr))
        return refuse(c->why, "claim acr: is not a text");
    for (size_t i = 0; i < c->idp->acr_count; i++)
        found = found || ts_str_eq(acr, c->idp->acr[i]);
    if (!found)
        return refuse(c->why,
                      "claim acr: the login was not of a required class; log "
                      "in with a stronger factor");
    return add_attr(c, "acr", acr);
}

/* amr as one text, a space between two. False: not a list of such words. */
static bool join_amr(const json_t *amr, char *out, size_t cap, size_t *ret_len)
{
    struct ts_str s = {0};
    const json_t *v;
    size_t i, len = 0;

    if (!json_is_array(amr) || json_array_size(amr) == 0)
        return false;
    json_array_foreach(amr, i, v)
    {
        if (!text_of(v, &s) || s.len + 1 > cap - len)
            return false;
        for (size_t k = 0; k < s.len; k++)
            if (s.ptr[k] <= ' ' || s.ptr[k] > '~')
                return false;
        if (i > 0)
            out[len++] = ' ';
        memcpy(out + len, s.ptr, s.len);
        len += s.len;
    }
    *ret_len = len;
    return true;
}

static bool amr_has(const json_t *amr, struct ts_str want)
{
    struct ts_str s = {0};
    const json_t *v;
    size_t i;

    json_array_foreach(amr, i, v)
    {
        if (text_of(v, &s) && ts_str_eq(s, want))
            return true;
    }
    return false;
}

static ts_err take_amr(const struct checking *c)
{
    const json_t *amr = json_object_get(c->claims, "amr");
    char text[TS_ATTR_VALUE_MAX + 2];
    struct ts_str s = {.ptr = text};

    if (amr == NULL && c->idp->amr_count == 0)
        return TS_OK;
    if (amr == NULL)
        return refuse(c->why, "claim amr: is missing, and one is required");
    if (!join_amr(amr, text, sizeof(text), &s.len))
        return refuse(c->why,
                      "claim amr: is not a list of at most %d bytes of words",
                      TS_ATTR_VALUE_MAX);
    for (size_t i = 0; i < c->idp->amr_count; i++)
        if (!amr_has(amr, c->idp->amr[i]))
            return refuse(c->why,
                          "claim amr: \"%s\" is required and was not used",
                          c->idp->amr[i].ptr);
    return add_attr(c, "amr", s);
}

static ts_err take_auth_time(const struct checking *c)
{
    uint64_t t = 0, most = c->idp->max_auth_age_s;
    bool has = false;
    char text[24];
    ts_err e = time_of(c, "auth_time", &t, &has);

    if (e != TS_OK)
        return e;
    if (!has && most > 0)
        return refuse(c->why,
                      "claim auth_time: is missing, and max_auth_age_s is "
                      "configured");
    if (!has)
        return TS_OK;
    if (t > c->now && t - c->now > CLAIMS_SKEW_S)
        return refuse(c->why, "claim auth_time: lies in the future");
    if (most > 0 && c->now > t && c->now - t > most)
        return refuse(c->why,
                      "claim auth_time: the person logged in too long ago; "
                      "log in again");
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)t);
    return add_attr(c, "auth_time", ts_str_of(text));
}

static ts_err take_sid(const struct checking *c)
{
    const json_t *v = json_object_get(c->claims, "sid");
    struct ts_str sid = {0};

    if (v == NULL)
        return TS_OK;
    if (!text_of(v, &sid))
        return refuse(c->why, "claim sid: is not a text");
    return add_attr(c, "sid", sid);
}

ts_err claims_check(const json_t *claims, const struct idp *idp,
                    struct ts_str nonce, uint64_t now, struct ts_arena *arena,
                    struct login *ret, char *reterr)
{
    struct login login = {0};
    const struct checking c = {.claims = claims,
                               .idp = idp,
                               .now = now,
                               .arena = arena,
                               .login = &login,
                               .why = reterr};
    ts_err e;

    (void)snprintf(reterr, CLAIMS_WHY_MAX, "out of memory");
    if (!json_is_object(claims))
        return refuse(reterr, "the claims are not a JSON object");
    if ((e = check_iss(&c)) != TS_OK || (e = check_aud(&c)) != TS_OK ||
        (e = check_times(&c)) != TS_OK ||
        (e = check_nonce(&c, nonce)) != TS_OK ||
        (e = check_require(&c)) != TS_OK || (e = find_user(&c)) != TS_OK ||
        (e = take_acr(&c)) != TS_OK || (e = take_amr(&c)) != TS_OK ||
        (e = take_auth_time(&c)) != TS_OK || (e = take_sid(&c)) != TS_OK)
        return e;
    *ret = login;
    return TS_OK;
}
