#ifndef SIDECAR_GATE_REVOCATION_REVOKE_H
#define SIDECAR_GATE_REVOCATION_REVOKE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/trust/revocation.h"
#include "sidecar/gate/gate.h"

/*
 * A revocation, in one loop turn: into the table, into the ring for the
 * journal, a record, a kill for every tool that ran on it, sessions drained,
 * and a barrier behind all of that. When the barrier is back from every
 * launcher the operator is acknowledged: nothing starts on that authority any
 * more and everything that ran on it was signalled. When the last of those was
 * reaped he is told that too.
 *
 * Kills follow launches through the same ring, so none can be overtaken.
 *
 * Who may ask for it was settled before: revoke_signed.c.
 */
struct revoke_request { /* all borrowed */
    enum revocation_kind kind;
    struct ts_str tenant;
    struct ts_bytes target;
    uint64_t cutoff;     /* 0 for the kinds that are revoked by id */
    uint64_t keep_until; /* unix seconds */
    struct ts_str reason;
    const char *by; /* "operator", "session", "holder", "directory",
                       "signer", "escalation" */
    uint32_t by_uid;
    const uint8_t *signer; /* TRUST_KID_LEN, of who signed it; NULL: nobody */
};

/* Whether the next call of revoke_apply() could do it at once: TS_OK,
 * TS_E_AGAIN (the ring or the table of jobs is full), TS_E_STATE (nothing can
 * be recorded). from_operator: holders and feeds leave room for operators. */
TS_NODISCARD ts_err revoke_ready(struct gate *g, bool from_operator);

/*
 * Merged with what is known: an entry never becomes narrower, and one that says
 * nothing new is acknowledged and changes nothing. If the table is full the
 * tenant decides nothing any more (stale_state), which revokes more and not
 * less. TS_E_AGAIN: nothing was done, try again; TS_E_STATE: nothing can be
 * recorded; TS_E_INVALID: bad target; TS_E_NOMEM.
 */
TS_NODISCARD ts_err revoke_apply(struct gate *g, const struct revoke_request *q,
                                 struct revoke_asker asker);
/* The same without the walk over sessions and without an answer: for many at
 * once, with one revoke_settle() behind them. *ret_new: it said something. */
TS_NODISCARD ts_err revoke_enter(struct gate *g, const struct revoke_request *q,
                                 bool *ret_new);
/* Looks at every session and tool, and answers asker behind a barrier. Only
 * after revoke_ready() in the same turn. */
void revoke_settle(struct gate *g, struct revoke_asker asker);

void revoke_barrier_back(struct gate *g, uint64_t id);
/* Ends the gate when a barrier does not come back in time: a kill that nobody
 * confirms must not look like one that is under way. */
void revoke_sweep(struct gate *g);
void revoke_run_gone(struct gate *g, uint32_t jobs); /* bits */
void revoke_admin_gone(struct gate *g, const struct admin *a);
void revoke_client_gone(struct gate *g, const struct client *c);
/* Barriers that did not fit into the ring; only when all kills are in it. */
void revoke_retry(struct gate *g);

/* For what waits for people: was it revoked since it was made (unix seconds)?
 * approver: by the person's id; decision and escalation: 16 bytes. */
bool revoked_approver(const struct gate *g, struct ts_str tenant,
                      struct ts_str person, uint64_t signed_at);
bool revoked_escalation(const struct gate *g, struct ts_str tenant,
                        const uint8_t id[16]);
bool revoked_decision(const struct gate *g, struct ts_str tenant,
                      const uint8_t id[16]);
bool revoked_session(const struct gate *g, struct ts_str tenant,
                     const uint8_t id[16]);

#endif
