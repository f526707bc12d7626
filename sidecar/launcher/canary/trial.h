#ifndef SIDECAR_LAUNCHER_CANARY_TRIAL_H
#define SIDECAR_LAUNCHER_CANARY_TRIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_str.h"
#include "sidecar/launcher/canary/probes.h"
#include "sidecar/launcher/tools/level.h"
#include "sidecar/launcher/tools/order_check.h"

/*
 * What the canary showed of each box that a launcher offers, and what is left
 * of the offer then. A level whose canary could do what the layers of that
 * level are said to stop is taken away; so is one whose canary did not start,
 * did not end in time, or said what nobody understands. Pure.
 */
enum trial_end {
    TRIAL_NONE = 0,      /* not tried: not offered */
    TRIAL_GOOD,          /* and nothing unexpected was possible */
    TRIAL_HOLE,          /* `holes` were */
    TRIAL_NO_START,      /* refused or failed to start */
    TRIAL_TIME,          /* had to be killed */
    TRIAL_NOT_UNDERSTOOD /* wrong output, or ended otherwise than with 0 */
};

struct trial {
    enum trial_end end;
    uint64_t holes; /* CANARY(...) bits, of TRIAL_HOLE */
    /* a profile with sockets is for boxes with a network namespace; that it
     * leads out of others surprises nobody */
    bool is_expected;
};

struct trials {
    struct level_offer before; /* what was offered without them */
    struct trial level[LEVEL_COUNT];
};

/* How one ended. out: what it printed. code: as wait(2) gives it. */
struct trial_report {
    bool in_time;
    int exit_code; /* -1: by a signal */
    struct ts_str out;
    uint32_t layers; /* that hold in full, of this level */
    uint64_t gives;  /* canary_ask() */
};
struct trial trial_judge(const struct trial_report *r);

/* Takes away what is not good. TRIAL_NONE is not good. */
void trials_apply(const struct trials *t, struct level_offer *io);

/* Static: "canary:READ_OUTSIDE" of the first hole, "canary:start",
 * "canary:time", "canary:output"; NULL for a good one. */
const char *trial_step(const struct trial *t);

/* An order was refused for want of a box (else nothing happens). If it would
 * have had one, had the canary shown nothing, the refusal says that instead.
 * c->offer does not matter. */
void trials_explain(const struct trials *t, const struct order_context *c,
                    const struct order *o, struct order_refusal *io);

#endif
