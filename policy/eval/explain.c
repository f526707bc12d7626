/*
 * Explanations: the decision is made here as cedar_authorize() makes it, by the
 * second instance of the same evaluator, which writes down what it saw.
 */
#include "policy/cedar_explain.h"

#include "policy/eval/authz.h"
#include "policy/eval/trace.h"
#include "proto/base/ts_require.h"

#define NOWHERE UINT32_MAX

/* Places in a policy's clauses; conditions follow. */
enum {
    PRINCIPAL,
    ACTION,
    RESOURCE,
    CONDITIONS
};

struct explain {
    struct ev_authz az;
    struct ev_trace trace;
    struct cedar_policy_result *policies;
    struct cedar_clause_result **results; /* of each policy */
};

size_t cedar_policies_clauses(const struct cedar_policies *p, size_t policy,
                              const struct cedar_clause **ret)
{
    TS_REQUIRE(policy < p->count);
    *ret = p->meta[policy].clauses;
    return p->meta[policy].clause_count;
}

static enum cedar_outcome outcome_of(enum ev_truth t)
{
    if (t == EV_FAIL)
        return CEDAR_FAILED;
    return t == EV_TRUE ? CEDAR_TRUE : CEDAR_FALSE;
}

/* In Cedar's order; what follows a constraint that does not match is not
 * asked. */
static bool scope(struct explain *x, const struct ev_policy *p)
{
    static const struct {
        uint8_t clause, var;
    } order[] = {{PRINCIPAL, EV_PRINCIPAL},
                 {ACTION, EV_ACTION},
                 {RESOURCE, EV_RESOURCE}};
    const struct ev_scope *const scopes[] = {&p->principal, &p->action,
                                             &p->resource};

    for (unsigned i = 0; i < 3; i++) {
        bool in = ev_scope_one(&x->az.ev, (enum ev_var)order[i].var, scopes[i]);

        x->trace.results[order[i].clause].outcome =
            in ? CEDAR_TRUE : CEDAR_FALSE;
        if (!in)
            return false;
    }
    return true;
}

/* One `when` or `unless`: its own clause, then that of its body. */
static enum ev_truth condition(struct explain *x, uint32_t node)
{
    const struct ev_node *n = &x->az.ev.p->nodes[node];
    uint32_t at = x->trace.next++;
    bool unless = x->trace.clauses[at].kind == CEDAR_CLAUSE_UNLESS;
    enum ev_truth t = ev_condition_traced(&x->az.ev, unless ? n->a : node);

    if (unless && t != EV_FAIL)
        t = t == EV_TRUE ? EV_FALSE : EV_TRUE;
    x->trace.results[at].outcome = outcome_of(t);
    return t;
}

static enum ev_truth conditions(struct explain *x, const struct ev_policy *p,
                                uint32_t count)
{
    const struct cedar_policies *set = x->az.ev.p;
    uint32_t kids = count > 1 ? set->nodes[p->cond].a : 0;
    enum ev_truth t = EV_TRUE;

    x->trace.next = CONDITIONS;
    for (uint32_t i = 0; i < count && t == EV_TRUE; i++)
        t = condition(x, count > 1 ? set->kids[kids + i] : p->cond);
    return t;
}

/* ---- what settled it --------------------------------------------------- */

/* The one clause below `at` (all at the top when it is NOWHERE) that came out
 * as `want`; NOWHERE when there is none or more than one. */
static uint32_t only_kid(const struct ev_trace *tr, uint32_t at,
                         enum cedar_outcome want, uint32_t from)
{
    uint32_t found = NOWHERE;

    for (uint32_t i = from; i < tr->count; i++) {
        if (at != NOWHERE &&
            (tr->clauses[i].parent == NOWHERE || tr->clauses[i].parent < at))
            break;
        if (tr->clauses[i].parent != at || tr->results[i].outcome != want)
            continue;
        if (found != NOWHERE)
            return NOWHERE;
        found = i;
    }
    return found;
}

/* An `if` came out as the branch that was taken, its last kid to be asked. */
static uint32_t branch_of(const struct ev_trace *tr, uint32_t at)
{
    uint32_t last = NOWHERE;

    for (uint32_t i = at + 1; i < tr->count && tr->clauses[i].parent >= at &&
                              tr->clauses[i].parent != NOWHERE;
         i++)
        if (tr->clauses[i].parent == at &&
            tr->results[i].outcome != CEDAR_NOT_EVALUATED)
            last = i;
    return last;
}

