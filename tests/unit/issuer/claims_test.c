/* Every rule about an ID token, broken one at a time. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "cli/issuer/claims.h"
#include "tests/lib/fault_mem.h"

#define NOW 1795300000

static struct idp idp;
static struct idp_pair users[] = {
    {.key = {"248289761001", 12}, .value = {"alice", 5}},
    {.key = {"bob-sub", 7}, .value = {"bob", 3}}};
static const char nonce[] = "n-0S6_WzA2Mj";

static const char good[] =
    "{\"iss\":\"https://idp.example\",\"aud\":\"tipstaff\","
    "\"sub\":\"248289761001\",\"nonce\":\"n-0S6_WzA2Mj\","
    "\"iat\":1795299990,\"exp\":1795300290,\"acr\":\"phr\","
    "\"amr\":[\"hwk\",\"mfa\"],\"auth_time\":1795299900,\"sid\":\"s-1\","
    "\"hd\":\"example.com\"}";

static int setup(void **state)
{
    (void)state;
    memset(&idp, 0, sizeof(idp));
    idp.iss = TS_STR_LIT("https://idp.example");
    idp.client_id = TS_STR_LIT("tipstaff");
    idp.alg = IDP_EDDSA;
    idp.keys[0].kid = TS_STR_LIT("k1");
    idp.keys[1].kid = TS_STR_LIT("k2");
    idp.key_count = 2;
    idp.users = users;
    idp.user_count = 2;
    return 0;
}

/* The claims with one member replaced by a JSON value, or without it. */
static json_t *with(const char *name, const char *value)
{
    json_t *o = json_loads(good, 0, NULL);

    assert_non_null(o);
    if (name != NULL && value == NULL)
        (void)json_object_del(o, name);
    else if (name != NULL)
        assert_int_equal(json_object_set_new(
                             o, name, json_loads(value, JSON_DECODE_ANY, NULL)),
                         0);
    return o;
}

static ts_err judge(json_t *claims, struct login *ret, char *why)
{
    static struct ts_arena arena;
    ts_err e;

    ts_arena_done(&arena);
    ts_arena_init(&arena, 1 << 16);
    e = claims_check(claims, &idp, ts_str_of(nonce), NOW, &arena, ret, why);
    json_decref(claims);
    return e;
}

static void accepted(const char *name, const char *value)
{
    char why[CLAIMS_WHY_MAX];
    struct login l;

    if (judge(with(name, value), &l, why) != TS_OK)
        fail_msg("%s = %s: %s", name, value ? value : "(none)", why);
    assert_true(ts_str_eq_c(l.user, "alice"));
}

/* The sentence names the claim. */
static void refused(const char *name, const char *value, const char *claim)
{
    char why[CLAIMS_WHY_MAX], begin[64];
    struct login l = {.attr_count = 77};

    assert_int_equal(judge(with(name, value), &l, why), TS_E_AUTH);
    (void)snprintf(begin, sizeof(begin), "claim %s: ", claim);
    if (strncmp(why, begin, strlen(begin)) != 0)
        fail_msg("%s = %s: \"%s\"", name, value ? value : "(none)", why);
    assert_int_equal(l.attr_count, 77); /* untouched */
}

static void good_token_gives_user_and_sorted_attrs(void **state)
{
    static const char *const want[][2] = {{"acr", "phr"},
                                          {"amr", "hwk mfa"},
                                          {"auth_time", "1795299900"},
                                          {"sid", "s-1"}};
    char why[CLAIMS_WHY_MAX];
    struct login l;

    (void)state;
    assert_int_equal(judge(with(NULL, NULL), &l, why), TS_OK);
    assert_true(ts_str_eq_c(l.user, "alice"));
    assert_int_equal(l.attr_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_true(ts_str_eq_c(l.attrs[i].key, want[i][0]));
        assert_true(ts_str_eq_c(l.attrs[i].value, want[i][1]));
    }
    accepted("acr", NULL);
    accepted("amr", NULL);
    accepted("auth_time", NULL);
    accepted("sid", NULL);
}

static void iss_is_compared_byte_by_byte(void **state)
{
    (void)state;
    refused("iss", NULL, "iss");
    refused("iss", "\"https://idp.example/\"", "iss");
    refused("iss", "\"HTTPS://idp.example\"", "iss");
    refused("iss", "[\"https://idp.example\"]", "iss");
    refused("iss", "\"\"", "iss");
}

