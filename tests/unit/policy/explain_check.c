#include "tests/unit/policy/explain_check.h"

#include <string.h>

#define NOWHERE UINT32_MAX

/* One policy's clauses and what they came to. */
struct view {
    const struct cedar_clause *clauses;
    const struct cedar_policy_result *r;
    uint32_t n;
};

static enum cedar_outcome outcome(const struct view *v, uint32_t i)
{
    return v->r->clauses[i].outcome;
}

static enum cedar_outcome negated(enum cedar_outcome o)
{
    if (o == CEDAR_TRUE)
        return CEDAR_FALSE;
    return o == CEDAR_FALSE ? CEDAR_TRUE : o;
}

static uint32_t next_kid(const struct view *v, uint32_t parent, uint32_t from)
{
    for (; from < v->n; from++)
        if (v->clauses[from].parent == parent)
            return from;
    return NOWHERE;
}

/* Kids in a row go on while they come out as `on`; after that none is asked. */
static bool chain_holds(const struct view *v, uint32_t at, uint32_t from,
                        enum cedar_outcome on, enum cedar_outcome result)
{
    enum cedar_outcome last = on;

    for (uint32_t k = next_kid(v, at, from); k != NOWHERE;
         k = next_kid(v, at, k + 1)) {
        if (last != on) {
            if (outcome(v, k) != CEDAR_NOT_EVALUATED)
                return false;
            continue;
        }
        last = outcome(v, k);
        if (last == CEDAR_NOT_EVALUATED)
            return false;
    }
    return last == result;
}

static bool if_holds(const struct view *v, uint32_t at)
{
    uint32_t cond = next_kid(v, at, at + 1);
    uint32_t then = next_kid(v, at, cond + 1);
    uint32_t other = next_kid(v, at, then + 1);
    uint32_t taken = outcome(v, cond) == CEDAR_TRUE ? then : other;
    uint32_t left = taken == then ? other : then;

    if (outcome(v, left) != CEDAR_NOT_EVALUATED)
        return false;
    if (outcome(v, cond) == CEDAR_FAILED)
        return outcome(v, at) == CEDAR_FAILED &&
               outcome(v, taken) == CEDAR_NOT_EVALUATED;
    return outcome(v, at) == outcome(v, taken) &&
           outcome(v, taken) != CEDAR_NOT_EVALUATED;
}

/* Of a clause that was asked. */
static bool truth_holds(const struct view *v, uint32_t at)
{
    uint32_t kid = next_kid(v, at, at + 1);

    switch (v->clauses[at].kind) {
    case CEDAR_CLAUSE_WHEN:
        return outcome(v, kid) == outcome(v, at);
    case CEDAR_CLAUSE_UNLESS:
    case CEDAR_CLAUSE_NOT:
        return negated(outcome(v, kid)) == outcome(v, at);
    case CEDAR_CLAUSE_AND:
        return chain_holds(v, at, at + 1, CEDAR_TRUE, outcome(v, at));
    case CEDAR_CLAUSE_OR:
        return chain_holds(v, at, at + 1, CEDAR_FALSE, outcome(v, at));
    case CEDAR_CLAUSE_IF:
        return if_holds(v, at);
    case CEDAR_CLAUSE_PRINCIPAL:
    case CEDAR_CLAUSE_ACTION:
    case CEDAR_CLAUSE_RESOURCE:
        return kid == NOWHERE && outcome(v, at) != CEDAR_FAILED;
    case CEDAR_CLAUSE_TEST:
        return kid == NOWHERE;
    }
    return false;
}

static bool operands_hold(const struct view *v, uint32_t at)
{
    const struct cedar_clause_result *c = &v->r->clauses[at];
    const struct cedar_span *in = &v->clauses[at].span;

    if (c->operand_count > 0 && (v->clauses[at].kind != CEDAR_CLAUSE_TEST ||
                                 c->outcome == CEDAR_NOT_EVALUATED))
        return false;
    for (uint32_t i = 0; i < c->operand_count; i++) {
        const struct cedar_span *s = &c->operands[i].span;

        if (c->operands[i].value.kind == CEDAR_NONE || s->len == 0 ||
            s->offset < in->offset || s->offset + s->len > in->offset + in->len)
            return false;
    }
    return true;
}

