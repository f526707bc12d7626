/* Break-glass: who may open it, with how many others, for how long. */
#include "tests/lib/ts_test.h"

#include <string.h>

#include <sodium.h>

#include "approval_world.h"
#include "proto/trust/escalation.h"
#include "proto/trust/sshsig.h"
#include "tests/lib/fault_mem.h"
#include "trust_world.h"

static struct approval_world w;
static struct escalation good;
static struct escalation_rules rules;
static struct ts_buf object, body;

static int setup(void **state)
{
    (void)state;
    approval_world_init(&w);
    good = (struct escalation){
        .id = {0xe5},
        .tenant = TS_STR_LIT("acme"),
        .user = TS_STR_LIT("alice"),
        .agent = TS_STR_LIT("coder"),
        .task = TS_STR_LIT("task-1"),
        .policies = TS_STR_LIT("permit (principal, action, resource);"),
        .lifts = {TS_STR_LIT("freeze"), TS_STR_LIT("no-push")},
        .lift_count = 2,
        .nbf = AP_NOW - 10,
        .exp = AP_NOW + 600,
        .max_uses = 3,
        .reason = TS_STR_LIT("production is down"),
        .incident = TS_STR_LIT("INC-17")};
    rules = (struct escalation_rules){.quorum = 2, .max_s = 3600};
    ts_buf_init(&object, ESCALATION_MAX);
    ts_buf_init(&body, ESCALATION_BODY_MAX);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fault_mem_disarm();
    ts_buf_done(&object);
    ts_buf_done(&body);
    approval_world_done(&w);
    return 0;
}

/* As an agent or ssh-keygen would with this key. */
static void ssh_sign(const char *name_space, struct ts_bytes of,
                     const struct trust_secret *key, struct ts_buf *out)
{
    static const char type[] = "ssh-ed25519";
    uint8_t pub[4 + 11 + 4 + TRUST_PK_LEN] = {0, 0, 0, 11};
    uint8_t sig[4 + 11 + 4 + TRUST_SIG_LEN] = {0, 0, 0, 11};
    struct ts_buf data;

    memcpy(pub + 4, type, 11);
    memcpy(sig + 4, type, 11);
    pub[18] = TRUST_PK_LEN;
    sig[18] = TRUST_SIG_LEN;
    memcpy(pub + 19, key->pk, TRUST_PK_LEN);
    ts_buf_init(&data, 4096);
    assert_int_equal(sshsig_to_sign(name_space, of, &data), TS_OK);
    crypto_sign_detached(sig + 19, NULL, ts_buf_bytes(&data), data.len,
                         key->sk);
    assert_int_equal(sshsig_of_agent(name_space,
                                     (struct ts_bytes){pub, sizeof(pub)},
                                     (struct ts_bytes){sig, sizeof(sig)}, out),
                     TS_OK);
    ts_buf_done(&data);
}

static void add_sig(const uint8_t *pk, struct ts_bytes sig)
{
    struct escalation_object o;
    uint8_t kid[TRUST_KID_LEN];
    struct ts_buf next;

    trust_kid(pk, kid);
    ts_buf_init(&next, ESCALATION_MAX);
    assert_int_equal(escalation_split(world_bytes(&object), &o), TRUST_OK);
    assert_int_equal(escalation_join(&o, kid, sig, &next), TS_OK);
    ts_buf_clear(&object);
    assert_int_equal(ts_buf_append(&object, ts_buf_bytes(&next), next.len),
                     TS_OK);
    ts_buf_done(&next);
}

static void signs(enum approver_key k)
{
    uint8_t sig[TRUST_SIG_LEN];

    assert_int_equal(escalation_sign(world_bytes(&body), &w.key[k], sig),
                     TS_OK);
    add_sig(w.key[k].pk, (struct ts_bytes){sig, sizeof(sig)});
}

static void signs_by_ssh(enum approver_key k, const char *name_space)
{
    struct ts_buf blob;

    ts_buf_init(&blob, SSHSIG_MAX);
    ssh_sign(name_space, world_bytes(&body), &w.key[k], &blob);
    add_sig(w.key[k].pk, world_bytes(&blob));
    ts_buf_done(&blob);
}

/* A request of e, which nobody has signed. */
static void request(const struct escalation *e)
{
    struct escalation_object o = {.sig_count = 0};

    ts_buf_clear(&body);
    ts_buf_clear(&object);
    assert_int_equal(escalation_body(e, &body), TS_OK);
    o.body = world_bytes(&body);
    assert_int_equal(
        escalation_join(&o, NULL, (struct ts_bytes){NULL, 0}, &object), TS_OK);
}

