/*
 * The evaluator. Included twice, by eval.c (EV_TRACED 0) and by eval_trace.c
 * (EV_TRACED 1), so that a decision and its explanation come from the same
 * lines and a decision that nobody asks to explain pays nothing.
 *
 * Conditions come out as a truth, operands as pointers to values that exist
 * already wherever possible. Recursion follows the expression tree, whose
 * height the parser has bounded; the counter only guards that bound.
 */
#include "policy/core/ext.h"
#include "policy/core/limits.h"
#include "policy/eval/eval_priv.h"
#include "policy/eval/trace.h"

static enum ev_truth test(struct ev *ev, uint32_t node);
static const struct cedar_value *compute(struct ev *ev, const struct ev_node *n,
                                         struct cedar_value *tmp);

/* The value of an operand; tmp is where one that is computed is put. */
static inline const struct cedar_value *ref(struct ev *ev, uint32_t node,
                                            struct cedar_value *tmp)
{
    const struct ev_node *n = &ev->p->nodes[node];
    const struct cedar_value *v;

    if (n->op == EV_CONST)
        return &ev->p->consts[n->a];
    if (n->op == EV_PATH)
        v = ev_path(ev, n->a);
    else if (n->op == EV_VAR)
        v = &ev->vars[n->sub];
    else {
#if EV_TRACED
        ev->trace->inside++;
        v = compute(ev, n, tmp);
        ev->trace->inside--;
        if (ev->trace->inside > 0)
            return v;
#else
        return compute(ev, n, tmp);
#endif
    }
#if EV_TRACED
    if (v != NULL && !ev_trace_operand(ev, node, v))
        return NULL;
#endif
    return v;
}

static enum ev_truth all_of(struct ev *ev, const struct ev_node *n)
{
    const uint32_t *kids = &ev->p->kids[n->a];

    for (uint32_t i = 0; i < n->n; i++) {
        enum ev_truth t = test(ev, kids[i]);

        if (t != EV_TRUE)
            return t;
    }
    return EV_TRUE;
}

static enum ev_truth any_of(struct ev *ev, const struct ev_node *n)
{
    const uint32_t *kids = &ev->p->kids[n->a];

    for (uint32_t i = 0; i < n->n; i++) {
        enum ev_truth t = test(ev, kids[i]);

        if (t != EV_FALSE)
            return t;
    }
    return EV_FALSE;
}

static enum ev_truth one_of(struct ev *ev, const struct ev_node *n)
{
    enum ev_truth t = test(ev, n->a);

    if (t == EV_FAIL)
        return t;
#if EV_TRACED
    if (t == EV_FALSE)
        ev_trace_skip(ev);
#endif
    return test(ev, t == EV_TRUE ? n->b : n->c);
}

static inline enum ev_truth equal(struct ev *ev, const struct ev_node *n)
{
    EV_UNINIT struct cedar_value x, y;
    const struct cedar_value *a, *b;
    enum ev_truth t;

    if ((a = ref(ev, n->a, &x)) == NULL || (b = ref(ev, n->b, &y)) == NULL)
        return EV_FAIL;
    if (a->kind != b->kind)
        t = EV_FALSE;
    else if (a->kind == CEDAR_LONG)
        t = a->as.integer == b->as.integer ? EV_TRUE : EV_FALSE;
    else if (a->kind == CEDAR_ENTITY)
        t = cedar_uid_same(a->as.uid, b->as.uid) ? EV_TRUE : EV_FALSE;
    else if ((t = ev_equal(ev, a, b)) == EV_FAIL)
        return t;
    return (t == EV_TRUE) != (n->sub != 0) ? EV_TRUE : EV_FALSE;
}

static inline enum ev_truth ordered(struct ev *ev, const struct ev_node *n)
{
    EV_UNINIT struct cedar_value x, y;
    const struct cedar_value *a, *b;
    bool below;
    int c;

    if ((a = ref(ev, n->a, &x)) == NULL || (b = ref(ev, n->b, &y)) == NULL)
        return EV_FAIL;
    if (a->kind == CEDAR_LONG && b->kind == CEDAR_LONG) {
        below = n->op == EV_LESS ? a->as.integer < b->as.integer
                                 : a->as.integer <= b->as.integer;
    } else {
        if (!ev_order(ev, a, b, &c))
            return EV_FAIL;
        below = n->op == EV_LESS ? c < 0 : c <= 0;
    }
    return below != (n->sub != 0) ? EV_TRUE : EV_FALSE;
}

/* "e is T in f" is "(e is T) && (e in f)". */
static enum ev_truth is(struct ev *ev, const struct ev_node *n)
{
    EV_UNINIT struct cedar_value x, y;
    const struct cedar_value *a, *b;

    if ((a = ref(ev, n->a, &x)) == NULL)
        return EV_FAIL;
    if (a->kind != CEDAR_ENTITY)
        return ev_type_fault(ev, "entity", a);
    if (!cedar_str_same(a->as.uid->type, ev->p->types[n->b]))
        return EV_FALSE;
    if (n->op == EV_IS)
        return EV_TRUE;
    b = ref(ev, n->c, &y);
    return b != NULL ? ev_in(ev, a, b) : EV_FAIL;
}

