#ifndef POLICY_EVAL_TRACE_H
#define POLICY_EVAL_TRACE_H

#include "policy/eval/eval_priv.h"

/*
 * What the traced evaluator writes down: the outcome of each clause, in the
 * order in which clauses are numbered, and what a test looked at. A clause and
 * the expression it stands for are walked in step: `next` is the clause that
 * the next operand of a truth belongs to.
 */
struct ev_trace {
    const struct cedar_clause *clauses; /* of the policy under way */
    uint32_t count;
    struct cedar_clause_result *results; /* beside them; in the arena */
    uint32_t next;
    uint32_t source;                /* of the policy */
    uint32_t leaf;                  /* the TEST under way, or UINT32_MAX */
    uint32_t inside;                /* how deep in its operands */
    struct cedar_operand *operands; /* of the leaf */
    uint32_t operand_count, operand_cap;
    uint32_t failed; /* the clause where the error arose */
};

struct ev_trace_at {
    uint32_t clause; /* UINT32_MAX: below a test, nothing to record */
};

void ev_trace_enter(struct ev *ev, const struct ev_node *n,
                    struct ev_trace_at *at);
void ev_trace_leave(struct ev *ev, const struct ev_trace_at *at,
                    enum ev_truth t);
/* The next clause is not evaluated, nor what is below it. */
void ev_trace_skip(struct ev *ev);
/* False: no memory; ev->fatal says so. */
bool ev_trace_operand(struct ev *ev, uint32_t node,
                      const struct cedar_value *v);

#endif
