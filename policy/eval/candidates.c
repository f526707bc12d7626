/* Finds the policies whose scope matches and judges them: all in turn, or by
 * the index. */
#include "policy/eval/authz.h"

static inline ts_err judge(struct ev_authz *az, uint32_t policy, uint32_t cond)
{
    enum ev_truth t =
        cond == EV_NO_COND ? EV_TRUE : ev_condition(&az->ev, cond);

    return t == EV_FALSE ? TS_OK : ev_authz_note(az, policy, t);
}

ts_err ev_judge_all(struct ev_authz *az)
{
    ts_err e = TS_OK;

    for (uint32_t i = 0; e == TS_OK && i < az->ev.p->count; i++) {
        const struct ev_policy *p = &az->ev.p->policies[i];

        if (ev_scope_matches(&az->ev, p))
            e = judge(az, i, p->cond);
    }
    return e;
}

/* ---- the request in the numbers of the index --------------------------- */

/* More ancestors that scopes name than this: their scopes are asked again. */
#define NUMBERS_MAX 24

/* Numbers of one entity and of its ancestors, as far as scopes name them. */
struct numbers {
    uint32_t self; /* EV_NO_NUMBER: not named */
    uint32_t count;
    uint32_t ancestors[NUMBERS_MAX];
    bool more;
};

struct asked {
    uint64_t actions;
    uint32_t types[2];    /* of principal and resource */
    struct numbers of[2]; /* of principal and resource */
};

static inline void add_number(struct numbers *n, uint32_t number)
{
    if (number == EV_NO_NUMBER)
        return;
    if (n->count < NUMBERS_MAX)
        n->ancestors[n->count++] = number;
    else
        n->more = true;
}

static inline void number_entity(const struct ev *ev, enum ev_var var,
                                 const struct cedar_uidmap *m,
                                 struct numbers *n)
{
    struct ev_entity ent = ev->entities[var];

    n->count = 0;
    n->more = false;
    n->self = cedar_uidmap_find(m, ev->vars[var].as.uid);
    if (ent.overlay != NULL) {
        for (size_t i = 0; i < ent.overlay->ancestor_count; i++)
            add_number(n, cedar_uidmap_find(m, &ent.overlay->ancestors[i]));
    } else if (ent.stored != NULL) {
        for (uint32_t i = 0; i < ent.stored->ancestor_count; i++)
            add_number(n, cedar_uidmap_get(m, ent.stored->hashes[i],
                                           ent.stored->ancestors[i]));
    }
}

static inline uint32_t number_type(const struct ev_index *ix,
                                   struct ts_str type)
{
    struct cedar_uid uid;

    if (ix->types.count > EV_TYPES_WALKED) {
        uid = cedar_uid_make(type, TS_STR_LIT(""));
        return cedar_uidmap_find(&ix->types, &uid);
    }
    for (uint32_t i = 0; i < ix->types.count; i++)
        if (cedar_str_same(ix->type_uids[i].type, type))
            return i;
    return EV_NO_NUMBER;
}

/* ---- lists ------------------------------------------------------------- */

static inline bool among(const struct numbers *n, uint32_t number)
{
    if (n->self == number)
        return true;
    for (uint32_t i = 0; i < n->count; i++)
        if (n->ancestors[i] == number)
            return true;
    return false;
}

/* What filing left open about a candidate whose actions overlap. */
static inline bool still_matches(const struct ev *ev, const struct asked *q,
                                 const struct ev_entry *x)
{
    unsigned left = (x->flags & EV_FILED_LEFT_PRINCIPAL) != 0 ? 0 : 1;
    const struct numbers *n = &q->of[left];

    if ((x->flags & EV_FILED_MANY) != 0 &&
        __builtin_ctzll(x->actions & q->actions) != x->under)
        return false;
    if ((x->flags & EV_FILED_WHOLE) != 0)
        return ev_scope_matches(ev, &ev->p->policies[x->policy]);
    if ((x->flags & EV_FILED_OTHER_IS) != 0 && q->types[left] != x->type)
        return false;
    if ((x->flags & EV_FILED_OTHER_EQ) != 0)
        return n->self == x->other;
    return (x->flags & EV_FILED_OTHER_IN) == 0 || among(n, x->other);
}

