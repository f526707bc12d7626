/* Member and Primary: literals, names, calls, sets, records, attributes. */
#include "policy/core/diag.h"
#include "policy/core/limits.h"
#include "policy/core/lit.h"
#include "policy/core/name.h"
#include "policy/core/utf8.h"
#include "policy/syntax/parse_priv.h"

static const struct builtin {
    struct ts_str name;
    uint32_t args;
} builtins[] = {
    [AST_CONTAINS] = {CEDAR_LIT("contains"), 1},
    [AST_CONTAINS_ALL] = {CEDAR_LIT("containsAll"), 1},
    [AST_CONTAINS_ANY] = {CEDAR_LIT("containsAny"), 1},
    [AST_IS_EMPTY] = {CEDAR_LIT("isEmpty"), 0},
    [AST_HAS_TAG] = {CEDAR_LIT("hasTag"), 1},
    [AST_GET_TAG] = {CEDAR_LIT("getTag"), 1},
};
#define BUILTINS (sizeof(builtins) / sizeof(builtins[0]))

static size_t find_builtin(struct ts_str name)
{
    size_t i = 0;

    while (i < BUILTINS && !ts_str_eq(builtins[i].name, name))
        i++;
    return i;
}

ts_err cedar_parse_uid(struct parser *p, struct ast_expr **ret)
{
    struct cedar_span span = p->tok.span;
    struct ast_expr *n;
    bool ref;
    ts_err e;

    if (p->tok.kind != LEX_IDENT)
        return cedar_parse_refuse_entity(p, NULL);
    if ((e = cedar_parse_node(p, AST_UID, span, &n)) != TS_OK ||
        (e = cedar_parse_name(p, true, &n->str, &ref)) != TS_OK)
        return e;
    if (!ref)
        return cedar_parse_refuse_entity(p, &n->str);
    if ((e = cedar_parse_string(p, &n->id)) != TS_OK ||
        (e = cedar_parse_advance(p)) != TS_OK)
        return e;
    cedar_parse_close(p, &n->span);
    *ret = n;
    return TS_OK;
}

static ts_err new_run(struct parser *p, struct ast_expr *node, const char *buf,
                      size_t from, size_t to)
{
    struct ast_expr *run;
    ts_err e = cedar_parse_node(p, AST_RUN, p->tok.span, &run);

    if (e != TS_OK)
        return e;
    run->str = (struct ts_str){.ptr = buf + from, .len = to - from};
    return cedar_parse_adopt(p, node, run);
}

/* Every star ends a run, so `**` is written as it was read. */
ts_err cedar_parse_pattern(struct parser *p, struct ast_expr *node)
{
    struct lex_string s;
    size_t n = 0, from = 0;
    uint32_t c;
    char *buf;
    void *mem;
    ts_err e;

    if ((e = ts_arena_alloc(p->arena, p->tok.text.len + 1, &mem)) != TS_OK)
        return e;
    buf = mem;
    cedar_lex_string_init(&s, &p->tok, true, p->diags);
    while (e == TS_OK && cedar_lex_string_next(&s, &c, &e)) {
        if (c != LEX_STAR) {
            n += cedar_utf8_put(buf + n, c);
        } else {
            e = new_run(p, node, buf, from, n);
            from = n;
        }
    }
    return e != TS_OK ? e : new_run(p, node, buf, from, n);
}

/* Expr (',' Expr)* ','? up to close; "a lone comma is not" a list. */
static ts_err parse_list(struct parser *p, struct ast_expr *n, char close)
{
    struct cedar_span open = p->tok.span;
    bool took = true;
    ts_err e = cedar_parse_advance(p);

    if (e != TS_OK)
        return e;
    while (!cedar_parse_at(p, close)) {
        struct ast_expr *kid;

        if ((e = cedar_parse_expr(p, &kid)) != TS_OK ||
            (e = cedar_parse_adopt(p, n, kid)) != TS_OK ||
            (e = cedar_parse_take(p, ',', &took)) != TS_OK)
            return e;
        if (!took)
            break;
    }
    return cedar_parse_expect_close(p, close, &open, took ? NULL : "`,` or ");
}

