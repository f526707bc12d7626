/* Comparison, membership and the methods of sets. */
#include <stdio.h>

#include "policy/core/diag.h"
#include "policy/validate/validate_priv.h"

static const char *lub_words(enum lub_help why)
{
    switch (why) {
    case LUB_RECORD_WIDTH:
        return "the records must have the same attributes";
    case LUB_QUALIFIER:
        return "an attribute is optional in one record and required in the "
               "other";
    case LUB_ENTITY_TYPE:
        return "entities of different types; test the type with `is` first";
    case LUB_ENTITY_RECORD:
        return "one is an entity, the other a record";
    case LUB_NONE:
        break;
    }
    return "compare values of one type";
}

/* In strict mode both types must have an upper bound. */
static struct answer strict_pair(struct validate *v, struct vnode *n,
                                 struct answer a, const struct cedar_type *left,
                                 const struct cedar_type *right)
{
    struct v_saying say = {.code = "incompatible_types",
                           .label = "values of these types are never equal"};
    enum lub_help why;

    if (n->op == V_CONTAINS)
        say.label = "no such value can be in this set";
    if (!v->strict || a.type == &v_true || a.type == &v_false || left == NULL ||
        right == NULL || v_lub(v, left, right, true, &why) != NULL ||
        v->err != TS_OK)
        return a;
    say.hint = lub_words(why);
    v_find(v, n, &say, "`%.80s` and `%.80s` are not compatible",
           v_type_text(left).s, v_type_text(right).s);
    return v_answer(false, a.type);
}

static bool is_literal(const struct vnode *n)
{
    return n->op == V_BOOL || n->op == V_INT || n->op == V_STR ||
           n->op == V_UID;
}

static bool is_action_var(const struct vnode *n)
{
    return n->op == V_VAR && n->sub == AST_ACTION;
}

/* Whether two literals are equal; the variable `action` is one, too. */
static bool literals_equal(const struct validate *v, const struct vnode *a,
                           const struct vnode *b)
{
    if (is_action_var(a) && is_action_var(b))
        return true;
    if (is_action_var(a))
        return b->op == V_UID && b->action == v->env.action;
    if (is_action_var(b))
        return a->op == V_UID && a->action == v->env.action;
    return a->shape == b->shape;
}

struct answer v_check_eq(struct validate *v, struct vnode *n)
{
    struct vnode *l = n->kids[0], *r = n->kids[1];
    struct answer a = v_check(v, l), b = v_check(v, r);
    const struct cedar_type *t = &v_bool;

    if (a.type != NULL && b.type != NULL && v_disjoint(v, a.type, b.type))
        t = &v_false;
    else if ((is_literal(l) || is_action_var(l)) &&
             (is_literal(r) || is_action_var(r)))
        t = v_single(literals_equal(v, l, r));
    return strict_pair(v, n, v_answer(a.ok && b.ok, t), a.type, b.type);
}

/* ---- < and <= -------------------------------------------------------------
 */

static bool has_order(const struct cedar_type *t)
{
    return t->kind == TYPE_LONG ||
           (t->kind == TYPE_EXT &&
            (t->as.ext == CEDAR_DATETIME || t->as.ext == CEDAR_DURATION));
}

static bool same_order(const struct cedar_type *a, const struct cedar_type *b)
{
    return a->kind == b->kind &&
           (a->kind == TYPE_LONG || a->as.ext == b->as.ext);
}

/* `want` is NULL when nothing says which ordered type was meant. */
static void not_ordered(struct validate *v, struct vnode *n,
                        const struct cedar_type *have,
                        const struct cedar_type *want)
{
    struct v_saying say = {.code = "unexpected_type"};
    struct v_text t = v_type_text(have);
    char label[CEDAR_LABEL_BYTES];

    (void)snprintf(label, sizeof(label), "this is `%.80s`", t.s);
    say.label = label;
    if (have->kind == TYPE_EXT && have->as.ext == CEDAR_DECIMAL)
        say.hint = "compare decimals with `.lessThan()` and its kin";
    v_find(v, n, &say, "expected `%.60s`, found `%.80s`",
           want != NULL ? v_type_text(want).s
                        : "Long`, `datetime` or `duration",
           t.s);
}

struct answer v_check_less(struct validate *v, struct vnode *n)
{
    struct answer a = v_check(v, n->kids[0]), b = v_check(v, n->kids[1]);
    bool x, y;

    if (a.type == NULL || b.type == NULL)
        return v_answer(false, &v_bool);
    x = has_order(a.type);
    y = has_order(b.type);
    if (x && y && same_order(a.type, b.type))
        return v_answer(a.ok && b.ok, &v_bool);
    if (a.type->kind == TYPE_NEVER && y)
        return v_answer(a.ok && b.ok, &v_bool);
    if (b.type->kind == TYPE_NEVER && x)
        return v_answer(a.ok && b.ok, &v_bool);
    /* A Long says best what was meant, then the left side. */
    if (x && (a.type->kind == TYPE_LONG || !y || b.type->kind != TYPE_LONG)) {
        not_ordered(v, n->kids[1], b.type, a.type);
    } else if (y) {
        not_ordered(v, n->kids[0], a.type, b.type);
    } else {
        not_ordered(v, n->kids[0], a.type, NULL);
        not_ordered(v, n->kids[1], b.type, NULL);
    }
    return v_answer(false, &v_bool);
}

