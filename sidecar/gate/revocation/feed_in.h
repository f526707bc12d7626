#ifndef SIDECAR_GATE_REVOCATION_FEED_IN_H
#define SIDECAR_GATE_REVOCATION_FEED_IN_H

#include "sidecar/common/control/control.h"
#include "sidecar/gate/gate.h"

/*
 * Files of directories that the supervisor saw change: mapped, offered to
 * feed.c, and kept while the ring has no room. A newer file of the same tenant
 * and kind takes the place of one that waits.
 */
/* Takes fd over. */
void feed_in_take(struct gate *g, const struct control_feed *f, int fd);
void feed_in_retry(struct gate *g);
void feed_in_close(struct gate *g);

#endif
