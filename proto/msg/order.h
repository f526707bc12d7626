#ifndef PROTO_MSG_ORDER_H
#define PROTO_MSG_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/msg/code.h"
#include "proto/wire/limits.h"

/*
 * What travels the ring  gate -> recorder -> launcher -> gate.
 *
 * Gate to recorder: entries in the shared-memory ring
 * (sidecar/common/ring/ring.h), in order. Recorder to launcher and launcher to
 * gate: one SOCK_SEQPACKET message each, first byte the type, the rest one
 * msgpack array.
 *
 *   ring entry    does
 *   RECORD        body: record map. Written to the log.
 *   LAUNCH        body: [launcher, record bin, order bin]. The record is made
 *                 durable, then the order goes to that launcher. If the record
 *                 cannot be written the launcher gets VOID instead.
 *   KILL          body: [launcher, order_id, reason]. Forwarded in order, so it
 *                 can never overtake the launch that it must stop.
 *   JOURNAL       body: [type, tenant str, key bin16, keep_until, payload bin].
 *                 fdatasync'd.
 *   BARRIER       body: [id]. Forwarded to every launcher after all earlier
 *                 entries are durable; each launcher returns it to the gate
 *                 after all earlier kills were signalled.
 *
 *   recorder to launcher: ORDER (the order's bytes), KILL, VOID, BARRIER
 *   launcher to gate:     STARTED (+3 fds), REFUSED, EXITED, BARRIER, UNSERVED
 */
enum ring_kind {
    RING_RECORD = 1,
    RING_LAUNCH = 2,
    RING_KILL = 3,
    RING_JOURNAL = 4,
    RING_BARRIER = 5
};

enum hop_type {
    HOP_ORDER = 1,   /* recorder to launcher */
    HOP_KILL = 2,    /* recorder to launcher */
    HOP_VOID = 3,    /* recorder to launcher; comes back as REFUSED */
    HOP_BARRIER = 4, /* recorder to launcher, and launcher to gate */
    HOP_STARTED = 5, /* launcher to gate, with stdin, stdout, stderr ends */
    HOP_REFUSED = 6, /* launcher to gate */
    HOP_EXITED = 7,  /* launcher to gate; the whole tree is gone by then */
    HOP_UNSERVED = 8 /* launcher to gate, after START and COMMIT: one tool */
};

/*
 * One launch. [3, order_id, generation, tool str, args map, path str, access,
 *  wall_ms, output_max, has_stdin bool, decision_id bin16, token str, box,
 *  require]
 * The launcher finds the tool among its own manifests of that generation,
 * checks args again, derives the path again and refuses if it differs, and can
 * only be made stricter by wall_ms, output_max, box and require.
 */

/* How much of a box stands around a tool; docs/SANDBOX.md. Each level is more
 * than the one before, with one exception: a full box that was made in a user
 * namespace has no uid of its own (the layers say so). */
enum box_level {
    BOX_ANY = 0,   /* no demand: the best that host and configuration give */
    BOX_BARE = 1,  /* needs no privilege */
    BOX_UID = 2,   /* and a uid of its own while it runs */
    BOX_FULL = 3,  /* and namespaces: own root, /tmp, /proc, no network */
    BOX_STRICT = 4 /* and a filter of its own, no writable code, no exec */
};
const char *box_level_name(enum box_level l); /* static; "any" for BOX_ANY */
/* False, and *ret untouched, for a name of none; "any" is one. */
TS_NODISCARD bool box_level_parse(struct ts_str name, enum box_level *ret);

enum order_access {
    ACCESS_NONE = 0,
    ACCESS_READ = 1,
    ACCESS_WRITE = 2 /* read and write; a missing file is created */
};
struct order {
    uint64_t order_id; /* never 0, never used twice in one life of the gate */
    uint64_t
        generation; /* of the manifests, see sidecar/common/control/control.h */
    struct ts_str tool;
    struct ts_bytes args; /* exact received bytes */
    struct ts_str path;   /* canonical absolute path of the resource, or "" */
    enum order_access access;
    uint64_t wall_ms;
    uint64_t output_max; /* for the record; the gate counts the bytes */
    bool has_stdin;
    uint8_t decision_id[16];
    struct ts_str token; /* for a tool with identity_token, else "" */
    enum box_level box;  /* the least that policies demand */
    uint32_t require;    /* layer_bit that policies demand */
};

struct order_kill { /* [order_id, reason] */
    uint64_t order_id;
    enum end_reason reason;
};
struct order_void { /* [order_id, code str] */
    uint64_t order_id;
    enum call_code code;
};
struct order_barrier { /* [id] */
    uint64_t id;
};

