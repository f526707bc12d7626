/* Operators on booleans and numbers, and comparison. */
#include "policy/core/value.h"
#include "policy/eval/eval_priv.h"
#include "proto/base/ts_num.h"

/* "&& [...] If the first operand is false, the second is not evaluated." Each
 * operand that is evaluated must be a bool. */
bool ev_op_and(struct ev *ev, const struct ev_node *n, struct cedar_value *ret)
{
    struct cedar_value v = cedar_bool(true);

    for (uint32_t i = 0; i < n->n; i++) {
        if (!ev_eval_kind(ev, ev->p->kids[n->a + i], CEDAR_BOOL, &v))
            return false;
        if (!v.as.boolean)
            break;
    }
    *ret = v;
    return true;
}

/* "|| [...] If the first operand is true, the second is not evaluated." */
bool ev_op_or(struct ev *ev, const struct ev_node *n, struct cedar_value *ret)
{
    struct cedar_value v = cedar_bool(false);

    for (uint32_t i = 0; i < n->n; i++) {
        if (!ev_eval_kind(ev, ev->p->kids[n->a + i], CEDAR_BOOL, &v))
            return false;
        if (v.as.boolean)
            break;
    }
    *ret = v;
    return true;
}

/* "! [...] inverts the value of a boolean operand". */
bool ev_op_not(struct ev *ev, const struct ev_node *n, struct cedar_value *ret)
{
    struct cedar_value v;

    if (!ev_eval_kind(ev, n->a, CEDAR_BOOL, &v))
        return false;
    cedar_put_bool(ret, !v.as.boolean);
    return true;
}

/* "if [...] only the branch that is chosen is evaluated". */
bool ev_op_if(struct ev *ev, const struct ev_node *n, struct cedar_value *ret)
{
    struct cedar_value v;

    if (!ev_eval_kind(ev, n->a, CEDAR_BOOL, &v))
        return false;
    return ev_eval(ev, v.as.boolean ? n->b : n->c, ret);
}

/* "== compares two operands of any type"; different types are just unequal. */
bool ev_op_eq(struct ev *ev, const struct ev_node *n, struct cedar_value *ret)
{
    struct cedar_value a, b;

    if (!ev_eval(ev, n->a, &a) || !ev_eval(ev, n->b, &b))
        return false;
    if (a.kind == b.kind && !ev_charge(ev, cedar_value_cost(&a)))
        return false;
    cedar_put_bool(ret, cedar_value_eq(&a, &b));
    return true;
}

static bool ordered(enum cedar_kind k)
{
    return k == CEDAR_LONG || k == CEDAR_DATETIME || k == CEDAR_DURATION;
}

/* Both sides, which must be two longs, two datetimes or two durations. */
static bool ordered_pair(struct ev *ev, const struct ev_node *n, int64_t *a,
                         int64_t *b)
{
    struct cedar_value x, y;

    if (!ev_eval(ev, n->a, &x) || !ev_eval(ev, n->b, &y))
        return false;
    if (!ordered(x.kind) && ordered(y.kind)) {
        cedar_fault_type(&ev->fault, cedar_kind_name(y.kind), &x);
        return false;
    }
    if (!ordered(x.kind)) {
        cedar_fault_type(&ev->fault, "one of [long, datetime, duration]", &x);
        return false;
    }
    if (x.kind != y.kind) {
        cedar_fault_type(&ev->fault, cedar_kind_name(x.kind), &y);
        return false;
    }
    *a = x.as.integer;
    *b = y.as.integer;
    return true;
}

/* "< [...] compares two long, datetime or duration operands". */
bool ev_op_less(struct ev *ev, const struct ev_node *n, struct cedar_value *ret)
{
    int64_t a, b;

    if (!ordered_pair(ev, n, &a, &b))
        return false;
    cedar_put_bool(ret, a < b);
    return true;
}

/* "<= [...]" likewise; > and >= were lowered to the negation of these two. */
bool ev_op_less_eq(struct ev *ev, const struct ev_node *n,
                   struct cedar_value *ret)
{
    int64_t a, b;

    if (!ordered_pair(ev, n, &a, &b))
        return false;
    cedar_put_bool(ret, a <= b);
    return true;
}

/* "unary - [...] If the result overflows, evaluation is an error." */
bool ev_op_neg(struct ev *ev, const struct ev_node *n, struct cedar_value *ret)
{
    struct cedar_value v;
    int64_t r;

    if (!ev_eval_kind(ev, n->a, CEDAR_LONG, &v))
        return false;
    if (ts_ckd_sub(&r, (int64_t)0, v.as.integer)) {
        cedar_fault_set(&ev->fault, "overflow",
                        "integer overflow while attempting to negate the "
                        "value `%lld`",
                        (long long)v.as.integer);
        return false;
    }
    *ret = cedar_long(r);
    return true;
}

/* One step of a chain: left op right. Both have values before either type is
 * looked at, as in Cedar. */
static bool step(struct ev *ev, char op, struct cedar_value *acc,
                 const struct cedar_value *x)
{
    const char *verb =
        op == '+' ? "add" : (op == '-' ? "subtract" : "multiply");
    const struct cedar_value *bad = acc->kind != CEDAR_LONG ? acc : x;
    int64_t r;
    bool over;

    if (bad->kind != CEDAR_LONG) {
        cedar_fault_type(&ev->fault, "long", bad);
        return false;
    }
    if (op == '+')
        over = ts_ckd_add(&r, acc->as.integer, x->as.integer);
    else if (op == '-')
        over = ts_ckd_sub(&r, acc->as.integer, x->as.integer);
    else
        over = ts_ckd_mul(&r, acc->as.integer, x->as.integer);
    if (over) {
        cedar_fault_set(&ev->fault, "overflow",
                        "integer overflow while attempting to %s the values "
                        "`%lld` and `%lld`",
                        verb, (long long)acc->as.integer,
                        (long long)x->as.integer);
        return false;
    }
    *acc = cedar_long(r);
    return true;
}

static bool arithmetic(struct ev *ev, const struct ev_node *n, bool product,
                       struct cedar_value *ret)
{
    struct cedar_value acc, x;

    if (!ev_eval(ev, ev->p->kids[n->a], &acc))
        return false;
    for (uint32_t i = 1; i < n->n; i++) {
        char op = '*';

        if (!product)
            op = ev->p->joins[n->a + i];
        if (!ev_eval(ev, ev->p->kids[n->a + i], &x) || !step(ev, op, &acc, &x))
            return false;
    }
    *ret = acc;
    return true;
}

/* "+ and - [...] If the result overflows, evaluation is an error." */
bool ev_op_sum(struct ev *ev, const struct ev_node *n, struct cedar_value *ret)
{
    return arithmetic(ev, n, false, ret);
}

/* "* [...] If the result overflows, evaluation is an error." */
bool ev_op_product(struct ev *ev, const struct ev_node *n,
                   struct cedar_value *ret)
{
    return arithmetic(ev, n, true, ret);
}
