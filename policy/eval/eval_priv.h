#ifndef POLICY_EVAL_EVAL_PRIV_H
#define POLICY_EVAL_EVAL_PRIV_H

#include "policy/cedar.h"
#include "policy/core/fault.h"
#include "policy/data/entity.h"
#include "policy/eval/program.h"

/* What is known of one entity, wherever it comes from. */
struct ev_entity {
    bool looked_up;
    bool known;
    const struct cedar_record *attrs;         /* NULL: none */
    const struct cedar_record *tags;          /* NULL: none */
    const struct cedar_uid *const *ancestors; /* of the store, sorted by uid */
    size_t ancestor_count;
    const struct cedar_uid *overlay_ancestors; /* of the overlay, any order */
    size_t overlay_count;
};

/* Sets whose scopes name more entities than this are not memorised: the index
 * leaves few scopes to check, and clearing the memory would cost more. */
#define EV_MARKS_MAX 512

/* One evaluation in progress. Borrows everything; allocates from arena. */
struct ev {
    const struct cedar_policies *p;
    const struct cedar_entities *store;
    const struct cedar_request *req;
    struct ts_arena *arena;
    ts_err fatal; /* the engine itself failed: no decision may be made */
    uint32_t depth;
    uint64_t work, work_max;  /* see CEDAR_WORK_BASE */
    struct ev_entity vars[3]; /* principal, action, resource */
    /* By mark, whether the variable is in that entity: 0 not asked yet, 1 no,
     * 2 yes. However many policies name it, it is asked once a request. */
    uint8_t marks[EV_MARKS_MAX];
    struct cedar_fault fault; /* why the last evaluation has no value */
};

/* Evaluates a node. False: no value; then ev->fatal or ev->fault says why. */
bool ev_eval(struct ev *ev, uint32_t node, struct cedar_value *ret);

/* Looked up once for the request's own three, each time for others. */
const struct ev_entity *ev_find(struct ev *ev, const struct cedar_uid *uid,
                                struct ev_entity *scratch);
const struct ev_entity *ev_var_entity(struct ev *ev, enum ev_var var);
bool ev_entity_below(const struct ev_entity *ent, const struct cedar_uid *uid,
                     const struct cedar_uid *ancestor);
bool ev_scope_matches(struct ev *ev, const struct ev_policy *p);

/* Evaluates and checks the type; a value of another type is a type error. */
bool ev_eval_kind(struct ev *ev, uint32_t node, enum cedar_kind kind,
                  struct cedar_value *ret);
bool ev_fatal(struct ev *ev, ts_err e); /* always false */
/* Counts work; false, and fatal, when an authorization has done too much. */
bool ev_charge(struct ev *ev, uint64_t units);

/* One function an operator; see eval.c for the table. */
typedef bool (*ev_fn)(struct ev *ev, const struct ev_node *n,
                      struct cedar_value *ret);
bool ev_op_and(struct ev *ev, const struct ev_node *n, struct cedar_value *ret);
bool ev_op_or(struct ev *ev, const struct ev_node *n, struct cedar_value *ret);
bool ev_op_not(struct ev *ev, const struct ev_node *n, struct cedar_value *ret);
bool ev_op_if(struct ev *ev, const struct ev_node *n, struct cedar_value *ret);
bool ev_op_eq(struct ev *ev, const struct ev_node *n, struct cedar_value *ret);
bool ev_op_less(struct ev *ev, const struct ev_node *n,
                struct cedar_value *ret);
bool ev_op_less_eq(struct ev *ev, const struct ev_node *n,
                   struct cedar_value *ret);
bool ev_op_neg(struct ev *ev, const struct ev_node *n, struct cedar_value *ret);
bool ev_op_sum(struct ev *ev, const struct ev_node *n, struct cedar_value *ret);
bool ev_op_product(struct ev *ev, const struct ev_node *n,
                   struct cedar_value *ret);
bool ev_op_get(struct ev *ev, const struct ev_node *n, struct cedar_value *ret);
bool ev_op_has(struct ev *ev, const struct ev_node *n, struct cedar_value *ret);
bool ev_op_has_tag(struct ev *ev, const struct ev_node *n,
                   struct cedar_value *ret);
bool ev_op_get_tag(struct ev *ev, const struct ev_node *n,
                   struct cedar_value *ret);
bool ev_op_like(struct ev *ev, const struct ev_node *n,
                struct cedar_value *ret);
bool ev_op_record(struct ev *ev, const struct ev_node *n,
                  struct cedar_value *ret);
bool ev_op_ext(struct ev *ev, const struct ev_node *n, struct cedar_value *ret);
bool ev_op_set(struct ev *ev, const struct ev_node *n, struct cedar_value *ret);
bool ev_op_contains(struct ev *ev, const struct ev_node *n,
                    struct cedar_value *ret);
bool ev_op_contains_all(struct ev *ev, const struct ev_node *n,
                        struct cedar_value *ret);
bool ev_op_contains_any(struct ev *ev, const struct ev_node *n,
                        struct cedar_value *ret);
bool ev_op_is_empty(struct ev *ev, const struct ev_node *n,
                    struct cedar_value *ret);
bool ev_op_in(struct ev *ev, const struct ev_node *n, struct cedar_value *ret);
bool ev_op_is(struct ev *ev, const struct ev_node *n, struct cedar_value *ret);
bool ev_op_is_in(struct ev *ev, const struct ev_node *n,
                 struct cedar_value *ret);

/* How candidates are found; cedar_authorize() uses the index when there is one.
 * The other way exists so that tests can compare the two. */
TS_NODISCARD ts_err ev_authorize(const struct cedar_policies *p,
                                 const struct cedar_entities *e,
                                 const struct cedar_request *req,
                                 struct ts_arena *arena, bool use_index,
                                 struct cedar_answer *ret);

#endif
