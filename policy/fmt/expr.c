/* Expressions. The tree says what belongs together, the tokens say how it was
 * written: parentheses are kept where they stood. */
#include "policy/core/limits.h"
#include "policy/fmt/token.h"

static void expr(struct fmt *f, const struct ast_expr *x);

static void nest(struct fmt *f)
{
    doc_nest(&f->doc, (int32_t)f->style->indent);
}

static void unnest(struct fmt *f)
{
    doc_nest(&f->doc, -(int32_t)f->style->indent);
}

/* Kids with commas; the comma after the last is left out. */
static void list(struct fmt *f, const struct ast_expr *kid, char close)
{
    for (; kid != NULL; kid = kid->next) {
        expr(f, kid);
        if (kid->next != NULL) {
            fmt_hang(f, false);
            fmt_put(f, DOC_LINE);
        }
    }
    if (!fmt_at(f, close))
        fmt_drop(f);
}

/* Kids with an operator each, which ends its line when lines are broken. */
static void chain(struct fmt *f, const struct ast_expr *x)
{
    for (const struct ast_expr *kid = x->first; kid != NULL; kid = kid->next) {
        expr(f, kid);
        if (kid->next != NULL) {
            fmt_hang(f, true);
            fmt_put(f, DOC_LINE);
        }
    }
}

static void grouped_chain(struct fmt *f, const struct ast_expr *x)
{
    uint32_t g = fmt_open(f);

    chain(f, x);
    doc_close(&f->doc, g);
}

static void relation(struct fmt *f, const struct ast_expr *x)
{
    expr(f, x->first);
    fmt_hang(f, true);
    fmt_put(f, DOC_SPACE);
    expr(f, x->first->next);
}

/* Ident ('::' Ident)* */
static void name(struct fmt *f)
{
    fmt_tok(f);
    while (f->tok.kind == LEX_PATH) {
        fmt_tok(f);
        fmt_tok(f);
    }
}

static void has_field(struct fmt *f, const struct ast_expr *x)
{
    uint32_t g = fmt_open(f);

    fmt_tok(f);
    nest(f);
    for (uint32_t i = 2; i < x->count; i++) {
        if (i > 2)
            fmt_put(f, DOC_SOFT);
        fmt_tok(f);
        fmt_tok(f);
    }
    unnest(f);
    doc_close(&f->doc, g);
}

static void has_or_like(struct fmt *f, const struct ast_expr *x)
{
    uint32_t g = fmt_open(f);

    expr(f, x->first);
    fmt_put(f, DOC_LINE);
    fmt_tok(f);
    fmt_put(f, DOC_LINE);
    nest(f);
    if (x->op == AST_HAS)
        has_field(f, x);
    else
        fmt_tok(f);
    unnest(f);
    doc_close(&f->doc, g);
}

static void is_type(struct fmt *f, const struct ast_expr *x)
{
    uint32_t g = fmt_open(f);

    expr(f, x->first);
    fmt_put(f, DOC_SPACE);
    fmt_tok(f);
    fmt_put(f, DOC_SPACE);
    name(f);
    if (x->count > 1) {
        fmt_put(f, DOC_LINE);
        fmt_tok(f);
        fmt_put(f, DOC_SPACE);
        nest(f);
        expr(f, x->first->next);
        unnest(f);
    }
    doc_close(&f->doc, g);
}

static void unary(struct fmt *f, const struct ast_expr *x)
{
    uint32_t g = fmt_open(f);

    fmt_tok(f);
    expr(f, x->first);
    doc_close(&f->doc, g);
}

/* '(' args ')' */
static void call(struct fmt *f, const struct ast_expr *args)
{
    fmt_tok(f);
    if (args != NULL) {
        nest(f);
        fmt_put(f, DOC_SOFT);
    }
    list(f, args, ')');
    if (args != NULL) {
        unnest(f);
        fmt_put(f, DOC_SOFT);
    }
    fmt_tok(f);
}

/* '[' kids ']', to be broken with whatever group it stands in. */
static void brackets(struct fmt *f, const struct ast_expr *x)
{
    fmt_tok(f);
    doc_nest(&f->doc, 1);
    list(f, x->first, ']');
    doc_nest(&f->doc, -1);
    fmt_tok(f);
}

static void set(struct fmt *f, const struct ast_expr *x)
{
    uint32_t g = fmt_open(f);

    brackets(f, x);
    doc_close(&f->doc, g);
}

static bool is_access(const struct ast_expr *x)
{
    return x->op == AST_GET || x->op == AST_METHOD ||
           (x->op == AST_EXT && cedar_ext_info((enum cedar_ext)x->sub)->method);
}

static bool is_function(const struct ast_expr *x)
{
    return x->op == AST_EXT && !cedar_ext_info((enum cedar_ext)x->sub)->method;
}

