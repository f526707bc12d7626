#include "sidecar/gate/steps/call.h"

static enum call_effect move(struct call *c, enum call_state to,
                             enum call_effect effect)
{
    c->state = to;
    return effect;
}

static enum call_effect panic(struct call *c)
{
    return move(c, CALL_DONE, CALL_DO_PANIC);
}

static enum call_effect kill_for(struct call *c, enum end_reason reason)
{
    switch (c->state) {
    case CALL_WAITING:
        if (reason == END_CANCELLED) /* told when the question has ended */
            return CALL_DO_WITHDRAW;
        c->reason = reason;
        return move(c, CALL_DONE,
                    reason == END_DISCONNECTED ? CALL_DO_NOTHING
                                               : CALL_DO_TELL);
    case CALL_LAUNCHING:
        c->reason = reason;
        return move(c, CALL_STOPPING_EARLY, CALL_DO_KILL);
    case CALL_RUNNING:
        c->reason = reason;
        return move(c, CALL_STOPPING, CALL_DO_KILL);
    case CALL_STOPPING_EARLY:
    case CALL_STOPPING: /* one kill is enough; its reason stays */
    case CALL_ENDING:
    case CALL_DONE:
        return CALL_DO_NOTHING;
    case CALL_DECIDED: /* permit and launch happen in one loop turn */
    case CALL_STATE_COUNT_:
        break;
    }
    return panic(c);
}

static enum call_effect eof_on(struct call *c, bool *flag)
{
    switch (c->state) {
    case CALL_RUNNING:
    case CALL_STOPPING:
        *flag = true;
        return CALL_DO_NOTHING;
    case CALL_ENDING:
        *flag = true;
        if (c->stdout_eof && c->stderr_eof)
            return move(c, CALL_DONE, CALL_DO_FINISH);
        return CALL_DO_NOTHING;
    case CALL_DONE:
        return CALL_DO_NOTHING; /* a late callback */
    case CALL_DECIDED:
    case CALL_LAUNCHING:
    case CALL_STOPPING_EARLY:
    case CALL_WAITING:
    case CALL_STATE_COUNT_:
        break;
    }
    return panic(c);
}

/* What people, or their time, do to a call that waits for them. One that is
 * DONE may be named once more in the same turn. */
static enum call_effect waited(struct call *c, enum call_state to,
                               enum call_effect effect)
{
    if (c->state == CALL_WAITING)
        return move(c, to, effect);
    return c->state == CALL_DONE ? CALL_DO_NOTHING : panic(c);
}

static enum call_effect started(struct call *c)
{
    if (c->state == CALL_LAUNCHING)
        return move(c, CALL_RUNNING, CALL_DO_STARTED);
    if (c->state == CALL_STOPPING_EARLY)
        return move(c, CALL_STOPPING, CALL_DO_STARTED);
    return panic(c);
}

static enum call_effect exited(struct call *c)
{
    if (c->state != CALL_RUNNING && c->state != CALL_STOPPING)
        return panic(c);
    if (c->stdout_eof && c->stderr_eof)
        return move(c, CALL_DONE, CALL_DO_FINISH);
    return move(c, CALL_ENDING, CALL_DO_DRAIN);
}

enum call_effect call_step(struct call *c, enum call_event ev)
{
    switch (ev) { /* no default: -Wswitch-enum finds a new event */
    case CALL_EV_PERMIT:
        if (c->state == CALL_DECIDED)
            return move(c, CALL_LAUNCHING, CALL_DO_LAUNCH);
        break;
    case CALL_EV_DENY:
        if (c->state == CALL_DECIDED)
            return move(c, CALL_DONE, CALL_DO_DENY);
        break;
    case CALL_EV_STARTED:
        return started(c);
    case CALL_EV_REFUSED:
        if (c->state == CALL_LAUNCHING || c->state == CALL_STOPPING_EARLY)
            return move(c, CALL_DONE, CALL_DO_REFUSED);
        break;
    case CALL_EV_EXITED:
        return exited(c);
    case CALL_EV_STDOUT_EOF:
        return eof_on(c, &c->stdout_eof);
    case CALL_EV_STDERR_EOF:
        return eof_on(c, &c->stderr_eof);
    case CALL_EV_DRAIN_OVER:
        if (c->state == CALL_ENDING)
            return move(c, CALL_DONE, CALL_DO_FINISH);
        if (c->state == CALL_DONE)
            return CALL_DO_NOTHING;
        break;
    case CALL_EV_CANCEL:
        return kill_for(c, END_CANCELLED);
    case CALL_EV_DISCONNECT:
        return kill_for(c, END_DISCONNECTED);
    case CALL_EV_REVOKE:
        return kill_for(c, END_REVOKED);
    case CALL_EV_EXPIRE:
        return kill_for(c, END_EXPIRED);
    case CALL_EV_OUTPUT_CAP:
        return kill_for(c, END_OUTPUT_LIMIT);
    case CALL_EV_SHUTDOWN:
        return kill_for(c, END_SHUTDOWN);
    case CALL_EV_PEND:
        if (c->state == CALL_DECIDED)
            return move(c, CALL_WAITING, CALL_DO_HOLD);
        break;
    case CALL_EV_QUORUM:
        return waited(c, CALL_DECIDED, CALL_DO_DECIDE);
    case CALL_EV_TICKET_END:
        return waited(c, CALL_DONE, CALL_DO_TELL);
    case CALL_EV_HOLD_OVER:
        return waited(c, CALL_DONE, CALL_DO_REPEAT);
    case CALL_EVENT_COUNT_:
        break;
    }
    return panic(c);
}

enum call_event call_event_of(enum end_reason reason)
{
    switch (reason) {
    case END_CANCELLED:
        return CALL_EV_CANCEL;
    case END_REVOKED:
        return CALL_EV_REVOKE;
    case END_EXPIRED:
        return CALL_EV_EXPIRE;
    case END_OUTPUT_LIMIT:
        return CALL_EV_OUTPUT_CAP;
    case END_SHUTDOWN:
        return CALL_EV_SHUTDOWN;
    case END_DISCONNECTED:
    case END_EXITED:
    case END_REFUSED:
    case END_WALL_LIMIT:
    case END_LOST:
    case END_COUNT_:
        break;
    }
    return CALL_EV_DISCONNECT;
}