/* Sandbox layers, as bits; docs/SANDBOX.md explains each. */
enum layer_bit {
    LAYER_NO_NEW_PRIVS = 1 << 0,
    LAYER_SECCOMP = 1 << 1,
    LAYER_LANDLOCK = 1 << 2, /* file system, cut to manifest and resource */
    LAYER_LANDLOCK_NET = 1 << 3,
    LAYER_LANDLOCK_SCOPE = 1 << 4, /* abstract sockets and signals */
    LAYER_RLIMITS = 1 << 5,
    LAYER_FDS_CLOSED = 1 << 6,
    LAYER_CLEAN_ENV = 1 << 7,
    LAYER_SESSION = 1 << 8, /* setsid, no controlling terminal */
    LAYER_PDEATHSIG = 1 << 9,
    LAYER_SUBREAPER = 1 << 10,
    LAYER_UID = 1 << 11,
    LAYER_NAMESPACES = 1 << 12,
    LAYER_CGROUP = 1 << 13,      /* limits of memory and processes for all of
                                    a tool together */
    LAYER_NET_NS = 1 << 14,      /* a network namespace without a way out */
    LAYER_PRIVATE_TMP = 1 << 15, /* /tmp and /dev/shm of its own, sized */
    LAYER_OWN_PROC = 1 << 16,    /* /proc shows its own processes only */
    LAYER_KEYRING = 1 << 17,     /* an empty session keyring */
    LAYER_NO_WX = 1 << 18,       /* no memory both writable and executable */
    LAYER_OWN_FILTER = 1 << 19,  /* a further filter of its own (strict) */
    LAYER_METADATA = 1 << 20 /* mode, owner and times of its own files only */
};
#define LAYER_BITS_ALL ((1u << 21) - 1)

/*
 * [order_id, layers, landlock_abi, launch_us, box, weakened, tripwires bin]
 * layers: what holds for this very run. weakened: those of them that hold less
 * than their name says here (docs/SANDBOX.md says when). Layers in neither are
 * absent. tripwires: how the gate recognises the secrets that this tool was
 * given, without knowing them (sidecar/common/tripwire/tripwire.h); often
 * empty.
 */
struct order_started {
    uint64_t order_id;
    uint32_t layers; /* layer_bit */
    uint32_t landlock_abi;
    uint64_t launch_us; /* order received to exec done */
    enum box_level box; /* never BOX_ANY */
    uint32_t weakened;  /* a subset of layers */
    struct ts_bytes tripwires;
};
#define TS_TRIPWIRES_MAX 4096 /* bytes: of nine secrets */
struct order_refused { /* [order_id, code str, step str, sys_errno, text str] */
    uint64_t order_id;
    enum call_code code;
    struct ts_str step; /* e.g. "landlock", "openat2", "execveat" */
    uint32_t sys_errno;
    struct ts_str text; /* one sentence */
};
/* [generation, tool str, text str]: what only the launcher can see keeps a tool
 * of that generation from being served (its program is not there, this host
 * gives no such box). The gate denies calls of it, says so in a record and in
 * its status; a call that was under way is refused by the launcher. */
struct order_unserved {
    uint64_t generation;
    struct ts_str tool; /* 1 to TS_TOOL_NAME_MAX bytes */
    struct ts_str text; /* "FILE:LINE: what; what to do" */
};
#define TS_UNSERVED_TEXT_MAX 512 /* bytes */
/* [order_id, reason, exit_code, signal, wall_us, cpu_us, max_rss_kb, killed] */
struct order_exited {
    uint64_t order_id;
    enum end_reason reason;
    uint32_t exit_code;
    uint32_t signal;
    uint64_t wall_us;
    uint64_t cpu_us;
    uint64_t max_rss_kb;
    uint32_t killed; /* further processes of the tool that were ended by force,
                        after its end or with it: as many as were seen, 256 at
                        most in a namespace of their own */
};

TS_NODISCARD ts_err order_encode(const struct order *o, void *buf, size_t cap,
                                 size_t *ret_len);
TS_NODISCARD ts_err order_decode(const void *b, size_t n, struct order *ret,
                                 const char **reterr_what);
TS_NODISCARD ts_err order_kill_encode(const struct order_kill *o, void *buf,
                                      size_t cap, size_t *ret_len);
TS_NODISCARD ts_err order_kill_decode(const void *b, size_t n,
                                      struct order_kill *ret,
                                      const char **reterr_what);
