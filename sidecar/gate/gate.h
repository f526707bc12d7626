#ifndef SIDECAR_GATE_GATE_H
#define SIDECAR_GATE_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "proto/base/ts_arena.h"
#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"
#include "proto/msg/code.h"
#include "proto/trust/keys.h"
#include "proto/trust/revocation.h"
#include "proto/wire/limits.h"
#include "sidecar/common/clock.h"
#include "sidecar/common/control/control.h"
#include "sidecar/common/ring/ring.h"
#include "sidecar/gate/asking/hook_in.h"
#include "sidecar/gate/decide/chain_cache.h"
#include "sidecar/gate/escalate/escalations.h"
#include "sidecar/gate/escalate/refusals.h"
#include "sidecar/gate/people/tenant_state.h"
#include "sidecar/gate/steps/callids.h"
#include "sidecar/gate/steps/clock_guard.h"
#include "sidecar/gate/steps/peers.h"
#include "sidecar/gate/steps/revoke_rate.h"

/*
 * The state of the socket half, made by main() and passed down: nothing here is
 * global. Private to the shell files of this folder (those that use libuv);
 * the deciding half sees none of it.
 */
struct admin;
struct approvals;
struct client;
struct directory;
struct egress_in;
struct meters;
struct prov_tasks;
struct run;
struct snapshot;

#define GATE_READ_MAX    65536 /* bytes taken from one agent in one turn */
#define GATE_ACCEPTS     16    /* connections accepted in one turn */
#define GATE_VERIFIES    2     /* handshakes verified in one turn */
#define GATE_SWEEP_MS    100   /* how often waits are compared with limits */
#define GATE_LATE_MS     60000 /* for launcher and recorder to answer */
#define GATE_RETRY_MS    1     /* while the ring is full */
#define GATE_ARENA_BYTES (8u << 20) /* budget of one decision */
#define GATE_SHOWN_MAX   262144     /* bytes: a chunk, what was held, marks */

/* Who hears that a revocation is in force; zeroed: nobody does. */
struct revoke_asker {
    struct admin *admin;   /* borrowed; NULL once it has gone */
    struct client *client; /* the same; hears MSG_REVOKE instead of ACK */
    uint64_t seq;          /* of that message */
};

/* A revocation that waits for the launchers. */
#define GATE_JOBS (TS_ADMIN_CONNS_MAX)
struct revoke_job {
    bool used;
    bool acked;
    uint64_t rev_seq;
    uint64_t barrier_id;
    bool barrier_pending; /* still to be written into the ring */
    uint64_t since_ns;    /* boot time */
    uint32_t launchers_left;
    uint32_t runs_left; /* signalled and not yet reaped */
    uint64_t tools, sessions, tickets;
    struct revoke_asker asker;
};

/* What the journal gave back at start. */
struct journal_counts {
    uint64_t revocations, budgets, marks, approvals, uses, escalations;
    uint64_t last_seen_ms; /* the newest time in it; 0: none */
    uint64_t took_us;
};

/* A changed directory or heartbeat that waits for its turn. At most one of each
 * kind for a tenant: none is ever left out, it may be what ends somebody. */
#define GATE_FEEDS_MAX 2048
struct feed_waiting {
    bool fd_held;
    int fd;   /* owned while fd_held */
    int what; /* control_feed_kind */
    char tenant[TS_ID_MAX];
    size_t tenant_len;
};

struct gate_stats {
    uint64_t accepted, refused_peers, handshakes, handshake_failures;
    uint64_t chains_known; /* handshakes on a chain of the cache */
    uint64_t permits, denials, pendings, checks, recorded;
    uint64_t frames_bad;
};

struct gate {
    uv_loop_t loop;
    uv_prepare_t before_poll;
    uv_check_t after_poll;
    uv_poll_t sweep; /* of sweep_fd */
    int sweep_fd;    /* owned; a timer in the kernel, see sweep_start() */
    uv_poll_t step;  /* of step_fd */
    int step_fd;     /* owned; readable when the wall clock is set */
    uv_timer_t retry;
    uv_timer_t grace;
    uv_poll_t agent_listen, admin_listen, control_poll;
    uv_poll_t launcher_poll[TS_LAUNCHERS_MAX];
    uv_poll_t broker_poll;
    struct egress_in *egress; /* owned; NULL without a broker */

