#ifndef POLICY_EVAL_EVAL_PRIV_H
#define POLICY_EVAL_EVAL_PRIV_H

#include "policy/cedar_explain.h"
#include "policy/core/fault.h"
#include "policy/core/value.h"
#include "policy/data/entity.h"
#include "policy/eval/program.h"

/* The compiler clears every local (-ftrivial-auto-var-init); half a KiB per
 * decision is worth leaving alone where each field is set before it is read. */
#if defined(__has_attribute)
#if __has_attribute(uninitialized)
#define EV_UNINIT __attribute__((uninitialized))
#endif
#endif
#ifndef EV_UNINIT
#define EV_UNINIT
#endif

/* Where one entity was found; both NULL: nowhere. */
struct ev_entity {
    const struct entity *stored;
    const struct cedar_overlay *overlay; /* hides the stored one */
};

struct ev_trace;

/* One evaluation in progress. Borrows everything; allocates from arena. */
struct ev {
    const struct cedar_policies *p;
    const struct cedar_entities *store;
    const struct cedar_request *req;
    struct ts_arena *arena;
    ts_err fatal; /* the engine itself failed: no decision may be made */
    uint32_t depth;
    uint64_t work, work_max;      /* see CEDAR_WORK_BASE */
    struct ev_entity entities[3]; /* principal, action, resource */
    struct cedar_value vars[4];   /* by enum ev_var */
    struct ev_trace *trace;       /* NULL: only the answer matters */
    /* Bit i: paths[i] holds what path i came to, in this request. */
    uint64_t resolved;
    const struct cedar_value *paths[EV_PATHS_SHARED];
    struct cedar_fault fault; /* why the last evaluation has no value */
};

void ev_init(struct ev *ev, const struct cedar_policies *p,
             const struct cedar_entities *store,
             const struct cedar_request *req, struct ts_arena *arena);

/* A condition is true, false, or has no value; then ev->fatal or ev->fault says
 * why. */
enum ev_truth {
    EV_FALSE = 0,
    EV_TRUE = 1,
    EV_FAIL = -1
};

/* The same evaluator twice (eval_body.inc): the second records into ev->trace.
 */
enum ev_truth ev_condition(struct ev *ev, uint32_t node);
enum ev_truth ev_condition_traced(struct ev *ev, uint32_t node);

/* ---- entities ---------------------------------------------------------- */

static inline struct ev_entity ev_lookup(const struct ev *ev,
                                         const struct cedar_uid *uid)
{
    const struct cedar_request *req = ev->req;
    uint32_t i;

    for (size_t o = 0; o < req->overlay_count; o++)
        if (cedar_uid_same(&req->overlay[o].uid, uid))
            return (struct ev_entity){.overlay = &req->overlay[o]};
    if (ev->store == NULL)
        return (struct ev_entity){0};
    i = cedar_uidmap_find(&ev->store->map, uid);
    return (struct ev_entity){
        .stored = i != CEDAR_UIDMAP_NONE ? &ev->store->list[i] : NULL};
}
bool ev_entity_below(struct ev_entity ent, const struct cedar_uid *uid,
                     const struct cedar_uid *ancestor);
bool ev_scope_one(const struct ev *ev, enum ev_var var,
                  const struct ev_scope *s);
bool ev_scope_matches(const struct ev *ev, const struct ev_policy *p);

/* Looked up once for the request's own three, each time for others. */
static inline struct ev_entity ev_find(const struct ev *ev,
                                       const struct cedar_uid *uid)
{
    for (unsigned i = 0; i < 3; i++)
        if (uid == ev->vars[i].as.uid)
            return ev->entities[i];
    return ev_lookup(ev, uid);
}
static inline bool ev_known(struct ev_entity e)
{
    return e.stored != NULL || e.overlay != NULL;
}
static inline const struct cedar_record *ev_attrs(struct ev_entity e)
{
    if (e.overlay != NULL)
        return e.overlay->attrs.kind == CEDAR_RECORD
                   ? e.overlay->attrs.as.record
                   : NULL;
    return e.stored != NULL ? e.stored->attrs : NULL;
}
static inline const struct cedar_record *ev_tags(struct ev_entity e)
{
    if (e.overlay != NULL)
        return e.overlay->tags.kind == CEDAR_RECORD ? e.overlay->tags.as.record
                                                    : NULL;
    return e.stored != NULL ? e.stored->tags : NULL;
}

