#ifndef SHIM_SESSION_H
#define SHIM_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/msg/client.h"
#include "proto/trust/handshake.h"
#include "proto/trust/keys.h"
#include "shim/credentials.h"
#include "shim/link.h"
#include "shim/tipstaff.h"

/* One call under way, as far as the shim can know. */
enum flight_state {
    FLIGHT_FREE = 0,
    FLIGHT_ASKED,    /* CALL queued, no DECISION yet */
    FLIGHT_WAITING,  /* for people: another DECISION comes */
    FLIGHT_PERMITTED /* OUTPUT, WINDOW and RESULT may come */
};

struct flight {
    enum flight_state state;
    uint64_t seq;
    bool held;       /* the CALL said that it waits */
    bool shown;      /* OUTPUT came */
    bool kept;       /* KEPT came */
    bool input;      /* CALL_HAS_STDIN, and eof was not sent yet */
    uint32_t credit; /* bytes of stdin that may be sent */
};

struct tipstaff {
    struct link link;
    uint64_t next_seq;
    struct flight flight[TIPSTAFF_IN_FLIGHT_MAX];
    unsigned flying;
    uint64_t max_body;    /* bytes that this sidecar accepts in one frame */
    bool lost;            /* final */
    bool is_root;         /* this holder may end the task */
    uint8_t grant_id[16]; /* of the session's chain */
    uint8_t session_id[HANDSHAKE_SESSION_LEN];
    struct trust_secret signer; /* owned; empty unless calls are signed */
    char text[TIPSTAFF_MESSAGE_MAX];
    char advice[TS_MESSAGE_TEXT_MAX + 256]; /* what an event's text borrows */
};

/* handshake.c: HELLO, AUTH, WELCOME on a fresh connection. Any failure has its
 * sentence in t->text. */
TS_NODISCARD enum tipstaff_status session_handshake(struct tipstaff *t,
                                                    const struct credentials *c,
                                                    int64_t deadline);

/* Notes the sentence and returns status; a lost session stays lost. */
TS_PRINTF(3, 4)
enum tipstaff_status session_fail(struct tipstaff *t,
                                  enum tipstaff_status status, const char *fmt,
                                  ...);
/* The connection is over: e says how, and the sentence what that means. */
enum tipstaff_status session_lost(struct tipstaff *t, ts_err e);

/* The peer broke the rules: field what of message name. Final. */
enum tipstaff_status session_protocol(struct tipstaff *t, const char *name,
                                      const char *what);
/* An ERROR message of the sidecar. Final. */
enum tipstaff_status session_error(struct tipstaff *t, const struct frame *f);

struct flight *session_flight(struct tipstaff *t, uint64_t seq);

/* Next frame of an exchange that is no call: anything but want (and PING) is
 * a protocol error, ERROR is told. Only while nothing is in flight. */
TS_NODISCARD enum tipstaff_status session_expect(struct tipstaff *t,
                                                 enum client_type want,
                                                 int timeout_ms,
                                                 struct frame *ret);
/* Answers the sidecar's PING. */
TS_NODISCARD enum tipstaff_status session_pong(struct tipstaff *t,
                                               const struct frame *f);
/* Ready for an exchange: not lost, nothing in flight. */
TS_NODISCARD enum tipstaff_status session_idle(struct tipstaff *t);
/* After a *_send() into link.out that began at length before: checks the
 * sidecar's own frame limit, and takes the frame back when it is over. */
TS_NODISCARD enum tipstaff_status session_queued(struct tipstaff *t,
                                                 size_t before, ts_err e);

/* The argument map of a call into out: as given, or built from args. */
struct ts_buf;
TS_NODISCARD enum tipstaff_status session_args(struct tipstaff *t,
                                               const struct tipstaff_call *call,
                                               struct ts_buf *scratch,
                                               struct ts_bytes *ret);
/* traceparent and provenance, checked for what the struct cannot hold. */
TS_NODISCARD enum tipstaff_status
session_labels(struct tipstaff *t, const struct tipstaff_call *call,
               struct ts_str *ret_traceparent, struct ts_str *ret_labels,
               uint32_t *ret_count);

#endif
