#ifndef POLICY_VALIDATE_VALIDATE_PRIV_H
#define POLICY_VALIDATE_VALIDATE_PRIV_H

#include "policy/core/limits.h"
#include "policy/schema/schema.h"
#include "policy/syntax/ast.h"

/*
 * One validation of one policy. The tree is lowered once into nodes in which
 * `!=`, `>`, `unless` and paths after `has` are gone (what Cedar's typechecker
 * looks at), names are resolved in the schema and equal expressions share a
 * number, their shape. Then every kind of request that the scope lets through
 * is checked on these nodes.
 */
enum vop {
    V_BOOL, /* sub */
    V_INT,  /* num */
    V_STR,  /* str */
    V_UID,  /* str is the type, id; entity or action when declared */
    V_SLOT, /* sub: the enum ast_var that it is compared with */
    V_VAR,  /* sub: enum ast_var */
    V_IF,
    V_AND, /* chains, read from the left as Cedar nests them */
    V_OR,
    V_ARITH, /* a chain; joins in str: + - or * before each kid but the first */
    V_NOT,
    V_NEG,
    V_EQ,
    V_LESS,
    V_LESS_EQ,
    V_IN,
    V_IS, /* str; entity when declared */
    V_LIKE,
    V_HAS, /* str */
    V_GET, /* str */
    V_CONTAINS,
    V_CONTAINS_ALL,
    V_CONTAINS_ANY,
    V_IS_EMPTY,
    V_HAS_TAG,
    V_GET_TAG,
    V_EXT, /* sub: enum cedar_ext */
    V_SET,
    V_RECORD, /* keys beside kids, sorted by cedar_str_order */
    V_OP_COUNT
};

struct finding;

struct vnode {
    enum vop op;
    uint8_t sub;
    bool shared; /* has several parents: its answer is kept for one request */
    uint32_t count;
    struct vnode **kids;
    uint32_t shape; /* equal for equal expressions */
    uint32_t cap;   /* HAS, GET and their tag forms: the access as a shape */
    int64_t num;
    struct ts_str str, id;
    const struct ts_str *keys;
    const struct schema_entity *entity;
    const struct schema_action *action;
    const char *why; /* EXT: why its literal does not parse, or NULL */
    struct cedar_span span;
    /* Of the kind of request that is being checked. */
    const struct cedar_type *type; /* NULL: none could be told */
    bool ok;
    uint32_t stamp;
    uint32_t seen;            /* kids checked before a short circuit */
    struct finding *findings; /* about this node, of any request */
};

/* What is known to be present when an expression is true: shapes of accesses.
 * Lists are joined in O(1) and used up by what takes them. */
struct cap_node {
    struct cap_node *next;
    uint32_t cap;
};
struct cap_list {
    struct cap_node *head, *tail;
};

struct answer {
    const struct cedar_type *type; /* NULL: none could be told */
    struct cap_list caps;
    bool ok; /* false: something below is wrong, and said so */
};

struct venv { /* one kind of request */
    const struct schema_entity *principal, *resource;
    const struct schema_action *action;
};

struct shape; /* shape.c */

struct shapes {
    struct shape *list;
    uint32_t *table; /* open addressing; 0 is free, else index + 1 */
    uint32_t count, cap, mask;
};

#define USES_PRINCIPAL (1u << AST_PRINCIPAL)
#define USES_ACTION    (1u << AST_ACTION)
#define USES_RESOURCE  (1u << AST_RESOURCE)
#define USES_CONTEXT   (1u << AST_CONTEXT)

struct validate {
    const struct cedar_schema *schema;
    const struct ast_policy *policy;
    const struct ast_link *link; /* or NULL */
    struct ts_str id;            /* of policy or link, for diagnostics */
    struct cedar_diags *diags;
    bool strict;
    uint32_t level;
    struct ts_arena keep, temp; /* of the call; of one kind of request */
    ts_err err;                 /* first failure of the machine itself */
    uint64_t work, work_max;    /* steps */
    uint32_t depth;
    struct shapes shapes;
    uint32_t uses; /* variables that the conditions mention */
    struct vnode *scope[3];
    struct vnode **conds;
    uint32_t cond_count;
    uint32_t *prior; /* by shape: how often it is known to be present here */
    uint32_t *mark;  /* by shape: for intersections */
    uint32_t marks;
    struct venv env;
    uint32_t stamp;
    uint32_t total; /* kinds of request that were told apart */
    struct finding *first, **end;
    uint32_t finding_count, errors;
};

/* ---- work and memory: failures stay in v->err, and everything stops -------
 */

void v_fail(struct validate *v, ts_err e);
bool v_spend(struct validate *v, uint64_t steps); /* false: stop */
void *v_keep(struct validate *v, size_t count, size_t size);
void *v_temp(struct validate *v, size_t count, size_t size);
/* Counts recursion; false: stop. Every true needs a v_leave(). */
bool v_enter(struct validate *v);
void v_leave(struct validate *v);

/* ---- lowering ------------------------------------------------------------ */

struct vshape {
    uint32_t op, a, b;
    int64_t num;
    struct ts_str s, t;
};
/* Beside enum vop: parts of a shape. */
enum {
    SHAPE_ITEM = V_OP_COUNT,
    SHAPE_FIELD,
    SHAPE_RUN,
    SHAPE_PAIR
};
uint32_t v_shape(struct validate *v, const struct vshape *key);

struct vnode *v_node(struct validate *v, enum vop op, struct cedar_span span,
                     uint32_t kids);
/* Gives a node whose kids are set the shape of its operator over theirs. */
struct vnode *v_done(struct validate *v, struct vnode *n);
struct vnode *v_var(struct validate *v, enum ast_var var,
                    struct cedar_span span);
