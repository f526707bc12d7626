/*
 * Annotations that tell the sidecar how to run what a policy permits: the box
 * (@sandbox) and what must hold in it (@require). A forbid starts nothing, so
 * one there would be read over; and a misspelt value would be no demand at all.
 */
#include "policy/lint/lint_priv.h"

static bool is_demand(struct ts_str key)
{
    return ts_str_eq_c(key, "sandbox") || ts_str_eq_c(key, "require");
}

void lint_box(struct lint *l)
{
    const struct ast_policy *p = l->policy;

    for (const struct ast_annotation *a = p->annotations; a != NULL;
         a = a->next) {
        const char *fault = NULL;

        if (p->effect == CEDAR_FORBID && is_demand(a->key))
            lint_report(l, CEDAR_LINT_SANDBOX_ON_FORBID, a->span,
                        "a forbid starts no tool",
                        "put it on the permit whose tools are to be boxed",
                        "@%.*s on a forbid", (int)a->key.len, a->key.ptr);
        else if (l->options->value_fault != NULL)
            fault = l->options->value_fault(a->key, a->value);
        if (fault != NULL)
            lint_report(l, CEDAR_LINT_ANNOTATION_VALUE, a->span, "not known",
                        fault, "the value of @%.*s means nothing",
                        (int)a->key.len, a->key.ptr);
    }
}
