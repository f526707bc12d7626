#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "proto/trust/revocation.h"
#include "tests/lib/fault_mem.h"
#include "trust_world.h"

#define ACME TS_STR_LIT("acme")

static struct ts_bytes id(const char *s)
{
    return (struct ts_bytes){.ptr = (const uint8_t *)s, .len = strlen(s)};
}

static void a_zeroed_set_is_empty_and_takes_nothing(void **state)
{
    struct revocations r = {0};

    (void)state;
    assert_false(revocations_hit(&r, REVOCATION_USER, ACME, id("a"), 0));
    assert_false(revocations_hit(&r, REVOCATION_USER, ACME, id(""), 0));
    assert_int_equal(
        revocations_add(&r, REVOCATION_USER, ACME, id("a"), 1, UINT64_MAX, 0),
        TS_E_LIMIT);
    revocations_done(&r);
}

static void cutoff_is_inclusive_and_never_moves_back(void **state)
{
    struct revocations r;
    uint64_t epoch;

    (void)state;
    revocations_init(&r, 10);
    assert_int_equal(
        revocations_add(&r, REVOCATION_USER, ACME, id("u"), 100, UINT64_MAX, 0),
        TS_OK);
    assert_true(revocations_hit(&r, REVOCATION_USER, ACME, id("u"), 99));
    assert_true(revocations_hit(&r, REVOCATION_USER, ACME, id("u"), 100));
    assert_false(revocations_hit(&r, REVOCATION_USER, ACME, id("u"), 101));
    epoch = r.epoch;
    assert_int_equal(
        revocations_add(&r, REVOCATION_USER, ACME, id("u"), 50, UINT64_MAX, 0),
        TS_OK);
    assert_int_equal(r.epoch, epoch); /* nothing changed */
    assert_true(revocations_hit(&r, REVOCATION_USER, ACME, id("u"), 100));
    assert_int_equal(
        revocations_add(&r, REVOCATION_USER, ACME, id("u"), 150, UINT64_MAX, 0),
        TS_OK);
    assert_int_not_equal(r.epoch, epoch);
    assert_true(revocations_hit(&r, REVOCATION_USER, ACME, id("u"), 150));
    assert_int_equal(r.count, 1);
    revocations_done(&r);
}

/* kind, tenant and target all count; no concatenation of them is ambiguous. */
static void entries_do_not_meet_across_kinds_and_tenants(void **state)
{
    struct revocations r;

    (void)state;
    revocations_init(&r, 10);
    assert_int_equal(
        revocations_add(&r, REVOCATION_USER, ACME, id("bob"), 9, UINT64_MAX, 0),
        TS_OK);
    assert_false(revocations_hit(&r, REVOCATION_AGENT, ACME, id("bob"), 0));
    assert_false(revocations_hit(&r, REVOCATION_TASK, ACME, id("bob"), 0));
    assert_false(
        revocations_hit(&r, REVOCATION_USER, TS_STR_LIT("beta"), id("bob"), 0));
    assert_false(
        revocations_hit(&r, REVOCATION_USER, TS_STR_LIT("acm"), id("ebob"), 0));
    assert_false(
        revocations_hit(&r, REVOCATION_USER, TS_STR_LIT("acmeb"), id("ob"), 0));
    revocations_done(&r);
}

/* Every kind: which lengths fit, which are dead for ever, what it is called. */
static void ids_are_dead_for_ever_and_lengths_are_checked(void **state)
{
    static const size_t len[] = {0, 16, 32, 32, 0, 0, 0, 0, 16, 0, 16, 16, 16};
    uint8_t target[TS_ID_MAX + 1];
    struct revocations r;

    (void)state;
    memset(target, 'x', sizeof(target));
    revocations_init(&r, 1000);
    assert_int_equal(revocations_add(&r, REVOCATION_USER, TS_STR_LIT("other"),
                                     id("u"), 9, 0, 0),
                     TS_OK);
    for (int k = 1; k < REVOCATION_KIND_COUNT; k++) {
        enum revocation_kind kind = (enum revocation_kind)k;
        bool text = k == 4 || k == 5 || k == 6 || k == 9;
        bool dead = k == 1 || k == 2 || k >= 10;

        for (size_t n = 0; n <= sizeof(target); n++) {
            bool fits = text ? n >= 1 && n <= TS_ID_MAX : n == len[k];
            struct ts_bytes t = {target, n};

            assert_int_equal(revocation_target_fits(kind, n), fits);
            assert_int_equal(revocations_add(&r, kind, ACME, t, 0, 0, 0),
                             fits ? TS_OK : TS_E_INVALID);
            /* what cannot be looked up is denied */
            assert_int_equal(revocations_hit(&r, kind, ACME, t, 1),
                             dead || !fits);
            assert_true(revocations_hit(&r, kind, ACME, t, 0));
        }
        assert_int_equal(revocation_by_id(kind), dead);
        assert_int_equal(revocation_target_is_text(kind), text || k == 7);
    }
    assert_int_equal(revocations_add(&r, REVOCATION_NONE, ACME,
                                     (struct ts_bytes){target, 1}, 0, 0, 0),
                     TS_E_INVALID);
    assert_false(revocation_by_id(REVOCATION_NONE));
    assert_false(revocation_target_is_text(REVOCATION_NONE));
    revocations_done(&r);
}

