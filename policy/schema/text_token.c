/* Tokens of schema text, and what to say when another was wanted. */
#include <stdio.h>

#include "policy/core/diag.h"
#include "policy/schema/text_priv.h"

ts_err text_next(struct schema_text *p)
{
    if (p->stop != TS_OK)
        return p->stop;
    if (text_at(p, '{'))
        p->braces++;
    else if (text_at(p, '}') && p->braces > 0)
        p->braces--;
    p->last = p->tok.span;
    p->stop = cedar_lex_next(&p->lex, &p->tok);
    if (p->stop != TS_OK)
        p->tok = (struct lex_token){.kind = LEX_END, .span = p->last};
    return p->stop;
}

bool text_at(const struct schema_text *p, char c)
{
    return p->tok.kind == LEX_CHAR && p->tok.ch == c;
}

bool text_at_word(const struct schema_text *p, const char *word)
{
    return p->tok.kind == LEX_IDENT && ts_str_eq_c(p->tok.text, word);
}

ts_err text_skip_if(struct schema_text *p, char c, bool *ret)
{
    *ret = text_at(p, c);
    return *ret ? text_next(p) : TS_OK;
}

ts_err text_unexpected(struct schema_text *p, const char *what,
                       const char *hint)
{
    struct cedar_quoted q = cedar_quote(p->tok.text);
    char label[CEDAR_LABEL_BYTES];

    if (p->stop != TS_OK)
        return p->stop;
    (void)snprintf(label, sizeof(label), "expected %s", what);
    if (p->tok.kind == LEX_END && p->ended)
        return TS_E_FORMAT;
    p->ended = p->tok.kind == LEX_END;
    if (p->ended)
        return decl_fail(p->diags, "parse_error", p->tok.span, label, hint,
                         "the schema ends where %s was expected", what);
    if (p->tok.kind == LEX_STRING)
        return decl_fail(p->diags, "parse_error", p->tok.span, label, hint,
                         "unexpected string, expected %s", what);
    return decl_fail(p->diags, "parse_error", p->tok.span, label, hint,
                     "unexpected `%s`, expected %s", q.s, what);
}

ts_err text_expect(struct schema_text *p, char c, const char *what,
                   const char *hint)
{
    if (!text_at(p, c))
        return text_unexpected(p, what, hint);
    return text_next(p);
}

ts_err text_alloc(struct schema_text *p, size_t n, void *ret)
{
    void *got;
    ts_err e = ts_arena_alloc(p->arena, n, &got);

    if (e != TS_OK)
        p->stop = e;
    else
        *(void **)ret = got;
    return e;
}

struct cedar_span text_since(const struct schema_text *p, struct cedar_span a)
{
    a.len = p->last.offset + p->last.len - a.offset;
    return a;
}
