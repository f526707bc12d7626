#ifndef POLICY_SYNTAX_LEX_H
#define POLICY_SYNTAX_LEX_H

#include "policy/cedar.h"

enum lex_kind {
    LEX_END = 0,
    LEX_IDENT,
    LEX_INT,
    LEX_STRING, /* text is what stands between the quotes, still escaped */
    LEX_SLOT,   /* ?principal */
    LEX_PATH,   /* :: */
    LEX_EQ,     /* == */
    LEX_NE,
    LEX_LE,
    LEX_GE,
    LEX_AND,
    LEX_OR,
    LEX_CHAR /* any one-character token; ch says which */
};

struct lex_token {
    enum lex_kind kind;
    char ch;
    struct ts_str text;
    uint64_t number; /* LEX_INT */
    struct cedar_span span;
};

/* One source text. No token is kept: text borrows from the source. */
struct lex {
    struct ts_str src;
    size_t at;
    uint32_t source, line, column;
    struct cedar_diags *diags;
};

/* The text must be valid UTF-8 and shorter than 4 GiB. */
void cedar_lex_init(struct lex *lx, struct ts_str src, uint32_t source,
                    struct cedar_diags *diags);
/* TS_E_FORMAT with a diagnostic when no token starts here; what cannot be read
 * is then left behind, so that the next call goes on. */
TS_NODISCARD ts_err cedar_lex_next(struct lex *lx, struct lex_token *ret);

#define LEX_STAR 0x110000u /* a wildcard, above every code point */

/*
 * Walks the escapes of a string token. Returns false at the end; *ret is a code
 * point, or LEX_STAR for an unescaped `*` when pattern is true. On a bad escape
 * *ret_err is set and a diagnostic given.
 */
struct lex_string {
    struct ts_str rest;
    struct cedar_span span; /* of what comes next */
    bool pattern;
    struct cedar_diags *diags;
};
void cedar_lex_string_init(struct lex_string *s, const struct lex_token *t,
                           bool pattern, struct cedar_diags *diags);
bool cedar_lex_string_next(struct lex_string *s, uint32_t *ret,
                           ts_err *ret_err);

#endif
