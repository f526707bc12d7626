/* Expressions: an object with one key, which names the operator. Chains of the
 * same operator nest to the left in JSON and are one node here. */
#include <stdio.h>

#include "policy/core/diag.h"
#include "policy/core/lit.h"
#include "policy/core/uid.h"
#include "policy/est/read.h"
#include "policy/est/read_ops.h"

static const struct est_shape two = {
    .what = "this operator",
    .count = 2,
    .keys = {CEDAR_LIT("left"), CEDAR_LIT("right")}};
static const struct est_shape one = {
    .what = "this operator", .count = 1, .keys = {CEDAR_LIT("arg")}};

static const struct est_op *find_op(struct ts_str name); /* or NULL */

/* The operands, each in its own object, in order. */
static ts_err adopt_all(struct est_reader *r, struct ast_expr *x,
                        const struct json *const *operands, uint32_t n)
{
    struct ast_expr *kid;
    ts_err e = TS_OK;

    for (uint32_t i = 0; e == TS_OK && i < n; i++)
        if (operands[i] != NULL &&
            (e = est_expr(r, operands[i], &kid)) == TS_OK)
            e = est_adopt(r, x, kid, operands[i]);
    return e;
}

static ts_err read_one(struct est_reader *r, const struct est_op *op,
                       const struct json *v, struct ast_expr **ret)
{
    const struct json *m[1];
    struct ast_expr *x;
    ts_err e;

    if ((e = est_members(r, v->first, &one, m)) != TS_OK ||
        (e = est_node(r, op->op, v, &x)) != TS_OK ||
        (e = adopt_all(r, x, m, 1)) != TS_OK)
        return e;
    if (op->op == AST_NEG && x->first->op == AST_INT)
        x->first->literal = false; /* -(1) is not the literal -1 */
    x->sub = op->sub;
    *ret = x;
    return TS_OK;
}

static ts_err read_two(struct est_reader *r, const struct est_op *op,
                       const struct json *v, struct ast_expr **ret)
{
    const struct json *m[2];
    struct ast_expr *x;
    ts_err e;

    if ((e = est_members(r, v->first, &two, m)) != TS_OK ||
        (e = est_node(r, op->op, v, &x)) != TS_OK ||
        (e = adopt_all(r, x, m, 2)) != TS_OK)
        return e;
    x->sub = op->sub;
    *ret = x;
    return TS_OK;
}

struct rung { /* of a chain, the innermost first */
    struct rung *next;
    const struct json *right;
    char join;
};

/* Down the left side of a chain, however long: a loop, not a recursion. */
static ts_err descend(struct est_reader *r, const struct est_op *op,
                      const struct json *v, struct rung **ret_rungs,
                      const struct json **ret_left)
{
    const struct est_op *at = op;
    struct rung *rungs = NULL;

    do {
        const struct json *m[2];
        struct rung *rung;
        void *mem;
        ts_err e;

        if ((e = est_members(r, v->first, &two, m)) != TS_OK ||
            (e = ts_arena_alloc(r->temp, sizeof(*rung), &mem)) != TS_OK)
            return e;
        rung = mem;
        *rung = (struct rung){.next = rungs, .right = m[1], .join = at->join};
        rungs = rung;
        v = m[0];
        at = v->kind == JSON_OBJECT && v->count == 1 ? find_op(v->first->key)
                                                     : NULL;
    } while (at != NULL && at->op == op->op);
    *ret_rungs = rungs;
    *ret_left = v;
    return TS_OK;
}

static ts_err read_chain(struct est_reader *r, const struct est_op *op,
                         const struct json *v, struct ast_expr **ret)
{
    struct ast_expr *x, *kid;
    const struct json *left;
    struct rung *rung;
    ts_err e;

    if ((e = descend(r, op, v, &rung, &left)) != TS_OK ||
        (e = est_node(r, op->op, v, &x)) != TS_OK ||
        (e = adopt_all(r, x, &left, 1)) != TS_OK)
        return e;
    for (; rung != NULL; rung = rung->next) {
        if ((e = est_expr(r, rung->right, &kid)) != TS_OK)
            return e;
        kid->join = rung->join;
        if ((e = est_adopt(r, x, kid, rung->right)) != TS_OK)
            return e;
    }
    *ret = x;
    return TS_OK;
}