static enum escalation_code accept_at(uint64_t now)
{
    struct escalation_signers by;
    struct escalation e;

    return escalation_accept(&w.people, world_bytes(&object), &rules, now, &e,
                             &by);
}

static void two_people_open_it_in_any_order_and_either_form(void **state)
{
    struct escalation_signers by;
    struct escalation e;

    (void)state;
    request(&good);
    assert_int_equal(accept_at(AP_NOW), ESCALATION_E_QUORUM);
    signs(AP_CAROL);
    assert_int_equal(accept_at(AP_NOW), ESCALATION_E_QUORUM);
    signs(AP_BOB);
    assert_int_equal(escalation_accept(&w.people, world_bytes(&object), &rules,
                                       AP_NOW, &e, &by),
                     ESCALATION_OK);
    assert_int_equal(by.count, 2);
    assert_true(ts_str_eq(e.task, good.task) && e.max_uses == 3 &&
                e.lift_count == 2 && ts_str_eq_c(e.lifts[1], "no-push"));
    request(&good);
    signs_by_ssh(AP_BOB, ESCALATION_SSH_NAMESPACE);
    signs(AP_CAROL);
    assert_int_equal(accept_at(AP_NOW), ESCALATION_OK);
}

struct pair {
    enum approver_key a, b;
    enum escalation_code code;
};

static void nobody_counts_twice_or_for_himself(void **state)
{
    static const struct pair all[] = {
        {AP_BOB, AP_BOB_TOO, ESCALATION_E_REPEATED},
        {AP_BOB, AP_ALICE, ESCALATION_E_OWN},
        {AP_BOB, AP_ERIN, ESCALATION_E_OWN},
        {AP_BOB, AP_DAVE, ESCALATION_E_CLASS},
        {AP_BOB, AP_FRANK, ESCALATION_E_TENANT},
        {AP_BOB, AP_NOBODY, ESCALATION_E_KEY},
        {AP_BOB_TOO, AP_CAROL, ESCALATION_OK},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        request(&good);
        signs(all[i].a);
        signs(all[i].b);
        assert_int_equal(accept_at(AP_NOW), all[i].code);
        signs(AP_CAROL == all[i].b ? AP_BOB : AP_CAROL); /* a third */
        assert_int_equal(accept_at(AP_NOW), all[i].code == ESCALATION_OK
                                                ? ESCALATION_E_REPEATED
                                                : all[i].code);
    }
}

static void
people_who_left_do_not_open_it_and_a_tenant_may_ask_for_three(void **state)
{
    (void)state;
    request(&good);
    signs(AP_BOB);
    signs(AP_CAROL);
    w.inactive[AP_BOB] = true;
    assert_int_equal(accept_at(AP_NOW), ESCALATION_E_INACTIVE);
    w.inactive[AP_BOB] = false;
    w.revoked[AP_CAROL] = true;
    assert_int_equal(accept_at(AP_NOW), ESCALATION_E_REVOKED);
    w.revoked[AP_CAROL] = false;
    rules.quorum = 3;
    assert_int_equal(accept_at(AP_NOW), ESCALATION_E_QUORUM);
    rules.quorum = 0; /* never fewer than two, whatever is said */
    assert_int_equal(accept_at(AP_NOW), ESCALATION_OK);
    request(&good);
    signs(AP_BOB);
    assert_int_equal(accept_at(AP_NOW), ESCALATION_E_QUORUM);
}

static void a_signature_for_something_else_is_none(void **state)
{
    struct ts_buf other;
    struct signed_object raw;

    (void)state;
    request(&good);
    signs(AP_CAROL);
    signs_by_ssh(AP_BOB, APPROVAL_SSH_NAMESPACE); /* as an approval */
    assert_int_equal(accept_at(AP_NOW), ESCALATION_E_SIG);
    request(&good);
    signs(AP_CAROL);
    ts_buf_init(&other, ESCALATION_MAX);
    assert_int_equal(approval_sign((struct ts_bytes){ts_buf_bytes(&body), 64},
                                   &w.key[AP_BOB], &other),
                     TS_OK);
    assert_int_equal(signed_split(SIGNED_APPROVAL, world_bytes(&other), &raw),
                     TRUST_OK);
    add_sig(w.key[AP_BOB].pk, (struct ts_bytes){raw.sig, TRUST_SIG_LEN});
    ts_buf_done(&other);
    assert_int_equal(accept_at(AP_NOW), ESCALATION_E_SIG);
}