/* No tenant has such a name, and no target such a length: nothing is
 * remembered, nothing found, and everything denied. */
static void what_is_too_long_is_denied_and_not_looked_up(void **state)
{
    static const char name[TS_ID_MAX + 1] = "t";
    static const uint8_t endless[1u << 14];
    const struct ts_str tenant = {name, sizeof(name)};
    const struct ts_bytes target = {endless, sizeof(endless)};
    const struct revocation_ask ask = {REVOCATION_USER, id("u"), 1};
    struct revocation_state s;
    struct revocations r;

    (void)state;
    revocations_init(&r, 1000);
    assert_int_equal(
        revocations_add(&r, REVOCATION_USER, ACME, id("u"), 9, 0, 0), TS_OK);
    assert_int_equal(
        revocations_add(&r, REVOCATION_USER, tenant, id("u"), 9, 0, 0),
        TS_E_INVALID);
    assert_int_equal(r.count, 1);
    assert_true(revocations_hit(&r, REVOCATION_USER, tenant, id("u"), 10));
    assert_int_equal(revocations_first_hit(&r, tenant, &ask, 1),
                     REVOCATION_USER);
    assert_false(revocations_get(&r, REVOCATION_USER, tenant, id("u"), &s));
    assert_false(revocations_get(&r, REVOCATION_USER, ACME, target, &s));
    assert_false(revocations_get(
        &r, REVOCATION_USER, (struct ts_str){(const char *)endless, 1u << 14},
        id("u"), &s));
    revocations_done(&r);
}

/* What is forgotten counts for nobody any more, whoever's it was. */
static void T34_a_purge_gives_the_places_back_to_their_tenant(void **state)
{
    struct revocations r;
    char name[16];

    (void)state;
    revocations_init(&r, 1000);
    for (unsigned i = 0; i < 20; i++) {
        (void)snprintf(name, sizeof(name), "t%u", i);
        assert_int_equal(revocations_add(&r, REVOCATION_USER, ts_str_of(name),
                                         id("u"), 5, 50, 0),
                         TS_OK);
        assert_int_equal(revocations_add(&r, REVOCATION_USER, ts_str_of(name),
                                         id("u"), 6, 60, 0),
                         TS_OK); /* longer, and still that tenant's */
    }
    assert_int_equal(revocations_purge(&r, 61), 20);
    for (size_t i = 0; i < REVOCATION_OWNERS; i++)
        assert_int_equal(r.held[i], 0);
    revocations_done(&r);
}

static void kinds_have_names_and_names_are_kinds(void **state)
{
    static const char *const name[] = {
        "none",       "grant",    "block",  "key",        "user",
        "agent",      "task",     "tenant", "issuer-key", "approver",
        "escalation", "decision", "session"};
    static const char *const none[] = {"none",  "unknown", "",
                                       "Grant", "grant ",  "issuer key"};
    enum revocation_kind kind = REVOCATION_NONE;

    (void)state;
    for (int k = 0; k < REVOCATION_KIND_COUNT; k++) {
        assert_string_equal(revocation_kind_name((enum revocation_kind)k),
                            name[k]);
        assert_int_equal(revocation_kind_parse(ts_str_of(name[k]), &kind),
                         k > 0);
        assert_int_equal(kind, k);
    }
    for (size_t i = 0; i < 6; i++)
        assert_false(revocation_kind_parse(ts_str_of(none[i]), &kind));
    assert_int_equal(kind, REVOCATION_SESSION);
}