static ts_err read_if(struct est_reader *r, const struct est_op *op,
                      const struct json *v, struct ast_expr **ret)
{
    static const struct est_shape three = {
        .what = "`if-then-else`",
        .count = 3,
        .keys = {CEDAR_LIT("if"), CEDAR_LIT("then"), CEDAR_LIT("else")}};
    const struct json *m[3];
    struct ast_expr *x;
    ts_err e;

    if ((e = est_members(r, v->first, &three, m)) != TS_OK ||
        (e = est_node(r, op->op, v, &x)) != TS_OK ||
        (e = adopt_all(r, x, m, 3)) != TS_OK)
        return e;
    *ret = x;
    return TS_OK;
}

static ts_err read_var(struct est_reader *r, const struct est_op *op,
                       const struct json *v, struct ast_expr **ret)
{
    static const struct ts_str vars[] = {
        [AST_PRINCIPAL] = CEDAR_LIT("principal"),
        [AST_ACTION] = CEDAR_LIT("action"),
        [AST_RESOURCE] = CEDAR_LIT("resource"),
        [AST_CONTEXT] = CEDAR_LIT("context"),
    };
    const struct json *name = v->first;
    struct ast_expr *x;
    ts_err e;

    if (name->kind == JSON_STRING) {
        for (uint8_t i = 0; i < sizeof(vars) / sizeof(vars[0]); i++) {
            if (!ts_str_eq(name->str, vars[i]))
                continue;
            if ((e = est_node(r, op->op, v, &x)) == TS_OK) {
                x->sub = i;
                *ret = x;
            }
            return e;
        }
    }
    return est_fail(r, name, "variables: principal, action, resource, context",
                    "`Var` does not name a variable");
}

static ts_err read_slot(struct est_reader *r, const struct est_op *op,
                        const struct json *v, struct ast_expr **ret)
{
    (void)op;
    (void)ret;
    return est_fail(r, v, "slots stand in the scope of templates only",
                    "a slot cannot stand in a condition");
}

static ts_err read_value(struct est_reader *r, const struct est_op *op,
                         const struct json *v, struct ast_expr **ret)
{
    (void)op;
    return est_value(r, v->first, ret);
}

static ts_err read_get(struct est_reader *r, const struct est_op *op,
                       const struct json *v, struct ast_expr **ret)
{
    static const struct est_shape shape = {
        .what = "`.`",
        .count = 2,
        .keys = {CEDAR_LIT("left"), CEDAR_LIT("attr")}};
    const struct json *m[2];
    struct ast_expr *x;
    ts_err e;

    if ((e = est_members(r, v->first, &shape, m)) != TS_OK ||
        (e = est_node(r, op->op, v, &x)) != TS_OK ||
        (e = est_string(r, m[1], "`attr`", &x->str)) != TS_OK ||
        (e = adopt_all(r, x, m, 1)) != TS_OK)
        return e;
    *ret = x;
    return TS_OK;
}

/* "attr": one name, or the path of `has a.b.c` as an array. */
static ts_err read_has(struct est_reader *r, const struct est_op *op,
                       const struct json *v, struct ast_expr **ret)
{
    static const struct est_shape shape = {
        .what = "`has`",
        .count = 2,
        .lenient = true,
        .keys = {CEDAR_LIT("left"), CEDAR_LIT("attr")}};
    const struct json *m[2], *name;
    struct ast_expr *x, *attr;
    ts_err e;

    if ((e = est_members(r, v->first, &shape, m)) != TS_OK ||
        (e = est_node(r, op->op, v, &x)) != TS_OK ||
        (e = adopt_all(r, x, m, 1)) != TS_OK)
        return e;
    name = m[1];
    if (name->kind == JSON_ARRAY && name->count == 0)
        return est_fail(r, name, NULL, "`has` needs at least one attribute");
    if (name->kind == JSON_ARRAY)
        name = name->first;
    for (; name != NULL; name = m[1] != name ? name->next : NULL)
        if ((e = est_node(r, AST_ATTR, name, &attr)) != TS_OK ||
            (e = est_string(r, name, "`attr`", &attr->str)) != TS_OK ||
            (e = est_adopt(r, x, attr, name)) != TS_OK)
            return e;
    *ret = x;
    return TS_OK;
}