struct times {
    uint64_t nbf, exp, now, max;
    enum escalation_code code;
};

static void times_are_kept_to_the_second(void **state)
{
    static const struct times all[] = {
        {AP_NOW, AP_NOW + 1, AP_NOW, 3600, ESCALATION_OK},
        {AP_NOW, AP_NOW + 1, AP_NOW + 1, 3600, ESCALATION_E_EXPIRED},
        {AP_NOW, AP_NOW + 3600, AP_NOW, 3600, ESCALATION_OK},
        {AP_NOW, AP_NOW + 3601, AP_NOW, 3600, ESCALATION_E_WINDOW},
        {AP_NOW, AP_NOW + 601, AP_NOW, 600, ESCALATION_E_WINDOW},
        {AP_NOW, AP_NOW + 28800, AP_NOW, 28800, ESCALATION_OK},
        {AP_NOW + 5, AP_NOW + 9, AP_NOW, 3600, ESCALATION_OK},
        {AP_NOW + 6, AP_NOW + 9, AP_NOW, 3600, ESCALATION_E_EARLY},
        {UINT64_MAX - 1, UINT64_MAX, AP_NOW, 3600, ESCALATION_E_EARLY},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        good.nbf = all[i].nbf;
        good.exp = all[i].exp;
        rules.max_s = all[i].max;
        request(&good);
        signs(AP_BOB);
        signs(AP_CAROL);
        assert_int_equal(accept_at(all[i].now), all[i].code);
    }
}

static void spoil(struct escalation *e, int how)
{
    static char large[ESCALATION_POLICIES_MAX + 1];

    memset(large, 'x', sizeof(large));
    switch (how) {
    case 0:
        e->exp = e->nbf;
        break;
    case 1:
        e->exp = e->nbf + ESCALATION_TTL_HARD_S + 1;
        break;
    case 2:
        e->max_uses = 0;
        break;
    case 3:
        e->max_uses = ESCALATION_USES_MAX + 1;
        break;
    case 4:
        e->reason = TS_STR_LIT("too short");
        break;
    case 5:
        e->reason = (struct ts_str){large, ESCALATION_REASON_MAX + 1};
        break;
    case 6:
        e->incident = (struct ts_str){large, ESCALATION_INCIDENT_MAX + 1};
        break;
    case 7:
        e->policies = (struct ts_str){large, sizeof(large)};
        break;
    case 8:
        e->policies.len = 0;
        e->lift_count = 0;
        break;
    case 9:
        e->lifts[1] = e->lifts[0];
        break;
    case 10:
        e->lifts[0] = TS_STR_LIT("");
        break;
    case 11:
        e->lift_count = ESCALATION_LIFTS_MAX + 1;
        break;
    case 12:
        e->agent = TS_STR_LIT("coder//x");
        break;
    case 13:
        e->reason = TS_STR_LIT("production \xff is down");
        break;
    default:
        e->task = TS_STR_LIT("");
        break;
    }
}

static void nothing_out_of_bounds_is_encoded(void **state)
{
    (void)state;
    for (int i = 0; i < 15; i++) {
        struct escalation e = good;

        spoil(&e, i);
        ts_buf_clear(&body);
        assert_int_equal(escalation_body(&e, &body), TS_E_INVALID);
        assert_int_equal(body.len, 0);
    }
}

static enum trust_code judge(const void *ctx, struct ts_bytes in)
{
    struct escalation_signers by;
    struct escalation e;

    (void)ctx;
    return escalation_accept(&w.people, in, &rules, AP_NOW, &e, &by) ==
                   ESCALATION_OK
               ? TRUST_OK
               : TRUST_E_FORMAT;
}

static void no_bit_of_it_may_be_another(void **state)
{
    (void)state;
    request(&good);
    signs(AP_BOB);
    signs_by_ssh(AP_CAROL, ESCALATION_SSH_NAMESPACE);
    assert_true(world_sweep(world_bytes(&object), judge, NULL) > 3000);
}

static enum trust_code decodes(const void *ctx, struct ts_bytes in)
{
    struct escalation e;
    enum trust_code c = escalation_decode(in, &e);
    struct ts_buf again;

