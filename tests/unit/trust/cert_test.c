/* Agent certificates: alone, and as what a link's name rests on. */
#include "tests/lib/ts_test.h"

#include <string.h>

#include "proto/trust/agent_cert.h"
#include "proto/wire/mp_write.h"
#include "tests/lib/fault_mem.h"
#include "trust_world.h"

static struct world w;
static struct ts_buf buf;
static struct chain chain;
static struct ts_arena arena;
static struct delegation d;

static int setup(void **state)
{
    (void)state;
    world_init(&w);
    ts_buf_init(&buf, 4096);
    ts_arena_init(&arena, 1u << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fault_mem_disarm();
    ts_arena_done(&arena);
    ts_buf_done(&buf);
    world_done(&w);
    return 0;
}

/* For builder, with a key that the directory does not list. */
static struct agent_cert cert(void)
{
    struct agent_cert c = {.tenant = TS_STR_LIT("acme"),
                           .agent = TS_STR_LIT("builder"),
                           .nbf = W_NOW - 5,
                           .exp = W_NOW + 100};

    memcpy(c.pk, w.key[KEY_STRANGER].pk, TRUST_PK_LEN);
    return c;
}

static struct ts_bytes make(const struct agent_cert *c, enum world_key k)
{
    ts_buf_clear(&buf);
    assert_int_equal(agent_cert_make(c, &w.key[k], &buf), TS_OK);
    return world_bytes(&buf);
}

static enum trust_code judge(const void *ctx, struct ts_bytes in)
{
    uint8_t kid[TRUST_KID_LEN];
    struct agent_cert c;

    (void)ctx;
    return agent_cert_verify(w.cfg.store, in, &c, kid);
}

static enum trust_code signed_by(enum world_key k)
{
    struct agent_cert c = cert();

    return judge(NULL, make(&c, k));
}

static void issuer_and_directory_vouch_and_nobody_else(void **state)
{
    (void)state;
    for (int who = 0; who < KEY_COUNT_; who++)
        assert_int_equal(signed_by((enum world_key)who),
                         who == KEY_ISSUER || who == KEY_DIRECTORY
                             ? TRUST_OK
                             : TRUST_E_AGENT);
    w.keys[4].not_before = W_NOW - 4; /* nbf is W_NOW - 5 */
    world_rebuild(&w);
    assert_int_equal(signed_by(KEY_DIRECTORY), TRUST_E_AGENT);
    w.keys[4].not_before = W_NOW - 5;
    w.keys[4].not_after = W_NOW - 5;
    world_rebuild(&w);
    assert_int_equal(signed_by(KEY_DIRECTORY), TRUST_OK);
    w.keys[4].disabled = true;
    world_rebuild(&w);
    assert_int_equal(signed_by(KEY_DIRECTORY), TRUST_E_AGENT);
}

static void a_certificate_goes_there_and_back_and_nothing_near_it(void **state)
{
    struct agent_cert c = cert(), got;
    uint8_t kid[TRUST_KID_LEN], want[TRUST_KID_LEN];
    struct ts_bytes in = make(&c, KEY_DIRECTORY);

    (void)state;
    assert_int_equal(agent_cert_verify(w.cfg.store, in, &got, kid), TRUST_OK);
    assert_true(ts_str_eq(got.tenant, c.tenant));
    assert_true(ts_str_eq(got.agent, c.agent));
    assert_memory_equal(got.pk, c.pk, TRUST_PK_LEN);
    assert_int_equal(got.nbf, c.nbf);
    assert_int_equal(got.exp, c.exp);
    trust_kid(w.key[KEY_DIRECTORY].pk, want);
    assert_memory_equal(kid, want, sizeof(want));
    assert_int_equal(world_sweep(in, judge, NULL), in.len * 9);
}

/* Bodies that are signed by whom they should be, and wrong. */
static enum trust_code odd(uint64_t version, uint32_t fields,
                           const char *tenant, const char *agent,
                           const uint8_t *pk, size_t pk_len, uint64_t exp,
                           struct ts_bytes *ret_body)
{
    static uint8_t body[400];
    struct agent_cert c;
    struct mp_writer m;
    size_t n;

    mp_writer_init(&m, body, sizeof(body));
    mp_write_array(&m, fields);
    mp_write_uint(&m, version);
    mp_write_cstr(&m, tenant);
    mp_write_cstr(&m, agent);
    mp_write_bin(&m, pk, pk_len);
    mp_write_uint(&m, W_NOW);
    mp_write_uint(&m, exp);
    assert_int_equal(mp_written(&m, &n), TS_OK);
    *ret_body = (struct ts_bytes){body, n};
    return agent_cert_decode(*ret_body, &c);
}

static void whatever_is_wrong_in_a_certificate_is_E_AGENT_in_a_chain(void **s)
{
    static const uint8_t low_order[TRUST_PK_LEN] = {1};
    const uint8_t *pk = w.key[KEY_STRANGER].pk;
    struct ts_bytes b;

    (void)s;
    for (int i = 0; i <= 9; i++) {
        enum trust_code want[] = {
            TRUST_OK,     TRUST_E_VERSION, TRUST_E_FORMAT, TRUST_E_FORMAT,
            TRUST_E_ID,   TRUST_E_ID,      TRUST_E_KEY,    TRUST_E_FORMAT,
            TRUST_E_TIME, TRUST_E_VERSION};
        enum trust_code got =
            odd(i == 1 || i == 9 ? 2 : 1,
                i == 2 || i == 9 ? 7
                : i == 3         ? 5
                                 : 6,
                i == 4 ? "" : "acme", i == 5 ? "a/../b" : "builder",
                i == 6 ? low_order : pk, i == 7 ? 31 : 32,
                i == 8 ? W_NOW : W_NOW + 1, &b);

        assert_int_equal(got, want[i]);
        ts_buf_clear(&buf);
        assert_int_equal(
            signed_make(SIGNED_AGENT_CERT, b, &w.key[KEY_ISSUER], &buf), TS_OK);
        assert_int_equal(judge(NULL, world_bytes(&buf)),
                         i == 0 ? TRUST_OK : TRUST_E_AGENT);
    }
}

static void what_would_be_refused_is_not_certified(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct agent_cert c = cert();

        if (i == 0)
            c.tenant = TS_STR_LIT("");
        if (i == 1)
            c.agent = TS_STR_LIT("a b");
        if (i == 2)
            c.exp = c.nbf;
        if (i == 3)
            memset(c.pk, 0, sizeof(c.pk));
        assert_int_equal(agent_cert_make(&c, &w.key[KEY_ISSUER], &buf),
                         TS_E_INVALID);
        assert_int_equal(buf.len, 0);
    }
}

