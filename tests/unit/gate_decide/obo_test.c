/* The identity token: what it says, for how long, and when there is none. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "proto/token/jwk.h"
#include "proto/token/jws.h"
#include "sidecar/gate/decide/obo_token.h"
#include "sidecar/gate/people/snapshot_priv.h"

#define NOW UINT64_C(1795300000)

static struct trust_secret key, other;
static struct ts_arena arena;

static void secret_of(int which, struct trust_secret *ret)
{
    uint8_t seed[TRUST_SEED_LEN];

    memset(seed, which, sizeof(seed));
    assert_int_equal(trust_secret_from_seed(seed, ret), TS_OK);
}

static int setup(void **state)
{
    (void)state;
    assert_int_equal(trust_init(), TS_OK);
    secret_of(41, &key);
    secret_of(42, &other);
    ts_arena_init(&arena, 1u << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ts_arena_done(&arena);
    trust_secret_done(&key);
    trust_secret_done(&other);
    return 0;
}

static struct delegation chain_of(const char *const *agents, size_t n,
                                  uint32_t leaf_depth)
{
    struct delegation d = {.tenant = TS_STR_LIT("acme"),
                           .user = TS_STR_LIT("alice"),
                           .task = TS_STR_LIT("t1"),
                           .block_count = n,
                           .expires = NOW + 3600};

    for (size_t i = 0; i < n; i++)
        d.blocks[i].agent = ts_str_of(agents[i]);
    d.blocks[n - 1].depth = leaf_depth;
    return d;
}

static const struct manifest_token want = {
    .audience = {"https://b.example", sizeof("https://b.example") - 1},
    .scope = {"read list", sizeof("read list") - 1},
    .ttl_s = 60};

static struct obo_input input_of(const struct delegation *d,
                                 const struct manifest_token *w)
{
    return (struct obo_input){.issuer = TS_STR_LIT("sidecar/local"),
                              .delegation = d,
                              .want = w,
                              .decision_id = {0xab, 1},
                              .now_s = NOW};
}

/* The payload of a token that must verify. */
static const char *payload_of(const char *token, size_t len)
{
    const char *copy;
    struct jws j;

    assert_int_equal(jws_split((struct ts_str){token, len}, &arena, &j), TS_OK);
    assert_int_equal(jws_verify(&j, key.pk), TS_OK);
    assert_int_equal(jws_verify(&j, other.pk), TS_E_AUTH);
    assert_int_equal(
        ts_arena_strndup(&arena, j.payload.ptr, j.payload.len, &copy), TS_OK);
    return copy;
}

static void token_says_user_agents_audience_and_decision(void **state)
{
    static const char *const agents[] = {"coder", "coder/tester"};
    struct delegation d = chain_of(agents, 2, 0);
    struct obo_input in = input_of(&d, &want);
    char out[TS_TOKEN_MAX];
    size_t len;

    (void)state;
    assert_int_equal(obo_token_mint(&in, &key, out, &len), TS_OK);
    assert_string_equal(
        payload_of(out, len),
        "{\"iss\":\"sidecar/local\",\"sub\":\"alice\","
        "\"client_id\":\"coder/tester\","
        "\"act\":{\"sub\":\"coder/tester\",\"act\":{\"sub\":\"coder\"}},"
        "\"tenant\":\"acme\",\"task\":\"t1\",\"aud\":\"https://b.example\","
        "\"scope\":\"read list\",\"iat\":1795300000,\"nbf\":1795300000,"
        "\"exp\":1795300060,\"jti\":\"ab010000000000000000000000000000\"}");
}

static void header_names_type_algorithm_and_thumbprint(void **state)
{
    static const char *const agents[] = {"coder"};
    struct delegation d = chain_of(agents, 1, 0);
    struct obo_input in = input_of(&d, &want);
    char out[TS_TOKEN_MAX], kid[JWK_KID_LEN + 1], head[160];
    struct jws j;
    size_t len;

    (void)state;
    jwk_kid(key.pk, kid);
    (void)snprintf(head, sizeof(head),
                   "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}",
                   kid);
    assert_int_equal(obo_token_mint(&in, &key, out, &len), TS_OK);
    assert_int_equal(jws_split((struct ts_str){out, len}, &arena, &j), TS_OK);
    assert_true(ts_str_eq_c(j.header, head));
}