static ts_err parse_set(struct parser *p, struct ast_expr **ret)
{
    struct ast_expr *n;
    ts_err e;

    if ((e = cedar_parse_node(p, AST_SET, p->tok.span, &n)) != TS_OK ||
        (e = parse_list(p, n, ']')) != TS_OK)
        return e;
    cedar_parse_close(p, &n->span);
    *ret = n;
    return TS_OK;
}

/* (Ident | STR) ':' Expr. Two keys that are the same are found when the record
 * is sorted, in lowering. */
static ts_err parse_field(struct parser *p, struct ast_expr *record)
{
    struct ast_expr *n, *value;
    ts_err e;

    if ((e = cedar_parse_node(p, AST_FIELD, p->tok.span, &n)) != TS_OK)
        return e;
    if (p->tok.kind == LEX_STRING) {
        if ((e = cedar_parse_string(p, &n->str)) != TS_OK ||
            (e = cedar_parse_advance(p)) != TS_OK)
            return e;
    } else if ((e = cedar_parse_ident(p, &n->str)) != TS_OK) {
        return e;
    }
    if (cedar_parse_at(p, '='))
        return cedar_parse_unexpected(p, "`:` after the key",
                                      "records are written {key: value}");
    if ((e = cedar_parse_expect(p, ':', "after the key")) != TS_OK ||
        (e = cedar_parse_expr(p, &value)) != TS_OK ||
        (e = cedar_parse_adopt(p, n, value)) != TS_OK)
        return e;
    cedar_parse_close(p, &n->span);
    return cedar_parse_adopt(p, record, n);
}

static ts_err parse_record(struct parser *p, struct ast_expr **ret)
{
    struct cedar_span open = p->tok.span;
    struct ast_expr *n;
    bool took = true;
    ts_err e;

    if ((e = cedar_parse_node(p, AST_RECORD, p->tok.span, &n)) != TS_OK ||
        (e = cedar_parse_advance(p)) != TS_OK)
        return e;
    while (took && !cedar_parse_at(p, '}'))
        if ((e = parse_field(p, n)) != TS_OK ||
            (e = cedar_parse_take(p, ',', &took)) != TS_OK)
            return e;
    if ((e = cedar_parse_expect_close(p, '}', &open,
                                      took ? NULL : "`,` or ")) != TS_OK)
        return e;
    cedar_parse_close(p, &n->span);
    *ret = n;
    return TS_OK;
}

static ts_err parse_function(struct parser *p, struct ts_str name,
                             struct cedar_span span, struct ast_expr **ret)
{
    struct ast_expr *n;
    enum cedar_ext fn;
    ts_err e;

    if (ts_str_eq(name, TS_STR_LIT("unknown")))
        return cedar_parse_fail(
            p, span, "not available",
            "an authorization must have all of its data",
            "`unknown` is for partial evaluation, which is refused here");
    if (!cedar_ext_find(name, &fn) || cedar_ext_info(fn)->method)
        return cedar_parse_refuse_function(p, name, span);
    if ((e = cedar_parse_node(p, AST_EXT, span, &n)) != TS_OK ||
        (e = parse_list(p, n, ')')) != TS_OK)
        return e;
    cedar_parse_close(p, &n->span);
    n->sub = (uint8_t)fn;
    *ret = n;
    return TS_OK;
}

static bool find_var(struct ts_str name, enum ast_var *ret)
{
    static const struct ts_str vars[] = {
        [AST_PRINCIPAL] = CEDAR_LIT("principal"),
        [AST_ACTION] = CEDAR_LIT("action"),
        [AST_RESOURCE] = CEDAR_LIT("resource"),
        [AST_CONTEXT] = CEDAR_LIT("context"),
    };

    for (unsigned i = 0; i < sizeof(vars) / sizeof(vars[0]); i++) {
        if (ts_str_eq(name, vars[i])) {
            *ret = (enum ast_var)i;
            return true;
        }
    }
    return false;
}

