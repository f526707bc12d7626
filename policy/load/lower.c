#include "policy/load/lower.h"

#include "policy/core/uid.h"
#include "policy/est/tree.h"
#include "policy/load/lower_priv.h"
#include "proto/base/ts_require.h"

uint32_t lower_emit(struct lower *lo, struct ev_node n)
{
    TS_REQUIRE(lo->nodes < lo->cap_nodes);
    lo->p->nodes[lo->nodes] = n;
    return lo->nodes++;
}

static uint32_t lower_const(struct lower *lo, struct cedar_value v)
{
    TS_REQUIRE(lo->consts < lo->cap_consts);
    lo->p->consts[lo->consts] = v;
    return lower_emit(lo, (struct ev_node){.op = EV_CONST, .a = lo->consts++});
}

/* Room for n operands that must stand side by side. */
static uint32_t reserve_kids(struct lower *lo, uint32_t n)
{
    uint32_t at = lo->kids;

    TS_REQUIRE(n <= lo->cap_kids - lo->kids);
    lo->kids += n;
    return at;
}

static uint32_t reserve_strs(struct lower *lo, uint32_t n)
{
    uint32_t at = lo->strs;

    TS_REQUIRE(n <= lo->cap_strs - lo->strs);
    lo->strs += n;
    return at;
}

static const struct cedar_value *as_const(const struct lower *lo, uint32_t node)
{
    const struct ev_node *n = &lo->p->nodes[node];

    return n->op == EV_CONST ? &lo->p->consts[n->a] : NULL;
}

/* The values of n constant operands, or NULL when one is not constant. */
static ts_err gather(struct lower *lo, uint32_t kids, uint32_t n,
                     struct cedar_value **ret)
{
    struct cedar_value *values;
    void *mem;
    ts_err e;

    *ret = NULL;
    e = ts_arena_array(lo->temp, n, sizeof(*values), &mem);
    if (e != TS_OK)
        return e;
    values = mem;
    for (uint32_t i = 0; i < n; i++) {
        const struct cedar_value *v = as_const(lo, lo->p->kids[kids + i]);

        if (v == NULL)
            return TS_OK;
        values[i] = *v;
    }
    *ret = values;
    return TS_OK;
}

/* Lowers the list of kids that starts at x. */
static ts_err lower_kids(struct lower *lo, const struct ast_expr *x,
                         uint32_t count, uint32_t *ret)
{
    uint32_t at = reserve_kids(lo, count);

    for (uint32_t i = 0; i < count; i++, x = x->next) {
        ts_err e = lower_expr(lo, x, &lo->p->kids[at + i]);

        if (e != TS_OK)
            return e;
        lo->p->joins[at + i] = x->join;
    }
    *ret = at;
    return TS_OK;
}

static ts_err lower_chain(struct lower *lo, const struct ast_expr *x,
                          enum ev_op op, uint32_t *ret)
{
    uint32_t kids;
    ts_err e = lower_kids(lo, x->first, x->count, &kids);

    if (e == TS_OK)
        *ret = lower_emit(
            lo, (struct ev_node){.op = (uint8_t)op, .n = x->count, .a = kids});
    return e;
}

/* Up to three operands, in order. */
static ts_err lower_fixed(struct lower *lo, const struct ast_expr *x,
                          enum ev_op op, uint32_t *ret)
{
    uint32_t kid[3] = {0};
    const struct ast_expr *k = x->first;

    for (uint32_t i = 0; i < x->count; i++, k = k->next) {
        ts_err e = lower_expr(lo, k, &kid[i]);

        if (e != TS_OK)
            return e;
    }
    *ret = lower_emit(
        lo, (struct ev_node){
                .op = (uint8_t)op, .a = kid[0], .b = kid[1], .c = kid[2]});
    return TS_OK;
}

/* "a != b" is !(a == b), "a > b" is !(a <= b), "a >= b" is !(a < b): one node
 * that negates. */