static void may_act_is_there_only_while_links_are_allowed(void **state)
{
    static const char *const agents[] = {"coder"};
    char out[TS_TOKEN_MAX];
    size_t len;

    (void)state;
    for (uint32_t depth = 0; depth <= TS_DEPTH_MAX; depth++) {
        struct delegation d = chain_of(agents, 1, depth);
        struct obo_input in = input_of(&d, &want);
        char text[64];

        (void)snprintf(text, sizeof(text),
                       "\"may_act\":{\"sub\":\"coder\",\"depth\":%u}",
                       (unsigned)depth);
        assert_int_equal(obo_token_mint(&in, &key, out, &len), TS_OK);
        assert_int_equal(strstr(payload_of(out, len), text) != NULL, depth > 0);
        assert_int_equal(strstr(payload_of(out, len), "may_act") != NULL,
                         depth > 0);
    }
}

/* Property: over all lifetimes and ends, exp <= iat + 60 and <= expires. */
static void token_never_outlives_a_minute_or_the_delegation(void **state)
{
    static const char *const agents[] = {"coder"};
    char out[TS_TOKEN_MAX], text[32];
    size_t len;

    (void)state;
    for (uint64_t ttl = 0; ttl <= 62; ttl++) {
        for (uint64_t left = 0; left <= 63; left++) {
            const struct manifest_token w = {.audience = TS_STR_LIT("a"),
                                             .ttl_s = ttl};
            struct delegation d = chain_of(agents, 1, 0);
            struct obo_input in = input_of(&d, &w);
            ts_err e;

            d.expires = NOW + left;
            e = obo_token_mint(&in, &key, out, &len);
            if (ttl == 0 || ttl > 60 || left == 0) {
                assert_int_equal(e, TS_E_STATE);
                continue;
            }
            assert_int_equal(e, TS_OK);
            (void)snprintf(
                text, sizeof(text), "\"exp\":%llu,",
                (unsigned long long)(NOW + (ttl < left ? ttl : left)));
            assert_non_null(strstr(payload_of(out, len), text));
            ts_arena_reset(&arena);
        }
    }
}

/* Ids of TS_ID_MAX bytes everywhere: the longest token there is. */
static void longest_token_fits_its_order(void **state)
{
    static char id[TS_ID_MAX], text[MANIFEST_TOKEN_TEXT_MAX];
    const struct ts_str longest = {id, sizeof(id)};
    const struct manifest_token w = {.audience = {text, sizeof(text)},
                                     .scope = {text, sizeof(text)},
                                     .ttl_s = 60};
    char out[TS_TOKEN_MAX];
    size_t len = 0, most = 0;

    (void)state;
    memset(id, 'a', sizeof(id));
    memset(text, 'b', sizeof(text));
    for (size_t n = 1; n <= TS_BLOCKS_MAX; n++) {
        struct delegation d = {.tenant = longest,
                               .user = longest,
                               .task = longest,
                               .block_count = n,
                               .expires = UINT64_MAX};
        struct obo_input in = input_of(&d, &w);

        in.issuer = longest;
        in.now_s = UINT64_MAX - 61;
        for (size_t i = 0; i < n; i++)
            d.blocks[i].agent = longest;
        d.blocks[n - 1].depth = n < TS_BLOCKS_MAX ? TS_DEPTH_MAX : 0;
        assert_int_equal(obo_token_mint(&in, &key, out, &len), TS_OK);
        (void)payload_of(out, len);
        most = len > most ? len : most;
    }
    assert_in_range(most, 3000, TS_TOKEN_MAX);
}

/* ---- through a decision ------------------------------------------------- */

static const char file[] = "tools/fs.read.yaml";
static struct fix_result result;

static void decide(struct fixture *f, const struct trust_secret *k,
                   bool check_only)
{
    struct authority *a = fix_authority(f, &fix_alice);
    struct fix_call c = {
        .tool = "fs.read", .args = "path=x", .check_only = check_only};

    f->token_key = k;
    fix_decide(f, a, &c, &result);
    assert_int_equal(result.e, TS_OK);
    authority_free(a);
}

