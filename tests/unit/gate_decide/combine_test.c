#include <stdio.h>
#include <string.h>

#include "sidecar/gate/decide/decide.h"
#include "tests/lib/ts_test.h"

/* combine() over every combination of what a set can answer. */

static const char text[] = "@id(\"hard\") forbid (principal, action, resource);"
                           "@id(\"soft\") @approval(\"four-eyes:1\")"
                           " forbid (principal, action, resource);"
                           "@id(\"p\") permit (principal, action, resource);";
enum {
    HARD = 0,
    SOFT = 1,
    PERMIT = 2
};

static struct cedar_policies *policies;

static int setup(void **state)
{
    struct cedar_source s = {"t", {text, sizeof(text) - 1}};
    struct cedar_options o = cedar_options_default;
    struct cedar_diags d = {0};

    (void)state;
    o.require_id = true;
    return cedar_policies_parse(&s, 1, &o, &policies, &d) == TS_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    cedar_policies_free(policies);
    return 0;
}

/* What one set can say: which forbids hold, whether a permit does, and errors
 * in a permit or in a forbid. 2 * 2 * 2 * 2 * 2 answers. */
struct shape {
    bool hard, soft, permit, permit_error, forbid_error;
};
#define SHAPES 32

static struct shape shape_of(unsigned n)
{
    return (struct shape){(n & 1) != 0, (n & 2) != 0, (n & 4) != 0,
                          (n & 8) != 0, (n & 16) != 0};
}

/* The rules, written down a second time and in another way. */
static struct combined expected(struct shape s)
{
    if (s.forbid_error)
        return (struct combined){VERDICT_DENY, CODE_POLICY_ERROR};
    if (s.hard)
        return (struct combined){VERDICT_DENY, CODE_FORBIDDEN};
    if (s.soft && s.permit && !s.permit_error)
        return (struct combined){VERDICT_PENDING, CODE_APPROVAL_REQUIRED};
    if (s.soft && s.permit)
        return (struct combined){VERDICT_DENY, CODE_FORBIDDEN};
    if (!s.permit)
        return (struct combined){VERDICT_DENY, CODE_DENIED};
    return (struct combined){VERDICT_PERMIT, CODE_PERMITTED};
}

struct answer {
    uint32_t reasons[2], permits[1];
    struct cedar_error errors[2];
    struct set_result set;
};

static void answer_of(struct shape s, struct answer *a)
{
    uint32_t n = 0, errors = 0;

    *a = (struct answer){0};
    if (s.hard)
        a->reasons[n++] = HARD;
    if (s.soft)
        a->reasons[n++] = SOFT;
    a->permits[0] = PERMIT;
    if (n == 0 && s.permit)
        a->reasons[n++] = PERMIT;
    if (s.permit_error)
        a->errors[errors++].policy = PERMIT;
    if (s.forbid_error)
        a->errors[errors++].policy = HARD;
    a->set = (struct set_result){
        .set_name = "x",
        .policies = policies,
        .answer = {.decision = s.permit && !s.hard && !s.soft ? CEDAR_ALLOW
                                                              : CEDAR_DENY,
                   .reasons = a->reasons,
                   .reason_count = n,
                   .satisfied_permits = a->permits,
                   .permit_count = s.permit,
                   .errors = a->errors,
                   .error_count = errors,
                   .forbid_error = s.forbid_error}};
}

static void combine_one_set_follows_the_rules(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SHAPES; i++) {
        struct answer a;
        struct combined got, want = expected(shape_of(i));

        answer_of(shape_of(i), &a);
        got = combine(&a.set, 1);
        if (got.verdict != want.verdict || got.code != want.code)
            fail_msg("shape %u: %d %s", i, (int)got.verdict,
                     call_code_name(got.code));
    }
}

static void combine_two_sets_gives_the_worse(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SHAPES; i++)
        for (unsigned j = 0; j < SHAPES; j++) {
            struct answer a, b;
            struct set_result both[2];
            struct combined one = expected(shape_of(i)),
                            two = expected(shape_of(j)), got;

            answer_of(shape_of(i), &a);
            answer_of(shape_of(j), &b);
            both[0] = a.set;
            both[1] = b.set;
            got = combine(both, 2);
            assert_int_equal(got.verdict, one.verdict < two.verdict
                                              ? one.verdict
                                              : two.verdict);
            assert_true(got.code == one.code || got.code == two.code);
            assert_int_equal(got.verdict == VERDICT_PERMIT,
                             got.code == CODE_PERMITTED);
        }
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* The reason why a delegation needs no subset check. */
static void combine_one_more_set_never_helps(void **state)
{
    uint32_t seed = 7;

    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        struct answer a[17];
        struct set_result sets[17];
        enum verdict last = VERDICT_PERMIT;
        uint32_t n = 1 + next_random(&seed) % 17;

        for (uint32_t i = 0; i < n; i++) {
            /* mostly permits, so that long lists get past the first */
            unsigned shape =
                next_random(&seed) % 3 ? 4 : next_random(&seed) % SHAPES;
            enum verdict now;

            answer_of(shape_of(shape), &a[i]);
            sets[i] = a[i].set;
            now = combine(sets, i + 1).verdict;
            assert_true(now <= last);
            last = now;
        }
    }
}

static void combine_nothing_is_a_denial(void **state)
{
    struct combined c = combine(NULL, 0);

    (void)state;
    assert_int_equal(c.verdict, VERDICT_DENY);
    assert_int_equal(c.code, CODE_INTERNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(combine_one_set_follows_the_rules),
        cmocka_unit_test(combine_two_sets_gives_the_worse),
        cmocka_unit_test(combine_one_more_set_never_helps),
        cmocka_unit_test(combine_nothing_is_a_denial),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
