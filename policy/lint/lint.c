#include "policy/lint/lint_priv.h"

#include "policy/core/diag.h"

static const struct {
    const char *name;
    enum cedar_severity severity;
} rules[] = {
#define X(id, name, severity) [CEDAR_LINT_##id] = {name, CEDAR_##severity},
    CEDAR_LINT_MAP(X)
#undef X
};

const struct cedar_lint_options cedar_lint_default = {0};

const char *cedar_lint_name(enum cedar_lint_rule rule)
{
    return rules[rule].name;
}

bool cedar_lint_find(struct ts_str name, enum cedar_lint_rule *ret)
{
    for (unsigned i = 0; i < CEDAR_LINT_COUNT; i++) {
        if (ts_str_eq_c(name, rules[i].name)) {
            *ret = (enum cedar_lint_rule)i;
            return true;
        }
    }
    return false;
}

void lint_report(struct lint *l, enum cedar_lint_rule rule,
                 struct cedar_span span, const char *label, const char *hint,
                 const char *fmt, ...)
{
    struct cedar_diag_about about = {
        .label = label, .hint = hint, .policy = &l->policy->id};
    va_list ap;

    if ((l->options->off & 1u << rule) != 0)
        return;
    l->error = l->error || rules[rule].severity == CEDAR_ERROR;
    va_start(ap, fmt);
    cedar_diag_vput(l->diags, rules[rule].severity, rules[rule].name, span,
                    &about, fmt, ap);
    va_end(ap);
}

ts_err cedar_lint(const struct cedar_ast *a,
                  const struct cedar_lint_options *options,
                  struct cedar_diags *diags)
{
    struct lint l = {.options = options, .diags = diags, .tree = &a->tree};

    for (l.policy = a->tree.policies; l.policy != NULL;
         l.policy = l.policy->next) {
        lint_policy(&l);
        lint_exprs(&l);
        lint_approval(&l);
        lint_box(&l);
        lint_counts(&l);
    }
    return l.error ? TS_E_FORMAT : TS_OK;
}
