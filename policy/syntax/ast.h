#ifndef POLICY_SYNTAX_AST_H
#define POLICY_SYNTAX_AST_H

#include "policy/cedar_text.h"
#include "policy/core/ext.h"

/*
 * The tree as it was written (`!=`, `>` and `unless` still stand in it), so
 * that tools can print and explain what the author wrote. Nodes live in the
 * parser's arena; strings are unescaped copies there or borrow from the source.
 * Chains of && || + - * are one node with many kids.
 */
enum ast_op {
    AST_BOOL,   /* num */
    AST_INT,    /* num */
    AST_STR,    /* str */
    AST_UID,    /* str is the type, id */
    AST_VAR,    /* sub: enum ast_var */
    AST_OR,     /* kids */
    AST_AND,    /* kids */
    AST_REL,    /* sub: enum ast_rel; two kids */
    AST_HAS,    /* first kid the base, then AST_ATTR each */
    AST_ATTR,   /* str; only below AST_HAS */
    AST_LIKE,   /* first kid the base, then AST_RUN each: text between stars,
                 one more than there are stars */
    AST_RUN,    /* str; only below AST_LIKE */
    AST_IS,     /* str is the type; base, and the entity of `in` if present */
    AST_ADD,    /* kids; join of each says + or - */
    AST_MUL,    /* kids */
    AST_NOT,    /* one kid */
    AST_NEG,    /* one kid */
    AST_GET,    /* str; one kid */
    AST_METHOD, /* sub: enum ast_method; base and arguments */
    AST_EXT,    /* sub: enum cedar_ext; a method's base comes first */
    AST_SET,    /* kids */
    AST_RECORD, /* AST_FIELD each */
    AST_FIELD,  /* str, one kid; only below AST_RECORD */
    AST_IF,     /* three kids */
    AST_OP_COUNT
};

enum ast_var {
    AST_PRINCIPAL,
    AST_ACTION,
    AST_RESOURCE,
    AST_CONTEXT
};

enum ast_rel {
    AST_EQ,
    AST_NE,
    AST_LT,
    AST_LE,
    AST_GT,
    AST_GE,
    AST_IN
};

enum ast_method {
    AST_CONTAINS,
    AST_CONTAINS_ALL,
    AST_CONTAINS_ANY,
    AST_IS_EMPTY,
    AST_HAS_TAG,
    AST_GET_TAG
};

struct ast_expr {
    enum ast_op op;
    uint8_t sub;
    char join;       /* in a chain of + and -: how this kid is joined */
    bool literal;    /* AST_INT written without sign or parentheses */
    uint16_t height; /* 1 for a leaf */
    uint32_t count;  /* kids */
    struct ast_expr *first, *last, *next;
    struct ts_str str, id;
    int64_t num;
    struct cedar_span span; /* the whole expression, first byte to last */
};

enum ast_scope_op {
    AST_ANY,
    AST_SCOPE_EQ,
    AST_SCOPE_IN,
    AST_SCOPE_IS
};

struct ast_scope { /* of principal, action or resource */
    enum ast_scope_op op;
    struct ast_expr *uids; /* AST_UID list; for IS the entity of `in`, if any */
    uint32_t uid_count;
    struct ts_str type; /* AST_SCOPE_IS */
    bool slot;          /* ?principal or ?resource stands in place of uids */
    bool list;          /* `action in [...]`, however many uids it has */
    struct cedar_span span; /* from the variable to the end of the constraint */
};

struct ast_annotation {
    struct ast_annotation *next;
    struct ts_str key, value;
    bool bare; /* written without a value, which is then "" */
    struct cedar_span span;
};

struct ast_cond {
    struct ast_cond *next;
    bool unless;
    struct ast_expr *expr;
    struct cedar_span span; /* from the keyword to the brace */
};

struct ast_policy { /* static, or a template when a scope has a slot */
    struct ast_policy *next;
    struct ts_str id; /* see cedar_ast_parse() */
    uint32_t place;   /* among all of the tree, from 0 */
    struct ast_annotation *annotations;
    uint32_t annotation_count;
    enum cedar_effect effect;
    struct ast_scope principal, action, resource;
    struct ast_cond *conds;
    uint32_t cond_count;
    struct cedar_span span;
};

struct ast_link {
    struct ast_link *next;
    struct ts_str id;
    const struct ast_policy *of;
    struct ast_expr *principal, *resource; /* AST_UID; NULL: no such slot */
};

struct ast {
    struct ast_policy *policies; /* in the order of the sources */
    uint32_t count;
    uint32_t templates; /* how many of them are templates */
    struct ast_link *links;
    uint32_t link_count;
    size_t nodes[AST_OP_COUNT]; /* made of each kind; bounds the tree's size */
    size_t conds;
};

struct ast_id;

struct cedar_ast {
    struct ts_arena arena; /* holds all of tree and the text that it borrows */
    struct ast tree;
    const struct ast_policy **policies; /* by place */
    const struct ast_link **links;      /* in their order */
    uint32_t link_room;
    struct ast_link *last_link;
    struct ast_id *ids; /* names taken: policy/est/idtree.h */
};

static inline bool ast_is_template(const struct ast_policy *p)
{
    return p->principal.slot || p->resource.slot;
}

#endif
