#ifndef SIDECAR_COMMON_CONTROL_CONTROL_H
#define SIDECAR_COMMON_CONTROL_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/msg/order.h"
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
 *                          <-  PREPARED {gen., text}: of a launcher, tools
 *                                        that it will not serve, a line each;
 *                                        or REJECTED {text with file:line}
 *   COMMIT {generation}    ->            swap, and (gate) write policy_loaded
 *   ABORT {gen., text}     ->            throw it away, and (gate) write
 *                                        policy_rejected with the text
 *   FEED {tenant, what}    ->            (gate) a signed object that has
 *     (+ sealed memfd)                   changed on the disk: take it or say in
 *                                        the log why not; no answer
 *   WATCHER {uid}          ->            (gate) the other end of a channel to
 *     (+ its socket)                     the hook's process, which runs as uid
 *   DRAIN {grace_ms}       ->            no new work; exit 0 when done
 *                          <-  STATUS {text}   free text for sd_notify; that
 *                                        of the gate also says that it turns
 *
 * Anything else, in any other state, ends the process. ABORT may come without
 * a PREPARE before it: then the files could not even be read. FEED comes only
 * between READY and DRAIN, and not between PREPARE and COMMIT or ABORT.
 *
 * Encoding: byte type, then an array whose first element is the number of
 * descriptors in the message (0 to 2); a message that came with another number
 * is refused. control_receive() closes every descriptor of a refused message.
 *
 * The recorder is started first. Its READY carries one descriptor (bundle_fd):
 * a sealed memfd of the journal entries that count,
 * [1, [[type, tenant str, keep_until, payload bin]...]], oldest first (enum
 * journal_type, proto/msg/order.h). The supervisor hands it to the gate: START
 * to the gate carries two descriptors, bundle_fd and journal_fd, in this order;
 * every other message carries one at most, and journal_fd is -1 there.
 *
 * The process of the on_pending hook is of no set, and has a life of its own:
 * the supervisor says HOOK and nothing else, it says nothing at all, and ends
 * when the gate's end of its channel is closed.
 *
 * DRAIN goes to the gate first, then to the launchers, and to the recorder
 * last, after the gate has ended (in good order or not): the recorder then
 * writes down what is left in the ring, closes launches that have no outcome
 * as "lost", and exits 0. It launches nothing any more.
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
    CONTROL_STATUS = 9,
    CONTROL_FEED = 10,
    CONTROL_HOOK = 11,
    CONTROL_WATCHER = 12
};

enum control_feed_kind {       /* which file of the tenant */
    CONTROL_FEED_SNAPSHOT = 1, /* directory.snapshot */
    CONTROL_FEED_HEARTBEAT = 2 /* directory.heartbeat */
};

#define CONTROL_UIDS_MAX      16
#define CONTROL_OPERATORS_MAX 32

/* Who may tail, list and revoke in one tenant and in no other. */
struct control_operator {
    struct ts_str tenant; /* 1 to TS_ID_MAX bytes */
    uint32_t uid;
};

/* `sandbox:` of tipstaff.yaml, for launchers. */
struct control_sandbox {
    enum box_level most; /* BOX_ANY: whatever the host gives */
    uint32_t uid_first;  /* uids that running tools may have: this many from */
    uint32_t uid_count;  /* here on; each launcher takes its share. 0: none */
    bool cgroups;        /* LAUNCHER_FD_CGROUP is a folder for our cgroups */
};
#define CONTROL_RESOLV_MAX 1024 /* bytes; of dns too */

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
    /* Strictly ascending by tenant, then uid: no pair stands twice. */
    uint32_t tenant_operator_count;
    struct control_operator tenant_operators[CONTROL_OPERATORS_MAX];
    bool init_state; /* the recorder may begin a journal where one was before */
    bool has_token_key; /* the seed that signs identity tokens follows the
                           sidecar's in the key pipe (fds.h) */
    bool check_only; /* --check: whatever is wrong with a tenant's directory is
                        a mistake, not that tenant's trouble */
    struct control_sandbox sandbox;
    bool has_broker;   /* tipstaff.yaml has `egress:`, and the broker runs */
    struct ts_str dns; /* "ADDR:PORT,[ADDR6]:PORT"; "" if the broker is to take
                          the servers of `resolv` */
    struct ts_str resolv; /* what resolv.conf held; <= CONTROL_RESOLV_MAX */
};

