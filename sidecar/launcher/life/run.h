#ifndef SIDECAR_LAUNCHER_LIFE_RUN_H
#define SIDECAR_LAUNCHER_LIFE_RUN_H

#include <stdint.h>

#include "proto/msg/code.h"

/*
 * The life of one running tool, without processes or clocks (reap.c has them).
 *
 *   FREE --started--> RUNNING --main exited--> ENDING --tree gone--> FREE
 *                        |                       ^
 *                        +--kill, wall--> KILLING+   (main exited)
 *
 * RUNNING waits for the tool or its wall limit. KILLING waits for the main
 * process, which has been sent SIGKILL; a tick sweeps again. ENDING waits until
 * no process with the tool's mark is left; a tick looks again. Only then is
 * the end reported, so "exited" always means that nothing runs any more.
 */
enum run_state {
    RUN_FREE = 0,
    RUN_RUNNING,
    RUN_KILLING,
    RUN_ENDING,
    RUN_STATE_COUNT_
};

enum run_event {
    RUN_EV_STARTED = 0,
    RUN_EV_KILL,      /* ordered, or the ring broke */
    RUN_EV_WALL,      /* the deadline passed */
    RUN_EV_EXITED,    /* the main process was reaped */
    RUN_EV_TICK,      /* time to look again */
    RUN_EV_TREE_GONE, /* no marked process is left */
    RUN_EV_TREE_LEFT, /* some are */
    RUN_EVENT_COUNT_
};

enum run_effect {
    RUN_DO_NOTHING = 0,
    RUN_DO_SWEEP,  /* freeze and kill every marked process */
    RUN_DO_LOOK,   /* is a marked process left? answers with TREE_* */
    RUN_DO_REPORT, /* send EXITED; the slot is free */
    RUN_DO_STOP    /* an event that cannot be: a defect of ours, stop */
};

struct run_life {
    enum run_state state;
    enum end_reason reason; /* why it ends; the first reason stays */
};

/* why counts with RUN_EV_KILL only. */
enum run_effect run_step(struct run_life *r, enum run_event ev,
                         enum end_reason why);

#endif
