#ifndef SIDECAR_GATE_USES_IN_H
#define SIDECAR_GATE_USES_IN_H

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/gate/gate.h"
#include "sidecar/gate/uses/journal.h"
#include "sidecar/gate/uses/reservation.h"
#include "sidecar/gate/wire/conn_uv.h"

/*
 * Counters between a decision and the end of its run: reserved before the
 * launch is written, with an entry of the journal in front of it, and given
 * back when the call came to nothing.
 */
struct decision;
struct run;

/* May a call of this session be counted? Then its launch needs room for an
 * entry more. */
bool uses_may_count(const struct client *c);
/* Reserves what d takes. *ret_has_entry: ret is the entry to write in front of
 * the launch; its payload is in payload. TS_E_LIMIT: no room to count. */
TS_NODISCARD ts_err uses_taken(struct client *c, const struct decision *d,
                               struct use_reservation *r,
                               uint8_t payload[USE_PAYLOAD_MAX],
                               struct ring_journal *ret, bool *ret_has_entry);
/* The launch was not written. */
void uses_not_launched(struct client *c, struct use_reservation *r);
/* The run has ended, as r->reason and r->exited say. */
void uses_ended(struct run *r);
/* Of the journal at start. */
TS_NODISCARD ts_err uses_replayed(struct gate *g, struct ts_bytes payload,
                                  const char **reterr_what);

#endif