static ts_err read_is(struct est_reader *r, const struct est_op *op,
                      const struct json *v, struct ast_expr **ret)
{
    static const struct est_shape shape = {
        .what = "`is`",
        .count = 3,
        .optional = 4,
        .keys = {CEDAR_LIT("left"), CEDAR_LIT("entity_type"), CEDAR_LIT("in")}};
    const struct json *m[3], *operands[2];
    struct ast_expr *x;
    ts_err e;

    if ((e = est_members(r, v->first, &shape, m)) != TS_OK ||
        (e = est_node(r, op->op, v, &x)) != TS_OK ||
        (e = est_type(r, m[1], &x->str)) != TS_OK)
        return e;
    operands[0] = m[0];
    operands[1] = m[2] != NULL && m[2]->kind != JSON_NULL ? m[2] : NULL;
    if ((e = adopt_all(r, x, operands, 2)) != TS_OK)
        return e;
    *ret = x;
    return TS_OK;
}

static ts_err read_list(struct est_reader *r, enum ast_op op,
                        const struct json *v, struct ast_expr **ret)
{
    const struct json *list = v->first;
    struct ast_expr *x;
    ts_err e;

    if (list->kind != JSON_ARRAY)
        return est_fail(r, list, NULL, "`%s` takes an array, not %s",
                        cedar_quote(list->key).s,
                        cedar_json_kind_name(list->kind));
    if ((e = est_node(r, op, v, &x)) != TS_OK)
        return e;
    for (const struct json *m = list->first; m != NULL; m = m->next)
        if ((e = adopt_all(r, x, &m, 1)) != TS_OK)
            return e;
    *ret = x;
    return TS_OK;
}

static ts_err read_set(struct est_reader *r, const struct est_op *op,
                       const struct json *v, struct ast_expr **ret)
{
    return read_list(r, op->op, v, ret);
}

static ts_err read_record(struct est_reader *r, const struct est_op *op,
                          const struct json *v, struct ast_expr **ret)
{
    const struct json *fields = v->first;
    struct ast_expr *x, *field;
    ts_err e;

    if (fields->kind != JSON_OBJECT)
        return est_fail(r, fields, NULL, "`Record` takes an object, not %s",
                        cedar_json_kind_name(fields->kind));
    if ((e = est_node(r, op->op, v, &x)) != TS_OK)
        return e;
    for (const struct json *m = fields->first; m != NULL; m = m->next)
        if ((e = est_node(r, AST_FIELD, m, &field)) != TS_OK ||
            (e = cedar_str_copy(r->arena, m->key, &field->str)) != TS_OK ||
            (e = adopt_all(r, field, &m, 1)) != TS_OK ||
            (e = est_adopt(r, x, field, m)) != TS_OK)
            return e;
    *ret = x;
    return TS_OK;
}

