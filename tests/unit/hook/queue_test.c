/* Which questions start a command, in which order, and how many. */
#include "tests/lib/ts_test.h"

#include <string.h>

#include "sidecar/hook/queue.h"
#include "tests/lib/fault_mem.h"

static struct hook_queue *q;

static int setup(void **state)
{
    (void)state;
    return hook_queue_new(60, 0, &q) == TS_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    fault_mem_disarm();
    hook_queue_free(q);
    return 0;
}

static void id_of(uint32_t n, uint8_t id[16])
{
    memset(id, 0, 16);
    memcpy(id, &n, sizeof(n));
}

static void ask(const char *tenant, uint32_t n)
{
    static const uint8_t object[3] = {1, 2, 3};
    uint8_t id[16];

    id_of(n, id);
    assert_int_equal(hook_queue_ask(q, ts_str_of(tenant), id,
                                    (struct ts_bytes){object, sizeof(object)}),
                     TS_OK);
}

static void news(uint32_t n, const char *what)
{
    struct admin_ticket_news m = {
        .tenant = TS_STR_LIT("acme"), .what = ts_str_of(what), .people = 2};

    id_of(n, m.decision_id);
    hook_queue_news(q, &m);
}

static void expect_at(uint64_t now, enum hook_event event, uint32_t n)
{
    struct hook_job j;
    uint8_t id[16];

    id_of(n, id);
    assert_true(hook_queue_next(q, now, &j));
    assert_int_equal(j.event, event);
    assert_memory_equal(j.decision_id, id, 16);
    assert_int_equal(event == HOOK_PENDING, j.object != NULL);
    hook_job_done(&j);
}

static void expect_none(uint64_t now)
{
    struct hook_job j;

    assert_false(hook_queue_next(q, now, &j));
}

static void a_question_is_told_once_and_then_its_end(void **state)
{
    (void)state;
    expect_none(0);
    assert_true(hook_queue_due(q, 5) == UINT64_MAX);
    ask("acme", 1);
    assert_int_equal(hook_queue_due(q, 5), 5);
    expect_at(5, HOOK_PENDING, 1);
    expect_none(5);
    news(1, "answered");
    expect_none(5);
    news(1, "granted");
    assert_int_equal(hook_queue_due(q, 6), 6);
    expect_at(6, HOOK_APPROVED, 1);
    news(1, "taken"); /* it was told already */
    expect_none(7);
}

static void every_end_has_its_event(void **state)
{
    static const struct {
        const char *what;
        enum hook_event event;
    } rows[] = {{"granted", HOOK_APPROVED},
                {"taken", HOOK_APPROVED},
                {"denied", HOOK_DENIED},
                {"expired", HOOK_EXPIRED},
                {"withdrawn", HOOK_WITHDRAWN},
                {"revoked", HOOK_WITHDRAWN},
                {"policies_changed", HOOK_WITHDRAWN}};

    (void)state;
    for (uint32_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ask("acme", 100 + i);
        expect_at(i, HOOK_PENDING, 100 + i);
        news(100 + i, rows[i].what);
        expect_at(i, rows[i].event, 100 + i);
    }
}

static void what_ends_before_it_is_told_is_not_told(void **state)
{
    (void)state;
    ask("acme", 1);
    news(1, "expired");
    expect_none(0);
    news(2, "denied"); /* never heard of */
    expect_none(0);
}

/* 60 a minute are one a second, after ten at once. */
static void starts_are_limited_by_the_minute_but_ends_are_not(void **state)
{
    uint32_t n = 0;

    (void)state;
    for (uint32_t i = 0; i < 16; i++)
        ask("acme", i);
    for (; n < HOOK_BURST; n++)
        expect_at(0, HOOK_PENDING, n);
    expect_none(0);
    assert_int_equal(hook_queue_due(q, 0), 1000);
    expect_none(999);
    news(3, "expired");
    expect_at(999, HOOK_EXPIRED, 3);
    expect_at(1000, HOOK_PENDING, n++);
    expect_none(1000);
    expect_at(2500, HOOK_PENDING, n++);
    expect_at(3000, HOOK_PENDING, n++);
    expect_none(3000);
    for (; n < 16; n++) /* a long time gives no more than the burst */
        expect_at(1000000, HOOK_PENDING, n);
}

static void a_flood_of_one_tenant_is_counted_and_leaves_room(void **state)
{
    struct hook_job j;

    (void)state;
    for (uint32_t i = 0; i < 10000; i++)
        ask("acme", i);
    assert_int_equal(hook_queue_left_out(q), 10000 - HOOK_TENANT_MAX);
    ask("beta", 20000);
    ask("beta", 20001);
    assert_int_equal(hook_queue_left_out(q), 10000 - HOOK_TENANT_MAX);
    assert_true(hook_queue_next(q, 0, &j)); /* says how many there are */
    assert_int_equal(j.more, 10000 - HOOK_TENANT_MAX);
    assert_int_equal(j.decision_id[0], 0);
    hook_job_done(&j);
    expect_at(0, HOOK_PENDING, 20000); /* turns */
    assert_true(hook_queue_next(q, 0, &j));
    assert_int_equal(j.more, 0); /* it was said */
    assert_int_equal(j.decision_id[0], 1);
    hook_job_done(&j);
    expect_at(0, HOOK_PENDING, 20001);
}

static void many_tenants_fill_the_queue_and_no_more(void **state)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f"};

    (void)state;
    for (uint32_t i = 0; i < 6 * HOOK_TENANT_MAX; i++)
        ask(names[i % 6], i);
    assert_int_equal(hook_queue_left_out(q),
                     6 * HOOK_TENANT_MAX - HOOK_QUEUED_MAX);
}

/* The oldest of those that were told is forgotten, and its end not told. */
static void more_than_can_be_remembered_are_forgotten(void **state)
{
    (void)state;
    for (uint32_t i = 0; i <= HOOK_TOLD_MAX; i++) {
        ask("acme", i);
        expect_at(60000 * (uint64_t)i, HOOK_PENDING, i);
    }
    news(0, "expired");
    expect_none(0);
    news(1, "expired");
    expect_at(0, HOOK_EXPIRED, 1);
    news(HOOK_TOLD_MAX, "expired");
    expect_at(0, HOOK_EXPIRED, HOOK_TOLD_MAX);
}

static void without_memory_it_is_left_out(void **state)
{
    static const uint8_t id[16], object[1];
    struct hook_queue *other = NULL;

    (void)state;
    fault_mem_arm(0, false);
    assert_int_equal(
        hook_queue_ask(q, TS_STR_LIT("acme"), id, (struct ts_bytes){object, 1}),
        TS_E_NOMEM);
    fault_mem_arm(0, false);
    assert_int_equal(hook_queue_new(1, 0, &other), TS_E_NOMEM);
    assert_null(other);
    fault_mem_disarm();
    assert_int_equal(hook_queue_left_out(q), 1);
    expect_none(0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_question_is_told_once_and_then_its_end),
        T(every_end_has_its_event),
        T(what_ends_before_it_is_told_is_not_told),
        T(starts_are_limited_by_the_minute_but_ends_are_not),
        T(a_flood_of_one_tenant_is_counted_and_leaves_room),
        T(many_tenants_fill_the_queue_and_no_more),
        T(more_than_can_be_remembered_are_forgotten),
        T(without_memory_it_is_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