    (void)ctx;
    if (c != TRUST_OK)
        return c;
    ts_buf_init(&again, ESCALATION_BODY_MAX);
    assert_int_equal(escalation_body(&e, &again), TS_OK);
    assert_int_equal(again.len, in.len);
    assert_memory_equal(ts_buf_bytes(&again), in.ptr, in.len);
    ts_buf_done(&again);
    return TRUST_OK;
}

/* A flipped letter of the reason is another body, in its one encoding. */
static void
every_shorter_body_is_refused_and_others_encode_to_themselves(void **state)
{
    uint8_t copy[1024];
    size_t n;

    (void)state;
    request(&good);
    n = body.len;
    assert_true(n < sizeof(copy));
    memcpy(copy, ts_buf_bytes(&body), n);
    assert_int_equal(decodes(NULL, (struct ts_bytes){copy, n}), TRUST_OK);
    for (size_t i = 0; i < n; i++)
        assert_int_not_equal(decodes(NULL, (struct ts_bytes){copy, i}),
                             TRUST_OK);
    for (size_t i = 0; i < n * 8; i++) {
        copy[i / 8] ^= (uint8_t)(1u << i % 8);
        (void)decodes(NULL, (struct ts_bytes){copy, n});
        copy[i / 8] ^= (uint8_t)(1u << i % 8);
    }
}

static void a_key_signs_once_and_eight_keys_are_enough(void **state)
{
    uint8_t sig[TRUST_SIG_LEN] = {0}, kid[TRUST_KID_LEN] = {0};
    const struct ts_bytes s = {sig, sizeof(sig)};
    struct escalation_object o;
    struct ts_buf next;

    (void)state;
    request(&good);
    signs(AP_BOB);
    ts_buf_init(&next, ESCALATION_MAX);
    assert_int_equal(escalation_split(world_bytes(&object), &o), TRUST_OK);
    trust_kid(w.key[AP_BOB].pk, kid);
    assert_int_equal(escalation_join(&o, kid, s, &next), TS_E_EXISTS);
    for (int i = AP_BOB_TOO; i < AP_COUNT_; i++)
        signs((enum approver_key)i);
    add_sig(w.sidecar.pk, s);
    assert_int_equal(escalation_split(world_bytes(&object), &o), TRUST_OK);
    assert_int_equal(o.sig_count, ESCALATION_SIGS_MAX);
    memset(kid, 0, sizeof(kid));
    assert_int_equal(escalation_join(&o, kid, s, &next), TS_E_LIMIT);
    assert_int_equal(next.len, 0);
    ts_buf_done(&next);
}

static ts_err make_one(const void *arg)
{
    struct escalation_object o = {.sig_count = 0};
    uint8_t sig[TRUST_SIG_LEN], kid[TRUST_KID_LEN];
    struct ts_buf b, out;
    ts_err e;

    (void)arg;
    ts_buf_init(&b, ESCALATION_BODY_MAX);
    ts_buf_init(&out, ESCALATION_MAX);
    trust_kid(w.key[AP_BOB].pk, kid);
    e = escalation_body(&good, &b);
    if (e == TS_OK)
        e = escalation_sign(world_bytes(&b), &w.key[AP_BOB], sig);
    o.body = world_bytes(&b);
    if (e == TS_OK)
        e = escalation_join(&o, kid, (struct ts_bytes){sig, sizeof(sig)}, &out);
    ts_buf_done(&b);
    ts_buf_done(&out);
    return e;
}

static void without_memory_there_is_none(void **state)
{
    (void)state;
    fault_mem_sweep(make_one, NULL, TS_OK, 3);
}

static void every_code_has_a_name_and_a_text(void **state)
{
    (void)state;
    for (int i = 0; i < ESCALATION_CODE_COUNT_; i++) {
        assert_true(strlen(escalation_code_name((enum escalation_code)i)) > 1);
        assert_true(strlen(escalation_code_text((enum escalation_code)i)) > 9);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            two_people_open_it_in_any_order_and_either_form, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_counts_twice_or_for_himself,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            people_who_left_do_not_open_it_and_a_tenant_may_ask_for_three,
            setup, teardown),
        cmocka_unit_test_setup_teardown(a_signature_for_something_else_is_none,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(times_are_kept_to_the_second, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(nothing_out_of_bounds_is_encoded, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(no_bit_of_it_may_be_another, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            every_shorter_body_is_refused_and_others_encode_to_themselves,
            setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_key_signs_once_and_eight_keys_are_enough, setup, teardown),
        cmocka_unit_test_setup_teardown(without_memory_there_is_none, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(every_code_has_a_name_and_a_text, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
