#ifndef POLICY_EVAL_INDEX_H
#define POLICY_EVAL_INDEX_H

#include "policy/core/uidmap.h"
#include "policy/eval/program.h"

/*
 * Which policies can match a request, without looking at the others. Sound
 * because a scope can never raise an error: a policy whose scope does not match
 * adds neither a reason nor an error.
 *
 * What scopes name has numbers, by role: entities, actions, types. A request
 * turns its principal, action and resource, their ancestors and their types
 * into these numbers, once; after that no name is compared.
 *
 * Each policy is filed in one list, under its rarest anchor: the entity that a
 * scope names with == or `in`, else the type that it names with `is`, else
 * nowhere ("any"). A request walks the lists of its numbers, and "any". An
 * entry carries what is left to ask about the scopes that it was not filed
 * under, so that most of them are turned away by one AND.
 *
 * Everything is sorted and bisected; no input, whatever its hashes, makes a
 * look-up worse than log2(n).
 */
struct ev_entry {
    uint64_t actions; /* of those that the scope admits, see below, as bits */
    uint32_t policy;
    uint32_t cond;
    uint32_t other; /* number of the entity that the scope left names */
    uint32_t type;  /* number of the type that the scope left asks for */
    uint8_t flags;  /* EV_FILED_... */
    uint8_t under;  /* EV_FILED_MANY: the bit of the action of this list */
    bool last;      /* of its list */
};

enum {
    EV_FILED_SELF = 1,     /* under ==: an ancestor's list does not count */
    EV_FILED_OTHER_IN = 2, /* principal or resource must be in `other` */
    EV_FILED_OTHER_EQ = 4, /* ... must be `other` */
    EV_FILED_OTHER_IS = 8, /* ... must be of the type */
    EV_FILED_LEFT_PRINCIPAL = 16, /* the scope left is the principal's */
    EV_FILED_WHOLE = 32,          /* ask the whole scope again */
    EV_FILED_MANY = 64            /* under several actions: judged once */
};

enum ev_role {
    EV_BY_PRINCIPAL,
    EV_BY_RESOURCE,
    EV_BY_ACTION,
    EV_BY_PRINCIPAL_TYPE,
    EV_BY_RESOURCE_TYPE,
    EV_ROLES
};
#define EV_BY_NOTHING EV_ROLES
#define EV_NO_NUMBER  CEDAR_UIDMAP_NONE
#define EV_NO_LIST    UINT32_MAX

/*
 * Actions as bits. "== a" and "in a" have one each, as an action is in its
 * groups but equals none of them. Bit 0 is every action's, EV_ACTION_REST that
 * of all that came after the most frequent 62: it means "perhaps", and the
 * scope is asked again. 0 where no scope says it.
 */
#define EV_ACTION_ANY  0
#define EV_ACTION_REST 63

struct ev_action_bits {
    uint8_t equal, in;
};

/* Few types are walked, more are looked up. */
#define EV_TYPES_WALKED 8

struct ev_index {
    struct cedar_uidmap by[3]; /* principal, resource, action: to numbers */
    const struct ev_action_bits *action_bits; /* by number */
    struct cedar_uidmap types;         /* uids without an id, to numbers */
    const struct cedar_uid *type_uids; /* by number */
    /* By number, where its list begins in entries, or EV_NO_LIST. */
    const uint32_t *lists[EV_ROLES];
    const struct ev_entry *entries;
    uint32_t any; /* the list of the unfiled, or EV_NO_LIST */
};

/* temp holds what only building needs. */
TS_NODISCARD ts_err ev_index_build(struct cedar_policies *p,
                                   struct ts_arena *temp);

/* ---- for building ------------------------------------------------------ */

TS_NODISCARD ts_err ev_index_numbers(struct cedar_policies *p,
                                     struct ts_arena *temp,
                                     struct ev_index *ix);
/* EV_NO_NUMBER unless the scope is an `is`. */
uint32_t ev_index_type(const struct ev_index *ix, const struct ev_scope *s);
/* The actions that a policy's scope admits, as bits. */
uint64_t ev_index_actions(const struct ev_index *ix, const struct ev_policy *p);
/* The entry of policy i, filed under this number in this role. */
struct ev_entry ev_index_entry(const struct cedar_policies *p,
                               const struct ev_index *ix, uint32_t i,
                               enum ev_role role, uint32_t number);

#endif
