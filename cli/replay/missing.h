#ifndef CLI_REPLAY_MISSING_H
#define CLI_REPLAY_MISSING_H

#include "cli/replay/traces.h"

/* What a directory has no lines of, so that rows of the score card are empty
 * or say less. The last one has no name. */
struct missing {
    const char *name; /* "attack_pairs", of static storage */
    const char *text; /* what cannot be said without it */
};
#define MISSING_MAX 6
/* policy: the reference's. At most MISSING_MAX, and one without a name. */
void missing_of(const struct traces *t, enum traces_label l, const char *policy,
                struct missing ret[MISSING_MAX + 1]);

#endif
