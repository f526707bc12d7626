#ifndef SIDECAR_LAUNCHER_WIRE_STDIO_BACK_H
#define SIDECAR_LAUNCHER_WIRE_STDIO_BACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/msg/order.h"

/*
 * The only sender to the gate: STARTED with the gate's ends of the pipes,
 * REFUSED, EXITED, BARRIER, UNSERVED. A gate that does not read is waited for
 * by not reading orders (back_is_busy()), never by blocking: kills by deadline
 * must go on.
 */
#define BACK_SLOTS 256
#define BACK_BYTES (512 + TS_TRIPWIRES_MAX)
#define BACK_FDS   3

struct back_message {
    uint8_t bytes[BACK_BYTES];
    size_t len;
    int fds[BACK_FDS]; /* owned until sent */
    int fd_count;
};

struct back {
    int sock; /* borrowed; O_NONBLOCK */
    uint32_t first, count;
    struct back_message slot[BACK_SLOTS];
};

void back_init(struct back *b, int sock);
bool back_is_busy(const struct back *b);

/* Each queues, then sends what it can. TS_E_CLOSED: the gate is gone. The
 * descriptors are taken over in any case. */
TS_NODISCARD ts_err back_started(struct back *b, const struct order_started *m,
                                 int fds[BACK_FDS]);
TS_NODISCARD ts_err back_refused(struct back *b, const struct order_refused *m);
TS_NODISCARD ts_err back_exited(struct back *b, const struct order_exited *m);
TS_NODISCARD ts_err back_unserved(struct back *b,
                                  const struct order_unserved *m);
TS_NODISCARD ts_err back_barrier(struct back *b, const struct order_barrier *m);
TS_NODISCARD ts_err back_flush(struct back *b);

#endif
