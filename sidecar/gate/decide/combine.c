#include "sidecar/gate/decide/decide.h"

#include "proto/base/ts_require.h"

/*
 * From Cedar's answers to one verdict. Cedar skips a policy that raises an
 * error; for a forbid that would mean "could not tell" is read as "does not
 * apply", so here a forbid in error always denies.
 */

/* A forbid without the annotation is a guardrail that nobody can lift. */
static bool all_approvable(const struct set_result *s)
{
    struct ts_str role;

    for (uint32_t i = 0; i < s->answer.reason_count; i++)
        if (!cedar_policies_annotation(s->policies, s->answer.reasons[i],
                                       "approval", &role))
            return false;
    return s->answer.reason_count > 0;
}

static struct combined combine_one(const struct set_result *s)
{
    const struct cedar_answer *a = &s->answer;

    if (a->forbid_error)
        return (struct combined){VERDICT_DENY, CODE_POLICY_ERROR};
    if (a->decision == CEDAR_ALLOW)
        return (struct combined){VERDICT_PERMIT, CODE_PERMITTED};
    if (a->reason_count == 0)
        return (struct combined){VERDICT_DENY, CODE_DENIED};
    /* A person is asked only when the answer would then be a clean permit. */
    if (a->error_count == 0 && a->permit_count + s->more_permits > 0 &&
        all_approvable(s))
        return (struct combined){VERDICT_PENDING, CODE_APPROVAL_REQUIRED};
    /* Approval would not help where nothing permits the call anyway. */
    if (a->permit_count + s->more_permits == 0 && all_approvable(s))
        return (struct combined){VERDICT_DENY, CODE_DENIED};
    return (struct combined){VERDICT_DENY, CODE_FORBIDDEN};
}

/* Which of two denials is told: a broken policy first, since it must be
 * repaired; then what was forbidden on purpose. */
static unsigned denial_rank(enum call_code c)
{
    if (c == CODE_POLICY_ERROR)
        return 2;
    return c == CODE_FORBIDDEN ? 1 : 0;
}

struct combined combine(const struct set_result *sets, size_t count)
{
    struct combined all = {VERDICT_PERMIT, CODE_PERMITTED};

    if (count == 0) /* nothing was asked, so nothing is permitted */
        return (struct combined){VERDICT_DENY, CODE_INTERNAL};
    for (size_t i = 0; i < count; i++) {
        struct combined one = combine_one(&sets[i]);

        TS_REQUIRE(one.verdict <= VERDICT_PERMIT);
        if (one.verdict < all.verdict ||
            (one.verdict == VERDICT_DENY && all.verdict == VERDICT_DENY &&
             denial_rank(one.code) > denial_rank(all.code)))
            all = one;
    }
    return all;
}

struct box_demand combine_demands(const struct set_result *sets, size_t count)
{
    struct box_demand all = {0};

    for (size_t i = 0; i < count; i++)
        box_demands_add(sets[i].demands, &sets[i].answer, &all);
    return all;
}
