/* What the journal keeps of an escalation. */
#include "tests/lib/ts_test.h"

#include <string.h>

#include "sidecar/gate/escalate/escalation_journal.h"

static struct escalation_entry sample(void)
{
    return (struct escalation_entry){
        .id = {0xe5},
        .body = {0xb0},
        .tenant = TS_STR_LIT("acme"),
        .user = TS_STR_LIT("alice"),
        .agent = TS_STR_LIT("coder/tester"),
        .task = TS_STR_LIT("inc-17"),
        .expires = 1700000000,
        .used = 3,
        .max_uses = 5,
        .ended = true,
        .unix_ms = 1699999999000,
        .people = {TS_STR_LIT("bob"), TS_STR_LIT("carol")},
        .people_count = 2,
        .reason = TS_STR_LIT("it is down"),
        .incident = TS_STR_LIT("INC-17")};
}

static void an_entry_comes_back_as_it_was_written(void **state)
{
    const struct escalation_entry a = sample();
    uint8_t buf[ESCALATION_PAYLOAD_MAX];
    struct escalation_entry b;
    const char *what = NULL;
    size_t n;

    (void)state;
    assert_int_equal(escalation_entry_encode(&a, buf, sizeof(buf), &n), TS_OK);
    assert_int_equal(escalation_entry_decode(buf, n, &b, &what), TS_OK);
    assert_memory_equal(a.id, b.id, sizeof(a.id));
    assert_memory_equal(a.body, b.body, sizeof(a.body));
    assert_true(ts_str_eq(a.agent, b.agent) && ts_str_eq(a.task, b.task));
    assert_true(b.used == 3 && b.max_uses == 5 && b.ended);
    assert_true(b.people_count == 2 && ts_str_eq_c(b.people[1], "carol"));
}

static void whatever_is_read_is_written_the_same_or_refused(void **state)
{
    const struct escalation_entry a = sample();
    uint8_t buf[ESCALATION_PAYLOAD_MAX], again[ESCALATION_PAYLOAD_MAX];
    struct escalation_entry b;
    const char *what = NULL;
    size_t n, m, read = 0;

    (void)state;
    assert_int_equal(escalation_entry_encode(&a, buf, sizeof(buf), &n), TS_OK);
    for (size_t i = 0; i < n; i++)
        assert_int_not_equal(escalation_entry_decode(buf, i, &b, &what), TS_OK);
    for (size_t i = 0; i < 8 * n; i++) {
        buf[i / 8] ^= (uint8_t)(1u << i % 8);
        if (escalation_entry_decode(buf, n, &b, &what) == TS_OK) {
            assert_true(b.used <= b.max_uses && b.people_count > 0);
            assert_int_equal(
                escalation_entry_encode(&b, again, sizeof(again), &m), TS_OK);
            assert_int_equal(m, n);
            assert_memory_equal(again, buf, n);
            read++;
        }
        buf[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    assert_true(read > 0);
}

static void nothing_impossible_is_written(void **state)
{
    uint8_t buf[ESCALATION_PAYLOAD_MAX];
    size_t n = 0;

    (void)state;
    for (int i = 0; i < 6; i++) {
        struct escalation_entry a = sample();

        switch (i) {
        case 0:
            a.used = a.max_uses + 1;
            break;
        case 1:
            a.max_uses = 0;
            a.used = 0;
            break;
        case 2:
            a.max_uses = ESCALATION_USES_MAX + 1;
            break;
        case 3:
            a.people_count = 0;
            break;
        case 4:
            a.people[1] = TS_STR_LIT("not an id");
            break;
        default:
            a.tenant = TS_STR_LIT("");
            break;
        }
        assert_int_equal(escalation_entry_encode(&a, buf, sizeof(buf), &n),
                         TS_E_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_comes_back_as_it_was_written),
        cmocka_unit_test(whatever_is_read_is_written_the_same_or_refused),
        cmocka_unit_test(nothing_impossible_is_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
