/*
 * @approval("class:count") marks a forbid that people may lift for one call.
 * The sidecar then decides again with the approval in the context, so the
 * policy must look at it: one that does not can never be lifted.
 */
#include "policy/core/lit.h"
#include "policy/lint/lint_priv.h"
#include "policy/syntax/walk.h"

static const struct ast_annotation *find(const struct ast_policy *p,
                                         struct ts_str key)
{
    const struct ast_annotation *a = p->annotations;

    while (a != NULL && !ts_str_eq(a->key, key))
        a = a->next;
    return a;
}

static bool reads_approvals(const struct ast_expr *x)
{
    static const struct ts_str names[] = {CEDAR_LIT("approvals"),
                                          CEDAR_LIT("approval")};

    return ast_is_path(x, AST_CONTEXT, &names[0], 1) ||
           ast_is_path(x, AST_CONTEXT, &names[1], 1);
}

static bool look(const struct ast_expr *x, void *arg)
{
    bool *found = arg;

    *found = *found || reads_approvals(x);
    return !*found;
}

static bool mentions_approvals(const struct ast_expr *x)
{
    bool found = false;

    ast_walk(x, look, &found);
    return found;
}

/* `approved || other` in an unless: other lifts the forbid without a person. */
static bool look_for_or(const struct ast_expr *x, void *arg)
{
    struct lint *l = arg;

    if (x->op == AST_OR && mentions_approvals(x))
        lint_report(l, CEDAR_LINT_APPROVAL_ALTERNATIVE, x->span,
                    "one side is enough",
                    "put the other condition into a `when` of its own",
                    "`||` beside the approval: the call may pass without one");
    return true;
}

/* Only what people say yes to lets a value through. */
static void lint_endorse(struct lint *l, const struct ast_annotation *approval)
{
    const struct ast_annotation *a = find(l->policy, TS_STR_LIT("endorse"));

    if (a != NULL && approval == NULL)
        lint_report(l, CEDAR_LINT_ENDORSE_WITHOUT_APPROVAL, a->span,
                    "nobody is asked, so nobody says yes",
                    "add @approval(\"confirm:1\"), or remove this",
                    "@endorse without @approval");
}

void lint_approval(struct lint *l)
{
    const struct ast_policy *p = l->policy;
    const struct ast_annotation *a = find(p, TS_STR_LIT("approval"));
    bool found = false;

    lint_endorse(l, a);
    if (a == NULL)
        return;
    if (p->effect == CEDAR_PERMIT) {
        lint_report(l, CEDAR_LINT_APPROVAL_ON_PERMIT, a->span,
                    "only a forbid can wait for a person",
                    "write a forbid with @approval beside this permit",
                    "@approval on a permit");
        return;
    }
    for (const struct ast_cond *c = p->conds; c != NULL; c = c->next) {
        found = found || mentions_approvals(c->expr);
        if (c->unless)
            ast_walk(c->expr, look_for_or, l);
    }
    if (!found)
        lint_report(l, CEDAR_LINT_APPROVAL_UNSATISFIABLE, p->span,
                    "never looks at context.approvals",
                    "add: unless { context.approvals.contains(\"its @id\") }",
                    "an approval could never lift this forbid");
}