static ts_err lower_rel(struct lower *lo, const struct ast_expr *x,
                        uint32_t *ret)
{
    static const struct {
        uint8_t op;
        uint8_t negate;
    } rels[] = {
        [AST_EQ] = {EV_EQ, 0},      [AST_NE] = {EV_EQ, 1},
        [AST_LT] = {EV_LESS, 0},    [AST_LE] = {EV_LESS_EQ, 0},
        [AST_GT] = {EV_LESS_EQ, 1}, [AST_GE] = {EV_LESS, 1},
        [AST_IN] = {EV_IN, 0},
    };
    ts_err e = lower_fixed(lo, x, (enum ev_op)rels[x->sub].op, ret);

    if (e == TS_OK)
        lo->p->nodes[*ret].sub = rels[x->sub].negate;
    return e;
}

static ts_err lower_set(struct lower *lo, const struct ast_expr *x,
                        uint32_t *ret)
{
    struct cedar_value *values, v;
    uint32_t kids;
    ts_err e;

    if ((e = lower_kids(lo, x->first, x->count, &kids)) != TS_OK ||
        (e = gather(lo, kids, x->count, &values)) != TS_OK)
        return e;
    if (values == NULL) {
        *ret = lower_emit(
            lo, (struct ev_node){.op = EV_SET, .n = x->count, .a = kids});
        return TS_OK;
    }
    e = cedar_set_make(&lo->p->arena, values, x->count, &v);
    if (e == TS_OK)
        *ret = lower_const(lo, v);
    return e;
}

static ts_err lower_record(struct lower *lo, const struct ast_expr *x,
                           uint32_t *ret)
{
    const struct ast_expr **f;
    struct cedar_field *fields;
    struct cedar_value *values, v;
    uint32_t kids = reserve_kids(lo, x->count);
    uint32_t strs = reserve_strs(lo, x->count);
    void *mem;
    ts_err e = est_sort_fields(lo->temp, x, lo->diags, &f);

    for (uint32_t i = 0; e == TS_OK && i < x->count; i++) {
        e = cedar_str_copy(&lo->p->arena, f[i]->str, &lo->p->strs[strs + i]);
        if (e == TS_OK)
            e = lower_expr(lo, f[i]->first, &lo->p->kids[kids + i]);
    }
    if (e != TS_OK || (e = gather(lo, kids, x->count, &values)) != TS_OK)
        return e;
    if (values == NULL) {
        *ret = lower_emit(
            lo, (struct ev_node){
                    .op = EV_RECORD, .n = x->count, .a = kids, .b = strs});
        return TS_OK;
    }
    if ((e = ts_arena_array(lo->temp, x->count, sizeof(*fields), &mem)) !=
        TS_OK)
        return e;
    fields = mem;
    for (uint32_t i = 0; i < x->count; i++)
        fields[i] = (struct cedar_field){.key = lo->p->strs[strs + i],
                                         .value = values[i]};
    e = cedar_record_make(&lo->p->arena, fields, x->count, &v);
    if (e == TS_OK)
        *ret = lower_const(lo, v);
    return e;
}

/* ip("10.0.0.0/8") and its like become values now; a call that fails stays, and
 * fails when it is evaluated. */
static ts_err lower_ext(struct lower *lo, const struct ast_expr *x,
                        uint32_t *ret)
{
    struct cedar_value *values, v;
    struct cedar_fault ignored;
    uint32_t kids;
    ts_err e;

    if ((e = lower_kids(lo, x->first, x->count, &kids)) != TS_OK ||
        (e = gather(lo, kids, x->count, &values)) != TS_OK)
        return e;
    if (values != NULL &&
        cedar_ext_call((enum cedar_ext)x->sub, values, x->count, &v, &ignored))
        *ret = lower_const(lo, v);
    else
        *ret = lower_emit(
            lo, (struct ev_node){
                    .op = EV_EXT, .sub = x->sub, .n = x->count, .a = kids});
    return TS_OK;
}