/* What starts with an identifier: a constant, a variable, an entity, a call. */
static ts_err parse_named(struct parser *p, struct ast_expr **ret)
{
    struct cedar_span span = p->tok.span;
    bool is_true = cedar_parse_at_word(p, TS_STR_LIT("true"));
    struct ast_expr *n;
    enum ast_var var;
    bool ref;
    ts_err e;

    if (is_true || cedar_parse_at_word(p, TS_STR_LIT("false"))) {
        if ((e = cedar_parse_node(p, AST_BOOL, span, &n)) != TS_OK)
            return e;
        n->num = is_true;
        *ret = n;
        return cedar_parse_advance(p);
    }
    if (cedar_is_reserved(p->tok.text))
        return cedar_parse_unexpected(
            p, "an expression",
            cedar_parse_at_word(p, TS_STR_LIT("if"))
                ? "put `if ... then ... else ...` in parentheses"
                : NULL);
    if ((e = cedar_parse_node(p, AST_UID, span, &n)) != TS_OK ||
        (e = cedar_parse_name(p, true, &n->str, &ref)) != TS_OK)
        return e;
    if (ref) {
        if ((e = cedar_parse_string(p, &n->id)) != TS_OK ||
            (e = cedar_parse_advance(p)) != TS_OK)
            return e;
        cedar_parse_close(p, &n->span);
        *ret = n;
        return TS_OK;
    }
    if (cedar_parse_at(p, '('))
        return parse_function(p, n->str, span, ret);
    if (!find_var(n->str, &var))
        return cedar_parse_refuse_word(p, n->str, span);
    n->op = AST_VAR; /* counted as AST_UID, which only makes a bound larger */
    n->sub = (uint8_t)var;
    n->str = (struct ts_str){0};
    *ret = n;
    return TS_OK;
}

/* An integer fits 64 bits unsigned here; 2^63 is kept as INT64_MIN and is only
 * legal behind a minus, see parse_negation(). */
static ts_err parse_int(struct parser *p, struct ast_expr **ret)
{
    struct ast_expr *n;
    ts_err e;

    if (p->tok.number > (uint64_t)INT64_MAX + 1)
        return cedar_parse_fail(p, p->tok.span, "too large",
                                "the largest is 2^63 - 1",
                                "integer literal `%llu` is too large",
                                (unsigned long long)p->tok.number);
    if ((e = cedar_parse_node(p, AST_INT, p->tok.span, &n)) != TS_OK)
        return e;
    n->num = (int64_t)p->tok.number;
    n->literal = true;
    *ret = n;
    return cedar_parse_advance(p);
}

static ts_err parse_primary(struct parser *p, struct ast_expr **ret)
{
    struct cedar_span open;
    struct ast_expr *n;
    ts_err e;

    if (p->tok.kind == LEX_IDENT)
        return parse_named(p, ret);
    if (p->tok.kind == LEX_INT)
        return parse_int(p, ret);
    if (p->tok.kind == LEX_STRING) {
        if ((e = cedar_parse_node(p, AST_STR, p->tok.span, &n)) != TS_OK ||
            (e = cedar_parse_string(p, &n->str)) != TS_OK)
            return e;
        *ret = n;
        return cedar_parse_advance(p);
    }
    if (p->tok.kind == LEX_SLOT)
        return cedar_parse_fail(p, p->tok.span, "not in a condition",
                                "slots stand in the scope of templates only",
                                "`%s` is a template slot; it cannot appear in "
                                "a condition",
                                cedar_quote(p->tok.text).s);
    if (cedar_parse_at(p, '['))
        return parse_set(p, ret);
    if (cedar_parse_at(p, '{'))
        return parse_record(p, ret);
    if (!cedar_parse_at(p, '('))
        return cedar_parse_unexpected(p, "an expression", NULL);
    open = p->tok.span;
    if ((e = cedar_parse_advance(p)) != TS_OK ||
        (e = cedar_parse_expr(p, &n)) != TS_OK ||
        (e = cedar_parse_expect_close(p, ')', &open, "an operator or ")) !=
            TS_OK)
        return e;
    if (n->op == AST_INT)
        n->literal = false; /* -(9223372036854775808) is no literal */
    *ret = n;
    return TS_OK;
}