static void world(struct fixture *f, bool wants)
{
    fix_init(f);
    f->settings.has_token_key = true;
    fix_add_starter(f, "acme", KEY_ISSUER, KEY_CODER);
    if (wants)
        fix_edit(f, file, "tool: fs.read\n",
                 "tool: fs.read\nidentity_token: {audience: b, scope: r}\n");
    fix_load_ok(f);
}

static bool record_holds(const char *text, size_t len)
{
    for (size_t i = 0; i + len <= result.record_len; i++)
        if (memcmp(result.record + i, text, len) == 0)
            return true;
    return false;
}

static void permitted_call_gets_a_token_with_its_decision_as_jti(void **state)
{
    struct fixture f;
    char hex[33];
    const char *payload;

    (void)state;
    world(&f, true);
    decide(&f, &key, false);
    assert_int_equal(result.d.verdict, VERDICT_PERMIT);
    payload = payload_of(result.d.order.token.ptr, result.d.order.token.len);
    ts_hex_encode(hex, result.d.id, 16);
    assert_non_null(strstr(payload, hex));
    assert_non_null(strstr(payload, "\"aud\":\"b\",\"scope\":\"r\""));
    /* what is written down does not hold it */
    assert_false(record_holds(result.d.order.token.ptr, 24));
    assert_false(record_holds("eyJ", 3));
    fix_done(&f);
}

static void tool_that_wants_none_gets_none(void **state)
{
    struct fixture f;

    (void)state;
    world(&f, false);
    decide(&f, &key, false);
    assert_int_equal(result.d.verdict, VERDICT_PERMIT);
    assert_int_equal(result.d.order.token.len, 0);
    decide(&f, NULL, false);
    assert_int_equal(result.d.verdict, VERDICT_PERMIT);
    fix_done(&f);
}

static void check_alone_mints_nothing(void **state)
{
    struct fixture f;

    (void)state;
    world(&f, true);
    decide(&f, &key, true);
    assert_int_equal(result.d.verdict, VERDICT_PERMIT);
    assert_int_equal(result.d.order.token.len, 0);
    fix_done(&f);
}

static void without_a_key_the_tool_is_denied(void **state)
{
    const struct trust_secret empty = {0};
    struct fixture f;

    (void)state;
    world(&f, true);
    for (int i = 0; i < 4; i++) {
        decide(&f, i < 2 ? NULL : &empty, i % 2 == 1);
        assert_int_equal(result.d.verdict, VERDICT_DENY);
        assert_int_equal(result.d.code, CODE_NOT_READY);
        assert_non_null(strstr(result.d.text, "identity token"));
        assert_true(fix_record_is(&result, "effect", "forbid"));
    }
    fix_done(&f);
}

static void manifests_that_want_tokens_need_a_key_at_load(void **state)
{
    const struct manifest_refused *r;
    struct fixture f;

    (void)state;
    world(&f, true);
    f.past.strict = false;
    f.settings.has_token_key = false;
    fix_load_ok(&f);
    r = manifests_refused(f.snapshot->manifests, TS_STR_LIT("fs.read"));
    assert_non_null(r);
    assert_non_null(
        strstr(r->text.ptr, "tools/fs.read.yaml:4: identity_token"));
    assert_non_null(strstr(r->text.ptr, "token_key"));
    decide(&f, &key, false);
    assert_int_equal(result.d.code, CODE_TOOL_UNAVAILABLE);
    fix_done(&f);
    world(&f, false);
    f.settings.has_token_key = false;
    fix_load_ok(&f);
    assert_int_equal(f.snapshot->manifests->refused_count, 0);
    fix_done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(token_says_user_agents_audience_and_decision),
        cmocka_unit_test(header_names_type_algorithm_and_thumbprint),
        cmocka_unit_test(may_act_is_there_only_while_links_are_allowed),
        cmocka_unit_test(token_never_outlives_a_minute_or_the_delegation),
        cmocka_unit_test(longest_token_fits_its_order),
        cmocka_unit_test(permitted_call_gets_a_token_with_its_decision_as_jti),
        cmocka_unit_test(tool_that_wants_none_gets_none),
        cmocka_unit_test(check_alone_mints_nothing),
        cmocka_unit_test(without_a_key_the_tool_is_denied),
        cmocka_unit_test(manifests_that_want_tokens_need_a_key_at_load),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
