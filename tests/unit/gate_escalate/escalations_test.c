/* Which escalations are in force, for whom, how often and until when. */
#include "tests/lib/ts_test.h"

#include <string.h>

#include "proto/base/ts_buf.h"
#include "sidecar/gate/escalate/escalations.h"
#include "tests/lib/fault_mem.h"

#define S UINT64_C(1000000000)

static struct escalations t;
static const struct ts_str acme = {"acme", 4}, alice = {"alice", 5},
                           coder = {"coder", 5};

static int setup(void **state)
{
    (void)state;
    t = (struct escalations){.count = 0};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fault_mem_disarm();
    escalations_done(&t);
    return 0;
}

static struct escalation signed_one(uint8_t id, const char *task)
{
    return (struct escalation){.id = {id},
                               .tenant = acme,
                               .user = alice,
                               .agent = coder,
                               .task = ts_str_of(task),
                               .lifts = {TS_STR_LIT("freeze")},
                               .lift_count = 1,
                               .nbf = 1000,
                               .exp = 1600,
                               .max_uses = 2,
                               .reason = TS_STR_LIT("production is down")};
}

static struct escalation_entry entry_of(const struct escalation *e)
{
    struct escalation_entry a = {.tenant = e->tenant,
                                 .user = e->user,
                                 .agent = e->agent,
                                 .task = e->task,
                                 .expires = e->exp,
                                 .max_uses = e->max_uses,
                                 .people = {TS_STR_LIT("bob")},
                                 .people_count = 1,
                                 .reason = e->reason};

    memcpy(a.id, e->id, sizeof(a.id));
    return a;
}

/* One that is there comes into force, signed by these people. */
static ts_err start_signed(struct escalated *x, const struct escalation *e,
                           const struct escalation_signers *by)
{
    struct escalation_object o = {.sig_count = 0};
    struct ts_buf body, object;
    ts_err err;

    ts_buf_init(&body, ESCALATION_BODY_MAX);
    ts_buf_init(&object, ESCALATION_MAX);
    err = escalation_body(e, &body);
    o.body = (struct ts_bytes){ts_buf_bytes(&body), body.len};
    if (err == TS_OK)
        err = escalation_join(&o, NULL, (struct ts_bytes){NULL, 0}, &object);
    if (err == TS_OK)
        err = escalated_start(
            x, (struct ts_bytes){ts_buf_bytes(&object), object.len}, by, NULL,
            600 * S, 1);
    ts_buf_done(&body);
    ts_buf_done(&object);
    return err;
}

static ts_err start(struct escalations *to, const struct escalation *e,
                    struct escalated **ret)
{
    const struct escalation_signers by = {.people = {TS_STR_LIT("bob")},
                                          .count = 1};
    const struct escalation_entry info = entry_of(e);
    ts_err err = escalations_add(to, &info, ret);

    return err == TS_OK ? start_signed(*ret, e, &by) : err;
}

static struct escalated *in_force(uint8_t id, const char *task)
{
    const struct escalation e = signed_one(id, task);
    struct escalated *x = NULL;

    assert_int_equal(start(&t, &e, &x), TS_OK);
    return x;
}

static bool none_runs(void *ctx, const struct escalated *x)
{
    (void)ctx;
    return x == NULL;
}

static bool one_runs(void *ctx, const struct escalated *x)
{
    (void)ctx;
    return x != NULL;
}

static const struct escalated *find(struct ts_str user, const char *leaf,
                                    const char *task, uint64_t ns)
{
    return escalations_for(&t, acme, user, ts_str_of(leaf), ts_str_of(task),
                           ns);
}

static void it_is_found_for_exactly_what_was_signed(void **state)
{
    const struct escalated *x = in_force(1, "t1");

    (void)state;
    assert_ptr_equal(find(alice, "coder", "t1", 0), x);
    assert_ptr_equal(find(alice, "coder/sub", "t1", 0), x);
    assert_null(find(alice, "code", "t1", 0));
    assert_null(find(alice, "coderx", "t1", 0));
    assert_null(find(alice, "coder", "t2", 0));
    assert_null(find(coder, "coder", "t1", 0));
    assert_null(escalations_for(&t, coder, alice, coder, TS_STR_LIT("t1"), 0));
}