struct control_prepare { /* START carries its own */
    uint64_t generation;
};
struct control_prepared {
    uint64_t generation;
    struct ts_str text; /* <= CONTROL_TEXT_MAX */
};
struct control_text {   /* REJECTED, STATUS, READY */
    struct ts_str text; /* <= CONTROL_TEXT_MAX bytes of UTF-8 */
};
struct control_abort {
    uint64_t generation;
    struct ts_str text; /* FILE:LINE: what; what to do */
};
struct control_drain {
    uint64_t grace_ms;
};
struct control_feed {
    struct ts_str tenant; /* 1 to TS_ID_MAX bytes, as its directory is called */
    enum control_feed_kind what;
};

#define CONTROL_HOOK_TIMEOUT_MAX  300000 /* ms */
#define CONTROL_HOOK_PARALLEL_MAX 16
#define CONTROL_HOOK_MINUTE_MAX   6000
#define CONTROL_HOOK_ARGS         16
#define CONTROL_HOOK_DIRS         4
#define CONTROL_HOOK_BYTES                                                     \
    4096 /* of the command, its words and the folders                          \
          */

/* `approvals: {on_pending: ..}` of tipstaff.yaml. Absolute paths, no NUL. */
struct control_hook {
    struct ts_str exec;
    uint32_t arg_count;
    struct ts_str args[CONTROL_HOOK_ARGS];
    uint32_t dir_count; /* beneath which it may write */
    struct ts_str dirs[CONTROL_HOOK_DIRS];
    uint64_t timeout_ms;
    uint32_t parallel, per_minute; /* >= 1 */
};
struct control_watcher {
    uint32_t uid;
};

/* A received message; slices borrow from buf. */
struct control_message {
    enum control_type type;
    int bundle_fd;  /* owned by the caller; -1 if none came; FEED's object */
    int journal_fd; /* the same; only START to the gate has it */
    union {
        struct control_start start;
        struct control_prepare prepare; /* PREPARE, COMMIT */
        struct control_prepared prepared;
        struct control_abort abort;
        struct control_text text;
        struct control_drain drain;
        struct control_feed feed; /* bundle_fd is the object's memfd */
        struct control_hook hook;
        struct control_watcher watcher; /* bundle_fd is the socket */
    } as;
};

#define CONTROL_BEAT_MS     1000 /* between two STATUS of a gate that serves */
#define CONTROL_MESSAGE_MAX 9728
#define CONTROL_TEXT_MAX    4096

/* The body alone, without a socket: type byte and array, fds = how many
 * descriptors go with it. */
TS_NODISCARD ts_err control_encode(const struct control_message *m, void *buf,
                                   size_t cap, size_t *ret_len);
TS_NODISCARD ts_err control_decode(const uint8_t *buf, size_t len, uint32_t fds,
                                   struct control_message *ret);

/* bundle_fd and journal_fd -1 for none (journal_fd only with a bundle_fd); both
 * stay the caller's. Blocking or not as the socket is; TS_E_AGAIN when full. */
TS_NODISCARD ts_err control_send(int sock, const struct control_message *m);
/* TS_E_CLOSED at end of file, TS_E_AGAIN when a non-blocking socket has
 * nothing; every descriptor not expected is closed. */
TS_NODISCARD ts_err control_receive(int sock, uint8_t buf[CONTROL_MESSAGE_MAX],
                                    struct control_message *ret);

#endif
