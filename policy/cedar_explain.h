#ifndef POLICY_CEDAR_EXPLAIN_H
#define POLICY_CEDAR_EXPLAIN_H

#include "policy/cedar.h"

#pragma GCC visibility push(default)

/*
 * Why a decision fell: for every policy what its scope and each clause of its
 * conditions came to, with the values they looked at. Recorded while the
 * decision is made, by the evaluator that makes it; there is no second
 * evaluation that could disagree.
 *
 * A clause is a boolean operand that can decide alone: each side of && and ||,
 * the operand of !, the parts of `if`, the body of each when and unless, down
 * to what is none of these. The scope's three constraints are clauses too. They
 * are numbered in the order of the text; clauses of one policy form a tree.
 *
 * Each outcome follows from those below it: a `when` is its body, an `unless`
 * and a ! are the opposite of theirs, && and || stop at the first that settles
 * them, an `if` is the branch taken. What was skipped is CEDAR_NOT_EVALUATED:
 * after a short circuit, after a condition that failed, and everything after a
 * constraint of the scope that does not match. Links have the clauses and spans
 * of their template.
 */
enum cedar_clause_kind {
    CEDAR_CLAUSE_PRINCIPAL, /* scope */
    CEDAR_CLAUSE_ACTION,
    CEDAR_CLAUSE_RESOURCE,
    CEDAR_CLAUSE_WHEN,
    CEDAR_CLAUSE_UNLESS,
    CEDAR_CLAUSE_AND,
    CEDAR_CLAUSE_OR,
    CEDAR_CLAUSE_NOT,
    CEDAR_CLAUSE_IF,
    CEDAR_CLAUSE_TEST /* a leaf: a comparison, has, like, in, ... */
};

struct cedar_clause {
    enum cedar_clause_kind kind;
    uint32_t parent; /* index in the policy's clauses, or UINT32_MAX */
    struct cedar_span span;
};
/* Clauses of a policy, independent of any request; *ret borrows from p. The
 * unit that coverage counts. */
size_t cedar_policies_clauses(const struct cedar_policies *p, size_t policy,
                              const struct cedar_clause **ret);

enum cedar_outcome {
    CEDAR_NOT_EVALUATED = 0, /* a short circuit or the scope came before it */
    CEDAR_FALSE,
    CEDAR_TRUE,
    CEDAR_FAILED /* raised an error */
};

/*
 * What a test looked at, in the order in which it did: each variable and each
 * path below one, and each side of the test that was computed from them. A
 * value holds all that is below its path: who masks "context.secret" must mask
 * it inside of "context" too (`context has x` looks at all of context), and a
 * computed value may hold what those before it hold.
 */
struct cedar_operand {
    struct cedar_span span;
    struct cedar_value value;
    /* `context`, `principal`, ... and the attribute path below it, e.g.
     * "context.resource.owner", so that a caller can mask it; "" when the
     * operand is computed. */
    struct ts_str path;
};

struct cedar_clause_result {
    enum cedar_outcome outcome;
    const struct cedar_operand *operands; /* of a TEST: what it looked at */
    uint32_t operand_count;
    const struct cedar_error *error; /* when it FAILED here, else NULL */
};

struct cedar_policy_result {
    uint32_t policy;
    enum cedar_outcome outcome; /* TRUE: satisfied; FALSE: scope or condition */
    /* The deepest clause that alone settled it: the constraint or test that
     * was false, the one test that was true, where the error arose. UINT32_MAX
     * when it took several, as all sides of an && that held, or none. */
    uint32_t decisive;
    const struct cedar_clause_result *clauses; /* beside
                                                  cedar_policies_clauses() */
    uint32_t clause_count;
};

struct cedar_explanation {                      /* lives in the arena */
    const struct cedar_policy_result *policies; /* one for each of the set */
    uint32_t count;
};

/* As cedar_authorize(), with the same answer, and the reasons for it. Visits
 * every policy, so it is linear in the set; meant for people. */
TS_NODISCARD ts_err cedar_explain(const struct cedar_policies *p,
                                  const struct cedar_entities *e,
                                  const struct cedar_request *req,
                                  struct ts_arena *arena,
                                  struct cedar_answer *ret,
                                  struct cedar_explanation *ret_why);

#pragma GCC visibility pop

#endif
