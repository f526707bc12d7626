/* What would be refused is not made. */
#include "tests/lib/ts_test.h"

#include <string.h>

#include "trust_world.h"

static struct world w;

static int setup(void **state)
{
    (void)state;
    world_init(&w);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_done(&w);
    return 0;
}

static enum trust_code sign(const struct delegation_root *r)
{
    static struct chain c;

    return delegation_sign_root(r, &w.key[KEY_ISSUER], c.b, sizeof(c.b),
                                &c.len);
}

static void bad_roots_are_not_signed(void **state)
{
    static char big[TS_BLOCK_POLICY_MAX + 1];
    static struct delegation_attr many[TS_ATTRS_MAX + 1];
    struct delegation_root r = world_root(&w);

    (void)state;
    memset(big, 'p', sizeof(big));
    assert_int_equal(sign(&r), TRUST_OK);
    r.user = TS_STR_LIT("a b");
    assert_int_equal(sign(&r), TRUST_E_ID);
    r = world_root(&w);
    r.exp = r.iat;
    assert_int_equal(sign(&r), TRUST_E_TIME);
    r = world_root(&w);
    r.depth = TS_DEPTH_MAX + 1;
    assert_int_equal(sign(&r), TRUST_E_DEPTH);
    r = world_root(&w);
    r.policies.len = 0;
    assert_int_equal(sign(&r), TRUST_E_POLICY);
    r.policies = (struct ts_str){.ptr = big, .len = TS_BLOCK_POLICY_MAX};
    assert_int_equal(sign(&r), TRUST_OK);
    r.policies.len++;
    assert_int_equal(sign(&r), TRUST_E_LIMIT);
    r.policies = TS_STR_LIT("\xff");
    assert_int_equal(sign(&r), TRUST_E_FORMAT);
    r = world_root(&w);
    memset(r.holder, 0, sizeof(r.holder));
    assert_int_equal(sign(&r), TRUST_E_KEY);
    memcpy(r.holder, w.key[KEY_ISSUER].pk, sizeof(r.holder));
    assert_int_equal(sign(&r), TRUST_E_KEY);
    r = world_root(&w);
    r.attrs = many;
    r.attr_count = TS_ATTRS_MAX + 1;
    assert_int_equal(sign(&r), TRUST_E_LIMIT);
    r.attr_count = 2; /* two empty keys: not ascending */
    assert_int_equal(sign(&r), TRUST_E_FORMAT);
}

/* The largest root that the limits allow fits every buffer. */
static void the_largest_chain_is_made_and_accepted(void **state)
{
    static char id[TS_ID_MAX], policy[TS_BLOCK_POLICY_MAX];
    static char keys[TS_ATTRS_MAX][TS_ATTR_KEY_MAX], value[TS_ATTR_VALUE_MAX];
    struct delegation_attr attrs[TS_ATTRS_MAX];
    struct delegation_root r = world_root(&w);
    static struct chain c;

    (void)state;
    memset(id, 'i', sizeof(id));
    memset(policy, 'p', sizeof(policy));
    memset(value, 'v', sizeof(value));
    for (size_t i = 0; i < TS_ATTRS_MAX; i++) {
        memset(keys[i], 'a' + (int)i, sizeof(keys[i]));
        attrs[i].key = (struct ts_str){keys[i], sizeof(keys[i])};
        attrs[i].value = (struct ts_str){value, sizeof(value)};
    }
    r.task = (struct ts_str){id, sizeof(id)};
    r.policies = (struct ts_str){policy, sizeof(policy)};
    r.attrs = attrs;
    r.attr_count = TS_ATTRS_MAX;
    world_sign(&w, &r, &c);
    assert_int_equal(world_verify(&w, c.b, c.len, W_NOW), TRUST_OK);
    for (unsigned n = 1; n <= 6; n++) {
        struct delegation_link l = world_link(&w, n);

        l.policies = r.policies;
        world_append(
            &w, &l, n == 1 ? KEY_CODER : (enum world_key)(KEY_SUB + n - 1), &c);
        assert_int_equal(world_verify(&w, c.b, c.len, W_NOW), TRUST_OK);
    }
    {
        /* 32 KiB hold seven such blocks, not eight */
        struct delegation_link l = world_link(&w, 7);
        static struct chain longer;

        l.policies = r.policies;
        assert_int_equal(delegation_append_link(c.b, c.len, &l,
                                                w.key[KEY_ISSUER].pk,
                                                &w.key[KEY_SUB + 6], longer.b,
                                                sizeof(longer.b), &longer.len),
                         TRUST_E_LIMIT);
    }
}

