#ifndef CLI_DIRECTORY_PUSH_H
#define CLI_DIRECTORY_PUSH_H

#include <stdint.h>

#include "cli/admin_socket.h"

/* Hands a signed object to the running service, and waits until everything
 * that it ends has ended. */
enum dir_push {
    DIR_PUSH_DONE,
    DIR_PUSH_NOBODY,    /* printed: no service answers there */
    DIR_PUSH_REFUSED,   /* printed: it was judged, and nothing has changed */
    DIR_PUSH_UNKNOWN,   /* printed: it may be in force, or not */
    DIR_PUSH_UNFINISHED /* printed: in force, but tools still run */
};

struct dir_pushed {
    uint64_t sessions, tools;
    uint64_t took_ms; /* from the question to the last answer */
};

/* ack, when not NULL, is called between the two answers: it is in force. */
enum dir_push dir_push(const char *socket_path, const struct admin_feed *m,
                       uint64_t wait_s, bool (*ack)(void *), void *arg,
                       struct dir_pushed *ret);

#endif