/* Below a variable it is a path: the node of what it is below, just emitted,
 * becomes that of the longer path. */
static ts_err lower_get(struct lower *lo, const struct ast_expr *x,
                        uint32_t *ret)
{
    uint32_t strs, base;
    struct ev_node *n;
    ts_err e = lower_expr(lo, x->first, &base);

    if (e != TS_OK)
        return e;
    n = &lo->p->nodes[base];
    if (n->op == EV_VAR || n->op == EV_PATH) {
        e = lower_path(lo, n->op == EV_VAR ? EV_PATH_VAR + n->sub : n->a,
                       x->str, &n->a);
        n->op = EV_PATH;
        n->sub = 0;
        *ret = base;
        return e;
    }
    strs = reserve_strs(lo, 1);
    e = cedar_str_copy(&lo->p->arena, x->str, &lo->p->strs[strs]);
    if (e == TS_OK)
        *ret = lower_emit(lo,
                          (struct ev_node){.op = EV_GET, .a = base, .b = strs});
    return e;
}

static ts_err lower_has(struct lower *lo, const struct ast_expr *x,
                        uint32_t *ret)
{
    uint32_t n = x->count - 1, strs = reserve_strs(lo, n), base;
    const struct ast_expr *attr = x->first->next;
    ts_err e = lower_expr(lo, x->first, &base);

    for (uint32_t i = 0; e == TS_OK && i < n; i++, attr = attr->next)
        e = cedar_str_copy(&lo->p->arena, attr->str, &lo->p->strs[strs + i]);
    if (e == TS_OK)
        *ret = lower_emit(
            lo, (struct ev_node){.op = EV_HAS, .n = n, .a = base, .b = strs});
    return e;
}

/* An empty run between two stars says nothing: `**` matches what `*` does. */
static ts_err copy_runs(struct lower *lo, const struct ast_expr *run,
                        struct ts_str *runs, uint32_t *ret)
{
    uint32_t n = 0;

    for (; run != NULL; run = run->next) {
        ts_err e;

        if (n > 0 && run->next != NULL && run->str.len == 0)
            continue;
        if ((e = cedar_str_copy(&lo->p->arena, run->str, &runs[n])) != TS_OK)
            return e;
        n++;
    }
    *ret = n;
    return TS_OK;
}

static ts_err lower_like(struct lower *lo, const struct ast_expr *x,
                         uint32_t *ret)
{
    uint32_t n = x->count - 1, base, at;
    struct ts_str *runs;
    void *mem;
    ts_err e = lower_expr(lo, x->first, &base);

    if (e != TS_OK ||
        (e = ts_arena_array(&lo->p->arena, n, sizeof(*runs), &mem)) != TS_OK)
        return e;
    runs = mem;
    if ((e = copy_runs(lo, x->first->next, runs, &n)) != TS_OK)
        return e;
    TS_REQUIRE(lo->patterns < lo->cap_patterns);
    at = lo->patterns++;
    lo->p->patterns[at] = (struct cedar_pattern){.runs = runs, .count = n};
    *ret = lower_emit(lo, (struct ev_node){.op = EV_LIKE, .a = base, .b = at});
    return TS_OK;
}

static ts_err lower_is(struct lower *lo, const struct ast_expr *x,
                       uint32_t *ret)
{
    uint32_t base, in = 0, at;
    ts_err e = lower_expr(lo, x->first, &base);

    if (e == TS_OK && x->count > 1)
        e = lower_expr(lo, x->first->next, &in);
    if (e != TS_OK)
        return e;
    TS_REQUIRE(lo->types < lo->cap_types);
    at = lo->types++;
    e = cedar_str_copy(&lo->p->arena, x->str, &lo->p->types[at]);
    if (e == TS_OK)
        *ret = lower_emit(
            lo, (struct ev_node){.op = x->count > 1 ? EV_IS_IN : EV_IS,
                                 .a = base,
                                 .b = at,
                                 .c = in});
    return e;
}

