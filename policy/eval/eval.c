/*
 * The evaluator: one table, one C function an operator. Recursion follows the
 * expression tree, whose height the parser has bounded; the counter here only
 * guards that bound. Nothing is formatted unless an expression fails.
 */
#include "policy/eval/eval_priv.h"

#include "policy/core/limits.h"
#include "policy/core/value.h"

/* "principal, action, resource, context": the request's own. */
static bool op_var(struct ev *ev, const struct ev_node *n,
                   struct cedar_value *ret)
{
    switch ((enum ev_var)n->sub) {
    case EV_PRINCIPAL:
        *ret = cedar_entity(&ev->req->principal);
        break;
    case EV_ACTION:
        *ret = cedar_entity(&ev->req->action);
        break;
    case EV_RESOURCE:
        *ret = cedar_entity(&ev->req->resource);
        break;
    case EV_CONTEXT:
        *ret = ev->req->context;
        break;
    }
    return true;
}

static bool op_const(struct ev *ev, const struct ev_node *n,
                     struct cedar_value *ret)
{
    *ret = ev->p->consts[n->a];
    return true;
}

static const ev_fn ops[EV_OP_COUNT] = {
    [EV_CONST] = op_const,
    [EV_VAR] = op_var,
    [EV_AND] = ev_op_and,
    [EV_OR] = ev_op_or,
    [EV_NOT] = ev_op_not,
    [EV_NEG] = ev_op_neg,
    [EV_EQ] = ev_op_eq,
    [EV_LESS] = ev_op_less,
    [EV_LESS_EQ] = ev_op_less_eq,
    [EV_SUM] = ev_op_sum,
    [EV_PRODUCT] = ev_op_product,
    [EV_IF] = ev_op_if,
    [EV_IN] = ev_op_in,
    [EV_GET] = ev_op_get,
    [EV_HAS] = ev_op_has,
    [EV_LIKE] = ev_op_like,
    [EV_IS] = ev_op_is,
    [EV_IS_IN] = ev_op_is_in,
    [EV_SET] = ev_op_set,
    [EV_RECORD] = ev_op_record,
    [EV_CONTAINS] = ev_op_contains,
    [EV_CONTAINS_ALL] = ev_op_contains_all,
    [EV_CONTAINS_ANY] = ev_op_contains_any,
    [EV_IS_EMPTY] = ev_op_is_empty,
    [EV_HAS_TAG] = ev_op_has_tag,
    [EV_GET_TAG] = ev_op_get_tag,
    [EV_EXT] = ev_op_ext,
};

bool ev_fatal(struct ev *ev, ts_err e)
{
    ev->fatal = e;
    return false;
}

bool ev_charge(struct ev *ev, uint64_t units)
{
    ev->work += units;
    return ev->work <= ev->work_max || ev_fatal(ev, TS_E_LIMIT);
}

bool ev_eval(struct ev *ev, uint32_t node, struct cedar_value *ret)
{
    const struct ev_node *n = &ev->p->nodes[node];
    bool ok;

    if (ev->depth >= 2 * CEDAR_HEIGHT_MAX)
        return ev_fatal(ev, TS_E_LIMIT);
    if (!ev_charge(ev, 1))
        return false;
    ev->depth++;
    ok = ops[n->op](ev, n, ret);
    ev->depth--;
    return ok;
}

bool ev_eval_kind(struct ev *ev, uint32_t node, enum cedar_kind kind,
                  struct cedar_value *ret)
{
    if (!ev_eval(ev, node, ret))
        return false;
    if (ret->kind == kind)
        return true;
    cedar_fault_type(&ev->fault, cedar_kind_name(kind), ret);
    return false;
}
