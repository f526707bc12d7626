#ifndef POLICY_VALIDATE_TEXT_H
#define POLICY_VALIDATE_TEXT_H

#include "policy/syntax/ast.h"

/*
 * Warnings about text that a reviewer cannot trust their eyes with, once per
 * policy and kind: bidi_text and mixed_script in strings and patterns,
 * bidi_identifier, mixed_script_identifier and confusable_identifier in names
 * of attributes and in entity ids. They never make a policy invalid.
 */
void cedar_text_warnings(const struct ast_policy *p, struct cedar_diags *diags);

#endif
