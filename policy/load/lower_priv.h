#ifndef POLICY_LOAD_LOWER_PRIV_H
#define POLICY_LOAD_LOWER_PRIV_H

#include "policy/load/lower.h"

/* What all links of one template share: nothing below its scope has a slot. */
struct lower_body {
    bool done;
    uint32_t cond;
    const struct ev_annotation *annotations;
    uint32_t annotation_count;
};

/* How much of each array of the program is used; the caps were computed from
 * the parser's counts and are never met. */
struct lower {
    struct cedar_policies *p;
    struct ts_arena *temp;
    struct cedar_diags *diags;
    struct lower_body *bodies; /* by place; NULL without links */
    uint32_t nodes, kids, consts, strs, types, patterns;
    uint32_t cap_nodes, cap_kids, cap_consts, cap_strs, cap_types, cap_patterns;
};

TS_NODISCARD ts_err lower_expr(struct lower *lo, const struct ast_expr *x,
                               uint32_t *ret);
uint32_t lower_emit(struct lower *lo, struct ev_node n);
uint32_t lower_const(struct lower *lo, struct cedar_value v);

#endif