/* x.a["b"].f(c): the base, then each access; returns how many there were. */
static uint32_t accesses(struct fmt *f, const struct ast_expr *x)
{
    const struct ast_expr *base = x->first;
    uint32_t n = 0;

    if (is_function(x)) {
        fmt_tok(f);
        nest(f);
        call(f, x->first);
        return 1;
    }
    /* A base in parentheses starts after the whole. */
    if (base->span.offset == x->span.offset &&
        (is_access(base) || is_function(base))) {
        n = accesses(f, base);
    } else {
        if (base->op == AST_SET && base->span.offset == x->span.offset)
            brackets(f, base);
        else
            expr(f, base);
        nest(f);
    }
    if (n > 0)
        fmt_put(f, DOC_SOFT);
    if (fmt_at(f, '['))
        fmt_tok(f);
    fmt_tok(f); /* the dot or the name in quotes */
    fmt_tok(f);
    if (x->op == AST_GET)
        return n + 1;
    fmt_put(f, DOC_SOFT);
    call(f, base->next);
    return n + 2;
}

static void member(struct fmt *f, const struct ast_expr *x)
{
    uint32_t g = fmt_open(f);

    (void)accesses(f, x);
    unnest(f);
    doc_close(&f->doc, g);
}

static void record(struct fmt *f, const struct ast_expr *x)
{
    uint32_t g = fmt_open(f);

    fmt_tok(f);
    nest(f);
    if (x->first != NULL)
        fmt_put(f, DOC_LINE);
    list(f, x->first, '}');
    unnest(f);
    if (x->first != NULL)
        fmt_put(f, DOC_LINE);
    fmt_tok(f);
    doc_close(&f->doc, g);
}

static void field(struct fmt *f, const struct ast_expr *x)
{
    fmt_tok(f);
    fmt_hang(f, false);
    fmt_put(f, DOC_SPACE);
    expr(f, x->first);
}

static void if_then_else(struct fmt *f, const struct ast_expr *x)
{
    uint32_t g = fmt_open(f);

    for (const struct ast_expr *kid = x->first; kid != NULL; kid = kid->next) {
        fmt_tok(f);
        nest(f);
        fmt_put(f, DOC_LINE);
        expr(f, kid);
        unnest(f);
        if (kid->next != NULL)
            fmt_put(f, DOC_LINE);
    }
    doc_close(&f->doc, g);
}

static void parens(struct fmt *f, const struct ast_expr *x)
{
    uint32_t g = fmt_open(f);

    fmt_tok(f);
    doc_nest(&f->doc, 1);
    expr(f, x);
    doc_nest(&f->doc, -1);
    fmt_tok(f);
    doc_close(&f->doc, g);
}

static void leaf(struct fmt *f, const struct ast_expr *x)
{
    if (x->op == AST_INT && fmt_at(f, '-'))
        fmt_tok(f);
    if (x->op == AST_UID)
        name(f); /* the last part is the string */
    else
        fmt_tok(f);
}

static void any(struct fmt *f, const struct ast_expr *x)
{
    switch (x->op) {
    case AST_OR:
    case AST_AND:
        chain(f, x);
        break;
    case AST_REL:
        relation(f, x);
        break;
    case AST_HAS:
    case AST_LIKE:
        has_or_like(f, x);
        break;
    case AST_IS:
        is_type(f, x);
        break;
    case AST_ADD:
    case AST_MUL:
        grouped_chain(f, x);
        break;
    case AST_NOT:
    case AST_NEG:
        unary(f, x);
        break;
    case AST_GET:
    case AST_METHOD:
    case AST_EXT:
        member(f, x);
        break;
    case AST_SET:
        set(f, x);
        break;
    case AST_RECORD:
        record(f, x);
        break;
    case AST_FIELD:
        field(f, x);
        break;
    case AST_IF:
        if_then_else(f, x);
        break;
    case AST_BOOL:
    case AST_INT:
    case AST_STR:
    case AST_UID:
    case AST_VAR:
        leaf(f, x);
        break;
    case AST_ATTR:
    case AST_RUN:
    case AST_OP_COUNT:
        f->err = TS_E_STATE; /* never an expression of their own */
        break;
    }
}

static void expr(struct fmt *f, const struct ast_expr *x)
{
    if (f->depth >= CEDAR_HEIGHT_MAX + CEDAR_DEPTH_HARD && f->err == TS_OK)
        f->err = TS_E_LIMIT;
    if (f->err != TS_OK)
        return;
    f->depth++;
    if (fmt_at(f, '(') && f->tok.span.offset < x->span.offset)
        parens(f, x);
    else
        any(f, x);
    f->depth--;
}

void fmt_expr(struct fmt *f, const struct ast_expr *x)
{
    expr(f, x);
}