/* The larger cutoff and the larger keep_until, each for itself. */
static void entries_merge_and_can_be_asked_for(void **state)
{
    struct revocation_state s = {.cutoff = 7, .keep_until = 8};
    struct revocations r;
    uint64_t epoch;

    (void)state;
    revocations_init(&r, 10);
    assert_false(revocations_get(&r, REVOCATION_USER, ACME, id("u"), &s));
    assert_true(s.cutoff == 7 && s.keep_until == 8);
    assert_int_equal(
        revocations_add(&r, REVOCATION_USER, ACME, id("u"), 100, 900, 0),
        TS_OK);
    epoch = r.epoch;
    assert_int_equal(
        revocations_add(&r, REVOCATION_USER, ACME, id("u"), 50, 950, 0), TS_OK);
    assert_int_equal(r.epoch, epoch); /* nothing more is revoked */
    assert_true(revocations_get(&r, REVOCATION_USER, ACME, id("u"), &s));
    assert_true(s.cutoff == 100 && s.keep_until == 950);
    assert_int_equal(
        revocations_add(&r, REVOCATION_USER, ACME, id("u"), 150, 10, 0), TS_OK);
    assert_int_equal(r.epoch, epoch + 1);
    assert_true(revocations_get(&r, REVOCATION_USER, ACME, id("u"), &s));
    assert_true(s.cutoff == 150 && s.keep_until == 950);
    assert_false(
        revocations_get(&r, REVOCATION_USER, TS_STR_LIT("b"), id("u"), &s));
    assert_false(revocations_get(&r, REVOCATION_USER, ACME, id(""), &s));
    assert_int_equal(revocations_add(&r, REVOCATION_SESSION, ACME,
                                     id("0123456789abcdef"), 0, 5, 0),
                     TS_OK);
    assert_true(revocations_get(&r, REVOCATION_SESSION, ACME,
                                id("0123456789abcdef"), &s));
    assert_true(s.cutoff == UINT64_MAX && s.keep_until == 5);
    revocations_done(&r);
}

/* Against a plain list: whatever is purged when, exactly the others stay. */
static void a_purge_drops_what_has_expired_and_nothing_else(void **state)
{
    static const unsigned counts[] = {1, 31, 32, 33, 63, 500};
    struct revocations r;
    char name[16];

    (void)state;
    assert_int_equal(revocations_purge(&(struct revocations){0}, 99), 0);
    for (size_t c = 0; c < 6 * 8; c++) {
        unsigned n = counts[c % 6]; /* eight times: another hash key each */
        size_t live = n;

        revocations_init(&r, 1000);
        for (unsigned i = 0; i < n; i++) {
            (void)snprintf(name, sizeof(name), "u%u", i);
            assert_int_equal(revocations_add(&r, REVOCATION_USER, ACME,
                                             id(name), 5, 100 + i % 7, 0),
                             TS_OK);
        }
        for (uint64_t now = 99; now <= 108; now++) {
            uint64_t epoch = r.epoch;
            size_t left = 0;

            live -= revocations_purge(&r, now);
            assert_int_equal(r.epoch, epoch);
            for (unsigned i = 0; i < n; i++) {
                bool stays = 100 + i % 7 >= now;

                (void)snprintf(name, sizeof(name), "u%u", i);
                assert_int_equal(
                    revocations_hit(&r, REVOCATION_USER, ACME, id(name), 5),
                    stays);
                left += stays;
            }
            assert_int_equal(r.count, left);
            assert_int_equal(r.count, live);
            assert_int_equal(revocations_purge(&r, now), 0);
        }
        assert_int_equal(r.count, 0);
        revocations_done(&r);
    }
}

/* A full table makes room by itself, and only with what has expired. */
static void a_full_table_forgets_only_what_it_may(void **state)
{
    struct revocations r;
    char name[16];

    (void)state;
    revocations_init(&r, 100);
    for (unsigned i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof(name), "u%u", i);
        assert_int_equal(revocations_add(&r, REVOCATION_USER, ACME, id(name), 5,
                                         i < 40 ? 50 : UINT64_MAX, 10),
                         TS_OK);
    }
    assert_int_equal(
        revocations_add(&r, REVOCATION_USER, ACME, id("x"), 5, 60, 0),
        TS_E_LIMIT); /* 0: the clock is not trusted */
    assert_int_equal(
        revocations_add(&r, REVOCATION_USER, ACME, id("x"), 5, 60, 50),
        TS_E_LIMIT); /* to be remembered until then, and in that second */
    assert_int_equal(
        revocations_add(&r, REVOCATION_USER, ACME, id("x"), 5, 60, 51), TS_OK);
    assert_int_equal(r.count, 61);
    assert_false(revocations_hit(&r, REVOCATION_USER, ACME, id("u39"), 5));
    assert_true(revocations_hit(&r, REVOCATION_USER, ACME, id("u40"), 5));
    assert_true(revocations_hit(&r, REVOCATION_USER, ACME, id("x"), 5));
    revocations_done(&r);
}

