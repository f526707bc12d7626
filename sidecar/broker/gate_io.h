#ifndef SIDECAR_BROKER_GATE_IO_H
#define SIDECAR_BROKER_GATE_IO_H

#include <stdbool.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/msg/egress.h"

/*
 * The channel to the gate, which writes the records. Nothing is lost: what the
 * gate does not take at once is queued, and while much is queued nobody dials
 * (gate_is_busy()). When the gate goes, the broker goes: what it opens could
 * not be written down any more.
 */
struct broker;

#define GATE_QUEUE_MAX  (8u << 20) /* bytes */
#define GATE_QUEUE_BUSY (1u << 20)

TS_NODISCARD ts_err gate_io_start(struct broker *b);
void gate_io_close(struct broker *b);
bool gate_is_busy(const struct broker *b);

/* Each sends or queues; failing ends the broker. */
void gate_say_opened(struct broker *b, const struct egress_opened *m);
void gate_say_denied(struct broker *b, const struct egress_denied *m);
void gate_say_closed(struct broker *b, const struct egress_closed *m);

#endif
