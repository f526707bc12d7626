/* Expressions down to Unary. Each level above Unary is a loop or takes exactly
 * one operator; only parse_expr() counts depth, since every way back up to a
 * whole expression passes through it. */
#include "policy/core/diag.h"
#include "policy/core/limits.h"
#include "policy/core/lit.h"
#include "policy/core/name.h"
#include "policy/syntax/parse_priv.h"

typedef ts_err (*parse_fn)(struct parser *p, struct ast_expr **ret);

/* A node above one kid that has been parsed. */
static ts_err wrap(struct parser *p, enum ast_op op, struct cedar_span span,
                   struct ast_expr *kid, struct ast_expr **ret)
{
    struct ast_expr *n;
    ts_err e = cedar_parse_node(p, op, span, &n);

    if (e == TS_OK)
        e = cedar_parse_adopt(p, n, kid);
    if (e != TS_OK)
        return e;
    cedar_parse_close(p, &n->span);
    *ret = n;
    return TS_OK;
}

/* '-'{0..4} Member. "-9223372036854775808" is a literal: the last minus belongs
 * to the digits when nothing else does. */
static ts_err parse_negation(struct parser *p, const struct cedar_span *signs,
                             unsigned count, struct ast_expr **ret)
{
    struct ast_expr *x;
    ts_err e = cedar_parse_member(p, &x);

    if (e != TS_OK)
        return e;
    if (count > 0 && x->op == AST_INT && x->literal) {
        x->num = (int64_t)(0 - (uint64_t)x->num);
        x->literal = false;
        x->span = signs[--count];
        cedar_parse_close(p, &x->span);
    } else if (x->op == AST_INT && x->literal && x->num < 0) {
        return cedar_parse_fail(p, x->span, "too large",
                                "the largest is 2^63 - 1",
                                "integer literal `9223372036854775808` is too "
                                "large");
    }
    while (count-- > 0)
        if ((e = wrap(p, AST_NEG, signs[count], x, &x)) != TS_OK)
            return e;
    *ret = x;
    return TS_OK;
}

static ts_err parse_unary(struct parser *p, struct ast_expr **ret)
{
    char ch = cedar_parse_at(p, '!') ? '!' : '-';
    struct cedar_span signs[CEDAR_UNARY_MAX];
    struct ast_expr *x;
    unsigned count = 0;
    ts_err e;

    while (cedar_parse_at(p, ch)) {
        if (count >= CEDAR_UNARY_MAX)
            return cedar_parse_fail(p, p->tok.span, "at most 4 in a row",
                                    "two of them cancel out",
                                    "too many occurrences of `%c`", ch);
        signs[count++] = p->tok.span;
        if ((e = cedar_parse_advance(p)) != TS_OK)
            return e;
    }
    if (ch == '-')
        return parse_negation(p, signs, count, ret);
    if (cedar_parse_at(p, '-')) /* !-1 */
        return cedar_parse_unexpected(p, "an operand of `!`",
                                      "`!` takes a Boolean, `-` a number");
    if ((e = parse_negation(p, signs, 0, &x)) != TS_OK)
        return e;
    while (count-- > 0)
        if ((e = wrap(p, AST_NOT, signs[count], x, &x)) != TS_OK)
            return e;
    *ret = x;
    return TS_OK;
}

static bool at_div(const struct parser *p)
{
    return cedar_parse_at(p, '/') || cedar_parse_at(p, '%');
}

/* One level of a left-associative chain: next (op next)*, one flat node. */
static ts_err parse_chain(struct parser *p, enum ast_op op, parse_fn next,
                          bool (*at_op)(const struct parser *),
                          struct ast_expr **ret)
{
    struct cedar_span start = p->tok.span;
    struct ast_expr *first, *n;
    ts_err e = next(p, &first);

    if (e != TS_OK)
        return e;
    if (!at_op(p)) {
        *ret = first;
        return TS_OK;
    }
    if ((e = wrap(p, op, start, first, &n)) != TS_OK)
        return e;
    while (at_op(p)) {
        struct ast_expr *kid;
        char join = p->tok.ch;

        if ((e = cedar_parse_advance(p)) != TS_OK ||
            (e = next(p, &kid)) != TS_OK)
            return e;
        kid->join = join;
        if ((e = cedar_parse_adopt(p, n, kid)) != TS_OK)
            return e;
    }
    cedar_parse_close(p, &n->span);
    *ret = n;
    return TS_OK;
}

static bool at_mult(const struct parser *p)
{
    return cedar_parse_at(p, '*');
}

static bool at_add(const struct parser *p)
{
    return cedar_parse_at(p, '+') || cedar_parse_at(p, '-');
}

