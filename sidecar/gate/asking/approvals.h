#ifndef SIDECAR_GATE_ASKING_APPROVALS_H
#define SIDECAR_GATE_ASKING_APPROVALS_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/msg/admin.h"
#include "proto/msg/order.h"
#include "sidecar/gate/approve/tickets.h"
#include "sidecar/gate/decide/decide.h"
#include "sidecar/gate/gate.h"
#include "sidecar/gate/steps/approval_journal.h"
#include "sidecar/gate/wire/conn_uv.h"

/*
 * Calls that people are asked about (docs/APPROVALS.md): the question made from
 * a decision and put into the table of tickets, people's answers, every end of
 * a question with its record, and the calls whose agents wait.
 *
 * Level-triggered: whatever changes a ticket only marks it, and
 * approvals_run() looks at all that wait, writes what is to be written and
 * tells who is to be told. What does not fit into the ring is tried again. A
 * ticket that has ended is found by nobody from that moment on, whether or not
 * its record has room yet.
 */
#define HELD_MAX        1024u
#define HELD_PER_TICKET 4u
#define HELD_BYTES      (32u << 20) /* of all calls that are held */

TS_NODISCARD ts_err approvals_new(struct approvals **ret);
void approvals_free(struct approvals *a); /* NULL is fine */

/* ---- for a call that is being decided (calls.c) ------------------------- */

struct approvals_call { /* of one decision; g set, the rest zero */
    struct gate *g;
    enum ticket_asked how; /* 0: nobody was asked */
    struct pending *asked; /* of NEW, SAME and GRANTED */
    struct ts_str people[TICKET_PEOPLE_MAX];
    struct endorse_told told[ENDORSE_TOLD_MAX];
};
/* decide_people.ask; ctx is a struct approvals_call. Writes nothing into the
 * ring, since a decision is under way there. */
void approvals_ask(void *ctx, const struct people_question *q,
                   struct people_answer *ret);
/* The call needs room for two entries: some question has its yes. */
bool approvals_may_launch(const struct gate *g);
/* Who approved x's call, for the ring, in front of the launch of d. payload has
 * APPROVAL_PAYLOAD_MAX bytes and must outlive *ret. */
TS_NODISCARD ts_err approvals_entry(const struct approvals_call *x,
                                    const struct decision *d, uint8_t *payload,
                                    struct ring_journal *ret);
/* The launch is in the ring. */
void approvals_taken(struct approvals_call *x);
/* d was launched: its grant does nothing of it for the first time any more. */
void approvals_ran(struct gate *g, const struct delegation *of,
                   const struct decision *d);
/* The record of d is in the ring, or could not be written (d NULL). */
void approvals_decided(struct approvals_call *x, const struct decision *d);

/* ---- calls that are held (held.c) --------------------------------------- */

/* Keeps a copy of the CALL; false: no room, so its hold is over at once. */
bool held_add(struct client *c, uint64_t seq, struct ts_bytes body,
              uint32_t hold_ms, struct pending *p);
void held_on_cancel(struct client *c, uint64_t seq);
/* The connection takes no more calls (they are told why), or is gone. */
void held_let_go(struct client *c, enum end_reason reason);
void held_detach(struct client *c);
void held_stop(struct gate *g); /* all of them: the service ends */

/* ---- people and operators ------------------------------------------------ */

/* What the answer of a person came to, for ANSWERED: borrowed static texts, but
 * code, which is in small letters in code_buf. TS_E_AGAIN: the ring is full,
 * nothing was done. */
struct approvals_reply {
    struct admin_answered m;
    char code_buf[TS_CODE_MAX];
};
TS_NODISCARD ts_err approvals_answer(struct gate *g, uint32_t uid,
                                     struct ts_bytes answer,
                                     struct approvals_reply *ret);
/* After revocations, directories, rules: ends what rests on what has gone;
 * returns how many questions that were. */
uint64_t approvals_recheck(struct gate *g);
/* Time passes. */
void approvals_sweep(struct gate *g);
/* What a ticket was decided on: both parts only grow while this gate lives, and
 * no ticket outlives it, so their sum names them. */
uint64_t approvals_epoch(const struct gate *g, const struct snapshot_tenant *t);
/* What the ring had no room for. */
void approvals_run(struct gate *g);

uint32_t approvals_waiting(const struct gate *g);
uint32_t approvals_held(const struct gate *g);

#endif
