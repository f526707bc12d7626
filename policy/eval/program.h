#ifndef POLICY_EVAL_PROGRAM_H
#define POLICY_EVAL_PROGRAM_H

#include "policy/cedar_explain.h"
#include "policy/core/pattern.h"
#include "policy/core/uidmap.h"

/*
 * A policy set as it is executed. Expressions are a flat array of nodes that
 * refer to each other by index; operands always have smaller indices than the
 * node that uses them, so the array holds no cycle. Made by policy/load, read
 * by policy/eval, immutable in between.
 */
enum ev_op {
    EV_CONST,        /* a: consts */
    EV_VAR,          /* sub: enum ev_var */
    EV_PATH,         /* a: paths */
    EV_AND,          /* a: first of n kids */
    EV_OR,           /* a: first of n kids */
    EV_NOT,          /* a; sub: 1 for the condition of an `unless` */
    EV_IF,           /* a, b, c; the last of those whose operands are truths */
    EV_NEG,          /* a */
    EV_EQ,           /* a, b; sub: 1 for != */
    EV_LESS,         /* a, b; sub: 1 for >= */
    EV_LESS_EQ,      /* a, b; sub: 1 for > */
    EV_SUM,          /* a: first of n kids; joins in `joins` beside them */
    EV_PRODUCT,      /* a: first of n kids */
    EV_IN,           /* a, b */
    EV_GET,          /* a, b: strs */
    EV_HAS,          /* a, b: first of n strs */
    EV_LIKE,         /* a, b: patterns */
    EV_IS,           /* a, b: types */
    EV_IS_IN,        /* a, b: types, c */
    EV_SET,          /* a: first of n kids */
    EV_RECORD,       /* a: first of n kids, b: first of n strs, sorted */
    EV_CONTAINS,     /* a, b */
    EV_CONTAINS_ALL, /* a, b */
    EV_CONTAINS_ANY, /* a, b */
    EV_IS_EMPTY,     /* a */
    EV_HAS_TAG,      /* a, b */
    EV_GET_TAG,      /* a, b */
    EV_EXT,          /* sub: enum cedar_ext; a: first of n kids */
    EV_OP_COUNT
};

enum ev_var {
    EV_PRINCIPAL,
    EV_ACTION,
    EV_RESOURCE,
    EV_CONTEXT
};

struct ev_node {
    uint8_t op;
    uint8_t sub;
    uint32_t n;
    uint32_t a, b, c;
};

/*
 * `context.args.path`: attributes below a variable. The same path is one entry
 * wherever it is written, as long as its number is below EV_PATHS_SHARED: a
 * request resolves it once for all policies.
 */
struct ev_path {
    uint32_t parent; /* a smaller path, or EV_PATH_VAR + enum ev_var */
    struct ts_str attr;
};
#define EV_PATH_VAR     UINT32_C(0xfffffff0)
#define EV_PATHS_SHARED 64

enum ev_scope_op {
    EV_ANY,
    EV_SCOPE_EQ,
    EV_SCOPE_IN,
    EV_SCOPE_IS
};

struct ev_scope {
    enum ev_scope_op op;
    uint32_t count;                      /* of uids */
    const struct cedar_uid *const *uids; /* EQ 1; IN any; IS 0 or 1 */
    struct ts_str type;                  /* IS */
};

struct ev_annotation {
    struct ts_str key, value;
};

#define EV_NO_COND UINT32_MAX

struct ev_policy {
    struct ev_scope principal, action, resource;
    uint32_t cond; /* node, or EV_NO_COND for always */
    enum cedar_effect effect;
};

/* Where an expression stood, for explanations: in the policy's source. */
struct ev_span {
    uint32_t offset, len, line, column;
};

struct ev_policy_meta { /* not needed to decide, so kept apart */
    struct ts_str id;
    struct cedar_span span;
    const struct ev_annotation *annotations;
    uint32_t annotation_count;
    uint32_t clause_count;
    const struct cedar_clause *clauses; /* shared by the links of a template */
};

struct ev_index;

struct cedar_policies {
    struct ts_arena arena; /* everything below lives here */
    uint32_t count;
    struct ev_policy *policies;
    struct ev_policy_meta *meta;
    struct ev_node *nodes;
    struct ev_span *spans; /* beside nodes */
    uint32_t *kids;
    char *joins; /* '+' or '-', parallel to kids */
    struct cedar_value *consts;
    struct ts_str *strs;
    struct ts_str *types;
    struct ev_path *paths;
    struct cedar_pattern *patterns;
    const struct ev_index *index; /* NULL: too few policies to be worth it */
};

#endif
