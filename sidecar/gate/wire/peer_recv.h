#ifndef SIDECAR_GATE_WIRE_PEER_RECV_H
#define SIDECAR_GATE_WIRE_PEER_RECV_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"

/*
 * Reading from a peer of whom we know the uid. The socket has SO_PASSCRED, so
 * the kernel says with every read who wrote the bytes: a connection handed to
 * a process of another uid is noticed at its first message. Descriptors are
 * never wanted; each one that arrives is closed.
 *
 * TS_E_DENIED: descriptors came, or the bytes are another uid's. TS_E_CLOSED:
 * end of stream. TS_E_AGAIN: nothing there.
 */
TS_NODISCARD ts_err peer_recv(int fd, uint32_t uid, void *buf, size_t cap,
                              size_t *ret_len);

/* Options of a listening or connected socket. TS_E_SYSTEM: without credentials
 * no peer can be trusted. Where the kernel can refuse descriptors by itself
 * (6.16), it is asked to. */
TS_NODISCARD ts_err peer_socket_options(int fd);

/* Receives one datagram with at most want descriptors into fds; the rest of
 * fds is set to -1. TS_E_LIMIT (and nothing stays open): more came, or the
 * datagram was longer than cap. */
TS_NODISCARD ts_err peer_recv_fds(int sock, void *buf, size_t cap, int *fds,
                                  size_t want, size_t *ret_len,
                                  size_t *ret_fds);

#endif
