#include "sidecar/launcher/life/run.h"

static enum run_effect move(struct run_life *r, enum run_state to,
                            enum run_effect effect)
{
    r->state = to;
    return effect;
}

static enum run_effect begin_kill(struct run_life *r, enum end_reason why)
{
    r->reason = why;
    return move(r, RUN_KILLING, RUN_DO_SWEEP);
}

static enum run_effect step_running(struct run_life *r, enum run_event ev,
                                    enum end_reason why)
{
    switch (ev) {
    case RUN_EV_KILL:
        return begin_kill(r, why);
    case RUN_EV_WALL:
        return begin_kill(r, END_WALL_LIMIT);
    case RUN_EV_EXITED:
        r->reason = END_EXITED;
        return move(r, RUN_ENDING, RUN_DO_LOOK);
    case RUN_EV_TICK:
        return RUN_DO_NOTHING;
    case RUN_EV_STARTED:
    case RUN_EV_TREE_GONE:
    case RUN_EV_TREE_LEFT:
    case RUN_EVENT_COUNT_:
        break;
    }
    return RUN_DO_STOP;
}

static enum run_effect step_killing(struct run_life *r, enum run_event ev)
{
    switch (ev) {
    case RUN_EV_KILL: /* a second reason, or the deadline behind a kill */
    case RUN_EV_WALL:
        return RUN_DO_NOTHING;
    case RUN_EV_EXITED:
        return move(r, RUN_ENDING, RUN_DO_LOOK);
    case RUN_EV_TICK:
        return RUN_DO_SWEEP;
    case RUN_EV_STARTED:
    case RUN_EV_TREE_GONE:
    case RUN_EV_TREE_LEFT:
    case RUN_EVENT_COUNT_:
        break;
    }
    return RUN_DO_STOP;
}

static enum run_effect step_ending(struct run_life *r, enum run_event ev)
{
    switch (ev) {
    case RUN_EV_KILL: /* it is being ended already */
    case RUN_EV_WALL:
        return RUN_DO_NOTHING;
    case RUN_EV_TICK:
        return RUN_DO_LOOK;
    case RUN_EV_TREE_GONE:
        return move(r, RUN_FREE, RUN_DO_REPORT);
    case RUN_EV_TREE_LEFT:
        return RUN_DO_SWEEP;
    case RUN_EV_STARTED:
    case RUN_EV_EXITED:
    case RUN_EVENT_COUNT_:
        break;
    }
    return RUN_DO_STOP;
}

enum run_effect run_step(struct run_life *r, enum run_event ev,
                         enum end_reason why)
{
    switch (r->state) {
    case RUN_FREE:
        if (ev != RUN_EV_STARTED)
            return RUN_DO_STOP;
        r->reason = END_EXITED;
        return move(r, RUN_RUNNING, RUN_DO_NOTHING);
    case RUN_RUNNING:
        return step_running(r, ev, why);
    case RUN_KILLING:
        return step_killing(r, ev);
    case RUN_ENDING:
        return step_ending(r, ev);
    case RUN_STATE_COUNT_:
        break;
    }
    return RUN_DO_STOP;
}
