/* Scopes, annotations and conditions as a whole. */
#include <stdio.h>

#include "policy/core/diag.h"
#include "policy/lint/lint_priv.h"

#define KNOWN_MAX 64 /* annotations that a caller may list */

static bool is_literal_bool(const struct ast_expr *x, bool value)
{
    return x->op == AST_BOOL && (x->num != 0) == value;
}

/* "Condition never holds": Cedar evaluates it all the same. */
static void never_applies(struct lint *l)
{
    for (const struct ast_cond *c = l->policy->conds; c != NULL; c = c->next)
        if (is_literal_bool(c->expr, c->unless))
            lint_report(
                l, CEDAR_LINT_NEVER_APPLIES, c->span, "this can never hold",
                "remove the policy, or say when it should apply",
                "this policy never applies: its condition is always "
                "%s",
                c->unless ? "true, and `unless` turns it round" : "false");
}

static bool has_real_condition(const struct ast_policy *p)
{
    for (const struct ast_cond *c = p->conds; c != NULL; c = c->next)
        if (!is_literal_bool(c->expr, !c->unless))
            return true;
    return false;
}

static void wide_permit(struct lint *l)
{
    const struct ast_policy *p = l->policy;

    if (p->effect != CEDAR_PERMIT || p->principal.op != AST_ANY)
        return;
    if (p->action.op == AST_ANY && p->resource.op == AST_ANY &&
        !has_real_condition(p))
        lint_report(l, CEDAR_LINT_CATCH_ALL_PERMIT, p->span, "no limits at all",
                    "name the principals, actions or resources it is for",
                    "this permits everything to everyone");
    else
        lint_report(l, CEDAR_LINT_ANY_PRINCIPAL, p->principal.span,
                    "users, agents and all other types",
                    "write `principal is Type` or `principal in Group::\"..\"`",
                    "this permit is for principals of every type");
}

static void empty_actions(struct lint *l)
{
    const struct ast_scope *s = &l->policy->action;

    if (s->op == AST_SCOPE_IN && s->uid_count == 0)
        lint_report(l, CEDAR_LINT_NO_ACTION, s->span, "an empty list",
                    "name the actions, or remove the policy",
                    "this policy applies to no action");
}

/* A template without a link decides nothing. */
static void unlinked(struct lint *l)
{
    if (!ast_is_template(l->policy))
        return;
    for (const struct ast_link *k = l->tree->links; k != NULL; k = k->next)
        if (k->of == l->policy)
            return;
    lint_report(
        l, CEDAR_LINT_UNLINKED_TEMPLATE, l->policy->span, NULL,
        "give the links (--template-linked, policies/links.json), or remove it",
        "nothing links this template, so it decides nothing");
}

static void unknown_annotation(struct lint *l, const struct ast_annotation *a)
{
    const char *const *known = l->options->annotations;
    struct ts_str names[KNOWN_MAX], near;
    char hint[128];
    size_t n = 0;

    for (; known[n] != NULL && n < KNOWN_MAX; n++) {
        names[n] = ts_str_of(known[n]);
        if (ts_str_eq(names[n], a->key))
            return;
    }
    near = cedar_did_you_mean(a->key, names, n);
    (void)snprintf(hint, sizeof(hint),
                   near.len > 0 ? "did you mean `@%s`?" : "%s",
                   near.len > 0 ? cedar_quote(near).s
                                : "remove it, or use one that is known here");
    lint_report(l, CEDAR_LINT_UNKNOWN_ANNOTATION, a->span, NULL, hint,
                "unknown annotation `@%s`: nothing would look at it",
                cedar_quote(a->key).s);
}

void lint_policy(struct lint *l)
{
    wide_permit(l);
    empty_actions(l);
    never_applies(l);
    unlinked(l);
    if (l->options->annotations == NULL)
        return;
    for (const struct ast_annotation *a = l->policy->annotations; a != NULL;
         a = a->next)
        unknown_annotation(l, a);
}
