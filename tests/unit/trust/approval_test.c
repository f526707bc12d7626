/* Tickets and answers to them: who counts, for what, how often, and when. */
#include "tests/lib/ts_test.h"

#include <string.h>

#include "approval_world.h"
#include "tests/lib/fault_mem.h"
#include "trust_world.h"

static struct approval_world w;
static struct approval_tally tally;

static int setup(void **state)
{
    (void)state;
    approval_world_init(&w);
    tally = (struct approval_tally){0};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fault_mem_disarm();
    approval_world_done(&w);
    return 0;
}

static enum approval_code accept_at(struct ts_bytes in, uint64_t now)
{
    return approval_accept(&w.people, &w.ticket, w.ticket_id, in, now, &tally,
                           NULL);
}

static enum approval_code says(enum approver_key k)
{
    const struct approval a = approval_world_says(&w, k);

    return accept_at(approval_world_sign(&w, &a, k), AP_NOW);
}

static enum approval_code denies(enum approver_key k)
{
    struct approval a = approval_world_says(&w, k);

    a.verdict = APPROVAL_NO;
    return accept_at(approval_world_sign(&w, &a, k), AP_NOW);
}

static void two_people_are_two_and_two_keys_are_one(void **state)
{
    (void)state;
    assert_int_equal(says(AP_BOB), APPROVAL_OK);
    assert_int_equal(says(AP_BOB), APPROVAL_E_REPEATED);
    assert_int_equal(says(AP_BOB_TOO), APPROVAL_E_REPEATED);
    assert_false(approval_quorum(&w.ticket, &tally));
    assert_int_equal(says(AP_CAROL), APPROVAL_OK);
    assert_true(approval_quorum(&w.ticket, &tally));
    assert_int_equal(tally.people_count, 2);
}

static void who_asks_and_who_owns_the_agent_is_no_second_pair_of_eyes(void **s)
{
    (void)s;
    assert_int_equal(says(AP_ALICE), APPROVAL_E_OWN);
    assert_int_equal(says(AP_ERIN), APPROVAL_E_OWN);
    assert_int_equal(says(AP_DAVE), APPROVAL_E_CLASS);
    assert_int_equal(says(AP_FRANK), APPROVAL_E_TENANT);
    assert_int_equal(tally.people_count, 0);
    /* but each of them who is asked may say no */
    assert_int_equal(denies(AP_DAVE), APPROVAL_E_CLASS);
    assert_int_equal(denies(AP_ALICE), APPROVAL_OK);
    assert_true(tally.denied);
}

static void the_user_may_confirm(void **state)
{
    (void)state;
    w.ticket.rules[0] =
        (struct ticket_rule){TS_STR_LIT("ask"), TS_STR_LIT("confirm"), 1};
    approval_world_ticket(&w);
    assert_int_equal(says(AP_CAROL), APPROVAL_E_CLASS);
    assert_int_equal(says(AP_ALICE), APPROVAL_OK);
    assert_true(approval_quorum(&w.ticket, &tally));
    assert_int_equal(says(AP_BOB), APPROVAL_E_ENOUGH);
}

static void one_person_fills_each_rule_once_and_all_rules_must_be_full(void **s)
{
    (void)s;
    w.ticket.rules[0] =
        (struct ticket_rule){TS_STR_LIT("ask"), TS_STR_LIT("confirm"), 1};
    w.ticket.rules[1] =
        (struct ticket_rule){TS_STR_LIT("deploy"), TS_STR_LIT("four-eyes"), 2};
    w.ticket.rule_count = 2;
    approval_world_ticket(&w);
    assert_int_equal(says(AP_CAROL), APPROVAL_OK); /* deploy */
    assert_false(approval_quorum(&w.ticket, &tally));
    assert_int_equal(says(AP_BOB), APPROVAL_OK); /* both */
    assert_true(approval_quorum(&w.ticket, &tally));
    assert_int_equal(says(AP_DAVE), APPROVAL_E_ENOUGH);
}

static void a_no_is_final(void **state)
{
    (void)state;
    assert_int_equal(says(AP_BOB), APPROVAL_OK);
    assert_int_equal(says(AP_CAROL), APPROVAL_OK);
    assert_int_equal(denies(AP_BOB), APPROVAL_OK); /* who may think again */
    assert_false(approval_quorum(&w.ticket, &tally));
    assert_int_equal(says(AP_CAROL), APPROVAL_E_DENIED);
    assert_int_equal(denies(AP_CAROL), APPROVAL_E_DENIED);
}

static void people_who_left_do_not_count(void **state)
{
    (void)state;
    w.inactive[AP_BOB] = true;
    assert_int_equal(says(AP_BOB), APPROVAL_E_INACTIVE);
    w.revoked[AP_CAROL] = true;
    assert_int_equal(says(AP_CAROL), APPROVAL_E_REVOKED);
    assert_int_equal(says(AP_NOBODY), APPROVAL_E_KEY);
    assert_int_equal(tally.people_count, 0);
}

struct times {
    uint64_t iat, exp, now;
    enum approval_code code;
};