/* By the boot clock: whatever the wall clock says meanwhile. */
static void its_end_is_a_moment_of_the_boot_clock(void **state)
{
    struct escalated *x = in_force(1, "t1");

    (void)state;
    assert_non_null(find(alice, "coder", "t1", 600 * S - 1));
    assert_null(find(alice, "coder", "t1", 600 * S));
    assert_false(escalations_sweep(&t, 599 * S, 1u << 30, none_runs, NULL));
    assert_true(escalations_sweep(&t, 600 * S, 0, none_runs, NULL));
    assert_true(x->state == ESCALATION_ENDING &&
                x->end == ESCALATION_END_EXPIRED);
    x = in_force(2, "t2");
    escalations_sooner(&t, 100 * S);
    assert_non_null(find(alice, "coder", "t2", 499 * S));
    assert_null(find(alice, "coder", "t2", 500 * S));
}

static void uses_are_as_many_as_were_signed(void **state)
{
    struct escalated *x = in_force(1, "t1");

    (void)state;
    escalated_use(x);
    assert_non_null(find(alice, "coder", "t1", 0));
    escalated_use(x);
    assert_null(find(alice, "coder", "t1", 0));
    assert_int_equal(x->state, ESCALATION_USED_UP);
    assert_false(escalations_sweep(&t, 0, 0, one_runs, NULL)); /* it goes on */
    assert_true(escalations_sweep(&t, 0, 0, none_runs, NULL));
    assert_int_equal(x->end, ESCALATION_END_USED_UP);
    escalated_end(x, ESCALATION_END_REVOKED);
    assert_int_equal(x->end, ESCALATION_END_USED_UP); /* the first stays */
}

static void agents_above_and_below_are_in_the_way(void **state)
{
    struct escalation e = signed_one(2, "t1");
    const struct escalated *x = in_force(1, "t1");

    (void)state;
    assert_ptr_equal(escalations_overlap(&t, &e), x);
    e.agent = TS_STR_LIT("coder/sub");
    assert_ptr_equal(escalations_overlap(&t, &e), x);
    e.agent = TS_STR_LIT("other");
    assert_null(escalations_overlap(&t, &e));
    e = signed_one(2, "t2");
    assert_null(escalations_overlap(&t, &e));
    e = signed_one(1, "t1"); /* itself */
    assert_null(escalations_overlap(&t, &e));
}

/* Two that a restart interrupted, and one of them brought again: the other is
 * no curtain for it. */
static void interrupted_one_hides_none_in_force(void **state)
{
    const struct escalation old = signed_one(1, "t1"), e = signed_one(3, "t1");
    const struct escalation_entry interrupted = entry_of(&old);
    const struct escalated *x = in_force(2, "t1");
    struct escalated *ending;

    (void)state;
    assert_int_equal(escalations_replay(&t, &interrupted), TS_OK);
    assert_ptr_equal(escalations_overlap(&t, &e), x);
    ending = in_force(4, "t1");
    escalated_end(ending, ESCALATION_END_REVOKED);
    assert_ptr_equal(escalations_overlap(&t, &e), x);
}

/* The same words with other signatures: those who stand behind it now are asked
 * whether an agent of a call is their own. */
static void brought_again_it_is_of_those_who_signed_now(void **state)
{
    static char names[] = "carol\0dave";
    const struct escalation_signers by = {
        .people = {{names, 5}, {names + 6, 4}}, .count = 2};
    const struct escalation e = signed_one(1, "t1");
    const struct escalation_entry a = entry_of(&e);
    struct escalated *x;

    (void)state;
    assert_int_equal(escalations_replay(&t, &a), TS_OK);
    x = escalations_find(&t, acme, e.id);
    assert_int_equal(start_signed(x, &e, &by), TS_OK);
    memset(names, 'x', sizeof(names)); /* they were copied */
    assert_int_equal(x->info.people_count, 2);
    assert_true(ts_str_eq_c(x->info.people[0], "carol"));
    assert_true(ts_str_eq_c(x->info.people[1], "dave"));
}

static void a_tenant_has_four(void **state)
{
    static const char *const tasks[] = {"a", "b", "c", "d", "e"};
    struct escalated *x;
    struct escalation e = signed_one(9, tasks[4]);

    (void)state;
    for (uint8_t i = 0; i < ESCALATIONS_PER_TENANT; i++)
        (void)in_force(i, tasks[i]);
    assert_int_equal(start(&t, &e, &x), TS_E_LIMIT);
    assert_int_equal(t.count, ESCALATIONS_PER_TENANT);
    e.tenant = TS_STR_LIT("beta");
    assert_int_equal(start(&t, &e, &x), TS_OK);
}

