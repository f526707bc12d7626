#ifndef CLI_ADMIN_SOCKET_H
#define CLI_ADMIN_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_buf.h"
#include "proto/msg/admin.h"
#include "proto/wire/frame.h"

#define ADMIN_SOCKET_DEFAULT "/run/tipstaff/admin/admin.sock"

/* A conversation with the gate over admin.sock. All functions that return bool
 * print their error themselves. */
struct admin_socket {
    int fd;           /* owned; -1 */
    struct ts_buf in; /* bytes received and not yet consumed */
    size_t used;      /* bytes of the frame handed out last */
    bool was_refused; /* FAIL came: it was judged, and nothing was done */
};

bool admin_open(struct admin_socket *s, const char *path);
void admin_close(struct admin_socket *s);
bool admin_send(struct admin_socket *s, const struct ts_buf *out);

enum admin_wait {
    ADMIN_GOT,
    ADMIN_TIMEOUT, /* silent: the caller knows what it waited for */
    ADMIN_BROKEN   /* printed, also the text of a FAIL */
};
/* The next frame, which borrows until the next call. */
enum admin_wait admin_receive(struct admin_socket *s, uint64_t timeout_ms,
                              struct frame *ret);
/* The two answers to a revocation and to a feed: it is in force, and everything
 * that it ended is gone. ADMIN_BROKEN, printed, for anything else. */
enum admin_wait admin_receive_ack(struct admin_socket *s, uint64_t timeout_ms,
                                  struct admin_ack *ret);
enum admin_wait admin_receive_complete(struct admin_socket *s,
                                       uint64_t timeout_ms, uint64_t rev_seq);

/* CLOCK_MONOTONIC, to measure how long an answer took. */
uint64_t admin_now_ns(void);

#endif
