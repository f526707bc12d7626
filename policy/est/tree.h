#ifndef POLICY_EST_TREE_H
#define POLICY_EST_TREE_H

#include "policy/est/idtree.h"
#include "policy/syntax/ast.h"

/* How trees are put together; shared with policy/load, which makes trees of its
 * own that live only until they are lowered. */

/* Bytes of an arena for what these sources can become; the parser refuses more
 * than max_bytes of them. */
size_t est_budget(const struct cedar_source *sources, size_t count,
                  size_t max_bytes);

/* Gives every policy its place and, unless it has one, its id (see
 * cedar_ast_parse()). TS_E_FORMAT
 * when one is missing or used twice. */
TS_NODISCARD ts_err est_name(struct ts_arena *arena, struct ast *tree,
                             const struct cedar_options *options,
                             struct cedar_diags *diags);

/* The fields of a record literal in the order of cedar_str_order(); a key twice
 * is TS_E_FORMAT with a diagnostic. */
TS_NODISCARD ts_err est_sort_fields(struct ts_arena *arena,
                                    const struct ast_expr *record,
                                    struct cedar_diags *diags,
                                    const struct ast_expr ***ret);
/* est_sort_fields() for every record of the tree, all errors of it. */
TS_NODISCARD ts_err est_check_records(const struct ast *tree,
                                      struct cedar_diags *diags);

/* The arrays and names of a tree whose list of policies is complete; names must
 * be given, and one that two share is TS_E_FORMAT with a diagnostic. */
TS_NODISCARD ts_err est_tree_index(struct cedar_ast *a,
                                   struct cedar_diags *diags);
TS_NODISCARD ts_err est_tree_new(size_t budget, struct cedar_ast **ret);

struct est_link {
    struct ts_str template_id, id; /* copied */
    const struct cedar_uid *principal, *resource;
    struct cedar_span span; /* of the link, for diagnostics */
};
TS_NODISCARD ts_err est_link(struct cedar_ast *a, const struct est_link *link,
                             struct cedar_diags *diags);

#endif
