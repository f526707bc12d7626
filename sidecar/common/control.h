#ifndef SIDECAR_COMMON_CONTROL_H
#define SIDECAR_COMMON_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/wire/limits.h"

/*
 * Between the supervisor and each of its processes, on FD_CONTROL. One
 * SOCK_SEQPACKET message each: first byte the type, the rest one msgpack
 * array. Life of a process:
 *
 *   supervisor                 process
 *   START (+ bundle memfd) ->            settings of its role, first bundle
 *                          <-  READY     confined and serving
 *   PREPARE (+ bundle)     ->            build a new snapshot beside the old
 *                          <-  PREPARED  or REJECTED {text with file:line}
 *   COMMIT {generation}    ->            swap; or ABORT: throw it away
 *   DRAIN {grace_ms}       ->            no new work; exit 0 when done
 *                          <-  STATUS {text}   free text for sd_notify
 *
 * Anything else, in any other state, ends the process.
 */
enum control_type {
    CONTROL_START = 1,
    CONTROL_READY = 2,
    CONTROL_PREPARE = 3,
    CONTROL_PREPARED = 4,
    CONTROL_REJECTED = 5,
    CONTROL_COMMIT = 6,
    CONTROL_ABORT = 7,
    CONTROL_DRAIN = 8,
    CONTROL_STATUS = 9
};

#define CONTROL_UIDS_MAX 16

/* The same settings go to every process; each uses what it needs. */
struct control_start {
    uint64_t generation;     /* of the bundle: 1, then +1 per reload */
    uint64_t boot_id;        /* random per start of the set; part of every id */
    uint32_t launchers;      /* how many there are */
    uint32_t launcher_index; /* which one this is (launcher only) */
    struct ts_str sidecar_id;
    uint32_t audience_count;
    struct ts_str audiences[TS_AUDIENCES_MAX];
    bool durability_sync;     /* otherwise "written" */
    uint32_t admin_uid_count; /* who may use the admin and tail sockets */
    uint32_t admin_uids[CONTROL_UIDS_MAX];
    bool allow_root_agents; /* peers with uid 0 are refused otherwise */
    bool require_pidfd;
    uint64_t segment_bytes;   /* log rotation */
    uint64_t reserve_bytes;   /* disk reserve for denials */
    uint32_t handshake_rate;  /* per second and uid; 0 = TS_HANDSHAKE_RATE */
    uint32_t handshake_burst; /* 0 = TS_HANDSHAKE_BURST */
};

struct control_prepare { /* START carries its own */
    uint64_t generation;
};
struct control_text {   /* REJECTED, STATUS, READY */
    struct ts_str text; /* <= 4096 bytes */
};
struct control_drain {
    uint64_t grace_ms;
};

/* A received message; slices borrow from buf. */
struct control_message {
    enum control_type type;
    int bundle_fd; /* owned by the caller; -1 if none came */
    union {
        struct control_start start;
        struct control_prepare prepare; /* PREPARE, PREPARED, COMMIT, ABORT */
        struct control_text text;
        struct control_drain drain;
    } as;
};

#define CONTROL_MESSAGE_MAX 16384

/* bundle_fd -1 for none. Blocking or not as the socket is. */
TS_NODISCARD ts_err control_send(int sock, const struct control_message *m);
/* TS_E_CLOSED at end of file; every descriptor not expected is closed. */
TS_NODISCARD ts_err control_receive(int sock, uint8_t buf[CONTROL_MESSAGE_MAX],
                                    struct control_message *ret);

#endif
