#ifndef POLICY_SCHEMA_TEXT_PRIV_H
#define POLICY_SCHEMA_TEXT_PRIV_H

#include "policy/schema/decl.h"
#include "policy/syntax/lex.h"

/*
 * The parser of schema text: one token ahead, no way back. A function that
 * fails has given its diagnostic; the loop over declarations goes on after the
 * next `;`. A fault of the lexer, or no memory, ends the source.
 */
struct schema_text {
    struct lex lex;
    struct lex_token tok;   /* the token ahead */
    struct cedar_span last; /* the token before it */
    struct ts_arena *arena; /* of the schema */
    struct schema_decls *decls;
    struct decl_space *open;  /* declarations outside namespaces; or NULL */
    struct decl_space *space; /* where declarations go */
    struct cedar_diags *diags;
    uint32_t braces; /* open in this declaration */
    uint32_t depth;  /* of types in each other */
    ts_err stop;     /* why the source cannot be read on */
    bool failed;
    bool closed; /* the mistake has been read over already */
    bool ended;  /* the end has been reported */
};

/* ---- text_token.c ------------------------------------------------------- */
TS_NODISCARD ts_err text_next(struct schema_text *p);
bool text_at(const struct schema_text *p, char c);
bool text_at_word(const struct schema_text *p, const char *word);
/* Reads over c when it is next. */
TS_NODISCARD ts_err text_skip_if(struct schema_text *p, char c, bool *ret);
/* what: "`;`", "an entity type"; the token ahead is shown as what was found. */
TS_NODISCARD ts_err text_unexpected(struct schema_text *p, const char *what,
                                    const char *hint);
TS_NODISCARD ts_err text_expect(struct schema_text *p, char c, const char *what,
                                const char *hint);
TS_NODISCARD ts_err text_alloc(struct schema_text *p, size_t n, void *ret);
/* From the start of a to the end of the token before the one ahead. */
struct cedar_span text_since(const struct schema_text *p, struct cedar_span a);

/* ---- text_name.c -------------------------------------------------------- */
/* An identifier that is no reserved word; what: "an attribute name". */
TS_NODISCARD ts_err text_ident(struct schema_text *p, const char *what,
                               struct decl_name *ret);
TS_NODISCARD ts_err text_string(struct schema_text *p, struct decl_name *ret);
TS_NODISCARD ts_err text_ident_or_string(struct schema_text *p,
                                         const char *what,
                                         struct decl_name *ret);
/* IDENT { :: IDENT } in normal form. */
TS_NODISCARD ts_err text_path(struct schema_text *p, const char *what,
                              struct decl_name *ret);
/* IDENT | STR | Path :: STR */
TS_NODISCARD ts_err text_action_ref(struct schema_text *p,
                                    struct decl_ref *ret);
TS_NODISCARD ts_err text_notes(struct schema_text *p,
                               const struct decl_note **ret);

/* ---- text_type.c -------------------------------------------------------- */
TS_NODISCARD ts_err text_type(struct schema_text *p,
                              const struct decl_type **ret);
/* `{ ... }`; the token ahead is the brace. */
TS_NODISCARD ts_err text_record(struct schema_text *p,
                                const struct decl_type **ret);

/* ---- text_decl.c -------------------------------------------------------- */
/* An entity, action or type declaration with its `;`. */
TS_NODISCARD ts_err text_entity(struct schema_text *p,
                                const struct decl_note *notes);
TS_NODISCARD ts_err text_action(struct schema_text *p,
                                const struct decl_note *notes);
TS_NODISCARD ts_err text_common(struct schema_text *p,
                                const struct decl_note *notes);

#endif
