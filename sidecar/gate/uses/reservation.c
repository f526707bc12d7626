#include "sidecar/gate/uses/reservation.h"

enum use_effect use_step(enum use_state *state, enum use_event ev)
{
    if (*state == USE_IDLE && ev == USE_EV_TAKE) {
        *state = USE_HELD;
        return USE_DO_TAKE;
    }
    if (*state != USE_HELD)
        return USE_DO_NOTHING;
    switch (ev) {
    case USE_EV_NOT_LAUNCHED:
    case USE_EV_REFUSED:
    case USE_EV_FAILED:
        *state = USE_RETURNED;
        return USE_DO_RETURN;
    case USE_EV_SUCCEEDED:
    case USE_EV_STOPPED:
        *state = USE_COUNTED;
        break;
    case USE_EV_TAKE:
    case USE_EVENT_COUNT_:
        break;
    }
    return USE_DO_NOTHING;
}

enum use_event use_event_of(enum end_reason reason, uint32_t exit_code,
                            uint32_t signal, bool failed_counts)
{
    if (reason == END_REFUSED)
        return USE_EV_REFUSED;
    if (reason != END_EXITED || signal != 0)
        return USE_EV_STOPPED;
    if (exit_code == 0)
        return USE_EV_SUCCEEDED;
    return failed_counts ? USE_EV_STOPPED : USE_EV_FAILED;
}

static void give_back(struct use_reservation *r, struct use_ledger *l)
{
    while (r->count > 0) {
        r->count--;
        use_ledger_give_back(l, r->taken[r->count].place,
                             r->taken[r->count].amount);
    }
}

ts_err use_reserve(struct use_reservation *r, struct use_ledger *l,
                   const struct use_take *takes, uint32_t count)
{
    if (count == 0)
        return TS_OK;
    if (count > USE_TAKES_MAX)
        return TS_E_LIMIT;
    if (use_step(&r->state, USE_EV_TAKE) != USE_DO_TAKE)
        return TS_E_STATE;
    for (uint32_t i = 0; i < count; i++) {
        ts_err e = use_ledger_take(l, takes[i].id, takes[i].amount,
                                   takes[i].is_first, &r->taken[i].place);

        if (e != TS_OK) {
            give_back(r, l);
            r->state = USE_IDLE;
            return e;
        }
        r->taken[i].amount = takes[i].amount;
        r->count++;
    }
    return TS_OK;
}

bool use_end(struct use_reservation *r, struct use_ledger *l, enum use_event ev)
{
    if (use_step(&r->state, ev) != USE_DO_RETURN)
        return false;
    give_back(r, l);
    return true;
}
