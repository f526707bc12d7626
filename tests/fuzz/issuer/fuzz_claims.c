/* Claims of a stranger, as JSON, against one issuer: whoever is logged in has
 * a mapped subject, the right nonce, audience and issuer, and few, short
 * attributes in order. The first line may be a header. */
#include <string.h>

#include "cli/issuer/claims.h"
#include "proto/base/ts_require.h"
#include "proto/wire/limits.h"

#define NOW 1795300000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void fill(struct idp *idp, struct idp_pair *user)
{
    *user = (struct idp_pair){.key = TS_STR_LIT("s1"),
                              .value = TS_STR_LIT("alice")};
    memset(idp, 0, sizeof(*idp));
    idp->iss = TS_STR_LIT("https://a");
    idp->client_id = TS_STR_LIT("c");
    idp->keys[0].kid = TS_STR_LIT("k1");
    idp->key_count = 1;
    idp->users = user;
    idp->user_count = 1;
}

static bool is(const json_t *claims, const char *name, const char *want)
{
    const char *s = json_string_value(json_object_get(claims, name));

    return s != NULL && strcmp(s, want) == 0;
}

static void check(const json_t *claims, const struct login *l)
{
    TS_REQUIRE(ts_str_eq_c(l->user, "alice"));
    TS_REQUIRE(is(claims, "iss", "https://a") && is(claims, "sub", "s1") &&
               is(claims, "nonce", "n"));
    TS_REQUIRE(json_integer_value(json_object_get(claims, "iat")) >=
                   NOW - CLAIMS_AGE_MAX_S &&
               json_integer_value(json_object_get(claims, "iat")) <=
                   NOW + CLAIMS_SKEW_S);
    TS_REQUIRE(json_integer_value(json_object_get(claims, "exp")) >
               NOW - CLAIMS_SKEW_S);
    for (size_t i = 0; i < l->attr_count; i++) {
        TS_REQUIRE(l->attrs[i].value.len <= TS_ATTR_VALUE_MAX);
        TS_REQUIRE(i == 0 ||
                   ts_str_cmp(l->attrs[i - 1].key, l->attrs[i].key) < 0);
    }
}

static void header(const char *p, size_t len, const struct idp *idp)
{
    json_t *h = json_loadb(p, len, JSON_REJECT_DUPLICATES, NULL);
    char why[CLAIMS_WHY_MAX];
    struct ts_str kid = {0};

    if (claims_check_header(h, idp, &kid, why) == TS_OK)
        TS_REQUIRE(is(h, "alg", "EdDSA") && ts_str_eq_c(kid, "k1") &&
                   json_object_get(h, "jwk") == NULL);
    else
        TS_REQUIRE(why[0] != '\0');
    json_decref(h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const char *text = (const char *)data;
    const char *nl = len > 0 ? memchr(data, '\n', len) : NULL;
    size_t head = nl != NULL ? (size_t)(nl - text) + 1 : 0;
    static struct idp idp;
    struct idp_pair user;
    char why[CLAIMS_WHY_MAX];
    struct ts_arena arena;
    struct login l;
    json_t *claims;

    fill(&idp, &user);
    if (head > 0)
        header(text, head, &idp);
    claims = json_loadb(text + head, len - head, JSON_REJECT_DUPLICATES, NULL);
    ts_arena_init(&arena, 1 << 16);
    if (claims_check(claims, &idp, TS_STR_LIT("n"), NOW, &arena, &l, why) ==
        TS_OK)
        check(claims, &l);
    else
        TS_REQUIRE(why[0] != '\0' && strlen(why) < CLAIMS_WHY_MAX);
    ts_arena_done(&arena);
    json_decref(claims);
    return 0;
}
