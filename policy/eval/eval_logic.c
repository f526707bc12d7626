/* Comparison and arithmetic, on values. */
#include "policy/eval/eval_priv.h"
#include "proto/base/ts_num.h"

bool ev_fatal(struct ev *ev, ts_err e)
{
    ev->fatal = e;
    return false;
}

enum ev_truth ev_type_fault(struct ev *ev, const char *expected,
                            const struct cedar_value *got)
{
    cedar_fault_type(&ev->fault, expected, got);
    return EV_FAIL;
}

/* "== compares two operands of any type"; different types are just unequal. */
enum ev_truth ev_equal(struct ev *ev, const struct cedar_value *a,
                       const struct cedar_value *b)
{
    if (!ev_charge(ev, cedar_value_cost(a)))
        return EV_FAIL;
    return cedar_value_eq(a, b) ? EV_TRUE : EV_FALSE;
}

static bool ordered(enum cedar_kind k)
{
    return k == CEDAR_LONG || k == CEDAR_DATETIME || k == CEDAR_DURATION;
}

/* "< [...] compares two long, datetime or duration operands". */
bool ev_order(struct ev *ev, const struct cedar_value *a,
              const struct cedar_value *b, int *ret)
{
    const char *want = "one of [long, datetime, duration]";

    if (!ordered(a->kind)) {
        if (ordered(b->kind))
            want = cedar_kind_name(b->kind);
        (void)ev_type_fault(ev, want, a); /* the caller asks for a bool */
        return false;
    }
    if (a->kind != b->kind) {
        (void)ev_type_fault(ev, cedar_kind_name(a->kind), b); /* likewise */
        return false;
    }
    *ret = (a->as.integer > b->as.integer) - (a->as.integer < b->as.integer);
    return true;
}

/* "unary - [...] If the result overflows, evaluation is an error." */
bool ev_negate(struct ev *ev, const struct cedar_value *v,
               struct cedar_value *ret)
{
    int64_t r;

    if (v->kind != CEDAR_LONG) {
        cedar_fault_type(&ev->fault, "long", v);
        return false;
    }
    if (ts_ckd_sub(&r, (int64_t)0, v->as.integer)) {
        cedar_fault_set(&ev->fault, "overflow",
                        "integer overflow while attempting to negate the "
                        "value `%lld`",
                        (long long)v->as.integer);
        return false;
    }
    *ret = cedar_long(r);
    return true;
}

/* Both have values before either type is looked at, as in Cedar. */
bool ev_arith(struct ev *ev, char op, struct cedar_value *acc,
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
