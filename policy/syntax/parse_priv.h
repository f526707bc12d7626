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
    uint32_t end; /* of the last token taken: the byte after it */
    bool broken;  /* no token could be read: nothing after it can be */
    size_t nodes[AST_OP_COUNT];
    size_t conds;
};

TS_NODISCARD ts_err cedar_parse_advance(struct parser *p);
bool cedar_parse_at(const struct parser *p, char ch);
bool cedar_parse_at_word(const struct parser *p, struct ts_str word);
/* Advances when the token is ch; *ret_took says whether it was. */
TS_NODISCARD ts_err cedar_parse_take(struct parser *p, char ch, bool *ret_took);
TS_NODISCARD ts_err cedar_parse_expect(struct parser *p, char ch,
                                       const char *where);
/* "unexpected token `...`: expected WHAT"; always returns TS_E_FORMAT. */
ts_err cedar_parse_unexpected(struct parser *p, const char *what);
ts_err cedar_parse_fail(struct parser *p, struct cedar_span span,
                        const char *hint, const char *fmt, ...) TS_PRINTF(4, 5);

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
