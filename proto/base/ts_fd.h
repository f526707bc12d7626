#ifndef PROTO_BASE_TS_FD_H
#define PROTO_BASE_TS_FD_H

#include <stddef.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"

/* An owned descriptor starts at -1 and ends here; the variable is reset. */
void ts_fd_close(int *fd);

/*
 * Reads until cap bytes are there or the input ends, and writes all of len,
 * however often a signal interrupts. For descriptors that block: TS_E_AGAIN
 * from others leaves it open how much was done. On failure errno is what the
 * system said, and *ret_len is not written.
 */
TS_NODISCARD ts_err ts_fd_read_all(int fd, void *buf, size_t cap,
                                   size_t *ret_len);
TS_NODISCARD ts_err ts_fd_write_all(int fd, const void *p, size_t len);

#endif