static const struct est_op ops[] = {
    {CEDAR_LIT("Value"), read_value, AST_BOOL, 0, 0},
    {CEDAR_LIT("Var"), read_var, AST_VAR, 0, 0},
    {CEDAR_LIT("Slot"), read_slot, AST_UID, 0, 0},
    {CEDAR_LIT("!"), read_one, AST_NOT, 0, 0},
    {CEDAR_LIT("neg"), read_one, AST_NEG, 0, 0},
    {CEDAR_LIT("=="), read_two, AST_REL, AST_EQ, 0},
    {CEDAR_LIT("!="), read_two, AST_REL, AST_NE, 0},
    {CEDAR_LIT("<"), read_two, AST_REL, AST_LT, 0},
    {CEDAR_LIT("<="), read_two, AST_REL, AST_LE, 0},
    {CEDAR_LIT(">"), read_two, AST_REL, AST_GT, 0},
    {CEDAR_LIT(">="), read_two, AST_REL, AST_GE, 0},
    {CEDAR_LIT("in"), read_two, AST_REL, AST_IN, 0},
    {CEDAR_LIT("&&"), read_chain, AST_AND, 0, 0},
    {CEDAR_LIT("||"), read_chain, AST_OR, 0, 0},
    {CEDAR_LIT("+"), read_chain, AST_ADD, 0, '+'},
    {CEDAR_LIT("-"), read_chain, AST_ADD, 0, '-'},
    {CEDAR_LIT("*"), read_chain, AST_MUL, 0, '*'},
    {CEDAR_LIT("contains"), read_two, AST_METHOD, AST_CONTAINS, 0},
    {CEDAR_LIT("containsAll"), read_two, AST_METHOD, AST_CONTAINS_ALL, 0},
    {CEDAR_LIT("containsAny"), read_two, AST_METHOD, AST_CONTAINS_ANY, 0},
    {CEDAR_LIT("isEmpty"), read_one, AST_METHOD, AST_IS_EMPTY, 0},
    {CEDAR_LIT("hasTag"), read_two, AST_METHOD, AST_HAS_TAG, 0},
    {CEDAR_LIT("getTag"), read_two, AST_METHOD, AST_GET_TAG, 0},
    {CEDAR_LIT("."), read_get, AST_GET, 0, 0},
    {CEDAR_LIT("has"), read_has, AST_HAS, 0, 0},
    {CEDAR_LIT("like"), est_like, AST_LIKE, 0, 0},
    {CEDAR_LIT("is"), read_is, AST_IS, 0, 0},
    {CEDAR_LIT("if-then-else"), read_if, AST_IF, 0, 0},
    {CEDAR_LIT("Set"), read_set, AST_SET, 0, 0},
    {CEDAR_LIT("Record"), read_record, AST_RECORD, 0, 0},
};
#define OPS (sizeof(ops) / sizeof(ops[0]))

static const struct est_op *find_op(struct ts_str name)
{
    for (size_t i = 0; i < OPS; i++)
        if (ts_str_eq(ops[i].name, name))
            return &ops[i];
    return NULL;
}

static ts_err unknown_op(struct est_reader *r, const struct json *m)
{
    struct ts_str names[OPS + CEDAR_EXT_COUNT], near;
    char hint[112];

    for (size_t i = 0; i < OPS; i++)
        names[i] = ops[i].name;
    for (size_t i = 0; i < CEDAR_EXT_COUNT; i++)
        names[OPS + i] = cedar_ext_info((enum cedar_ext)i)->name;
    near = cedar_did_you_mean(m->key, names, OPS + CEDAR_EXT_COUNT);
    (void)snprintf(hint, sizeof(hint), "did you mean `%s`?",
                   cedar_quote(near).s);
    if (ts_str_eq(m->key, TS_STR_LIT("unknown")))
        return est_fail(
            r, m, "an authorization must have all of its data",
            "`unknown` is for partial evaluation, which is refused here");
    return est_fail(r, m, near.len > 0 ? hint : NULL,
                    "`%s` is not an operator or function",
                    cedar_quote(m->key).s);
}

static ts_err read_object(struct est_reader *r, const struct json *v,
                          struct ast_expr **ret)
{
    const struct est_op *op = find_op(v->first->key);
    enum cedar_ext fn;
    ts_err e;

    if (op != NULL)
        return op->read(r, op, v, ret);
    if (!cedar_ext_find(v->first->key, &fn))
        return unknown_op(r, v->first);
    if ((e = read_list(r, AST_EXT, v, ret)) == TS_OK)
        (*ret)->sub = (uint8_t)fn;
    return e;
}

ts_err est_expr(struct est_reader *r, const struct json *v,
                struct ast_expr **ret)
{
    ts_err e;

    if (v->kind != JSON_OBJECT)
        return est_fail(r, v,
                        "for example {\"Value\": 1} or {\"Var\": "
                        "\"principal\"}",
                        "an expression is an object, not %s",
                        cedar_json_kind_name(v->kind));
    if (v->count != 1)
        return est_fail(r, v->count > 1 ? v->first->next : v, NULL,
                        "an expression has one key, its operator, not %u",
                        v->count);
    if ((e = est_enter(r, v)) != TS_OK)
        return e;
    e = read_object(r, v, ret);
    r->depth--;
    return e;
}
