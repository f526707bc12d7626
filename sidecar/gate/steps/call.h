#ifndef SIDECAR_GATE_STEPS_CALL_H
#define SIDECAR_GATE_STEPS_CALL_H

#include <stdbool.h>

#include "proto/msg/code.h"

/*
 * The life of one permitted call, pure. Two kinds of events: what a stranger
 * or an operator can cause is legal in every state; what the launcher says
 * must fit, and when it does not the gate itself stops (CALL_DO_PANIC), since
 * a launcher that breaks its protocol cannot be trusted to kill anything.
 *
 *   DECIDED --permit--> LAUNCHING ----started----> RUNNING ----exited---->
 * ENDING ^ |  |               |     | kill                | kill | | |  | deny
 * refused |     v                     v                       | | |  v |
 * STOPPING_EARLY -started-> STOPPING --exited-> ENDING | | DONE
 * <-----------+-----+ refused                                both | |  ^ pipes
 * ended, or a | pend| hold over, question ended, agent gone bound: to DONE | v
 * | WAITING
 *
 * A call that people are asked about and whose agent waits for them is WAITING;
 * when they have said yes it is decided again as a whole. Whether it waits or
 * not, the question is a thing of its own (approve/tickets.h).
 */
enum call_state {
    CALL_DECIDED = 0,
    CALL_LAUNCHING,      /* order in the ring; waits for the launcher */
    CALL_STOPPING_EARLY, /* killed before it started; waits for the launcher */
    CALL_RUNNING,        /* waits for the tool; bounded by its wall limit */
    CALL_STOPPING,       /* killed; waits for the launcher's EXITED */
    CALL_ENDING,         /* exited; pipes are emptied, at most TS_PIPE_DRAIN_MS
                            after the agent could take more */
    CALL_WAITING,        /* for people; bounded by its hold */
    CALL_DONE,           /* final */
    CALL_STATE_COUNT_
};

enum call_event {
    CALL_EV_PERMIT,
    CALL_EV_DENY,
    CALL_EV_STARTED,
    CALL_EV_REFUSED,
    CALL_EV_EXITED,
    CALL_EV_STDOUT_EOF,
    CALL_EV_STDERR_EOF,
    CALL_EV_DRAIN_OVER, /* the bound after EXITED ran out */
    CALL_EV_CANCEL,
    CALL_EV_DISCONNECT,
    CALL_EV_REVOKE,
    CALL_EV_EXPIRE,
    CALL_EV_OUTPUT_CAP,
    CALL_EV_SHUTDOWN,
    CALL_EV_PEND,       /* people were asked, and the agent waits */
    CALL_EV_QUORUM,     /* enough of them said yes */
    CALL_EV_TICKET_END, /* the question has ended, whyever */
    CALL_EV_HOLD_OVER,  /* the agent wanted to wait no longer */
    CALL_EVENT_COUNT_
};

enum call_effect {
    CALL_DO_NOTHING = 0,
    CALL_DO_LAUNCH,   /* record and order into the ring, wake */
    CALL_DO_DENY,     /* record into the ring, DECISION */
    CALL_DO_STARTED,  /* DECISION(permit), read the pipes */
    CALL_DO_REFUSED,  /* outcome record, RESULT(refused, code) */
    CALL_DO_KILL,     /* KILL into the ring, wake */
    CALL_DO_DRAIN,    /* start the bound */
    CALL_DO_FINISH,   /* outcome record, RESULT */
    CALL_DO_HOLD,     /* keep it: DECISION(pending) was sent */
    CALL_DO_DECIDE,   /* all of it again; PERMIT, DENY or PEND comes next */
    CALL_DO_REPEAT,   /* DECISION(pending) again, as the last word */
    CALL_DO_TELL,     /* DECISION(deny): nothing can come of it any more */
    CALL_DO_WITHDRAW, /* end the question; TICKET_END follows */
    CALL_DO_PANIC     /* the launcher broke the protocol: stop the gate */
};

struct call { /* zeroed is a call that was just decided */
    enum call_state state;
    bool stdout_eof;
    bool stderr_eof;
    enum end_reason reason; /* of the first kill; END_EXITED while none */
};

enum call_effect call_step(struct call *c, enum call_event ev);

/* The kill event that stands for a reason. */
enum call_event call_event_of(enum end_reason reason);

#endif
