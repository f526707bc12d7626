/* The nodes that are more than an operator over its operands. */
#include "policy/core/sort.h"
#include "policy/core/uid.h"
#include "policy/validate/validate_priv.h"

/* Two literals are one: Cedar folds `true && false` while it parses. */
static bool fold(struct validate *v, enum vop op, struct vnode **acc,
                 const struct vnode *kid)
{
    struct vnode *n;

    if (op == V_ARITH || (*acc)->op != V_BOOL || kid->op != V_BOOL)
        return false;
    if ((n = v_node(v, V_BOOL, (*acc)->span, 0)) == NULL)
        return false;
    n->sub = op == V_AND ? (*acc)->sub & kid->sub : (*acc)->sub | kid->sub;
    if ((n = v_done(v, n)) != NULL)
        *acc = n;
    return n != NULL;
}

struct vnode *v_chain(struct validate *v, enum vop op, struct cedar_span span,
                      const struct ast_expr *kids, uint32_t count)
{
    struct vnode *n = v_node(v, op, span, count);
    char *joins = v_keep(v, count, 1);
    uint32_t used = 0;

    if (n == NULL || joins == NULL)
        return NULL;
    for (; kids != NULL; kids = kids->next) {
        struct vnode *kid = v_lower(v, kids);

        if (kid == NULL)
            return NULL;
        if (used == 1 && fold(v, op, &n->kids[0], kid))
            continue;
        joins[used] = kids->join;
        n->kids[used++] = kid;
    }
    if (v->err != TS_OK)
        return NULL;
    if (used == 1)
        return n->kids[0];
    n->count = used;
    n->str = (struct ts_str){joins, op == V_ARITH ? used : 0};
    return v_done(v, n);
}

static struct vnode *access_of(struct validate *v, enum vop op,
                               struct vnode *base, const struct ast_expr *attr,
                               struct cedar_span span)
{
    struct vnode *n = v_node(v, op, span, 1);

    if (n == NULL)
        return NULL;
    n->kids[0] = base;
    n->str = attr->str;
    return v_done(v, n);
}

/* The bases of a path are shared: each is the next one's beginning. */
struct vnode *v_lower_has(struct validate *v, const struct ast_expr *x)
{
    uint32_t steps = x->count - 1;
    struct vnode *n = v_node(v, V_AND, x->span, steps);
    const struct ast_expr *attr = x->first->next;
    struct vnode *base = v_lower(v, x->first);

    if (n == NULL || base == NULL)
        return NULL;
    for (uint32_t i = 0; i < steps; i++, attr = attr->next) {
        if ((n->kids[i] = access_of(v, V_HAS, base, attr, x->span)) == NULL)
            return NULL;
        base->shared |= steps > 1;
        if (i + 1 < steps &&
            (base = access_of(v, V_GET, base, attr, x->span)) == NULL)
            return NULL;
    }
    return steps == 1 ? n->kids[0] : v_done(v, n);
}

static struct vnode *lower_like(struct validate *v, const struct ast_expr *x)
{
    struct vnode *n = v_node(v, V_LIKE, x->span, 1);
    struct vshape key = {.op = V_LIKE};

    if (n == NULL || (n->kids[0] = v_lower(v, x->first)) == NULL)
        return NULL;
    n->shape = n->kids[0]->shape;
    for (const struct ast_expr *r = x->first->next; r != NULL; r = r->next) {
        key = (struct vshape){.op = SHAPE_RUN, .a = n->shape, .s = r->str};
        n->shape = v_shape(v, &key);
    }
    key = (struct vshape){.op = V_LIKE, .a = n->shape};
    n->shape = v_shape(v, &key);
    return v->err == TS_OK ? n : NULL;
}

static struct vnode *lower_is(struct validate *v, const struct ast_expr *x)
{
    struct vnode *is = v_node(v, V_IS, x->span, 1), *in, *both;
    const struct ast_expr *of = x->first->next;

    if (is == NULL || (is->kids[0] = v_lower(v, x->first)) == NULL)
        return NULL;
    is->str = x->str;
    v_check_type(v, is, x->str);
    if (v_done(v, is) == NULL || of == NULL)
        return v->err == TS_OK ? is : NULL;
    if ((in = v_node(v, V_IN, x->span, 2)) == NULL ||
        (both = v_node(v, V_AND, x->span, 2)) == NULL)
        return NULL;
    is->kids[0]->shared = true;
    in->kids[0] = is->kids[0];
    if ((in->kids[1] = v_lower(v, of)) == NULL || v_done(v, in) == NULL)
        return NULL;
    both->kids[0] = is;
    both->kids[1] = in;
    return v_done(v, both);
}

/* Why the literal of a constructor is none of its values, or NULL. */
static const char *bad_literal(enum cedar_ext fn, struct ts_str s)
{
    const char *why = NULL;
    struct cedar_ip ip;
    int64_t num;
    bool ok = true;

    if (fn == CEDAR_EXT_IP)
        ok = cedar_ip_parse(s, &ip, &why);
    else if (fn == CEDAR_EXT_DECIMAL)
        ok = cedar_decimal_parse(s, &num, &why);
    else if (fn == CEDAR_EXT_DATETIME)
        ok = cedar_datetime_parse(s, &num, &why);
    else if (fn == CEDAR_EXT_DURATION)
        ok = cedar_duration_parse(s, &num, &why);
    if (ok)
        return NULL;
    return why != NULL ? why : "not in the form that it takes";
}

static struct vnode *lower_list(struct validate *v, enum vop op,
                                const struct ast_expr *x)
{
    struct vnode *n = v_lower_kids(v, op, x);

    if (n == NULL)
        return NULL;
    n->sub = x->sub;
    if (op == V_EXT && n->count == 1 && n->kids[0]->op == V_STR)
        n->why = bad_literal((enum cedar_ext)n->sub, n->kids[0]->str);
    return v_done(v, n);
}

struct field {
    struct ts_str key;
    struct vnode *value;
};

static int field_order(const void *a, const void *b)
{
    return cedar_str_order(((const struct field *)a)->key,
                           ((const struct field *)b)->key);
}

static struct vnode *lower_record(struct validate *v, const struct ast_expr *x)
{
    struct vnode *n = v_node(v, V_RECORD, x->span, x->count);
    struct field *fields = v_keep(v, x->count, sizeof(*fields));
    struct ts_str *keys = v_keep(v, x->count, sizeof(*keys));
    const struct ast_expr *f = x->first;

    if (n == NULL || fields == NULL || keys == NULL)
        return NULL;
    for (uint32_t i = 0; i < x->count; i++, f = f->next) {
        fields[i].key = f->str;
        if ((fields[i].value = v_lower(v, f->first)) == NULL)
            return NULL;
    }
    cedar_sort(fields, x->count, sizeof(*fields), field_order);
    for (uint32_t i = 0; i < x->count; i++) {
        keys[i] = fields[i].key;
        n->kids[i] = fields[i].value;
    }
    n->keys = keys;
    return v_done(v, n);
}

struct vnode *v_lower_make(struct validate *v, const struct ast_expr *x)
{
    if (x->op == AST_LIKE)
        return lower_like(v, x);
    if (x->op == AST_IS)
        return lower_is(v, x);
    if (x->op == AST_EXT)
        return lower_list(v, V_EXT, x);
    if (x->op == AST_SET)
        return lower_list(v, V_SET, x);
    if (x->op == AST_RECORD)
        return lower_record(v, x);
    v_fail(v, TS_E_INVALID); /* a tree that no parser makes */
    return NULL;
}
