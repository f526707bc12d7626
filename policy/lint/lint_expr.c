/* Single expressions that are wrong in every request, or nearly. */
#include "policy/core/diag.h"
#include "policy/core/ext.h"
#include "policy/lint/lint_priv.h"
#include "policy/syntax/walk.h"

/* `x in "a"` and `x in ["a"]` raise a type error whatever x is; in a forbid
 * Cedar then skips the policy. The mistake most often made (policy.md, 2). */
static void in_on_string(struct lint *l, const struct ast_expr *x)
{
    const struct ast_expr *right = x->last;
    bool bad;

    if (x->op != AST_REL || x->sub != AST_IN)
        return;
    bad = right->op == AST_STR;
    for (const struct ast_expr *kid = right->first;
         right->op == AST_SET && kid != NULL; kid = kid->next)
        bad = bad || kid->op == AST_STR;
    if (bad)
        lint_report(l, CEDAR_LINT_IN_ON_STRING, x->span, "always an error",
                    "for a list of texts write [\"a\", \"b\"].contains(x)",
                    "`in` is for entities; with a string it always fails");
}

static bool is_constant(const struct ast_expr *x)
{
    return x->op == AST_INT || (x->op == AST_NEG && is_constant(x->first));
}

/* An overflow is an error, and Cedar skips a forbid that raised one. */
static void forbid_arithmetic(struct lint *l, const struct ast_expr *x)
{
    bool sum = x->op == AST_ADD || x->op == AST_MUL || x->op == AST_NEG;

    if (sum && l->policy->effect == CEDAR_FORBID && !is_constant(x))
        lint_report(l, CEDAR_LINT_FORBID_ARITHMETIC, x->span, "may overflow",
                    "compare with a constant instead, or compute it before "
                    "the request",
                    "arithmetic in a forbid: on overflow the policy is in "
                    "error and does not forbid");
}

static bool parses(enum cedar_ext fn, struct ts_str text, const char **ret_why)
{
    struct cedar_ip ip;
    int64_t n;

    switch ((unsigned)fn) {
    case CEDAR_EXT_IP:
        return cedar_ip_parse(text, &ip, ret_why);
    case CEDAR_EXT_DECIMAL:
        return cedar_decimal_parse(text, &n, ret_why);
    case CEDAR_EXT_DATETIME:
        return cedar_datetime_parse(text, &n, ret_why);
    case CEDAR_EXT_DURATION:
        return cedar_duration_parse(text, &n, ret_why);
    default:
        return true;
    }
}

static void bad_literal(struct lint *l, const struct ast_expr *x)
{
    const char *why = "";

    if (x->op != AST_EXT || x->count != 1 || x->first->op != AST_STR ||
        parses((enum cedar_ext)x->sub, x->first->str, &why))
        return;
    lint_report(l, CEDAR_LINT_BAD_LITERAL, x->first->span, why, NULL,
                "`%s` is not a valid `%s`: this always fails",
                cedar_quote(x->first->str).s,
                cedar_ext_info((enum cedar_ext)x->sub)->name.ptr);
}

static bool all_empty(const struct ast_expr *run)
{
    for (; run != NULL; run = run->next)
        if (run->str.len > 0)
            return false;
    return true;
}

/* The kids after the first are the texts between the stars. */
static void like(struct lint *l, const struct ast_expr *x)
{
    const struct ast_expr *run;

    if (x->op != AST_LIKE)
        return;
    run = x->first->next;
    if (run->next == NULL)
        lint_report(l, CEDAR_LINT_LIKE_WITHOUT_WILDCARD, x->span,
                    "no `*` in the pattern",
                    "write == for this, or add the `*`",
                    "this `like` only matches one text");
    else if (all_empty(run))
        lint_report(l, CEDAR_LINT_LIKE_ANYTHING, x->span, "matches every text",
                    "remove it, or say more of the pattern",
                    "this `like` is always true");
}

static bool visit(const struct ast_expr *x, void *arg)
{
    struct lint *l = arg;

    in_on_string(l, x);
    forbid_arithmetic(l, x);
    bad_literal(l, x);
    like(l, x);
    return true;
}

void lint_exprs(struct lint *l)
{
    ast_walk_policy(l->policy, visit, l);
}