/* ---- in a chain -------------------------------------------------------- */

/* coder hands on to whom c names, with c as evidence (NULL: without any). */
static struct delegation_link link_of(const struct agent_cert *c,
                                      struct ts_bytes evidence)
{
    struct delegation_link l = world_link(&w, 1);

    l.agent = c->agent;
    memcpy(l.holder, c->pk, TRUST_PK_LEN);
    l.cert = evidence;
    return l;
}

static enum trust_code verify(uint64_t now)
{
    return delegation_decode_verify(&w.cfg, chain.b, chain.len, now, &arena,
                                    &d);
}

static enum trust_code chain_with(const struct agent_cert *c, enum world_key k)
{
    struct delegation_link l = link_of(c, make(c, k));

    world_chain(&w, 1, &chain);
    world_append(&w, &l, KEY_CODER, &chain);
    return verify(W_NOW);
}

static void T12_a_name_that_was_not_given_needs_a_certificate(void **state)
{
    struct agent_cert c = cert();
    struct delegation_link l = link_of(&c, (struct ts_bytes){NULL, 0});

    (void)state;
    world_chain(&w, 1, &chain);
    world_append(&w, &l, KEY_CODER, &chain);
    assert_int_equal(verify(W_NOW), TRUST_E_AGENT);
    assert_int_equal(chain_with(&c, KEY_ISSUER), TRUST_OK);
    assert_int_equal(chain_with(&c, KEY_DIRECTORY), TRUST_OK);
    assert_int_equal(chain_with(&c, KEY_CODER), TRUST_E_AGENT);
    assert_int_equal(chain_with(&c, KEY_STRANGER), TRUST_E_AGENT);
    assert_int_equal(chain_with(&c, KEY_REVOKER), TRUST_E_AGENT);
    assert_int_equal(chain_with(&c, KEY_BETA_ISSUER), TRUST_E_AGENT);
}

static void a_certificate_vouches_for_a_key_and_not_for_a_status(void **state)
{
    struct agent_cert c = cert();

    (void)state;
    assert_int_equal(chain_with(&c, KEY_ISSUER), TRUST_OK);
    assert_true(delegation_uid_allowed(&w.cfg, &d, 1002)); /* builder's */
    assert_false(delegation_uid_allowed(&w.cfg, &d, 1001));
    w.agents[1].status = TRUST_INACTIVE;
    world_rebuild(&w);
    assert_int_equal(chain_with(&c, KEY_ISSUER), TRUST_E_REVOKED);
    w.agents[1].status = TRUST_UNKNOWN;
    world_rebuild(&w);
    assert_int_equal(chain_with(&c, KEY_ISSUER), TRUST_E_AGENT);
    w.agents[1].status = TRUST_ACTIVE;
    world_rebuild(&w);
    c.agent = TS_STR_LIT("builder/x/y"); /* the ancestor is what counts */
    assert_int_equal(chain_with(&c, KEY_ISSUER), TRUST_OK);
    assert_true(delegation_uid_allowed(&w.cfg, &d, 1002));
    c.agent = TS_STR_LIT("nobody");
    assert_int_equal(chain_with(&c, KEY_ISSUER), TRUST_E_AGENT);
    c.agent = TS_STR_LIT("builder2");
    assert_int_equal(chain_with(&c, KEY_ISSUER), TRUST_E_AGENT);
}

