/* One expression in one kind of request: its type, whether anything below it is
 * wrong, and what is known to be present when it is true. */
#include "policy/validate/validate_priv.h"

static struct answer stop(void)
{
    return (struct answer){0};
}

static struct answer check_var(struct validate *v, const struct vnode *n)
{
    switch ((enum ast_var)n->sub) {
    case AST_PRINCIPAL:
        return v_answer(true, &v->env.principal->type);
    case AST_ACTION:
        return v_answer(true, &v->env.action->type->type);
    case AST_RESOURCE:
        return v_answer(true, &v->env.resource->type);
    case AST_CONTEXT:
        break;
    }
    return v_answer(true, v->env.action->context);
}

static struct answer check_not(struct validate *v, struct vnode *n)
{
    struct answer a = v_expect_one(v, n->kids[0], &v_bool, NULL);

    a.caps = (struct cap_list){0};
    if (a.type == &v_true || a.type == &v_false)
        a.type = v_single(a.type == &v_false);
    else
        a.type = &v_bool;
    return a;
}

static struct answer check_arith(struct validate *v, struct vnode *n)
{
    bool ok = true;

    for (uint32_t i = 0; i < n->count && v->err == TS_OK; i++)
        ok &= v_expect_one(v, n->kids[i], &v_long,
                           "arithmetic is on Long; texts and sets cannot be "
                           "added")
                  .ok;
    return v_answer(ok, &v_long);
}

static struct answer check_like(struct validate *v, struct vnode *n)
{
    struct answer a =
        v_expect_one(v, n->kids[0], &v_string,
                     "`like` compares text; test an entity's type with `is`");

    return v_answer(a.ok, &v_bool);
}

static struct answer check_is(struct validate *v, struct vnode *n)
{
    struct answer a = v_expect_one(v, n->kids[0], &v_any_entity,
                                   "`is` tests the type of an entity only");
    const struct cedar_entity_lub *u;

    if (a.type == NULL || a.type->kind == TYPE_NEVER)
        return v_answer(false, &v_bool);
    if (a.type->kind == TYPE_ANY_ENTITY)
        return v_answer(a.ok, &v_bool);
    u = &a.type->as.entities;
    for (uint32_t i = 0; i < u->count && v_spend(v, 1); i++)
        if (ts_str_eq(u->list[i]->name, n->str))
            return v_answer(a.ok, u->count == 1 ? &v_true : &v_bool);
    return v_answer(a.ok, &v_false);
}

static struct answer check_uid(const struct vnode *n)
{
    /* An unknown one has been said already. */
    return v_answer(n->entity != NULL,
                    n->entity != NULL ? &n->entity->type : NULL);
}

static struct answer check_slot(struct validate *v, const struct vnode *n)
{
    /* Of the types that can fill it, this one stands for all: the comparison
     * in the scope is open with each. */
    return v_answer(true, n->sub == AST_PRINCIPAL ? &v->env.principal->type
                                                  : &v->env.resource->type);
}

static struct answer check_leaf(struct validate *v, struct vnode *n)
{
    if (n->op == V_BOOL)
        return v_answer(true, v_single(n->sub != 0));
    if (n->op == V_INT)
        return v_answer(true, &v_long);
    if (n->op == V_STR)
        return v_answer(true, &v_string);
    if (n->op == V_UID)
        return check_uid(n);
    return n->op == V_SLOT ? check_slot(v, n) : check_var(v, n);
}

static struct answer check_op(struct validate *v, struct vnode *n)
{
    static struct answer (*const table[])(struct validate *, struct vnode *) = {
        [V_BOOL] = check_leaf,
        [V_INT] = check_leaf,
        [V_STR] = check_leaf,
        [V_UID] = check_leaf,
        [V_SLOT] = check_leaf,
        [V_VAR] = check_leaf,
        [V_IF] = v_check_if,
        [V_AND] = v_check_and,
        [V_OR] = v_check_or,
        [V_ARITH] = check_arith,
        [V_NOT] = check_not,
        [V_NEG] = check_arith,
        [V_EQ] = v_check_eq,
        [V_LESS] = v_check_less,
        [V_LESS_EQ] = v_check_less,
        [V_IN] = v_check_in,
        [V_IS] = check_is,
        [V_LIKE] = check_like,
        [V_HAS] = v_check_has,
        [V_GET] = v_check_get,
        [V_CONTAINS] = v_check_contains,
        [V_CONTAINS_ALL] = v_check_contains,
        [V_CONTAINS_ANY] = v_check_contains,
        [V_IS_EMPTY] = v_check_contains,
        [V_HAS_TAG] = v_check_tag,
        [V_GET_TAG] = v_check_tag,
        [V_EXT] = v_check_ext,
        [V_SET] = v_check_set,
        [V_RECORD] = v_check_record,
    };

    n->seen = n->count;
    return table[n->op](v, n);
}

struct answer v_check(struct validate *v, struct vnode *n)
{
    struct answer a;

    if (n->shared && n->stamp == v->stamp) /* its users look at no caps */
        return v_answer(n->ok, n->type);
    if (!v_spend(v, 1) || !v_enter(v))
        return stop();
    a = check_op(v, n);
    v_leave(v);
    if (v->err != TS_OK)
        return stop();
    n->type = a.type;
    n->ok = a.ok;
    n->stamp = v->stamp;
    return a;
}

struct answer v_expect(struct validate *v, struct vnode *n,
                       const struct cedar_type *const *want, size_t count,
                       const char *hint)
{
    struct answer a = v_check(v, n);

    if (a.type == NULL)
        return v_answer(false, NULL);
    for (size_t i = 0; i < count; i++)
        if (v_subtype(v, a.type, want[i], false))
            return a;
    if (v->err == TS_OK)
        v_unexpected(v, n, a.type, want, count, hint);
    return v_answer(false, NULL);
}

struct answer v_expect_one(struct validate *v, struct vnode *n,
                           const struct cedar_type *want, const char *hint)
{
    return v_expect(v, n, &want, 1, hint);
}