TS_NODISCARD ts_err order_void_encode(const struct order_void *o, void *buf,
                                      size_t cap, size_t *ret_len);
TS_NODISCARD ts_err order_void_decode(const void *b, size_t n,
                                      struct order_void *ret,
                                      const char **reterr_what);
TS_NODISCARD ts_err order_barrier_encode(const struct order_barrier *o,
                                         void *buf, size_t cap,
                                         size_t *ret_len);
TS_NODISCARD ts_err order_barrier_decode(const void *b, size_t n,
                                         struct order_barrier *ret,
                                         const char **reterr_what);
TS_NODISCARD ts_err order_started_encode(const struct order_started *o,
                                         void *buf, size_t cap,
                                         size_t *ret_len);
TS_NODISCARD ts_err order_started_decode(const void *b, size_t n,
                                         struct order_started *ret,
                                         const char **reterr_what);
TS_NODISCARD ts_err order_refused_encode(const struct order_refused *o,
                                         void *buf, size_t cap,
                                         size_t *ret_len);
TS_NODISCARD ts_err order_refused_decode(const void *b, size_t n,
                                         struct order_refused *ret,
                                         const char **reterr_what);
TS_NODISCARD ts_err order_unserved_encode(const struct order_unserved *o,
                                          void *buf, size_t cap,
                                          size_t *ret_len);
TS_NODISCARD ts_err order_unserved_decode(const void *b, size_t n,
                                          struct order_unserved *ret,
                                          const char **reterr_what);
TS_NODISCARD ts_err order_exited_encode(const struct order_exited *o, void *buf,
                                        size_t cap, size_t *ret_len);
TS_NODISCARD ts_err order_exited_decode(const void *b, size_t n,
                                        struct order_exited *ret,
                                        const char **reterr_what);

/* Ring bodies that wrap the above; slices borrow from the entry. */
struct ring_launch { /* [launcher, record bin, order bin] */
    uint32_t launcher;
    struct ts_bytes record;
    struct ts_bytes order;
};
struct ring_kill { /* [launcher, order_id, reason] */
    uint32_t launcher;
    struct order_kill kill;
};

/*
 * What must outlive a restart; docs/LOG.md, "The journal". A later entry of the
 * same type, tenant and key replaces an earlier one, so whoever writes it
 * merges first. An entry whose keep_until has passed may be forgotten, but not
 * the newest revocation, nor a clock or a directory's mark. The recorder needs
 * to know no more than this.
 */
enum journal_type {
    JOURNAL_REVOCATION = 1,
    JOURNAL_CALLS = 2,      /* reserved calls of a grant with a budget */
    JOURNAL_DIRECTORY = 3,  /* the newest directory that was accepted */
    JOURNAL_CLOCK = 4,      /* the time that was seen last */
    JOURNAL_APPROVAL = 5,   /* a launch that people approved: who, and which */
    JOURNAL_ESCALATION = 6, /* an escalation: how often it was used */
    JOURNAL_USES = 7        /* counters of a grant, calls in flight included */
};
#define JOURNAL_TYPE_LAST   JOURNAL_USES
#define JOURNAL_KEY_ID      16   /* bytes of a key: a hash of what it names */
#define JOURNAL_PAYLOAD_MAX 4096 /* bytes */
struct ring_journal { /* [type, tenant str, key bin16, keep_until, payload] */
    enum journal_type type;
    struct ts_str tenant; /* <= TS_ID_MAX bytes; "" for no tenant's */
    uint8_t key[JOURNAL_KEY_ID];
    uint64_t keep_until; /* unix seconds; UINT64_MAX for ever */
    struct ts_bytes payload;
};
TS_NODISCARD ts_err ring_launch_encode(const struct ring_launch *o, void *buf,
                                       size_t cap, size_t *ret_len);
TS_NODISCARD ts_err ring_launch_decode(const void *b, size_t n,
                                       struct ring_launch *ret,
                                       const char **reterr_what);
TS_NODISCARD ts_err ring_kill_encode(const struct ring_kill *o, void *buf,
                                     size_t cap, size_t *ret_len);
TS_NODISCARD ts_err ring_kill_decode(const void *b, size_t n,
                                     struct ring_kill *ret,
                                     const char **reterr_what);
TS_NODISCARD ts_err ring_journal_encode(const struct ring_journal *o, void *buf,
                                        size_t cap, size_t *ret_len);
TS_NODISCARD ts_err ring_journal_decode(const void *b, size_t n,
                                        struct ring_journal *ret,
                                        const char **reterr_what);

#endif
