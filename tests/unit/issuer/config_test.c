#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "cli/issuer/config.h"
#include "tests/lib/fault_mem.h"

#define X    "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
#define HEAD "issuers:\n- iss: https://a\n  client_id: c\n"
#define TAIL "  tenant: acme\n  issuer: acme-issuer\n  users: {s1: alice}\n"
#define KEYS "  alg: EdDSA\n  keys: [{kid: k1, x: " X "}]\n"

static struct idp_config config;
static struct ts_arena arena;
static char err[512];

static int setup(void **state)
{
    (void)state;
    assert_int_equal(trust_init(), TS_OK);
    ts_arena_done(&arena);
    ts_arena_init(&arena, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ts_arena_done(&arena);
    return 0;
}

static ts_err load(const char *text)
{
    err[0] = '\0';
    return idp_config_read(TS_STR_LIT("idp.yaml"), ts_str_of(text), &arena,
                           &config, err, sizeof(err));
}

static void every_key_is_read(void **state)
{
    const struct idp *i;

    (void)state;
    assert_int_equal(
        load(HEAD KEYS
             "  acr: [phr, phrh]\n  amr: [mfa]\n  max_ttl_s: 900\n"
             "  max_auth_age_s: 3600\n  require: {hd: example.com}\n" TAIL
             "- iss: https://b\n  client_id: d\n  alg: RS256\n"
             "  verifier: [/usr/libexec/v, --jwks, /etc/b.json]\n"
             "  tenant: beta\n  issuer: i\n  users: users.yaml\n"),
        TS_OK);
    assert_int_equal(config.count, 2);
    i = idp_find(&config, TS_STR_LIT("https://a"));
    assert_non_null(i);
    assert_int_equal(i->alg, IDP_EDDSA);
    assert_non_null(idp_key_find(i, TS_STR_LIT("k1")));
    assert_int_equal(i->acr_count, 2);
    assert_int_equal(i->amr_count, 1);
    assert_int_equal(i->max_ttl_s, 900);
    assert_int_equal(i->max_auth_age_s, 3600);
    assert_int_equal(i->require_count, 1);
    assert_true(ts_str_eq_c(i->users[0].key, "s1"));
    assert_true(ts_str_eq_c(i->users[0].value, "alice"));
    i = idp_find(&config, TS_STR_LIT("https://b"));
    assert_int_equal(i->alg, IDP_RS256);
    assert_string_equal(i->verifier[2], "/etc/b.json");
    assert_null(i->verifier[3]);
    assert_true(ts_str_eq_c(i->users_file, "users.yaml"));
    assert_int_equal(i->max_ttl_s, 3600);
    assert_null(idp_find(&config, TS_STR_LIT("https://c")));
}

static const struct {
    const char *text, *want;
} mistakes[] = {
    {"", "idp.yaml:1: the file is empty"},
    {"issuers: []\n", "idp.yaml:1: issuers is empty"},
    {"issuer: []\n", "idp.yaml:1: unknown key \"issuer\""},
    {HEAD KEYS TAIL "  mail: x\n", "unknown key \"mail\""},
    {"issuers:\n- client_id: c\n" KEYS TAIL, "has no \"iss\""},
    {"issuers:\n- iss: a\n" KEYS TAIL, "has no \"client_id\""},
    {HEAD TAIL, "has no \"alg\""},
    {HEAD "  alg: none\n" TAIL, "alg must be"},
    {HEAD "  alg: HS256\n" TAIL, "alg must be"},
    {HEAD "  alg: eddsa\n" TAIL, "alg must be"},
    {HEAD "  alg: EdDSA\n" TAIL, "has no keys"},
    {HEAD "  alg: RS256\n  keys: [{kid: k, x: " X "}]\n" TAIL,
     "keys and jwks are for EdDSA"},
    {HEAD "  alg: ES256\n  jwks: f\n" TAIL, "keys and jwks are for EdDSA"},
    {HEAD KEYS "  verifier: [/v]\n" TAIL, "a verifier is for"},
    {HEAD "  alg: RS256\n  verifier: [v]\n" TAIL, "absolute path"},
    {HEAD "  alg: RS256\n  verifier: []\n" TAIL, "absolute path"},
    {HEAD "  alg: EdDSA\n  keys: [{kid: k, x: AAAA}]\n" TAIL,
     "not an Ed25519 public key"},
    {HEAD "  alg: EdDSA\n  keys: [{kid: k, x: "
          "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA}]\n" TAIL,
     "not an Ed25519 public key"},
    {HEAD "  alg: EdDSA\n  keys: [{kid: k, x: " X "}, {kid: k, x: " X
          "}]\n" TAIL,
     "the same kid"},
    {HEAD "  alg: EdDSA\n  keys: [{x: " X "}]\n" TAIL, "has no \"kid\""},
    {HEAD KEYS TAIL "  max_ttl_s: 0\n", "1 or more"},
    {HEAD KEYS TAIL "  max_ttl_s: 86401\n", "more than 86400"},
    {HEAD KEYS TAIL "  max_auth_age_s: 0\n", "1 or more"},
    {HEAD KEYS "  tenant: a b\n  issuer: i\n  users: {}\n", "not a valid id"},
    {HEAD KEYS "  tenant: a\n  issuer: i\n  users: {s: 'a b'}\n",
     "not a valid id"},
    {HEAD KEYS "  tenant: a\n  issuer: i\n  users: {s: a, s: b}\n",
     "given twice"},
    {HEAD KEYS "  tenant: a\n  issuer: i\n", "has no \"users\""},
    {HEAD KEYS TAIL "- iss: https://a\n  client_id: d\n" KEYS TAIL,
     "the same iss"},
};

static void mistake_names_the_line_and_what_to_do(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        assert_int_equal(load(mistakes[i].text), TS_E_FORMAT);
        if (strstr(err, mistakes[i].want) == NULL ||
            strncmp(err, "idp.yaml:", 9) != 0)
            fail_msg("row %zu: \"%s\", not \"%s\"", i, err, mistakes[i].want);
    }
}