/* Operators with two operands that both have values before either is judged. */
static enum ev_truth binary(struct ev *ev, const struct ev_node *n)
{
    EV_UNINIT struct cedar_value x, y;
    const struct cedar_value *a, *b;

    if ((a = ref(ev, n->a, &x)) == NULL || (b = ref(ev, n->b, &y)) == NULL)
        return EV_FAIL;
    if (n->op == EV_IN)
        return ev_in(ev, a, b);
    if (n->op == EV_CONTAINS)
        return ev_contains(ev, a, b);
    if (n->op == EV_CONTAINS_ALL)
        return ev_contains_all(ev, a, b);
    if (n->op == EV_CONTAINS_ANY)
        return ev_contains_any(ev, a, b);
    return ev_has_tag(ev, a, b);
}

static enum ev_truth unary(struct ev *ev, const struct ev_node *n)
{
    EV_UNINIT struct cedar_value x;
    const struct cedar_value *a = ref(ev, n->a, &x);

    if (a == NULL)
        return EV_FAIL;
    if (n->op == EV_LIKE)
        return ev_like(ev, a, &ev->p->patterns[n->b]);
    if (n->op == EV_HAS)
        return ev_has(ev, a, &ev->p->strs[n->b], n->n);
    return ev_is_empty(ev, a);
}

/* What is no operator of truth by itself: an attribute, a literal, a method. */
static enum ev_truth as_bool(struct ev *ev, const struct ev_node *n,
                             uint32_t node)
{
    EV_UNINIT struct cedar_value x;
    const struct cedar_value *v =
        n->op <= EV_PATH ? ref(ev, node, &x) : compute(ev, n, &x);

    if (v == NULL)
        return EV_FAIL;
    if (v->kind != CEDAR_BOOL)
        return ev_type_fault(ev, "bool", v);
    return v->as.boolean ? EV_TRUE : EV_FALSE;
}

static enum ev_truth truth(struct ev *ev, const struct ev_node *n,
                           uint32_t node)
{
    enum ev_truth t;

    switch ((enum ev_op)n->op) {
    case EV_AND:
        return all_of(ev, n);
    case EV_OR:
        return any_of(ev, n);
    case EV_NOT:
        t = test(ev, n->a);
        if (t == EV_FAIL)
            return t;
        return t == EV_TRUE ? EV_FALSE : EV_TRUE;
    case EV_IF:
        return one_of(ev, n);
    case EV_EQ:
        return equal(ev, n);
    case EV_LESS:
    case EV_LESS_EQ:
        return ordered(ev, n);
    case EV_IS:
    case EV_IS_IN:
        return is(ev, n);
    case EV_IN:
    case EV_CONTAINS:
    case EV_CONTAINS_ALL:
    case EV_CONTAINS_ANY:
    case EV_HAS_TAG:
        return binary(ev, n);
    case EV_LIKE:
    case EV_HAS:
    case EV_IS_EMPTY:
        return unary(ev, n);
    case EV_CONST:
    case EV_VAR:
    case EV_PATH:
    case EV_NEG:
    case EV_SUM:
    case EV_PRODUCT:
    case EV_GET:
    case EV_SET:
    case EV_RECORD:
    case EV_GET_TAG:
    case EV_EXT:
    case EV_OP_COUNT:
        break;
    }
    return as_bool(ev, n, node);
}

static inline enum ev_truth deeper(struct ev *ev, const struct ev_node *n,
                                   uint32_t node)
{
    enum ev_truth t;

    if (ev->depth >= 2 * CEDAR_HEIGHT_MAX) {
        (void)ev_fatal(ev, TS_E_LIMIT); /* EV_FAIL says it */
        return EV_FAIL;
    }
    ev->depth++;
    t = truth(ev, n, node);
    ev->depth--;
    return t;
}

/* Every operand that must be a bool passes here. Only truths made of truths
 * come back here without passing compute(), and count as deeper. */
static enum ev_truth test(struct ev *ev, uint32_t node)
{
    const struct ev_node *n = &ev->p->nodes[node];
#if EV_TRACED
    struct ev_trace_at at;
    enum ev_truth t;
#endif

    if (!ev_charge(ev, 1))
        return EV_FAIL;
#if EV_TRACED
    ev_trace_enter(ev, n, &at);
    t = n->op <= EV_IF ? deeper(ev, n, node) : truth(ev, n, node);
    ev_trace_leave(ev, &at, t);
    return t;
#else
    return n->op <= EV_IF ? deeper(ev, n, node) : truth(ev, n, node);
#endif
}

static const struct cedar_value *chain(struct ev *ev, const struct ev_node *n,
                                       struct cedar_value *tmp)
{
    const uint32_t *kids = &ev->p->kids[n->a];
    const struct cedar_value *v = ref(ev, kids[0], tmp);
    EV_UNINIT struct cedar_value acc, x;

