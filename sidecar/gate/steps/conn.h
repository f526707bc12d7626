#ifndef SIDECAR_GATE_STEPS_CONN_H
#define SIDECAR_GATE_STEPS_CONN_H

#include <stdbool.h>

#include "proto/msg/code.h"

/*
 * One agent connection as a pure state machine: no sockets, no clock, no
 * libuv. The shell turns frames and callbacks into events and effects into
 * calls; it decides nothing itself. docs/GATE.md draws this.
 *
 *   ACCEPTED --admitted--> HELLO_SENT --auth--> VERIFYING --ok--> READY
 *   READY --revoked | expired | surrendered | stop--> DRAINING --empty-->
 *   CLOSING      any state --anything unlisted--> CLOSING, calls killed
 */
enum conn_state {
    CONN_ACCEPTED = 0, /* waits for nothing: the admission checks follow */
    CONN_HELLO_SENT,   /* waits for AUTH, TS_HANDSHAKE_MS */
    CONN_VERIFYING,    /* within one loop turn, or a turn of a full budget */
    CONN_READY,        /* waits for frames, TS_IDLE_MS without a call */
    CONN_DRAINING,     /* authority is gone, calls are being killed; nothing
                          is read; waits for results and the output queue */
    CONN_CLOSING,      /* final: late callbacks are ignored */
    CONN_STATE_COUNT_
};

enum conn_event {
    CONN_EV_ADMITTED,
    CONN_EV_AUTH,
    CONN_EV_AUTH_OK,
    CONN_EV_AUTH_FAILED,
    CONN_EV_NOT_READY, /* no directory of the tenant, or no clock to believe */
    CONN_EV_PING,
    CONN_EV_CALL,
    CONN_EV_CHECK,
    CONN_EV_STDIN,
    CONN_EV_CANCEL,
    CONN_EV_TOOLS,
    CONN_EV_TASK_END,
    CONN_EV_REVOKE,
    CONN_EV_ORIGIN,
    CONN_EV_SURRENDERED, /* TASK_END was accepted */
    CONN_EV_LIMITED,     /* too many revocations of one holder */
    CONN_EV_BAD_FRAME,   /* malformed, oversized, unknown type, seq gap */
    CONN_EV_FOREIGN,     /* a descriptor or another uid's bytes arrived */
    CONN_EV_EOF,         /* the peer closed or its socket failed */
    CONN_EV_PEER_EXITED, /* its pidfd became readable */
    CONN_EV_REVOKED,     /* also: trust removed by a reload */
    CONN_EV_EXPIRED,
    CONN_EV_TIMEOUT,     /* handshake, idle, or output that nobody takes */
    CONN_EV_STOP,        /* the service ends */
    CONN_EV_UNAVAILABLE, /* nothing can be recorded */
    CONN_EV_EMPTY,       /* no call left and every byte sent */
    CONN_EV_FAULT,       /* out of memory, queue limit: ours */
    CONN_EVENT_COUNT_
};

enum conn_effect {
    CONN_DO_NOTHING = 0,
    CONN_DO_HELLO,
    CONN_DO_VERIFY,
    CONN_DO_WELCOME,
    CONN_DO_ECHO,
    CONN_DO_CALL,
    CONN_DO_CHECK,
    CONN_DO_STDIN,
    CONN_DO_CANCEL,
    CONN_DO_TOOLS,
    CONN_DO_TASK_END,
    CONN_DO_REVOKE,
    CONN_DO_ORIGIN,
    CONN_DO_DRAIN,  /* kill every call with conn.reason, then EMPTY */
    CONN_DO_REFUSE, /* ERROR(conn.code), one attempt to send, close */
    CONN_DO_CLOSE   /* kill every call with conn.reason, close */
};

struct conn { /* zeroed is a fresh connection */
    enum conn_state state;
    enum call_code code;    /* what the closing ERROR says */
    enum end_reason reason; /* what the killed calls are recorded with */
};

enum conn_effect conn_step(struct conn *c, enum conn_event ev);

/* May frames of this connection be parsed now? */
bool conn_reads(const struct conn *c);

#endif
