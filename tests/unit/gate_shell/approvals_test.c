/*
 * From a pending decision to a question in the table, with a gate that has no
 * sockets: what scenario.gate_approval cannot make fail. The people are
 * approvals_ask() itself.
 */
#include <string.h>

#include "fixture.h"
#include "tests/lib/fault_mem.h"
#include "tests/lib/ts_test.h"

#include "sidecar/gate/approve/ticket_context.h"
#include "sidecar/gate/asking/approvals_priv.h"
#include "sidecar/gate/wire/admin_tickets.h"

static struct fixture fix;
static struct fix_result result;
static struct gate gate;
static struct trust_secret key;

static int setup(void **state)
{
    uint8_t seed[32] = {9};

    (void)state;
    memset(&gate, 0, sizeof(gate));
    fix_init(&fix);
    fix_add_starter(&fix, "acme", KEY_ISSUER, KEY_CODER);
    fix.past.strict = false;
    fix_load_ok(&fix);
    assert_int_equal(trust_secret_from_seed(seed, &key), TS_OK);
    gate.key = key;
    gate.snapshot = fix.snapshot;
    gate.settings.sidecar_id = TS_STR_LIT("sidecar/local");
    gate.now = fix.now;
    gate.now_is_read = true;
    return approvals_new(&gate.approvals) == TS_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    fault_mem_disarm();
    approvals_free(gate.approvals);
    trust_secret_done(&key);
    fix_done(&fix);
    return 0;
}

static struct authority *an_authority(void)
{
    struct fix_grant g = fix_alice;

    g.policy = "permit (principal, action, resource);";
    return fix_authority(&fix, &g);
}

static struct approvals_call ask(const struct authority *a, const char *args)
{
    struct approvals_call x = {.g = &gate};
    const struct decide_people people = {.ctx = &x, .ask = approvals_ask};
    const struct fix_call c = {
        .tool = "fs.delete", .args = args, .people = &people};

    fix_decide(&fix, a, &c, &result);
    return x;
}

static void question_is_the_call_as_it_will_run(void **state)
{
    struct authority *a = an_authority();
    struct approvals_call x = ask(a, "path=x");
    const struct ticket *t = pending_ticket(x.asked);
    uint8_t args[64];
    size_t n = fix_args("path=x", args, sizeof(args));

    (void)state;
    assert_int_equal(result.d.verdict, VERDICT_PENDING);
    assert_int_equal(x.how, TICKET_ASKED_NEW);
    assert_int_equal(t->args.len, n);
    assert_memory_equal(t->args.ptr, args, n);
    assert_memory_equal(t->decision_id, result.d.id, 16);
    assert_memory_equal(pending_id(x.asked), result.d.ticket_id, 32);
    assert_true(ts_str_eq_c(t->tool, "fs.delete"));
    assert_int_equal(t->expires - t->created, 600);
    assert_true(pending_kept(x.asked) != NULL);
    /* the very same call is the same question */
    x = ask(a, "path=x");
    assert_int_equal(x.how, TICKET_ASKED_SAME);
    assert_memory_equal(result.d.asked_id, t->decision_id, 16);
    assert_int_equal(tickets_count(gate.approvals->tickets), 1);
    x = ask(a, "path=y");
    assert_int_equal(x.how, TICKET_ASKED_NEW);
    authority_free(a); /* the questions keep what they rest on */
    assert_int_equal(tickets_count(gate.approvals->tickets), 2);
}

static void without_a_key_nobody_is_asked(void **state)
{
    struct authority *a = an_authority();

    (void)state;
    gate.key = (struct trust_secret){0};
    (void)ask(a, "path=x");
    assert_int_equal(result.d.verdict, VERDICT_DENY);
    assert_int_equal(result.d.code, CODE_NOT_READY);
    assert_int_equal(tickets_count(gate.approvals->tickets), 0);
    authority_free(a);
}

static void other_rules_are_another_question(void **state)
{
    struct authority *a = an_authority();
    struct approvals_call x = ask(a, "path=x");
    uint64_t epoch = pending_ticket(x.asked)->policy_epoch;

    (void)state;
    fix.snapshot->generation++;
    x = ask(a, "path=x");
    assert_int_equal(x.how, TICKET_ASKED_NEW);
    assert_int_equal(pending_ticket(x.asked)->policy_epoch, epoch + 1);
    authority_free(a);
}

/* Any allocation fails: a denial or a whole question, and nothing is lost. */
static void out_of_memory_asks_whole_questions_or_none(void **state)
{
    struct authority *a = an_authority();
    bool fired = true;

    (void)state;
    for (int nth = 0; fired; nth++) {
        struct approvals_call x;

        fault_mem_arm(nth, false);
        x = ask(a, "path=x");
        fired = fault_mem_fired();
        fault_mem_disarm();
        if (result.e == TS_OK && result.d.verdict == VERDICT_PENDING) {
            assert_non_null(x.asked);
            assert_non_null(pending_kept(x.asked));
            tickets_end(gate.approvals->tickets, x.asked, TICKET_END_WITHDRAWN,
                        0);
        } else {
            assert_null(x.asked);
            assert_int_equal(result.d.verdict, VERDICT_DENY);
        }
        assert_int_equal(tickets_count(gate.approvals->tickets), 0);
    }
    assert_int_equal(result.d.verdict, VERDICT_PENDING);
    authority_free(a);
}

