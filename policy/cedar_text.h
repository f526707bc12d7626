#ifndef POLICY_CEDAR_TEXT_H
#define POLICY_CEDAR_TEXT_H

#include "policy/cedar.h"
#include "proto/base/ts_buf.h"

#pragma GCC visibility push(default)

/*
 * Policies as they were written: static policies, templates and links, from
 * Cedar text or from Cedar's JSON policy format ("EST",
 * docs.cedarpolicy.com/policies/json-format.html), and back into either. A tree
 * is what the validator, the formatter and the lints look at; compiling it
 * gives the set that decides (policy/cedar.h) and leaves the tree as it was.
 *
 * A tree owns copies of all it needs and may be read by several threads; only
 * cedar_ast_link() changes it.
 */
struct cedar_ast;

/*
 * Names: with options->require_id the @id annotation, else policy0, policy1,
 * ... by place over all sources, templates counted with the rest, as Cedar
 * names them. TS_E_FORMAT with diagnostics (several: the parser goes on after
 * the next `;`), TS_E_LIMIT with one, TS_E_NOMEM.
 */
TS_NODISCARD ts_err cedar_ast_parse(const struct cedar_source *sources,
                                    size_t count,
                                    const struct cedar_options *options,
                                    struct cedar_ast **ret,
                                    struct cedar_diags *diags);
/*
 * The JSON form of one policy or template ({"effect": ...}), or of a policy
 * set: {"staticPolicies": {id: policy}, "templates": {id: template},
 * "templateLinks": [{"templateId", "newId", "values": {"?principal": uid}}]}.
 * Names are the keys; a single policy is named as in cedar_ast_parse().
 *
 * Reads what the official engine reads, with the same meaning; a key that it
 * ignores is a warning here. Stricter in two points: an array never stands for
 * an object (["when", ...]), and a function that does not exist is refused
 * inside a Value too, where it could only fail later. max_policy_bytes is for
 * Cedar text; JSON says the same in some ten times the bytes.
 */
TS_NODISCARD ts_err cedar_ast_parse_json(const struct cedar_source *sources,
                                         size_t count,
                                         const struct cedar_options *options,
                                         struct cedar_ast **ret,
                                         struct cedar_diags *diags);
void cedar_ast_free(struct cedar_ast *a);

enum cedar_policy_kind {
    CEDAR_STATIC,
    CEDAR_TEMPLATE, /* has a slot; decides nothing until it is linked */
    CEDAR_LINK      /* a template with its slots filled */
};

struct cedar_ast_info { /* borrows from the tree */
    struct ts_str id;
    enum cedar_policy_kind kind;
    enum cedar_effect effect;
    struct cedar_span span;    /* of the template for a link */
    struct ts_str template_id; /* of a link */
    bool slot_principal, slot_resource;
};
/* Policies and templates in order of the sources, then links. */
size_t cedar_ast_count(const struct cedar_ast *a);
struct cedar_ast_info cedar_ast_info(const struct cedar_ast *a, size_t index);
/* As cedar_policies_annotation(); a link has those of its template. */
bool cedar_ast_annotation(const struct cedar_ast *a, size_t index,
                          const char *key, struct ts_str *ret);

/*
 * Adds a link. A slot of the template must be given and nothing else (NULL for
 * a slot that it does not have). TS_E_NOT_FOUND: no such template; TS_E_EXISTS:
 * the name is taken; TS_E_INVALID: slots do not fit. Each with a diagnostic.
 */
TS_NODISCARD ts_err cedar_ast_link(struct cedar_ast *a,
                                   struct ts_str template_id, struct ts_str id,
                                   const struct cedar_uid *principal,
                                   const struct cedar_uid *resource,
                                   struct cedar_diags *diags);
/* A file of links as the `cedar` command line reads it: [{"template_id",
 * "link_id", "args": {"?principal": "User::\"a\""}}]. TS_E_FORMAT when any of
 * them is wrong, each with a diagnostic; the others are in the tree then. */
TS_NODISCARD ts_err cedar_ast_link_json(struct cedar_ast *a,
                                        const struct cedar_source *source,
                                        struct cedar_diags *diags);

/* Static policies and links as a set that decides; templates stay behind. */
TS_NODISCARD ts_err cedar_ast_compile(const struct cedar_ast *a,
                                      struct cedar_policies **ret,
                                      struct cedar_diags *diags);

/* One uid in Cedar text, Type::"id", and nothing after it; copied into arena.
 * diags may be NULL. */
TS_NODISCARD ts_err cedar_uid_parse(struct ts_arena *arena,
                                    const struct cedar_source *source,
                                    struct cedar_uid *ret,
                                    struct cedar_diags *diags);

/* ---- printing: all append to out, which the caller frees ---------------- */

/* One policy or template (not a link) in Cedar text, in the formatter's style,
 * without comments; parses back to the same tree. */
TS_NODISCARD ts_err cedar_ast_print(const struct cedar_ast *a, size_t index,
                                    struct ts_buf *out);
/* The same in JSON (EST), exactly the shape of the official engine. */
TS_NODISCARD ts_err cedar_ast_print_json(const struct cedar_ast *a,
                                         size_t index, struct ts_buf *out);
/* The whole set in JSON, as cedar_ast_parse_json() reads it. */
TS_NODISCARD ts_err cedar_ast_print_set_json(const struct cedar_ast *a,
                                             struct ts_buf *out);

/* ---- the formatter ------------------------------------------------------ */

struct cedar_format {
    uint32_t width;  /* columns that a line should not exceed; 80 */
    uint32_t indent; /* columns; 2 */
};
extern const struct cedar_format cedar_format_default;

/*
 * Cedar text in one style, comments kept where they stood. What it writes
 * parses to the same tree, and formatting that again changes nothing; both are
 * checked before it returns, so a failure is an error and never a changed
 * policy.
 */
TS_NODISCARD ts_err cedar_format(const struct cedar_source *source,
                                 const struct cedar_format *style,
                                 struct ts_buf *out, struct cedar_diags *diags);

#pragma GCC visibility pop

#endif