static ts_err add_of(struct revocations *r, struct ts_str tenant, unsigned i,
                     uint64_t until, uint64_t now_s)
{
    char name[16];

    (void)snprintf(name, sizeof(name), "u%u", i);
    return revocations_add(r, REVOCATION_USER, tenant, id(name), 5, until,
                           now_s);
}

/* T34: whoever fills the table fills it for himself alone. */
static void T34_one_tenant_leaves_room_for_the_others(void **state)
{
    const struct ts_str other = TS_STR_LIT("other");
    const unsigned few = REVOCATIONS_SHARED / REVOCATIONS_RESERVED;
    struct revocations r;

    (void)state;
    revocations_init(&r, REVOCATIONS_SHARED);
    for (unsigned i = 0; i < REVOCATIONS_SHARED - few; i++)
        assert_int_equal(add_of(&r, ACME, i, i < 100 ? 50 : UINT64_MAX, 0),
                         TS_OK);
    assert_int_equal(add_of(&r, ACME, 1u << 20, UINT64_MAX, 0), TS_E_LIMIT);
    for (unsigned i = 0; i < few; i++)
        assert_int_equal(add_of(&r, other, i, UINT64_MAX, 0), TS_OK);
    assert_int_equal(add_of(&r, other, few, UINT64_MAX, 0), TS_E_LIMIT);
    assert_int_equal(r.count, REVOCATIONS_SHARED);
    assert_int_equal(add_of(&r, ACME, 7, UINT64_MAX, 0), TS_OK); /* known */
    /* What expires is counted out again, whoever's it was. */
    assert_int_equal(add_of(&r, ACME, 1u << 20, UINT64_MAX, 51), TS_E_LIMIT);
    assert_int_equal(r.count, REVOCATIONS_SHARED - 99);
    assert_int_equal(add_of(&r, TS_STR_LIT("third"), 1, UINT64_MAX, 51), TS_OK);
    assert_true(revocations_hit(&r, REVOCATION_USER, ACME, id("u60000"), 5));
    revocations_done(&r);
}

/* Before it asks for more memory it drops what it may. */
static void a_table_grows_only_with_what_is_alive(void **state)
{
    struct revocations r;
    char name[16];

    (void)state;
    revocations_init(&r, 5000);
    for (unsigned i = 0; i < 4000; i++) {
        (void)snprintf(name, sizeof(name), "u%u", i);
        assert_int_equal(revocations_add(&r, REVOCATION_USER, ACME, id(name), 5,
                                         100 + i, 100 + i),
                         TS_OK);
        assert_true(revocations_hit(&r, REVOCATION_USER, ACME, id(name), 5));
    }
    assert_true(r.cap <= 64 && r.count <= 32);
    revocations_done(&r);
}

static void every_entry_is_found_until_the_table_is_full(void **state)
{
    struct revocations r;
    char name[16];

    (void)state;
    revocations_init(&r, 5000);
    for (unsigned i = 0; i < 5000; i++) {
        (void)snprintf(name, sizeof(name), "u%u", i);
        assert_int_equal(revocations_add(&r, REVOCATION_USER, ACME, id(name), i,
                                         UINT64_MAX, 0),
                         TS_OK);
    }
    assert_int_equal(
        revocations_add(&r, REVOCATION_USER, ACME, id("new"), 1, UINT64_MAX, 0),
        TS_E_LIMIT);
    assert_int_equal(
        revocations_add(&r, REVOCATION_USER, ACME, id("u7"), 99, UINT64_MAX, 0),
        TS_OK); /* known ones can still be widened */
    for (unsigned i = 0; i < 5000; i++) {
        (void)snprintf(name, sizeof(name), "u%u", i);
        assert_true(revocations_hit(&r, REVOCATION_USER, ACME, id(name), i));
        assert_int_equal(
            revocations_hit(&r, REVOCATION_USER, ACME, id(name), i + 1),
            i == 7);
    }
    assert_false(revocations_hit(&r, REVOCATION_USER, ACME, id("new"), 0));
    revocations_done(&r);
}