static struct ticket_context told(const struct approvals_call *x)
{
    const struct ticket *t = pending_ticket(x->asked);
    struct ticket_context c;

    assert_int_equal(ticket_context_decode(t->context, t->rule_count, &c),
                     TS_OK);
    return c;
}

/* Nothing is known of the task here: that is said, and nothing that would need
 * to be known. */
static void what_is_not_known_is_not_told(void **state)
{
    struct authority *a = an_authority();
    struct approvals_call x = ask(a, "path=x");
    struct ticket_context c = told(&x);

    (void)state;
    assert_true(c.lost && c.tainted);
    assert_false(c.has_level || c.secrets || c.first_tool || c.first_action ||
                 c.first_resource);
    assert_true(ts_str_eq_c(c.origin, "unknown"));
    assert_int_equal(c.arg_count, 1);
    assert_true(ts_str_eq_c(c.args[0].arg, "/path"));
    assert_int_equal(c.args[0].source, TICKET_SOURCE_UNKNOWN);
    assert_false(c.args[0].is_new);
    assert_int_equal(c.asked_minute, 1);
    x = ask(a, "path=y");
    c = told(&x);
    assert_int_equal(c.asked_minute, 2);
    assert_int_equal(c.asked_hour, 2);
    authority_free(a);
}

/* A wait that finds no memory or no place is over at once, and counts nothing.
 */
static void a_call_is_held_whole_or_not_at_all(void **state)
{
    static const uint8_t call[] = {1, 2, 3};
    const struct ts_bytes body = {call, sizeof(call)};
    struct authority *a = an_authority();
    struct approvals_call x = ask(a, "path=x");
    static struct client c;

    (void)state;
    memset(&c, 0, sizeof(c));
    c.gate = &gate;
    fault_mem_arm(0, false);
    assert_false(held_add(&c, 1, body, 1000, x.asked));
    assert_true(fault_mem_fired());
    fault_mem_disarm();
    assert_int_equal(approvals_held(&gate), 0);
    assert_int_equal(c.held_count, 0);
    for (uint32_t i = 0; i < HELD_PER_TICKET; i++)
        assert_true(held_add(&c, i + 1, body, 1000, x.asked));
    assert_false(held_add(&c, 9, body, 1000, x.asked));
    assert_int_equal(approvals_held(&gate), HELD_PER_TICKET);
    assert_int_equal(c.held_count, HELD_PER_TICKET);
    assert_int_equal(gate.approvals->held_bytes,
                     HELD_PER_TICKET * sizeof(call));
    authority_free(a);
}

static uint32_t frames_in(const struct ts_buf *b, uint8_t kind)
{
    const uint8_t *p = ts_buf_bytes(b);
    uint32_t n = 0;

    for (size_t at = 0; at + 5 <= b->len;) {
        size_t len = (size_t)p[at] << 24 | (size_t)p[at + 1] << 16 |
                     (size_t)p[at + 2] << 8 | p[at + 3];

        n += p[at + 4] == kind;
        at += 5 + len;
    }
    return n;
}

/* Any allocation fails: the list goes on where it was, each question once. */
static void without_memory_no_question_is_left_out_of_the_list(void **state)
{
    struct authority *a = an_authority();
    bool fired = true, more;

    (void)state;
    (void)ask(a, "path=x");
    (void)ask(a, "path=y");
    for (int nth = 0; fired; nth++) {
        struct admin_watch w = {.listing = true, .everything = true};
        struct ts_buf first, rest;
        ts_err e;

        ts_buf_init(&first, 1u << 20);
        ts_buf_init(&rest, 1u << 20);
        fault_mem_arm(nth, false);
        e = admin_watch_pump(&gate, 0, &w, &first, &more);
        fired = fault_mem_fired();
        fault_mem_disarm();
        assert_true(e == TS_E_NOMEM || (e == TS_OK && !fired));
        assert_int_equal(admin_watch_pump(&gate, 0, &w, &rest, &more), TS_OK);
        assert_int_equal(frames_in(&first, ADMIN_TICKET) +
                             frames_in(&rest, ADMIN_TICKET),
                         2);
        assert_int_equal(frames_in(&first, ADMIN_TICKETS_END) +
                             frames_in(&rest, ADMIN_TICKETS_END),
                         1);
        ts_buf_done(&first);
        ts_buf_done(&rest);
    }
    authority_free(a);
}

static ts_err one_life(const void *arg)
{
    struct approvals *own;
    ts_err e = approvals_new(&own);

    (void)arg;
    if (e == TS_OK)
        approvals_free(own);
    return e;
}

static void without_memory_there_is_no_table(void **state)
{
    (void)state;
    fault_mem_sweep(one_life, NULL, TS_OK, 4);
    approvals_free(NULL);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(question_is_the_call_as_it_will_run),
        T(without_a_key_nobody_is_asked),
        T(other_rules_are_another_question),
        T(out_of_memory_asks_whole_questions_or_none),
        T(what_is_not_known_is_not_told),
        T(a_call_is_held_whole_or_not_at_all),
        T(without_memory_no_question_is_left_out_of_the_list),
        T(without_memory_there_is_no_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