static void times_are_kept_to_the_second(void **state)
{
    static const struct times all[] = {
        {AP_CREATED, AP_NOW + 1, AP_NOW, APPROVAL_OK},
        {AP_CREATED - 5, AP_NOW + 1, AP_NOW, APPROVAL_OK},
        {AP_CREATED - 6, AP_NOW + 1, AP_NOW, APPROVAL_E_EARLY},
        {AP_NOW, AP_NOW + 3600, AP_NOW, APPROVAL_OK},
        {AP_NOW, AP_NOW + 3601, AP_NOW, APPROVAL_E_WINDOW},
        {AP_NOW, AP_NOW, AP_NOW, APPROVAL_E_WINDOW},
        {AP_NOW, AP_NOW - 1, AP_NOW, APPROVAL_E_WINDOW},
        {AP_NOW + 5, AP_NOW + 6, AP_NOW, APPROVAL_OK},
        {AP_NOW + 6, AP_NOW + 7, AP_NOW, APPROVAL_E_WINDOW},
        {AP_CREATED, AP_NOW, AP_NOW - 1, APPROVAL_OK},
        {AP_CREATED, AP_NOW, AP_NOW, APPROVAL_E_EXPIRED},
        {AP_EXPIRES - 9, AP_EXPIRES + 9, AP_EXPIRES - 1, APPROVAL_OK},
        {AP_EXPIRES - 9, AP_EXPIRES + 9, AP_EXPIRES, APPROVAL_E_LATE},
        {UINT64_MAX, UINT64_MAX, AP_NOW, APPROVAL_E_WINDOW},
        {AP_NOW, UINT64_MAX, AP_NOW, APPROVAL_E_WINDOW},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct approval a = approval_world_says(&w, AP_BOB);

        a.iat = all[i].iat;
        a.exp = all[i].exp;
        tally = (struct approval_tally){0};
        assert_int_equal(
            accept_at(approval_world_sign(&w, &a, AP_BOB), all[i].now),
            all[i].code);
        assert_int_equal(tally.people_count, all[i].code == APPROVAL_OK);
    }
}

static void an_answer_to_anything_else_does_not_count(void **state)
{
    struct approval a = approval_world_says(&w, AP_BOB);

    (void)state;
    a.ticket_id[31] ^= 1;
    assert_int_equal(accept_at(approval_world_sign(&w, &a, AP_BOB), AP_NOW),
                     APPROVAL_E_TICKET);
    a = approval_world_says(&w, AP_BOB);
    a.decision_id[15] ^= 1;
    assert_int_equal(accept_at(approval_world_sign(&w, &a, AP_BOB), AP_NOW),
                     APPROVAL_E_TICKET);
    a = approval_world_says(&w, AP_BOB);
    a.tenant = TS_STR_LIT("beta");
    assert_int_equal(accept_at(approval_world_sign(&w, &a, AP_BOB), AP_NOW),
                     APPROVAL_E_TENANT);
    a = approval_world_says(&w, AP_CAROL);
    assert_int_equal(accept_at(approval_world_sign(&w, &a, AP_BOB), AP_NOW),
                     APPROVAL_E_PERSON);
}

/* The ticket's id is over all of it: whatever changes, old answers are void. */
static void another_call_is_another_ticket(void **state)
{
    const struct approval a = approval_world_says(&w, AP_BOB);
    uint8_t before[TRUST_HASH_LEN];

    (void)state;
    memcpy(before, w.ticket_id, sizeof(before));
    w.ticket.policy_epoch++;
    approval_world_ticket(&w);
    assert_memory_not_equal(before, w.ticket_id, sizeof(before));
    assert_int_equal(accept_at(approval_world_sign(&w, &a, AP_BOB), AP_NOW),
                     APPROVAL_E_TICKET);
}

static enum trust_code judge(const void *ctx, struct ts_bytes in)
{
    struct approval_tally t = {0};
    enum approval_code c = approval_accept(&w.people, &w.ticket, w.ticket_id,
                                           in, AP_NOW, &t, NULL);

    (void)ctx;
    return c == APPROVAL_OK ? TRUST_OK : TRUST_E_FORMAT;
}

static void no_bit_of_an_answer_may_be_another(void **state)
{
    const struct approval a = approval_world_says(&w, AP_BOB);

    (void)state;
    assert_true(world_sweep(approval_world_sign(&w, &a, AP_BOB), judge, NULL) >
                1000);
}

static struct ts_bytes signed_ticket(struct ts_buf *out)
{
    const struct ts_bytes body = world_bytes(&w.ticket_body);

    ts_buf_clear(out);
    assert_int_equal(ticket_sign(body, &w.sidecar, out), TS_OK);
    return world_bytes(out);
}

static enum trust_code judge_ticket(const void *ctx, struct ts_bytes in)
{
    struct ts_bytes body;
    struct ticket t;

    (void)ctx;
    return ticket_verify(in, w.sidecar.pk, &body, &t);
}

