#ifndef POLICY_EST_IDTREE_H
#define POLICY_EST_IDTREE_H

#include "policy/cedar.h"

/*
 * Names that are taken, for a set that grows link by link: an AA tree, which is
 * balanced whatever the names are, so that no list of links can make adding the
 * next one slow.
 */
struct ast_id {
    struct ts_str id; /* borrowed */
    uint32_t index;   /* the caller's */
    uint32_t level;
    struct ast_id *left, *right;
};

const struct ast_id *est_id_find(const struct ast_id *root, struct ts_str id);
/* Node comes from arena. The name must not be in the tree. */
TS_NODISCARD ts_err est_id_add(struct ts_arena *arena, struct ast_id **root,
                               struct ts_str id, uint32_t index);

#endif