static bool at_and(const struct parser *p)
{
    return p->tok.kind == LEX_AND;
}

static bool at_or(const struct parser *p)
{
    return p->tok.kind == LEX_OR;
}

static ts_err refuse_division(struct parser *p)
{
    const struct ts_str src = p->lex.src;
    size_t next = (size_t)p->tok.span.offset + 1;

    if (cedar_parse_at(p, '/') && next < src.len && src.ptr[next] == '*')
        return cedar_parse_fail(p, p->tok.span, "not a comment",
                                "comments start with `//` and end with the "
                                "line",
                                "`/*` does not begin a comment in Cedar");
    return cedar_parse_fail(p, p->tok.span, "not an operator",
                            "numbers are added, subtracted and multiplied "
                            "only",
                            cedar_parse_at(p, '/')
                                ? "division is not supported"
                                : "remainder/modulo is not supported");
}

static ts_err parse_mult(struct parser *p, struct ast_expr **ret)
{
    ts_err e = parse_chain(p, AST_MUL, parse_unary, at_mult, ret);

    if (e == TS_OK && at_div(p))
        return refuse_division(p);
    return e;
}

static ts_err parse_add(struct parser *p, struct ast_expr **ret)
{
    return parse_chain(p, AST_ADD, parse_mult, at_add, ret);
}

static bool at_relation(const struct parser *p, enum ast_rel *ret)
{
    if (p->tok.kind == LEX_EQ)
        *ret = AST_EQ;
    else if (p->tok.kind == LEX_NE)
        *ret = AST_NE;
    else if (p->tok.kind == LEX_LE)
        *ret = AST_LE;
    else if (p->tok.kind == LEX_GE)
        *ret = AST_GE;
    else if (cedar_parse_at(p, '<'))
        *ret = AST_LT;
    else if (cedar_parse_at(p, '>'))
        *ret = AST_GT;
    else if (cedar_parse_at_word(p, TS_STR_LIT("in")))
        *ret = AST_IN;
    else
        return false;
    return true;
}

/* Add 'has' (Ident('.'Ident)* | STR): one quoted attribute or a path. */
static ts_err parse_has(struct parser *p, struct ast_expr *n)
{
    struct ast_expr *attr;
    bool took = true;
    ts_err e;

    while (took) {
        struct cedar_span span = p->tok.span;

        if ((e = cedar_parse_node(p, AST_ATTR, span, &attr)) != TS_OK)
            return e;
        if (p->tok.kind == LEX_STRING) {
            if (n->count > 1)
                return cedar_parse_unexpected(
                    p, "an attribute name",
                    "a quoted name stands alone: x has \"a\" && "
                    "x[\"a\"] has b");
            if ((e = cedar_parse_string(p, &attr->str)) != TS_OK ||
                (e = cedar_parse_advance(p)) != TS_OK ||
                (e = cedar_parse_adopt(p, n, attr)) != TS_OK)
                return e;
            if (cedar_parse_at(p, '.'))
                return cedar_parse_fail(p, span, "cannot go on with a dot",
                                        "use has a.b or has \"a\"",
                                        "invalid RHS of a `has` operation");
            return TS_OK;
        }
        if ((e = cedar_parse_ident(p, &attr->str)) != TS_OK ||
            (e = cedar_parse_adopt(p, n, attr)) != TS_OK ||
            (e = cedar_parse_take(p, '.', &took)) != TS_OK)
            return e;
    }
    return TS_OK;
}

static ts_err parse_like(struct parser *p, struct ast_expr *n)
{
    ts_err e;

    if (p->tok.kind != LEX_STRING)
        return cedar_parse_fail(p, p->tok.span, "not a pattern in quotes",
                                "write the pattern itself: like \"a*\"",
                                "right hand side of a `like` expression must "
                                "be a pattern literal, but got `%s`",
                                cedar_quote(p->tok.text).s);
    if ((e = cedar_parse_pattern(p, n)) != TS_OK)
        return e;
    return cedar_parse_advance(p);
}

/* Add 'is' Path [ 'in' Add ] */
static ts_err parse_is(struct parser *p, struct ast_expr *n)
{
    struct ast_expr *in;
    bool ref;
    ts_err e;

    if (p->tok.kind == LEX_STRING)
        return cedar_parse_refuse_type(p);
    if ((e = cedar_parse_name(p, false, &n->str, &ref)) != TS_OK)
        return e;
    if (!cedar_parse_at_word(p, TS_STR_LIT("in")))
        return TS_OK;
    if ((e = cedar_parse_advance(p)) != TS_OK ||
        (e = parse_add(p, &in)) != TS_OK)
        return e;
    return cedar_parse_adopt(p, n, in);
}

