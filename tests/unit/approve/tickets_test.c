/* What waits for people: every state and event, places, and hostile asking. */
#include "tests/lib/ts_test.h"

#include <string.h>

#include "sidecar/gate/approve/tickets.h"
#include "tests/lib/fault_mem.h"
#include "tests/unit/trust/approval_world.h"

static struct approval_world w;
static struct tickets *t;
static const uint8_t chain[TRUST_HASH_LEN] = {0xcc};

static int setup(void **state)
{
    (void)state;
    approval_world_init(&w);
    return tickets_new(NULL, &t) == TS_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    fault_mem_disarm();
    tickets_free(t);
    approval_world_done(&w);
    return 0;
}

static struct ts_bytes body(void)
{
    return (struct ts_bytes){ts_buf_bytes(&w.ticket_body), w.ticket_body.len};
}

static enum ticket_asked ask_at(uint64_t now, struct pending **ret)
{
    enum ticket_asked asked = TICKET_ASKED_COUNT_;
    struct ticket_key key;

    *ret = NULL;
    approval_world_ticket(&w);
    ticket_key_of(&w.ticket, chain, &key);
    assert_int_equal(tickets_ask(t, &key, body(), now, &asked, ret), TS_OK);
    return asked;
}

static enum ticket_asked ask(struct pending **ret)
{
    return ask_at(AP_NOW, ret);
}

static enum approval_code answer(enum approver_key k, enum approval_verdict v)
{
    struct approval a = approval_world_says(&w, k);
    struct pending *p;

    a.verdict = v;
    return tickets_answer(t, &w.people, approval_world_sign(&w, &a, k), AP_NOW,
                          &p, NULL);
}

/* Brings a new ticket into a state. */
static struct pending *in_state(enum ticket_state s)
{
    struct pending *p;

    assert_int_equal(ask(&p), TICKET_ASKED_NEW);
    if (s == TICKET_GRANTED) {
        assert_int_equal(answer(AP_BOB, APPROVAL_YES), APPROVAL_OK);
        assert_int_equal(answer(AP_CAROL, APPROVAL_YES), APPROVAL_OK);
    } else if (s == TICKET_DENIED) {
        assert_int_equal(answer(AP_BOB, APPROVAL_NO), APPROVAL_OK);
    }
    assert_int_equal(pending_state(p), s);
    assert_int_equal(tickets_granted(t), s == TICKET_GRANTED);
    return p;
}

struct row {
    enum ticket_state from;
    enum approver_key who;
    enum approval_verdict says;
    enum approval_code code;
    enum ticket_state to;
};

