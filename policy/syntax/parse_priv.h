#ifndef POLICY_SYNTAX_PARSE_PRIV_H
#define POLICY_SYNTAX_PARSE_PRIV_H

#include "policy/syntax/ast.h"
#include "policy/syntax/lex.h"

/* Shared by the parser's files only. One token of look-ahead: tok. */
struct parser {
    struct lex lex;
    struct lex_token tok;
    struct ts_arena *arena;
    struct cedar_diags *diags;
    const struct cedar_options *options;
    uint32_t depth;
    uint32_t end;           /* of the last token taken: the byte after it */
    struct cedar_span last; /* of the last token taken */
    struct cedar_span tall; /* of the policy's last string with a line end */
    uint32_t tall_end;      /* the line where it ends */
    uint32_t rewinds;       /* see cedar_parse_tall() */
    bool broken; /* no token could be read: tok is still the one before */
    size_t nodes[AST_OP_COUNT];
    size_t conds;
};

TS_NODISCARD ts_err cedar_parse_advance(struct parser *p);
bool cedar_parse_at(const struct parser *p, char ch);
bool cedar_parse_at_word(const struct parser *p, struct ts_str word);
/* Advances when the token is ch; *ret_took says whether it was. */
TS_NODISCARD ts_err cedar_parse_take(struct parser *p, char ch, bool *ret_took);
/* Takes ch; else "expected `ch` WHERE, found ..." */
TS_NODISCARD ts_err cedar_parse_expect(struct parser *p, char ch,
                                       const char *where);
/* Takes the closing ch of what was opened at `open`; `more` says what could
 * also stand here, or is NULL. */
TS_NODISCARD ts_err cedar_parse_expect_close(struct parser *p, char ch,
                                             const struct cedar_span *open,
                                             const char *more);

/* ---- refusals: each adds one diagnostic and returns TS_E_FORMAT ---------- */

/* "expected WHAT, found ..."; the hint is guessed from the token when NULL. */
ts_err cedar_parse_unexpected(struct parser *p, const char *what,
                              const char *hint);
/* label and hint may be NULL */
ts_err cedar_parse_fail(struct parser *p, struct cedar_span span,
                        const char *label, const char *hint, const char *fmt,
                        ...) TS_PRINTF(5, 6);

/* Whether a string that began on an earlier line is the likely cause of an
 * error at hand: it ended on this line. Its closing quote is then missing, and
 * what was read since is text that should have been read otherwise. */
bool cedar_parse_tall(const struct parser *p);
/* Whether these bytes stand right behind the token. */
bool cedar_parse_before(const struct parser *p, const char *bytes);

struct parse_hint {
    char s[224];
};
/* "did you mean `x`?" when a candidate is near, else `otherwise`. */
const char *cedar_parse_suggest(struct parse_hint *h, struct ts_str found,
                                const struct ts_str *candidates, size_t count,
                                const char *otherwise);
/* The policy does not begin as one. */
ts_err cedar_parse_refuse_start(struct parser *p);
/* Something stands between two policies, or where a condition could. */
ts_err cedar_parse_refuse_tail(struct parser *p, bool after_cond);
/* A word that is no variable. */
ts_err cedar_parse_refuse_word(struct parser *p, struct ts_str word,
                               struct cedar_span span);
ts_err cedar_parse_refuse_function(struct parser *p, struct ts_str name,
                                   struct cedar_span span);
ts_err cedar_parse_refuse_method(struct parser *p, struct ts_str name,
                                 struct cedar_span span);
ts_err cedar_parse_refuse_equals(struct parser *p);
ts_err cedar_parse_refuse_type(struct parser *p); /* a string after `is` */
/* What stands in a scope where an entity must. */
ts_err cedar_parse_refuse_entity(struct parser *p, const struct ts_str *path);

TS_NODISCARD ts_err cedar_parse_node(struct parser *p, enum ast_op op,
                                     struct cedar_span span,
                                     struct ast_expr **ret);
/* The node ends where the last token taken does. */
void cedar_parse_close(const struct parser *p, struct cedar_span *span);
/* Appends kid; refuses a tree higher than CEDAR_HEIGHT_MAX. */
TS_NODISCARD ts_err cedar_parse_adopt(struct parser *p, struct ast_expr *parent,
                                      struct ast_expr *kid);
/* Unescapes the string token that the parser is at; does not advance. */
TS_NODISCARD ts_err cedar_parse_string(struct parser *p, struct ts_str *ret);
/* The identifier at hand as an attribute or a part of a name: not reserved. */
TS_NODISCARD ts_err cedar_parse_ident(struct parser *p, struct ts_str *ret);
/* Ident ('::' Ident)*, normalised. With stop_at_string the "::" before a string
 * is taken too and *ret_ref says so. */
TS_NODISCARD ts_err cedar_parse_name(struct parser *p, bool stop_at_string,
                                     struct ts_str *ret, bool *ret_ref);
/* Path '::' STR */
TS_NODISCARD ts_err cedar_parse_uid(struct parser *p, struct ast_expr **ret);

TS_NODISCARD ts_err cedar_parse_expr(struct parser *p, struct ast_expr **ret);
TS_NODISCARD ts_err cedar_parse_member(struct parser *p, struct ast_expr **ret);
/* The wildcards and runs of the pattern at hand, as kids of node. */
TS_NODISCARD ts_err cedar_parse_pattern(struct parser *p,
                                        struct ast_expr *node);
TS_NODISCARD ts_err cedar_parse_scopes(struct parser *p,
                                       struct ast_policy *policy);

#endif
