#ifndef CLI_POLICY_EXPLAIN_ESCALATION_H
#define CLI_POLICY_EXPLAIN_ESCALATION_H

#include <stdbool.h>

#include "cli/policy/explain/view.h"
#include "cli/policy/inputs.h"
#include "cli/policy/recorded_escalation.h"

/* The escalation that stood behind a decision of the log, for its explanation:
 * whose it was, what it added, and whether that made the verdict. */
struct explain_escalation {
    struct recorded_escalations all;
    enum recorded_under under;
    struct recorded_escalation *it;  /* with RECORDED_UNDER_ONE */
    struct decide_escalation opened; /* when it fits */
    struct cedar_source source;
    struct pol_set set; /* its permits, with their text */
};

/* Puts it into call. False: printed. */
bool explain_escalation_open(struct explain_escalation *x, const json_t *line,
                             struct recorded_call *call,
                             const struct snapshot *s, struct pol_inputs *in);
void explain_escalation_done(struct explain_escalation *x);

/* Is the set with this name one of an escalation? */
bool explain_escalation_is_own(const char *set_name);
/* made_it: without it the answer would be another. */
void explain_escalation_print(const struct explain_escalation *x, bool made_it);
/* Which of the forbids in v it lifts. */
void explain_escalation_lifted(const struct explain_escalation *x,
                               const struct explain_view *v);
/* A member of the object that is open, behind others or first; the object's
 * "{" if nothing was printed yet. */
void explain_escalation_json(const struct explain_escalation *x, bool made_it,
                             bool behind_others);

#endif