    uint8_t settings_bytes[CONTROL_MESSAGE_MAX]; /* holds settings' texts */
    struct control_start settings;
    struct trust_secret key;
    struct trust_secret token_key; /* empty unless settings.has_token_key */
    struct snapshot *snapshot;     /* held */
    struct snapshot *next;         /* held; between PREPARE and COMMIT */
    uint64_t snapshot_serial;      /* changes with every swap of snapshot */
    bool commit_waits;             /* COMMIT came, the ring has no room */
    struct tenant_states states;   /* owned */
    struct feed_waiting *feeds;    /* owned, feed_cap of them */
    uint32_t feed_cap, feed_turn;
    bool feeds_wait;
    struct directory *opened; /* held; verified, its revocations under way */
    uint64_t opened_serial;   /* snapshot_serial then */
    struct revocations revoked;
    uint64_t rev_seq;
    struct revoke_rate revoke_rate;
    struct journal_counts replayed;
    struct meters *meters;       /* owned */
    struct approvals *approvals; /* owned */
    struct escalations escalations;
    struct refusals refused; /* of activations */
    struct hook_state hook;
    struct prov_tasks *tasks; /* owned; what tasks have seen */
    size_t seen_bytes;        /* of outputs that runs hold for them */
    struct ring_writer ring;
    struct peers peers;
    struct call_ids ids;
    struct chain_cache chains;
    uint8_t hash_key[16]; /* of call ids and digests */

    struct clock_state clock;
    struct clock_guard guard;
    uint64_t clock_written_ns; /* last JOURNAL_CLOCK; boot time */
    struct moment now;
    bool now_is_read;   /* this turn */
    uint64_t started_s; /* unix, when serving began */
    uint64_t started_ns;
    uint64_t beat_ns;   /* last STATUS to the supervisor */
    uint64_t warned_ns; /* last refused handshake in the service log */
    uint64_t warn_skipped;
    bool warned_binding; /* that peers are known by their uid alone */

    struct client *clients; /* list of all, until their last close callback */
    struct client *dirty;   /* have output for this turn's end */
    struct client *stalled; /* have input that waits for the ring */
    uint32_t client_count;
    uint32_t verified_this_turn;

    struct run *runs; /* owned, TS_CALLS_MAX */
    uint16_t free_runs[TS_CALLS_MAX];
    uint32_t free_count;
    uint64_t order_counter;
    bool runs_wait; /* some run or job waits for room in the ring */

    struct admin *admins[TS_ADMIN_CONNS_MAX];
    struct revoke_job jobs[GATE_JOBS];
    uint64_t barrier_counter;

    struct gate_stats stats;
    struct ts_arena arena;   /* of one decision */
    uint8_t *read_buf;       /* owned, GATE_READ_MAX */
    uint8_t *pipe_buf;       /* owned, TS_CHUNK_MAX */
    struct ts_buf shown_buf; /* output without secrets, GATE_SHOWN_MAX */
    uint8_t *record_buf;     /* owned, TS_RECORD_MAX */
    uint8_t *order_buf;      /* owned, TS_ORDER_MAX */

    uint8_t life_record[CONTROL_MESSAGE_MAX]; /* waits for the ring */
    size_t life_len;                          /* 0: none waits */
    uint32_t refused_told; /* tools of the snapshot with a record, refused.h */

    bool draining;
    bool grace_is_over;
    bool stop_recorded;
    int exit_code;
};

/* The time of this loop turn. */
struct moment gate_now(struct gate *g);
uint64_t gate_boot_ns(void); /* the clock itself, for one record field */

/* Both clocks were read into g->now; what the guard made of them. Once before
 * anything is decided: the newest time that the journal knows (0: none). */
void gate_clock_start(struct gate *g);

/* Ends the process with status 1: used when going on could break a promise.
 * why is static text or has been escaped. */
void gate_fail(struct gate *g, const char *why);

/* Starts the timer that tries again what a full ring held back. */
void gate_retry_soon(struct gate *g);

/* True when nothing runs and nobody is connected while draining; stops the
 * loop then. */
void gate_stop_when_idle(struct gate *g);

#endif
