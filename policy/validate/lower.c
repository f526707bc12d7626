/* From the tree as written to the expressions that Cedar's typechecker knows:
 * `a != b` is !(a == b), `a > b` is !(a <= b), `x has a.b` is x has a &&
 * x.a has b, `e is T in f` is e is T && e in f. */
#include "policy/validate/validate_priv.h"

#include "policy/core/name.h"

struct vnode *v_node(struct validate *v, enum vop op, struct cedar_span span,
                     uint32_t kids)
{
    struct vnode *n = v_keep(v, 1, sizeof(*n));
    struct vnode **list = v_keep(v, kids, sizeof(struct vnode *));

    if (n == NULL || list == NULL || !v_spend(v, 1))
        return NULL;
    *n = (struct vnode){.op = op, .count = kids, .kids = list, .span = span};
    return n;
}

/* The shape of a node with any number of kids, each after the other. */
static uint32_t shape_list(struct validate *v, const struct vnode *n)
{
    struct vshape key = {.op = (uint32_t)n->op, .num = n->sub};
    uint32_t acc = v_shape(v, &key);

    for (uint32_t i = 0; i < n->count && v->err == TS_OK; i++) {
        key =
            (struct vshape){.op = SHAPE_ITEM, .a = acc, .b = n->kids[i]->shape};
        if (n->keys != NULL)
            key.s = n->keys[i];
        acc = v_shape(v, &key);
    }
    return acc;
}

/* Chains are shaped as the nested pairs that they stand for, so that
 * parentheses around a beginning change nothing. */
static uint32_t shape_chain(struct validate *v, const struct vnode *n)
{
    uint32_t acc = n->kids[0]->shape;

    for (uint32_t i = 1; i < n->count && v->err == TS_OK; i++) {
        struct vshape key = {
            .op = (uint32_t)n->op, .a = acc, .b = n->kids[i]->shape};

        if (n->op == V_ARITH)
            key.num = n->str.ptr[i];
        acc = v_shape(v, &key);
    }
    return acc;
}

struct vnode *v_done(struct validate *v, struct vnode *n)
{
    struct vshape key = {.num = n->num, .s = n->str, .t = n->id};

    if (v->err != TS_OK)
        return NULL;
    key.op = (uint32_t)n->op;
    if (n->op == V_AND || n->op == V_OR || n->op == V_ARITH) {
        n->shape = shape_chain(v, n);
    } else if (n->op == V_SET || n->op == V_RECORD || n->op == V_EXT ||
               n->op == V_IF) {
        n->shape = shape_list(v, n);
    } else {
        if (n->op == V_BOOL || n->op == V_VAR || n->op == V_SLOT)
            key.num = n->sub;
        key.a = n->count > 0 ? n->kids[0]->shape : 0;
        key.b = n->count > 1 ? n->kids[1]->shape : 0;
        n->shape = v_shape(v, &key);
    }
    if (n->op == V_HAS || n->op == V_HAS_TAG) {
        key.op = n->op == V_HAS ? V_GET : V_GET_TAG;
        n->cap = v_shape(v, &key);
    } else {
        n->cap = n->shape;
    }
    return v->err == TS_OK ? n : NULL;
}

struct vnode *v_var(struct validate *v, enum ast_var var,
                    struct cedar_span span)
{
    struct vnode *n = v_node(v, V_VAR, span, 0);

    if (n == NULL)
        return NULL;
    n->sub = (uint8_t)var;
    return v_done(v, n);
}

static struct vnode *leaf(struct validate *v, const struct ast_expr *x)
{
    enum vop op = x->op == AST_BOOL ? V_BOOL : x->op == AST_INT ? V_INT : V_STR;
    struct vnode *n = v_node(v, op, x->span, 0);

    if (n == NULL)
        return NULL;
    if (op == V_BOOL)
        n->sub = x->num != 0;
    else
        n->num = x->num;
    n->str = x->str;
    return v_done(v, n);
}