/* ---- operators on values: NULL or EV_FAIL leave a fault ----------------- */

bool ev_fatal(struct ev *ev, ts_err e); /* always false */
enum ev_truth ev_type_fault(struct ev *ev, const char *expected,
                            const struct cedar_value *got);
/* Counts work; false, and fatal, when an authorization has done too much. */
static inline bool ev_charge(struct ev *ev, uint64_t units)
{
    ev->work += units;
    return ev->work <= ev->work_max || ev_fatal(ev, TS_E_LIMIT);
}

const struct cedar_value *ev_path_walk(struct ev *ev, uint32_t path);
static inline const struct cedar_value *ev_path(struct ev *ev, uint32_t path)
{
    return path < EV_PATHS_SHARED && (ev->resolved >> path & 1) != 0
               ? ev->paths[path]
               : ev_path_walk(ev, path);
}
const struct cedar_value *ev_attr(struct ev *ev, const struct cedar_value *base,
                                  struct ts_str name);
enum ev_truth ev_has(struct ev *ev, const struct cedar_value *base,
                     const struct ts_str *names, uint32_t n);
enum ev_truth ev_has_tag(struct ev *ev, const struct cedar_value *ent,
                         const struct cedar_value *tag);
const struct cedar_value *ev_get_tag(struct ev *ev,
                                     const struct cedar_value *ent,
                                     const struct cedar_value *tag);
enum ev_truth ev_like(struct ev *ev, const struct cedar_value *v,
                      const struct cedar_pattern *p);
enum ev_truth ev_equal(struct ev *ev, const struct cedar_value *a,
                       const struct cedar_value *b);
/* -1, 0, 1 of two longs, datetimes or durations; false: a fault. */
bool ev_order(struct ev *ev, const struct cedar_value *a,
              const struct cedar_value *b, int *ret);
bool ev_negate(struct ev *ev, const struct cedar_value *v,
               struct cedar_value *ret);
/* One step of a chain of + - or *: acc becomes acc op x. */
bool ev_arith(struct ev *ev, char op, struct cedar_value *acc,
              const struct cedar_value *x);
enum ev_truth ev_in(struct ev *ev, const struct cedar_value *left,
                    const struct cedar_value *right);
enum ev_truth ev_contains(struct ev *ev, const struct cedar_value *s,
                          const struct cedar_value *v);
enum ev_truth ev_contains_all(struct ev *ev, const struct cedar_value *a,
                              const struct cedar_value *b);
enum ev_truth ev_contains_any(struct ev *ev, const struct cedar_value *a,
                              const struct cedar_value *b);
enum ev_truth ev_is_empty(struct ev *ev, const struct cedar_value *s);
/* Room for n members; then the value made of them. NULL: fatal. */
struct cedar_value *ev_set_room(struct ev *ev, uint32_t n);
bool ev_set_charge(struct ev *ev, const struct cedar_value *item, uint32_t n);
bool ev_set_make(struct ev *ev, const struct cedar_value *items, uint32_t n,
                 struct cedar_value *ret);
struct cedar_field *ev_record_room(struct ev *ev, uint32_t n);
bool ev_record_make(struct ev *ev, const struct cedar_field *fields, uint32_t n,
                    struct cedar_value *ret);

/* ---- authorization ----------------------------------------------------- */

/* How candidates are found; cedar_authorize() uses the index when there is one.
 * The other way exists so that tests can compare the two. */
TS_NODISCARD ts_err ev_authorize(const struct cedar_policies *p,
                                 const struct cedar_entities *e,
                                 const struct cedar_request *req,
                                 struct ts_arena *arena, bool use_index,
                                 struct cedar_answer *ret);

#endif