static void aud_and_azp_must_be_this_client(void **state)
{
    json_t *o;
    char why[CLAIMS_WHY_MAX];
    struct login l;

    (void)state;
    refused("aud", NULL, "aud");
    refused("aud", "\"other\"", "aud");
    refused("aud", "[]", "aud");
    refused("aud", "[1]", "aud");
    refused("aud", "[\"other\"]", "aud");
    refused("aud", "{\"tipstaff\":1}", "aud");
    accepted("aud", "[\"tipstaff\"]");
    refused("aud", "[\"tipstaff\",\"other\"]", "azp");
    refused("azp", "\"other\"", "azp");
    refused("azp", "1", "azp");
    refused("azp", "[\"tipstaff\"]", "azp");
    accepted("azp", "\"tipstaff\"");
    o = with("aud", "[\"other\",\"tipstaff\"]");
    assert_int_equal(json_object_set_new(o, "azp", json_string("tipstaff")), 0);
    assert_int_equal(judge(o, &l, why), TS_OK);
}

static void T35_user_is_iss_and_sub_never_an_address(void **state)
{
    json_t *o = with("sub", "\"mallory-sub\"");
    char why[CLAIMS_WHY_MAX];
    struct login l;

    (void)state;
    /* the same address and names as the mapped user's */
    assert_int_equal(json_object_set_new(o, "email", json_string("alice")), 0);
    assert_int_equal(json_object_set_new(o, "email_verified", json_true()), 0);
    assert_int_equal(
        json_object_set_new(o, "preferred_username", json_string("alice")), 0);
    assert_int_equal(json_object_set_new(o, "upn", json_string("248289761001")),
                     0);
    assert_int_equal(judge(o, &l, why), TS_E_AUTH);
    assert_non_null(strstr(why, "claim sub: \"mallory-sub\""));
    refused("sub", NULL, "sub");
    refused("sub", "\"\"", "sub");
    refused("sub", "248289761001", "sub"); /* a number is not the text */
    refused("sub", "\"248289761001 \"", "sub");
    refused("sub", "\"ALICE\"", "sub");
    /* and an address that says something else changes nothing */
    accepted("email", "\"bob@example.com\"");
    accepted("groups", "[\"admins\"]");
    accepted("roles", "[\"root\"]");
    accepted("scope", "\"everything\"");
}

static void nonce_must_be_the_commitment(void **state)
{
    (void)state;
    refused("nonce", NULL, "nonce");
    refused("nonce", "\"n-0S6_WzA2Mk\"", "nonce");
    refused("nonce", "\"n-0S6_WzA2M\"", "nonce");
    refused("nonce", "\"\"", "nonce");
    refused("nonce", "[\"n-0S6_WzA2Mj\"]", "nonce");
}

/* Property: over all offsets, exactly the ones within the limits pass. */
static void
times_have_sixty_seconds_of_skew_and_three_hundred_of_age(void **state)
{
    char v[32];

    (void)state;
    for (int d = -400; d <= 400; d++) {
        (void)snprintf(v, sizeof(v), "%d", NOW + d);
        if (d <= 60 && d >= -300)
            accepted("iat", v);
        else
            refused("iat", v, "iat");
        if (d > -60)
            accepted("exp", v);
        else
            refused("exp", v, "exp");
        if (d <= 60)
            accepted("nbf", v);
        else
            refused("nbf", v, "nbf");
    }
}

static void times_that_are_no_whole_numbers_are_refused(void **state)
{
    static const char *const names[] = {"iat", "exp", "nbf", "auth_time"};
    static const char *const bad[] = {"1795300000.5", "\"1795300000\"", "-1",
                                      "true",         "null",           "[]",
                                      "1.7953e9"};

    (void)state;
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++)
            refused(names[i], bad[k], names[i]);
    refused("iat", NULL, "iat");
    refused("exp", NULL, "exp");
}

