#ifndef POLICY_LOAD_LOWER_PRIV_H
#define POLICY_LOAD_LOWER_PRIV_H

#include "policy/load/lower.h"

/* What all links of one template share: nothing below its scope has a slot. */
struct lower_body {
    bool done;
    uint32_t cond;
    const struct ev_annotation *annotations;
    uint32_t annotation_count;
    uint32_t clause_count;
    const struct cedar_clause *clauses;
};

/* How much of each array of the program is used; the caps were computed from
 * the parser's counts and are never met. */
struct lower {
    struct cedar_policies *p;
    struct ts_arena *temp;
    struct cedar_diags *diags;
    struct lower_body *bodies; /* by place; NULL without links */
    uint32_t nodes, kids, consts, strs, types, patterns, paths;
    uint32_t cap_nodes, cap_kids, cap_consts, cap_strs, cap_types, cap_patterns,
        cap_paths;
    /* The shared paths by hash: place + 1 of the first and of the next. However
     * many collide, there are EV_PATHS_SHARED of them to look at. */
    uint8_t path_first[64], path_next[EV_PATHS_SHARED];
};

TS_NODISCARD ts_err lower_expr(struct lower *lo, const struct ast_expr *x,
                               uint32_t *ret);
uint32_t lower_emit(struct lower *lo, struct ev_node n);
/* An attribute of a variable or a path, as a path of its own. */
TS_NODISCARD ts_err lower_path(struct lower *lo, uint32_t parent,
                               struct ts_str attr, uint32_t *ret);
/* The clauses of a policy, in the order of the text. */
TS_NODISCARD ts_err lower_clauses(struct lower *lo,
                                  const struct ast_policy *src,
                                  struct lower_body *ret);

#endif
