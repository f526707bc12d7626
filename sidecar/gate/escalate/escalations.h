#ifndef SIDECAR_GATE_ESCALATE_ESCALATIONS_H
#define SIDECAR_GATE_ESCALATE_ESCALATIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/cedar.h"
#include "proto/base/ts_arena.h"
#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "sidecar/gate/escalate/escalation_journal.h"
#include "sidecar/gate/people/box_demand.h"

/*
 * The escalations of a gate that have not ended: those in force, those whose
 * last use still runs, and those that a restart interrupted. Whether an ended
 * one may come again is not asked here: its id is revoked.
 *
 * No sockets, no clock, no files: callers pass the time.
 */
#define ESCALATIONS_PER_TENANT 4u
#define ESCALATIONS_MAX        256u /* of all tenants */

enum escalation_state {
    ESCALATION_ACTIVE = 0,
    ESCALATION_USED_UP,     /* nothing new; what was started may end */
    ESCALATION_INTERRUPTED, /* of the journal: nothing is in force */
    ESCALATION_ENDING,      /* its end is to be written down */
    ESCALATION_STATE_COUNT_
};
const char *escalation_state_name(enum escalation_state s);

enum escalation_end {
    ESCALATION_END_EXPIRED = 0,
    ESCALATION_END_USED_UP,
    ESCALATION_END_REVOKED,
    ESCALATION_END_POLICIES, /* what it names does not fit any more */
    ESCALATION_END_COUNT_
};
const char *escalation_end_name(enum escalation_end e);

struct escalated {
    struct escalated *next;
    enum escalation_state state;
    enum escalation_end end; /* of ENDING */
    struct escalation_entry info;
    uint64_t nbf;
    uint64_t until_ns;   /* boot time; of ACTIVE and USED_UP */
    struct escalation e; /* the same: texts and lifts */
    uint64_t checked;    /* serial of the snapshot it was checked against */
    struct cedar_policies *policies; /* owned; NULL: lifts alone */
    const struct box_demand *demands;
    struct ts_arena arena;       /* holds the texts of info as first heard */
    struct ts_arena of_object;   /* holds e, and who signed it */
    struct ts_arena of_policies; /* holds demands */
};

struct escalations { /* zeroed is empty */
    struct escalated *list;
    uint32_t count;
};
void escalations_done(struct escalations *t);

/* Two may not be in force for one agent in one task; an agent below another
 * counts as the same. NULL: none is in the way; one that a restart interrupted,
 * or whose end is to be written, never is. */
struct escalated *escalations_overlap(const struct escalations *t,
                                      const struct escalation *e);
/* How long behind its exp the id of one that has ended is remembered. */
#define ESCALATION_KEEP_ENDED_S 60u
/* Did this person sign it? */
bool escalated_is_signer(const struct escalated *x, struct ts_str person);
struct escalated *escalations_find(const struct escalations *t,
                                   struct ts_str tenant, const uint8_t id[16]);
uint32_t escalations_of(const struct escalations *t, struct ts_str tenant);

/* A new one in INTERRUPTED, texts copied. TS_E_LIMIT: too many. */
TS_NODISCARD ts_err escalations_add(struct escalations *t,
                                    const struct escalation_entry *info,
                                    struct escalated **ret);
/* What the journal says of an id; the last entry counts, uses never fall. */
TS_NODISCARD ts_err escalations_replay(struct escalations *t,
                                       const struct escalation_entry *info);
/* In force until boot time until_ns, or used up already. object and by are
 * copied, and by replaces who signed before; object must decode. Takes policies
 * over on success; a failure leaves x as it was, and nothing behind. */
TS_NODISCARD ts_err escalated_start(struct escalated *x, struct ts_bytes object,
                                    const struct escalation_signers *by,
                                    struct cedar_policies *policies,
                                    uint64_t until_ns, uint64_t checked);
/* Other policies for the one in force; takes them over. */
TS_NODISCARD ts_err escalated_recheck(struct escalated *x,
                                      struct cedar_policies *policies,
                                      uint64_t checked);
void escalations_remove(struct escalations *t, struct escalated *x);

/* The one that a call of this chain may use now; NULL: none. */
struct escalated *escalations_for(const struct escalations *t,
                                  struct ts_str tenant, struct ts_str user,
                                  struct ts_str leaf, struct ts_str task,
                                  uint64_t now_ns);
/* One use more. */
void escalated_use(struct escalated *x);
/* Time passes: what is over becomes ENDING. true: something is ENDING. has_runs
 * says whether tools run under it. */
bool escalations_sweep(struct escalations *t, uint64_t now_ns, uint64_t now_s,
                       bool (*has_runs)(void *ctx, const struct escalated *x),
                       void *ctx);
void escalated_end(struct escalated *x, enum escalation_end why);
/* The clock that deadlines were made by was behind by so much. */
void escalations_sooner(struct escalations *t, uint64_t by_ns);

#endif
