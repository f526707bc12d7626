#ifndef SIDECAR_COMMON_CONTROL_HEAR_H
#define SIDECAR_COMMON_CONTROL_HEAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/common/control/control.h"

#define CONTROL_PART_TEXT 2048 /* with its 0 */

/*
 * The side of a process in its life with the supervisor (control.h): START as
 * the first message, and then, of a process that swaps configurations within
 * one turn, PREPARE, COMMIT, ABORT and DRAIN. What it does with them it says
 * in a table; which may come when, who answers what, and whose the descriptors
 * are, stands here. Gate and recorder hear the later messages themselves: the
 * gate's COMMIT waits for its ring, and the recorder has nothing to prepare.
 */
struct control_part {
    /* PREPARE: builds what stands in bundle_fd beside what is in force, and
     * instead of what was built before. Takes bundle_fd over. TS_OK: text goes
     * with PREPARED ("" as it comes). Else it goes with REJECTED, and nothing
     * is held. text has room for CONTROL_PART_TEXT bytes. */
    ts_err (*prepare)(void *self, int bundle_fd, uint64_t generation,
                      char *text, size_t cap);
    /* COMMIT: puts into force what was built. */
    ts_err (*commit)(void *self);
    /* ABORT: lets go of what was built, if there is anything. */
    void (*abort)(void *self);
    ts_err (*drain)(void *self, uint64_t grace_ms);
};

struct control_ear {
    int sock;                        /* borrowed */
    const struct control_part *part; /* borrowed */
    void *self;                      /* borrowed; goes to part */
    bool is_prepared;
    uint64_t generation; /* if is_prepared: of what */
};

/*
 * The first message. fds: how many descriptors may come; if not 0, the bundle
 * must. Those in *ret are the caller's; the texts in *ret lie in buf. Anything
 * else but START is TS_E_STATE, its descriptors closed.
 */
TS_NODISCARD ts_err control_receive_start(int sock, uint32_t fds,
                                          uint8_t buf[CONTROL_MESSAGE_MAX],
                                          struct control_message *ret);
/* One message, and its answer. TS_E_AGAIN and TS_E_CLOSED as
 * control_receive(); after any other error the process has to end. */
TS_NODISCARD ts_err control_hear(struct control_ear *ear);
/* READY, REJECTED or STATUS with this text, of CONTROL_TEXT_MAX bytes at
 * most: TS_E_LIMIT. */
TS_NODISCARD ts_err control_say(int sock, enum control_type type,
                                const char *text);

#endif