static void every_answer_in_every_state(void **state)
{
    static const struct row rows[] = {
        {TICKET_WAITING, AP_BOB, APPROVAL_YES, APPROVAL_OK, TICKET_WAITING},
        {TICKET_WAITING, AP_BOB, APPROVAL_NO, APPROVAL_OK, TICKET_DENIED},
        {TICKET_WAITING, AP_ALICE, APPROVAL_YES, APPROVAL_E_OWN,
         TICKET_WAITING},
        {TICKET_WAITING, AP_DAVE, APPROVAL_NO, APPROVAL_E_CLASS,
         TICKET_WAITING},
        {TICKET_GRANTED, AP_BOB, APPROVAL_YES, APPROVAL_E_REPEATED,
         TICKET_GRANTED},
        {TICKET_GRANTED, AP_BOB, APPROVAL_NO, APPROVAL_OK, TICKET_DENIED},
        {TICKET_GRANTED, AP_ALICE, APPROVAL_NO, APPROVAL_OK, TICKET_DENIED},
        {TICKET_GRANTED, AP_DAVE, APPROVAL_YES, APPROVAL_E_CLASS,
         TICKET_GRANTED},
        {TICKET_DENIED, AP_CAROL, APPROVAL_YES, APPROVAL_E_DENIED,
         TICKET_DENIED},
        {TICKET_DENIED, AP_CAROL, APPROVAL_NO, APPROVAL_E_DENIED,
         TICKET_DENIED},
        {TICKET_DENIED, AP_NOBODY, APPROVAL_NO, APPROVAL_E_KEY, TICKET_DENIED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pending *p = in_state(rows[i].from);

        assert_int_equal(answer(rows[i].who, rows[i].says), rows[i].code);
        assert_int_equal(pending_state(p), rows[i].to);
        assert_int_equal(tickets_granted(t), rows[i].to == TICKET_GRANTED);
        tickets_end(t, p, TICKET_END_WITHDRAWN, AP_NOW);
        assert_int_equal(tickets_count(t), 0);
        assert_int_equal(tickets_granted(t), 0);
    }
}

static void the_same_call_asked_in_every_state(void **state)
{
    static const enum ticket_asked want[] = {
        [TICKET_WAITING] = TICKET_ASKED_SAME,
        [TICKET_GRANTED] = TICKET_ASKED_GRANTED,
        [TICKET_DENIED] = TICKET_ASKED_COOLING};

    (void)state;
    for (int s = TICKET_WAITING; s <= TICKET_DENIED; s++) {
        struct pending *p = in_state((enum ticket_state)s), *again;

        w.ticket.decision_id[1]++; /* another decision, the same call */
        w.ticket.call_id[1]++;
        w.ticket.created++;
        assert_int_equal(ask(&again), want[s]);
        assert_ptr_equal(again, s == TICKET_DENIED ? NULL : p);
        assert_int_equal(tickets_count(t), 1);
        tickets_end(t, p, TICKET_END_EXPIRED, AP_NOW);
    }
}

static void every_end_in_every_state_and_what_is_asked_after_it(void **state)
{
    (void)state;
    for (int s = TICKET_WAITING; s <= TICKET_DENIED; s++) {
        for (int e = TICKET_END_TAKEN; e <= TICKET_END_POLICIES; e++) {
            struct pending *p = in_state((enum ticket_state)s), *again;

            assert_true(strlen(ticket_end_name((enum ticket_end)e)) > 3);
            tickets_end(t, p, (enum ticket_end)e, AP_NOW);
            assert_int_equal(tickets_count(t), 0);
            assert_null(tickets_find(t, w.ticket.decision_id));
            if (e == TICKET_END_DENIED) {
                assert_int_equal(ask(&again), TICKET_ASKED_COOLING);
                assert_int_equal(ask_at(AP_NOW + TICKETS_COOL_S - 1, &again),
                                 TICKET_ASKED_COOLING);
                assert_null(again);
            }
            tickets_free(t);
            assert_int_equal(tickets_new(NULL, &t), TS_OK);
        }
    }
}

static void after_cooling_down_a_call_may_be_asked_again(void **state)
{
    struct pending *p = in_state(TICKET_DENIED);

    (void)state;
    tickets_end(t, p, TICKET_END_DENIED, AP_NOW);
    assert_int_equal(ask_at(AP_NOW + TICKETS_COOL_S, &p), TICKET_ASKED_NEW);
}

struct ticket_keep {
    int released;
};
static struct ticket_keep kept;

static void release(struct ticket_keep *k)
{
    k->released++;
}

/* Void at once, gone when its record is written: meanwhile nobody finds it, and
 * the same call is another question, or cools down. */
static void what_is_void_is_found_by_nobody(void **state)
{
    (void)state;
    for (int s = TICKET_WAITING; s <= TICKET_DENIED; s++) {
        for (int e = TICKET_END_TAKEN; e <= TICKET_END_POLICIES; e++) {
            struct pending *p, *again;
            uint64_t serial;

            tickets_free(t);
            assert_int_equal(tickets_new(release, &t), TS_OK);
            kept.released = 0;
            p = in_state((enum ticket_state)s);
            pending_keep(p, &kept);
            serial = pending_serial(p);
            tickets_void(t, p, (enum ticket_end)e, AP_NOW);
            tickets_void(t, p, TICKET_END_WITHDRAWN, AP_NOW);
            assert_int_equal(pending_state(p), TICKET_VOID);
            assert_int_equal(pending_end(p), e); /* the first reason stays */
            assert_ptr_equal(pending_kept(p), &kept);
            assert_null(tickets_find(t, w.ticket.decision_id));
            assert_int_equal(answer(AP_CAROL, APPROVAL_YES),
                             APPROVAL_E_UNKNOWN);
            assert_null(tickets_expired(t, UINT64_MAX));
            assert_true(tickets_next_expiry(t) == UINT64_MAX);
            assert_int_equal(tickets_granted(t), 0);
            assert_int_equal(ask(&again), e == TICKET_END_DENIED
                                              ? TICKET_ASKED_COOLING
                                              : TICKET_ASKED_NEW);
            if (again != NULL)
                assert_true(pending_serial(again) > serial);
            assert_int_equal(kept.released, 0);
            tickets_end(t, p, pending_end(p), AP_NOW);
            assert_int_equal(kept.released, 1);
            assert_int_equal(tickets_count(t), again != NULL);
        }
    }
}

static void what_is_kept_goes_with_the_table(void **state)
{
    (void)state;
    tickets_free(t);
    kept.released = 0;
    assert_int_equal(tickets_new(release, &t), TS_OK);
    pending_keep(in_state(TICKET_GRANTED), &kept);
    assert_int_equal(tickets_granted(t), 1);
    tickets_free(t);
    assert_int_equal(kept.released, 1);
    assert_int_equal(tickets_new(NULL, &t), TS_OK);
}

static void an_answer_finds_only_its_own_ticket(void **state)
{
    struct pending *p;

    (void)state;
    assert_int_equal(answer(AP_BOB, APPROVAL_YES), APPROVAL_E_UNKNOWN);
    p = in_state(TICKET_WAITING);
    tickets_end(t, p, TICKET_END_TAKEN, AP_NOW);
    assert_int_equal(answer(AP_BOB, APPROVAL_YES), APPROVAL_E_UNKNOWN);
    assert_int_equal(
        tickets_answer(t, &w.people, (struct ts_bytes){0}, AP_NOW, &p, NULL),
        APPROVAL_E_FORMAT);
}

/* Everything that says what runs makes it another call. */
static void what_makes_a_call_another_one(void **state)
{
    static const uint8_t other_args[] = {0x81, 0xa1, 'a', 0x02};
    const struct ticket good = w.ticket;
    struct ticket_key first, key;

    (void)state;
    ticket_key_of(&good, chain, &first);
    for (int i = 0; i < 8; i++) {
        struct ticket one = good;
        uint8_t hash[TRUST_HASH_LEN];

        memcpy(hash, chain, sizeof(hash));
        switch (i) {
        case 0:
            one.tenant = TS_STR_LIT("beta");
            break;
        case 1:
            hash[31] ^= 1;
            break;
        case 2:
            one.tool = TS_STR_LIT("git.pull");
            break;
        case 3:
            one.tool_digest[31] ^= 1;
            break;
        case 4:
            one.action = TS_STR_LIT("other");
            break;
        case 5:
            one.resource = TS_STR_LIT("Repo::\"acme/api\"");
            break;
        case 6:
            one.args = (struct ts_bytes){other_args, sizeof(other_args)};
            break;
        default:
            one.policy_epoch += UINT64_C(1) << 32;
            break;
        }
        ticket_key_of(&one, hash, &key);
        assert_memory_not_equal(&first, &key, sizeof(key));
    }
}

static void number_call(uint32_t n)
{
    memcpy(w.ticket.decision_id, &n, sizeof(n));
    w.ticket.policy_epoch = 1000 + n;
}

static void a_grant_has_eight_places_and_a_tenant_256(void **state)
{
    struct pending *p;
    uint32_t n = 0;

    (void)state;
    for (uint32_t g = 0; g < TICKETS_PER_TENANT / TICKETS_PER_GRANT; g++) {
        w.ticket.grant_id[1] = (uint8_t)g;
        for (uint32_t i = 0; i < TICKETS_PER_GRANT; i++) {
            number_call(n++);
            assert_int_equal(ask(&p), TICKET_ASKED_NEW);
        }
        number_call(n++);
        assert_int_equal(ask(&p), TICKET_ASKED_CROWDED);
        assert_null(p);
    }
    assert_int_equal(tickets_count(t), TICKETS_PER_TENANT);
    w.ticket.grant_id[1] = 0xff;
    number_call(n++);
    assert_int_equal(ask(&p), TICKET_ASKED_CROWDED);
    w.ticket.tenant = TS_STR_LIT("beta"); /* has places of its own */
    assert_int_equal(ask(&p), TICKET_ASKED_NEW);
}

/* 10,000 different calls of one hijacked agent whose tickets all expire. */
static void people_are_not_asked_ten_thousand_things(void **state)
{
    struct pending *p;
    uint32_t asked = 0;

    (void)state;
    for (uint32_t i = 0; i < 10000; i++) {
        number_call(i);
        if (ask_at(AP_NOW + i / 100, &p) == TICKET_ASKED_NEW) {
            asked++;
            tickets_end(t, p, TICKET_END_EXPIRED, AP_NOW);
        }
    }
    assert_true(asked >= TICKETS_ASKED_1M && asked <= TICKETS_ASKED_1H);
    number_call(10001);
    assert_int_equal(ask_at(AP_NOW + 100, &p), TICKET_ASKED_TOO_OFTEN);
    w.ticket.expires += 3 * 3600;
    assert_int_equal(ask_at(AP_NOW + 2 * 3600, &p), TICKET_ASKED_NEW);
}

static void time_ends_a_ticket(void **state)
{
    struct pending *p = in_state(TICKET_GRANTED), *again;

    (void)state;
    assert_int_equal(tickets_next_expiry(t), AP_EXPIRES);
    assert_null(tickets_expired(t, AP_EXPIRES - 1));
    assert_ptr_equal(tickets_expired(t, AP_EXPIRES), p);
    w.ticket.created = AP_EXPIRES;
    w.ticket.expires = AP_EXPIRES + 600;
    w.ticket.decision_id[2] = 9;
    assert_int_equal(ask_at(AP_EXPIRES, &again), TICKET_ASKED_NEW);
    tickets_end(t, p, TICKET_END_EXPIRED, AP_EXPIRES);
    assert_ptr_equal(tickets_after(t, NULL), again);
    assert_null(tickets_after(t, again));
    tickets_end(t, again, TICKET_END_EXPIRED, AP_EXPIRES);
    assert_int_equal(tickets_next_expiry(t), UINT64_MAX);
}

static void what_is_no_ticket_or_too_late_does_not_wait(void **state)
{
    static const uint8_t junk[] = {0x93, 1, 2, 3};
    enum ticket_asked asked;
    struct ticket_key key = {{1}};
    struct pending *p;

    (void)state;
    assert_int_equal(tickets_ask(t, &key, (struct ts_bytes){junk, sizeof(junk)},
                                 AP_NOW, &asked, &p),
                     TS_E_INVALID);
    assert_int_equal(tickets_ask(t, &key, body(), AP_EXPIRES, &asked, &p),
                     TS_E_INVALID);
    assert_int_equal(tickets_count(t), 0);
}

static ts_err one_life(const void *arg)
{
    enum ticket_asked asked;
    struct ticket_key key;
    struct pending *p;
    struct tickets *own;
    ts_err e = tickets_new(NULL, &own);

    (void)arg;
    if (e != TS_OK)
        return e;
    ticket_key_of(&w.ticket, chain, &key);
    e = tickets_ask(own, &key, body(), AP_NOW, &asked, &p);
    assert_int_equal(tickets_count(own), e == TS_OK);
    tickets_free(own);
    return e;
}

static void without_memory_nothing_waits(void **state)
{
    (void)state;
    fault_mem_sweep(one_life, NULL, TS_OK, 3);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_answer_in_every_state),
        TEST(the_same_call_asked_in_every_state),
        TEST(every_end_in_every_state_and_what_is_asked_after_it),
        TEST(after_cooling_down_a_call_may_be_asked_again),
        TEST(what_is_void_is_found_by_nobody),
        TEST(what_is_kept_goes_with_the_table),
        TEST(an_answer_finds_only_its_own_ticket),
        TEST(what_makes_a_call_another_one),
        TEST(a_grant_has_eight_places_and_a_tenant_256),
        TEST(people_are_not_asked_ten_thousand_things),
        TEST(time_ends_a_ticket),
        TEST(what_is_no_ticket_or_too_late_does_not_wait),
        TEST(without_memory_nothing_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