static ts_err parse_method(struct parser *p, struct ts_str name,
                           struct cedar_span span, struct ast_expr *base,
                           struct ast_expr **ret)
{
    size_t b = find_builtin(name);
    enum cedar_ext fn = CEDAR_EXT_COUNT;
    struct ast_expr *n;
    ts_err e;

    if (b == BUILTINS &&
        (!cedar_ext_find(name, &fn) || !cedar_ext_info(fn)->method))
        return cedar_parse_refuse_method(p, name, span);
    if ((e = cedar_parse_node(p, b < BUILTINS ? AST_METHOD : AST_EXT, span,
                              &n)) != TS_OK ||
        (e = cedar_parse_adopt(p, n, base)) != TS_OK ||
        (e = parse_list(p, n, ')')) != TS_OK)
        return e;
    n->sub = b < BUILTINS ? (uint8_t)b : (uint8_t)fn;
    if (b < BUILTINS && n->count - 1 != builtins[b].args)
        return cedar_parse_fail(p, span, "wrong number of arguments", NULL,
                                "call to `%s` requires exactly %u argument%s, "
                                "but got %u",
                                builtins[b].name.ptr, builtins[b].args,
                                builtins[b].args == 1 ? "" : "s", n->count - 1);
    *ret = n;
    return TS_OK;
}

/* '.' Ident [ '(' Args ')' ] */
static ts_err parse_dot(struct parser *p, struct ast_expr *base,
                        struct ast_expr **ret)
{
    struct cedar_span span;
    struct ast_expr *n;
    struct ts_str name;
    ts_err e = cedar_parse_advance(p);

    if (e != TS_OK)
        return e;
    span = p->tok.span;
    if ((e = cedar_parse_ident(p, &name)) != TS_OK)
        return e;
    if (cedar_parse_at(p, '('))
        return parse_method(p, name, span, base, ret);
    if ((e = cedar_parse_node(p, AST_GET, span, &n)) != TS_OK ||
        (e = cedar_parse_adopt(p, n, base)) != TS_OK)
        return e;
    n->str = name;
    *ret = n;
    return TS_OK;
}

/* '[' STR ']' */
static ts_err parse_index(struct parser *p, struct ast_expr *base,
                          struct ast_expr **ret)
{
    struct cedar_span open = p->tok.span;
    struct ast_expr *n;
    ts_err e = cedar_parse_advance(p);

    if (e != TS_OK)
        return e;
    if (p->tok.kind != LEX_STRING)
        return cedar_parse_unexpected(
            p, "an attribute name in quotes",
            "sets have no order; of a record: x[\"name\"]");
    if ((e = cedar_parse_node(p, AST_GET, p->tok.span, &n)) != TS_OK ||
        (e = cedar_parse_adopt(p, n, base)) != TS_OK ||
        (e = cedar_parse_string(p, &n->str)) != TS_OK ||
        (e = cedar_parse_advance(p)) != TS_OK ||
        (e = cedar_parse_expect_close(p, ']', &open, NULL)) != TS_OK)
        return e;
    *ret = n;
    return TS_OK;
}

ts_err cedar_parse_member(struct parser *p, struct ast_expr **ret)
{
    struct cedar_span start = p->tok.span;
    struct ast_expr *x = NULL;
    ts_err e = parse_primary(p, &x);

    while (e == TS_OK && (cedar_parse_at(p, '.') || cedar_parse_at(p, '['))) {
        if (x->op == AST_INT && x->literal && x->num < 0)
            return cedar_parse_fail(p, x->span, "too large",
                                    "the largest is 2^63 - 1",
                                    "integer literal `9223372036854775808` is "
                                    "too large");
        e = cedar_parse_at(p, '.') ? parse_dot(p, x, &x)
                                   : parse_index(p, x, &x);
        if (e == TS_OK) {
            x->span = start;
            cedar_parse_close(p, &x->span);
        }
    }
    if (e == TS_OK)
        *ret = x;
    return e;
}
