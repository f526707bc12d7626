#ifndef SIDECAR_RECORDER_ORDER_ON_H
#define SIDECAR_RECORDER_ORDER_ON_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/msg/order.h"

/*
 * The only place of the whole service that sends to a launcher. Called after
 * the record of what is sent is as durable as the settings ask.
 */
struct order_on {
    int fds[TS_LAUNCHERS_MAX]; /* borrowed; -1 once the launcher is gone */
    uint32_t count;
};

/* TS_E_CLOSED: the launcher is gone (its orders die with it, the gate and the
 * supervisor see it for themselves). TS_E_AGAIN: it takes nothing any more. */
TS_NODISCARD ts_err order_on_send(struct order_on *o, uint32_t launcher,
                                  enum hop_type type, const void *body,
                                  size_t len);

#endif
