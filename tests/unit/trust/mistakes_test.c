/* Mistakes of other systems of delegation (design: delegation format, section
 * 4.2) that could be made here as well. */
#include "tests/lib/ts_test.h"

#include <string.h>

#include "trust_world.h"

static struct world w;
static struct chain c, x;

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

static enum trust_code verify(const struct chain *of)
{
    return world_verify(&w, of->b, of->len, W_NOW);
}

static enum trust_code verify_root(const struct delegation_root *r,
                                   enum world_key issuer)
{
    assert_int_equal(
        delegation_sign_root(r, &w.key[issuer], x.b, sizeof(x.b), &x.len),
        TRUST_OK);
    return verify(&x);
}

/* A depth that the document itself declares: it is checked against its
 * parent's, and against the count of blocks. */
static void a_link_cannot_declare_itself_shallow(void **state)
{
    (void)state;
    for (uint32_t depth = 0; depth < 4; depth++) {
        struct delegation_root r = world_root(&w);
        struct delegation_link l = world_link(&w, 1);

        r.depth = 2;
        world_sign(&w, &r, &c);
        l.depth = depth;
        world_append_raw(&w, &l, KEY_CODER, &c);
        assert_int_equal(verify(&c), depth < 2 ? TRUST_OK : TRUST_E_DEPTH);
    }
}

/* A sub-agent that hands on to itself would separate nothing: no key that stood
 * earlier in the chain, registered or not. */
static void a_key_does_not_stand_twice_in_a_chain(void **state)
{
    struct delegation_link l = world_link(&w, 2);

    (void)state;
    world_chain(&w, 2, &c);
    memcpy(l.holder, w.key[KEY_SUB + 1].pk, TRUST_PK_LEN);
    world_append_raw(&w, &l, (enum world_key)(KEY_SUB + 1), &c);
    assert_int_equal(verify(&c), TRUST_E_KEY);
}

/* A lifetime of nothing is nothing, not a default. */
static void no_lifetime_is_not_a_default_lifetime(void **state)
{
    struct delegation_link l = world_link(&w, 1);
    struct delegation_root r = world_root(&w);

    (void)state;
    r.exp = r.nbf;
    assert_int_equal(
        delegation_sign_root(&r, &w.key[KEY_ISSUER], x.b, sizeof(x.b), &x.len),
        TRUST_E_TIME);
    world_chain(&w, 1, &c);
    l.exp = l.nbf;
    world_append_raw(&w, &l, KEY_CODER, &c);
    assert_int_equal(verify(&c), TRUST_E_TIME);
}

/* A child made later does not outlive its parent, whatever it says. */
static void a_child_that_is_made_later_ends_with_its_parent(void **state)
{
    struct delegation_link l = world_link(&w, 1);

    (void)state;
    world_chain(&w, 1, &c);
    l.iat = l.nbf = W_NOW + 500;
    l.exp = W_NOW + 100000;
    world_append(&w, &l, KEY_CODER, &c);
    assert_int_equal(world_verify(&w, c.b, c.len, W_NOW + 599), TRUST_OK);
    assert_int_equal(world_verify(&w, c.b, c.len, W_NOW + 600),
                     TRUST_E_EXPIRED);
}

/* A child is not made of a parent that nobody signed. */
static void nothing_is_appended_to_a_forgery(void **state)
{
    struct delegation_link l = world_link(&w, 1);

    (void)state;
    world_chain(&w, 1, &c);
    c.b[c.len - 1] ^= 1;
    assert_int_equal(
        delegation_append_link(c.b, c.len, &l, w.key[KEY_ISSUER].pk,
                               &w.key[KEY_CODER], x.b, sizeof(x.b), &x.len),
        TRUST_E_SIG);
}

/* A key of three bytes more verified elsewhere since the tail was ignored. */
static void a_key_has_its_length_and_no_tail(void **state)
{
    uint8_t out[TRUST_PK_LEN];
    char hex[2 * TRUST_PK_LEN + 8];

    (void)state;
    ts_hex_encode(hex, w.key[0].pk, TRUST_PK_LEN);
    assert_int_equal(ts_hex_decode(hex, 64, out, sizeof(out)), TS_OK);
    memcpy(hex + 64, "000000", 7);
    for (size_t len = 0; len <= 70; len++)
        assert_int_equal(ts_hex_decode(hex, len, out, sizeof(out)) == TS_OK,
                         len == 64);
}

/* Roots of more than the tenant allows, in the very second that it begins. */
static void the_unit_of_a_limit_is_a_second(void **state)
{
    (void)state;
    w.tenants[0].max_ttl_s = 900;
    world_rebuild(&w);
    for (uint64_t ttl = 899; ttl <= 901; ttl++) {
        struct delegation_root r = world_root(&w);

        r.exp = r.iat + ttl;
        assert_int_equal(verify_root(&r, KEY_ISSUER),
                         ttl <= 900 ? TRUST_OK : TRUST_E_TTL);
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_link_cannot_declare_itself_shallow),
        T(a_key_does_not_stand_twice_in_a_chain),
        T(no_lifetime_is_not_a_default_lifetime),
        T(a_child_that_is_made_later_ends_with_its_parent),
        T(nothing_is_appended_to_a_forgery),
        T(a_key_has_its_length_and_no_tail),
        T(the_unit_of_a_limit_is_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