static bool at_named_relation(const struct parser *p, enum ast_op *ret)
{
    if (cedar_parse_at_word(p, TS_STR_LIT("has")))
        *ret = AST_HAS;
    else if (cedar_parse_at_word(p, TS_STR_LIT("like")))
        *ret = AST_LIKE;
    else if (cedar_parse_at_word(p, TS_STR_LIT("is")))
        *ret = AST_IS;
    else
        return false;
    return true;
}

static ts_err parse_named_relation(struct parser *p, enum ast_op op,
                                   struct cedar_span start,
                                   struct ast_expr *left, struct ast_expr **ret)
{
    struct ast_expr *n;
    ts_err e;

    if ((e = wrap(p, op, start, left, &n)) != TS_OK ||
        (e = cedar_parse_advance(p)) != TS_OK)
        return e;
    if (op == AST_HAS)
        e = parse_has(p, n);
    else if (op == AST_LIKE)
        e = parse_like(p, n);
    else
        e = parse_is(p, n);
    if (e != TS_OK)
        return e;
    cedar_parse_close(p, &n->span);
    *ret = n;
    return TS_OK;
}

static ts_err refuse_assignment(struct parser *p)
{
    if (cedar_parse_at(p, '='))
        return cedar_parse_refuse_equals(p);
    return TS_OK;
}

/* Add [ relation ]: not associative, so `1 < 2 < 3` is refused. */
static ts_err parse_relation(struct parser *p, struct ast_expr **ret)
{
    struct cedar_span start = p->tok.span;
    struct ast_expr *left, *right, *n = NULL;
    enum ast_rel rel;
    enum ast_op op;
    ts_err e = parse_add(p, &left);

    if (e != TS_OK)
        return e;
    if (at_relation(p, &rel)) {
        if ((e = wrap(p, AST_REL, start, left, &n)) != TS_OK ||
            (e = cedar_parse_advance(p)) != TS_OK ||
            (e = parse_add(p, &right)) != TS_OK ||
            (e = cedar_parse_adopt(p, n, right)) != TS_OK)
            return e;
        n->sub = (uint8_t)rel;
        cedar_parse_close(p, &n->span);
    } else if (at_named_relation(p, &op)) {
        if ((e = parse_named_relation(p, op, start, left, &n)) != TS_OK)
            return e;
    } else {
        *ret = left;
        return refuse_assignment(p);
    }
    if (at_relation(p, &rel) || at_named_relation(p, &op))
        return cedar_parse_fail(p, p->tok.span, "the second in a row",
                                "write (a == b) == c, or a < b && b < c",
                                "multiple relational operators (>, ==, in, "
                                "etc.) must be used with parentheses to make "
                                "ordering explicit");
    *ret = n;
    return refuse_assignment(p);
}

static ts_err parse_and(struct parser *p, struct ast_expr **ret)
{
    return parse_chain(p, AST_AND, parse_relation, at_and, ret);
}

/* 'if' Expr 'then' Expr 'else' Expr */
static ts_err parse_if(struct parser *p, struct ast_expr **ret)
{
    static const struct ts_str words[] = {CEDAR_LIT("if"), CEDAR_LIT("then"),
                                          CEDAR_LIT("else")};
    struct ast_expr *n, *kid;
    ts_err e = cedar_parse_node(p, AST_IF, p->tok.span, &n);

    for (size_t i = 0; e == TS_OK && i < 3; i++) {
        if (!cedar_parse_at_word(p, words[i]))
            return cedar_parse_unexpected(
                p, i == 1 ? "`then`" : "`else`",
                i == 1 ? cedar_parse_at(p, '{')
                             ? "no braces: if a then b else c"
                             : NULL
                       : "every `if` has an `else`");
        if ((e = cedar_parse_advance(p)) != TS_OK ||
            (e = cedar_parse_expr(p, &kid)) != TS_OK)
            return e;
        e = cedar_parse_adopt(p, n, kid);
    }
    if (e != TS_OK)
        return e;
    cedar_parse_close(p, &n->span);
    *ret = n;
    return TS_OK;
}

ts_err cedar_parse_expr(struct parser *p, struct ast_expr **ret)
{
    ts_err e;

    if (p->depth >= p->options->max_depth)
        return cedar_parse_fail(
            p, p->tok.span, "too deep", "split the policy in two",
            "expressions are nested more than %u deep", p->options->max_depth);
    p->depth++;
    if (cedar_parse_at_word(p, TS_STR_LIT("if")))
        e = parse_if(p, ret);
    else
        e = parse_chain(p, AST_OR, parse_and, at_or, ret);
    p->depth--;
    return e;
}
