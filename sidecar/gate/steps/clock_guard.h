#ifndef SIDECAR_GATE_STEPS_CLOCK_GUARD_H
#define SIDECAR_GATE_STEPS_CLOCK_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"

/*
 * Whether the wall clock can be believed (delegation design, section 12), as a
 * pure state machine: the caller reads both clocks and brings the evidence.
 *
 *                      +------------ undone, confirmed ------------+
 *                      v                                           |
 *   START --ok--> TRUSTED --forward by more than 60 s--> SUSPECT --+
 *     |                ^
 *     +--rollback--> ROLLED_BACK --caught up, confirmed by something newer--+
 *
 * The time that decides never follows what is not believed. A clock that is set
 * back stays where the boot clock says it would be; one that jumps ahead goes
 * on as if it had not, and no new session begins until a signed object from
 * outside was issued within 60 s of what the clock says now, or the jump is
 * undone. A clock behind the last time that is in the journal was rolled back
 * while nobody looked: nothing is decided until it has caught up, or until a
 * directory that is newer than every one accepted before, so that it cannot be
 * a replay, was issued within 60 s of it.
 */
#define CLOCK_JUMP_MS     60000u   /* beyond it a step is not believed */
#define CLOCK_STEP_MS     2000u    /* beyond it a step is worth a line */
#define CLOCK_ROLLBACK_MS 5000u    /* tolerated over a restart */
#define CLOCK_AGREES_S    60u      /* evidence and clock */
#define CLOCK_ANCHOR_MS   3600000u /* steps are summed up over this */

enum clock_guard_state {
    CLOCK_GUARD_START = 0, /* nothing was read: believes nothing */
    CLOCK_GUARD_TRUSTED,
    CLOCK_GUARD_SUSPECT,
    CLOCK_GUARD_ROLLED_BACK,
    CLOCK_GUARD_STATE_COUNT_
};

enum clock_guard_event { /* for the service's log */
    CLOCK_GUARD_NOTHING = 0,
    CLOCK_GUARD_STEPPED_AHEAD, /* by 2 to 60 s; followed */
    CLOCK_GUARD_STEPPED_BACK,  /* by more than 2 s; not followed */
    CLOCK_GUARD_JUMPED,        /* now suspect */
    CLOCK_GUARD_UNDONE,        /* the jump was taken back */
    CLOCK_GUARD_CAUGHT_UP,     /* after a rollback */
    CLOCK_GUARD_EVENT_COUNT_
};

struct clock_guard { /* zeroed is START */
    enum clock_guard_state state;
    uint64_t last_seen_ms;              /* from the journal; 0: none */
    uint64_t boot_ns, unix_ms, real_ms; /* of the last reading */
    uint64_t anchor_boot_ns, anchor_unix_ms;
    bool behind; /* real is behind by more than a step, and it was told */
};

/* Once, with the newest time that the journal knows (0: none). */
void clock_guard_start(struct clock_guard *g, uint64_t last_seen_ms,
                       uint64_t boot_ns, uint64_t real_ms);
/* A reading of both clocks: the milliseconds since 1970 that decide. boot_ns
 * never goes backwards. */
uint64_t clock_guard_read(struct clock_guard *g, uint64_t boot_ns,
                          uint64_t real_ms, enum clock_guard_event *ret_event);
/*
 * A signed object, verified against clock_guard_real_s(), was issued then.
 * newer: it is a directory with a higher number than any accepted before. True
 * if the clock is believed from now on and was not before.
 */
bool clock_guard_evidence(struct clock_guard *g, uint64_t issued_s, bool newer);

/* New sessions may begin. */
bool clock_guard_admits(const struct clock_guard *g);
/* Calls may be decided. */
bool clock_guard_decides(const struct clock_guard *g);
/* What the clock says, believed or not: evidence is judged by it. */
uint64_t clock_guard_real_s(const struct clock_guard *g);
/* "trusted", "suspect", "rolled_back", "start" */
const char *clock_guard_state_name(enum clock_guard_state s);

#endif
