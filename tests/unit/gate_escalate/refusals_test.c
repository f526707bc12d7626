/* Which refused activations are told, and that none goes uncounted. */
#include "tests/lib/ts_test.h"

#include <string.h>

#include "sidecar/gate/escalate/refusals.h"

#define S UINT64_C(1000000000)

static struct refusals t;

static int setup(void **state)
{
    (void)state;
    memset(&t, 0, sizeof(t));
    return 0;
}

static void note(uint32_t uid, const char *code, uint64_t now_ns)
{
    const struct refusal r = {.id = {1},
                              .code = ts_str_of(code),
                              .tenant = TS_STR_LIT("acme"),
                              .kid_count = 1};

    refusals_note(&t, uid, &r, now_ns);
}

/* Tells what may be told; how many are told or counted. */
static uint64_t tell(uint64_t now_ns, bool all, uint64_t *told)
{
    struct refusal_slot *s;
    uint64_t n = 0;

    while ((s = refusals_next(&t, now_ns, all)) != NULL) {
        n += 1 + s->left_out;
        (*told)++;
        refusals_told(s, now_ns);
    }
    return n;
}

static void a_few_are_all_told(void **state)
{
    uint64_t told = 0;

    (void)state;
    for (uint32_t i = 0; i < REFUSALS_BURST; i++) {
        note(7, "sig", 0);
        assert_int_equal(tell(0, false, &told), 1);
    }
    note(7, "sig", 0);
    assert_int_equal(tell(0, false, &told), 0);
    assert_int_equal(tell(REFUSALS_EVERY_S * S - 1, false, &told), 0);
    assert_int_equal(tell(REFUSALS_EVERY_S * S, false, &told), 1);
    assert_int_equal(told, REFUSALS_BURST + 1);
}

static void a_flood_is_few_records_and_none_uncounted(void **state)
{
    uint64_t told = 0, counted = 0, now = 5 * S;

    (void)state;
    for (uint64_t i = 0; i < 100000; i++) { /* a thousand a second */
        now = 5 * S + i * (S / 1000);
        note(7, i % 2 == 0 ? "sig" : "quorum", now);
        counted += tell(now, false, &told);
    }
    assert_in_range(told, REFUSALS_BURST, REFUSALS_BURST + 10);
    assert_true(counted < 100000);
    counted += tell(now, true, &told); /* the service ends */
    assert_int_equal(counted, 100000);
    assert_null(refusals_next(&t, now, true));
}

static void who_floods_crowds_out_nobody(void **state)
{
    uint64_t told = 0;
    const struct refusal_slot *s;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        note(7, "sig", 0);
        (void)tell(0, false, &told);
    }
    note(8, "expired", 0);
    s = refusals_next(&t, 0, false);
    assert_non_null(s);
    assert_int_equal(s->uid, 8);
    assert_true(ts_str_eq_c(s->last.code, "expired"));
    assert_int_equal(s->left_out, 0);
}

/* As many as the settings can name and more: beyond, they share. */
static void more_uids_than_slots_lose_no_count(void **state)
{
    uint64_t told = 0, counted = 0;

    (void)state;
    for (uint32_t round = 0; round < 20; round++)
        for (uint32_t uid = 0; uid < 2 * REFUSALS_SLOTS; uid++) {
            note(uid, "key", 0);
            counted += tell(0, false, &told);
        }
    counted += tell(0, true, &told);
    assert_int_equal(counted, 20 * 2 * REFUSALS_SLOTS);
    /* once all is told and time has passed there is room for others */
    note(100000, "key", 1000 * S);
    assert_int_equal(tell(1000 * S, false, &told), 1);
}

static void what_it_says_is_copied_and_cut(void **state)
{
    char name[2 * TS_ID_MAX];
    struct refusal r = {.code = TS_STR_LIT("sig"),
                        .task = {name, sizeof(name)}};
    const struct refusal_slot *s;

    (void)state;
    memset(name, 'a', sizeof(name));
    refusals_note(&t, 1, &r, 0);
    memset(name, 'b', sizeof(name));
    s = refusals_next(&t, 0, false);
    assert_non_null(s);
    assert_int_equal(s->last.task.len, TS_ID_MAX);
    assert_int_equal(s->last.task.ptr[TS_ID_MAX - 1], 'a');
    assert_int_equal(s->last.user.len, 0);
}

#define T(f) cmocka_unit_test_setup(f, setup)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_few_are_all_told),
        T(a_flood_is_few_records_and_none_uncounted),
        T(who_floods_crowds_out_nobody),
        T(more_uids_than_slots_lose_no_count),
        T(what_it_says_is_copied_and_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