struct vnode *v_lower_kids(struct validate *v, enum vop op,
                           const struct ast_expr *x)
{
    struct vnode *n = v_node(v, op, x->span, x->count);
    const struct ast_expr *k = x->first;

    for (uint32_t i = 0; n != NULL && i < x->count; i++, k = k->next)
        if ((n->kids[i] = v_lower(v, k)) == NULL)
            return NULL;
    return n;
}

static struct vnode *over(struct validate *v, enum vop op,
                          const struct ast_expr *x)
{
    struct vnode *n = v_lower_kids(v, op, x);

    if (n == NULL)
        return NULL;
    n->str = op == V_GET ? x->str : (struct ts_str){0};
    return v_done(v, n);
}

static struct vnode *lower_not(struct validate *v, struct vnode *kid)
{
    struct vnode *n;

    if (kid == NULL || (n = v_node(v, V_NOT, kid->span, 1)) == NULL)
        return NULL;
    n->kids[0] = kid;
    return v_done(v, n);
}

static struct vnode *lower_rel(struct validate *v, const struct ast_expr *x)
{
    static const struct {
        enum vop op;
        bool negate;
    } rels[] = {
        [AST_EQ] = {V_EQ, false},     [AST_NE] = {V_EQ, true},
        [AST_LT] = {V_LESS, false},   [AST_LE] = {V_LESS_EQ, false},
        [AST_GT] = {V_LESS_EQ, true}, [AST_GE] = {V_LESS, true},
        [AST_IN] = {V_IN, false},
    };
    struct vnode *n = over(v, rels[x->sub].op, x);

    return rels[x->sub].negate ? lower_not(v, n) : n;
}

static struct vnode *lower_method(struct validate *v, const struct ast_expr *x)
{
    static const enum vop ops[] = {
        [AST_CONTAINS] = V_CONTAINS,
        [AST_CONTAINS_ALL] = V_CONTAINS_ALL,
        [AST_CONTAINS_ANY] = V_CONTAINS_ANY,
        [AST_IS_EMPTY] = V_IS_EMPTY,
        [AST_HAS_TAG] = V_HAS_TAG,
        [AST_GET_TAG] = V_GET_TAG,
    };

    return over(v, ops[x->sub], x);
}

static struct vnode *lower_variable(struct validate *v,
                                    const struct ast_expr *x)
{
    v->uses |= 1u << x->sub;
    return v_var(v, (enum ast_var)x->sub, x->span);
}

static struct vnode *lower_simple(struct validate *v, const struct ast_expr *x)
{
    switch (x->op) {
    case AST_BOOL:
    case AST_INT:
    case AST_STR:
        return leaf(v, x);
    case AST_UID:
        return v_uid(v, x);
    case AST_VAR:
        return lower_variable(v, x);
    case AST_NOT:
        return over(v, V_NOT, x);
    case AST_NEG:
        return over(v, V_NEG, x);
    case AST_GET:
        return over(v, V_GET, x);
    case AST_IF:
        return over(v, V_IF, x);
    case AST_REL:
        return lower_rel(v, x);
    case AST_METHOD:
        return lower_method(v, x);
    case AST_HAS:
        return v_lower_has(v, x);
    case AST_AND:
        return v_chain(v, V_AND, x->span, x->first, x->count);
    case AST_OR:
        return v_chain(v, V_OR, x->span, x->first, x->count);
    case AST_ADD:
    case AST_MUL:
        return v_chain(v, V_ARITH, x->span, x->first, x->count);
    case AST_LIKE:
    case AST_IS:
    case AST_EXT:
    case AST_SET:
    case AST_RECORD:
    case AST_ATTR:  /* these only below their own parents */
    case AST_RUN:   /* ... */
    case AST_FIELD: /* ... */
    case AST_OP_COUNT:
        break;
    }
    return v_lower_make(v, x);
}

struct vnode *v_lower(struct validate *v, const struct ast_expr *x)
{
    struct vnode *n;

    if (!v_enter(v))
        return NULL;
    n = lower_simple(v, x);
    v_leave(v);
    return n;
}
