#ifndef POLICY_LINT_LINT_PRIV_H
#define POLICY_LINT_LINT_PRIV_H

#include "policy/cedar_lint.h"
#include "policy/syntax/ast.h"

/* One policy being looked at. */
struct lint {
    const struct cedar_lint_options *options;
    struct cedar_diags *diags;
    const struct ast *tree;
    const struct ast_policy *policy;
    bool error; /* a finding refuses the policies */
};

void lint_report(struct lint *l, enum cedar_lint_rule rule,
                 struct cedar_span span, const char *label, const char *hint,
                 const char *fmt, ...) TS_PRINTF(6, 7);

void lint_policy(struct lint *l);   /* scope, conditions as a whole */
void lint_exprs(struct lint *l);    /* single expressions */
void lint_approval(struct lint *l); /* @approval and what it demands */
void lint_box(struct lint *l);      /* @sandbox, @require; values */
void lint_counts(struct lint *l);   /* @counts, @sums, context.uses and .sums */

#endif
