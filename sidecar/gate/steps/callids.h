#ifndef SIDECAR_GATE_STEPS_CALLIDS_H
#define SIDECAR_GATE_STEPS_CALLIDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/msg/code.h"
#include "proto/wire/limits.h"
#include "sidecar/gate/uses/ledger.h"

/*
 * Call ids are unique per grant, across sessions: the same id with the same
 * content is a retry and gets the recorded outcome, with other content it is
 * refused (delegation format, sections 5.7 and 14). Pure; memory of the gate,
 * so a restart forgets, and sessions end with it.
 *
 * At most TS_CALL_IDS_MAX ids per grant; the oldest finished one makes room. A
 * grant is remembered until it expires, whoever is connected; when there are
 * too many, the oldest one without a session, a budget and counters makes room.
 */
#define GRANTS_MAX 4096
/* Of these, for tenants that have fewer of the others than that many. */
#define GRANTS_RESERVED 512

struct call_outcome { /* what a retry is told */
    enum verdict verdict;
    enum call_code code;
    uint8_t decision_id[16];
    enum end_reason reason; /* below: only of a permit */
    enum call_code result_code;
    uint32_t exit_code, signal;
    uint64_t stdout_bytes, stderr_bytes, wall_us;
    uint32_t flags; /* result_flags */
    uint32_t ref;   /* of its output, "call-N"; 0: none */
};

struct call_key {
    uint8_t id[16];
    uint64_t hash;   /* keyed, of id: the agent chooses ids */
    uint64_t digest; /* keyed, of everything that makes the call what it is */
};

enum call_id_found {
    CALL_ID_OTHER = 0, /* known, with other content: refuse */
    CALL_ID_RUNNING,   /* same content, no outcome yet */
    CALL_ID_FINISHED,  /* same content, *ret_outcome is valid */
    CALL_ID_NEW
};

struct grant_calls;

struct call_ids {
    struct grant_calls **grants; /* owned, GRANTS_MAX */
    uint32_t used;
    uint64_t forgot_s; /* when ids made room last; a grant that was issued by
                          then may have had some. 0: never */
};

TS_NODISCARD ts_err call_ids_init(struct call_ids *t);
void call_ids_done(struct call_ids *t);

/* The table of one grant, made if new, held until grant_calls_close().
 * expires_s is the root's exp: links may end earlier, the grant does not.
 * TS_E_LIMIT: GRANTS_MAX unexpired grants with a session or a budget. */
TS_NODISCARD ts_err call_ids_open(struct call_ids *t, struct ts_str tenant,
                                  const uint8_t grant_id[16],
                                  uint64_t expires_s, uint64_t now_s,
                                  struct grant_calls **ret);
/* May this grant come? One tenant alone cannot take all places. Asked of
 * sessions, not of what a journal gives back. */
bool call_ids_has_place(struct call_ids *t, struct ts_str tenant,
                        const uint8_t grant_id[16], uint64_t now_s);
void grant_calls_close(struct grant_calls *g);
void grant_calls_hold(struct grant_calls *g);

/* *ret_outcome borrows until the next grant_calls_add(). */
enum call_id_found grant_calls_find(const struct grant_calls *g,
                                    const struct call_key *key,
                                    const struct call_outcome **ret_outcome);
/* Adds a running call; *ret_slot names it until grant_calls_finish().
 * TS_E_LIMIT: the table is full of running calls. key must be new. */
TS_NODISCARD ts_err grant_calls_add(struct grant_calls *g,
                                    const struct call_key *key,
                                    uint16_t *ret_slot);
/* A call that was denied is decided again and runs this time: its entry is
 * running once more. TS_E_STATE unless it is finished and was no permit. */
TS_NODISCARD ts_err grant_calls_rerun(struct grant_calls *g,
                                      const struct call_key *key,
                                      uint16_t *ret_slot);
void grant_calls_finish(struct grant_calls *g, uint16_t slot,
                        const struct call_outcome *outcome);
uint32_t grant_calls_count(const struct grant_calls *g);
/* The counters of the grant, shared by all its sessions and sub-agents; NULL
 * when nothing was ever counted. A grant with counters is remembered until it
 * expires: forgotten, they would begin anew. */
const struct use_ledger *grant_calls_uses(const struct grant_calls *g);
/* The same, made if new. */
TS_NODISCARD ts_err grant_calls_ledger(struct grant_calls *g,
                                       struct use_ledger **ret);
/* Not every id of this table's life is in it any more. */
bool grant_calls_forgot(const struct grant_calls *g);

/*
 * The budget of a grant (max_calls of its root; 0 = unlimited), shared by all
 * its sessions and sub-agents. Calls are reserved in the journal in blocks of
 * GRANT_RESERVE before they start, and a restart begins at what was reserved:
 * it can lose the unused rest of one block, never give a call twice (delegation
 * format, section 13).
 */
#define GRANT_RESERVE 16u

/* Calls that may still start. */
uint64_t grant_calls_left(const struct grant_calls *g, uint64_t max);
/* The total that the journal must hold before the next call may start; 0 when
 * it does already, or when none may start. */
uint64_t grant_calls_to_reserve(const struct grant_calls *g, uint64_t max);
/* The journal holds total: just written, or replayed at start (then all of it
 * counts as used). */
void grant_calls_reserved(struct grant_calls *g, uint64_t total);
void grant_calls_replayed(struct grant_calls *g, uint64_t total);
void grant_calls_spend(struct grant_calls *g);

#endif