static const char *clause_holds(const struct view *v, uint32_t at)
{
    uint32_t parent = v->clauses[at].parent;
    const struct cedar_span *s = &v->clauses[at].span;
    bool mine = v->r->outcome == CEDAR_FAILED && v->r->decisive == at;

    if (parent != NOWHERE) {
        const struct cedar_span *p = &v->clauses[parent].span;

        if (parent >= at || s->offset < p->offset ||
            s->offset + s->len > p->offset + p->len)
            return "a clause lies outside of its parent";
        if (outcome(v, parent) == CEDAR_NOT_EVALUATED &&
            outcome(v, at) != CEDAR_NOT_EVALUATED)
            return "a clause was asked below one that was not";
    }
    if (at > 0 && s->offset < v->clauses[at - 1].span.offset)
        return "clauses are not in the order of the text";
    if (outcome(v, at) != CEDAR_NOT_EVALUATED && !truth_holds(v, at))
        return "an outcome does not follow from those below";
    if ((v->r->clauses[at].error != NULL) != mine)
        return "an error stands at another clause than the decisive one";
    return operands_hold(v, at) ? NULL : "an operand does not fit its clause";
}

static bool listed(const uint32_t *list, uint32_t n, uint32_t policy)
{
    for (uint32_t i = 0; i < n; i++)
        if (list[i] == policy)
            return true;
    return false;
}

static const char *answer_holds(const struct cedar_policies *p,
                                const struct cedar_answer *a,
                                const struct cedar_policy_result *r)
{
    bool permit = cedar_policies_info(p, r->policy).effect == CEDAR_PERMIT;
    bool satisfied = r->outcome == CEDAR_TRUE, failed = false;

    for (uint32_t i = 0; i < a->error_count; i++)
        if (a->errors[i].policy == r->policy) {
            failed = true;
            if (r->clauses[r->decisive].error != &a->errors[i])
                return "the clause in error does not name the error";
        }
    if (failed != (r->outcome == CEDAR_FAILED))
        return "errors of the answer and of the explanation differ";
    if (permit &&
        listed(a->satisfied_permits, a->permit_count, r->policy) != satisfied)
        return "a satisfied permit is not in the answer";
    if (!permit && a->decision == CEDAR_ALLOW && satisfied)
        return "a satisfied forbid did not deny";
    return NULL;
}

static const char *policy_holds(const struct cedar_policies *p,
                                const struct cedar_answer *a,
                                const struct cedar_policy_result *r)
{
    struct view v = {.r = r};
    const char *bad;
    size_t n = cedar_policies_clauses(p, r->policy, &v.clauses);

    v.n = (uint32_t)n;
    if (n != r->clause_count || n < 3 ||
        v.clauses[0].kind != CEDAR_CLAUSE_PRINCIPAL ||
        v.clauses[1].kind != CEDAR_CLAUSE_ACTION ||
        v.clauses[2].kind != CEDAR_CLAUSE_RESOURCE)
        return "clauses do not begin with the scope";
    /* Scope and conditions are one conjunction. */
    if (!chain_holds(&v, NOWHERE, 0, CEDAR_TRUE, r->outcome))
        return "the policy's outcome does not follow from its clauses";
    if (r->outcome == CEDAR_FAILED &&
        (r->decisive >= n || outcome(&v, r->decisive) != CEDAR_FAILED))
        return "the decisive clause of an error did not fail";
    if (r->decisive != NOWHERE &&
        (r->decisive >= n || outcome(&v, r->decisive) == CEDAR_NOT_EVALUATED))
        return "the decisive clause was not asked";
    for (uint32_t i = 0; i < v.n; i++)
        if ((bad = clause_holds(&v, i)) != NULL)
            return bad;
    return answer_holds(p, a, r);
}

const char *explain_check(const struct cedar_policies *p,
                          const struct cedar_answer *a,
                          const struct cedar_explanation *why)
{
    if (why->count != cedar_policies_count(p))
        return "a policy is missing";
    for (uint32_t i = 0; i < why->count; i++) {
        const char *bad;

        if (why->policies[i].policy != i)
            return "policies are not in the order of the set";
        if ((bad = policy_holds(p, a, &why->policies[i])) != NULL)
            return bad;
    }
    return NULL;
}

static bool same_list(const uint32_t *a, const uint32_t *b, uint32_t n)
{
    return n == 0 || memcmp(a, b, n * sizeof(*a)) == 0;
}

bool explain_same_answer(const struct cedar_answer *a,
                         const struct cedar_answer *b)
{
    if (a->decision != b->decision || a->reason_count != b->reason_count ||
        a->permit_count != b->permit_count ||
        a->error_count != b->error_count ||
        a->forbid_error != b->forbid_error ||
        !same_list(a->reasons, b->reasons, a->reason_count) ||
        !same_list(a->satisfied_permits, b->satisfied_permits, a->permit_count))
        return false;
    for (uint32_t i = 0; i < a->error_count; i++)
        if (a->errors[i].policy != b->errors[i].policy ||
            strcmp(a->errors[i].code, b->errors[i].code) != 0 ||
            strcmp(a->errors[i].text, b->errors[i].text) != 0)
            return false;
    return true;
}