static void the_journal_brings_back_uses_and_no_force(void **state)
{
    const struct escalation e = signed_one(1, "t1");
    struct escalation_entry a = entry_of(&e);
    const struct escalated *x;

    (void)state;
    assert_int_equal(escalations_replay(&t, &a), TS_OK);
    a.used = 1;
    assert_int_equal(escalations_replay(&t, &a), TS_OK);
    a.used = 0; /* an older one: uses never fall */
    assert_int_equal(escalations_replay(&t, &a), TS_OK);
    x = escalations_find(&t, acme, e.id);
    assert_true(x != NULL && x->info.used == 1 && t.count == 1);
    assert_int_equal(x->state, ESCALATION_INTERRUPTED);
    assert_null(find(alice, "coder", "t1", 0));
    assert_false(escalations_sweep(&t, 1u << 30, 1599, none_runs, NULL));
    assert_true(escalations_sweep(&t, 0, 1600, none_runs, NULL));
    a.ended = true;
    assert_int_equal(escalations_replay(&t, &a), TS_OK);
    assert_int_equal(t.count, 0);
    assert_int_equal(escalations_replay(&t, &a), TS_OK); /* it alone */
    assert_int_equal(t.count, 0);
}

/* What a restart interrupted may be brought wrongly for as long as it lives:
 * that takes nothing of what it needs when it is brought rightly. */
static void failed_starts_leave_nothing_behind(void **state)
{
    static char policies[ESCALATION_POLICIES_MAX];
    const struct escalation_signers by = {
        .people = {TS_STR_LIT("carol"), TS_STR_LIT("dave")}, .count = 2};
    struct escalation e = signed_one(1, "t1");
    const struct escalation_entry a = entry_of(&e);
    struct escalated *x;
    int failed = 0;

    (void)state;
    memset(policies, ' ', sizeof(policies)); /* as long as it may be */
    e.policies = (struct ts_str){policies, sizeof(policies)};
    assert_int_equal(escalations_replay(&t, &a), TS_OK);
    x = escalations_find(&t, acme, e.id);
    for (int nth = 0; failed < 100; nth = nth < 12 ? nth + 1 : 0) {
        int live;
        ts_err err;

        fault_mem_arm(nth, true);
        live = fault_mem_live();
        err = start_signed(x, &e, &by);
        if (!fault_mem_fired()) {
            fault_mem_disarm();
            assert_int_equal(err, TS_OK);
            x->state = ESCALATION_INTERRUPTED; /* and once more */
            nth = -1;
            continue;
        }
        assert_int_equal(fault_mem_live(), live);
        fault_mem_disarm();
        assert_int_equal(err, TS_E_NOMEM);
        assert_int_equal(x->state, ESCALATION_INTERRUPTED);
        failed++;
    }
    for (int i = 0; i < 100; i++) { /* nor do those that succeed */
        assert_int_equal(start_signed(x, &e, &by), TS_OK);
        assert_true(ts_str_eq_c(x->info.people[1], "dave"));
        assert_true(ts_str_eq_c(x->e.task, "t1"));
    }
}

static ts_err make_one(const void *arg)
{
    const struct escalation e = signed_one(1, "t1");
    struct escalations own = {.count = 0};
    struct escalated *x;
    ts_err err = start(&own, &e, &x);

    (void)arg;
    escalations_done(&own);
    return err;
}

static void without_memory_there_is_none(void **state)
{
    (void)state;
    fault_mem_sweep(make_one, NULL, TS_OK, 4);
}

static void every_name_is_a_word(void **state)
{
    (void)state;
    for (int i = 0; i < ESCALATION_STATE_COUNT_; i++)
        assert_true(strlen(escalation_state_name((enum escalation_state)i)) >
                    3);
    for (int i = 0; i < ESCALATION_END_COUNT_; i++)
        assert_true(strlen(escalation_end_name((enum escalation_end)i)) > 3);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(it_is_found_for_exactly_what_was_signed),
        T(its_end_is_a_moment_of_the_boot_clock),
        T(uses_are_as_many_as_were_signed),
        T(agents_above_and_below_are_in_the_way),
        T(interrupted_one_hides_none_in_force),
        T(brought_again_it_is_of_those_who_signed_now),
        T(a_tenant_has_four),
        T(the_journal_brings_back_uses_and_no_force),
        T(failed_starts_leave_nothing_behind),
        T(without_memory_there_is_none),
        T(every_name_is_a_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