static void a_ticket_is_what_was_signed_and_encodes_to_itself(void **state)
{
    struct ts_buf object, again;
    struct ts_bytes in, body;
    struct ticket t;

    (void)state;
    ts_buf_init(&object, 1u << 17);
    ts_buf_init(&again, 1u << 17);
    in = signed_ticket(&object);
    assert_int_equal(ticket_verify(in, w.key[AP_BOB].pk, &body, &t),
                     TRUST_E_ISSUER);
    assert_int_equal(ticket_verify(in, w.sidecar.pk, &body, &t), TRUST_OK);
    assert_int_equal(ticket_encode(&t, &again), TS_OK);
    assert_int_equal(again.len, body.len);
    assert_memory_equal(ts_buf_bytes(&again), body.ptr, body.len);
    assert_true(world_sweep(in, judge_ticket, NULL) > 2000);
    ts_buf_done(&object);
    ts_buf_done(&again);
}

static void spoil(struct ticket *t, int how)
{
    static uint8_t large[TICKET_ARGS_MAX + 1];

    switch (how) {
    case 0:
        t->agent_count = 0;
        break;
    case 1:
        t->agents[1] = TS_STR_LIT("a//b");
        break;
    case 2:
        t->tenant = TS_STR_LIT("");
        break;
    case 3:
        t->rule_count = 0;
        break;
    case 4:
        t->rules[0].count = 0;
        break;
    case 5:
        t->rules[0].count = TICKET_COUNT_MAX + 1;
        break;
    case 6:
        t->rules[0].class_id = TS_STR_LIT("four eyes");
        break;
    case 7:
        t->rules[1] = t->rules[0];
        t->rule_count = 2;
        break;
    case 8:
        t->args = (struct ts_bytes){large, sizeof(large)};
        break;
    case 9:
        t->context = (struct ts_bytes){large, TICKET_CONTEXT_MAX + 1};
        break;
    case 10:
        t->expires = t->created;
        break;
    case 11:
        t->tool = TS_STR_LIT("");
        break;
    case 12:
        t->resource = TS_STR_LIT("\xff");
        break;
    default:
        t->task = TS_STR_LIT("a\nb");
        break;
    }
}

static void a_ticket_that_nobody_could_judge_is_not_made(void **state)
{
    const struct ticket good = w.ticket;
    struct ts_buf out;

    (void)state;
    ts_buf_init(&out, 1u << 17);
    for (int how = 0; how <= 13; how++) {
        struct ticket t = good;

        spoil(&t, how);
        assert_int_equal(ticket_encode(&t, &out), TS_E_INVALID);
        assert_int_equal(out.len, 0);
    }
    ts_buf_done(&out);
}

static ts_err make_and_judge(const void *arg)
{
    struct approval_tally t = {0};
    struct ts_buf out, body;
    struct approval a = approval_world_says(&w, AP_BOB);
    ts_err e;

    (void)arg;
    ts_buf_init(&out, 1u << 17);
    ts_buf_init(&body, 1u << 17);
    if ((e = ticket_encode(&w.ticket, &body)) == TS_OK &&
        (e = ticket_sign(world_bytes(&body), &w.sidecar, &out)) == TS_OK) {
        ts_buf_clear(&body);
        ts_buf_clear(&out);
        if ((e = approval_body(&a, &body)) == TS_OK &&
            (e = approval_sign(world_bytes(&body), &w.key[AP_BOB], &out)) ==
                TS_OK &&
            approval_accept(&w.people, &w.ticket, w.ticket_id,
                            world_bytes(&out), AP_NOW, &t, NULL) != APPROVAL_OK)
            e = TS_E_NOMEM;
    }
    ts_buf_done(&out);
    ts_buf_done(&body);
    return e;
}

static void without_memory_nothing_is_half_done(void **state)
{
    (void)state;
    fault_mem_sweep(make_and_judge, NULL, TS_OK, 2);
}

static void every_code_has_a_name_and_a_sentence(void **state)
{
    (void)state;
    for (int c = 0; c < APPROVAL_CODE_COUNT_; c++) {
        assert_true(strlen(approval_code_name((enum approval_code)c)) > 1);
        assert_true(strlen(approval_code_text((enum approval_code)c)) > 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(two_people_are_two_and_two_keys_are_one,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            who_asks_and_who_owns_the_agent_is_no_second_pair_of_eyes, setup,
            teardown),
        cmocka_unit_test_setup_teardown(the_user_may_confirm, setup, teardown),
        cmocka_unit_test_setup_teardown(
            one_person_fills_each_rule_once_and_all_rules_must_be_full, setup,
            teardown),
        cmocka_unit_test_setup_teardown(a_no_is_final, setup, teardown),
        cmocka_unit_test_setup_teardown(people_who_left_do_not_count, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(times_are_kept_to_the_second, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            an_answer_to_anything_else_does_not_count, setup, teardown),
        cmocka_unit_test_setup_teardown(another_call_is_another_ticket, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(no_bit_of_an_answer_may_be_another,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_ticket_is_what_was_signed_and_encodes_to_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_ticket_that_nobody_could_judge_is_not_made, setup, teardown),
        cmocka_unit_test_setup_teardown(without_memory_nothing_is_half_done,
                                        setup, teardown),
        cmocka_unit_test(every_code_has_a_name_and_a_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
