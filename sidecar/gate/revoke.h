#ifndef SIDECAR_GATE_REVOKE_H
#define SIDECAR_GATE_REVOKE_H

#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/gate/gate.h"
#include "sidecar/common/revocation_entry.h"

/*
 * A revocation, in one loop turn: into the table, into the ring for the
 * journal, a record, a kill for every tool that ran on it, sessions drained,
 * and a barrier behind all of that. When the barrier is back from every
 * launcher the operator is acknowledged: nothing starts on that authority any
 * more and everything that ran on it was signalled. When the last of those was
 * reaped he is told that too.
 *
 * Kills follow launches through the same ring, so none can be overtaken.
 */

/* r's rev_seq and unix_ms are set here. asker: who gets ACK and COMPLETE; NULL
 * for nobody. TS_E_AGAIN: nothing was done, try again; TS_E_STATE: nothing can
 * be recorded; TS_E_LIMIT: the table is full; TS_E_INVALID: bad target. */
TS_NODISCARD ts_err revoke_apply(struct gate *g,
                                 const struct revocation_entry *r,
                                 const char *by, uint32_t by_uid,
                                 struct admin *asker);

/* Replays what the recorder kept. TS_E_FORMAT: the journal cannot be trusted;
 * reterr_what (static text) says where. */
TS_NODISCARD ts_err revoke_replay(struct gate *g, int journal_fd,
                                  const char **reterr_what);

void revoke_barrier_back(struct gate *g, uint64_t id);
/* Ends the gate when a barrier does not come back in time: a kill that nobody
 * confirms must not look like one that is under way. */
void revoke_sweep(struct gate *g);
void revoke_run_gone(struct gate *g, uint32_t jobs); /* bits */
void revoke_asker_gone(struct gate *g, const struct admin *a);
/* Barriers that did not fit into the ring; only when all kills are in it. */
void revoke_retry(struct gate *g);

#endif