static ts_err jwks(const char *text, struct idp *to)
{
    memset(to, 0, sizeof(*to));
    err[0] = '\0';
    return idp_jwks_read(TS_STR_LIT("k.json"), ts_str_of(text), &arena, to, err,
                         sizeof(err));
}

static void jwks_keeps_ed25519_signing_keys_and_passes_others_over(void **state)
{
    struct idp i;

    (void)state;
    assert_int_equal(
        jwks("{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQ\",\"e\":\"AQAB\"},"
             "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"kid\":\"x\"},"
             "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"use\":\"enc\"},"
             "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"alg\":\"ES256\"},"
             "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"a\",\"x\":\"" X
             "\",\"use\":\"sig\",\"alg\":\"EdDSA\"}]}",
             &i),
        TS_OK);
    assert_int_equal(i.key_count, 1);
    assert_non_null(idp_key_find(&i, TS_STR_LIT("a")));
}

static void jwks_that_is_wrong_is_refused(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"", "not a JWKS"},
        {"[]", "not a JWKS"},
        {"{\"keys\":{}}", "not a JWKS"},
        {"{\"keys\":[]}", "no Ed25519 key"},
        {"{\"keys\":[1,null,\"x\"]}", "no Ed25519 key"},
        {"{\"keys\":[],\"keys\":[]}", "not a JWKS"},
        {"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" X "\"}]}",
         "\"kid\""},
        {"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"a\"}]}",
         "\"x\""},
        {"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"a\","
         "\"x\":\"" X "=\"}]}",
         "\"x\""},
        {"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"a\","
         "\"x\":\"" X "\",\"d\":\"" X "\"}]}",
         "secret key"},
        {"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"a\","
         "\"x\":\"" X "\"},{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"a\","
         "\"x\":\"" X "\"}]}",
         "the same \"kid\""},
    };
    struct idp i;

    (void)state;
    for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
        assert_int_equal(jwks(rows[k].text, &i), TS_E_FORMAT);
        if (strstr(err, rows[k].want) == NULL)
            fail_msg("row %zu: \"%s\"", k, err);
    }
}

static void users_file_is_a_map_of_subjects(void **state)
{
    struct idp i = {0};

    (void)state;
    assert_int_equal(idp_users_read(TS_STR_LIT("u.yaml"),
                                    TS_STR_LIT("\"1\": a\n\"2\": b/c\n"),
                                    &arena, &i, err, sizeof(err)),
                     TS_OK);
    assert_int_equal(i.user_count, 2);
    assert_int_equal(idp_users_read(TS_STR_LIT("u.yaml"), TS_STR_LIT("- a\n"),
                                    &arena, &i, err, sizeof(err)),
                     TS_E_FORMAT);
    assert_non_null(strstr(err, "u.yaml:1: users must be a mapping"));
}

static ts_err load_once(const void *arg)
{
    static struct idp_config c;
    struct ts_arena a;
    char text[512];
    ts_err e;

    ts_arena_init(&a, 1 << 20);
    e = idp_config_read(TS_STR_LIT("idp.yaml"), ts_str_of(arg), &a, &c, text,
                        sizeof(text));
    ts_arena_done(&a);
    return e;
}

static void config_without_memory_is_no_config(void **state)
{
    (void)state;
    fault_mem_sweep(load_once, HEAD KEYS "  acr: [a]\n" TAIL, TS_OK, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_key_is_read, setup),
        cmocka_unit_test_setup(mistake_names_the_line_and_what_to_do, setup),
        cmocka_unit_test_setup(
            jwks_keeps_ed25519_signing_keys_and_passes_others_over, setup),
        cmocka_unit_test_setup(jwks_that_is_wrong_is_refused, setup),
        cmocka_unit_test_setup(users_file_is_a_map_of_subjects, setup),
        cmocka_unit_test_setup(config_without_memory_is_no_config, setup),
    };

    return cmocka_run_group_tests(tests, NULL, teardown);
}
