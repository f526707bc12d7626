/* An escalation ended by one of those who signed it: whose word counts, and as
 * what it may be signed. */
#include "tests/lib/ts_test.h"

#include <sodium.h>
#include <string.h>

#include "approval_world.h"
#include "proto/trust/revocation_person.h"
#include "proto/trust/sshsig.h"
#include "tests/lib/fault_mem.h"
#include "trust_world.h"

static struct approval_world w;
static struct revocation_record good;
static struct ts_buf body, object;
static const uint8_t target[16] = {0xe5};

static int setup(void **state)
{
    (void)state;
    approval_world_init(&w);
    good = (struct revocation_record){.tenant = TS_STR_LIT("acme"),
                                      .kind = REVOCATION_ESCALATION,
                                      .target = {target, sizeof(target)},
                                      .keep_until = AP_NOW + 90000,
                                      .reason = TS_STR_LIT("it is over"),
                                      .nonce = {7}};
    ts_buf_init(&body, SIGNED_REVOCATION_MAX);
    ts_buf_init(&object, SIGNED_REVOCATION_MAX);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fault_mem_disarm();
    ts_buf_done(&body);
    ts_buf_done(&object);
    approval_world_done(&w);
    return 0;
}

static void order(const struct revocation_record *r)
{
    ts_buf_clear(&body);
    assert_int_equal(revocation_record_body(r, &body), TS_OK);
}

static void join(enum approver_key k, struct ts_bytes sig)
{
    uint8_t kid[TRUST_KID_LEN];

    trust_kid(w.key[k].pk, kid);
    ts_buf_clear(&object);
    assert_int_equal(
        revocation_person_join(world_bytes(&body), kid, sig, &object), TS_OK);
}

static void signs(const struct revocation_record *r, enum approver_key k)
{
    order(r);
    ts_buf_clear(&object);
    assert_int_equal(revocation_record_make(r, &w.key[k], &object), TS_OK);
}

static void signs_by_ssh(const char *name_space, enum approver_key k,
                         enum approver_key kid_of)
{
    static const char type[] = "ssh-ed25519";
    uint8_t pub[4 + 11 + 4 + TRUST_PK_LEN] = {0, 0, 0, 11};
    uint8_t sig[4 + 11 + 4 + TRUST_SIG_LEN] = {0, 0, 0, 11};
    struct ts_buf data, blob;

    memcpy(pub + 4, type, 11);
    memcpy(sig + 4, type, 11);
    pub[18] = TRUST_PK_LEN;
    sig[18] = TRUST_SIG_LEN;
    memcpy(pub + 19, w.key[k].pk, TRUST_PK_LEN);
    ts_buf_init(&data, 4096);
    ts_buf_init(&blob, SSHSIG_MAX);
    order(&good);
    assert_int_equal(sshsig_to_sign(name_space, world_bytes(&body), &data),
                     TS_OK);
    crypto_sign_detached(sig + 19, NULL, ts_buf_bytes(&data), data.len,
                         w.key[k].sk);
    assert_int_equal(
        sshsig_of_agent(name_space, (struct ts_bytes){pub, sizeof(pub)},
                        (struct ts_bytes){sig, sizeof(sig)}, &blob),
        TS_OK);
    join(kid_of, world_bytes(&blob));
    ts_buf_done(&data);
    ts_buf_done(&blob);
}

static enum trust_code verify(void)
{
    struct revocation_record r;
    struct approver by;
    enum trust_code c =
        revocation_person_verify(&w.people, world_bytes(&object), &r, &by);

    if (c != TRUST_OK)
        return c;
    assert_memory_equal(r.target.ptr, target, sizeof(target));
    assert_true(ts_str_eq(r.tenant, by.tenant));
    assert_true(by.active);
    return c;
}

static void a_person_signs_with_a_seed_or_by_ssh(void **state)
{
    (void)state;
    signs(&good, AP_BOB);
    assert_int_equal(verify(), TRUST_OK);
    signs_by_ssh(REVOCATION_SSH_NAMESPACE, AP_CAROL, AP_CAROL);
    assert_int_equal(verify(), TRUST_OK);
}

/* What was signed for one purpose serves no other. */
static void other_signatures_are_none(void **state)
{
    uint8_t sig[TRUST_SIG_LEN];

    (void)state;
    signs_by_ssh("escalation@tipstaff", AP_CAROL, AP_CAROL);
    assert_int_equal(verify(), TRUST_E_SIG);
    signs_by_ssh("approval@tipstaff", AP_CAROL, AP_CAROL);
    assert_int_equal(verify(), TRUST_E_SIG);
    signs_by_ssh(REVOCATION_SSH_NAMESPACE, AP_BOB, AP_CAROL);
    assert_int_equal(verify(), TRUST_E_SIG);
    order(&good);
    crypto_sign_detached(sig, NULL, ts_buf_bytes(&body), body.len,
                         w.key[AP_BOB].sk); /* without the context */
    join(AP_BOB, (struct ts_bytes){sig, sizeof(sig)});
    assert_int_equal(verify(), TRUST_E_SIG);
}

