/* Expressions with no more parentheses than the grammar needs. */
#include <inttypes.h>
#include <stdio.h>

#include "policy/core/limits.h"
#include "policy/core/name.h"
#include "policy/fmt/print_priv.h"

/* The grammar's levels, loosest first. */
enum level {
    LEVEL_IF,
    LEVEL_OR,
    LEVEL_AND,
    LEVEL_REL,
    LEVEL_ADD,
    LEVEL_MUL,
    LEVEL_UNARY,
    LEVEL_MEMBER
};

static enum level level_of(const struct ast_expr *x)
{
    static const uint8_t levels[AST_OP_COUNT] = {
        [AST_BOOL] = LEVEL_MEMBER,   [AST_INT] = LEVEL_MEMBER,
        [AST_STR] = LEVEL_MEMBER,    [AST_UID] = LEVEL_MEMBER,
        [AST_VAR] = LEVEL_MEMBER,    [AST_OR] = LEVEL_OR,
        [AST_AND] = LEVEL_AND,       [AST_REL] = LEVEL_REL,
        [AST_HAS] = LEVEL_REL,       [AST_ATTR] = LEVEL_MEMBER,
        [AST_LIKE] = LEVEL_REL,      [AST_RUN] = LEVEL_MEMBER,
        [AST_IS] = LEVEL_REL,        [AST_ADD] = LEVEL_ADD,
        [AST_MUL] = LEVEL_MUL,       [AST_NOT] = LEVEL_UNARY,
        [AST_NEG] = LEVEL_UNARY,     [AST_GET] = LEVEL_MEMBER,
        [AST_METHOD] = LEVEL_MEMBER, [AST_EXT] = LEVEL_MEMBER,
        [AST_SET] = LEVEL_MEMBER,    [AST_RECORD] = LEVEL_MEMBER,
        [AST_FIELD] = LEVEL_MEMBER,  [AST_IF] = LEVEL_IF,
    };

    if (x->op == AST_INT && x->num < 0)
        return LEVEL_UNARY;
    return (enum level)levels[x->op];
}

static void fail(struct printer *pr, ts_err e)
{
    if (pr->err == TS_OK)
        pr->err = e;
}

/* x where only expressions of this level or a tighter one may stand. */
static void put(struct printer *pr, const struct ast_expr *x, enum level least)
{
    if (level_of(x) >= least) {
        print_expr(pr, x);
        return;
    }
    print_text(pr, "(");
    print_expr(pr, x);
    print_text(pr, ")");
}

static void put_chain(struct printer *pr, const struct ast_expr *x,
                      const char *op, enum level least)
{
    if (x->count < 2)
        fail(pr, TS_E_INVALID); /* no text has such a node */
    for (const struct ast_expr *kid = x->first; kid != NULL; kid = kid->next) {
        if (kid != x->first)
            print_text(pr,
                       op != NULL ? op : (kid->join == '-' ? " - " : " + "));
        put(pr, kid, least);
    }
}

static void put_name(struct printer *pr, struct ts_str name)
{
    if (cedar_ident_ok(name))
        print_bytes(pr, name.ptr, name.len);
    else
        print_string(pr, name);
}

static void put_has(struct printer *pr, const struct ast_expr *x)
{
    put(pr, x->first, LEVEL_ADD);
    print_text(pr, " has ");
    for (const struct ast_expr *a = x->first->next; a != NULL; a = a->next) {
        if (x->count > 2 && !cedar_ident_ok(a->str))
            fail(pr, TS_E_INVALID);
        put_name(pr, a->str);
        if (a->next != NULL)
            print_text(pr, ".");
    }
}

static void put_is(struct printer *pr, const struct ast_expr *x)
{
    put(pr, x->first, LEVEL_ADD);
    print_text(pr, " is ");
    print_bytes(pr, x->str.ptr, x->str.len);
    if (x->count < 2)
        return;
    print_text(pr, " in ");
    put(pr, x->first->next, LEVEL_ADD);
}

/* Four of one sign in a row at most, never two kinds; a number behind a minus
 * would be taken for a negative number. */
static void put_unary(struct printer *pr, const struct ast_expr *x)
{
    enum ast_op op = x->op;
    unsigned run = 0;

    while (x->op == op && run < CEDAR_UNARY_MAX) {
        print_text(pr, op == AST_NOT ? "!" : "-");
        run++;
        x = x->first;
    }
    if ((op == AST_NEG && x->op == AST_INT && x->num >= 0) ||
        level_of(x) < LEVEL_MEMBER) {
        if (op == AST_NEG && x->op == AST_INT && x->num < 0 &&
            run < CEDAR_UNARY_MAX) {
            print_expr(pr, x);
            return;
        }
        print_text(pr, "(");
        print_expr(pr, x);
        print_text(pr, ")");
        return;
    }
    print_expr(pr, x);
}

static void put_args(struct printer *pr, const struct ast_expr *arg)
{
    print_text(pr, "(");
    for (; arg != NULL; arg = arg->next) {
        print_expr(pr, arg);
        if (arg->next != NULL)
            print_text(pr, ", ");
    }
    print_text(pr, ")");
}

static void put_call(struct printer *pr, const struct ast_expr *x,
                     struct ts_str name)
{
    if (x->first == NULL) {
        fail(pr, TS_E_INVALID); /* a method of nothing */
        return;
    }
    put(pr, x->first, LEVEL_MEMBER);
    print_text(pr, ".");
    print_bytes(pr, name.ptr, name.len);
    put_args(pr, x->first->next);
}