    if (v == NULL)
        return NULL;
    acc = *v;
    for (uint32_t i = 1; i < n->n; i++) {
        char op = n->op == EV_SUM ? ev->p->joins[n->a + i] : '*';

        if ((v = ref(ev, kids[i], &x)) == NULL || !ev_arith(ev, op, &acc, v))
            return NULL;
    }
    *tmp = acc;
    return tmp;
}

static const struct cedar_value *
make_set(struct ev *ev, const struct ev_node *n, struct cedar_value *tmp)
{
    struct cedar_value *items = ev_set_room(ev, n->n), x;

    if (items == NULL)
        return NULL;
    for (uint32_t i = 0; i < n->n; i++) {
        const struct cedar_value *v = ref(ev, ev->p->kids[n->a + i], &x);

        if (v == NULL || !ev_set_charge(ev, v, n->n))
            return NULL;
        items[i] = *v;
    }
    return ev_set_make(ev, items, n->n, tmp) ? tmp : NULL;
}

/* A record whose fields are not all constant. Lowering has sorted the keys. */
static const struct cedar_value *
make_record(struct ev *ev, const struct ev_node *n, struct cedar_value *tmp)
{
    struct cedar_field *fields = ev_record_room(ev, n->n);
    EV_UNINIT struct cedar_value x;

    if (fields == NULL)
        return NULL;
    for (uint32_t i = 0; i < n->n; i++) {
        const struct cedar_value *v = ref(ev, ev->p->kids[n->a + i], &x);

        if (v == NULL)
            return NULL;
        fields[i] =
            (struct cedar_field){.key = ev->p->strs[n->b + i], .value = *v};
    }
    return ev_record_make(ev, fields, n->n, tmp) ? tmp : NULL;
}

/* An extension function: all arguments have values before they are counted. */
static const struct cedar_value *call(struct ev *ev, const struct ev_node *n,
                                      struct cedar_value *tmp)
{
    struct cedar_value args[CEDAR_EXT_ARGS_MAX] = {0}, x;

    for (uint32_t i = 0; i < n->n; i++) {
        const struct cedar_value *v = ref(ev, ev->p->kids[n->a + i], &x);

        if (v == NULL)
            return NULL;
        if (i < CEDAR_EXT_ARGS_MAX)
            args[i] = *v;
    }
    return cedar_ext_call((enum cedar_ext)n->sub, args, n->n, tmp, &ev->fault)
               ? tmp
               : NULL;
}

/* An attribute of what is itself computed, a tag, a minus, an `if`. */
static const struct cedar_value *derived(struct ev *ev, const struct ev_node *n,
                                         struct cedar_value *tmp)
{
    EV_UNINIT struct cedar_value x, y;
    const struct cedar_value *a, *b;
    enum ev_truth t;

    if (n->op == EV_IF) {
        if ((t = test(ev, n->a)) == EV_FAIL)
            return NULL;
        return ref(ev, t == EV_TRUE ? n->b : n->c, tmp);
    }
    if ((a = ref(ev, n->a, &x)) == NULL)
        return NULL;
    if (n->op == EV_GET)
        return ev_attr(ev, a, ev->p->strs[n->b]);
    if (n->op == EV_NEG)
        return ev_negate(ev, a, tmp) ? tmp : NULL;
    b = ref(ev, n->b, &y);
    return b != NULL ? ev_get_tag(ev, a, b) : NULL;
}

/* The value of anything that is not at hand; of a truth as well. */
static const struct cedar_value *make(struct ev *ev, const struct ev_node *n,
                                      struct cedar_value *tmp)
{
    enum ev_truth t;

    if (n->op == EV_SUM || n->op == EV_PRODUCT)
        return chain(ev, n, tmp);
    if (n->op == EV_SET)
        return make_set(ev, n, tmp);
    if (n->op == EV_RECORD)
        return make_record(ev, n, tmp);
    if (n->op == EV_EXT)
        return call(ev, n, tmp);
    if (n->op == EV_GET || n->op == EV_NEG || n->op == EV_GET_TAG ||
        n->op == EV_IF)
        return derived(ev, n, tmp);
    t = truth(ev, n, 0); /* never one of those that look at the number */
    if (t == EV_FAIL)
        return NULL;
    cedar_put_bool(tmp, t == EV_TRUE);
    return tmp;
}

static const struct cedar_value *compute(struct ev *ev, const struct ev_node *n,
                                         struct cedar_value *tmp)
{
    const struct cedar_value *v;

    if (ev->depth >= 2 * CEDAR_HEIGHT_MAX) {
        (void)ev_fatal(ev, TS_E_LIMIT); /* NULL says it */
        return NULL;
    }
    if (!ev_charge(ev, 1))
        return NULL;
    ev->depth++;
    v = make(ev, n, tmp);
    ev->depth--;
    return v;
}
