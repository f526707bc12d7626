#include "policy/syntax/node.h"

#include "policy/core/limits.h"

ts_err ast_node_new(struct ts_arena *arena, size_t nodes[AST_OP_COUNT],
                    enum ast_op op, struct cedar_span span,
                    struct ast_expr **ret)
{
    struct ast_expr *n;
    void *mem;
    ts_err e = ts_arena_alloc(arena, sizeof(*n), &mem);

    if (e != TS_OK)
        return e;
    n = mem;
    n->op = op;
    n->height = 1;
    n->span = span;
    nodes[op]++;
    *ret = n;
    return TS_OK;
}

bool ast_node_adopt(struct ast_expr *parent, struct ast_expr *kid)
{
    if (kid->height >= CEDAR_HEIGHT_MAX)
        return false;
    if (kid->height >= parent->height)
        parent->height = (uint16_t)(kid->height + 1);
    if (parent->last != NULL)
        parent->last->next = kid;
    else
        parent->first = kid;
    parent->last = kid;
    parent->count++;
    return true;
}

void ast_scope_append(struct ast_scope *scope, struct ast_expr **tail,
                      struct ast_expr *uid)
{
    if (*tail != NULL)
        (*tail)->next = uid;
    else
        scope->uids = uid;
    *tail = uid;
    scope->uid_count++;
}
