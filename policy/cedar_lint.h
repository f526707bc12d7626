#ifndef POLICY_CEDAR_LINT_H
#define POLICY_CEDAR_LINT_H

#include "policy/cedar_text.h"

#pragma GCC visibility push(default)

/*
 * Load-time lints: policies that Cedar accepts and that rarely do what their
 * author means. None needs a schema; what only a schema can tell (an optional
 * attribute that is read without `has`, a scope that matches no action) is the
 * validator's. docs/POLICY.md has a section on each, under its name.
 */
/* clang-format off */
#define CEDAR_LINT_MAP(X)                                                      \
    X(CATCH_ALL_PERMIT, "catch_all_permit", WARNING)                           \
    X(ANY_PRINCIPAL, "any_principal", WARNING)                                 \
    X(NO_ACTION, "no_action", WARNING)                                         \
    X(NEVER_APPLIES, "never_applies", WARNING)                                 \
    X(IN_ON_STRING, "in_on_string", WARNING)                                   \
    X(FORBID_ARITHMETIC, "forbid_arithmetic", WARNING)                         \
    X(BAD_LITERAL, "bad_literal", WARNING)                                     \
    X(LIKE_WITHOUT_WILDCARD, "like_without_wildcard", WARNING)                 \
    X(LIKE_ANYTHING, "like_anything", WARNING)                                 \
    X(UNLINKED_TEMPLATE, "unlinked_template", WARNING)                         \
    X(UNKNOWN_ANNOTATION, "unknown_annotation", ERROR)                         \
    X(APPROVAL_ON_PERMIT, "approval_on_permit", ERROR)                         \
    X(APPROVAL_UNSATISFIABLE, "approval_unsatisfiable", ERROR)                 \
    X(APPROVAL_ALTERNATIVE, "approval_alternative", WARNING)                   \
    X(ENDORSE_WITHOUT_APPROVAL, "endorse_without_approval", ERROR)             \
    X(SANDBOX_ON_FORBID, "sandbox_on_forbid", ERROR)                           \
    X(ANNOTATION_VALUE, "annotation_value", ERROR)                             \
    X(COUNTS_ON_FORBID, "counts_on_forbid", ERROR)                             \
    X(UNKNOWN_COUNTER, "unknown_counter", ERROR)
/* clang-format on */

enum cedar_lint_rule {
#define X(id, name, severity) CEDAR_LINT_##id,
    CEDAR_LINT_MAP(X)
#undef X
    CEDAR_LINT_COUNT
};

const char *cedar_lint_name(enum cedar_lint_rule rule);
/* False, and *ret untouched, when there is no such lint. */
bool cedar_lint_find(struct ts_str name, enum cedar_lint_rule *ret);

struct cedar_lint_options {
    uint32_t off; /* bit 1u << rule: do not check */
    /* Annotations that mean something to the caller, NULL at the end. NULL:
     * any may be used, UNKNOWN_ANNOTATION is not checked. */
    const char *const *annotations;
    /* What to write instead of a value that means nothing to the caller, a
     * static text; NULL for a good one. NULL: values are not looked at. */
    const char *(*value_fault)(struct ts_str key, struct ts_str value);
};
extern const struct cedar_lint_options cedar_lint_default; /* all, any */

/* Adds a diagnostic for each finding, its code the name of the lint.
 * TS_E_FORMAT when one of them is an error, else TS_OK. */
TS_NODISCARD ts_err cedar_lint(const struct cedar_ast *a,
                               const struct cedar_lint_options *options,
                               struct cedar_diags *diags);

#pragma GCC visibility pop

#endif