static void required_class_and_methods_are_demanded(void **state)
{
    (void)state;
    idp.acr[0] = TS_STR_LIT("phr");
    idp.acr[1] = TS_STR_LIT("phrh");
    idp.acr_count = 2;
    idp.amr[0] = TS_STR_LIT("mfa");
    idp.amr_count = 1;
    idp.max_auth_age_s = 600;
    accepted(NULL, NULL);
    accepted("acr", "\"phrh\"");
    refused("acr", NULL, "acr");
    refused("acr", "\"pwd\"", "acr");
    refused("acr", "[\"phr\"]", "acr");
    refused("amr", NULL, "amr");
    refused("amr", "[\"hwk\"]", "amr");
    refused("amr", "\"mfa\"", "amr");
    refused("amr", "[\"hwk mfa\"]", "amr");
    refused("amr", "[]", "amr");
    refused("amr", "[\"mfa\",1]", "amr");
    refused("auth_time", NULL, "auth_time");
    refused("auth_time", "1795299000", "auth_time");
    refused("auth_time", "1795300100", "auth_time");
}

static void required_claims_are_compared_exactly(void **state)
{
    (void)state;
    idp.require[0] = (struct idp_pair){.key = TS_STR_LIT("hd"),
                                       .value = TS_STR_LIT("example.com")};
    idp.require_count = 1;
    accepted(NULL, NULL);
    refused("hd", NULL, "hd");
    refused("hd", "\"example.org\"", "hd");
    refused("hd", "[\"example.com\"]", "hd");
}

static void attributes_too_long_are_refused_not_cut(void **state)
{
    char v[300];

    (void)state;
    memset(v, 'x', sizeof(v));
    v[0] = v[129] = '"';
    v[130] = '\0';
    accepted("sid", v);
    accepted("acr", v);
    v[129] = 'x';
    v[130] = '"';
    v[131] = '\0';
    refused("sid", v, "sid");
    refused("acr", v, "acr");
}

static void what_is_no_object_is_refused(void **state)
{
    char why[CLAIMS_WHY_MAX];
    struct login l;

    (void)state;
    assert_int_equal(judge(json_array(), &l, why), TS_E_AUTH);
    assert_int_equal(judge(NULL, &l, why), TS_E_AUTH);
}

/* ---- header ----------------------------------------------------------------
 */

static ts_err header(const char *text, char *why)
{
    json_t *h = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    struct ts_str kid;
    ts_err e = claims_check_header(h, &idp, &kid, why);

    json_decref(h);
    return e;
}

static void header_refused(const char *text, const char *begin)
{
    char why[CLAIMS_WHY_MAX] = "";

    assert_int_equal(header(text, why), TS_E_AUTH);
    if (strncmp(why, begin, strlen(begin)) != 0)
        fail_msg("%s: \"%s\"", text, why);
}

static void header_with_configured_alg_and_kid_passes(void **state)
{
    char why[CLAIMS_WHY_MAX];

    (void)state;
    assert_int_equal(header("{\"alg\":\"EdDSA\",\"kid\":\"k1\"}", why), TS_OK);
    assert_int_equal(
        header("{\"kid\":\"k2\",\"typ\":\"JWT\",\"alg\":\"EdDSA\"}", why),
        TS_OK);
    idp.alg = IDP_ED25519;
    assert_int_equal(header("{\"alg\":\"Ed25519\",\"kid\":\"k1\"}", why),
                     TS_OK);
}

static void T1_alg_none_is_refused(void **state)
{
    (void)state;
    header_refused("{\"alg\":\"none\",\"kid\":\"k1\"}", "header alg: ");
    header_refused("{\"alg\":\"None\",\"kid\":\"k1\"}", "header alg: ");
    header_refused("{\"alg\":\"\",\"kid\":\"k1\"}", "header alg: ");
}

static void T1_alg_missing_or_no_text_is_refused(void **state)
{
    (void)state;
    header_refused("{\"kid\":\"k1\"}", "header alg: is missing");
    header_refused("{\"alg\":null,\"kid\":\"k1\"}", "header alg: ");
    header_refused("{\"alg\":[\"EdDSA\"],\"kid\":\"k1\"}", "header alg: ");
}

static void T1_alg_of_another_family_is_refused(void **state)
{
    static const char *const others[] = {
        "HS256", "HS512",  "RS256",    "ES256", "PS256",
        "eddsa", "EdDSA ", "EdDSA\\n", "Ed448", "Ed25519"};
    char text[128];

    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        (void)snprintf(text, sizeof(text), "{\"alg\":\"%s\",\"kid\":\"k1\"}",
                       others[i]);
        header_refused(text, "header alg: ");
    }
}

