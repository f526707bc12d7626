#ifndef CLI_REPLAY_EXPLAIN_H
#define CLI_REPLAY_EXPLAIN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/replay/drive.h"

/*
 * Why a verdict is not the reference's. The class of a disagreement is found
 * from facts of the record and of the decision alone: what the record of the
 * delegation says of the verb, which policies determined our verdict, and what
 * came before in the sequence. What no class holds is unexplained.
 */
enum explain_why {
    EXPLAIN_ASKED_OUTSIDE, /* in verb, outside its pins: ours asks */
    EXPLAIN_ASKED_USED,    /* the verb's calls are used up: ours asks */
    EXPLAIN_NOT_COUNTED,   /* the same, and ours does not count */
    EXPLAIN_OTHER_COUNT,   /* it counts in another capability */
    EXPLAIN_STRANGER,      /* outside, and a stranger's value: ours denies */
    EXPLAIN_LIST,          /* a list that mixes pins */
    EXPLAIN_LEFT_OUT,      /* an argument that is named is not given */
    EXPLAIN_OWN,           /* a list of the user's own addresses alone */
    EXPLAIN_STRUCTURE,     /* a pin on a part of a structured argument */
    EXPLAIN_NO_BLOCK,      /* the delegation did not fit into a block */
    EXPLAIN_HISTORY,       /* another disagreement came before */
    EXPLAIN_INPUTS,        /* the reference had other labels or delegations */
    EXPLAIN_UNEXPLAINED,
    EXPLAIN_CLASSES
};
const char *explain_why_key(enum explain_why w);  /* "asked_outside_pins" */
const char *explain_why_text(enum explain_why w); /* a sentence or two */

struct explain_class {
    uint64_t count, attacks; /* calls; of them the attacker's */
    char example[256];       /* "suite task, call 3 (tool): ours P, theirs D" */
};

struct explain_in {
    const struct plan *plan;
    const struct traces_record *record;
    const struct drive_result *ours;
    const char *theirs; /* a letter a call */
    json_t *delegation; /* of the task, or NULL */
    FILE *lines;        /* every disagreement as a line of JSON; NULL: none */
};
struct explain_counts {
    uint64_t calls, agree, unexplained;
    bool all_agree;
};
/* A recorded run that solved its task: each of its calls that is denied, as a
 * line of class "run_denied", or asked about, "run_asked". */
bool explain_run(const struct explain_in *in);
/* False: a line cannot be written; said why. */
bool explain_sequence(const struct explain_in *in,
                      struct explain_class *classes,
                      struct explain_counts *ret);

#endif
