/* Annotations, scope and conditions. */
#include "policy/fmt/token.h"

static void annotation(struct fmt *f)
{
    fmt_tok(f);
    fmt_tok(f);
    if (fmt_at(f, '(')) {
        fmt_tok(f);
        fmt_tok(f);
        fmt_tok(f);
    }
    fmt_put(f, DOC_HARD);
}

static void nest(struct fmt *f, int sign)
{
    doc_nest(&f->doc, sign * (int32_t)f->style->indent);
}

static void path(struct fmt *f)
{
    fmt_tok(f);
    while (f->tok.kind == LEX_PATH) {
        fmt_tok(f);
        fmt_tok(f);
    }
}

static void is_clause(struct fmt *f)
{
    uint32_t outer = fmt_open(f), inner;

    nest(f, 1);
    inner = fmt_open(f);
    fmt_put(f, DOC_LINE);
    fmt_tok(f);
    doc_close(&f->doc, inner);
    fmt_put(f, DOC_LINE);
    path(f);
    nest(f, -1);
    doc_close(&f->doc, outer);
}

/* '[' (UID (',' UID)* ','?)? ']' */
static void uid_list(struct fmt *f, const struct ast_scope *s)
{
    fmt_tok(f);
    doc_nest(&f->doc, 1);
    for (const struct ast_expr *x = s->uids; x != NULL; x = x->next) {
        fmt_expr(f, x);
        if (x->next != NULL) {
            fmt_hang(f, false);
            fmt_put(f, DOC_LINE);
        }
    }
    if (!fmt_at(f, ']'))
        fmt_drop(f);
    doc_nest(&f->doc, -1);
    fmt_tok(f);
}

static void entity(struct fmt *f, const struct ast_scope *s)
{
    uint32_t g;

    nest(f, 1);
    fmt_put(f, DOC_LINE);
    g = fmt_open(f);
    if (fmt_at(f, '['))
        uid_list(f, s);
    else
        path(f);
    doc_close(&f->doc, g);
    nest(f, -1);
}

static void scope(struct fmt *f, const struct ast_scope *s)
{
    bool has_entity = s->slot || s->op == AST_SCOPE_EQ ||
                      s->op == AST_SCOPE_IN || s->uid_count > 0;
    uint32_t outer, inner;

    if (!has_entity) {
        fmt_tok(f);
        if (s->op == AST_SCOPE_IS)
            is_clause(f);
        return;
    }
    outer = fmt_open(f);
    inner = fmt_open(f);
    fmt_tok(f);
    if (s->op == AST_SCOPE_IS)
        is_clause(f);
    fmt_put(f, DOC_LINE);
    fmt_tok(f);
    doc_close(&f->doc, inner);
    entity(f, s);
    doc_close(&f->doc, outer);
}

/* Whether `(principal, action, resource)` has comments inside. */
static bool has_comment(const struct fmt *f)
{
    struct lex look = f->lex;
    struct lex_token t = f->tok;
    size_t at = f->lead_from;
    bool found = f->note.len > 0;
    struct ts_str c;

    while (!found) {
        found = fmt_comment(look.src, &at, t.span.offset, &c);
        at = t.span.offset + t.span.len;
        if (found || t.kind == LEX_END || (t.kind == LEX_CHAR && t.ch == ')') ||
            cedar_lex_next(&look, &t) != TS_OK)
            break;
    }
    return found;
}

static void scopes(struct fmt *f, const struct ast_policy *p)
{
    const struct ast_scope *const sides[] = {&p->principal, &p->action,
                                             &p->resource};
    bool tall = p->principal.op != AST_ANY || p->action.op != AST_ANY ||
                p->resource.op != AST_ANY || has_comment(f);
    enum doc_kind gap = tall ? DOC_HARD : DOC_SPACE;

    nest(f, 1);
    if (tall)
        fmt_put(f, DOC_HARD);
    for (unsigned i = 0; i < 3; i++) {
        scope(f, sides[i]);
        if (i < 2) {
            fmt_hang(f, false);
            fmt_put(f, gap);
        }
    }
    if (fmt_at(f, ','))
        fmt_drop(f);
    nest(f, -1);
    if (tall)
        fmt_put(f, DOC_HARD);
    fmt_tok(f);
}

static void condition(struct fmt *f, const struct ast_cond *c)
{
    uint32_t outer = fmt_open(f), body, inside;

    fmt_tok(f);
    fmt_put(f, DOC_LINE);
    fmt_tok(f);
    body = doc_open(&f->doc);
    nest(f, 1);
    fmt_put(f, DOC_LINE);
    inside = fmt_open(f);
    fmt_expr(f, c->expr);
    doc_close(&f->doc, inside);
    nest(f, -1);
    fmt_put(f, DOC_LINE);
    fmt_tok(f);
    doc_close(&f->doc, body);
    doc_close(&f->doc, outer);
}

void fmt_policy(struct fmt *f, const struct ast_policy *p)
{
    uint32_t g;

    for (uint32_t i = 0; i < p->annotation_count; i++)
        annotation(f);
    g = fmt_open(f);
    fmt_tok(f);
    fmt_put(f, DOC_LINE);
    fmt_tok(f);
    doc_close(&f->doc, g);
    scopes(f, p);
    for (const struct ast_cond *c = p->conds; c != NULL; c = c->next) {
        fmt_put(f, DOC_HARD);
        condition(f, c);
    }
    if (!fmt_at(f, ';'))
        f->err = f->err != TS_OK ? f->err : TS_E_STATE;
    else if (fmt_leads(f))
        fmt_tok(f);
    else
        fmt_hang(f, false);
    fmt_put(f, DOC_HARD);
}
