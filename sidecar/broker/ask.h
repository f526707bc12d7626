#ifndef SIDECAR_BROKER_ASK_H
#define SIDECAR_BROKER_ASK_H

#include "sidecar/broker/grant.h"

/*
 * EGRESS_BROKER: the tool asks on its channel (proto/msg/egress.h, ASK), and
 * the stream that it sent along is joined to the host. A message that cannot be
 * read ends the channel: no further connection is made, those that are open go
 * on.
 */
extern const struct grant_mode ask_mode;

#endif
