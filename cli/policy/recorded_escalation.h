#ifndef CLI_POLICY_RECORDED_ESCALATION_H
#define CLI_POLICY_RECORDED_ESCALATION_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "cli/policy/recorded_call.h"
#include "proto/trust/escalation.h"
#include "sidecar/gate/decide/decide.h"
#include "sidecar/gate/people/snapshot.h"

/*
 * Escalations as a decision log tells of them: what was in force when a
 * decision was made, so that it can be asked again as it was asked then. Lines
 * are taken in the order of the log; bounded, the oldest that has ended is
 * forgotten first.
 */
#define RECORDED_ESCALATIONS_MAX 256
#define RECORDED_CONFIGS         2u /* that one may be asked about */
#define RECORDED_WHY_MAX         256

struct recorded_escalation { /* borrows from its own line */
    json_t *line;            /* owned: kind "escalation" */
    struct escalation is;    /* no nbf: the log does not say when */
    struct ts_str people[ESCALATION_SIGS_MAX];
    uint32_t people_count, used;
    bool in_force;
    uint64_t seen; /* which line it was */
    struct recorded_opened {
        bool tried, fits;
        char why[RECORDED_WHY_MAX]; /* not, printable */
        struct cedar_policies *policies;
        const struct box_demand *demands;
        struct ts_arena arena;
    } opened[RECORDED_CONFIGS];
};

struct recorded_escalations {          /* zeroed is empty */
    struct recorded_escalation **list; /* owned, as what they point to */
    size_t count;
    uint64_t lines;
};
void recorded_escalations_done(struct recorded_escalations *t);

/* What a line of any kind says of escalations. false: no memory. A line that is
 * malformed says nothing. */
bool recorded_escalations_take(struct recorded_escalations *t,
                               const json_t *line);

enum recorded_under {
    RECORDED_UNDER_NONE = 0,
    RECORDED_UNDER_ONE,    /* *ret: it made the verdict, or was there to */
    RECORDED_UNDER_UNKNOWN /* one that these lines do not tell of */
};
/* Of a decision that was read. One whose record names none was asked without,
 * and found a permit: then the one that was in force for it, if any. */
enum recorded_under
recorded_escalations_of(const struct recorded_escalations *t,
                        const json_t *line, const struct recorded_call *call,
                        struct recorded_escalation **ret);

/* What it opens under a configuration, for replay_call. False: it does not fit
 * there, and would end (x->opened[which].why), or there is no memory
 * (TS_E_NOMEM in *ret_err). */
bool recorded_escalation_open(struct recorded_escalation *x,
                              const struct snapshot *s, unsigned which,
                              struct decide_escalation *ret, ts_err *ret_err);

/* {"id", "people", "incident", "reason", "lifts", "policies"} */
json_t *recorded_escalation_json(const struct recorded_escalation *x);

#endif