/* Property: a token's alg passes only under that very configuration. */
static void T1_alg_is_the_configured_one_in_every_pair(void **state)
{
    char text[128], why[CLAIMS_WHY_MAX];

    (void)state;
    for (unsigned c = 0; c < IDP_ALG_COUNT_; c++) {
        for (unsigned t = 0; t < IDP_ALG_COUNT_; t++) {
            idp.alg = (enum idp_alg)c;
            (void)snprintf(text, sizeof(text),
                           "{\"alg\":\"%s\",\"kid\":\"k1\"}",
                           idp_alg_name((enum idp_alg)t));
            assert_int_equal(header(text, why) == TS_OK, c == t);
        }
    }
}

static void header_that_brings_keys_or_rules_is_refused(void **state)
{
    static const char *const names[] = {"crit", "jku", "jwk", "x5u", "x5c",
                                        "b64",  "zip", "enc", "cty"};
    char text[128], begin[32];

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(text, sizeof(text),
                       "{\"alg\":\"EdDSA\",\"kid\":\"k1\",\"%s\":null}",
                       names[i]);
        (void)snprintf(begin, sizeof(begin), "header %s: ", names[i]);
        header_refused(text, begin);
    }
}

static void header_of_another_kind_of_token_is_refused(void **state)
{
    static const char *const types[] = {
        "\"at+jwt\"", "\"logout+jwt\"", "\"jwt\"", "\"\"", "1", "\"dpop+jwt\""};
    char text[128];

    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        (void)snprintf(text, sizeof(text),
                       "{\"alg\":\"EdDSA\",\"kid\":\"k1\",\"typ\":%s}",
                       types[i]);
        header_refused(text, "header typ: ");
    }
}

static void header_kid_must_name_a_configured_key(void **state)
{
    (void)state;
    header_refused("{\"alg\":\"EdDSA\"}", "header kid: is missing");
    header_refused("{\"alg\":\"EdDSA\",\"kid\":\"k3\"}", "header kid: ");
    header_refused("{\"alg\":\"EdDSA\",\"kid\":\"K1\"}", "header kid: ");
    header_refused("{\"alg\":\"EdDSA\",\"kid\":\"\"}", "header kid: ");
    header_refused("{\"alg\":\"EdDSA\",\"kid\":1}", "header kid: ");
    /* two of a name, and two members of a name: the reader refuses both */
    header_refused("{\"alg\":\"EdDSA\",\"alg\":\"EdDSA\",\"kid\":\"k1\"}",
                   "the header is not");
    header_refused("[]", "the header is not");
}

static ts_err claims_once(const void *arg)
{
    char why[CLAIMS_WHY_MAX];
    struct ts_arena arena;
    struct login l;
    json_t *o = json_loads(good, 0, NULL);
    ts_err e;

    (void)arg;
    ts_arena_init(&arena, 1 << 16);
    e = claims_check(o, &idp, ts_str_of(nonce), NOW, &arena, &l, why);
    ts_arena_done(&arena);
    json_decref(o);
    return e;
}

static void without_memory_nobody_is_logged_in(void **state)
{
    (void)state;
    fault_mem_sweep(claims_once, NULL, TS_OK, 1);
}

#define T(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(good_token_gives_user_and_sorted_attrs),
        T(iss_is_compared_byte_by_byte),
        T(aud_and_azp_must_be_this_client),
        T(T35_user_is_iss_and_sub_never_an_address),
        T(nonce_must_be_the_commitment),
        T(times_have_sixty_seconds_of_skew_and_three_hundred_of_age),
        T(times_that_are_no_whole_numbers_are_refused),
        T(required_class_and_methods_are_demanded),
        T(required_claims_are_compared_exactly),
        T(attributes_too_long_are_refused_not_cut),
        T(what_is_no_object_is_refused),
        T(header_with_configured_alg_and_kid_passes),
        T(T1_alg_none_is_refused),
        T(T1_alg_missing_or_no_text_is_refused),
        T(T1_alg_of_another_family_is_refused),
        T(T1_alg_is_the_configured_one_in_every_pair),
        T(header_that_brings_keys_or_rules_is_refused),
        T(header_of_another_kind_of_token_is_refused),
        T(header_kid_must_name_a_configured_key),
        T(without_memory_nobody_is_logged_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