/* Not this tenant's, not this agent's, not this key's, not whole: whoever
 * signed it. Refused when a link is made, and by the verifier when one is made
 * differently. */
static void a_certificate_of_something_else_is_refused(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++) {
        struct agent_cert good = cert(), other = cert();
        static struct chain longer;
        struct delegation_link l;
        struct ts_bytes e;

        if (i == 1)
            other.tenant = TS_STR_LIT("beta");
        if (i == 2)
            other.agent = TS_STR_LIT("coder");
        if (i == 3)
            memcpy(other.pk, w.key[KEY_SUB].pk, TRUST_PK_LEN);
        e = make(&other, i == 1 ? KEY_BETA_ISSUER : KEY_ISSUER);
        if (i == 4)
            e.len--;
        if (i == 5)
            e.len = 1;
        l = link_of(&good, e);
        world_chain(&w, 1, &chain);
        assert_int_equal(delegation_append_link(chain.b, chain.len, &l,
                                                w.key[KEY_ISSUER].pk,
                                                &w.key[KEY_CODER], longer.b,
                                                sizeof(longer.b), &longer.len),
                         i == 0 ? TRUST_OK : TRUST_E_AGENT);
        world_append_raw(&w, &l, KEY_CODER, &chain);
        assert_int_equal(verify(W_NOW), i == 0 ? TRUST_OK : TRUST_E_AGENT);
    }
}

/* A name that would stand without evidence does not stand with bad evidence. */
static void bad_evidence_is_refused_and_not_ignored(void **state)
{
    struct agent_cert c = cert();
    struct delegation_link l;

    (void)state;
    c.agent = TS_STR_LIT("coder/x");
    l = link_of(&c, make(&c, KEY_ISSUER));
    world_chain(&w, 1, &chain);
    world_append(&w, &l, KEY_CODER, &chain);
    assert_int_equal(verify(W_NOW), TRUST_OK);
    buf.data[buf.start + buf.len - 1] ^= 1; /* its signature */
    world_chain(&w, 1, &chain);
    world_append(&w, &l, KEY_CODER, &chain);
    assert_int_equal(verify(W_NOW), TRUST_E_AGENT);
    l.cert.len = 0;
    world_chain(&w, 1, &chain);
    world_append(&w, &l, KEY_CODER, &chain);
    assert_int_equal(verify(W_NOW), TRUST_OK);
}

static void the_time_of_a_certificate_bounds_the_chain(void **state)
{
    struct agent_cert c = cert();

    (void)state;
    c.nbf = W_NOW;
    assert_int_equal(chain_with(&c, KEY_ISSUER), TRUST_OK);
    assert_int_equal(d.expires, W_NOW + 100);
    assert_int_equal(d.not_before, W_NOW);
    assert_int_equal(delegation_check_now(&w.cfg, &d, W_NOW + 99), TRUST_OK);
    assert_int_equal(delegation_check_now(&w.cfg, &d, W_NOW + 100),
                     TRUST_E_AGENT);
    assert_int_equal(delegation_check_now(&w.cfg, &d, W_NOW + 300),
                     TRUST_E_EXPIRED); /* the link itself */
    assert_int_equal(delegation_check_now(&w.cfg, &d, W_NOW - 5), TRUST_OK);
    assert_int_equal(delegation_check_now(&w.cfg, &d, W_NOW - 6),
                     TRUST_E_AGENT);
    c.exp = W_NOW + 10000;
    assert_int_equal(chain_with(&c, KEY_ISSUER), TRUST_OK);
    assert_int_equal(d.expires, W_NOW + 300); /* and widens nothing */
}

/* What ends between two decisions ends the chain, though it was verified. */
static void the_signer_is_asked_again_at_every_decision(void **state)
{
    struct agent_cert c = cert();
    const struct world good = w;

    (void)state;
    assert_int_equal(chain_with(&c, KEY_DIRECTORY), TRUST_OK);
    for (int i = 0; i < 6; i++) {
        w.keys[4] = good.keys[4];
        if (i == 0)
            w.keys[4].disabled = true;
        if (i == 1)
            w.keys[4].not_after = c.nbf - 1;
        if (i == 2)
            w.keys[4].not_before = c.nbf + 1;
        if (i == 3)
            w.keys[4].role = TRUST_ROLE_REVOKER;
        if (i == 4)
            w.keys[4].tenant = TS_STR_LIT("beta");
        if (i == 5)
            memcpy(w.keys[4].pk, w.key[KEY_SUB + 7].pk, TRUST_PK_LEN);
        world_rebuild(&w);
        assert_int_equal(delegation_check_now(&w.cfg, &d, W_NOW),
                         TRUST_E_AGENT);
    }
    w.keys[4] = good.keys[4];
    world_rebuild(&w);
    assert_int_equal(delegation_check_now(&w.cfg, &d, W_NOW), TRUST_OK);
}

