#ifndef SIDECAR_GATE_USES_RESERVATION_H
#define SIDECAR_GATE_USES_RESERVATION_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/msg/code.h"
#include "sidecar/gate/uses/ledger.h"

/*
 * What one call takes from the counters: taken when it is permitted, before its
 * launch is written, so that two calls in flight never share the last one. It
 * is given back when nothing was done: the launch could not be written, the
 * launcher refused, or the tool itself ended and said that it failed. Whatever
 * stops a tool from outside (a cancel, a limit, a revocation, a signal) leaves
 * open what it had done by then, and the agent could choose the moment: it
 * counts.
 */
#define USE_TAKES_MAX 16 /* counters of one call */

struct use_take {
    uint8_t id[USE_ID];
    uint64_t amount;
    bool is_first; /* see use_ledger_take() */
};

enum use_state {
    USE_IDLE = 0, /* nothing taken */
    USE_HELD,     /* taken; the call is in flight */
    USE_COUNTED,  /* for good */
    USE_RETURNED,
    USE_STATE_COUNT_
};
enum use_event {
    USE_EV_TAKE = 0,
    USE_EV_NOT_LAUNCHED, /* no order was written */
    USE_EV_REFUSED,      /* by the launcher, or by the recorder before it */
    USE_EV_SUCCEEDED,
    USE_EV_FAILED,  /* the tool ended by itself and said so */
    USE_EV_STOPPED, /* it may have done something */
    USE_EVENT_COUNT_
};
enum use_effect {
    USE_DO_NOTHING = 0,
    USE_DO_TAKE,
    USE_DO_RETURN
};

/* Pure: a pair that cannot be leaves the state and does nothing, so nothing is
 * given back twice. */
enum use_effect use_step(enum use_state *state, enum use_event ev);
/* How a run has ended; failed_counts: its manifest says so (docs/TOOLS.md). */
enum use_event use_event_of(enum end_reason reason, uint32_t exit_code,
                            uint32_t signal, bool failed_counts);

struct use_reservation { /* zeroed is valid */
    enum use_state state;
    uint32_t count;
    struct {
        uint32_t place;
        uint64_t amount;
    } taken[USE_TAKES_MAX];
};

/* All or nothing; TS_E_LIMIT as use_ledger_take(). */
TS_NODISCARD ts_err use_reserve(struct use_reservation *r, struct use_ledger *l,
                                const struct use_take *takes, uint32_t count);
/* True when something was given back. */
bool use_end(struct use_reservation *r, struct use_ledger *l,
             enum use_event ev);

#endif
