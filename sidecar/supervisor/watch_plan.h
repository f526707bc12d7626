#ifndef SIDECAR_SUPERVISOR_WATCH_PLAN_H
#define SIDECAR_SUPERVISOR_WATCH_PLAN_H

#include <stdint.h>

/*
 * When to look at the watched files. Pure; time comes in, in milliseconds of
 * the boot clock. A change is looked at once it has been quiet for
 * WATCH_SETTLE_MS, and after WATCH_SETTLE_MAX_MS even if it never is. Without
 * any change everything is looked at every WATCH_POLL_MS: for what no
 * notification tells of (links into other directories, a limit reached, file
 * systems without notifications).
 */
#define WATCH_SETTLE_MS     50
#define WATCH_SETTLE_MAX_MS 500
#define WATCH_AGAIN_MS      200  /* the gate's channel was full */
#define WATCH_BUSY_MS       1000 /* a file is just being written */
#define WATCH_POLL_MS       10000

enum watch_state {
    WATCH_OFF = 0,  /* nobody to hand anything to */
    WATCH_QUIET,    /* next look: due_ms, a poll */
    WATCH_SETTLING, /* next look: due_ms, because of a change */
    WATCH_STATES_
};

enum watch_event {
    WATCH_EV_RESET = 0, /* a set serves, or took a new bundle */
    WATCH_EV_CHANGE,    /* a notification */
    WATCH_EV_OVERFLOW,  /* notifications were lost: any file may have changed */
    WATCH_EV_TIME,      /* it is now_ms; every turn */
    WATCH_EV_BLOCKED,   /* a look could not hand over what it found */
    WATCH_EV_BUSY,      /* a look passed over a file that is being written */
    WATCH_EV_STOP,      /* the set is gone */
    WATCH_EVENTS_
};

enum watch_act {
    WATCH_ACT_NONE = 0,
    WATCH_ACT_LOOK,    /* arm, and read what differs by its attributes */
    WATCH_ACT_LOOK_ALL /* arm, and read everything */
};

struct watch_plan { /* zeroed: off */
    enum watch_state state;
    uint64_t first_ms; /* of the changes that are settling */
    uint64_t due_ms;   /* 0 when off */
    uint8_t all;       /* the next look reads everything */
};

enum watch_act watch_plan_step(struct watch_plan *p, enum watch_event ev,
                               uint64_t now_ms);

#endif
