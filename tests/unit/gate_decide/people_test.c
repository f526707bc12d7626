/*
 * A pending call is put to people, and decided again with what they lift. The
 * people of this test are a function: what the real ones may do is in
 * unit.approve and scenario.gate_approval.
 */
#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "proto/wire/mp_read.h"
#include "tests/lib/fault_mem.h"
#include "tests/lib/ts_test.h"

#define ALL    "permit (principal, action, resource);"
#define DELETE "deleting-needs-a-person"
/* The same name as the tenant's, and another one. */
#define OWN                                                                    \
    ALL "@id(\"" DELETE "\") @approval(\"confirm:2\") forbid (principal, "     \
        "action, resource) unless { context.approvals.contains(\"" DELETE      \
        "\") };"

static struct fixture fix;
static struct fix_result result;

struct office { /* what it was asked, and what it says */
    struct people_answer says;
    unsigned asked;
    uint32_t rules;
    char names[4][64];
    char classes[4][32];
    uint32_t counts[4];
    char resource[128];
    bool has_reason;
    struct ticket ticket; /* of an approval: rules alone */
};
static struct office office;

static void ask(void *ctx, const struct people_question *q,
                struct people_answer *ret)
{
    struct office *o = ctx;

    o->asked++;
    o->rules = q->rule_count;
    for (uint32_t i = 0; i < q->rule_count && i < 4; i++) {
        (void)snprintf(o->names[i], sizeof(o->names[i]), "%.*s",
                       (int)q->rules[i].policy.len, q->rules[i].policy.ptr);
        (void)snprintf(o->classes[i], sizeof(o->classes[i]), "%.*s",
                       (int)q->rules[i].class_id.len, q->rules[i].class_id.ptr);
        o->counts[i] = q->rules[i].count;
    }
    (void)snprintf(o->resource, sizeof(o->resource), "%.*s",
                   (int)q->resource.len, q->resource.ptr);
    o->has_reason = q->reasons[0].len > 0;
    *ret = o->says;
}

static const struct decide_people people = {.ctx = &office, .ask = ask};

static int setup(void **state)
{
    (void)state;
    memset(&office, 0, sizeof(office));
    fix_init(&fix);
    fix_add_starter(&fix, "acme", KEY_ISSUER, KEY_CODER);
    fix.past.strict = false;
    fix_load_ok(&fix);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fault_mem_disarm();
    fix_done(&fix);
    return 0;
}

static void decide_as(const char *block, const struct fix_call *c)
{
    struct fix_grant g = fix_alice;
    struct authority *a;

    g.policy = block;
    a = fix_authority(&fix, &g);
    fix_decide(&fix, a, c, &result);
    authority_free(a);
    assert_int_equal(result.e, TS_OK);
}

static void decide(const char *block)
{
    const struct fix_call c = {
        .tool = "fs.delete", .args = "path=x", .people = &people};

    decide_as(block, &c);
}

static void approve(const char *const *rules, uint32_t n)
{
    static struct ts_str names[1];

    names[0] = TS_STR_LIT("bob");
    office.says = (struct people_answer){.say = PEOPLE_APPROVED,
                                         .ticket = &office.ticket,
                                         .people = names,
                                         .people_count = 1};
    for (uint32_t i = 0; i < n; i++)
        office.ticket.rules[i].policy = ts_str_of(rules[i]);
    office.ticket.rule_count = n;
}

static void question_has_every_rule_once_by_its_source(void **state)
{
    (void)state;
    office.says = (struct people_answer){
        .say = PEOPLE_WAIT, .decision_id = {9}, .expires = 1234};
    decide(OWN);
    assert_int_equal(result.d.verdict, VERDICT_PENDING);
    assert_int_equal(office.asked, 1);
    assert_int_equal(office.rules, 2);
    assert_string_equal(office.names[0], DELETE);
    assert_string_equal(office.classes[0], "four-eyes");
    assert_int_equal(office.counts[0], 1);
    assert_string_equal(office.names[1], "block:0/" DELETE);
    assert_string_equal(office.classes[1], "confirm");
    assert_int_equal(office.counts[1], 2);
    assert_true(office.has_reason);
    assert_memory_equal(office.resource, "File::\"", 7);
    /* the agent hears of the question, and nothing of its rules or reasons */
    assert_int_equal(result.d.asked_id[0], 9);
    assert_int_equal(result.d.expires, 1234);
    assert_null(strstr(result.d.text, "second person"));
    assert_null(strstr(result.d.text, DELETE));
    assert_non_null(strstr(result.d.text, "decision 0900"));
    assert_int_equal(fix_record_get(&result, "ticket").len, 34);
}

/* Each subset of what is asked: only all of it permits, and no rule of one
 * source is lifted by the name of another. */
static void only_what_was_lifted_of_its_own_source_is_lifted(void **state)
{
    static const char *const names[] = {DELETE, "block:0/" DELETE,
                                        "block:1/" DELETE, "block:00/" DELETE};

    (void)state;
    for (unsigned set = 0; set < 16; set++) {
        const char *some[4];
        uint32_t n = 0;

        for (unsigned i = 0; i < 4; i++)
            if ((set >> i & 1) != 0)
                some[n++] = names[i];
        approve(some, n);
        decide(OWN);
        if ((set & 3) == 3) {
            assert_int_equal(result.d.verdict, VERDICT_PERMIT);
            assert_true(fix_record_is(&result, "effect", "permit"));
            assert_int_equal(fix_record_get(&result, "approved_by").len, 5);
        } else {
            assert_int_equal(result.d.verdict, VERDICT_DENY);
            assert_int_equal(result.d.code, CODE_APPROVAL_EXPIRED);
        }
    }
}