static void put_ext(struct printer *pr, const struct ast_expr *x)
{
    const struct cedar_ext_info *info = cedar_ext_info((enum cedar_ext)x->sub);

    if (info->method) {
        put_call(pr, x, info->name);
        return;
    }
    print_bytes(pr, info->name.ptr, info->name.len);
    put_args(pr, x->first);
}

static void put_get(struct printer *pr, const struct ast_expr *x)
{
    bool plain = cedar_ident_ok(x->str);

    put(pr, x->first, LEVEL_MEMBER);
    print_text(pr, plain ? "." : "[");
    put_name(pr, x->str);
    if (!plain)
        print_text(pr, "]");
}

static void put_list(struct printer *pr, const struct ast_expr *x,
                     const char *ends)
{
    print_bytes(pr, ends, 1);
    for (const struct ast_expr *kid = x->first; kid != NULL; kid = kid->next) {
        if (kid->op == AST_FIELD) {
            put_name(pr, kid->str);
            print_text(pr, ": ");
            print_expr(pr, kid->first);
        } else {
            print_expr(pr, kid);
        }
        if (kid->next != NULL)
            print_text(pr, ", ");
    }
    print_bytes(pr, ends + 1, 1);
}

static void put_if(struct printer *pr, const struct ast_expr *x)
{
    print_text(pr, "if ");
    print_expr(pr, x->first);
    print_text(pr, " then ");
    print_expr(pr, x->first->next);
    print_text(pr, " else ");
    print_expr(pr, x->first->next->next);
}

static void put_rel(struct printer *pr, const struct ast_expr *x)
{
    static const char *const ops[] = {
        [AST_EQ] = " == ", [AST_NE] = " != ", [AST_LT] = " < ",
        [AST_LE] = " <= ", [AST_GT] = " > ",  [AST_GE] = " >= ",
        [AST_IN] = " in ",
    };

    put(pr, x->first, LEVEL_ADD);
    print_text(pr, ops[x->sub]);
    put(pr, x->first->next, LEVEL_ADD);
}

static void put_leaf(struct printer *pr, const struct ast_expr *x)
{
    static const char *const vars[] = {
        [AST_PRINCIPAL] = "principal",
        [AST_ACTION] = "action",
        [AST_RESOURCE] = "resource",
        [AST_CONTEXT] = "context",
    };
    char number[24];

    if (x->op == AST_BOOL) {
        print_text(pr, x->num != 0 ? "true" : "false");
    } else if (x->op == AST_INT) {
        (void)snprintf(number, sizeof(number), "%" PRId64, x->num);
        print_text(pr, number);
    } else if (x->op == AST_STR) {
        print_string(pr, x->str);
    } else if (x->op == AST_UID) {
        print_uid(pr, x);
    } else {
        print_text(pr, vars[x->sub]);
    }
}

static void put_operator(struct printer *pr, const struct ast_expr *x)
{
    switch (x->op) {
    case AST_OR:
        put_chain(pr, x, " || ", LEVEL_AND);
        break;
    case AST_AND:
        put_chain(pr, x, " && ", LEVEL_REL);
        break;
    case AST_ADD:
        put_chain(pr, x, NULL, LEVEL_MUL);
        break;
    case AST_MUL:
        put_chain(pr, x, " * ", LEVEL_UNARY);
        break;
    case AST_REL:
        put_rel(pr, x);
        break;
    case AST_HAS:
        put_has(pr, x);
        break;
    case AST_LIKE:
        put(pr, x->first, LEVEL_ADD);
        print_text(pr, " like ");
        print_pattern(pr, x->first->next);
        break;
    case AST_IS:
        put_is(pr, x);
        break;
    case AST_NOT:
    case AST_NEG:
        put_unary(pr, x);
        break;
    case AST_GET:
        put_get(pr, x);
        break;
    case AST_IF:
        put_if(pr, x);
        break;
    case AST_BOOL:
    case AST_INT:
    case AST_STR:
    case AST_UID:
    case AST_VAR:
    case AST_METHOD:
    case AST_EXT:
    case AST_SET:
    case AST_RECORD:
    case AST_ATTR:
    case AST_RUN:
    case AST_FIELD:
    case AST_OP_COUNT:
        fail(pr, TS_E_INVALID);
        break;
    }
}

void print_expr(struct printer *pr, const struct ast_expr *x)
{
    static const struct ts_str methods[] = {
        [AST_CONTAINS] = {"contains", 8},
        [AST_CONTAINS_ALL] = {"containsAll", 11},
        [AST_CONTAINS_ANY] = {"containsAny", 11},
        [AST_IS_EMPTY] = {"isEmpty", 7},
        [AST_HAS_TAG] = {"hasTag", 6},
        [AST_GET_TAG] = {"getTag", 6},
    };

    if (pr->depth >= CEDAR_HEIGHT_MAX)
        fail(pr, TS_E_LIMIT);
    if (pr->err != TS_OK)
        return;
    pr->depth++;
    if (x->op <= AST_VAR)
        put_leaf(pr, x);
    else if (x->op == AST_METHOD)
        put_call(pr, x, methods[x->sub]);
    else if (x->op == AST_EXT)
        put_ext(pr, x);
    else if (x->op == AST_SET)
        put_list(pr, x, "[]");
    else if (x->op == AST_RECORD)
        put_list(pr, x, "{}");
    else
        put_operator(pr, x);
    pr->depth--;
}