/* ---- in -------------------------------------------------------------------
 */

static const struct schema_action *as_action(const struct validate *v,
                                             const struct vnode *n)
{
    return is_action_var(n) ? v->env.action : n->action;
}

static bool is_uid_or_action(const struct vnode *n)
{
    return n->op == V_UID || is_action_var(n);
}

static bool all_uids(struct validate *v, const struct vnode *n)
{
    if (n->op != V_SET)
        return is_uid_or_action(n);
    for (uint32_t i = 0; i < n->count && v_spend(v, 1); i++)
        if (!is_uid_or_action(n->kids[i]))
            return false;
    return true;
}

/* The hierarchy of actions stands in the schema, whole. */
static const struct cedar_type *action_in(struct validate *v,
                                          const struct schema_action *a,
                                          const struct vnode *right)
{
    uint32_t n = right->op == V_SET ? right->count : 1;

    for (uint32_t i = 0; i < n && v_spend(v, 1); i++) {
        const struct vnode *k = right->op == V_SET ? right->kids[i] : right;
        const struct schema_action *above = as_action(v, k);

        if (above != NULL && cedar_schema_action_in(a, above))
            return &v_true;
    }
    return &v_false;
}

/* Whether any action of the one type is in one of the other. */
static bool action_type_in(struct validate *v, const struct schema_entity *low,
                           const struct schema_entity *high)
{
    const struct cedar_schema *s = v->schema;

    for (uint32_t i = 0; i < s->action_count; i++) {
        const struct schema_action *a = &s->actions[i];

        if (a->type != high)
            continue;
        for (uint32_t d = 0; d < a->descendant_count && v_spend(v, 1); d++)
            if (s->actions[a->descendants[d]].type == low)
                return true;
    }
    return false;
}

static bool may_be_in(struct validate *v, const struct cedar_entity_lub *low,
                      const struct cedar_entity_lub *high)
{
    for (uint32_t i = 0; i < low->count; i++)
        for (uint32_t j = 0; j < high->count && v_spend(v, 1); j++) {
            const struct schema_entity *x = low->list[i], *y = high->list[j];

            if (x == y ||
                (x->is_action && y->is_action ? action_type_in(v, x, y)
                                              : cedar_schema_may_be_in(x, y)))
                return true;
        }
    return false;
}

struct answer v_check_in(struct validate *v, struct vnode *n)
{
    static const struct cedar_type *const want[] = {&v_any_entity,
                                                    &v_set_of_any_entity};
    struct vnode *l = n->kids[0], *r = n->kids[1];
    struct answer a = v_expect_one(
        v, l, &v_any_entity,
        "`in` asks for a place in the hierarchy of entities; for the members "
        "of a set write `set.contains(value)`");
    struct answer b = v_expect(v, r, want, 2,
                               "`in` takes entities; for the members of a set "
                               "write `set.contains(value)`");
    const struct cedar_type *above;

    if (!a.ok || !b.ok)
        return v_answer(false, &v_bool);
    if (is_uid_or_action(l) && as_action(v, l) != NULL && all_uids(v, r))
        return v_answer(true, action_in(v, as_action(v, l), r));
    above = b.type->kind == TYPE_SET ? b.type->as.elem : b.type;
    if (a.type->kind != TYPE_ENTITY || above->kind != TYPE_ENTITY)
        return v_answer(true, &v_bool);
    return v_answer(true,
                    may_be_in(v, &a.type->as.entities, &above->as.entities)
                        ? &v_bool
                        : &v_false);
}

/* ---- sets -----------------------------------------------------------------
 */

static const char *not_a_set(enum vop op)
{
    return op == V_IS_EMPTY
               ? "compare a text with `== \"\"`"
               : "this method is for sets; entities have `in`, records `has`, "
                 "texts `like`";
}

struct answer v_check_contains(struct validate *v, struct vnode *n)
{
    struct answer a = v_expect_one(v, n->kids[0], &v_any_set, not_a_set(n->op)),
                  b;
    const struct cedar_type *elem = NULL;

    if (n->op == V_IS_EMPTY)
        return v_answer(a.ok, &v_bool);
    if (n->op != V_CONTAINS) {
        b = v_expect_one(v, n->kids[1], &v_any_set,
                         "for a single value write `.contains(value)`");
        return strict_pair(v, n, v_answer(a.ok && b.ok, &v_bool), a.type,
                           b.type);
    }
    b = v_check(v, n->kids[1]);
    if (a.type != NULL && a.type->kind == TYPE_SET)
        elem = a.type->as.elem;
    return strict_pair(v, n, v_answer(a.ok && b.ok, &v_bool), elem, b.type);
}
