#include "sidecar/supervisor/watch_plan.h"

static void settle(struct watch_plan *p, uint64_t now_ms)
{
    uint64_t last;

    if (p->state == WATCH_QUIET) {
        p->state = WATCH_SETTLING;
        p->first_ms = now_ms;
    }
    last = p->first_ms + WATCH_SETTLE_MAX_MS;
    p->due_ms = now_ms + WATCH_SETTLE_MS;
    if (p->due_ms > last)
        p->due_ms = last;
}

/* Not later than what is due anyway. */
static void again(struct watch_plan *p, uint64_t at_ms)
{
    if (p->state == WATCH_SETTLING && p->due_ms <= at_ms)
        return;
    if (p->state == WATCH_QUIET)
        p->first_ms = at_ms;
    p->state = WATCH_SETTLING;
    p->due_ms = at_ms;
}

static enum watch_act on_time(struct watch_plan *p, uint64_t now_ms)
{
    enum watch_act act = p->all != 0 ? WATCH_ACT_LOOK_ALL : WATCH_ACT_LOOK;

    if (now_ms < p->due_ms)
        return WATCH_ACT_NONE;
    *p = (struct watch_plan){.state = WATCH_QUIET,
                             .due_ms = now_ms + WATCH_POLL_MS};
    return act;
}

enum watch_act watch_plan_step(struct watch_plan *p, enum watch_event ev,
                               uint64_t now_ms)
{
    if (ev == WATCH_EV_RESET) {
        *p = (struct watch_plan){.state = WATCH_SETTLING,
                                 .first_ms = now_ms,
                                 .due_ms = now_ms,
                                 .all = 1};
        return WATCH_ACT_NONE;
    }
    if (ev == WATCH_EV_STOP)
        *p = (struct watch_plan){0};
    if (p->state == WATCH_OFF)
        return WATCH_ACT_NONE;
    switch (ev) {
    case WATCH_EV_OVERFLOW:
        p->all = 1;
        settle(p, now_ms);
        break;
    case WATCH_EV_CHANGE:
        settle(p, now_ms);
        break;
    case WATCH_EV_TIME:
        return on_time(p, now_ms);
    case WATCH_EV_BLOCKED:
        again(p, now_ms + WATCH_AGAIN_MS);
        break;
    case WATCH_EV_BUSY:
        again(p, now_ms + WATCH_BUSY_MS);
        break;
    case WATCH_EV_RESET:
    case WATCH_EV_STOP:
    case WATCH_EVENTS_:
        break;
    }
    return WATCH_ACT_NONE;
}
