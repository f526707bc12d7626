#ifndef SHIM_LINK_H
#define SHIM_LINK_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"
#include "proto/wire/frame.h"

/*
 * One Unix stream connection and its two bounded queues. Frames go out in as
 * few writes as the kernel allows and come in in as few reads; it knows framing
 * and nothing of what is inside. Never blocks but in link_recv().
 */
struct link {
    int fd; /* owned, -1 when closed */
    struct ts_buf in, out;
    size_t in_use; /* bytes at the front of in that the last frame borrows */
    size_t frame_max;
};

/* A deadline in milliseconds of CLOCK_MONOTONIC; LINK_FOREVER never comes. */
#define LINK_FOREVER INT64_MAX
int64_t link_deadline(int timeout_ms);

void link_init(struct link *l, size_t frame_max);
void link_done(struct link *l);

/* TS_E_NOT_FOUND, TS_E_DENIED, TS_E_CLOSED (nobody listens), TS_E_LIMIT (path
 * too long), TS_E_AGAIN (deadline), TS_E_SYSTEM; *reterr_errno says more. */
TS_NODISCARD ts_err link_connect(struct link *l, const char *path,
                                 int64_t deadline, int *reterr_errno);

/* Writes what is queued, as far as it goes without waiting. TS_E_CLOSED when
 * the other side is gone; what it sent before can still be received. */
TS_NODISCARD ts_err link_flush(struct link *l);

/*
 * The next whole frame, waiting until deadline, sending meanwhile. It borrows
 * until the next call. TS_E_AGAIN: none by then. TS_E_CLOSED, TS_E_LIMIT
 * (longer than frame_max), TS_E_NOMEM, TS_E_SYSTEM end the connection.
 */
TS_NODISCARD ts_err link_recv(struct link *l, int64_t deadline,
                              struct frame *ret);

#endif