static void refusal_of_people_is_a_denial_with_their_code(void **state)
{
    static const enum call_code codes[] = {
        CODE_APPROVAL_DENIED, CODE_RATE_LIMITED, CODE_NOT_READY, CODE_INTERNAL};

    (void)state;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        office.says =
            (struct people_answer){.say = PEOPLE_REFUSED, .code = codes[i]};
        decide(ALL);
        assert_int_equal(result.d.verdict, VERDICT_DENY);
        assert_int_equal(result.d.code, codes[i]);
        assert_false(result.d.has_ticket);
        assert_int_equal(fix_record_get(&result, "ticket").len, 0);
    }
}

static void nobody_is_asked_by_a_check_or_where_it_is_denied(void **state)
{
    const struct fix_call check = {.tool = "fs.delete",
                                   .args = "path=x",
                                   .check_only = true,
                                   .people = &people};

    (void)state;
    office.says = (struct people_answer){.say = PEOPLE_WAIT};
    decide_as(ALL, &check);
    assert_int_equal(result.d.verdict, VERDICT_PENDING);
    decide(ALL "forbid (principal, action, resource);");
    assert_int_equal(result.d.verdict, VERDICT_DENY);
    assert_int_equal(office.asked, 0);
}

/* Too many rules for one question: nothing is asked, nothing permitted. */
static void more_rules_than_a_question_holds_is_a_denial(void **state)
{
    char block[4096] = ALL;
    size_t n = strlen(block);

    (void)state;
    for (int i = 0; i < TICKET_RULES_MAX; i++)
        n += (size_t)snprintf(
            block + n, sizeof(block) - n,
            "@id(\"r%d\") @approval(\"a\") forbid (principal, action, "
            "resource) unless { context.approvals.contains(\"r%d\") };",
            i, i);
    assert_true(n < sizeof(block));
    decide(block);
    assert_int_equal(result.d.verdict, VERDICT_DENY);
    assert_int_equal(result.d.code, CODE_BAD_ARGUMENTS);
    assert_int_equal(office.asked, 0);
}

static void more_people_than_a_question_asks_is_a_denial(void **state)
{
    char block[4096] = ALL;
    size_t n = strlen(block);

    (void)state;
    for (int i = 0; i < 4; i++)
        n += (size_t)snprintf(block + n, sizeof(block) - n,
                              "@id(\"r%d\") @approval(\"a:8\") forbid "
                              "(principal, action, resource);",
                              i);
    decide(block); /* with the tenant's one: 33 */
    assert_int_equal(result.d.code, CODE_BAD_ARGUMENTS);
    assert_int_equal(office.asked, 0);
}

/* What was counted when it was asked about is not counted again. */
static void call_that_waited_is_counted_once(void **state)
{
    struct fix_call c = {
        .tool = "fs.delete", .args = "path=x", .people = &people};
    static const char *const rule[] = {DELETE};

    (void)state;
    office.says = (struct people_answer){.say = PEOPLE_WAIT};
    decide_as(ALL, &c);
    approve(rule, 1);
    c.is_counted = true;
    for (int i = 0; i < 3; i++) {
        struct ts_bytes v;
        struct mp_reader r;

        decide_as(ALL, &c);
        assert_int_equal(result.d.verdict, VERDICT_PERMIT);
        v = fix_record_get(&result, "calls_1m");
        mp_reader_init(&r, v.ptr, v.len);
        assert_int_equal(mp_read_uint(&r, UINT64_MAX), 1);
    }
}

static void out_of_memory_is_never_a_permit_too_many(void **state)
{
    static const char *const rule[] = {DELETE, "block:0/" DELETE};
    struct fix_grant g = fix_alice;
    const struct fix_call c = {
        .tool = "fs.delete", .args = "path=x", .people = &people};
    struct authority *a;
    bool fired = true;

    (void)state;
    g.policy = OWN;
    a = fix_authority(&fix, &g);
    for (uint32_t lifted = 0; lifted <= 2; lifted++) {
        fired = true;
        for (int nth = 0; fired; nth++) {
            ts_arena_done(&fix.arena); /* so that it must allocate */
            ts_arena_init(&fix.arena, (size_t)8 << 20);
            approve(rule, lifted);
            fault_mem_arm(nth, false);
            fix_decide(&fix, a, &c, &result);
            fired = fault_mem_fired();
            fault_mem_disarm();
            if (lifted < 2)
                assert_int_not_equal(result.d.verdict, VERDICT_PERMIT);
            else if (!fired)
                assert_int_equal(result.d.verdict, VERDICT_PERMIT);
        }
    }
    authority_free(a);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(question_has_every_rule_once_by_its_source),
        T(only_what_was_lifted_of_its_own_source_is_lifted),
        T(refusal_of_people_is_a_denial_with_their_code),
        T(nobody_is_asked_by_a_check_or_where_it_is_denied),
        T(more_rules_than_a_question_holds_is_a_denial),
        T(more_people_than_a_question_asks_is_a_denial),
        T(call_that_waited_is_counted_once),
        T(out_of_memory_is_never_a_permit_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
