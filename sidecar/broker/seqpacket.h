#ifndef SIDECAR_BROKER_SEQPACKET_H
#define SIDECAR_BROKER_SEQPACKET_H

#include <stddef.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"

/*
 * Messages with descriptors, never waiting, whatever flags the socket has: a
 * tool shares those of its ends with us.
 */

/* Exactly want descriptors (at most SEQPACKET_FDS), or TS_E_FORMAT and none
 * stays open. TS_E_AGAIN: nothing there. TS_E_CLOSED: the end. TS_E_LIMIT:
 * longer than cap. ret_fds[0..want) are the caller's. */
#define SEQPACKET_FDS 2
TS_NODISCARD ts_err seqpacket_recv(int sock, void *buf, size_t cap, size_t want,
                                   int *ret_fds, size_t *ret_len);

/* TS_E_AGAIN: no room. TS_E_CLOSED: nobody is there any more. */
TS_NODISCARD ts_err seqpacket_send(int sock, const void *bytes, size_t len);

/* Whether a descriptor from a tool is a connected AF_UNIX socket of this type,
 * the only kind that we read, write and close without waiting. */
TS_NODISCARD ts_err seqpacket_is_unix(int fd, int type);

/* Closes what came from a tool: a TCP socket is cut before, since one that
 * lingers (SO_LINGER) would make close() wait. */
void seqpacket_close_foreign(int *fd);

#endif
