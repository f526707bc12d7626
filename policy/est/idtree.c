/* Arne Andersson's balanced tree: a node's left child is one level below it,
 * its right child at most level and no two in a row, so the height is at most
 * 2 log2(n). Skew and split restore that after an insertion. */
#include "policy/est/idtree.h"

#include "policy/core/uid.h"
#include "proto/base/ts_require.h"

#define HEIGHT_MAX 64 /* 2^32 names; nodes from the root to a leaf */

const struct ast_id *est_id_find(const struct ast_id *root, struct ts_str id)
{
    while (root != NULL) {
        int c = cedar_str_order(id, root->id);

        if (c == 0)
            return root;
        root = c < 0 ? root->left : root->right;
    }
    return NULL;
}

static struct ast_id *skew(struct ast_id *t)
{
    struct ast_id *l = t->left;

    if (l == NULL || l->level != t->level)
        return t;
    t->left = l->right;
    l->right = t;
    return l;
}

static struct ast_id *split(struct ast_id *t)
{
    struct ast_id *r = t->right;

    if (r == NULL || r->right == NULL || r->right->level != t->level)
        return t;
    t->right = r->left;
    r->left = t;
    r->level++;
    return r;
}

ts_err est_id_add(struct ts_arena *arena, struct ast_id **root,
                  struct ts_str id, uint32_t index)
{
    struct ast_id **path[HEIGHT_MAX], **at = root, *n;
    unsigned depth = 0;
    void *mem;
    ts_err e = ts_arena_alloc(arena, sizeof(*n), &mem);

    if (e != TS_OK)
        return e;
    n = mem;
    *n = (struct ast_id){.id = id, .index = index, .level = 1};
    while (*at != NULL) {
        int c = cedar_str_order(id, (*at)->id);

        TS_REQUIRE(c != 0 && depth < HEIGHT_MAX);
        path[depth++] = at;
        at = c < 0 ? &(*at)->left : &(*at)->right;
    }
    *at = n;
    while (depth-- > 0)
        *path[depth] = split(skew(*path[depth]));
    return TS_OK;
}
