#ifndef POLICY_FMT_TOKEN_H
#define POLICY_FMT_TOKEN_H

#include "policy/fmt/doc.h"
#include "policy/syntax/ast.h"
#include "policy/syntax/lex.h"

/*
 * A walk over the tokens of a text that is known to parse, with the comments
 * between them. A comment on a token's own line stays behind that token (or
 * behind the operator or comma that is drawn up to it); every other comment
 * stands on a line of its own before the token that follows it.
 */
struct fmt {
    struct lex lex;
    struct lex_token tok; /* the next to be written */
    size_t lead_from;     /* comments from here to tok are not written yet */
    struct ts_str note;   /* behind the last word, not written yet */
    struct doc doc;
    const struct cedar_format *style;
    uint32_t depth;
    ts_err err; /* the first failure: the text did not match its tree */
};

TS_NODISCARD ts_err fmt_init(struct fmt *f, struct ts_str text,
                             const struct cedar_format *style);
void fmt_done(struct fmt *f);

bool fmt_at(const struct fmt *f, char ch);
/* Writes the token with its comments, and goes on to the next. */
void fmt_tok(struct fmt *f);
/* The same for an operator, comma or semicolon: stays on the line of the word
 * before it; comments in between go behind it. */
void fmt_hang(struct fmt *f, bool space_before);
/* Leaves a comma out, its comments stay. */
void fmt_drop(struct fmt *f);
/* Whether a comment stands before the next token. */
bool fmt_leads(const struct fmt *f);

void fmt_put(struct fmt *f, enum doc_kind kind);
/* Comments before a group do not belong to it. */
uint32_t fmt_open(struct fmt *f);

/* The next comment in text[*at, to), without the blanks at its end; false when
 * there is none. Between two tokens only. *at moves behind it. */
bool fmt_comment(struct ts_str text, size_t *at, size_t to, struct ts_str *ret);
/* Line ends in text[from, to). */
size_t fmt_newlines(struct ts_str text, size_t from, size_t to);

/* Writes one policy into f->doc; its first token is at hand. */
void fmt_policy(struct fmt *f, const struct ast_policy *p);
void fmt_expr(struct fmt *f, const struct ast_expr *x);

#endif
