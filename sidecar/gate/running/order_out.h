#ifndef SIDECAR_GATE_RUNNING_ORDER_OUT_H
#define SIDECAR_GATE_RUNNING_ORDER_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/msg/order.h"
#include "sidecar/gate/gate.h"

/*
 * The only file that writes to the ring, so the only way from here to the
 * recorder and, behind it, to the launchers.
 *
 * A decision takes two steps: order_out_begin() gives room for the record in
 * the ring itself, then exactly one of order_out_record() and
 * order_out_launch() sends it. Between the two nothing else of this file may be
 * called; beginning again forgets what was begun.
 */

/* What may be decided now. */
enum order_out_state {
    ORDER_OUT_NOTHING = 0, /* not even a denial can be recorded */
    ORDER_OUT_DENIALS,     /* the disk's reserve is left: no launch */
    ORDER_OUT_ALL
};
enum order_out_state order_out_state(const struct gate *g);

/* TS_E_AGAIN: the ring is full; the frame stays where it is and is tried
 * again. Room for TS_RECORD_MAX bytes. */
TS_NODISCARD ts_err order_out_begin(struct gate *g, uint8_t **ret_record);
void order_out_record(struct gate *g, size_t record_len);
/* After it: false when the recorder was ending in good order meanwhile, with
 * nobody to take its place; then nothing of that record may be told. */
bool order_out_taken(const struct gate *g);
/* A record of at most ORDER_OUT_SMALL bytes, in one step; TS_E_AGAIN as above.
 * After order_out_begin() a dozen of these and of the entries below fit. */
#define ORDER_OUT_SMALL 4096u
TS_NODISCARD ts_err order_out_record_small(struct gate *g,
                                           const uint8_t *record, size_t len);
/* record is what order_out_begin() gave. Wakes the recorder. The entries of
 * before go into the ring in front of it; with any only after
 * order_out_has_room_behind() for as many in the same turn. */
TS_NODISCARD ts_err order_out_launch(struct gate *g, uint32_t launcher,
                                     const uint8_t *record, size_t record_len,
                                     const struct order *o,
                                     const struct ring_journal *before,
                                     uint32_t before_count);
/* A launch behind that many entries. False: not now; the caller waits as for
 * TS_E_AGAIN. */
bool order_out_has_room_behind(const struct gate *g, uint32_t entries);

/* Each is one entry of its own; TS_E_AGAIN as above. */
TS_NODISCARD ts_err order_out_kill(struct gate *g, uint32_t launcher,
                                   uint64_t order_id, enum end_reason reason);
TS_NODISCARD ts_err order_out_journal(struct gate *g,
                                      const struct ring_journal *j);
/* The key of an entry: BLAKE2b-128 of the kind's byte and what it names. */
void order_out_journal_key(uint8_t ret[JOURNAL_KEY_ID], uint8_t kind,
                           struct ts_bytes target);
TS_NODISCARD ts_err order_out_barrier(struct gate *g, uint64_t id);
void order_out_wake(struct gate *g);

#endif
