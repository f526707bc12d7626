#ifndef PROTO_BASE_TS_FD_H
#define PROTO_BASE_TS_FD_H

#include <stddef.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"

/* An owned descriptor starts at -1 and ends here; the variable is reset. */
void ts_fd_close(int *fd);

/*
 * Receives one datagram carrying at most one descriptor. On TS_OK *ret_fd is
 * the caller's to close, or -1 if none came. More than one descriptor, or a
 * message larger than cap, is TS_E_LIMIT and nothing stays open.
 */
TS_NODISCARD ts_err ts_fd_recv(int sock, void *buf, size_t cap, size_t *ret_len,
                               int *ret_fd);

#endif