struct vnode *v_uid(struct validate *v, const struct ast_expr *x);
struct vnode *v_lower(struct validate *v, const struct ast_expr *x);
/* A node over all kids of x, for the caller to fill in and v_done(). */
struct vnode *v_lower_kids(struct validate *v, enum vop op,
                           const struct ast_expr *x);
struct vnode *v_lower_make(struct validate *v, const struct ast_expr *x);
struct vnode *v_lower_has(struct validate *v, const struct ast_expr *x);
struct vnode *v_chain(struct validate *v, enum vop op, struct cedar_span span,
                      const struct ast_expr *kids, uint32_t count);
/* Scope and conditions; the unknown names in them are findings. */
void v_lower_policy(struct validate *v);
/* Reports a type that the schema does not declare. */
void v_check_type(struct validate *v, struct vnode *n, struct ts_str type);

/* ---- types --------------------------------------------------------------- */

extern const struct cedar_type v_never, v_true, v_false, v_bool, v_long,
    v_string, v_any_entity, v_any_set, v_any_record, v_set_of_any_entity;
const struct cedar_type *v_ext_type(enum cedar_kind kind);
static inline const struct cedar_type *v_single(bool b)
{
    return b ? &v_true : &v_false;
}

enum lub_help { /* why two types have no upper bound */
    LUB_NONE,
    LUB_RECORD_WIDTH,
    LUB_QUALIFIER,
    LUB_ENTITY_TYPE,
    LUB_ENTITY_RECORD
};

bool v_subtype(struct validate *v, const struct cedar_type *a,
               const struct cedar_type *b, bool strict);
/* NULL when there is none, or when v->err says so. */
const struct cedar_type *v_lub(struct validate *v, const struct cedar_type *a,
                               const struct cedar_type *b, bool strict,
                               enum lub_help *why);
bool v_disjoint(struct validate *v, const struct cedar_type *a,
                const struct cedar_type *b);
const struct cedar_type *v_set_type(struct validate *v,
                                    const struct cedar_type *elem);

/* The attribute of a record, an entity type or a union of them. */
struct v_attr {
    const struct cedar_type *type; /* NULL: not known */
    bool required;
    bool maybe; /* not known, but some value of the type may have it */
};
struct v_attr v_attr_of(struct validate *v, const struct cedar_type *t,
                        struct ts_str name);

/* ---- capabilities ---------------------------------------------------------
 */

struct cap_list v_cap(struct validate *v, uint32_t cap);
struct cap_list v_caps_join(struct cap_list a, struct cap_list b);
struct cap_list v_caps_meet(struct validate *v, struct cap_list a,
                            struct cap_list b);
void v_prior_add(struct validate *v, struct cap_list l);
void v_prior_drop(struct validate *v, struct cap_list l);

/* ---- checking -------------------------------------------------------------
 */

struct answer v_check(struct validate *v, struct vnode *n);
/* The same, and its type must be below one of the n given ones. */
struct answer v_expect(struct validate *v, struct vnode *n,
                       const struct cedar_type *const *want, size_t count,
                       const char *hint);
struct answer v_expect_one(struct validate *v, struct vnode *n,
                           const struct cedar_type *want, const char *hint);
static inline struct answer v_answer(bool ok, const struct cedar_type *type)
{
    return (struct answer){.type = type, .ok = ok};
}
/* Families of operators. */
struct answer v_check_and(struct validate *v, struct vnode *n);
struct answer v_check_or(struct validate *v, struct vnode *n);
struct answer v_check_if(struct validate *v, struct vnode *n);
struct answer v_check_get(struct validate *v, struct vnode *n);
struct answer v_check_has(struct validate *v, struct vnode *n);
struct answer v_check_tag(struct validate *v, struct vnode *n);
struct answer v_check_eq(struct validate *v, struct vnode *n);
struct answer v_check_less(struct validate *v, struct vnode *n);
struct answer v_check_in(struct validate *v, struct vnode *n);
struct answer v_check_contains(struct validate *v, struct vnode *n);
struct answer v_check_ext(struct validate *v, struct vnode *n);
struct answer v_check_set(struct validate *v, struct vnode *n);
struct answer v_check_record(struct validate *v, struct vnode *n);

/* Whole policies. */
/* Whether some action takes what the scope describes; the uids that fill the
 * slots of a link, else NULL. */
void v_check_application(struct validate *v, const struct ast_expr *principal,
                         const struct ast_expr *resource);
void v_check_requests(struct validate *v);
/* Dereferences of entities in a checked expression, RFC 76. */
void v_check_level(struct validate *v, struct vnode *n);

/* ---- findings -------------------------------------------------------------
 */

struct v_saying { /* texts are escaped already */
    const char *code;
    enum cedar_severity severity;
    const char *label, *hint;
};
/* Notes it once for a node and code, however many requests it fails in. */
bool v_known(struct validate *v, struct vnode *n, const char *code);
void v_find(struct validate *v, struct vnode *n, const struct v_saying *say,
            const char *fmt, ...) TS_PRINTF(4, 5);
/* A type that is none of the wanted ones. Apart from the recursion, whose
 * frames stay small. */
void v_unexpected(struct validate *v, struct vnode *n,
                  const struct cedar_type *have,
                  const struct cedar_type *const *want, size_t count,
                  const char *hint);
void v_emit(struct validate *v);

struct v_text { /* a type or a path as people write it, escaped */
    char s[112];
};
struct v_text v_type_text(const struct cedar_type *t);
struct v_text v_path_text(const struct vnode *n);
struct v_text v_uid_text(struct ts_str type, struct ts_str id);
/* The candidate nearest to name, as "did you mean `x`?", or "". */
struct v_text v_did_you_mean(struct validate *v, struct ts_str name,
                             const struct ts_str *list, size_t count);

#endif