static void only_active_approvers_of_the_tenant_are_people(void **state)
{
    (void)state;
    signs(&good, AP_NOBODY);
    assert_int_equal(verify(), TRUST_E_ISSUER);
    signs(&good, AP_FRANK); /* of beta */
    assert_int_equal(verify(), TRUST_E_TENANT);
    signs(&good, AP_DAVE);
    w.inactive[AP_DAVE] = true;
    assert_int_equal(verify(), TRUST_E_ISSUER);
}

static void people_revoke_nothing_but_escalations(void **state)
{
    uint8_t hash[TRUST_HASH_LEN] = {1};

    (void)state;
    for (int kind = 1; kind < REVOCATION_KIND_COUNT; kind++) {
        struct revocation_record r = good;

        r.kind = (enum revocation_kind)kind;
        if (revocation_target_is_text(r.kind))
            r.target = (struct ts_bytes){(const uint8_t *)"bob",
                                         r.kind == REVOCATION_TENANT ? 0 : 3};
        else if (!revocation_target_fits(r.kind, sizeof(target)))
            r.target = (struct ts_bytes){hash, sizeof(hash)};
        r.keep_until = UINT64_MAX;
        signs(&r, AP_BOB);
        assert_int_equal(verify(), r.kind == REVOCATION_ESCALATION
                                       ? TRUST_OK
                                       : TRUST_E_ISSUER);
    }
}

static void every_truncation_and_flip_is_refused(void **state)
{
    uint8_t copy[SIGNED_REVOCATION_MAX];
    size_t n;

    (void)state;
    for (int ssh = 0; ssh < 2; ssh++) {
        struct revocation_record r;
        struct approver by;

        if (ssh == 0)
            signs(&good, AP_BOB);
        else
            signs_by_ssh(REVOCATION_SSH_NAMESPACE, AP_BOB, AP_BOB);
        n = object.len;
        memcpy(copy, ts_buf_bytes(&object), n);
        for (size_t i = 0; i < n; i++)
            assert_int_not_equal(
                revocation_person_verify(&w.people, (struct ts_bytes){copy, i},
                                         &r, &by),
                TRUST_OK);
        for (size_t i = 0; i < n * 8; i++) {
            copy[i / 8] ^= (uint8_t)(1u << i % 8);
            /* the key in an ssh blob is not believed, nor what it says */
            if (revocation_person_verify(&w.people, (struct ts_bytes){copy, n},
                                         &r, &by) == TRUST_OK)
                assert_true(ssh == 1 && ts_str_eq_c(by.person, "bob"));
            copy[i / 8] ^= (uint8_t)(1u << i % 8);
        }
    }
}

static void what_is_too_long_is_not_joined(void **state)
{
    uint8_t sig[SIGNED_REVOCATION_MAX] = {0}, kid[TRUST_KID_LEN] = {0};
    struct revocation_person o;
    struct ts_buf out;

    (void)state;
    order(&good);
    ts_buf_init(&out, 4096);
    assert_int_equal(revocation_person_join(world_bytes(&body), kid,
                                            (struct ts_bytes){sig, sizeof(sig)},
                                            &out),
                     TS_E_LIMIT);
    assert_int_equal(out.len, 0);
    assert_int_equal(
        revocation_person_join(world_bytes(&body), kid,
                               (struct ts_bytes){sig, TRUST_SIG_LEN - 1}, &out),
        TS_OK);
    assert_int_equal(revocation_person_split(world_bytes(&out), &o),
                     TRUST_E_FORMAT);
    ts_buf_done(&out);
}

static ts_err make(const void *arg)
{
    uint8_t sig[TRUST_SIG_LEN] = {0}, kid[TRUST_KID_LEN] = {0};
    struct ts_buf b, o;
    ts_err e;

    (void)arg;
    ts_buf_init(&b, SIGNED_REVOCATION_MAX);
    ts_buf_init(&o, SIGNED_REVOCATION_MAX);
    e = revocation_record_body(&good, &b);
    if (e == TS_OK)
        e = revocation_person_join(world_bytes(&b), kid,
                                   (struct ts_bytes){sig, sizeof(sig)}, &o);
    ts_buf_done(&b);
    ts_buf_done(&o);
    return e;
}

static void without_memory_there_is_none(void **state)
{
    (void)state;
    fault_mem_sweep(make, NULL, TS_OK, 2);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_person_signs_with_a_seed_or_by_ssh),
        T(other_signatures_are_none),
        T(only_active_approvers_of_the_tenant_are_people),
        T(people_revoke_nothing_but_escalations),
        T(every_truncation_and_flip_is_refused),
        T(what_is_too_long_is_not_joined),
        T(without_memory_there_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
