#ifndef SIDECAR_GATE_WIRE_CONN_UV_H
#define SIDECAR_GATE_WIRE_CONN_UV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"
#include "proto/wire/limits.h"
#include "sidecar/gate/gate.h"
#include "sidecar/gate/steps/conn.h"

/*
 * The I/O of one agent connection: bytes in, frames to session.c; frames out,
 * one send per loop turn. What to do about an event is conn.c's answer.
 *
 * Lives from listen.c's accept until the last close callback of its handles;
 * only there is it freed.
 */
struct prov_task;

struct check_progress { /* a CHECK that met a full ring half way */
    bool active;
    uint32_t done;        /* items decided */
    struct ts_buf answer; /* encoded items so far */
};

struct client {
    struct conn core;
    struct gate *gate;
    struct client *prev, *next;
    struct client *next_dirty, *next_stalled;
    bool is_dirty, is_stalled;
    bool counted; /* in gate.peers */

    uv_poll_t sock;
    uv_poll_t peer;
    int fd;    /* owned */
    int pidfd; /* owned; -1 where the kernel has none */
    unsigned handles;
    int watching; /* uv events of sock */

    uint32_t uid, gid, pid;
    uint64_t pidfs_ino;
    struct ts_buf in, out;
    uint64_t state_ns;    /* when the present wait began, boot time */
    uint64_t progress_ns; /* when output last moved, or was empty */

    uint8_t challenge[32];
    struct authority *authority; /* owned; NULL before READY */
    struct grant_calls *ids;     /* held; NULL before READY */
    struct prov_task *task;      /* the same */
    uint64_t checked_epoch, checked_serial;
    const struct tenant_state *tenant; /* the gate's; NULL before READY */
    uint64_t expires_ns; /* boot time: a step of the clock cannot extend it */
    uint64_t next_seq;
    uint16_t runs[TS_CALLS_PER_CONN];
    uint32_t run_count;
    uint32_t held_count; /* calls that wait for people, held.c */
    struct check_progress check;
};

/* Takes fd and pidfd (-1: none) over, whatever the result. */
TS_NODISCARD ts_err client_new(struct gate *g, int fd, int pidfd, uint32_t uid,
                               uint32_t gid, uint32_t pid, struct client **ret);

/* Every event that is not a frame. The connection may be closing afterwards;
 * the memory stays valid until the next loop turn at least. */
void client_event(struct client *c, enum conn_event ev);

/* For session.c alone: conn_step() said CONN_DO_CLOSE to a frame. */
void client_closes(struct client *c);

/* Call after something was appended to c->out; e is the append's result: an
 * error is a fault of the connection, since a lost message would leave the
 * peer waiting. With TS_OK alone: look again at this turn's end whether
 * DRAINING is over. */
void client_sent(struct client *c, ts_err e);

/* Output beyond the high-water mark: tools' pipes are not read. */
bool client_is_full(const struct client *c);

/* Sends what is queued, once per turn; resumes what waited for it. */
void clients_flush(struct gate *g);
/* Tries stalled input again. */
void clients_retry(struct gate *g);
/* Compares every wait with its limit. */
void clients_sweep(struct gate *g);

#endif