static void revocations_reach_certified_key_and_its_signer(void **state)
{
    struct agent_cert c = cert();
    uint8_t kid[TRUST_KID_LEN];
    const struct ts_bytes signer = {kid, sizeof(kid)};
    const struct ts_bytes pk = {c.pk, TRUST_PK_LEN};

    (void)state;
    trust_kid(w.key[KEY_DIRECTORY].pk, kid);
    assert_int_equal(chain_with(&c, KEY_DIRECTORY), TRUST_OK);
    assert_int_equal(revocations_add(&w.revoked, REVOCATION_ISSUER_KEY,
                                     TS_STR_LIT("acme"), signer, c.nbf - 1,
                                     UINT64_MAX, 0),
                     TS_OK);
    assert_int_equal(delegation_check_now(&w.cfg, &d, W_NOW), TRUST_OK);
    assert_int_equal(revocations_add(&w.revoked, REVOCATION_ISSUER_KEY,
                                     TS_STR_LIT("beta"), signer, UINT64_MAX,
                                     UINT64_MAX, 0),
                     TS_OK);
    assert_int_equal(delegation_check_now(&w.cfg, &d, W_NOW), TRUST_OK);
    assert_int_equal(revocations_add(&w.revoked, REVOCATION_ISSUER_KEY,
                                     TS_STR_LIT("acme"), signer, c.nbf,
                                     UINT64_MAX, 0),
                     TS_OK);
    assert_int_equal(delegation_check_now(&w.cfg, &d, W_NOW), TRUST_E_REVOKED);
    assert_int_equal(delegation_revoked_by(&w.cfg, &d), REVOCATION_ISSUER_KEY);
    assert_int_equal(chain_with(&c, KEY_ISSUER), TRUST_OK);
    assert_int_equal(revocations_add(&w.revoked, REVOCATION_KEY,
                                     TS_STR_LIT("acme"), pk, W_NOW, UINT64_MAX,
                                     0),
                     TS_OK);
    assert_int_equal(delegation_check_now(&w.cfg, &d, W_NOW), TRUST_E_REVOKED);
}

/* A key that is another's stays that one's, whatever is certified. */
static void T8_a_certificate_takes_no_key_of_another_name(void **state)
{
    static const enum world_key taken[] = {KEY_BETA_CODER, KEY_REVOKER,
                                           KEY_APPROVER, KEY_SIDECAR};
    struct agent_cert c = cert();

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        memcpy(c.pk, w.key[taken[i]].pk, TRUST_PK_LEN);
        assert_int_equal(chain_with(&c, KEY_ISSUER), TRUST_E_KEY);
    }
    memcpy(c.pk, w.key[KEY_BUILDER].pk, TRUST_PK_LEN); /* its own: fine */
    assert_int_equal(chain_with(&c, KEY_ISSUER), TRUST_OK);
}

static enum trust_code judge_chain(const void *ctx, struct ts_bytes in)
{
    (void)ctx;
    return world_verify(&w, in.ptr, in.len, W_NOW);
}

static void no_bit_flip_and_no_truncation_of_such_a_chain_counts(void **state)
{
    struct agent_cert c = cert();

    (void)state;
    assert_int_equal(chain_with(&c, KEY_ISSUER), TRUST_OK);
    assert_int_equal(
        world_sweep((struct ts_bytes){chain.b, chain.len}, judge_chain, NULL),
        chain.len * 9);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(issuer_and_directory_vouch_and_nobody_else),
        T(a_certificate_goes_there_and_back_and_nothing_near_it),
        T(whatever_is_wrong_in_a_certificate_is_E_AGENT_in_a_chain),
        T(what_would_be_refused_is_not_certified),
        T(T12_a_name_that_was_not_given_needs_a_certificate),
        T(a_certificate_vouches_for_a_key_and_not_for_a_status),
        T(a_certificate_of_something_else_is_refused),
        T(bad_evidence_is_refused_and_not_ignored),
        T(the_time_of_a_certificate_bounds_the_chain),
        T(the_signer_is_asked_again_at_every_decision),
        T(revocations_reach_certified_key_and_its_signer),
        T(T8_a_certificate_takes_no_key_of_another_name),
        T(no_bit_flip_and_no_truncation_of_such_a_chain_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