static void without_memory_the_set_is_as_before(void **state)
{
    (void)state;
    for (int persistent = 0; persistent < 2; persistent++) {
        for (int nth = 0;; nth++) {
            struct revocations r;
            unsigned added = 0, failed = 0;
            char name[16];

            fault_mem_arm(nth, persistent == 1);
            revocations_init(&r, 300);
            for (unsigned i = 0; i < 300; i++) {
                ts_err e;

                (void)snprintf(name, sizeof(name), "u%u", i);
                e = revocations_add(&r, REVOCATION_USER, ACME, id(name), 5,
                                    UINT64_MAX, 0);
                assert_true(e == TS_OK || e == TS_E_NOMEM);
                assert_int_equal(
                    revocations_hit(&r, REVOCATION_USER, ACME, id(name), 5),
                    e == TS_OK);
                added += e == TS_OK;
                failed += e != TS_OK;
            }
            assert_int_equal(r.count, added);
            revocations_done(&r);
            assert_int_equal(fault_mem_live(), 0);
            if (!fault_mem_fired()) {
                assert_int_equal(failed, 0);
                break;
            }
            assert_true(failed > 0);
        }
    }
    fault_mem_disarm();
}

/* Whatever is asked together is answered as if asked one by one, in order. */
static void first_hit_agrees_with_single_looks(void **state)
{
    struct revocations r;
    char names[REVOCATION_ASKS_MAX][8];
    struct revocation_ask asks[REVOCATION_ASKS_MAX];

    (void)state;
    revocations_init(&r, 100);
    for (size_t i = 0; i < REVOCATION_ASKS_MAX; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "u%zu", i);
        asks[i] = (struct revocation_ask){(i & 1) != 0 ? REVOCATION_USER
                                                       : REVOCATION_AGENT,
                                          id(names[i]), 10};
    }
    assert_int_equal(revocations_first_hit(&r, ACME, asks, REVOCATION_ASKS_MAX),
                     REVOCATION_NONE);
    for (size_t i = REVOCATION_ASKS_MAX; i-- > 0;) {
        /* One that comes too late for it, then one that covers it. */
        assert_int_equal(revocations_add(&r, asks[i].kind, ACME, asks[i].target,
                                         9, UINT64_MAX, 0),
                         TS_OK);
        assert_int_equal(revocations_first_hit(&r, ACME, asks, i + 1),
                         REVOCATION_NONE);
        assert_int_equal(revocations_add(&r, asks[i].kind, ACME, asks[i].target,
                                         10, UINT64_MAX, 0),
                         TS_OK);
        assert_int_equal(
            revocations_first_hit(&r, ACME, asks, REVOCATION_ASKS_MAX),
            asks[i].kind);
        assert_int_equal(revocations_first_hit(&r, TS_STR_LIT("beta"), asks,
                                               REVOCATION_ASKS_MAX),
                         REVOCATION_NONE);
    }
    asks[0].target.len = 0; /* nothing valid looks like this */
    assert_int_equal(revocations_first_hit(&r, TS_STR_LIT("beta"), asks, 1),
                     asks[0].kind);
    revocations_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_hit_agrees_with_single_looks),
        cmocka_unit_test(a_zeroed_set_is_empty_and_takes_nothing),
        cmocka_unit_test(cutoff_is_inclusive_and_never_moves_back),
        cmocka_unit_test(entries_do_not_meet_across_kinds_and_tenants),
        cmocka_unit_test(ids_are_dead_for_ever_and_lengths_are_checked),
        cmocka_unit_test(what_is_too_long_is_denied_and_not_looked_up),
        cmocka_unit_test(T34_a_purge_gives_the_places_back_to_their_tenant),
        cmocka_unit_test(kinds_have_names_and_names_are_kinds),
        cmocka_unit_test(entries_merge_and_can_be_asked_for),
        cmocka_unit_test(a_purge_drops_what_has_expired_and_nothing_else),
        cmocka_unit_test(a_full_table_forgets_only_what_it_may),
        cmocka_unit_test(T34_one_tenant_leaves_room_for_the_others),
        cmocka_unit_test(a_table_grows_only_with_what_is_alive),
        cmocka_unit_test(every_entry_is_found_until_the_table_is_full),
        cmocka_unit_test(without_memory_the_set_is_as_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