static enum trust_code append(const struct chain *c,
                              const struct delegation_link *l,
                              enum world_key issuer, enum world_key holder)
{
    static struct chain out;

    return delegation_append_link(c->b, c->len, l, w.key[issuer].pk,
                                  &w.key[holder], out.b, sizeof(out.b),
                                  &out.len);
}

static void bad_links_are_not_appended(void **state)
{
    struct delegation_link l = world_link(&w, 1);
    static struct chain c;

    (void)state;
    world_chain(&w, 1, &c);
    assert_int_equal(append(&c, &l, KEY_ISSUER, KEY_CODER), TRUST_OK);
    assert_int_equal(append(&c, &l, KEY_ISSUER, KEY_SUB), TRUST_E_KEY);
    assert_int_equal(append(&c, &l, KEY_BETA_ISSUER, KEY_CODER),
                     TRUST_E_ISSUER);
    l.depth = TS_DEPTH_MAX;
    assert_int_equal(append(&c, &l, KEY_ISSUER, KEY_CODER), TRUST_E_DEPTH);
    l = world_link(&w, 1);
    l.agent = TS_STR_LIT("coder//x");
    assert_int_equal(append(&c, &l, KEY_ISSUER, KEY_CODER), TRUST_E_ID);
    l = world_link(&w, 1);
    l.nbf = l.exp;
    assert_int_equal(append(&c, &l, KEY_ISSUER, KEY_CODER), TRUST_E_TIME);
    l = world_link(&w, 1);
    l.policies.len = 0;
    assert_int_equal(append(&c, &l, KEY_ISSUER, KEY_CODER), TRUST_E_POLICY);
    l = world_link(&w, 1);
    memcpy(l.holder, w.key[KEY_CODER].pk, TRUST_PK_LEN);
    assert_int_equal(append(&c, &l, KEY_ISSUER, KEY_CODER), TRUST_E_KEY);
    l = world_link(&w, 1);
    c.b[c.len - 1] ^= 1;
    assert_int_equal(append(&c, &l, KEY_ISSUER, KEY_CODER), TRUST_E_SIG);
    c.len--;
    assert_int_equal(append(&c, &l, KEY_ISSUER, KEY_CODER), TRUST_E_FORMAT);
    world_chain(&w, TS_BLOCKS_MAX, &c);
    l = world_link(&w, 1);
    l.depth = 0;
    assert_int_equal(append(&c, &l, KEY_ISSUER, (enum world_key)(KEY_SUB + 7)),
                     TRUST_E_DEPTH);
}

static void a_small_output_is_a_limit(void **state)
{
    struct delegation_root r = world_root(&w);
    static struct chain c;
    uint8_t out[512];
    size_t len = 77;

    (void)state;
    world_sign(&w, &r, &c);
    for (size_t cap = 0; cap < c.len; cap++)
        assert_int_equal(
            delegation_sign_root(&r, &w.key[KEY_ISSUER], out, cap, &len),
            TRUST_E_LIMIT);
    assert_int_equal(len, 77);
    assert_int_equal(
        delegation_sign_root(&r, &w.key[KEY_ISSUER], out, c.len, &len),
        TRUST_OK);
    assert_memory_equal(out, c.b, c.len);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(bad_roots_are_not_signed),
        T(the_largest_chain_is_made_and_accepted),
        T(bad_links_are_not_appended),
        T(a_small_output_is_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