static ts_err lower_leaf(struct lower *lo, const struct ast_expr *x,
                         uint32_t *ret)
{
    const struct cedar_uid *uid;
    struct ts_str s;
    ts_err e = TS_OK;

    if (x->op == AST_BOOL) {
        *ret = lower_const(lo, cedar_bool(x->num != 0));
    } else if (x->op == AST_INT) {
        *ret = lower_const(lo, cedar_long(x->num));
    } else if (x->op == AST_STR) {
        e = cedar_str_copy(&lo->p->arena, x->str, &s);
        if (e == TS_OK)
            *ret = lower_const(lo, cedar_string(s));
    } else if (x->op == AST_UID) {
        e = cedar_uid_copy(&lo->p->arena, x->str, x->id, &uid);
        if (e == TS_OK)
            *ret = lower_const(lo, cedar_entity(uid));
    } else {
        *ret = lower_emit(lo, (struct ev_node){.op = EV_VAR, .sub = x->sub});
    }
    return e;
}

static ts_err lower_method(struct lower *lo, const struct ast_expr *x,
                           uint32_t *ret)
{
    static const uint8_t methods[] = {
        [AST_CONTAINS] = EV_CONTAINS,
        [AST_CONTAINS_ALL] = EV_CONTAINS_ALL,
        [AST_CONTAINS_ANY] = EV_CONTAINS_ANY,
        [AST_IS_EMPTY] = EV_IS_EMPTY,
        [AST_HAS_TAG] = EV_HAS_TAG,
        [AST_GET_TAG] = EV_GET_TAG,
    };

    return lower_fixed(lo, x, (enum ev_op)methods[x->sub], ret);
}

static ts_err lower_op(struct lower *lo, const struct ast_expr *x,
                       uint32_t *ret)
{
    switch (x->op) {
    case AST_BOOL:
    case AST_INT:
    case AST_STR:
    case AST_UID:
    case AST_VAR:
        return lower_leaf(lo, x, ret);
    case AST_OR:
        return lower_chain(lo, x, EV_OR, ret);
    case AST_AND:
        return lower_chain(lo, x, EV_AND, ret);
    case AST_REL:
        return lower_rel(lo, x, ret);
    case AST_HAS:
        return lower_has(lo, x, ret);
    case AST_LIKE:
        return lower_like(lo, x, ret);
    case AST_IS:
        return lower_is(lo, x, ret);
    case AST_ADD:
        return lower_chain(lo, x, EV_SUM, ret);
    case AST_MUL:
        return lower_chain(lo, x, EV_PRODUCT, ret);
    case AST_NOT:
        return lower_fixed(lo, x, EV_NOT, ret);
    case AST_NEG:
        return lower_fixed(lo, x, EV_NEG, ret);
    case AST_GET:
        return lower_get(lo, x, ret);
    case AST_METHOD:
        return lower_method(lo, x, ret);
    case AST_EXT:
        return lower_ext(lo, x, ret);
    case AST_SET:
        return lower_set(lo, x, ret);
    case AST_RECORD:
        return lower_record(lo, x, ret);
    case AST_IF:
        return lower_fixed(lo, x, EV_IF, ret);
    case AST_ATTR:
    case AST_RUN:
    case AST_FIELD:
    case AST_OP_COUNT:
        break; /* never an expression of its own */
    }
    TS_REQUIRE(false);
    return TS_E_STATE;
}

ts_err lower_expr(struct lower *lo, const struct ast_expr *x, uint32_t *ret)
{
    ts_err e = lower_op(lo, x, ret);

    if (e == TS_OK)
        lo->p->spans[*ret] = (struct ev_span){.offset = x->span.offset,
                                              .len = x->span.len,
                                              .line = x->span.line,
                                              .column = x->span.column};
    return e;
}