#define EV_FILED_ASK                                                           \
    (EV_FILED_OTHER_IN | EV_FILED_OTHER_EQ | EV_FILED_OTHER_IS |               \
     EV_FILED_WHOLE | EV_FILED_MANY)

/* unless: flags that turn an entry away. */
static ts_err walk(struct ev_authz *az, const struct asked *q, uint32_t at,
                   uint8_t unless)
{
    const struct ev_entry *x = &az->ev.p->index->entries[at];

    for (;; x++) {
        if ((x->actions & q->actions) != 0 && (x->flags & unless) == 0 &&
            ((x->flags & EV_FILED_ASK) == 0 || still_matches(&az->ev, q, x))) {
            ts_err e = judge(az, x->policy, x->cond);

            if (e != TS_OK)
                return e;
        }
        if (x->last)
            return TS_OK;
    }
}

static inline ts_err walk_list(struct ev_authz *az, const struct asked *q,
                               enum ev_role role, uint32_t number,
                               uint8_t unless)
{
    uint32_t at = az->ev.p->index->lists[role][number];

    return at == EV_NO_LIST ? TS_OK : walk(az, q, at, unless);
}

static inline ts_err walk_numbers(struct ev_authz *az, const struct asked *q,
                                  enum ev_role role, const struct numbers *n)
{
    ts_err e = TS_OK;

    if (n->self != EV_NO_NUMBER)
        e = walk_list(az, q, role, n->self, 0);
    for (uint32_t i = 0; e == TS_OK && i < n->count; i++)
        e = walk_list(az, q, role, n->ancestors[i], EV_FILED_SELF);
    return e;
}

static inline ts_err walk_types(struct ev_authz *az, const struct asked *q)
{
    ts_err e = TS_OK;

    if (q->types[0] != EV_NO_NUMBER)
        e = walk_list(az, q, EV_BY_PRINCIPAL_TYPE, q->types[0], 0);
    if (e == TS_OK && q->types[1] != EV_NO_NUMBER)
        e = walk_list(az, q, EV_BY_RESOURCE_TYPE, q->types[1], 0);
    return e;
}

static uint64_t action_bits(const struct ev_index *ix, const struct numbers *n)
{
    uint64_t bits = (uint64_t)1 << EV_ACTION_ANY;

    if (n->self != EV_NO_NUMBER)
        bits |= (uint64_t)1 << ix->action_bits[n->self].equal |
                (uint64_t)1 << ix->action_bits[n->self].in;
    for (uint32_t i = 0; i < n->count; i++)
        bits |= (uint64_t)1 << ix->action_bits[n->ancestors[i]].in;
    return bits;
}

ts_err ev_judge_indexed(struct ev_authz *az)
{
    const struct ev *ev = &az->ev;
    const struct ev_index *ix = ev->p->index;
    EV_UNINIT struct numbers action;
    EV_UNINIT struct asked q;
    ts_err e = TS_OK;

    number_entity(ev, EV_ACTION, &ix->by[EV_BY_ACTION], &action);
    number_entity(ev, EV_PRINCIPAL, &ix->by[EV_BY_PRINCIPAL], &q.of[0]);
    number_entity(ev, EV_RESOURCE, &ix->by[EV_BY_RESOURCE], &q.of[1]);
    if (action.more || q.of[0].more || q.of[1].more)
        return ev_judge_all(az); /* lists would be missed */
    q.actions = action_bits(ix, &action);
    q.types[0] = number_type(ix, ev->vars[EV_PRINCIPAL].as.uid->type);
    q.types[1] = number_type(ix, ev->vars[EV_RESOURCE].as.uid->type);
    if (ix->any != EV_NO_LIST)
        e = walk(az, &q, ix->any, 0);
    if (e != TS_OK || (e = walk_types(az, &q)) != TS_OK ||
        (e = walk_numbers(az, &q, EV_BY_PRINCIPAL, &q.of[0])) != TS_OK ||
        (e = walk_numbers(az, &q, EV_BY_RESOURCE, &q.of[1])) != TS_OK)
        return e;
    return walk_numbers(az, &q, EV_BY_ACTION, &action);
}
