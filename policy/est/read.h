#ifndef POLICY_EST_READ_H
#define POLICY_EST_READ_H

#include "policy/est/tree.h"
#include "policy/json/reader.h"

/*
 * Cedar's JSON policy format to a tree; shared by the reading files only. What
 * the official engine accepts is accepted with the same meaning, also where it
 * ignores a key: then with a warning.
 */
struct est_reader {
    struct ts_arena *arena; /* the tree's: what is kept */
    struct ts_arena *temp;  /* the JSON, and what only reading needs */
    struct cedar_diags *diags;
    const struct cedar_options *options;
    uint32_t depth; /* of expressions in expressions */
    size_t nodes[AST_OP_COUNT];
    size_t conds;
};

/* TS_E_FORMAT, with the diagnostic "bad_policy_json" at v. */
ts_err est_fail(struct est_reader *r, const struct json *v, const char *hint,
                const char *fmt, ...) TS_PRINTF(4, 5);

#define EST_KEYS_MAX 6

struct est_shape {
    const char *what; /* for diagnostics: "a scope", "`==`", ... */
    uint32_t count;
    uint32_t optional; /* one bit a key */
    bool lenient;      /* an unknown key is ignored, with a warning */
    struct ts_str keys[EST_KEYS_MAX];
};
/* The members of v by the keys of shape, NULL for one that is left out. */
TS_NODISCARD ts_err est_members(struct est_reader *r, const struct json *v,
                                const struct est_shape *shape,
                                const struct json **ret);
/* A JSON string, copied. what names it in diagnostics. */
TS_NODISCARD ts_err est_string(struct est_reader *r, const struct json *v,
                               const char *what, struct ts_str *ret);
/* The name of an entity type in normal form, copied. */
TS_NODISCARD ts_err est_type(struct est_reader *r, const struct json *v,
                             struct ts_str *ret);

TS_NODISCARD ts_err est_node(struct est_reader *r, enum ast_op op,
                             const struct json *at, struct ast_expr **ret);
/* Appends kid; refuses a tree higher than CEDAR_HEIGHT_MAX. at is where the
 * kid stood. */
TS_NODISCARD ts_err est_adopt(struct est_reader *r, struct ast_expr *parent,
                              struct ast_expr *kid, const struct json *at);
/* Counts the depth of what reads v and everything in v. */
TS_NODISCARD ts_err est_enter(struct est_reader *r, const struct json *v);

TS_NODISCARD ts_err est_expr(struct est_reader *r, const struct json *v,
                             struct ast_expr **ret);
/* The literal in {"Value": v}. */
TS_NODISCARD ts_err est_value(struct est_reader *r, const struct json *v,
                              struct ast_expr **ret);
/* An entity reference in a scope or a link, as an AST_UID. */
TS_NODISCARD ts_err est_uid(struct est_reader *r, const struct json *v,
                            struct ast_expr **ret);
TS_NODISCARD ts_err est_scopes(struct est_reader *r,
                               const struct json *principal,
                               const struct json *action,
                               const struct json *resource,
                               struct ast_policy *ret);
/* One policy or template. On TS_E_FORMAT the next one can be read. */
TS_NODISCARD ts_err est_policy(struct est_reader *r, const struct json *v,
                               struct ast_policy **ret);
/* All of "templateLinks"; a mistake in one does not hide the others. */
TS_NODISCARD ts_err est_links(struct est_reader *r, struct cedar_ast *a,
                              const struct json *list);

#endif