/* The clause below that alone made this one what it is. */
static uint32_t below(const struct ev_trace *tr, uint32_t at)
{
    enum cedar_outcome is = tr->results[at].outcome;
    enum cedar_outcome other = is == CEDAR_TRUE ? CEDAR_FALSE : CEDAR_TRUE;

    switch (tr->clauses[at].kind) {
    case CEDAR_CLAUSE_WHEN:
    case CEDAR_CLAUSE_AND:
    case CEDAR_CLAUSE_OR:
        return only_kid(tr, at, is, at + 1);
    case CEDAR_CLAUSE_UNLESS:
    case CEDAR_CLAUSE_NOT:
        return only_kid(tr, at, other, at + 1);
    case CEDAR_CLAUSE_IF:
        return branch_of(tr, at);
    case CEDAR_CLAUSE_PRINCIPAL:
    case CEDAR_CLAUSE_ACTION:
    case CEDAR_CLAUSE_RESOURCE:
    case CEDAR_CLAUSE_TEST:
        break;
    }
    return NOWHERE;
}

static uint32_t decisive(const struct ev_trace *tr, enum ev_truth t)
{
    uint32_t at, next;

    if (t == EV_FAIL)
        return tr->failed;
    at = only_kid(tr, NOWHERE, t == EV_TRUE ? CEDAR_TRUE : CEDAR_FALSE,
                  t == EV_TRUE ? CONDITIONS : PRINCIPAL);
    while (at != NOWHERE && (next = below(tr, at)) != NOWHERE)
        at = next;
    return at;
}

/* ---- all policies ------------------------------------------------------ */

static ts_err explain_one(struct explain *x, uint32_t i)
{
    const struct ev_policy *p = &x->az.ev.p->policies[i];
    const struct ev_policy_meta *meta = &x->az.ev.p->meta[i];
    struct cedar_policy_result *out = &x->policies[i];
    enum ev_truth t = EV_FALSE;
    uint32_t count = 0;
    void *mem;
    ts_err e = ts_arena_array(x->az.ev.arena, meta->clause_count,
                              sizeof(*x->trace.results), &mem);

    if (e != TS_OK)
        return e;
    for (uint32_t c = CONDITIONS; c < meta->clause_count; c++)
        count += meta->clauses[c].parent == NOWHERE;
    x->trace = (struct ev_trace){.clauses = meta->clauses,
                                 .count = meta->clause_count,
                                 .results = mem,
                                 .source = meta->span.source,
                                 .leaf = NOWHERE,
                                 .failed = NOWHERE};
    if (scope(x, p)) {
        t = conditions(x, p, count);
        if ((e = ev_authz_note(&x->az, i, t)) != TS_OK)
            return e;
    }
    x->results[i] = mem;
    *out = (struct cedar_policy_result){.policy = i,
                                        .outcome = outcome_of(t),
                                        .decisive = decisive(&x->trace, t),
                                        .clauses = mem,
                                        .clause_count = meta->clause_count};
    return TS_OK;
}

/* Errors move while their list grows, so clauses learn of them at the end. The
 * results are ours until they are handed out. */
static void attach_errors(struct explain *x, const struct cedar_answer *a)
{
    for (uint32_t i = 0; i < a->error_count; i++) {
        uint32_t p = a->errors[i].policy;

        x->results[p][x->policies[p].decisive].error = &a->errors[i];
    }
}

ts_err cedar_explain(const struct cedar_policies *p,
                     const struct cedar_entities *e,
                     const struct cedar_request *req, struct ts_arena *arena,
                     struct cedar_answer *ret,
                     struct cedar_explanation *ret_why)
{
    struct explain x = {0};
    struct cedar_answer answer;
    void *mem;
    ts_err err = ev_authz_init(&x.az, p, e, req, arena);

    if (err != TS_OK)
        return err;
    x.az.ev.trace = &x.trace;
    err = ts_arena_array(arena, p->count, sizeof(*x.policies), &mem);
    if (err != TS_OK)
        return err;
    x.policies = mem;
    err = ts_arena_array(arena, p->count, sizeof(*x.results), &mem);
    if (err != TS_OK)
        return err;
    x.results = mem;
    for (uint32_t i = 0; i < p->count; i++)
        if ((err = explain_one(&x, i)) != TS_OK)
            return err;
    if ((err = ev_authz_answer(&x.az, &answer)) != TS_OK)
        return err;
    attach_errors(&x, &answer);
    *ret = answer;
    *ret_why =
        (struct cedar_explanation){.policies = x.policies, .count = p->count};
    return TS_OK;
}
